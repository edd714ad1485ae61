"""What the Hub refuses, in words; and what may pass, asked again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pipeline import UserError, causes

WAITS = (1.0, 2.0, 4.0, 8.0)  # seconds before what the library asks only once is asked again
LONGEST = 60.0  # seconds that are waited because the Hub says so; for more, the user comes back
STALE = 412  # somebody else has committed since
PASSING = (408, 429, 500, 502, 503, 504)
# Errors of the HTTP library, by name: which library it is depends on the version of the Hub's.
UNREACHED = (
    "ConnectError",
    "ConnectTimeout",
    "ReadError",
    "ReadTimeout",
    "RemoteProtocolError",
    "WriteError",
    "WriteTimeout",
)
T = TypeVar("T")


def retried(step: Callable[[], T]) -> T:
    """What a step gives. It is tried again where it fails for the moment."""
    for wait in WAITS:
        try:
            return step()
        except Exception as error:
            if not may_pass(error):
                raise
            pause(error, wait)
    return step()


def may_pass(error: BaseException) -> bool:
    """Is it worth asking again soon?"""
    status = _status(error)
    is_soon = _asked_wait(error) <= LONGEST
    return is_soon and (status in (*PASSING, STALE) or type(error).__name__ in UNREACHED)


def is_refused(error: BaseException) -> bool:
    """Does it say that nothing was done?"""
    return 400 <= (_status(error) or 0) < 500 or isinstance(error, ValueError)


def pause(error: BaseException, wait: float) -> None:
    """Wait so many seconds, or as many as the Hub asks for."""
    time.sleep(max(wait, _asked_wait(error)))


def _status(error: BaseException) -> int | None:
    status: int | None = getattr(getattr(error, "response", None), "status_code", None)
    return status


def _asked_wait(error: BaseException) -> float:
    response = getattr(error, "response", None)
    text = response.headers.get("Retry-After", "") if response is not None else ""
    return float(text) if text.isdigit() else 0.0


@contextmanager
def explained(name: str, state: Callable[[], str]) -> Iterator[None]:
    """Turns what fails between here and the Hub into one message that says what to do. state: a
    sentence on what is published now.

    Any error is looked at, since the libraries wrap them in errors of many kinds; one without a
    known cause is raised as it is.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        found = (_message(name, cause) for cause in causes(error))
        message = next(filter(None, found), None)
        if message is None:
            raise
        raise UserError(f"{message} {state()}") from error


def _message(name: str, error: BaseException) -> str | None:
    """What an error means and what to do; None where it is not known."""
    from huggingface_hub import constants, errors

    where = f"The Hub at {constants.ENDPOINT}"
    if isinstance(error, errors.OfflineModeIsEnabled):
        return "The Hub is set to offline: unset HF_HUB_OFFLINE."
    if isinstance(error, errors.HFValidationError):
        return f"{name!r} is not a dataset's name: write owner/name."
    if isinstance(error, errors.HfHubHTTPError) and error.response is not None:
        return _refused(where, name, error)
    if type(error).__name__ in UNREACHED or isinstance(error, ConnectionError):
        kind = type(error).__name__
        return f"{where} cannot be reached ({kind}): check the network and HF_ENDPOINT."
    if isinstance(error, ValueError) and "metadata in README.md" in str(error):
        return f"{where} does not take the card: {_line(error)}."
    if isinstance(error, ValueError) and "LFS batch" in str(error):
        return f"{where} does not take a file: {_line(error)}."
    return None


def _refused(where: str, name: str, error: BaseException) -> str:
    status, said = _status(error), getattr(error, "server_message", None) or ""
    says = f" It says: {' '.join(said.split())}." if said else ""
    if status == 401:
        return f"{where} does not know you: set HF_TOKEN, or log in with `hf auth login`.{says}"
    if status == 403:
        advice = "take one with the role `write`, and check that you may write there"
        return f"{where} does not let this token write to {name}: {advice}.{says}"
    if status == 404:
        return f"{where} has no dataset {name} that this token may see.{says}"
    if status == 429:
        wait = _asked_wait(error)
        rest = f"in {wait:.0f} seconds" if wait else "later"
        return f"{where} limits how often it may be asked (429): run again {rest}."
    if status == STALE:
        return f"Others are committing to {name} at the same time: run again when they are done."
    if status and status >= 500:
        return f"{where} is in trouble ({status}): run the same command later."
    return f"{where} refuses {name} ({status}).{says}"


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".")
