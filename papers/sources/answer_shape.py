"""The shape of an answer: which elements, attributes and members it has, whatever they hold. Pure.

`manage.py doctor --live` compares the shape of what a source answers today with what its reader was made for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from papers.outbound.errors import SourceError
from papers.sources.xml import parse_xml
from papers.text.xml import Element

MAX_PATHS = 5_000


@dataclass(frozen=True, slots=True)
class AnswerShape:
    """Paths such as `feed/entry/title`, `feed/entry/link@href` and `[]/paper/title`: those that a reader needs, and all
    that were seen when it was made. A path that is needed stands in every answer that holds a paper."""

    needed: frozenset[str]
    known: frozenset[str] | None = None
    """None: what is new is not looked for, since records of this kind differ from each other."""

    def missing(self, found: frozenset[str]) -> list[str]:
        """What the reader needs and is not there, in the order of the alphabet."""
        return sorted(self.needed - found)

    def new(self, found: frozenset[str]) -> list[str]:
        """What is there and was never seen: a source says something more than it did."""
        return [] if self.known is None else sorted(found - self.needed - self.known)


def paths_of(data: bytes) -> frozenset[str]:
    """The paths of an answer in XML or JSON; at most 5,000.

    Raises:
        SourceError: it is neither.
    """
    if data.lstrip()[:1] in (b"{", b"["):
        try:
            return _first(_paths_of_json(json.loads(data), ""))
        except (ValueError, RecursionError) as error:
            raise SourceError("The answer is not JSON.") from error
    return _first(_paths_of_xml(parse_xml(data), ""))


def _first(paths: Iterator[str]) -> frozenset[str]:
    found: set[str] = set()
    for path in paths:
        found.add(path)
        if len(found) == MAX_PATHS:
            break
    return frozenset(found)


def _paths_of_xml(element: Element, above: str) -> Iterator[str]:
    path = f"{above}/{_local(element.tag)}" if above else _local(element.tag)
    yield path
    for name in element.attrib:
        yield f"{path}@{_local(name)}"
    for child in element.iterchildren("*"):
        yield from _paths_of_xml(child, path)


def _local(name: Any) -> str:
    return str(name).rpartition("}")[2]


def _paths_of_json(value: Any, above: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            path = f"{above}/{name}" if above else str(name)
            yield path
            yield from _paths_of_json(member, path)
    elif isinstance(value, list):
        for member in value:
            yield from _paths_of_json(member, f"{above}[]")
