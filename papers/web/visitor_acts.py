"""What a visitor pressed before signing in: kept in the browser, signed and for half an hour, and done afterwards.

Nobody else's page can have it done. It is only kept when a page of this site sent the form, as the browser itself says;
the cookie holds one of two acts, a paper and the page it was on, and nothing that could be made up; and it is spent by
the next sign-in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.signals import user_logged_in
from django.core import signing
from django.http import HttpRequest, HttpResponse

from papers.models import LibraryItem, Paper, User
from papers.services.reading.library import set_library_state
from papers.services.reading.undo import before_library, before_vote, sign_act
from papers.services.reading.votes import set_vote
from papers.web.http import Request

VISITOR_ACT_SECONDS = 30 * 60
_SALT = "papers.visitor-act"


def visitor_act_cookie() -> str:
    """The name of the cookie that keeps the act."""
    return f"{settings.SITE.cookie_prefix}broadsheet_act"


def is_from_this_site(request: HttpRequest) -> bool:
    """Whether a form was sent by a page of this site, as far as the browser says; False where it says nothing."""
    if (site := request.META.get("HTTP_SEC_FETCH_SITE")) is not None:
        return bool(site == "same-origin")
    sender = request.META.get("HTTP_ORIGIN") or request.META.get("HTTP_REFERER") or ""
    try:
        return urlsplit(str(sender)).netloc == request.get_host()
    except ValueError:
        return False


def keep_act(response: HttpResponse, *, act: str, paper_id: int, place: str) -> None:
    """Have the browser keep an act of `VISITOR_ACTS` until the next sign-in, and the address of this site it was on."""
    response.set_cookie(
        visitor_act_cookie(),
        signing.dumps([act, paper_id, place], salt=_SALT),
        max_age=VISITOR_ACT_SECONDS,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SITE.is_https,
        httponly=True,
        samesite="Lax",
    )


def kept_place(request: HttpRequest) -> str | None:
    """The address of this site on which the visitor pressed the act that waits for a sign-in; None if none waits."""
    act = _kept(request)
    return act[2] if act else None


def _kept(request: HttpRequest) -> tuple[str, int, str] | None:
    """The act, the paper and the place in the browser's cookie; None where there is no valid one."""
    try:
        found = signing.loads(request.COOKIES.get(visitor_act_cookie(), ""), salt=_SALT, max_age=VISITOR_ACT_SECONDS)
        act, paper_id, place = found
    except (signing.BadSignature, TypeError, ValueError):
        return None
    is_known = isinstance(act, str) and act in VISITOR_ACTS and isinstance(paper_id, int) and isinstance(place, str)
    return (act, paper_id, place) if is_known else None


def _vote(request: HttpRequest, user: User, paper_id: int) -> None:
    before = before_vote(user, paper_id)
    set_vote(user=user, paper_id=paper_id, on=True)
    messages.success(request, "Voted.", extra_tags=sign_act(user, before))


def _save(request: HttpRequest, user: User, paper_id: int) -> None:
    before = before_library(user, paper_id)
    if not before["entry"]["state"]:  # what is there already, perhaps read, stays as it is
        set_library_state(user=user, paper_ids=[paper_id], state=LibraryItem.State.TO_READ)
    messages.success(request, "Saved to read.", extra_tags=sign_act(user, before))


VISITOR_ACTS: Mapping[str, Callable[[HttpRequest, User, int], None]] = {"vote": _vote, "save": _save}
"""What may be done after a sign-in, and nothing else."""


def connect() -> None:
    """Have the act done at each sign-in. To be called once, when the app is ready."""
    user_logged_in.connect(_finish, dispatch_uid="papers.visitor-act")


def _finish(request: Any = None, user: User | None = None, **_about: Any) -> None:
    if request is None or user is None or not request.COOKIES.get(visitor_act_cookie()):
        return
    request.spent_visitor_act = True
    if (kept := _kept(request)) is None:
        return
    act, paper_id, _ = kept
    if Paper.objects.visible().filter(pk=paper_id).exists():
        with suppress(Paper.DoesNotExist):  # hidden a moment ago
            VISITOR_ACTS[act](request, user, paper_id)


class VisitorActMiddleware:
    """Takes the cookie away once its act is done."""

    def __init__(self, get_response: Callable[[Request], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        response = self.get_response(request)
        if getattr(request, "spent_visitor_act", False):
            response.delete_cookie(visitor_act_cookie(), path=settings.SESSION_COOKIE_PATH, samesite="Lax")
        return response
