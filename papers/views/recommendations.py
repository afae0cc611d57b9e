"""More like this, less like this, and what For you knows of a reader: to be seen, chosen, and forgotten."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from papers.forms.library import RecommendationProfileForm
from papers.models import MutedQuery, Paper
from papers.models.recommendation import FeedbackKind
from papers.services.reading.undo import before_feedback, before_forgetting
from papers.services.recommend.display import recommendation_status
from papers.services.recommend.feedback import forget_profile, read_profile, save_profile, set_feedback
from papers.services.recommend.profile_page import read_known
from papers.web.answers import answer_act
from papers.web.http import UserRequest
from papers.web.permissions import paper_for_read, sign_in_required
from papers.web.ratelimit import rate_limited

_SAID = {
    FeedbackKind.MORE: "For you will bring more like this.",
    FeedbackKind.LESS: "For you will bring less like this.",
    FeedbackKind.IGNORED: "It does not count any more.",
    "": "Taken back.",
}


@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("library")
def feedback(request: UserRequest, public_id: str) -> HttpResponse:
    """Say more or less like this (`kind`), or take it back (nothing)."""
    paper = paper_for_read(request.user, public_id)
    if request.method != "POST":
        return redirect(paper)
    return _note(request, paper, default=paper.get_absolute_url())


@require_POST
@sign_in_required
@rate_limited("library")
def seed(request: UserRequest, paper_id: int) -> HttpResponse:
    """The same from the page of what is known, where a paper may also be left out."""
    paper = Paper.objects.visible().filter(pk=paper_id).first()
    if paper is None:
        raise Http404("There is no such paper here.")
    return _note(request, paper, default=reverse("papers:recommendation-profile"), stays=True)


def _note(request: UserRequest, paper: Paper, *, default: str, stays: bool = False) -> HttpResponse:
    kind = request.POST.get("kind", "")
    if kind not in _SAID:
        return HttpResponseBadRequest("There is no such word.")
    before = before_feedback(request.user, paper.pk)
    try:
        set_feedback(user=request.user, paper_id=paper.pk, kind=kind, now=timezone.now())
    except Paper.DoesNotExist as error:
        raise Http404("There is no such paper here.") from error
    return answer_act(request, _SAID[kind], default=default, before=before, paper=None if stays else paper)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("library")
def profile(request: UserRequest) -> HttpResponse:
    """What For you knows; POST says what counts."""
    form = RecommendationProfileForm(
        request.POST if request.method == "POST" else None, instance=read_profile(request.user)
    )
    if request.method == "POST" and form.is_valid():
        save_profile(user=request.user, counts=form.cleaned_data)
        messages.success(request, "Saved. Your recommendations are being computed again.")
        return redirect("papers:recommendation-profile")
    context = {
        "form": form,
        "known": read_known(request.user),
        "state": recommendation_status(request.user),
        "muted": list(MutedQuery.objects.of(request.user)),
    }
    return render(request, "papers/recommendation_profile.html", context)


@require_POST
@sign_in_required
@rate_limited("library")
def forget(request: UserRequest) -> HttpResponse:
    """Let nothing count that was done until now; it can be undone for an hour."""
    before = before_forgetting(request.user)
    forget_profile(user=request.user, now=timezone.now())
    said = "For you starts anew. Your library, votes and tags are as they were."
    return answer_act(request, said, default=reverse("papers:recommendation-profile"), before=before)
