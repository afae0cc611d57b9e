"""The pages behind "Vote", "Save", "Seen", "More like this" and "Less like this" in a mail: one button each."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from digests.services.paper_link import (
    FEEDBACK_ACTS,
    UNDOABLE_ACTS,
    MailedPaperLink,
    PaperAct,
    find_paper_link,
    follow_paper_link,
    take_back,
)
from papers.models import Paper
from papers.services.recommend.feedback import FeedbackError
from papers.web.http import Request
from papers.web.ratelimit import rate_limited

_POST = frozenset({"POST"})


@never_cache
@csrf_exempt  # the key in the address is the right to save, and no cookie has a part in that
@require_http_methods(["GET", "HEAD", "POST"])
@rate_limited("library", methods=_POST)
def save(request: Request, key: str, paper_id: int) -> HttpResponse:
    """GET asks, as programs follow the links in mails; POST saves, with or without an account signed in."""
    return _answer(request, key, paper_id, PaperAct.SAVE)


@never_cache
@csrf_exempt  # as above
@require_http_methods(["GET", "HEAD", "POST"])
@rate_limited("vote", methods=_POST)
def vote(request: Request, key: str, paper_id: int) -> HttpResponse:
    """The same for a vote, which `undo` takes back."""
    return _answer(request, key, paper_id, PaperAct.VOTE)


@never_cache
@csrf_exempt  # as above
@require_http_methods(["GET", "HEAD", "POST"])
@rate_limited("library", methods=_POST)
def seen(request: Request, key: str, paper_id: int) -> HttpResponse:
    """The same for what was seen."""
    return _answer(request, key, paper_id, PaperAct.SEEN)


@never_cache
@csrf_exempt  # as above
@require_http_methods(["GET", "HEAD", "POST"])
@rate_limited("library", methods=_POST)
def more(request: Request, key: str, paper_id: int) -> HttpResponse:
    """The same for "more like this", which `undo` takes back."""
    return _answer(request, key, paper_id, PaperAct.MORE)


@never_cache
@csrf_exempt  # as above
@require_http_methods(["GET", "HEAD", "POST"])
@rate_limited("library", methods=_POST)
def less(request: Request, key: str, paper_id: int) -> HttpResponse:
    """The same for "less like this"."""
    return _answer(request, key, paper_id, PaperAct.LESS)


def _answer(request: Request, key: str, paper_id: int, act: PaperAct) -> HttpResponse:
    link = _found(key, paper_id)
    is_undone = act in UNDOABLE_ACTS and "undo" in request.POST
    problem = ""
    if request.method == "POST":
        try:
            if is_undone:
                take_back(link, act)
            else:
                follow_paper_link(link, act)
        except Paper.DoesNotExist as error:
            raise Http404("This paper is not available any more.") from error
        except FeedbackError as error:
            problem = str(error)
        link = _found(key, paper_id)
    context = {
        "link": link,
        "act": act,
        "problem": problem,
        "was_pressed": request.method == "POST",
        "is_undone": is_undone,
        "others": [
            (other, reverse(f"digests:{other}", args=(key, link.paper.pk)))
            for other in PaperAct
            if other not in (act, *FEEDBACK_ACTS, *link.done)
        ],
    }
    response = render(request, "digests/paper_link.html", context)
    response["X-Robots-Tag"] = "noindex"
    return response


def _found(key: str, paper_id: int) -> MailedPaperLink:
    link = find_paper_link(key, paper_id)
    if link is None:
        raise Http404("This link does not work.")
    return link
