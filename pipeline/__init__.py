"""Rapport: dialogue datasets in one pipeline, every conversation accounted for."""

__version__ = "0.1.0"


class UserError(Exception):
    """Something the user can act on: what was wrong, where, what to do.

    Shown as it is, without a traceback.
    """
