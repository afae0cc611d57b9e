"""Rules for groups without a curator: made, tried on the last week, changed, removed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from papers.forms.list_rules import ListRuleForm
from papers.models import ListRule
from papers.services.editions.list_rules import RuleCriteria, preview_rule
from papers.web.http import UserRequest
from papers.web.permissions import curators_or_staff_only
from papers.web.ratelimit import rate_limited


@never_cache
@require_safe
@curators_or_staff_only
def rules(request: UserRequest) -> HttpResponse:
    """The page of all rules, the oldest first; 200 at most."""
    found = ListRule.objects.select_related("topic", "made_by").order_by("pk")[:200]
    return render(request, "papers/list_rules.html", {"rules": found})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@curators_or_staff_only
@rate_limited("topic", methods=frozenset({"POST"}))
def new_rule(request: UserRequest) -> HttpResponse:
    """Make one, once it was tried on the last week."""
    return _form(request, ListRule(made_by=request.user))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@curators_or_staff_only
@rate_limited("topic", methods=frozenset({"POST"}))
def edit_rule(request: UserRequest, pk: int) -> HttpResponse:
    """Change one, turn it off or on."""
    return _form(request, get_object_or_404(ListRule, pk=pk))


@require_POST
@curators_or_staff_only
def remove_rule(request: UserRequest, pk: int) -> HttpResponse:
    """Remove one. What it listed stays."""
    get_object_or_404(ListRule, pk=pk).delete()
    messages.success(request, "The rule was deleted. Papers it has listed stay listed.")
    return redirect("papers:rules")


def _form(request: UserRequest, rule: ListRule) -> HttpResponse:
    """What a rule would have brought is shown before it is saved."""
    form = ListRuleForm(request.POST if request.method == "POST" else None, instance=rule)
    if form.is_bound and form.is_valid() and "save" in request.POST:
        form.save()
        messages.success(request, "Saved. It looks for papers every few minutes.")
        return redirect("papers:rules")
    context: dict[str, Any] = {"form": form, "rule": rule}
    if (form.is_bound and form.is_valid()) or (not form.is_bound and rule.pk):
        days = preview_rule(RuleCriteria.of(form.instance), now=timezone.now())
        context |= {"days": days, "is_idle": not any(day.titles or day.listed for day in days)}
    return render(request, "papers/list_rule_form.html", context, status=422 if form.errors else 200)
