"""Score: what is measured of a conversation, and what follows from it for each criterion.

This stage drops nothing. Every value is of one criterion (`configs/criteria.yaml`), from 1 to 5, or
none where nobody can honestly say.

    apply.py                 work(part, settings): rows with annotations, measures and scores
    measure.py               annotations of messages, and a row's own numbers
    blame.py                 the steps closer that are to blame for a fast pace
    rate.py                  from all these to criteria, with the messages that are to blame

Beside the stage, for people:

    verdict.py               what is said of conversations, and where it is less than required
    compare.py               two sets of conversations
    ratings.py               what people said of conversations
    calibrate.py             how far scorers agree with it
    certainty.py             rank correlation, and intervals by bootstrap

Measuring depends on `settings.measuring()` only, and `rate` on what is stored. Nothing is imported
here: what measures must not stand on what rates.
"""
