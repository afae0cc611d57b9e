"""Pictures of first pages, where the group wants them: one PDF at a time, after everything else that arXiv is asked.

What is to be drawn is found in the lists themselves: papers of the last days' editions that have no row yet. A PDF is
read in a child process and thrown away; what is kept is a picture of some kilobytes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import NamedTuple

from django.core.cache import cache
from django.db.models import Exists, OuterRef

from papers.catalogue.identifiers import parse_arxiv_id
from papers.isolation.calls import IsolationError, call_isolated
from papers.locks import AdvisoryLock, try_session_lock
from papers.models import FetchRun, LibraryItem, Listing, Source, Thumbnail, WantedRecord
from papers.outbound.client import Client
from papers.outbound.errors import HostBusyError, HttpStatusError, SourceError, TooLargeError
from papers.outbound.request import FetchRequest
from papers.services.fetching.rate_limiter import build_outbound_client
from papers.services.operations.installation import group_settings
from papers.sources.first_page import NoFirstPageError, Picture, draw_first_page
from papers.text.cleaning import safe_text

logger = logging.getLogger(__name__)

PDF_URL = "https://export.arxiv.org/pdf/"
"""The host that arXiv has set aside for programs."""
MAX_PDF_BYTES = 30 * 1024 * 1024
DRAWN_DAYS = 7
"""Editions of so many days are drawn, the newest first."""
THUMBNAILS_KEPT = timedelta(days=30)
"""Of papers that nobody has saved."""
PAUSE_SECONDS = 30 * 60
"""After a request that failed for another reason than that there is no such file."""
_PAUSED = "thumbnails-paused"
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_BEHIND_ALL_OTHERS = -1


class ShownThumbnail(NamedTuple):
    """What a page needs to know of a picture before it is loaded."""

    version: int
    width: int
    height: int


def is_thumbnail_due(*, now: datetime) -> bool:
    """Whether a picture is to be made, and nothing else waits for arXiv. Four queries; none where they are off."""
    if not group_settings().shows_thumbnails or cache.get(_PAUSED) or not _waiting(now):
        return False
    is_fetching = FetchRun.objects.filter(state=FetchRun.State.RUNNING).exists() or Source.objects.due(now).exists()
    return not is_fetching and not WantedRecord.objects.due(now).exists()


def make_next_thumbnail(
    *, now: datetime, make_client: Callable[..., Client] = build_outbound_client
) -> Thumbnail | None:
    """Draw the first page of one paper; None where there was nothing to do, or the host is busy or away.

    What can't be drawn gets a row without a picture, and is not asked for again.
    """
    with try_session_lock(AdvisoryLock.THUMBNAILS) as is_ours:
        if not is_ours or not is_thumbnail_due(now=now):
            return None
        paper_id, arxiv_id = _waiting(now)[0]
        try:
            picture = _draw(make_client(priority=_BEHIND_ALL_OTHERS), arxiv_id)
        except (NoFirstPageError, IsolationError, TooLargeError) as error:
            return _store(paper_id, None, now, reason=str(error))
        except HostBusyError:
            return None
        except SourceError as error:  # a picture is not worth a second request; nor are the next ones for a while
            logger.warning("arXiv does not give the PDF of %s: %s", arxiv_id, error)
            if not isinstance(error, HttpStatusError) or error.status not in _GONE:
                cache.set(_PAUSED, True, PAUSE_SECONDS)
            return _store(paper_id, None, now, reason=str(error))
        return _store(paper_id, picture, now)


def shown_thumbnails(paper_ids: Collection[int]) -> dict[int, ShownThumbnail]:
    """The pictures of these papers, where the group shows them. One query; none where it does not."""
    if not paper_ids or not group_settings().shows_thumbnails:
        return {}
    rows = Thumbnail.objects.filter(paper__in=paper_ids, width__gt=0).values_list("paper", "made_at", "width", "height")
    return {paper: ShownThumbnail(int(made_at.timestamp()), width, height) for paper, made_at, width, height in rows}


def delete_old_thumbnails(*, now: datetime) -> int:
    """Delete those that are older than they are kept, and whose papers nobody has saved; returns how many."""
    saved = LibraryItem.objects.filter(paper=OuterRef("paper")).exclude(state=LibraryItem.State.NOT_INTERESTED)
    return Thumbnail.objects.filter(~Exists(saved), made_at__lt=now - THUMBNAILS_KEPT).delete()[0]


def _waiting(now: datetime) -> list[tuple[int, str]]:
    """The next paper without a row, by its key, and its arXiv id: of the newest edition, the most voted first."""
    first = now.date() - timedelta(days=DRAWN_DAYS)
    listed = Listing.objects.visible().filter(day__gte=first, paper__thumbnail=None)
    row = (
        listed.filter(paper__identifiers__scheme="arxiv")
        .order_by("-day", "-vote_count", "paper_id")
        .values_list("paper_id", "paper__identifiers__value")
        .first()
    )
    return [row] if row else []


def _draw(client: Client, arxiv_id: str) -> Picture:
    """Fetch the PDF and draw its first page.

    Raises:
        SourceError: it did not come.
        NoFirstPageError: there is nothing to be drawn.
        IsolationError: drawing takes too long, or too much memory.
    """
    found = parse_arxiv_id(arxiv_id)
    if found is None:
        raise NoFirstPageError("It is not an arXiv id.")
    request = FetchRequest(
        f"{PDF_URL}{found.value}", group="arxiv", accept="application/pdf", max_bytes=MAX_PDF_BYTES, wait_seconds=20.0
    )
    return call_isolated(draw_first_page, client.fetch(request).body)


def _store(paper_id: int, picture: Picture | None, now: datetime, *, reason: str = "") -> Thumbnail:
    png, width, height = picture or (b"", 0, 0)
    fields = {"image": png, "width": width, "height": height, "made_at": now, "reason": safe_text(reason)[:500]}
    return Thumbnail.objects.update_or_create(paper_id=paper_id, defaults=fields)[0]
