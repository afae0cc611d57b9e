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

from digests.services.club_mail import member_of_key
from digests.services.mail_keys import key_of_reader
from digests.services.unsubscribe import (
    UnsubscribeTarget,
    find_unsubscribe_target,
    undo_unsubscribe,
    unsubscribe_from_all,
    unsubscribe_from_one,
    unsubscribe_from_schedule,
)
from papers.models import ClubMember
from papers.services.clubs.clubs import set_club_mail
from papers.web.http import Request


@never_cache
@csrf_exempt  # mail programs post it without a cookie; the key in the address is the right to do so
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: Request, key: str) -> HttpResponse:
    """GET asks; POST ends at once what the button names, or what the link is for. Never limited, never refused."""
    target = find_unsubscribe_target(key)
    if target is None and (member := member_of_key(key)) is not None:
        return _leave_club_mail(request, member)
    said = _posted(request) if request.method == "POST" else QueryDict()
    if "undo" in said:
        back = undo_unsubscribe(said.get("undo", ""), now=timezone.now())
        return _page(request, {"target": find_unsubscribe_target(key), "is_back": back, "is_too_late": not back})
    if target is None:
        return _page(request, {"target": None})
    if request.method != "POST":
        return _page(request, {"target": target, "asks": target.is_active})
    word, ended = _end(target, said.get("what", ""))
    return _page(request, {"target": target, "ended": ended, "undo": word})


def _leave_club_mail(request: Request, member: ClubMember) -> HttpResponse:
    """GET asks; POST ends a journal club's mails at once, or has them come again."""
    posts, is_back = request.method == "POST", "undo" in _posted(request)
    asks = member.wants_mail and not posts
    if posts:
        set_club_mail(club=member.club, user=member.user, on=is_back)
    context = {"club": member.club, "asks": asks, "ended": posts and not is_back, "is_back": posts and is_back}
    response = render(request, "digests/unsubscribe_club.html", context)
    response["X-Robots-Tag"] = "noindex"
    return response


def _end(target: UnsubscribeTarget, what: str) -> tuple[str, str]:
    """What takes it back, and what has ended: `all`, `mail`, or the name of a subscription."""
    now = timezone.now()
    if what == "all" or target.schedule is None:
        return unsubscribe_from_all(subscriber=target.subscriber, now=now), "all"
    one = next((each for each in target.subscriptions if what == str(each.pk)), None)
    if one is None and what != "mail":
        one = target.chosen
    if one is None:
        return unsubscribe_from_schedule(schedule=target.schedule, now=now), "mail"
    return unsubscribe_from_one(subscription=one, now=now), one.label


def _posted(request: Request) -> QueryDict:
    """The form, in either of its two encodings; empty where a mail program sent something else."""
    try:
        return request.POST
    except (MultiPartParserError, UnreadablePostError, RequestDataTooBig, TooManyFieldsSent, BadRequest):
        return QueryDict()


def _page(request: Request, context: dict[str, object]) -> HttpResponse:
    target = context["target"]
    if isinstance(target, UnsubscribeTarget):
        context["reader_key"] = key_of_reader(target.subscriber)
    response = render(request, "digests/unsubscribe.html", context)
    response["X-Robots-Tag"] = "noindex"
    return response
