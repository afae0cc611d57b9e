"""Muted searches: what they find is folded away in the reader's lists."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Field, Status

from papers.api.v1.base import READ, WRITE, Record, RequestBody, RowKey, Text, limit_as_pages, new_router, reader_of
from papers.models import MutedQuery
from papers.services.reading.muted_queries import mute_query, unmute_query

router = new_router("Mutes")


class MuteRecord(Record):
    """A muted search."""

    model_config = {
        "json_schema_extra": {"examples": [{"id": 3, "query": "blockchain", "created_at": "2026-03-04T12:00:00Z"}]}
    }

    id: int
    query: str = Field(description="As it is understood, in the language of the search box.")
    created_at: datetime = Field(description="UTC.")


class MuteList(Record):
    """A reader's muted searches, 50 at most."""

    items: list[MuteRecord]


class MuteText(RequestBody):
    """A search to be muted."""

    model_config = {"json_schema_extra": {"examples": [{"query": "blockchain"}]}}

    query: Text = Field(min_length=1, max_length=1_000)


@router.get("/mutes", response=MuteList, summary="Your muted searches", **READ)
def list_mutes(request: HttpRequest) -> dict[str, Any]:
    """What the reader has muted, the first muted first."""
    return {"items": [_record(row) for row in MutedQuery.objects.of(reader_of(request))]}


@router.put("/mutes", response=MuteList, summary="Mute a search", **WRITE)
def put_mute(request: HttpRequest, body: MuteText) -> dict[str, Any]:
    """Fold away what a search finds; the answer has all muted searches."""
    user = reader_of(request)
    limit_as_pages(request, "library")
    mute_query(user=user, text=body.query)
    return {"items": [_record(row) for row in MutedQuery.objects.of(user)]}


@router.delete("/mutes/{int:mute_id}", response={204: None}, summary="Unmute a search", **WRITE)
def delete_mute(request: HttpRequest, mute_id: int = RowKey) -> Status[None]:
    """Show again what it folded away."""
    limit_as_pages(request, "library")
    unmute_query(user=reader_of(request), key=mute_id)
    return Status(204, None)


def _record(row: MutedQuery) -> MuteRecord:
    return MuteRecord(id=row.pk, query=row.query, created_at=row.created_at)
