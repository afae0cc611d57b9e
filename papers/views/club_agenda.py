"""What is done to a meeting: papers nominated and presented, ordered, carried over; cancelled, moved, minuted."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from papers.forms.clubs import MeetingForm, MinutesForm
from papers.models import AgendaItem, ClubMeeting, Paper
from papers.models.club import ClubRights
from papers.services.clubs import undo
from papers.services.clubs.agenda import (
    carry_over,
    may_remove,
    may_withdraw,
    nominate,
    remove_item,
    set_presenter,
    shift_item,
)
from papers.services.clubs.meetings import ClubError, cancel_meeting, move_meeting, restore_meeting, write_minutes
from papers.services.clubs.read_club import clubs_of
from papers.web.answers import answer_act
from papers.web.http import UserRequest
from papers.web.permissions import (
    agenda_item_for_act,
    club_of_member,
    club_of_organizer,
    meeting_for_read,
    paper_for_read,
    sign_in_required,
)
from papers.web.ratelimit import rate_limited


@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("club", methods=frozenset({"POST"}))
def nominate_paper(request: UserRequest, public_id: str) -> HttpResponse:
    """Choose the club (GET), or put the paper on the agenda of its next meeting."""
    paper = paper_for_read(request.user, public_id)
    if request.method != "POST":
        return render(request, "clubs/nominate.html", {"paper": paper, "clubs": clubs_of(request.user)})
    club, _ = club_of_member(request.user, request.POST.get("club", ""))
    try:
        item = nominate(club=club, paper_id=paper.pk, user=request.user, now=timezone.now())
    except ClubError as error:
        return _say(request, str(error), paper.get_absolute_url())
    except Paper.DoesNotExist as error:  # hidden, and curators see it all the same
        raise Http404("There is no such paper here.") from error
    before = undo.before_nomination(item.meeting, paper.pk)
    said = f"Nominated for {club.name}."
    return answer_act(request, said, default=paper.get_absolute_url(), before=before)


@require_POST
@sign_in_required
@rate_limited("club")
def act(request: UserRequest, pk: int, act: str) -> HttpResponse:
    """Do something with one paper on an agenda."""
    item, rights = agenda_item_for_act(request.user, pk)
    if not _may(request, item, rights, act):
        raise Http404("This is not for you to do.")
    address, paper = item.meeting.get_absolute_url(), item.paper
    try:
        said, before = _perform(request, item, act)
    except ClubError as error:
        return _say(request, str(error), address)
    return answer_act(request, said, default=address, before=before, paper=paper)


_OF_ORGANIZERS = frozenset({"up", "down", "later"})
_OF_MEMBERS = frozenset({"present", "withdraw", "remove"})


def _may(request: UserRequest, item: AgendaItem, rights: ClubRights, act: str) -> bool:
    """Organizers do all; members volunteer, withdraw, and take off what they nominated."""
    if act in _OF_ORGANIZERS or rights.may_organize:
        return rights.may_organize and act in _OF_ORGANIZERS | _OF_MEMBERS and (act != "present" or rights.may_nominate)
    if act == "withdraw":
        return may_withdraw(item, request.user, rights)
    return act == "present" or (act == "remove" and may_remove(item, request.user, rights))


def _perform(request: UserRequest, item: AgendaItem, act: str) -> tuple[str, undo.ClubBefore]:
    """Do it; what to say of it, and what takes it back."""
    now = timezone.now()
    if act == "later":
        target = carry_over(item=item, now=now)
        day = f"{target.local_day:%A} {target.local_day.day} {target.local_day:%B}"
        return f"Moved to {day}.", undo.before_carrying(item, target)
    if act in ("up", "down"):
        before = undo.before_order(item.meeting)
        shift_item(item=item, by=-1 if act == "up" else 1, now=now)
        return "Moved up." if act == "up" else "Moved down.", before
    if act == "remove":
        remove_item(item=item, now=now)
        return "Removed from the agenda.", undo.before_removal(item)
    before = undo.before_presenter(item)
    set_presenter(item=item, presenter=request.user if act == "present" else None, now=now)
    return "You present this paper." if act == "present" else "Nobody presents this paper now.", before


@require_POST
@sign_in_required
@rate_limited("club")
def cancel(request: UserRequest, slug: str, day: Any) -> HttpResponse:
    """Cancel a meeting, with a note; or have it take place after all."""
    meeting = meeting_for_read(club_of_organizer(request.user, slug), day)
    now = timezone.now()
    try:
        if request.POST.get("on") == "0":
            restore_meeting(meeting=meeting, now=now)
            return answer_act(request, "The meeting takes place.", default=meeting.get_absolute_url())
        before = undo.before_cancelling(meeting, now=now)
        cancel_meeting(meeting=meeting, note=request.POST.get("note", "")[:500], now=now)
    except ClubError as error:
        return _say(request, str(error), meeting.get_absolute_url())
    said = "Cancelled. Its papers are on the agenda of the next meeting."
    return answer_act(request, said, default=meeting.get_absolute_url(), before=before)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("club", methods=frozenset({"POST"}))
def move(request: UserRequest, slug: str, day: Any) -> HttpResponse:
    """Move one meeting to another time or place."""
    meeting = meeting_for_read(club_of_organizer(request.user, slug), day)
    form = MeetingForm(request.POST if request.method == "POST" else None, initial=MeetingForm.initial_of(meeting))
    if form.is_bound and form.is_valid():
        try:
            move_meeting(meeting=meeting, change=form.change(), now=timezone.now())
        except ClubError as error:
            form.add_error("on", str(error))
        else:
            messages.success(request, "Saved. Members who were already reminded are told by e-mail in a few minutes.")
            return redirect(meeting)
    return _form(request, "clubs/move.html", meeting, form)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("club", methods=frozenset({"POST"}))
def minutes(request: UserRequest, slug: str, day: Any) -> HttpResponse:
    """Write down what was said and decided."""
    meeting = meeting_for_read(club_of_organizer(request.user, slug), day)
    initial = {"minutes": meeting.minutes, "decisions": meeting.decisions}
    form = MinutesForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        write_minutes(meeting=meeting, **form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect(meeting)
    return _form(request, "clubs/minutes.html", meeting, form)


def _form(request: UserRequest, template: str, meeting: ClubMeeting, form: MeetingForm | MinutesForm) -> HttpResponse:
    context = {"club": meeting.club, "meeting": meeting, "form": form}
    return render(request, template, context, status=422 if form.errors else 200)


def _say(request: UserRequest, said: str, address: str) -> HttpResponse:
    """It can't be done, and why."""
    return answer_act(request, said, default=address)
