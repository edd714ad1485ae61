"""Commands for whoever talks with a character: serve, chat."""

from __future__ import annotations

import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline import UserError
from pipeline.cli import streams
from pipeline.cli.request import KEY, REHEARSAL

if TYPE_CHECKING:  # imported where used: --help must not wait for pydantic and numba
    import asyncio

    from pipeline.companion.access import Access
    from pipeline.companion.service import Service
    from pipeline.companion.talk import OwnTalk
    from pipeline.recipe.companion import CompanionSettings
    from pipeline.recipe.models import ModelSettings

PORT = 8460
HELP = "/why  /again  /up  /down  /facts  /forget N  /quit"
THUMBS = {"/up": 1, "/down": -1}

Command = Callable[..., None]
OPTIONS: tuple[Callable[[Command], Command], ...] = (
    click.option("--model", help="Name of the model, as its server knows it."),
    click.option("--base-url", help="Where it is served [default: OpenAI]."),
    click.option("--rehearse", is_flag=True, help="Talk with the offline rehearsal model."),
    click.option("--language", help="ISO 639-1 [default: that of the card]."),
    click.option(
        "--earliest",
        nargs=2,
        type=click.IntRange(min=0),
        metavar="CASUAL CLOSE",
        help="Messages before a step to casual, to close [default: 8 18].",
    ),
    click.option(
        "--tracker",
        type=click.Choice(["annotations", "model"]),
        default="annotations",
        help="Who reads feelings: the shipped classifiers, or the model.",
    ),
    click.option("--help-text", default="", help="Whom to call, behind the words on self-harm."),
    click.option("--memory", is_flag=True, help="Remember users across talks, on this disk."),
    click.option("--save", metavar="FOLDER", help="Save talks there, for `rapport collect`."),
)


def _with_options(command: Command) -> Command:
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@click.command()
@click.argument("card", required=False)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=int, default=PORT, show_default=True, help="0 takes a free one.")
@click.option("--token", help="Asked of clients [default: made, where other machines may ask].")
@click.option(
    "--clients",
    type=click.IntRange(min=1),
    default=64,
    show_default=True,
    help="Replies under way at once, at most.",
)
@_with_options
def serve(
    card: str | None, host: str, port: int, token: str | None, clients: int, **options: object
) -> None:
    """Serve characters to any chat program, with a page of its own.

    CARD: a character card, or a folder of them; none: a bundled character and the rehearsal model.
    The protocol is OpenAI's, at /v1.
    """
    from pipeline.companion.access import Access, is_loopback
    from pipeline.llm import run

    if not token and not is_loopback(host):
        token = secrets.token_urlsafe(24)
    service = _service(card, options)
    with suppress(KeyboardInterrupt):  # the way to end it
        run(_serve(service, Access(token, clients), host, port))


async def _serve(service: Service, access: Access, host: str, port: int) -> None:
    import asyncio

    from pipeline.companion.server import serving

    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with service:
        problem = await service.warm()
        try:
            async with serving(service, access, host, port) as address:
                _announce(service, address, access.token, problem)
                await stopped.wait()
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            raise UserError(
                f"{host}:{port} cannot be listened on ({why}). Choose another --port or --host."
            ) from None


def _announce(service: Service, address: str, token: str | None, problem: str) -> None:
    names = ", ".join(service.companions)
    model = "the rehearsal model" if service.model.is_rehearsal else service.model.model
    page = f"{address}/#{token}" if token else f"{address}/"
    lines = [f"{names}: by {model}", f"page           {page}", f"chat programs  {address}/v1"]
    if token:
        lines.append(f"token          {token}")
    streams.show_lines([*lines, "Ctrl-C ends it."])
    if problem:
        streams.complain(f"The model does not answer yet: {problem}", 0)


