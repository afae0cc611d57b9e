"""Submitting a paper: the form, what is known before anything is fetched, and how far a submission has come."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from papers.catalogue.paper_ref import MAX_LENGTH, InvalidReferenceError, find_reference
from papers.forms.submissions import SubmitForm
from papers.models import Submission, Tag
from papers.services.operations.status import worker_status
from papers.services.submissions import intake, settlement
from papers.text.cleaning import safe_text
from papers.web.http import Request, UserRequest
from papers.web.permissions import sign_in_required, submission_for_read
from papers.web.ratelimit import rate_limited

RECENT_SUBMISSIONS = 20


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
def submit(request: UserRequest) -> HttpResponse:
    """The form, filled in by what the address gives. For htmx, what is known of it alone."""
    if request.method == "POST":
        return _take(request)
    text = _given(request)
    shown = intake.preview_submission(user=request.user, text=text)
    if request.htmx:
        return render(request, "papers/_submit_preview.html", {"preview": shown})
    return _page(request, SubmitForm(initial={"given": text}), shown)


def _given(request: Request) -> str:
    """What was typed; or `url` as the bookmarklet has it; or `url`, `text` and `title` as a telephone shares a page."""
    asked = request.GET
    if typed := asked.get("given") or ("" if "text" in asked or "title" in asked else asked.get("url")):
        return safe_text(typed)[: MAX_LENGTH + 1]
    return safe_text(find_reference(*(asked.get(name, "") for name in ("url", "text", "title"))))


@rate_limited("submit")
def _take(request: UserRequest) -> HttpResponse:
    form = SubmitForm(request.POST)
    if not form.is_valid():
        return _page(request, form, intake.SubmissionPreview())
    asked = form.cleaned_data
    try:
        taken = intake.submit(
            user=request.user,
            text=asked["given"],
            now=timezone.now(),
            is_for_edition=not asked["only"],
            saves_to_library=asked["saves_to_library"],
            tags=asked["tags"],
        )
    except InvalidReferenceError as error:
        form.add_error("given", str(error))
        return _page(request, form, intake.SubmissionPreview())
    if taken.submission is not None:
        return redirect(taken.submission)
    messages.info(request, "This paper is already here.")
    return redirect(taken.paper or "papers:submit")


@never_cache
@require_safe
@sign_in_required
def submission(request: UserRequest, submission_id: int) -> HttpResponse:
    """How far it has come: a page, or for htmx the part of it that moves."""
    found = submission_for_read(request.user, submission_id)
    template = "papers/_submission.html" if request.htmx else "papers/submission.html"
    day = settlement.newest_listing_day(found.paper) if found.paper else None
    return render(request, template, {"submission": found, "day": day, "workers": worker_status(now=timezone.now())})


@require_POST
@sign_in_required
@rate_limited("submit")
def submission_retry(request: UserRequest, submission_id: int) -> HttpResponse:
    """Try again what failed."""
    found = submission_for_read(request.user, submission_id)
    return redirect(intake.retry_submission(submission=found, now=timezone.now()))


def _page(request: UserRequest, form: SubmitForm, shown: intake.SubmissionPreview) -> HttpResponse:
    here = f"{settings.SITE.origin}{reverse('papers:submit')}"
    context = {
        "form": form,
        "preview": shown,
        "tags": Tag.objects.of(request.user),
        "own": Submission.objects.of(request.user)[:RECENT_SUBMISSIONS],
        "is_queued": settings.SUBMISSIONS == "queue" and not request.user.may_curate,
        "bookmarklet": f"javascript:void(open('{here}?url='+encodeURIComponent(location.href)))",
    }
    return render(request, "papers/submit.html", context)
