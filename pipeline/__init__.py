"""Rapport: dialogue datasets in one pipeline, every conversation accounted for."""

from __future__ import annotations

from collections.abc import Iterator

__version__ = "0.1.0"


class UserError(Exception):
    """Something the user can act on: what was wrong, where, what to do.

    Shown as it is, without a traceback.
    """


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and its causes. The first cause is first, since it knows the most."""
    if error is not None:
        yield from causes(error.__cause__ or error.__context__)
        yield error
