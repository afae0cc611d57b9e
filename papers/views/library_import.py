"""Bringing a library along: the form, the draft with what each entry is, and how far the fetching has come."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from papers.forms.library_import import ApplyImportForm, LibraryImportForm
from papers.models import LibraryImport, LibraryImportRow, Tag
from papers.references.parser import FORMAT_NAMES
from papers.services.library_import import apply_draft, drafts, import_progress, upload_reader
from papers.services.library_import.import_progress import estimated_duration
from papers.services.operations.status import worker_status
from papers.web.http import UserRequest, parse_key
from papers.web.permissions import own_import, sign_in_required
from papers.web.ratelimit import rate_limited

RECENT_IMPORTS = 10
UPLOAD_WAIT_SECONDS = 2.0
"""Most files are read by then. Of the others, and while others wait, the reader sees a page that waits by itself."""


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
def new_import(request: UserRequest) -> HttpResponse:
    """The form, and what was brought before."""
    if request.method == "POST":
        return _read(request)
    return _form(request, LibraryImportForm())


@rate_limited("import")
def _read(request: UserRequest) -> HttpResponse:
    form = LibraryImportForm(request.POST, request.FILES, is_too_large=getattr(request, "is_upload_too_large", False))
    if form.is_valid():
        data, name = form.content()
        try:
            made = drafts.store_upload(user=request.user, data=data, name=name, now=timezone.now())
        except drafts.TooManyUploadsError as error:
            form.add_error(None, str(error))
            return _form(request, form, status=429)
        seconds = 0.0 if upload_reader.is_another_waiting(made) else UPLOAD_WAIT_SECONDS
        if not upload_reader.wait_until_read(made, seconds=seconds) or not made.problem:
            return HttpResponseRedirect(made.get_absolute_url(), status=303)
        form.add_error(None, made.problem)
        drafts.delete_import(library_import=made)
    return _form(request, form, status=422)


def _form(request: UserRequest, form: LibraryImportForm, *, status: int = 200) -> HttpResponse:
    own = LibraryImport.objects.of(request.user)[:RECENT_IMPORTS]
    return render(request, "papers/library_imports.html", {"form": form, "own": own}, status=status)


@never_cache
@require_safe
@sign_in_required
def import_detail(request: UserRequest, pk: int) -> HttpResponse:
    """A draft, or how far it has come: a page, or for htmx the part of it that moves."""
    return _show(request, own_import(request.user, pk), ApplyImportForm())


def _show_unread(request: UserRequest, of: LibraryImport) -> HttpResponse:
    """One that waits to be read, or can't be: a page, or for htmx the part of it that waits."""
    context = {"of": of, "workers": worker_status(now=timezone.now())}
    if not request.htmx:
        return render(request, "papers/library_import_unread.html", context)
    return render(request, "papers/_library_import_unread.html", context)


def _show(request: UserRequest, of: LibraryImport, form: ApplyImportForm, *, status: int = 200) -> HttpResponse:
    if of.read_at is None or of.problem:
        return _show_unread(request, of)
    if request.htmx and of.applied_at is None:
        return HttpResponse(headers={"HX-Refresh": "true"})  # it has been read while the page waited
    state, start = request.GET.get("state", ""), request.GET.get("from", "")
    progress = import_progress.import_progress(of)
    context: dict[str, Any] = {"of": of, "progress": progress, "workers": worker_status(now=timezone.now())}
    if request.htmx:
        return render(request, "papers/_library_import_progress.html", context)
    at = parse_key(start, digits=7) or 0
    context |= {
        "form": form,
        "page": import_progress.page_of_rows(of, state=state, start=at),
        "state": state if state in LibraryImportRow.State.values else "",
        "format": FORMAT_NAMES.get(of.format, of.format),
        "needs": estimated_duration(of) if of.applied_at is None else None,
        "tags": Tag.objects.of(request.user),
    }
    return render(request, "papers/library_import.html", context, status=status)


@require_POST
@sign_in_required
@rate_limited("import")
def apply_import(request: UserRequest, pk: int) -> HttpResponse:
    """Put it into the library, and have fetched what is not here."""
    of, form = own_import(request.user, pk), ApplyImportForm(request.POST)
    if not form.is_valid():
        return _show(request, of, form, status=422)
    said = form.cleaned_data
    options = apply_draft.LibraryImportOptions(
        state=said["state"], tags=said["tags"], uses_file_tags=said["uses_file_tags"]
    )
    try:
        apply_draft.apply_draft(library_import=of, options=options, now=timezone.now())
    except drafts.LibraryImportError as error:
        messages.error(request, str(error))
    return redirect(of)


@require_POST
@sign_in_required
@rate_limited("import")
def retry_import(request: UserRequest, pk: int) -> HttpResponse:
    """Try again what could not be fetched."""
    of = own_import(request.user, pk)
    apply_draft.retry_failed_rows(library_import=of, now=timezone.now())
    return redirect(of)


@require_POST
@sign_in_required
def discard_import(request: UserRequest, pk: int) -> HttpResponse:
    """Forget a draft, or stop the fetching. What is in the library stays."""
    drafts.delete_import(library_import=own_import(request.user, pk))
    messages.success(request, "Import discarded. Papers already in your library stay there.")
    return redirect("papers:library-imports")
