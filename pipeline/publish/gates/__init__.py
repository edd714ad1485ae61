"""What keeps a row, or a whole dataset, from being released.

    of a row          minors (cut.py), rating, benchmarks: it is dropped, with a reason
    of its texts      personal data: noted as a finding; people.py: made-up names for speakers
    of the dataset    licences, leaks, losses, quarantine, tests of the data, templates: a refusal

A refusal names the rows that it is for, and what to do. No recipe opens the gate on minors.
"""
