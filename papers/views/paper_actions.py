"""What readers do on a page: vote, save, tag, and choose light or dark."""

from __future__ import annotations

from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from papers.forms.accounts import MineForm
from papers.models import Paper, ShelfItem, Tag, User
from papers.services.reading.annotations import keep_own, own_words
from papers.services.reading.library import on_shelf, set_state
from papers.services.reading.tags import tags_on
from papers.services.reading.votes import set_vote, voters_of
from papers.web.cards import own_tags, save_button
from papers.web.http import Request, UserRequest, came_from, safe_next
from papers.web.permissions import paper_for_read, signed_in
from papers.web.ratelimit import limited
from papers.web.theme import COOKIE, COOKIE_SECONDS, THEMES

NONE = "none"
# What `on` may say beside 1: a vote that hides the voter's name, or shows it.
NAME_CHOICES = {"unnamed": True, "named": False}


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@limited("vote")
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
    try:
        result = set_vote(user=request.user, paper_id=paper.pk, on=is_on, unnamed=unnamed)
    except Paper.DoesNotExist as error:  # hidden a moment ago
        raise Http404("There is no such paper here.") from error
    if not request.htmx:
        return redirect(f"{safe_next(request, default=paper.get_absolute_url())}#paper-{paper.pk}")
    paper.vote_count = result.vote_count
    context = {"paper": paper, "is_on": result.is_on, "is_signed_in": True, "vote_url": request.path}
    if "asks_name" not in request.POST:  # a card
        return render(request, "papers/_vote.html", context)
    voters = voters_of(paper, viewer=request.user)
    return render(request, "papers/_vote_and_voters.html", {**context, "voters": voters})


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@limited("shelf")
def shelve(request: UserRequest, public_id: str) -> HttpResponse:
    """Put a paper on the shelf in a state, or take it off (`none`)."""
    paper = paper_for_read(request.user, public_id)
    if request.method != "POST":
        return redirect(paper)
    state = request.POST.get("state", "")
    if state not in (NONE, *ShelfItem.State.values):
        return HttpResponseBadRequest("There is no such state.")
    state = "" if state == NONE else state
    set_state(user=request.user, paper_ids=[paper.pk], state=state)
    if not request.htmx:
        return redirect(f"{safe_next(request, default=paper.get_absolute_url())}#paper-{paper.pk}")
    return HttpResponse(save_button(paper.pk, paper.get_absolute_url(), state=state))


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@limited("shelf")
def mine(request: UserRequest, public_id: str) -> HttpResponse:
    """A reader's state, tags and note of a paper: a page, for htmx a panel in the card."""
    paper, user = paper_for_read(request.user, public_id), request.user
    given = {"data": request.POST} if request.method == "POST" else {"initial": own_words(user, paper)}
    form = MineForm(paper=paper, **given)
    if form.is_valid():
        keep_own(user=user, paper_id=paper.pk, **form.cleaned_data)
        if not request.htmx:
            return redirect(f"{safe_next(request, default=paper.get_absolute_url())}#paper-{paper.pk}")
        return HttpResponse(_own_parts(user, paper))
    target = safe_next(request, default=came_from(request, default=paper.get_absolute_url()))
    context = {"paper": paper, "form": form, "tags": Tag.objects.of(user), "next": target}
    response = render(request, "papers/_mine.html" if request.htmx else "papers/mine.html", context)
    response["HX-Reswap"] = "innerHTML"  # the form goes where it was, also when it was not right
    return response


def _own_parts(user: User, paper: Paper) -> str:
    """The tags for where the panel was, and the button beside the vote."""
    own = on_shelf(user=user, paper_id=paper.pk)
    button = save_button(paper.pk, paper.get_absolute_url(), state=own.state)
    tags = own_tags(paper.pk, tags_on(user=user, paper_id=paper.pk), owner=user.username)
    return tags + button.replace("<button ", '<button hx-swap-oob="true" ', 1)


@require_POST
@csrf_exempt  # it changes a colour, in one browser; so visitors' pages need no cookie for it
def theme(request: Request) -> HttpResponse:
    """Remember light, dark or whatever the system says, in a cookie that the server reads: so no page flashes."""
    response = redirect(safe_next(request, default=reverse("papers:today")))
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        response.set_cookie(COOKIE, chosen, max_age=COOKIE_SECONDS, samesite="Lax", path=reverse("papers:today"))
    else:
        response.delete_cookie(COOKIE, path=reverse("papers:today"))
    return response
