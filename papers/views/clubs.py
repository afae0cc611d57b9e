"""Journal clubs: all of them, one with its next meeting, its archive; made and changed; who takes part."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from papers.forms.clubs import ClubForm
from papers.forms.fields import time_zones
from papers.models import Club, ClubMeeting, User
from papers.models.club import may_manage_clubs, rights_in_club
from papers.services.accounts.feed_keys import feed_key_of
from papers.services.clubs.clubs import (
    create_club,
    end_club,
    join_club,
    leave_club,
    members_of,
    reopen_club,
    set_club_mail,
    set_organizer,
    update_club,
)
from papers.services.clubs.meetings import ClubError, next_meeting
from papers.services.clubs.read_club import (
    ARCHIVE_PAGE,
    find_in_archive,
    meetings_ahead,
    next_meetings_of,
    own_club_keys,
    read_agenda,
    suggest_papers,
    voting_period,
)
from papers.web.http import Request, UserRequest, parse_key
from papers.web.permissions import (
    club_for_read,
    club_of_organizer,
    curators_or_staff_only,
    meeting_for_read,
    sign_in_required,
)
from papers.web.ratelimit import rate_limited


@require_safe
def clubs(request: Request) -> HttpResponse:
    """The clubs that one may see, each with its next meeting."""
    now = timezone.now()
    found = list(Club.objects.readable_by(request.user).by_name())
    own = own_club_keys(request.user)
    ahead = next_meetings_of(found, now=now)
    context = {
        "rows": [{"club": one, "meeting": ahead.get(one.pk), "is_own": one.pk in own} for one in found],
        "may_manage": may_manage_clubs(request.user),
        "feed_key": feed_key_of(request.user) if request.user.is_authenticated and own else "",
    }
    return render(request, "clubs/clubs.html", context)


@require_safe
@never_cache
def club(request: Request, slug: str) -> HttpResponse:
    """A club with its next meeting."""
    found = club_for_read(request.user, slug)
    meeting = next_meeting(found, now=timezone.now())
    if meeting is not None:
        meeting.club = found
    return _show(request, found, meeting, is_home=True)


@require_safe
@never_cache
def meeting(request: Request, slug: str, day: Any) -> HttpResponse:
    """One meeting, past or to come."""
    found = club_for_read(request.user, slug)
    return _show(request, found, meeting_for_read(found, day), is_home=False)


def _show(request: Request, club: Club, meeting: ClubMeeting | None, *, is_home: bool) -> HttpResponse:
    now, rights = timezone.now(), rights_in_club(request.user, club)
    is_open = meeting is not None and meeting.ends_at > now and meeting.cancelled_at is None
    period = voting_period(meeting, now=now) if meeting and is_open else None
    key = feed_key_of(request.user) if request.user.is_authenticated and is_home else ""
    keyed = reverse("papers:own-club-calendar", args=[key, club.slug]) if key else ""
    # A program that has no session reads what not everybody may read by the key alone.
    closed = request.group.members_only or club.is_private
    context = {
        "club": club,
        "meeting": meeting,
        "is_home": is_home,
        "is_open": is_open,
        "has_begun": meeting is not None and meeting.starts_at <= now,
        "rights": rights,
        "may_manage": may_manage_clubs(request.user),
        "rows": read_agenda(meeting, period=period) if meeting else [],
        "period": period,
        "suggested": suggest_papers(meeting, period=period) if meeting and period and rights.may_nominate else [],
        "ahead": meetings_ahead(club, now=now) if is_home else [],
        "reader_zone": _reader_zone(request, club),
        "calendar_url": keyed if closed else reverse("papers:club-calendar", args=[club.slug]),
        "now": now,
    }
    return render(request, "clubs/club.html", context)


def _reader_zone(request: Request, club: Club) -> str:
    """The reader's time zone where it is another than the club's; else empty."""
    zone = (request.user.zone() if request.user.is_authenticated else None) or request.group.zone
    return "" if zone.key == club.time_zone else zone.key


@require_safe
def archive(request: Request, slug: str) -> HttpResponse:
    """The meetings that took place, with a search in what was said there."""
    found, words = club_for_read(request.user, slug), request.GET.get("q", "")[:200]
    before = parse_key(request.GET.get("before", ""))
    rows = find_in_archive(found, words=words, now=timezone.now(), before=before)
    more = rows[ARCHIVE_PAGE - 1].pk if len(rows) > ARCHIVE_PAGE else None
    context = {"club": found, "meetings": rows[:ARCHIVE_PAGE], "words": words, "more": more, "is_first": before is None}
    return render(request, "clubs/archive.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@curators_or_staff_only
@rate_limited("club", methods=frozenset({"POST"}))
def new_club(request: UserRequest) -> HttpResponse:
    """Make a club."""
    now = timezone.now()
    initial = {"time_zone": request.group.zone.key, "starts_on": timezone.localdate(now), "weekday": 3}
    form = ClubForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        try:
            made = create_club(by=request.user, fields=form.columns(), now=now)
        except ClubError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "The club was created. Its next meetings are planned.")
            return redirect(made)
    return _form(request, form, None)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@curators_or_staff_only
@rate_limited("club", methods=frozenset({"POST"}))
def edit_club(request: UserRequest, slug: str) -> HttpResponse:
    """Change a club; its meetings to come follow. Or end it, or let it meet again."""
    found, now = club_for_read(request.user, slug), timezone.now()
    if request.method == "POST" and "end" in request.POST:
        return _end(request, found)
    form = ClubForm(
        request.POST if request.method == "POST" else None,
        instance=Club.objects.get(pk=found.pk),  # a form writes into what it is given, also what is wrong
    )
    if form.is_bound and form.is_valid():
        update_club(club=found, fields=form.columns(), now=now)
        messages.success(request, "Saved. Meetings to come have been updated.")
        return redirect(found)
    return _form(request, form, found)


def _end(request: UserRequest, club: Club) -> HttpResponse:
    now = timezone.now()
    if request.POST.get("end") == "1":
        end_club(club=club, now=now)
        messages.success(request, "The club has ended. Its archive stays.")
    else:
        reopen_club(club=club, now=now)
        messages.success(request, "The club meets again.")
    return redirect(club)


def _form(request: UserRequest, form: ClubForm, club: Club | None) -> HttpResponse:
    context = {"form": form, "club": club, "time_zones": time_zones()}
    return render(request, "clubs/club_form.html", context, status=422 if form.errors else 200)


@require_POST
@sign_in_required
@rate_limited("club")
def membership(request: UserRequest, slug: str) -> HttpResponse:
    """Join or leave a club; have its mails or not. A private club is joined by its organizers' hand."""
    found, what = club_for_read(request.user, slug), request.POST.get("what", "")
    if what == "join":
        join_club(club=found, user=request.user)
        messages.success(request, f"You are in {found.name}. You will be reminded of its meetings by e-mail.")
    elif what == "leave":
        leave_club(club=found, user=request.user, now=timezone.now())
        messages.success(request, f"You have left {found.name}.")
        if found.is_private and not may_manage_clubs(request.user):
            return redirect("papers:clubs")
    elif what in ("mail", "no-mail"):
        set_club_mail(club=found, user=request.user, on=what == "mail")
        messages.success(request, "E-mail reminders are on." if what == "mail" else "E-mail reminders are off.")
    else:
        raise Http404("There is no such action.")
    return redirect(found)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("club", methods=frozenset({"POST"}))
def people(request: UserRequest, slug: str) -> HttpResponse:
    """Who takes part, for organizers: add somebody, remove somebody, share the organizing."""
    found = club_of_organizer(request.user, slug)
    if request.method == "POST":
        _change_people(request, found)
        return redirect("papers:club-people", found.slug)
    return render(request, "clubs/people.html", {"club": found, "members": members_of(found)})


def _change_people(request: UserRequest, club: Club) -> None:
    name, what = request.POST.get("username", "").strip().removeprefix("@"), request.POST.get("what", "")
    person = User.objects.filter(username__iexact=name, is_active=True).first() if name else None
    if person is None:
        messages.error(request, "There is no account with this name.")
    elif what == "add":
        join_club(club=club, user=person)
        messages.success(request, f"{person.username} is in the club.")
    elif what == "remove":
        leave_club(club=club, user=person, now=timezone.now())
        messages.success(request, f"{person.username} was removed.")
    elif what in ("organizer", "no-organizer"):
        set_organizer(club=club, user=person, on=what == "organizer")
        messages.success(request, "Saved.")
