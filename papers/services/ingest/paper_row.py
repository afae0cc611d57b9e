"""What becomes of a paper when one more record of it arrives. Pure: a row and a record in, a row out.

Records are ordered by whose they are (of whoever gave out the paper's id, else a third party's), version and rank of
the source. The highest one decides what a paper says; a lesser one only fills what is empty. So it does not matter in
which order the records of a paper arrive. A feed's words never stand for a paper that an arXiv id or DOI names.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import TypeVar

from papers.catalogue.json_columns import AuthorRow, LinkRow
from papers.catalogue.links import FoundLinks, find_links
from papers.services.ingest.clean_record import STRONG_SCHEMES, CleanPaper, public_id
from papers.sources.base import OWN_RECORD
from papers.sources.provenance import is_identified, provenance
from papers.sources.registry import IMPORTED, RECORD_SOURCES, record_source_of_rank

T = TypeVar("T")

# What a link was found in, when no source stated it.
IN_TEXTS = frozenset({"title", "abstract", "comment"})


# Where a row begins that has no date yet: any date that is known comes before it.
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PaperRow:
    """The columns of a paper that ingest writes, named as in `models.Paper`; lists as tuples."""

    public_id: str = ""
    title: str = ""
    title_raw: str = ""
    abstract: str = ""
    abstract_raw: str = ""
    authors: tuple[AuthorRow, ...] = ()
    author_count: int = 0
    author_keys: tuple[str, ...] = ()
    organization: str = ""
    categories: tuple[str, ...] = ()
    primary_category: str = ""
    published_at: datetime | None = None
    announced_on: date | None = None
    listed_at: datetime = _NEVER
    updated_at: datetime | None = None
    version: int | None = None
    doi: str = ""
    journal_ref: str = ""
    comment: str = ""
    venue: str = ""
    license: str = ""
    withdrawn_at: datetime | None = None
    links: dict[str, LinkRow] | None = None
    is_sample: bool = False
    record_rank: int = 0


EMPTY_ROW = PaperRow()

# What a card shows: a change of it makes a new card.
CARD_FIELDS = (
    *("public_id", "title", "abstract", "authors", "organization", "categories", "published_at", "announced_on"),
    *("listed_at", "version", "venue", "withdrawn_at", "links", "is_sample"),
)


def changes_card(before: PaperRow, after: PaperRow) -> bool:
    if any(getattr(before, name) != getattr(after, name) for name in CARD_FIELDS):
        return True
    return provenance(before.public_id, before.record_rank) != provenance(after.public_id, after.record_rank)


def is_as_good_as(row: PaperRow, paper: CleanPaper) -> bool:
    """Whether the record is at least as good as the one the row was made of. No version makes a third party's better
    than the own record of the id or DOI."""
    version = paper.version
    if version is None and RECORD_SOURCES[paper.source].is_archive:
        version = row.version
    new = (paper.rank >= OWN_RECORD, version or 0, paper.rank)
    return new >= (row.record_rank >= OWN_RECORD, row.version or 0, row.record_rank)


def merge_record(row: PaperRow, paper: CleanPaper, *, now: datetime) -> PaperRow:
    """The row once the record is known too. The same record again changes nothing."""
    if RECORD_SOURCES[paper.source].only_claims and is_identified(row.public_id):
        return row
    made_by = record_source_of_rank(row.record_rank) or IMPORTED
    if made_by.only_claims and any(scheme in STRONG_SCHEMES for scheme, _ in paper.identifiers):
        row = replace(EMPTY_ROW, public_id=row.public_id)  # what a feed said of it was the feed's entry
    if row.is_sample and paper.rank > 0:
        row = replace(EMPTY_ROW, public_id=row.public_id)  # the sample's words are its own, not the authors'
    elif row.record_rank > 0 and paper.rank == 0:
        return row
    return _combined(row, paper, now=now)


def _combined(row: PaperRow, paper: CleanPaper, *, now: datetime) -> PaperRow:
    """Each field from the better of the two that says something of it."""
    wins = is_as_good_as(row, paper)
    is_newer = bool(wins and paper.version and row.version and paper.version > row.version)
    # Texts that belong together come from one record.
    abstract_from = paper if paper.abstract is not None and (wins or not row.abstract) else row
    authors_from = paper if paper.authors is not None and (wins or not row.authors) else row
    title = paper.title if wins else row.title
    abstract = abstract_from.abstract or ""
    comment = _pick(wins, row.comment, paper.comment)
    categories = _pick(wins, row.categories, paper.categories)
    published_at = _pick(wins, row.published_at, paper.published_at)
    announced_on = min(filter(None, (row.announced_on, paper.announced_on)), default=None)
    found = _found(row, paper, (title, abstract, comment))
    return PaperRow(
        public_id=_public_id(row, paper),
        title=title,
        title_raw=paper.title_raw if wins else row.title_raw,
        abstract=abstract,
        abstract_raw=abstract_from.abstract_raw or "",
        authors=authors_from.authors or (),
        author_count=len(authors_from.authors or ()),
        author_keys=authors_from.author_keys,
        organization=_pick(wins, row.organization, paper.organization),
        categories=categories,
        primary_category=categories[0] if categories else "",
        published_at=published_at,
        announced_on=announced_on,
        listed_at=_listed_at(row, announced_on, published_at, now),
        updated_at=paper.updated_at if is_newer else _pick(wins, row.updated_at, paper.updated_at),
        version=_pick(wins, row.version, paper.version),
        doi=(paper.doi or row.doi) if wins else (row.doi or paper.doi or ""),
        journal_ref=_pick(wins, row.journal_ref, paper.journal_ref),
        comment=comment,
        venue=found.accepted_at or "",
        license=_pick(wins, row.license, paper.license),
        withdrawn_at=_withdrawn_at(row, paper, wins=wins, is_newer=is_newer, now=now),
        links=_links(row, paper, found),
        is_sample=paper.rank == 0 and (row.is_sample or row is EMPTY_ROW),
        record_rank=paper.rank if wins else row.record_rank,
    )


def row_as_record(row: PaperRow) -> CleanPaper:
    """What a stored paper says, as a record: `merge_record` takes the other of two papers in this form."""
    return CleanPaper(
        source=(record_source_of_rank(row.record_rank) or IMPORTED).name,
        rank=row.record_rank,
        identifiers=(),
        arxiv_id=None,
        version=row.version,
        title=row.title,
        title_raw=row.title_raw,
        abstract=row.abstract or None,
        abstract_raw=row.abstract_raw or None,
        authors=row.authors or None,
        author_keys=row.author_keys,
        organization=row.organization or None,
        categories=row.categories or None,
        published_at=row.published_at,
        updated_at=row.updated_at,
        announced_on=row.announced_on,
        doi=row.doi or None,
        journal_ref=row.journal_ref or None,
        comment=row.comment or None,
        license=row.license or None,
        is_withdrawn=True if row.withdrawn_at else None,
        links={name: link for name, link in (row.links or {}).items() if link["found"] not in IN_TEXTS},
        found=find_links(row.title, row.abstract, row.comment),
        versions=(),
        external_counts=None,
        listed_on=None,
    )


@dataclass(frozen=True, slots=True)
class PreviousTexts:
    """What a newer version changed, as it was before; an empty text is one that it did not change."""

    version: int
    title: str = ""
    abstract: str = ""
    comment: str = ""


def previous_texts(before: PaperRow, after: PaperRow) -> PreviousTexts | None:
    """The texts to keep of the version before; None where no newer version came or it changed none of them."""
    if before.version is None or after.version is None or after.version <= before.version:
        return None
    kept = PreviousTexts(
        version=before.version,
        title=before.title if before.title != after.title else "",
        abstract=before.abstract if before.abstract != after.abstract else "",
        comment=before.comment if before.comment != after.comment else "",
    )
    return kept if kept != PreviousTexts(before.version) else None


def _pick(wins: bool, old: T, new: T | None) -> T:
    """The value of one field: None never overwrites, and empty only clears what a record as good as ours had set."""
    if new is None:
        return old
    return new if wins or not old else old


def has_arxiv_address(row: PaperRow) -> bool:
    return bool(row.public_id) and not row.public_id.startswith(("doi/", "p-"))


def _public_id(row: PaperRow, paper: CleanPaper) -> str:
    """An address stays, except that one without an arXiv id gives way to it, and one without any id to a DOI."""
    if not row.public_id:
        return public_id(paper.identifiers)
    is_better = paper.arxiv_id and not has_arxiv_address(row)
    if not is_identified(row.public_id):
        is_better = any(scheme in STRONG_SCHEMES for scheme, _ in paper.identifiers)
    return public_id(paper.identifiers) if is_better else row.public_id


def _listed_at(row: PaperRow, announced_on: date | None, published_at: datetime | None, now: datetime) -> datetime:
    """Announced (arXiv's day begins at 20:00 Eastern, close to midnight UTC), else published, else first seen.

    A date in the future orders nothing until it has come.
    """
    known = datetime.combine(announced_on, time(), UTC) if announced_on else published_at
    return min(row.listed_at, now) if known is None or known > now else known


def _withdrawn_at(row: PaperRow, paper: CleanPaper, *, wins: bool, is_newer: bool, now: datetime) -> datetime | None:
    if not wins or (paper.is_withdrawn is None and not is_newer):
        return row.withdrawn_at
    if not paper.is_withdrawn:
        return None
    return row.withdrawn_at or min(paper.updated_at or now, now)


def _found(row: PaperRow, paper: CleanPaper, texts: tuple[str, str, str]) -> FoundLinks:
    """What the row's own texts say, whichever records they came from."""
    if texts == (paper.title, paper.abstract or "", paper.comment or ""):
        return paper.found
    return find_links(*texts)


def _links(row: PaperRow, paper: CleanPaper, found: FoundLinks) -> dict[str, LinkRow]:
    """What sources state, the better source first; what the texts say only where no source says anything."""
    links = {name: link for name, link in (row.links or {}).items() if link["found"] not in IN_TEXTS}
    for name, link in paper.links.items():
        if name not in links or _link_rank(link) >= _link_rank(links[name]):
            links[name] = link
    for name, url in (("code", found.code), ("project", found.project)):
        if url and name not in links:
            links[name] = LinkRow(url=url, found=found.where[name])
    return links


def _link_rank(link: LinkRow) -> int:
    source = RECORD_SOURCES.get(link["found"])
    return source.rank if source else 100  # arXiv's own pages are above all
