"""What it knows: how numbers become a small drawing. Pure; no colours, which are the style sheet's, and no scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_WIDTH, _HEIGHT = 420.0, 96.0
_FOOT = 18.0
_HEAD = 14.0
_MOST_LABELS = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """One column: what stands under it, and how high it is."""

    label: str
    value: int


def bar_chart(bars: Sequence[Bar], *, name: str) -> SafeString:
    """Columns side by side, the highest as high as the drawing; empty for no bars.

    `name` is what a screen reader says of the whole; the numbers belong in a table beside it.
    """
    if not bars:
        return SafeString("")
    highest = max(1, *(bar.value for bar in bars))
    step = _WIDTH / max(len(bars), 12)
    every = -(-len(bars) // _MOST_LABELS)
    room = _HEIGHT - _FOOT - _HEAD
    columns, words = [], []
    for place, bar in enumerate(bars):
        height = max(room * bar.value / highest, 1.5 if bar.value else 0)
        x, y = place * step + step * 0.12, _HEAD + room - height
        said = f"{bar.label}: {bar.value:,}"
        columns.append((f"{x:.1f}", f"{y:.1f}", f"{step * 0.76:.1f}", f"{height:.1f}", said))
        middle = f"{place * step + step / 2:.1f}"
        if (len(bars) - 1 - place) % every == 0:
            words.append(("axis", middle, f"{_HEIGHT - 4:.1f}", bar.label))
        if bar.value == highest:
            words.append(("top", middle, f"{y - 4:.1f}", f"{bar.value:,}"))
    base = f"{_HEAD + room:.1f}"
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<line x1="0" y1="{}" x2="{}" y2="{}"/>{}{}</svg>',
        f"{_WIDTH:.0f}", f"{_HEIGHT:.0f}", name, base, f"{_WIDTH:.0f}", base,
        format_html_join("", '<rect x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>', columns),
        format_html_join("", '<text class="{}" x="{}" y="{}" text-anchor="middle">{}</text>', words),
    )  # fmt: skip
