"""Records in, one transaction of set-based SQL out: one paper, one row, whatever its sources and their order.

Two writers at once, even of the same papers, neither wait in a circle nor store anything twice:

1. the identifiers of papers to come are claimed first, in one order for everybody. Who comes second waits there for
   the first one's end, and then starts over, because now the papers exist;
2. stored papers are read and compared without a lock. Those that are to change are locked, in the order of their
   ids, and compared again;
3. releases and counts of editions come last.

Nothing is written for a paper that a record says nothing new about.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import psycopg
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from papers.isolation.calls import IsolationError, call_isolated
from papers.models import Source
from papers.services.editions.listing import (
    ListingEntry,
    ListingRule,
    add_listings,
    dedupe_entries,
    is_possible_day,
    is_recent_enough,
    listing_rule_of,
    select_unlisted,
)
from papers.services.ingest import tables
from papers.services.ingest.announcements import add_announcements
from papers.services.ingest.claims import (
    claim_of,
    stop_waiting,
    waiting_for,
    want_records,
    wanted_of,
    with_claims,
)
from papers.services.ingest.clean_record import CleanPaper, RecordError, clean_record
from papers.services.ingest.curated_edits import CuratedEdits, changed_source_values, with_edits, without_edits
from papers.services.ingest.external_counts import (
    CountsKey,
    SeenCounts,
    StoredCounts,
    changed_counts,
    copy_votes,
    read_counts,
    seen_counts,
    store_counts,
)
from papers.services.ingest.paper_merge import move_related_rows
from papers.services.ingest.paper_row import (
    EMPTY_ROW,
    PaperRow,
    PreviousTexts,
    changes_card,
    has_arxiv_address,
    merge_record,
    previous_texts,
    row_as_record,
)
from papers.services.ingest.rejected_records import resolve_rejected_records, store_rejected, unstorable_record
from papers.services.ingest.releases import re_release
from papers.services.ingest.resolver import IdentifierPair, ResolvedPaper, resolve_papers
from papers.services.lists.trending import refresh_trending_scores
from papers.services.operations.installation import group_today
from papers.sources.base import RawPaper, RawVersion, UnreadableRecord
from papers.sources.registry import RECORD_SOURCES

logger = logging.getLogger(__name__)

# Each time one writer steps back, another one has stored its papers; so this is never reached by honest writers.
_ATTEMPTS = 20
# What Postgres says of data it cannot take: a value (22), a constraint (23), or a size (54) out of bounds.
_BAD_DATA = ("22", "23", "54")
_DEADLOCK = "40P01"
_LONG_RECORD = 50_000
"""In characters. Records of the largest collaborations are longer; of a thousand papers, one."""


@dataclass(frozen=True, slots=True)
class StoreResult:
    """What became of some records, in papers; `rejected` in records."""

    new: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    listed: int = 0
    paper_ids: tuple[int, ...] = ()
    """All papers that the records are about, each once."""
    new_ids: tuple[int, ...] = ()
    refused: tuple[UnreadableRecord, ...] = ()
    """The records that could not be stored."""

    def __add__(self, other: StoreResult) -> StoreResult:
        return StoreResult(
            new=self.new + other.new,
            updated=self.updated + other.updated,
            unchanged=self.unchanged + other.unchanged,
            rejected=self.rejected + other.rejected,
            listed=self.listed + other.listed,
            paper_ids=tuple(dict.fromkeys(self.paper_ids + other.paper_ids)),
            new_ids=self.new_ids + other.new_ids,
            refused=self.refused + other.refused,
        )


def store_papers(
    raws: Iterable[RawPaper], *, now: datetime, kind: str, source: Source | None = None, rule: ListingRule | None = None
) -> StoreResult:
    """Store records of papers in one transaction. Idempotent: the same records again write no row.

    A record that cannot be stored is kept as a `RejectedRecord` of `kind`, and the rest goes on. What is listed on
    editions follows the settings of `source`, or `rule` where there is no source.
    """
    if source is not None:
        rule = listing_rule_of(source)
    records: list[_Record] = []
    refused: list[UnreadableRecord] = []
    misdated: list[UnreadableRecord] = []
    for place, raw in enumerate(raws):
        if raw.listed_on is not None and not is_possible_day(raw.listed_on.day, now):
            said = f"It is listed on {raw.listed_on.day}, which can’t be; it was stored, and stands on no edition."
            misdated.append(unstorable_record(raw, said, place=place))
            raw = replace(raw, listed_on=None, announced_on=None)
        try:
            records.append(_Record(place, raw, _clean(raw)))
        except RecordError as error:
            refused.append(unstorable_record(raw, str(error), place=place))
    with transaction.atomic():
        stored = _store_or_refuse(records, now=now, rule=rule) + StoreResult(
            rejected=len(refused), refused=tuple(refused)
        )
        store_rejected(stored.refused, kind=kind, source_id=source.pk if source else None, now=now)
        resolve_rejected_records({value for record in records for _, value in record.paper.identifiers}, now=now)
        store_rejected(misdated, kind=kind, source_id=source.pk if source else None, now=now)
    return stored


def _clean(raw: RawPaper) -> CleanPaper:
    """The record cleaned; a very long one in a child process, where it can hold up nobody.

    Raises:
        RecordError: it cannot be stored.
    """
    if _length(raw) <= _LONG_RECORD:
        return clean_record(raw)
    try:
        return call_isolated(clean_record, raw)
    except IsolationError as error:
        raise RecordError(f"The record is {_length(raw):,} characters long, and {error}.") from error


def _length(raw: RawPaper) -> int:
    """About how many characters are to be cleaned."""
    texts = (raw.title, raw.abstract, raw.authors_text, raw.comment, raw.journal_ref, raw.organization)
    authors = sum(len(author.name) + len(author.affiliation) for author in raw.authors or ())
    return authors + sum(len(text) for text in texts if text)


@dataclass(frozen=True, slots=True)
class _Record:
    place: int
    raw: RawPaper
    paper: CleanPaper


class _OthersFirstError(Exception):
    """Another writer stored or merged some of these papers in the meantime: start over."""


def _store_or_refuse(records: Sequence[_Record], *, now: datetime, rule: ListingRule | None) -> StoreResult:
    """Store them all, or find those that Postgres does not take: by halves, so that one costs a few more attempts."""
    if not records:
        return StoreResult()
    try:
        return _store([record.paper for record in records], now=now, rule=rule)
    except (DatabaseError, psycopg.Error) as error:
        if not _state_of(error).startswith(_BAD_DATA):
            raise
        if len(records) == 1:
            logger.warning("Postgres refused a record: %s", error)
            refused = unstorable_record(records[0].raw, f"Postgres refused it: {error}", place=records[0].place)
            return StoreResult(rejected=1, refused=(refused,))
    middle = len(records) // 2
    return _store_or_refuse(records[:middle], now=now, rule=rule) + _store_or_refuse(
        records[middle:], now=now, rule=rule
    )


def _store(papers: Sequence[CleanPaper], *, now: datetime, rule: ListingRule | None) -> StoreResult:
    for _ in range(_ATTEMPTS):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                return _Storing(cursor, now=now, rule=rule).store(papers)
        except _OthersFirstError:
            continue
        except (DatabaseError, psycopg.Error) as error:
            if _state_of(error) != _DEADLOCK:
                raise
    raise RuntimeError(f"Other writers were first with the same papers {_ATTEMPTS} times in a row.")


def _state_of(error: Exception) -> str:
    """The SQLSTATE; Django wraps what psycopg raises, except while copying."""
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    return (cause.sqlstate or "") if isinstance(cause, psycopg.Error) else ""


@dataclass(slots=True)
class _Changes:
    """What records change about stored papers."""

    rows: list[tables.PaperChange] = field(default_factory=list)
    old_texts: dict[int, PreviousTexts] = field(default_factory=dict)
    versions: list[tuple[int, RawVersion]] = field(default_factory=list)
    version_dates: list[tuple[int, RawVersion]] = field(default_factory=list)
    external_counts: dict[CountsKey, SeenCounts] = field(default_factory=dict)
    known_counts: dict[CountsKey, StoredCounts] = field(default_factory=dict)
    absorbed: dict[int, int] = field(default_factory=dict)
    source_values: list[tuple[int, str, Any]] = field(default_factory=list)
    """What the sources say now of fields that curators changed."""

    def paper_ids(self) -> set[int]:
        ids = {change.paper_id for change in self.rows} | set(self.absorbed.values())
        ids |= {paper_id for paper_id, _ in (*self.versions, *self.version_dates)}
        ids |= {paper_id for paper_id, _, _ in self.source_values}
        return ids | {paper_id for paper_id, _ in self.external_counts}


class _Storing:
    """One attempt at one batch."""

    def __init__(self, cursor: CursorWrapper, *, now: datetime, rule: ListingRule | None) -> None:
        self.cursor = cursor
        self.now = now
        self.rule = rule

    def store(self, papers: Sequence[CleanPaper]) -> StoreResult:
        """Store the papers, and return what became of them.

        Raises:
            _OthersFirstError: nothing of this attempt may stay.
        """
        papers = with_claims(self.cursor, add_announcements(self.cursor, papers))
        waiting = waiting_for(self.cursor, papers)
        names = tables.read_identifiers(self.cursor, {name for p in papers for name in p.identifiers})
        if waiting:
            names |= tables.names_of(self.cursor, {paper_id for ids in waiting.values() for paper_id in ids})
        targets = resolve_papers(papers, names, waiting)
        known = [target for target in targets if target.paper_id is not None]
        new = self._claim(targets)
        rows = {paper_id: self._row(EMPTY_ROW, target) for paper_id, target in new.items()}
        changes = self._lock_and_compare(known)
        tables.insert_papers(self.cursor, rows, now=self.now)
        self._write(changes)
        self._add_to_new(new)
        stop_waiting(self.cursor, waiting)
        self._want(targets, rows | {change.paper_id: change.after for change in changes.rows})
        real = [one.paper_id for one in changes.rows if one.before.is_sample and not one.after.is_sample]
        re_release(real, now=self.now)
        listed = add_listings(self._entries(targets), self.rule, now=self.now) if self.rule else 0
        changed = changes.paper_ids() | {_id(target) for target in known if target.new_names}
        return StoreResult(
            new=len(new),
            updated=len(changed),
            unchanged=len(known) - len(changed),
            listed=listed,
            paper_ids=tuple(_id(target) for target in targets),
            new_ids=tuple(new),
        )

    def _claim(self, targets: Iterable[ResolvedPaper]) -> dict[int, ResolvedPaper]:
        """Draw ids for new papers and claim what they and others are newly known by; the new papers by id."""
        nameless = [target for target in targets if target.paper_id is None]
        new = dict(zip(tables.reserve_ids(self.cursor, len(nameless)) if nameless else (), nameless, strict=True))
        for paper_id, target in new.items():
            target.paper_id = paper_id
        names = [(name, _id(target)) for target in targets for name in target.new_names]
        if not tables.claim_identifiers(self.cursor, names):
            raise _OthersFirstError
        return new

    def _row(self, row: PaperRow, target: ResolvedPaper, others: Iterable[PaperRow] = ()) -> PaperRow:
        for other in others:
            row = merge_record(row, row_as_record(other), now=self.now)
        for paper in target.records:
            row = merge_record(row, paper, now=self.now)
        return row

    def _lock_and_compare(self, known: Sequence[ResolvedPaper]) -> _Changes:
        """What changes about stored papers; their rows are locked. Those that stay as they are, are only read."""
        changes = self._compare(known, lock=False)
        ids = changes.paper_ids() | {_id(target) for target in known if target.new_names or claim_of(target)}
        if self.rule:
            ids |= {entry.paper_id for entry in select_unlisted(self._entries(known), self.rule)}
        if not ids:
            return changes
        return self._compare([target for target in known if target.paper_id in ids], lock=True)

    def _compare(self, targets: Sequence[ResolvedPaper], *, lock: bool) -> _Changes:
        ids = [_id(target) for target in targets]
        absorbed = {gone: _id(target) for target in targets for gone in target.absorbed}
        rows = tables.read_rows(self.cursor, [*ids, *absorbed], lock=lock)
        if len(rows) < len(ids) + len(absorbed):
            raise _OthersFirstError
        changes = _Changes(absorbed=absorbed)
        seen = self._seen(targets)
        changes.known_counts = read_counts(self.cursor, {paper_id for paper_id, _ in seen})
        changes.external_counts = changed_counts(seen, changes.known_counts)
        edits = tables.read_edits(self.cursor, list(rows))
        for target in targets:
            _check(target, [rows[paper_id] for paper_id in (_id(target), *target.absorbed)])
            self._compare_one(target, rows, edits, changes)
        self._compare_versions(targets, changes)
        return changes

    def _compare_one(
        self, target: ResolvedPaper, rows: Mapping[int, PaperRow], edits: Mapping[int, CuratedEdits], changes: _Changes
    ) -> None:
        """What the records change about a paper: about what its sources say, and so about what it shows."""
        paper_id = _id(target)
        before, own = rows[paper_id], edits.get(paper_id, {})
        said = without_edits(before, own)
        others = [without_edits(rows[gone], edits.get(gone, {})) for gone in target.absorbed]
        saying = self._row(said, target, others)
        changes.source_values += ((paper_id, name, value) for name, value in changed_source_values(saying, own).items())
        for gone in target.absorbed:
            own = {**edits.get(gone, {}), **own}
        after = with_edits(saying, own)
        if before != after:
            is_card_new = (paper_id, *target.absorbed) != (paper_id,) or changes_card(before, after)
            is_card_new = is_card_new or any(key[0] == paper_id for key in changes.external_counts)
            changes.rows.append(tables.PaperChange(paper_id, before, after, is_card_new))
            if old := previous_texts(said, saying):
                changes.old_texts[paper_id] = old

    def _seen(self, targets: Iterable[ResolvedPaper]) -> dict[CountsKey, SeenCounts]:
        return seen_counts(((_id(target), paper) for target in targets for paper in target.records), now=self.now)

    def _compare_versions(self, targets: Iterable[ResolvedPaper], changes: _Changes) -> None:
        said = {_id(target): versions for target in targets if (versions := _versions(target))}
        known = tables.read_versions(self.cursor, list(said))
        for paper_id, versions in said.items():
            for version in versions:
                if (paper_id, version.number) not in known:
                    changes.versions.append((paper_id, version))
                elif version.released_at and known[paper_id, version.number] is None:
                    changes.version_dates.append((paper_id, version))

    def _write(self, changes: _Changes) -> None:
        if changes.absorbed:
            move_related_rows(changes.absorbed)
            copy_votes(self.cursor, changes.absorbed.values())
        tables.update_papers(self.cursor, changes.rows, now=self.now)
        tables.update_source_values(self.cursor, changes.source_values)
        tables.insert_versions(self.cursor, changes.versions, now=self.now)
        tables.set_version_dates(self.cursor, changes.version_dates)
        tables.insert_previous_texts(self.cursor, changes.old_texts, now=self.now)
        store_counts(self.cursor, changes.external_counts, changes.known_counts, now=self.now)
        refresh_trending_scores(list(changes.absorbed.values()))
        written = {change.paper_id for change in changes.rows}
        cards = {paper_id for paper_id, _ in changes.external_counts} | set(changes.absorbed.values())
        tables.touch_papers(self.cursor, cards - written, now=self.now)

    def _add_to_new(self, new: Mapping[int, ResolvedPaper]) -> None:
        versions = [(paper_id, version) for paper_id, target in new.items() for version in _versions(target)]
        tables.insert_versions(self.cursor, versions, now=self.now)
        store_counts(self.cursor, self._seen(new.values()), {}, now=self.now)

    def _want(self, targets: Iterable[ResolvedPaper], written: Mapping[int, PaperRow]) -> None:
        """Have the own records asked for of papers that only a third party speaks of."""
        wanted: dict[int, IdentifierPair] = {}
        for target in targets:
            name = wanted_of(target, written[_id(target)]) if _id(target) in written else claim_of(target)
            if name is not None:
                wanted[_id(target)] = name
        want_records(self.cursor, wanted, now=self.now)

    def _entries(self, targets: Iterable[ResolvedPaper]) -> list[ListingEntry]:
        """Where the source has its papers: on the day of its list or announcement, else on the group's today."""
        today = group_today(self.now)
        found: list[ListingEntry] = []
        for target in targets:
            for paper in target.records:
                paper_id, place = _id(target), len(found)
                if (on := paper.listed_on) is not None:
                    found.append(ListingEntry(paper_id, on.day, on.kind, on.position, on.submitter))
                elif RECORD_SOURCES[paper.source].lists_when_stored and is_recent_enough(paper.published_at, self.now):
                    found.append(ListingEntry(paper_id, today, position=place, once=True))
        return dedupe_entries(found)


def _id(target: ResolvedPaper) -> int:
    if target.paper_id is None:
        raise ValueError("This paper has no id yet.")
    return target.paper_id


def _check(target: ResolvedPaper, rows: Iterable[PaperRow]) -> None:
    """Two arXiv ids are never one paper, also when another writer gave this one its id just now.

    Raises:
        _OthersFirstError: a row has an arXiv id that was not known when it was found.
    """
    for row in rows:
        if has_arxiv_address(row) and ("arxiv", row.public_id) not in target.names:
            raise _OthersFirstError


def _versions(target: ResolvedPaper) -> list[RawVersion]:
    """The versions that the records of a paper name, each once, with a date where one of them gives it."""
    found: dict[int, RawVersion] = {}
    for paper in target.records:
        current = (RawVersion(paper.version, paper.updated_at),) if paper.version and not paper.versions else ()
        for version in (*paper.versions, *current):
            if version.number not in found or found[version.number].released_at is None:
                found[version.number] = version
    return list(found.values())
