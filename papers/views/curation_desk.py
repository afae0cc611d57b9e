"""The desk of one paper and of one day: where it stands, and everything that can be done to it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from papers.dates import parse_day
from papers.forms.curation import (
    DayNoteForm,
    DecisionForm,
    PaperEditForm,
    PlacementForm,
    PublicationForm,
    TopicAssignmentForm,
)
from papers.models import CurationEvent, Edition, Paper
from papers.models.listing import DayCursor
from papers.services.curation import assign_topics, edit_paper, place_paper, plan_listings
from papers.services.curation.audit_log import Actor, AlreadyDecidedError, CurationError
from papers.services.curation.read_desk import read_day_desk, read_paper_desk
from papers.web.http import UserRequest, parse_key, safe_next
from papers.web.paging import decode_cursor, encode_cursor
from papers.web.permissions import curators_only


@never_cache
@require_safe
@curators_only
def paper(request: UserRequest, paper_id: int) -> HttpResponse:
    """All acts on one paper."""
    found = Paper.objects.for_cards().filter(pk=paper_id).first()
    if found is None:
        raise Http404("There is no such paper.")
    return _show(request, found, PaperEditForm(initial=PaperEditForm.initial_of(found)))


def _show(request: UserRequest, found: Paper, form: PaperEditForm) -> HttpResponse:
    context = {"desk": read_paper_desk(found), "form": form, "today": timezone.localdate(), "now": timezone.now()}
    return render(request, "curate/paper.html", context, status=422 if form.errors else 200)


@require_POST
@curators_only
def edit(request: UserRequest, paper_id: int) -> HttpResponse:
    """Change what a paper says, or take back what its sources say of one field."""
    found = Paper.objects.for_cards().filter(pk=paper_id).first()
    if found is None:
        raise Http404("There is no such paper.")
    back = reverse("papers:curate-paper", args=[paper_id])
    if field := request.POST.get("take"):
        simple = DecisionForm(request.POST)
        if not simple.is_valid():
            raise Http404("There is no such action.")
        by = simple.actor(request.user, timezone.now())
        return perform(
            request, back, lambda by: edit_paper.revert_to_source_value(paper_id=paper_id, field=field, actor=by), by
        )
    form = PaperEditForm(request.POST)
    if not form.is_valid():
        return _show(request, found, form)
    by = form.actor(request.user, timezone.now())
    values = form.values(found, by.now)
    return perform(request, back, lambda by: edit_paper.edit_paper(paper_id=paper_id, values=values, actor=by), by)


@require_POST
@curators_only
def place(request: UserRequest, paper_id: int) -> HttpResponse:
    """Pin it, take it off, move it, hide it: one act on one paper."""
    form = PlacementForm(request.POST)
    act = PLACEMENT_ACTIONS.get(request.POST.get("act", ""))
    back = safe_next(request, reverse("papers:curate-paper", args=[paper_id]))
    if act is None or not form.is_valid():
        messages.error(request, "Choose a day." if act else "There is no such action.")
        return redirect(back)
    return perform(request, back, lambda by: act(paper_id, form, by), form.actor(request.user, timezone.now()))


@require_safe
@curators_only
def days(request: UserRequest) -> HttpResponse:
    """The desk of a day that is asked for; else of the newest."""
    asked = parse_day(request.GET.get("day", ""))
    newest = Edition.objects.newest(timezone.localdate()).values_list("day", flat=True).first()
    return redirect("papers:curate-day", (asked or newest or timezone.localdate()).isoformat())


@never_cache
@require_safe
@curators_only
def day(request: UserRequest, day: str) -> HttpResponse:
    """A day's papers, what is pinned first, with their acts."""
    found = parse_day(day)
    if found is None:
        raise Http404("There is no such day.")
    desk = read_day_desk(found, after=decode_cursor(request.GET.get("after", ""), DayCursor))
    more = urlencode({"after": encode_cursor(desk.next)}) if desk.next else ""
    context = {"desk": desk, "more_query": more, "today": timezone.localdate(), "now": timezone.now()}
    return render(request, "curate/day.html", context)


