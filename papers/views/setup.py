"""The first-run page, which is also the group's settings, and what happens after it."""

from __future__ import annotations

from dataclasses import asdict

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from papers.forms.fields import time_zones
from papers.forms.setup import SetupForm
from papers.services.operations.installation import fixed_by_environment
from papers.services.operations.sample import has_sample, remove_sample
from papers.services.operations.setup import SetupAnswers, current_answers, save_answers, skip_first_run
from papers.services.operations.status import first_fetch_status
from papers.web.http import UserRequest
from papers.web.permissions import staff_only


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
def setup(request: UserRequest) -> HttpResponse:
    """The group's choices. Saving them has the sources fetched at once."""
    form = SetupForm(
        request.POST if request.method == "POST" else None,
        initial=asdict(current_answers()),
        fixed=fixed_by_environment(),
    )
    if form.is_valid():
        save_answers(SetupAnswers(**form.cleaned_data), now=timezone.now())
        return redirect("papers:setup-progress")
    context = {"form": form, "time_zones": time_zones(), "sample_present": has_sample()}
    return render(request, "papers/setup.html", context)


@require_POST
@staff_only
def setup_skip(request: UserRequest) -> HttpResponse:
    """Leave everything at its default and don't ask again."""
    skip_first_run(now=timezone.now())
    return redirect("papers:today")


@never_cache
@require_safe
@staff_only
def setup_progress(request: UserRequest) -> HttpResponse:
    """What the sources' first fetch brings, as it comes: a page, or for htmx the part of it that moves."""
    now = timezone.now()
    template = "papers/_first_fetch_progress.html" if request.htmx else "papers/setup_progress.html"
    context = {"visit": first_fetch_status(now=now), "sample_present": has_sample(), "now": now}
    return render(request, template, context)


@require_POST
@staff_only
def sample_remove(request: UserRequest) -> HttpResponse:
    """Remove the sample catalogue."""
    remove_sample()
    messages.success(request, "The sample has been removed.")
    return redirect("papers:today")
