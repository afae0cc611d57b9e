"""What the feeds of journals write around an abstract: names, journal, issue and date, each taken out and kept. Pure.

Publishers send no two feeds alike. What is read as such stands alone in a paragraph, at the beginning or the end of a
text, and is looked for by the words that one of them uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from papers.catalogue.identifiers import parse_dois
from papers.sources.record_markup import is_abstract_heading
from papers.text.names import split_authors

_FIRST, _LAST = 5, 3
"""Paragraphs at the beginning and the end that may be no part of an abstract."""
_LONGEST = 3_000
"""Characters of such a paragraph; lists of authors are long."""

# Elsevier, APS; and PLOS, whose list is known by its names.
_AUTHORS = re.compile(r"Authors?(?:\(s\))?:\s*+(.{2,})", re.S)
_BY = re.compile(r"by (.{2,})", re.S)
# Wiley, Science, SAGE: "Ecology, Volume 107, Issue 12, December 2026."
_ISSUE = re.compile(
    r"(?:(?P<journal>[^;]{2,150}?), )?"
    r"(?:Volume (?P<volume>[\w.-]{1,12}), (?:Issue|Number|No\.?) (?P<issue>[\w.,/-]{1,20})"
    r"(?:, Pages? (?P<pages>[\w.–-]{1,30}))?(?:, [^;]{2,60})?|Ahead of Print|Early ?View|Just Accepted)\s?\.?"
)
_NATURE = re.compile(
    r"(?P<journal>[^;:]{2,120}?), Published online: ?(?P<date>[^;]{4,40}?); ?\|? ?doi: ?10\.\S+(?: \(\S+\))?"
)
_APS = re.compile(r"\[[^\[\]]{5,120}\] Published .{5,60}")
_DATE = re.compile(r"Publication date: ?(?:Available online ?)?(?P<date>.{4,40})")
_SOURCE = re.compile(
    r"Source: ?(?P<journal>[^,]{2,150}?)(?:, Volume (?P<volume>[\w.-]{1,12}))?"
    r"(?:, (?:Issue|Part) (?P<issue>[\w.-]{1,12}))?"
)
# PubMed: "J Tides. 2026 Nov 20:1-9. doi: 10.5555/tides.2026. Online ahead of print."
_CITED = re.compile(r"(?P<journal>[^.;]{2,120})\. (?:19|20)[0-9]{2}\b.{0,200}?\bdoi: ?10\.\S.{0,200}", re.S)
_JMLR = re.compile(
    r"(?P<names>[^;]{2,2000}); (?P<volume>[0-9]{1,4})\((?P<issue>[0-9]{1,5})\):(?P<pages>[0-9–−-]{1,15})"
    r", (?P<year>(?:19|20)[0-9]{2})\.?"
)
_NOTHING = re.compile(
    r"(?:PMID|PMCID|DOI): ?\S.{0,300}|The post .{1,400} appeared (?:first )?on .{1,200}"
    r"|(?:Continue reading|Read more|Author links open overlay panel)\b.{0,200}",
    re.I | re.S,
)
_PREFIX = re.compile(r"(?:abstract|summary)[ \t]*+(?:[:.]\s*+|\n\s*+)", re.I)
_CHANNEL = re.compile(
    r"^(?:ScienceDirect Publication: |(?:Wiley|AAAS|tandf|SAGE Publications(?: Inc| Ltd)?|American Chemical Society): "
    r"|Recent Articles in |Latest Results for |(?:Latest|New) articles (?:from|in) )"
    r"|(?:: (?:Latest Articles(?: \(ACS Publications\))?|Table of Contents|Early ?View|Current Issue|Advance Access)"
    r"| (?:Current Issue|Advance Access|Latest Articles)| - (?:Current Issue|new TOC|Early Access)| \[RSS\])$",
    re.I,
)
_PREPRINTS = re.compile(r"\b(?:bio|med|chem|ar|psy|soc)rxiv\b|\bpreprints?\b", re.I)


@dataclass(slots=True)
class Facts:
    """What stood around an abstract."""

    authors: str = ""
    journal: str = ""
    volume: str = ""
    issue: str = ""
    pages: str = ""
    year: str = ""
    published: datetime | None = None


def without_frame(
    texts: Iterable[str], *, names: Sequence[str] = (), titles: Sequence[str] = ()
) -> tuple[str | None, Facts]:
    """The longest of some texts once what frames an abstract is out of it, and what that said.

    `names` are the authors that are known, `titles` those of the entry and its journal, of which a line may be a copy.
    None where nothing is left.
    """
    facts = Facts()
    known = {_folded(title) for title in titles if title}
    left = [_abstract(text, facts, names, known) for text in texts]
    return max(left, key=len, default="") or None, facts


def journal_of_channel(title: str) -> str:
    """The journal that a feed's title names; empty for a server of preprints."""
    title = " ".join(title.split())
    for _ in range(3):
        title = _CHANNEL.sub("", title).strip()
    return "" if _PREPRINTS.search(title) else title[:200]