@click.command()
@click.argument("card", required=False)
@click.option("--user", default="me", show_default=True, help="Whose memory is used.")
@_with_options
def chat(card: str | None, user: str, **options: object) -> None:
    """Talk with a character in the terminal.

    /why shows where the talk stands. CARD: a character card; none: a bundled character and the
    rehearsal model.
    """
    from pipeline.companion.talk import OwnTalk
    from pipeline.llm import runner

    service = _service(card, options)
    who = next(iter(service.companions.values()))
    with runner() as loop:
        loop.run(service.__aenter__())
        try:
            _talk(OwnTalk(who, service, user), loop)
        finally:
            loop.run(service.__aexit__())


def _talk(talk: OwnTalk, loop: asyncio.Runner) -> None:
    """Lines of the terminal until they end; then the talk is saved, where that is wanted."""
    streams.show_lines([HELP, *(f"{talk.who.name}: {one.message.content}" for one in talk.said)])
    try:
        for line in sys.stdin:
            if line.strip() == "/quit":
                break
            if line.strip():
                _show_answer(talk, line.strip(), loop)
    finally:
        path = talk.save()
        if path:
            streams.show_lines([f"Saved: {path}"])


def _show_answer(talk: OwnTalk, line: str, loop: asyncio.Runner) -> None:
    from pipeline.companion.asked import Declined

    try:
        if line.startswith("/"):
            streams.show_lines(_commanded(talk, line, loop))
        else:
            streams.show_lines([f"{talk.who.name}: {loop.run(talk.say(line))}"])
    except Declined as refusal:
        streams.complain(refusal.message, 0)


def _commanded(talk: OwnTalk, line: str, loop: asyncio.Runner) -> Iterator[str]:
    """What a line that begins with a stroke does."""
    command, _, rest = line.partition(" ")
    if command == "/why":
        yield from talk.why()
    elif command == "/again":
        text = loop.run(talk.again())
        yield f"{talk.who.name}: {text}" if text else "There is nothing to answer."
    elif command in THUMBS:
        talk.thumb(THUMBS[command])
        yield "Noted; it is kept with --save."
    elif command == "/facts":
        yield from talk.facts()
    elif command == "/forget" and rest.isdecimal():
        yield from talk.forget(int(rest))
    else:
        yield HELP


# --- what the options mean


def _service(card: str | None, options: Mapping[str, object]) -> Service:
    """Companions and their model. Raises UserError: no such card, no model, no key."""
    from pipeline.companion import agent
    from pipeline.companion.service import Keeping, Service

    settings, model = _settings(options), _model(card, options)
    found = agent.companions(Path(card), settings) if card else [agent.seed(settings)]
    saved = options["save"]
    keeping = Keeping(
        memory=memories() if options["memory"] else None,
        saved=Path(str(saved)) if saved else None,
    )
    return Service(agent.by_name(found), model, os.environ, keeping)


def _settings(options: Mapping[str, object]) -> CompanionSettings:
    from pipeline.recipe.companion import CompanionSettings

    names = ("language", "earliest", "tracker", "help_text")
    given = {name: options[name] for name in names if options[name]}
    return CompanionSettings.model_validate(given)


def _model(card: str | None, options: Mapping[str, object]) -> ModelSettings:
    """The model that is named; the rehearsal model where that is wanted, or nothing is named."""
    from pipeline.recipe.models import ModelSettings

    name, address = options["model"], options["base_url"]
    if options["rehearse"] or (card is None and name is None):
        return ModelSettings(model=REHEARSAL, base_url=REHEARSAL, attempts=1, reasks=0)
    if name is None:
        raise UserError(
            "Name a model with --model (and --base-url, where it is not OpenAI's), or try it "
            "without one: --rehearse."
        )
    key = KEY if KEY in os.environ else None
    return ModelSettings.model_validate(
        {"model": name, "base_url": address, "key": key, "attempts": 2, "reasks": 0}
    )


def memories() -> Path:
    """The folder of memories: among the user's data."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data, "rapport", "memory")


COMMANDS = (serve, chat)
