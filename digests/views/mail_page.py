"""A mail as a page, and the papers that it only counted, for everybody with its link and no search engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from digests.models import Delivery
from digests.services.mail_page import (
    below_ids,
    brought_ids,
    find_delivery,
    more_ids,
    page_of,
    paper_rows,
    told_versions,
)
from papers.services.lists.rows import ListRow
from papers.services.lists.viewer_state import read_viewer_state
from papers.services.topics.labels import topic_names
from papers.views.paper_lists import paper_ids_of
from papers.web.cards import Places, render_cards
from papers.web.http import Request


@require_safe
def mail(request: Request, key: str) -> HttpResponse:
    """The papers of a mail, in its order."""
    found = _of_key(key)
    rows = paper_rows(brought_ids(found))
    context = {
        "key": key,
        "versions": told_versions(found.version_ids),
        "more_count": len(more_ids(found)),
        "below_count": len(below_ids(found)),
    }
    return _page(request, "digests/mail.html", found, rows, Places.of(paper_ids_of(rows), total=len(rows)), context)


@require_safe
def more(request: Request, key: str) -> HttpResponse:
    """The papers behind "and 23 more"."""
    return _rest(request, key, "digests/mail_more.html", more_ids)


@require_safe
def below(request: Request, key: str) -> HttpResponse:
    """The papers that were below the line of the mail's reader."""
    return _rest(request, key, "digests/mail_below.html", below_ids)


def _rest(request: Request, key: str, template: str, ids_of: Callable[[Delivery], list[int]]) -> HttpResponse:
    """A page of papers that the mail did not bring, from the place on that the address names."""
    found = _of_key(key)
    asked = request.GET.get("from", "")
    offset = int(asked[:6]) if asked.isascii() and asked.isdigit() else 0
    ids = ids_of(found)
    rows, following = page_of(ids, offset=offset)
    places = Places.of(paper_ids_of(rows), before=offset)
    return _page(request, template, found, rows, places, {"key": key, "following": following, "count": len(ids)})


def _of_key(key: str) -> Delivery:
    found = find_delivery(key)
    if found is None:
        raise Http404("There is no such e-mail.")
    return found


def _page(
    request: Request, template: str, mail: Delivery, rows: list[ListRow], places: Places, context: dict[str, Any]
) -> HttpResponse:
    marks = read_viewer_state(request.user, [row.paper_id for row in rows], voters_of=[row.paper_id for row in rows])
    if marks is not None:
        marks.seen.clear()  # what a mail brought is shown whole
    topics = topic_names([row.paper_id for row in rows], viewer=request.user)
    cards = render_cards(rows, viewer=marks, this_year=timezone.localdate().year, topics=topics, places=places)
    response = render(request, template, {**context, "mail": mail, "cards": cards})
    response["X-Robots-Tag"] = "noindex"
    response["Cache-Control"] = "private, no-cache"
    return response