@require_POST
@curators_only
def note(request: UserRequest, day: str) -> HttpResponse:
    """Write the note of a day."""
    found, form = parse_day(day), DayNoteForm(request.POST)
    if found is None or not form.is_valid():
        raise Http404("There is no such day.")
    back = reverse("papers:curate-day", args=[found.isoformat()])
    text, by = form.cleaned_data["note"], form.actor(request.user, timezone.now())
    return perform(request, back, lambda by: place_paper.set_day_note(day=found, note=text, actor=by), by)


@require_POST
@curators_only
def order(request: UserRequest, day: str) -> HttpResponse:
    """Give what is pinned another order."""
    found, form = parse_day(day), PlacementForm(request.POST)
    ids = [pk for key in request.POST.getlist("paper") if (pk := parse_key(key)) is not None]
    if found is None or not form.is_valid() or not ids:
        raise Http404("There is no such day.")
    back = reverse("papers:curate-day", args=[found.isoformat()])
    by = form.actor(request.user, timezone.now())
    return perform(request, back, lambda by: place_paper.order_pinned(day=found, paper_ids=ids[:200], actor=by), by)


def perform(request: UserRequest, back: str, act: Callable[[Actor], CurationEvent | None], by: Actor) -> HttpResponse:
    """Do it, say what became of it, and lead back."""
    try:
        event = act(by)
    except AlreadyDecidedError as error:
        messages.warning(
            request, f"{error.event.actor or 'Someone'} changed this before you. Nothing was changed: check again."
        )
    except CurationError as error:
        messages.error(request, str(error))
    except Paper.DoesNotExist as error:
        raise Http404("There is no such paper.") from error
    else:
        messages.success(request, "Done. You can undo this below." if event else "Nothing to change.")
    return redirect(back)


@require_POST
@curators_only
def schedule(request: UserRequest, day: str) -> HttpResponse:
    """Say when what is planned for a day is published."""
    found, form = parse_day(day), PublicationForm(request.POST)
    if found is None or not form.is_valid():
        raise Http404("There is no such day.")
    back = reverse("papers:curate-day", args=[found.isoformat()])
    at, by = form.cleaned_data["at"], form.actor(request.user, timezone.now())
    return perform(request, back, lambda by: plan_listings.set_publish_time(day=found, at=at, actor=by), by)


@require_POST
@curators_only
def assign_topic(request: UserRequest, paper_id: int) -> HttpResponse:
    """Put a paper into a topic for all, or take it out again."""
    form = TopicAssignmentForm(request.POST)
    if not form.is_valid():
        raise Http404("There is no such action.")
    slug = form.cleaned_data["topic"]
    by, is_on = form.actor(request.user, timezone.now()), form.action_name() != "out"
    back = reverse("papers:curate-paper", args=[paper_id])
    return perform(
        request, back, lambda by: assign_topics.set_topic_pick(paper_id=paper_id, slug=slug, on=is_on, actor=by), by
    )


PlacementAction = Callable[[int, PlacementForm, Actor], CurationEvent | None]
PLACEMENT_ACTIONS: dict[str, PlacementAction] = {
    "pin": lambda pk, form, by: place_paper.pin_paper(paper_id=pk, day=form.day(), on=True, actor=by),
    "unpin": lambda pk, form, by: place_paper.pin_paper(paper_id=pk, day=form.day(), on=False, actor=by),
    "take-off": lambda pk, form, by: place_paper.take_off_day(paper_id=pk, day=form.day(), on=True, actor=by),
    "put-back": lambda pk, form, by: place_paper.take_off_day(paper_id=pk, day=form.day(), on=False, actor=by),
    "list": lambda pk, form, by: plan_listings.put_on_day(paper_id=pk, day=form.target(), actor=by),
    "unplan": lambda pk, form, by: plan_listings.unplan_listing(paper_id=pk, day=form.day(), actor=by),
    "move": lambda pk, form, by: place_paper.move_to_day(paper_id=pk, day=form.day(), to=form.target(), actor=by),
    "hide": lambda pk, form, by: place_paper.hide_paper(paper_id=pk, on=True, actor=by),
    "show": lambda pk, form, by: place_paper.hide_paper(paper_id=pk, on=False, actor=by),
}
