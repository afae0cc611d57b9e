"""Which of many names belong to papers that are here: all at once."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from django.db import connection

from papers.catalogue.paper_ref import PaperRef


class KnownPaper(NamedTuple):
    """A stored paper, and whether a curator has taken it off."""

    paper_id: int
    is_hidden: bool


def known_papers(names: Collection[PaperRef]) -> dict[PaperRef, KnownPaper]:
    """By name, the papers that have it; the sample's do not count. One query."""
    asked = set(names)
    asked |= {PaperRef("doi", doi) for name in names if (doi := name.doi_in_url)}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT known.scheme, known.value, paper.id, paper.hidden_at IS NOT NULL
            FROM unnest(%s::text[], %s::text[]) AS asked (scheme, value)
            JOIN papers_identifier known ON known.scheme = asked.scheme AND known.value = asked.value
            JOIN papers_paper paper ON paper.id = known.paper_id AND NOT paper.is_sample
            """,
            [[name.scheme for name in asked], [name.value for name in asked]],
        )
        found = {PaperRef(scheme, value): KnownPaper(pk, hidden) for scheme, value, pk, hidden in cursor.fetchall()}
    for name in names:
        if name not in found and (doi := name.doi_in_url) and (known := found.get(PaperRef("doi", doi))):
            found[name] = known
    return found
