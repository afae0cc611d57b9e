"""Prometheus' text format, version 0.0.4: families of samples as the lines that its server reads. Pure.

https://prometheus.io/docs/instrumenting/exposition_formats/. Not by its client library: why is in docs/decisions.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Family:
    """One metric: its name, what it is, and its samples."""

    name: str
    kind: str
    """counter, gauge or histogram."""
    help: str
    samples: list[tuple[str, Labels, float]] = field(default_factory=list)
    """What follows the name (`_bucket`), labels, value."""

    def add(self, value: float, /, **labels: str) -> None:
        """One sample. Values of labels are of the program's own words or numbers, never of a stranger's."""
        self.samples.append(("", tuple(labels.items()), value))

    def add_histogram(self, counts: Sequence[int], edges: Sequence[float], total: float, /, **labels: str) -> None:
        """`counts` has how many values fell into each bucket alone, the last one open-ended; `total` is their sum."""
        given, so_far = tuple(labels.items()), 0
        for bucket, count in zip(_buckets(given, tuple(edges)), counts, strict=True):
            so_far += count
            self.samples.append(("_bucket", bucket, so_far))
        self.samples.append(("_sum", given, total))
        self.samples.append(("_count", given, so_far))


def gauge(name: str, about: str, value: float | None = None) -> Family:
    """A family of values that go up and down; with its one sample, where a value is given."""
    family = Family(name, "gauge", about)
    if value is not None:
        family.add(value)
    return family


def write_families(families: Iterable[Family]) -> str:
    """The lines of all families that have samples."""
    lines: list[str] = []
    for family in families:
        if not family.samples:
            continue
        lines += (f"# HELP {family.name} {_escaped(family.help)}", f"# TYPE {family.name} {family.kind}")
        lines += (f"{family.name}{end}{_braced(labels)} {number(value)}" for end, labels, value in family.samples)
    return "\n".join([*lines, ""])


def number(value: float) -> str:
    """As few digits as tell it apart; whole numbers without a point."""
    if type(value) is int:
        return str(value)
    return str(int(value)) if value == int(value) else repr(float(value))


# Labels are few and come with each question again. To write them anew was a quarter of what an answer cost.
@lru_cache(maxsize=2_000)
def _buckets(labels: Labels, edges: tuple[float, ...]) -> tuple[Labels, ...]:
    """The labels of each bucket of a histogram."""
    return tuple((*labels, ("le", edge)) for edge in (*map(number, edges), "+Inf"))


@lru_cache(maxsize=20_000)
def _braced(labels: Labels) -> str:
    if not labels:
        return ""
    shown = ",".join(f'{name}="{_escaped(value).replace(chr(34), chr(92) + chr(34))}"' for name, value in labels)
    return f"{{{shown}}}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def sums_of(parts: Mapping[str, int], known: Iterable[str]) -> dict[str, int]:
    """The parts by name, with 0 for each known name that is missing."""
    return {**dict.fromkeys(known, 0), **parts}
