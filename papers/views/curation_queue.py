"""The curators' desk: what waits, one press a decision, and undo."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from papers.forms.curation import BulkDecisionForm, DecisionForm
from papers.models import CurationEvent
from papers.services.curation.audit_actions import describe
from papers.services.curation.audit_log import Actor, AlreadyDecidedError, CurationError
from papers.services.curation.perform_action import perform_action, perform_bulk_action
from papers.services.curation.read_queue import QUEUE_KINDS, QueuePosition, read_item, read_queue
from papers.services.curation.row_restore import ChangedSinceError
from papers.services.curation.undo import undo_batch
from papers.sources.rejected_payload import pretty_payload
from papers.web.http import UserRequest, parse_key, safe_next
from papers.web.paging import decode_cursor, encode_cursor
from papers.web.permissions import curators_only

RECENT_DECISIONS = 5
REJECTION_REASONS = ("Not our field.", "Not a research paper.", "Already listed.", "Not this time.")
"""Reasons for turning a submission down that are one key away."""


@never_cache
@require_safe
@curators_only
def queue(request: UserRequest) -> HttpResponse:
    """What waits, the newest first: of all kinds or of one. For htmx that asks for more, the next part alone."""
    asked = request.GET.get("kind", "")
    kinds = [asked] if asked in QUEUE_KINDS else []
    page = read_queue(kinds, after=decode_cursor(request.GET.get("after", ""), QueuePosition))
    more = {"kind": kinds[0]} if kinds else {}
    context = {
        "items": page.items,
        "more_query": urlencode({**more, "after": encode_cursor(page.next)}) if page.next else "",
        "kind": kinds[0] if kinds else "",
        "kinds": [(name, kind.label) for name, kind in QUEUE_KINDS.items()],
        "reasons": REJECTION_REASONS,
        "now": timezone.now(),
    }
    if request.htmx and "after" in request.GET:
        return render(request, "curate/_items.html", context)
    own = CurationEvent.objects.newest().filter(actor=request.user, undone_at=None).exclude(changes=[])
    last = [(event, describe(event)) for event in own[:RECENT_DECISIONS]]
    return render(request, "curate/queue.html", context | {"last": last})


@never_cache
@require_safe
@curators_only
def record(request: UserRequest, key: int) -> HttpResponse:
    """What a source sent that could not be read: all that was kept of it."""
    item = read_item("record", key)
    if item is None or item.record is None:
        raise Http404("There is no such record.")
    context = {"item": item, "text": pretty_payload(item.record.payload), "now": timezone.now()}
    return render(request, "curate/record.html", context)


@require_POST
@curators_only
def decision(request: UserRequest, kind: str, key: int) -> HttpResponse:
    """Decide on one thing: on what was seen, or not at all."""
    form = DecisionForm(request.POST)
    if not form.is_valid():
        raise Http404("There is no such action.")
    by = form.actor(request.user, timezone.now())
    event, problem = None, ""
    try:
        event = perform_action(kind=kind, key=key, action=form.action_name(), actor=by)
    except AlreadyDecidedError as error:
        return _answer(request, kind, key, error.event, is_others=True)
    except CurationError as error:
        problem = str(error)
    except ObjectDoesNotExist:
        problem = "It no longer exists."
    return _answer(request, kind, key, event, problem=problem)


@require_POST
@curators_only
def bulk(request: UserRequest) -> HttpResponse:
    """The same action on all selected items."""
    form = BulkDecisionForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Select at least one item first.")
        return redirect("papers:curate")
    by = Actor(curator=request.user, now=timezone.now(), reason=form.cleaned_data["reason"])
    result = perform_bulk_action(items=form.items(), action=form.cleaned_data["act"], actor=by)
    words = [f"{result.done} done."]
    words += [f"{result.others} had already been decided by someone else."] if result.others else []
    words += [f"{result.left} can’t be decided this way."] if result.left else []
    messages.success(request, " ".join(words))
    return redirect("papers:curate")


@require_POST
@curators_only
def undo(request: UserRequest, event_id: int) -> HttpResponse:
    """Take back what was done with one press."""
    problem = ""
    try:
        undo_batch(event_id=event_id, curator=request.user, now=timezone.now())
    except CurationEvent.DoesNotExist as error:
        raise Http404("There is no such action.") from error
    except ChangedSinceError as error:
        problem = f"{error} {error.event.actor or 'Someone'} did that." if error.event else str(error)
    except CurationError as error:
        problem = str(error)
    kind, key = request.POST.get("kind", ""), request.POST.get("key", "")
    pk = parse_key(key)
    item = None if pk is None else read_item(kind, pk)
    if not request.htmx or item is None:
        (messages.error if problem else messages.success)(request, problem or "Undone.")
        return redirect(safe_next(request, reverse("papers:curate")))
    context = {"item": item, "reasons": REJECTION_REASONS, "now": timezone.now(), "problem": problem}
    return render(request, "curate/_item.html", context)


def _answer(
    request: UserRequest,
    kind: str,
    key: int,
    event: CurationEvent | None,
    *,
    is_others: bool = False,
    problem: str = "",
) -> HttpResponse:
    """What became of a decision: the line in the item's place, or the page again with a word on top."""
    context = {"kind": kind, "key": key, "event": event, "is_others": is_others, "now": timezone.now()}
    if request.htmx and problem and (item := read_item(kind, key)):
        return render(
            request, "curate/_item.html", context | {"item": item, "reasons": REJECTION_REASONS, "problem": problem}
        )
    if request.htmx:
        return render(request, "curate/_decided.html", context | {"what": describe(event) if event else ""})
    if is_others and event is not None:
        messages.warning(request, f"{event.actor or 'Someone'} decided on this before you. Nothing was changed.")
    elif problem:
        messages.error(request, problem)
    return redirect(safe_next(request, reverse("papers:curate")))
