"""Adding a source: paste an address, see what it would bring, choose how often it is asked; or choose from a file."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from papers.forms.sources import LookForm, NewSourceForm, OpmlForm
from papers.references.opml import OpmlError
from papers.services.fetching.opml_sources import MAX_OPML_BYTES, OpmlLook, look_at_opml
from papers.services.fetching.source_suggestion import SourceLook, add_source, look_at, preview_suggestion
from papers.sources.recognise import Suggestion
from papers.sources.registry import adapter_of, label_of
from papers.web.http import UserRequest
from papers.web.permissions import curators_or_staff_only
from papers.web.ratelimit import rate_limited


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@curators_or_staff_only
@rate_limited("source", methods=frozenset({"POST"}))
def new_source(request: UserRequest) -> HttpResponse:
    """One page for all steps: what was pasted, what it would bring, and the choices."""
    if request.method != "POST":
        return _page(request, look_form=LookForm())
    if "add" in request.POST or "off" in request.POST or "again" in request.POST:
        return _chosen(request)
    form = LookForm(request.POST)
    if not form.is_valid():
        return _page(request, look_form=form, status=422)
    look = look_at(form.cleaned_data["address"], now=timezone.now())
    return _page(request, look_form=form, look=look, form=_form_for(look.suggestion) if look.suggestion else None)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@curators_or_staff_only
@rate_limited("source", methods=frozenset({"POST"}))
def opml(request: UserRequest) -> HttpResponse:
    """The feeds of an OPML file, each with a button that leads to the page above. Nothing is stored."""
    form = OpmlForm(request.POST, request.FILES) if request.method == "POST" else OpmlForm()
    look: OpmlLook | None = None
    if form.is_valid():
        try:
            look = look_at_opml(form.cleaned_data["file"].read(MAX_OPML_BYTES + 1))
        except OpmlError as error:
            form.add_error("file", str(error))
    context = {"form": form, "look": look}
    return render(request, "papers/sources_opml.html", context, status=422 if form.errors else 200)


def _chosen(request: UserRequest) -> HttpResponse:
    form = NewSourceForm(request.POST)
    if not form.is_valid():
        return _page(request, form=form, status=422)
    now = timezone.now()
    if "again" in request.POST:
        return _page(request, form=form, look=preview_suggestion(form.suggestion, now=now))
    is_enabled = "add" in request.POST
    source = add_source(
        form.suggestion,
        interval_seconds=int(form.cleaned_data["often"]),
        lists_all=form.cleaned_data["lists_all"],
        is_enabled=is_enabled,
        now=now,
    )
    if is_enabled:
        messages.success(request, f"{source.name} has been added and will be fetched shortly.")
    else:
        messages.success(request, f"{source.name} has been added, turned off. An administrator can turn it on.")
    return redirect("papers:status")


def _form_for(suggestion: Suggestion) -> NewSourceForm:
    seconds = int(adapter_of(suggestion.kind).default_interval.total_seconds())
    return NewSourceForm(
        initial={
            "kind": suggestion.kind,
            "base_url": suggestion.base_url,
            "query": suggestion.query,
            "name": suggestion.name[:120],
            "often": str(seconds),
            "lists_all": True,
        }
    )


def _page(
    request: UserRequest,
    *,
    look_form: LookForm | None = None,
    form: NewSourceForm | None = None,
    look: SourceLook | None = None,
    status: int = 200,
) -> HttpResponse:
    kind = form["kind"].value() if form else ""
    typed = request.POST.get("address", "")
    context: dict[str, Any] = {
        "look_form": look_form or LookForm(initial={"address": typed}),
        "form": form,
        "look": look,
        "kind_label": label_of(kind) if kind else "",
        "typed": typed,
    }
    return render(request, "papers/source_form.html", context, status=status)
