"""What readers do on a page: vote, and choose light or dark."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from papers.access import paper_for_read, signed_in
from papers.http import Request, UserRequest, safe_next
from papers.models import Paper
from papers.ratelimit import limited
from papers.services.votes import set_vote
from papers.theme import COOKIE, COOKIE_SECONDS, THEMES


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@limited("vote")
def vote(request: UserRequest, public_id: str) -> HttpResponse:
    """Vote (`on` is 1) or take it back. Whoever was sent to sign in on the way comes back here by GET, and reads on."""
    paper = paper_for_read(request.user, public_id)
    if request.method != "POST":
        return redirect(paper)
    try:
        result = set_vote(user=request.user, paper_id=paper.pk, on=request.POST.get("on") == "1")
    except Paper.DoesNotExist as error:  # hidden a moment ago
        raise Http404("There is no such paper here.") from error
    if not request.htmx:
        return redirect(f"{safe_next(request, default=paper.get_absolute_url())}#paper-{paper.pk}")
    paper.vote_count = result.vote_count
    context = {"paper": paper, "is_on": result.is_on, "is_signed_in": True, "vote_url": request.path}
    return render(request, "papers/_vote.html", context)


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
