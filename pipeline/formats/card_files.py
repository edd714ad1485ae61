"""Where character cards are: files, and folders of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from pipeline import UserError
from pipeline.formats.cards import png_text

ENDS = (".json", ".png", ".charx")  # of the names of card files


def card_places(folder: Path, places: Sequence[str]) -> list[Path]:
    """The paths that a recipe names under `generate.cards`. folder: where relative ones begin."""
    return [folder / Path(place).expanduser() for place in places]


def card_files(place: Path) -> Iterator[Path]:
    """The card file at a path, or those in a folder. Raises UserError when it does not exist."""
    if place.is_dir():
        yield from sorted(path for path in place.iterdir() if path.suffix.lower() in ENDS)
    elif place.exists():
        yield place
    else:
        raise UserError(f"generate.cards: {place} does not exist.")


def pictures(places: Sequence[Path]) -> dict[str, Path]:
    """The PNG cards at these places by the text they hold; what cannot be read is left out."""
    found: dict[str, Path] = {}
    for place in filter(Path.exists, places):
        for path in card_files(place):
            with suppress(ValueError):
                found[png_text(path.read_bytes())] = path
    return found
