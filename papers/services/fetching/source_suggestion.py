"""What a source would bring, before there is one: somebody pastes an address, an ISSN or a name, and sees."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from papers.models import Source
from papers.outbound.client import Client
from papers.outbound.errors import DeadlineError, HttpStatusError, RefusedError, SourceError
from papers.outbound.host_rate_limit import host_group_of
from papers.outbound.request import FetchRequest
from papers.services.fetching.fetch_runner import FetchPreview, preview_source
from papers.services.fetching.rate_limiter import build_outbound_client
from papers.services.fetching.source_config import save_source
from papers.services.ingest.clean_record import CleanPaper, RecordError, clean_record
from papers.sources.base import RawPaper, SourceSettings
from papers.sources.isolated import read_isolated
from papers.sources.oai import base_address
from papers.sources.recognise import (
    AtAddress,
    FeedLink,
    Suggestion,
    address_in,
    is_oai_address,
    look_at_answer,
    suggested_by_answer,
    suggested_by_text,
)
from papers.sources.registry import adapter_of

LOOK_SECONDS = 8.0
"""How long somebody waits for a look, all requests together."""
MAX_ENTRIES = 10
MAX_BYTES = 5_000_000
KINDS = ("feed", "biorxiv", "medrxiv", "crossref", "oai", "openalex", "broadsheet")
"""What a curator may add. arXiv and Hugging Face are the first-run page's."""
NOT_KNOWN = (
    "That is not an address, an ISSN or the name of a known source. Enter the address of a feed, of a "
    "journal’s page or of a repository, an ISSN, or “bioRxiv” or “medRxiv”."
)
OF_ARXIV = (
    "arXiv has sources of its own, which know its announcements. Its categories are chosen in the group’s settings, "
    "by an administrator."
)
NO_SOURCE = (
    "There is a page at this address, but it names no feed or ISSN. Look for “RSS” or “Feed” on the page, and enter "
    "that link’s address; or enter the journal’s ISSN."
)


@dataclass(frozen=True, slots=True)
class SourceLook:
    """What a look brought: the source it would be, if it is one, and what that would bring."""

    suggestion: Suggestion | None = None
    other_feeds: Sequence[FeedLink] = ()
    entries: Sequence[CleanPaper] = ()
    paper_count: int = 0
    unread: int = 0
    """Entries that could not be read."""
    error: str = ""


@dataclass(slots=True)
class _Budget:
    """The time that is left of a look."""

    seconds: float
    began: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        return max(self.seconds - (time.monotonic() - self.began), 0.5)


def look_at(text: str, *, now: datetime, seconds: float = LOOK_SECONDS) -> SourceLook:
    """What somebody means by a text, and what it would bring. Nothing is stored; errors are told in words."""
    budget = _Budget(seconds)
    if suggestion := suggested_by_text(text):
        return preview_suggestion(suggestion, now=now, seconds=budget.left())
    address = address_in(text)
    if address is None:
        return SourceLook(error=NOT_KNOWN)
    try:
        if host_group_of(address) == "arxiv":
            return SourceLook(error=OF_ARXIV)
        found = _ask(address, seconds=budget.left() / 2)
    except DeadlineError:
        return SourceLook(error=f"No response within the {seconds:.0f} seconds that are waited here.")
    except SourceError as error:
        return SourceLook(error=str(error))
    suggestion = suggested_by_answer(found, address)
    if suggestion is None:
        return SourceLook(error=NO_SOURCE)
    others = [link for link in found.feeds if link.url != suggestion.base_url]
    return preview_suggestion(suggestion, now=now, seconds=budget.left(), other_feeds=others)


def preview_suggestion(
    suggestion: Suggestion, *, now: datetime, seconds: float = LOOK_SECONDS, other_feeds: Sequence[FeedLink] = ()
) -> SourceLook:
    """What a source would bring now, its newest answer only."""
    if problems := problems_of(suggestion):
        return SourceLook(suggestion, other_feeds, error=" ".join(problems.values()))
    preview = preview_source(_unsaved(suggestion), now=now, total_seconds=seconds, max_batches=1)
    papers = [paper for batch in preview.batches for paper in batch.papers]
    entries = _cleaned(papers)
    unread = sum(len(batch.rejected) for batch in preview.batches) + len(papers) - len(entries)
    return SourceLook(
        suggestion,
        other_feeds,
        entries[:MAX_ENTRIES],
        len(entries),
        unread,
        _words_of(preview, has_papers=bool(papers)),
    )


def problems_of(suggestion: Suggestion) -> Mapping[str, str]:
    """What a source lacks or may not have, by field."""
    found: dict[str, str] = {}
    if suggestion.base_url:
        try:
            host_group_of(suggestion.base_url)
        except RefusedError as error:
            found["base_url"] = str(error)
    settings = SourceSettings(base_url=suggestion.base_url, query=suggestion.query)
    return {**adapter_of(suggestion.kind).problems(settings), **found}


def twin_of(suggestion: Suggestion) -> Source | None:
    """The source that asks for the same already. One query."""
    same = Source.objects.filter(kind=suggestion.kind, base_url=suggestion.base_url, query=suggestion.query)
    return same.order_by("pk").first()


def add_source(
    suggestion: Suggestion, *, interval_seconds: int, lists_all: bool, is_enabled: bool, now: datetime
) -> Source:
    """Make the source, and ask for a fetch of it if it is on."""
    source = _unsaved(suggestion)
    source.interval_seconds = interval_seconds
    source.lists = Source.Lists.ALL if lists_all else Source.Lists.NOTHING
    source.is_enabled = is_enabled
    with transaction.atomic():
        save_source(source, changed_fields=(), now=now)
    return source


def _unsaved(suggestion: Suggestion) -> Source:
    name = " ".join(suggestion.name.split())[:120]
    return Source(
        kind=suggestion.kind,
        name=name,
        base_url=suggestion.base_url,
        query=suggestion.query,
        api_key=suggestion.api_key,
    )


def _ask(address: str, *, seconds: float) -> AtAddress:
    """What is at an address.

    Raises:
        SourceError: there is no answer.
    """
    client: Client = build_outbound_client()
    is_oai = is_oai_address(address)
    url, params = (base_address(address), {"verb": "Identify"}) if is_oai else (address, {})
    request = FetchRequest(
        url=url,
        group=host_group_of(url),
        params=params,
        accept="application/atom+xml, application/rss+xml, application/xml;q=0.9, text/html;q=0.8, */*;q=0.5",
        max_bytes=MAX_BYTES,
        deadline_seconds=seconds * 3 / 4,
        wait_seconds=seconds / 4,
    )
    try:
        response = client.fetch(request)
    except HttpStatusError as error:  # some repositories answer a question that they do not like so
        found = read_isolated(look_at_answer, error.body, url=url)
        if found.kind == "oai":
            return found
        raise
    return read_isolated(look_at_answer, response.body, url=response.url, content_type=response.content_type)


def _cleaned(papers: Sequence[RawPaper]) -> list[CleanPaper]:
    found: list[Any] = []
    for paper in papers:
        try:
            found.append(clean_record(paper))
        except RecordError:
            continue
    return found


def _words_of(preview: FetchPreview, *, has_papers: bool) -> str:
    """Why there is nothing to see; empty where there is."""
    if has_papers or not preview.error:
        return ""
    return preview.error
