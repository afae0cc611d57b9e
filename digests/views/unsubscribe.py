"""Leaving: the one-click of mail programs (RFC 8058), and the page behind the links in a mail."""

from __future__ import annotations

from django.core.exceptions import BadRequest, RequestDataTooBig, TooManyFieldsSent
from django.http import HttpResponse, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from digests.services.unsubscribe import Ways, end_all, end_mail, end_one, take_back, ways_of
from papers.web.http import Request


@never_cache
@csrf_exempt  # mail programs post it without a cookie; the key in the address is the right to do so
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: Request, key: str) -> HttpResponse:
    """GET asks; POST ends at once what the button names, or what the link is for. Never limited, never refused."""
    ways = ways_of(key)
    said = _posted(request) if request.method == "POST" else QueryDict()
    if "undo" in said:
        back = take_back(said.get("undo", ""), now=timezone.now())
        return _page(request, {"ways": ways_of(key), "is_back": back, "is_too_late": not back})
    if ways is None:
        return _page(request, {"ways": None})
    if request.method != "POST":
        return _page(request, {"ways": ways, "asks": ways.is_going})
    word, ended = _end(ways, said.get("what", ""))
    return _page(request, {"ways": ways, "ended": ended, "undo": word})


def _end(ways: Ways, what: str) -> tuple[str, str]:
    """What takes it back, and what has ended: `all`, `mail`, or the name of a subscription."""
    now = timezone.now()
    if what == "all" or ways.schedule is None:
        return end_all(subscriber=ways.subscriber, now=now), "all"
    one = next((each for each in ways.subscriptions if what == str(each.pk)), None)
    if one is None and what != "mail":
        one = ways.chosen
    if one is None:
        return end_mail(schedule=ways.schedule, now=now), "mail"
    return end_one(subscription=one, now=now), one.label


def _posted(request: Request) -> QueryDict:
    """The form, in either of its two encodings; nothing where a mail program sent what is none."""
    try:
        return request.POST
    except (MultiPartParserError, UnreadablePostError, RequestDataTooBig, TooManyFieldsSent, BadRequest):
        return QueryDict()


def _page(request: Request, context: dict[str, object]) -> HttpResponse:
    response = render(request, "digests/unsubscribe.html", context)
    response["X-Robots-Tag"] = "noindex"
    return response
