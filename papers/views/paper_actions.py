"""What readers do on a page: vote, save, tag, and choose light or dark."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from papers.forms.library import AnnotationsForm
from papers.models import LibraryItem, Paper, Tag, User
from papers.services.clubs.read_club import is_member_of_any
from papers.services.reading.library import read_annotations, read_library_entry, save_annotations, set_library_state
from papers.services.reading.seen import set_seen
from papers.services.reading.tags import tag_names_of_paper
from papers.services.reading.undo import UndoError, before_library, before_seen, before_vote
from papers.services.reading.undo import undo as undo_act
from papers.services.reading.votes import VoteResult, set_vote, voters_of
from papers.web.answers import answer_act, answer_undo
from papers.web.cards import render_own_tags, render_save_button, render_seen_button
from papers.web.http import Request, UserRequest, referring_page, safe_next
from papers.web.permissions import paper_for_read, sign_in_required
from papers.web.ratelimit import rate_limited
from papers.web.theme import THEME_COOKIE_SECONDS, THEMES, theme_cookie

REMOVE = "none"
_SAID_OF_STATE = {
    "": "Removed from your library.",
    "to_read": "Saved to read.",
    "reading": "Marked as reading.",
    "read": "Marked as read.",
    "not_interested": "Marked as not interested.",
}
# What `on` may say beside 1: a vote that hides the voter's name, or shows it.
NAME_CHOICES = {"unnamed": True, "named": False}


@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("vote")
def vote(request: UserRequest, public_id: str) -> HttpResponse:
    """Vote (`on` is 1, or says whether by name) or take it back.

    Whoever was sent to sign in on the way comes back here by GET, and reads on.
    """
    paper = paper_for_read(request.user, public_id)
    if request.method != "POST":
        return redirect(paper)
    on = request.POST.get("on", "")
    is_on, unnamed = on in ("1", *NAME_CHOICES), NAME_CHOICES.get(on)
    if on == "1" and "asks_name" in request.POST:  # the paper's page, with its check box
        unnamed = "unnamed" in request.POST
    before = before_vote(request.user, paper.pk)
    try:
        result = set_vote(user=request.user, paper_id=paper.pk, on=is_on, is_unnamed=unnamed)
    except Paper.DoesNotExist as error:  # hidden a moment ago
        raise Http404("There is no such paper here.") from error
    paper.vote_count = result.vote_count
    return answer_act(
        request,
        "Voted." if is_on else "Vote removed.",
        default=paper.get_absolute_url(),
        before=before,
        paper=paper,
        html=_vote_html(request, paper, result) if request.htmx else "",
    )


def _vote_html(request: UserRequest, paper: Paper, result: VoteResult) -> str:
    context = {"paper": paper, "is_on": result.is_on, "is_signed_in": True, "vote_url": request.path}
    if "asks_name" not in request.POST:  # a card
        return render_to_string("papers/_vote.html", context, request)
    voters = voters_of(paper, viewer=request.user)
    return render_to_string("papers/_vote_and_voters.html", {**context, "voters": voters}, request)


@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("library")
def save_to_library(request: UserRequest, public_id: str) -> HttpResponse:
    """Put a paper into the library in a state, or remove it (`none`)."""
    paper = paper_for_read(request.user, public_id)
    if request.method != "POST":
        return redirect(paper)
    state = request.POST.get("state", "")
    if state not in (REMOVE, *LibraryItem.State.values):
        return HttpResponseBadRequest("There is no such state.")
    state = "" if state == REMOVE else state
    before = before_library(request.user, paper.pk)
    set_library_state(user=request.user, paper_ids=[paper.pk], state=state)
    return answer_act(
        request,
        _SAID_OF_STATE[state],
        default=paper.get_absolute_url(),
        before=before,
        paper=paper,
        html=render_save_button(paper.pk, paper.get_absolute_url(), state=state),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("seen")
def mark_as_seen(request: UserRequest, public_id: str) -> HttpResponse:
    """Mark a paper as seen (`on` is 1), or as not seen. It says nothing of liking or disliking it."""
    paper = paper_for_read(request.user, public_id)
    if request.method != "POST":
        return redirect(paper)
    is_on = request.POST.get("on") == "1"
    before = before_seen(request.user, paper.pk)
    set_seen(user=request.user, paper_id=paper.pk, on=is_on)
    return answer_act(
        request,
        "Marked as seen." if is_on else "Marked as unseen.",
        default=paper.get_absolute_url(),
        before=before,
        paper=paper,
        html=render_seen_button(paper.pk, paper.get_absolute_url(), is_seen=is_on),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("library")
def edit_annotations(request: UserRequest, public_id: str) -> HttpResponse:
    """A reader's state, tags and note of a paper: a page, for htmx a panel in the card."""
    paper, user = paper_for_read(request.user, public_id), request.user
    given = {"data": request.POST} if request.method == "POST" else {"initial": read_annotations(user, paper)}
    form = AnnotationsForm(paper=paper, **given)
    if form.is_valid():
        before = before_library(user, paper.pk, with_tags=True)
        save_annotations(user=user, paper_id=paper.pk, **form.cleaned_data)
        return answer_act(
            request,
            "Saved.",
            default=paper.get_absolute_url(),
            before=before,
            paper=paper,
            html=_own_parts(user, paper) if request.htmx else "",
        )
    target = safe_next(request, default=referring_page(request, default=paper.get_absolute_url()))
    context = {
        "paper": paper,
        "form": form,
        "tags": Tag.objects.of(user),
        "next": target,
        "may_nominate": is_member_of_any(user),
    }
    response = render(request, "papers/_annotations.html" if request.htmx else "papers/annotations.html", context)
    response["HX-Reswap"] = "innerHTML"  # the form goes where it was, also when it was not right
    return response


def _own_parts(user: User, paper: Paper) -> str:
    """The tags for where the panel was, and the button beside the vote."""
    own = read_library_entry(user=user, paper_id=paper.pk)
    button = render_save_button(paper.pk, paper.get_absolute_url(), state=own.state)
    tags = render_own_tags(paper.pk, tag_names_of_paper(user=user, paper_id=paper.pk), owner=user.username)
    return tags + button.replace("<button ", '<button hx-swap-oob="true" ', 1)


@require_POST
@sign_in_required
@rate_limited("library")
def undo(request: UserRequest) -> HttpResponse:
    """Undo an act, by the token that came with its answer."""
    try:
        before = undo_act(user=request.user, word=request.POST.get("word", ""))
    except UndoError as error:
        return answer_act(request, str(error), default=reverse("papers:today"))
    paper = Paper.objects.for_cards().filter(pk=before.get("paper", 0)).first()
    return answer_undo(request, paper)


@require_POST
@csrf_exempt  # it changes a colour, in one browser; so visitors' pages need no cookie for it
def theme(request: Request) -> HttpResponse:
    """Remember light, dark or whatever the system says, in a cookie that the server reads: so no page flashes."""
    response = redirect(safe_next(request, default=reverse("papers:today")))
    chosen, name, path = request.POST.get("theme", ""), theme_cookie(), settings.SESSION_COOKIE_PATH
    if chosen in THEMES:
        response.set_cookie(
            name,
            chosen,
            max_age=THEME_COOKIE_SECONDS,
            path=path,
            secure=settings.SITE.is_https,
            httponly=True,
            samesite="Lax",
        )
    else:
        response.delete_cookie(name, path=path)
    return response
