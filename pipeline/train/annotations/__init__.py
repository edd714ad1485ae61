"""Classifiers of messages from labelled rows: closeness, emotion, stage, decision.

labelled.py     rows of the user's files, of a run or of a dataset, as labelled messages
calibrate.py    from what heads say to probabilities
crossed.py      heads, measured on groups that they have not seen
card.py         what they are worth
train.py        all of it, into a folder that `score: {classifiers: FOLDER}` reads
"""
