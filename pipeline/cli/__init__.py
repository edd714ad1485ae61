"""The command line: the group of commands, and what a failure looks like to the user.

It decides nothing, and it alone prints, reads the environment and exits.

    run.py       run, check, plan, init, recipe, clean
    stages.py    a command for each stage, made from the table of stages
    evaluate.py  what `score` shows of the user's own conversations
    push.py      push
    forget.py    forget
    compare.py   compare: two runs, or two releases
    train.py     train sft, dpo, kto, annotations
    look.py      look, why, stats, sample, export; chats.py: conversations as lines
    calibrate.py calibrate filter, calibrate score
    companion.py serve, chat
    request.py   what the command of a stage was given, and its run
    execute.py   runs a recipe, shows progress meanwhile
    progress.py  a bar for each stage, or plain lines
    render.py    results as tables and lines; verdicts.py, curve.py, agreement.py: those of `score`
"""

from __future__ import annotations

import errno
import os
import sys

import click

from pipeline import UserError, __version__
from pipeline.cli import calibrate, companion, compare, forget, look, push, run, stages, train
from pipeline.cli.execute import UNKEPT
from pipeline.cli.streams import complain
from pipeline.run.startup import lean

# exit codes, besides click's own 2 for a command that is not understood
DONE, USER_MUST_ACT, DONE_IN_PART, INTERRUPTED = 0, 1, 3, 130

CONTINUES = "What was finished is kept; the same command goes on from there."
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS)
SQLITE_ERRORS = (
    "disk is full",
    "disk I/O error",
    "readonly database",
    "unable to open database file",
)


class InOrder(click.Group):
    """A group whose help lists its commands as they were added, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="rapport")
def cli() -> None:
    """Dialogue datasets from one recipe: collect, generate, filter, dedup, score, publish.

    Begin with `rapport run quickstart`, or with `rapport init FOLDER` on files of your own.
    """


for _command in (
    *run.COMMANDS,
    *stages.COMMANDS,
    *push.COMMANDS,
    *forget.COMMANDS,
    *compare.COMMANDS,
    *look.COMMANDS,
    *calibrate.COMMANDS,
    *companion.COMMANDS,
    *train.COMMANDS,
):
    cli.add_command(_command)


def main() -> None:
    """Run a command.

    Exits with 0: done. 1: the user must act, with one message. 2: usage. 3: done in part.
    130: interrupted. A traceback is a bug.
    """
    lean(os.environ)
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort) as error:  # click has ended the line with the ^C
        code = complain(f"Interrupted. {_kept(error)}", INTERRUPTED)
    except UserError as error:
        code = complain(str(error), USER_MUST_ACT)
    except BrokenPipeError:  # `rapport stats … | head`
        # Python flushes stdout once more at its end, and would complain there
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = USER_MUST_ACT
    except Exception as error:
        problem = _disk_problem(error)
        if problem is None:
            raise
        code = complain(f"{problem}. {_kept(error)}", USER_MUST_ACT)
    sys.exit(code)


def _kept(error: BaseException) -> str:
    """What is kept of a command that stopped: click raises its own error from the first one."""
    notes = [getattr(one, "__notes__", []) for one in (error, error.__cause__)]
    return UNKEPT if [UNKEPT] in notes else CONTINUES


def _disk_problem(error: Exception) -> str | None:
    """What a disk reports that is full or may not be written, be it to us or to SQLite."""
    if isinstance(error, OSError) and error.errno in DISK_ERRORS:
        problem = os.strerror(error.errno)
        return " at ".join(filter(None, (problem, error.filename)))
    # by name: sqlite3 is not imported for a command that needs none
    is_sqlite = type(error).__module__ == "sqlite3"
    if is_sqlite and any(problem in str(error) for problem in SQLITE_ERRORS):
        return f"SQLite: {error}"
    return None
