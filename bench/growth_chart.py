"""Curves over the number of papers as a picture: SVG, readable in a light and in a dark page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 760, 380
LEFT, RIGHT, TOP, BOTTOM = 56, 200, 20, 44
LABEL_HEIGHT = 16.0
COLOURS = ("#0b7285", "#c2255c", "#5f3dc4", "#2b8a3e", "#d9480f", "#1864ab", "#846358")
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#333}.grid{stroke:#8885}path{fill:none;stroke-width:2}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}}"
)


def draw(curves: Mapping[str, Sequence[float]], sizes: Sequence[int]) -> str:
    """An SVG document: milliseconds upwards, papers to the right in powers of ten; a label at the end of each curve."""
    highest = nice_ceiling(max((max(values) for values in curves.values()), default=1.0))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-label="Milliseconds that 95 of 100 requests take, by the number of papers">',
        f"<style>{_STYLE}</style>",
    ]
    for step in range(5):
        value = highest * step / 4
        y = place_y(value, highest)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for size in sizes:
        anchor = "end" if size == sizes[-1] else "middle"  # beside it stand the names
        parts.append(f'<text x="{place_x(size, sizes):.1f}" y="{HEIGHT - 22}" text-anchor="{anchor}">{size:,}</text>')
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 4}">papers; ms, 95 of 100 requests</text>')
    labels = label_places([place_y(values[-1], highest) for values in curves.values()])
    for number, ((name, values), label_y) in enumerate(zip(curves.items(), labels, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        points = " L".join(
            f"{place_x(size, sizes):.1f} {place_y(value, highest):.1f}"
            for size, value in zip(sizes, values, strict=True)
        )
        parts.append(f'<path d="M{points}" stroke="{colour}"/>')
        parts += [
            f'<circle cx="{place_x(size, sizes):.1f}" cy="{place_y(value, highest):.1f}" r="3" fill="{colour}"/>'
            for size, value in zip(sizes, values, strict=True)
        ]
        x = WIDTH - RIGHT + 12
        parts.append(f'<rect x="{x}" y="{label_y - 5:.1f}" width="10" height="10" rx="2" fill="{colour}"/>')
        parts.append(f'<text x="{x + 16}" y="{label_y + 4:.1f}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def place_x(size: int, sizes: Sequence[int]) -> float:
    first, last = math.log10(sizes[0]), math.log10(sizes[-1])
    share = (math.log10(size) - first) / (last - first) if last > first else 0.5
    return LEFT + 16 + share * (WIDTH - LEFT - RIGHT - 32)


def place_y(value: float, highest: float) -> float:
    return HEIGHT - BOTTOM - value / highest * (HEIGHT - TOP - BOTTOM)


def nice_ceiling(value: float) -> float:
    """The next of 1, 2, 4, 8 times a power of ten, so that quarters of it are round."""
    power: float = 10 ** math.floor(math.log10(max(value, 1e-9)))
    return next((step * power for step in (1, 2, 4, 8) if step * power >= value), 10 * power)


def label_places(ends: Sequence[float]) -> list[float]:
    """Where labels stand: beside the ends of their curves, but below one another."""
    placed = list(ends)
    above = -math.inf
    for number in sorted(range(len(ends)), key=ends.__getitem__):
        placed[number] = max(ends[number], above + LABEL_HEIGHT)
        above = placed[number]
    return placed
