"""What arXiv's interfaces have in common: its archives, and dates as it writes them. Pure.

When it announces is in `arxiv_schedule`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime

from papers.catalogue.categories import archives, category, expand_pattern, taxonomy
from papers.catalogue.identifiers import arxiv_month

HOST_GROUP = "arxiv"
"""The host group of all of arXiv's hosts: one connection, three seconds, all machines together."""
WAIT_SECONDS = 30.0
"""How long a request waits for its slot before the fetch is put off, so that no worker is held up for long."""


def archive_of(category: str) -> str:
    """`cs` of `cs.CL`; an archive without a division, such as `hep-th`, is its own."""
    return category.partition(".")[0]


def categories_by_archive(categories: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The active categories that patterns such as `cs.CL` or `math.*` stand for, by archive, each once."""
    found: dict[str, dict[str, None]] = {}
    for pattern in categories:
        for code in expand_pattern(pattern):
            if (known := category(code)) and known.is_active:
                found.setdefault(archive_of(code), {})[code] = None
    return {archive: tuple(codes) for archive, codes in found.items()}


def is_whole_archive(archive: str, codes: Iterable[str]) -> bool:
    """Whether these are all the categories of an archive that take papers."""
    active = {c.code for entry in archives() if entry.code == archive for c in entry.categories if c.is_active}
    return active <= set(codes)


def oai_sets(categories: Iterable[str]) -> tuple[str, ...]:
    """The OAI-PMH sets of the categories: `cs:cs:CL`, `physics:hep-th`; one set where a whole archive is asked."""
    sets: list[str] = []
    for archive, codes in categories_by_archive(categories).items():
        prefix = f"{_oai_group(archive)}:{archive}"
        if is_whole_archive(archive, codes):
            sets.append(prefix)
        else:
            sets += [f"{prefix}:{code.partition('.')[2]}" for code in codes]
    return tuple(sets)


def _oai_group(archive: str) -> str:
    """arXiv's groups are named as their only archive, except physics, which has many."""
    for group in taxonomy():
        codes = [entry.code for entry in group.archives]
        if archive in codes:
            return archive if len(codes) == 1 else "physics"
    return archive


def is_first_announced(arxiv_id: str, kind: str, day: date) -> bool:
    """Whether an announcement dates the paper: a cross-list may be of one that its own archive announced long ago."""
    return kind != "cross" or arxiv_month(arxiv_id) >= (day - timedelta(days=7)).replace(day=1)


def parse_datetime(text: str | None) -> datetime | None:
    """A moment in UTC, from ISO 8601 or RFC 1123; without a zone it is UTC. None where it is neither."""
    for read in _READERS:
        try:
            moment = read((text or "").strip())
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def parse_date(text: str | None) -> date | None:
    """The date that starts a text such as 2026-11-24T10:00:00Z; None where there is none."""
    try:
        return date.fromisoformat((text or "").strip()[:10])
    except ValueError:
        return None


_READERS: tuple[Callable[[str], datetime], ...] = (datetime.fromisoformat, parsedate_to_datetime)
