"""Papers that third parties name: whose claims hold, and whose own records are wanted (`models.WantedRecord`).

A feed's entry may say that it is an arXiv paper or has a DOI. Where the record of that paper is stored, the entry is
about it, and adds nothing to its words. Where it is not, the entry stands for itself under its own address; the record
is asked for, and when it comes, from wherever, the entry's paper becomes part of it. The same row asks for the record
of a paper that has the words of a third party alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db.backends.utils import CursorWrapper

from papers.services.ingest.clean_record import STRONG_SCHEMES, CleanPaper
from papers.services.ingest.paper_row import PaperRow
from papers.services.ingest.resolver import IdentifierPair, ResolvedPaper
from papers.sources.base import OWN_RECORD
from papers.sources.provenance import provenance

Waiting = Mapping[IdentifierPair, Sequence[int]]
"""By the name of the record that is wanted, the papers that wait for it."""


def with_claims(cursor: CursorWrapper, papers: Sequence[CleanPaper]) -> Sequence[CleanPaper]:
    """The records, where what they claim is true as theirs: an own record of that paper is stored or among them."""
    claims = {paper.claim for paper in papers if paper.claim}
    if not claims:
        return papers
    held = claims & {name for paper in papers if paper.rank >= OWN_RECORD for name in paper.identifiers}
    asked = sorted(claims - held)
    cursor.execute(
        """
        SELECT known.scheme, known.value FROM unnest(%s::text[], %s::text[]) AS asked (scheme, value)
        JOIN papers_identifier known ON known.scheme = asked.scheme AND known.value = asked.value
        JOIN papers_paper paper ON paper.id = known.paper_id AND paper.record_rank >= %s
        """,
        [[scheme for scheme, _ in asked], [value for _, value in asked], OWN_RECORD],
    )
    held |= set(cursor.fetchall())
    return [_held(paper, paper.claim) if paper.claim in held and paper.claim else paper for paper in papers]


def _held(paper: CleanPaper, claim: IdentifierPair) -> CleanPaper:
    scheme, value = claim
    return replace(
        paper, identifiers=(claim, *paper.identifiers), arxiv_id=value if scheme == "arxiv" else None, claim=None
    )


def waiting_for(cursor: CursorWrapper, papers: Iterable[CleanPaper]) -> Waiting:
    """What waits for these records: for the own ones among them."""
    names = {name for paper in papers if paper.rank >= OWN_RECORD for name in paper.identifiers}
    names = {name for name in names if name[0] in STRONG_SCHEMES}
    if not names:
        return {}
    cursor.execute(
        """
        SELECT wanted.scheme, wanted.value, wanted.paper_id
        FROM unnest(%s::text[], %s::text[]) AS here (scheme, value)
        JOIN papers_wantedrecord wanted ON wanted.scheme = here.scheme AND wanted.value = here.value
        ORDER BY wanted.paper_id
        """,
        [[scheme for scheme, _ in names], [value for _, value in names]],
    )
    found: dict[IdentifierPair, list[int]] = {}
    for scheme, value, paper_id in cursor.fetchall():
        found.setdefault((scheme, value), []).append(paper_id)
    return found


def claim_of(target: ResolvedPaper) -> IdentifierPair | None:
    """The record that a paper waits for because of what it says of itself."""
    claims = (paper.claim for paper in reversed(target.records) if paper.claim and paper.claim not in target.names)
    return None if any(scheme in STRONG_SCHEMES for scheme, _ in target.names) else next(claims, None)


def wanted_of(target: ResolvedPaper, row: PaperRow) -> IdentifierPair | None:
    """The record that a paper waits for: the one it claims, or its own, where its words are a third party's."""
    if claim := claim_of(target):
        return claim
    if not provenance(row.public_id, row.record_rank):
        return None
    strong = sorted(name for name in target.names if name[0] in STRONG_SCHEMES)
    return strong[0] if strong else None


def want_records(cursor: CursorWrapper, wanted: Mapping[int, IdentifierPair], *, now: datetime) -> None:
    """Have records asked for, by the papers that wait for them. Who waits for it already, or waited in vain, does not
    wait anew. The caller holds the locks of these papers."""
    if not wanted:
        return
    rows = sorted(wanted.items())
    cursor.execute(
        """
        INSERT INTO papers_wantedrecord (paper_id, scheme, value, attempts, next_attempt_at, reason)
        SELECT paper_id, scheme, value, 0, %s, ''
        FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS new (paper_id, scheme, value)
        ON CONFLICT (paper_id) DO UPDATE SET scheme = excluded.scheme, value = excluded.value, attempts = 0,
            next_attempt_at = excluded.next_attempt_at, reason = ''
        WHERE (papers_wantedrecord.scheme, papers_wantedrecord.value) <> (excluded.scheme, excluded.value)
        """,
        [
            now,
            [paper_id for paper_id, _ in rows],
            [name[0] for _, name in rows],
            [name[1] for _, name in rows],
        ],
    )


def stop_waiting(cursor: CursorWrapper, waiting: Waiting) -> None:
    """The records are here."""
    if waiting:
        cursor.execute(
            "DELETE FROM papers_wantedrecord wanted USING unnest(%s::text[], %s::text[]) AS here (scheme, value) "
            "WHERE wanted.scheme = here.scheme AND wanted.value = here.value",
            [[scheme for scheme, _ in waiting], [value for _, value in waiting]],
        )
