"""What curators changed about papers, kept beside what the sources say, so that no new version undoes it silently.

A paper's row holds the curators' values. A record is merged with what the sources said before, and then the curators'
values are laid over it again; what the sources say by then is kept beside them, to be shown and to be gone back to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from papers.services.ingest.clean_record import author_keys
from papers.services.ingest.paper_row import PaperRow


@dataclass(frozen=True, slots=True)
class CuratedEdit:
    """One field of one paper."""

    value: Any
    source_value: Any
    """What the sources say, as of their last record."""


CuratedEdits = Mapping[str, CuratedEdit]
"""By field."""


def field_value(row: PaperRow, field: str) -> Any:
    """A field of a row, as JSON has it."""
    if field == "authors":
        return [dict(author) for author in row.authors]
    if field == "code":
        return (row.links or {}).get("code")
    if field == "withdrawn_at":
        return row.withdrawn_at.isoformat() if row.withdrawn_at else None
    return getattr(row, field)


def with_field_value(row: PaperRow, field: str, value: Any) -> PaperRow:
    """The row with another value of a field, and what follows from it."""
    if field == "authors":
        authors = tuple(value)
        return replace(row, authors=authors, author_count=len(authors), author_keys=author_keys(authors))
    if field == "code":
        links = {name: link for name, link in (row.links or {}).items() if name != "code"}
        return replace(row, links=links | ({"code": value} if value else {}))
    if field == "withdrawn_at":
        return replace(row, withdrawn_at=datetime.fromisoformat(value) if value else None)
    changed: dict[str, Any] = {field: value}
    return replace(row, **changed)


def without_edits(row: PaperRow, edits: CuratedEdits) -> PaperRow:
    """The row without what curators changed."""
    for field, edit in edits.items():
        row = with_field_value(row, field, edit.source_value)
    return row


def with_edits(row: PaperRow, edits: CuratedEdits) -> PaperRow:
    """What the sources say, with what curators changed laid over it."""
    for field, edit in edits.items():
        row = with_field_value(row, field, edit.value)
    return row


def changed_source_values(row: PaperRow, edits: CuratedEdits) -> dict[str, Any]:
    """By edited field, what the sources say now, where that is not what they said before."""
    found = {field: field_value(row, field) for field in edits}
    return {field: value for field, value in found.items() if value != edits[field].source_value}