def source_of(dc_source: str) -> str:
    """A journal reference in `dc:source`, without what Nature writes behind its name."""
    line = " ".join(dc_source.split())[:_LONGEST]
    found = _NATURE.fullmatch(line)
    return found["journal"] if found else "" if "://" in line else line[:200]


def read_day(text: str) -> datetime | None:
    """The moment of a date in one of the shapes that publishers use; None for a month or a year alone."""
    text = " ".join(text.split())[:60]
    for shape in ("%Y-%m-%d", "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%Y/%m/%d"):
        try:
            return datetime.strptime(text, shape).replace(tzinfo=UTC)
        except ValueError:
            continue
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        try:
            found = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    try:
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _abstract(text: str, facts: Facts, names: Sequence[str], known: set[str]) -> str:
    paragraphs = [paragraph for part in text.split("\n\n") if (paragraph := part.strip())]
    start, end = 0, len(paragraphs)
    while start < min(end, _FIRST) and _is_frame(paragraphs[start], facts, names, known):
        start += 1
    while end > max(start, len(paragraphs) - _LAST) and _is_frame(paragraphs[end - 1], facts, names, known):
        end -= 1
    kept = paragraphs[start:end]
    if kept:
        kept[0] = _PREFIX.sub("", kept[0], count=1)
    return "\n\n".join(filter(None, kept))


def _is_frame(paragraph: str, facts: Facts, names: Sequence[str], known: set[str]) -> bool:
    """Whether a paragraph is none of an abstract; what it says is kept in `facts`."""
    line = " ".join(paragraph.split())
    if len(line) > _LONGEST:
        return False
    if is_abstract_heading(line) or _folded(line) in known or _NOTHING.fullmatch(line) or _APS.fullmatch(line):
        return True
    if said := _AUTHORS.fullmatch(line):
        facts.authors = facts.authors or said[1]
        return True
    if (said := _BY.fullmatch(line)) and names and split_authors(said[1])[:1] == split_authors(names[0])[:1]:
        return True
    for shape in (_ISSUE, _NATURE, _DATE, _SOURCE, _JMLR, _CITED):
        if said := shape.fullmatch(line):
            _note(said, facts)
            return True
    return line[:4].lower() == "doi:" and len(parse_dois(line)) == 1


def _note(said: re.Match[str], facts: Facts) -> None:
    given = {name: value.strip() for name, value in said.groupdict().items() if value}
    facts.authors = facts.authors or given.get("names", "")
    facts.journal = facts.journal or given.get("journal", "")
    facts.volume = facts.volume or given.get("volume", "")
    facts.issue = facts.issue or given.get("issue", "")
    facts.pages = facts.pages or given.get("pages", "")
    facts.year = facts.year or given.get("year", "")
    facts.published = facts.published or read_day(given.get("date", ""))


def _folded(text: str) -> str:
    return " ".join(text.lower().split()).strip(" .")
