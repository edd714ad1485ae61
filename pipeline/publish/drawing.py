"""A picture of rectangles, lines and texts, as SVG and as PNG.

Both are made from the same shapes. The PNG is drawn by Pillow with the typeface that it brings
along: a machine without any font makes the same picture.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

Anchor = Literal["start", "middle", "end"]

SCALE = 2  # pixels of the PNG for each unit: sharp on fine screens
SIZE = 13  # of a text, in units
PAPER, INK, PALE = "#ffffff", "#24292f", "#d0d7de"
BLUE, ORANGE = "#2f6db5", "#c4561d"
PLACES = {"start": "ls", "middle": "ms", "end": "rs"}  # Pillow's names; s: on the base line


class Box(NamedTuple):
    """A filled rectangle, in units from the top left corner."""

    x: float
    y: float
    width: float
    height: float
    color: str


class Stroke(NamedTuple):
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    color: str
    width: float = 1


class Caption(NamedTuple):
    """A text; x, y: of its anchor on the base line."""

    x: float
    y: float
    text: str
    anchor: Anchor = "start"
    color: str = INK


@dataclass
class Drawing:
    """title: what it shows, for those who cannot see it. width, height: in units."""

    title: str
    width: int
    height: int
    shapes: list[Box | Stroke | Caption] = field(default_factory=list)

    def svg(self) -> str:
        """As text."""
        size = f'width="{self.width}" height="{self.height}"'
        view = f'viewBox="0 0 {self.width} {self.height}"'
        font = f'font-family="sans-serif" font-size="{SIZE}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} {font} role="img">'
        title = f"<title>{escape(self.title)}</title>"
        paper = f'<rect width="100%" height="100%" fill="{PAPER}"/>'
        return "\n".join([head, title, paper, *map(_element, self.shapes), "</svg>\n"])

    def png(self) -> bytes:
        """As the bytes of a file."""
        from PIL import Image, ImageDraw, ImageFont

        font = ImageFont.load_default(SIZE * SCALE)
        image = Image.new(
            "RGB",
            (self.width * SCALE, self.height * SCALE),
            PAPER,
        )
        pen = ImageDraw.Draw(image)
        for shape in self.shapes:
            _draw(pen, font, shape)
        file = io.BytesIO()
        image.save(file, "PNG", optimize=True)
        return file.getvalue()


def _draw(
    pen: ImageDraw,
    font: FreeTypeFont | ImageFont,
    shape: Box | Stroke | Caption,
) -> None:
    if isinstance(shape, Box):
        right, bottom = shape.x + shape.width, shape.y + shape.height
        pen.rectangle(
            _scaled(
                shape.x,
                shape.y,
                right,
                bottom,
            ),
            fill=shape.color,
        )
    elif isinstance(shape, Stroke):
        flat = _scaled(*(number for point in shape.points for number in point))
        pen.line(
            flat,
            fill=shape.color,
            width=round(shape.width * SCALE),
            joint="curve",
        )
    else:
        place = (shape.x * SCALE, shape.y * SCALE)
        pen.text(
            place,
            shape.text,
            shape.color,
            font,
            PLACES[shape.anchor],
        )


def _scaled(*numbers: float) -> list[float]:
    return [number * SCALE for number in numbers]


def _element(shape: Box | Stroke | Caption) -> str:
    match shape:
        case Box(x, y, width, height, color):
            place = f'x="{x:.4g}" y="{y:.4g}" width="{width:.4g}" height="{height:.4g}"'
            return f'<rect {place} fill="{color}"/>'
        case Stroke(points, color, width):
            pairs = " ".join(f"{x:.4g},{y:.4g}" for x, y in points)
            stroke = f'stroke="{color}" stroke-width="{width:g}"'
            return f'<polyline points="{pairs}" fill="none" {stroke}/>'
        case Caption(x, y, text, anchor, color):
            place = f'x="{x:.4g}" y="{y:.4g}" text-anchor="{anchor}"'
            return f'<text {place} fill="{color}">{escape(text)}</text>'
