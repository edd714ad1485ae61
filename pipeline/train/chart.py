"""The learning curve as a picture (SVG): loss by step, and the held-out loss before and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

WIDTH, HEIGHT = 720, 320
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 28, 36  # around the lines
TICKS = 4
SMOOTH = 0.8  # share of the value before in the smoothed line; our choice


class CurvePoint(NamedTuple):
    """The loss at a step."""

    step: int
    loss: float


def chart(points: Sequence[CurvePoint], held_out: Sequence[CurvePoint], title: str) -> str:
    """An SVG of losses, of trained rows as a line, of held-out rows as dots."""
    frame = _Frame.around([*points, *held_out])
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_escaped(title)}"'
    font = 'font-family="sans-serif" font-size="12"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} {font}>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="18" font-size="13">{_escaped(title)}</text>',
        *frame.axes(),
        frame.line(points, "#b9c7d8", 1),
        frame.line(smoothed(points), "#1f5fa8", 2),
        *(frame.dot(point) for point in held_out),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def smoothed(points: Sequence[CurvePoint]) -> list[CurvePoint]:
    """Each loss drawn towards the one before it."""
    losses = [point.loss for point in points]
    drawn = accumulate(losses, lambda before, now: SMOOTH * before + (1 - SMOOTH) * now)
    both = zip(points, drawn, strict=True)
    return [CurvePoint(point.step, loss) for point, loss in both]


class _Frame(NamedTuple):
    """What the axes span."""

    steps: tuple[int, int]
    losses: tuple[float, float]

    @classmethod
    def around(cls, points: Sequence[CurvePoint]) -> _Frame:
        last = max((point.step for point in points), default=1)
        losses = [point.loss for point in points] or [0.0, 1.0]
        margin = 0.05 * (max(losses) - min(losses)) or 0.1
        return cls((0, max(1, last)), (min(losses) - margin, max(losses) + margin))

    def place(self, point: CurvePoint) -> tuple[float, float]:
        """Where a point is drawn, from the upper left corner."""
        first, last = self.steps
        low, high = self.losses
        across = (point.step - first) / (last - first)
        up = (point.loss - low) / (high - low)
        width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
        return LEFT + across * width, HEIGHT - BOTTOM - up * height

    def axes(self) -> Iterator[str]:
        for part in range(TICKS + 1):
            step = round(self.steps[1] * part / TICKS)
            low, high = self.losses
            loss = low + (high - low) * part / TICKS
            x, _ = self.place(CurvePoint(step, low))
            _, y = self.place(CurvePoint(0, loss))
            yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#eee"/>'
            yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{loss:.2f}</text>'
            below = HEIGHT - BOTTOM + 16
            yield f'<text x="{x:.1f}" y="{below}" text-anchor="middle">{step}</text>'
        yield (
            f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end" fill="#666">steps; '
            "line: loss of trained rows, dots: held-out rows</text>"
        )

    def line(self, points: Sequence[CurvePoint], colour: str, width: int) -> str:
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self.place, points))
        style = f'fill="none" stroke="{colour}" stroke-width="{width}"'
        return f'<polyline points="{places}" {style}/>'

    def dot(self, point: CurvePoint) -> str:
        x, y = self.place(point)
        side, move = ("end", -8) if x > WIDTH / 2 else ("start", 8)
        return (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#c0392b"/>'
            f'<text x="{x + move:.1f}" y="{y - 6:.1f}" text-anchor="{side}" fill="#c0392b">'
            f"{point.loss:.3f}</text>"
        )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
