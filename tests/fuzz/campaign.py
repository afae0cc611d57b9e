"""Some seconds of random inputs: first for the patterns, then for the readers."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from tests.fuzz.growth import MOST_SECONDS, grows_too_fast, seconds
from tests.fuzz.patterns import Pattern, all_patterns, attacks
from tests.fuzz.readers import OWN_ERRORS, READERS, UNITS, Reader

_AT_A_PLACE = "matched at the place where a command ends, and never searched for"
_VENUE = "sees the 200 characters that _ACCEPTED takes"
BOUNDED: dict[str, str] = {
    "comment": "reads the 10,000 characters that a comment may have",
    "papers.sources.journal_entries._ISSUE": "matched whole, against one line that is no longer than _LONGEST",
    "papers.sources.journal_entries._JMLR": "matched whole, against one line that is no longer than _LONGEST",
    "papers.text.highlighting._PART": "sees HTML that was made here, where each < begins a tag that ends",
    "papers.text.highlighting._COMPOUND": "the same",
    "papers.text.tex._ARGUMENT": _AT_A_PLACE,
    "papers.text.tex._OPTIONS": _AT_A_PLACE,
    "papers.text.venues._VENUE_END": _VENUE,
    "papers.text.venues._VENUE_TAIL": _VENUE,
    "papers.web.search_highlights._TEXTS": "sees pages that were made here",
}
"""Patterns and readers that may need more time than in proportion to a text, and why no text that they see is long."""
MOST_FINDINGS = 20


def run(
    *, seconds: float, chance: random.Random, only: str = "", report: Callable[[str], None] = lambda line: None
) -> list[str]:
    """What was found, a line each, and nothing twice: the name, what was given, and what happened."""
    found: dict[str, str] = {}
    patterns = [each for each in all_patterns() if only in str(each) and str(each) not in BOUNDED]
    readers = {name: read for name, read in READERS.items() if only in name}
    report(f"{len(patterns)} patterns, {len(readers)} readers")
    works: list[Iterator[str | None]] = [_of_pattern(pattern, chance) for pattern in patterns]
    _turns(works, until=time.monotonic() + seconds * bool(patterns) / (1 + bool(readers)), found=found, report=report)
    works = [_of_reader(name, read, chance) for name, read in readers.items()]
    _turns(works, until=time.monotonic() + seconds * bool(readers) / (1 + bool(patterns)), found=found, report=report)
    return list(found.values())


def _turns(
    works: list[Iterator[str | None]], *, until: float, found: dict[str, str], report: Callable[[str], None]
) -> None:
    """Each in its turn, until the time is over. What has found something is left alone."""
    rounds = 0
    while works and time.monotonic() < until and len(found) < MOST_FINDINGS:
        rounds += 1
        for work in list(works):
            if (finding := next(work)) is not None:
                found[finding.partition(":")[0]] = finding
                report(finding)
                works.remove(work)
            if time.monotonic() >= until:
                break
    report(f"{rounds} rounds")


def _of_pattern(pattern: Pattern, chance: random.Random) -> Iterator[str | None]:
    for before, unit, after in attacks(pattern.compiled, chance):

        def run(length: int, before=before, unit=unit, after=after) -> None:
            pattern.run(before + unit * (length // len(unit)) + after)

        slow = grows_too_fast(run)
        yield slow and f"{pattern}: {before!r} + {unit!r} * n + {after!r}: {slow[1]:.2f} s at {slow[0]} characters"


def _of_reader(name: str, read: Reader, chance: random.Random) -> Iterator[str | None]:
    while True:
        yield _raises(name, read, _text(chance))
        if name in BOUNDED:
            continue
        before, unit = _pieces(chance, 3), _pieces(chance, 2) or "a"
        after = _pieces(chance, 1)

        def run(length: int, before=before, unit=unit, after=after) -> None:
            with suppress(*OWN_ERRORS):
                read(before + unit * (length // len(unit)) + after)

        slow = grows_too_fast(run, longest=8_192)
        yield slow and f"{name}: {before!r} + {unit!r} * n + {after!r}: {slow[1]:.2f} s at {slow[0]} characters"


def _raises(name: str, read: Reader, given: str) -> str | None:
    def run() -> None:
        with suppress(*OWN_ERRORS):
            read(given)

    try:
        taken = seconds(run, at_most=2 * MOST_SECONDS)
    except Exception as error:  # noqa: BLE001  # the very thing that is looked for
        return f"{name}: {given!r}: {error!r}"
    return f"{name}: {given!r}: {taken:.2f} s" if taken > MOST_SECONDS else None


def _text(chance: random.Random) -> str:
    """Pieces in any order, some often, with odd characters between."""
    parts: list[str] = []
    for _ in range(chance.randrange(1, 30)):
        parts.append(chance.choice(UNITS) * chance.choice((1, 1, 1, 2, 5, 40)))
        if chance.random() < 0.2:
            parts.append(chr(chance.choice((chance.randrange(32, 127), chance.randrange(0x110000)))))
    # Lone surrogates come from no decoder.
    return "".join(parts).encode("utf-8", "replace").decode("utf-8")


def _pieces(chance: random.Random, most: int) -> str:
    return "".join(chance.choices(UNITS, k=chance.randrange(most + 1)))
