"""Journal clubs: which there are, when they meet, what is on an agenda; and what their members do there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date as calendar_date
from datetime import datetime, time
from typing import Any, Literal

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Field, Status
from ninja.params.functions import Path, Query

from papers.api.v1.base import (
    WRITE,
    Cursor,
    Limit,
    PaperId,
    Record,
    RequestBody,
    day_of,
    limit_as_pages,
    new_router,
    public,
    reader_of,
    viewer_with_scope,
)
from papers.api.v1.pages import cut_page, position_of, records_of
from papers.api.v1.paper_schema import EXAMPLE as PAPER_EXAMPLE
from papers.api.v1.paper_schema import PaperRecord
from papers.api.v1.papers import readable_paper
from papers.models import AgendaItem, Club, ClubMeeting, Paper, User
from papers.models.club import ClubRights, MeetingPosition, rights_in_club
from papers.services.clubs.agenda import may_remove, may_withdraw, nominate, remove_item, set_presenter
from papers.services.clubs.clubs import join_club, leave_club, set_club_mail
from papers.services.clubs.read_club import (
    AgendaRow,
    next_meetings_of,
    own_club_keys,
    paper_counts,
    read_agenda,
    voting_period,
)
from papers.web.permissions import club_for_read, club_of_member, meeting_for_read
from papers.web.problems import ProblemError

router = new_router("Clubs")

Rhythm = Literal["weekly", "fortnightly", "first", "second", "third", "fourth", "last"]
_Slug = Path(..., max_length=90, description="As in the address of its page.", example="reading-group")
_MeetingDay = Path(
    ...,
    description="The `day` of a meeting: the club's date for it, also where it was moved.",
    pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    example="2026-03-05",
)
_MEETING: dict[str, Any] = {
    "day": "2026-03-05",
    "url": "https://papers.example.org/clubs/reading-group/2026-03-05",
    "starts_at": "2026-03-05T15:00:00Z",
    "ends_at": "2026-03-05T16:00:00Z",
    "place": "Room 12",
    "link": None,
    "cancelled": False,
    "note": "",
    "papers": 2,
}
_ON_AGENDA: dict[str, Any] = {
    "paper": PAPER_EXAMPLE,
    "presenter": "rita",
    "nominated_by": "otto",
    "nominated_at": "2026-02-27T09:30:00Z",
    "carried_from": None,
    "votes_since": 3,
}
_CLUB: dict[str, Any] = {
    "slug": "reading-group",
    "url": "https://papers.example.org/clubs/reading-group",
    "name": "Reading group",
    "description": "One paper a week, with coffee.",
    "private": False,
    "ended": False,
    "repeats": "weekly",
    "weekday": 3,
    "local_time": "16:00:00",
    "time_zone": "Europe/Berlin",
    "is_member": True,
    "next_meeting": _MEETING,
}


class MeetingRecord(Record):
    """One meeting of a club."""

    model_config = {"json_schema_extra": {"examples": [_MEETING]}}

    day: calendar_date = Field(description="Names it in addresses: the club's date for it, also where it was moved.")
    url: str
    starts_at: datetime = Field(description="UTC.")
    ends_at: datetime = Field(description="UTC.")
    place: str
    link: str | None = Field(description="Of a video call, say.")
    cancelled: bool
    note: str = Field(description="Why it was cancelled or moved.")
    papers: int = Field(description="How many papers are on its agenda.")


class ClubRecord(Record):
    """A group that meets at regular times to talk about papers."""

    model_config = {"json_schema_extra": {"examples": [_CLUB]}}

    slug: str = Field(description="Its place in all addresses.")
    url: str
    name: str
    description: str = Field(description="Markdown.")
    private: bool = Field(description="Only its members, curators and administrators see it.")
    ended: bool = Field(description="It meets no more; its archive stays.")
    repeats: Rhythm = Field(description="`first` to `last`: that weekday of each month.")
    weekday: int = Field(description="0 is Monday.")
    local_time: time = Field(description="When it meets, by the clock of its time zone.")
    time_zone: str = Field(description="Of the tz database, such as Europe/Berlin.")
    is_member: bool = Field(description="The reader whose token it is takes part.")
    next_meeting: MeetingRecord | None = Field(description="The next that takes place, or the one that goes on.")


class ClubRecords(Record):
    """The clubs that whoever asks may see, 100 at most."""

    items: list[ClubRecord]


class MeetingRecords(Record):
    """A page of a club's meetings."""

    items: list[MeetingRecord]
    next: str | None = Field(description="The cursor of the following page; null on the last.")


class AgendaRecord(Record):
    """A paper on an agenda."""

    model_config = {"json_schema_extra": {"examples": [_ON_AGENDA]}}

    paper: PaperRecord
    presenter: str | None = Field(description="Who presents it: a username; null: nobody yet.")
    nominated_by: str | None = Field(description="A username; null: the account is gone.")
    nominated_at: datetime = Field(description="UTC.")
    carried_from: calendar_date | None = Field(description="The local day of the meeting that had no time for it.")
    votes_since: int | None = Field(
        description="Given since the meeting before, or in four weeks; null once this one is over."
    )


class MeetingDetail(MeetingRecord):
    """A meeting with its agenda, and what was said there."""

    model_config = {
        "json_schema_extra": {"examples": [{**_MEETING, "agenda": [_ON_AGENDA], "minutes": "", "decisions": ""}]}
    }

    agenda: list[AgendaRecord] = Field(description="In the order of the meeting; 50 at most.")
    minutes: str = Field(description="Markdown.")
    decisions: str = Field(description="Markdown.")


class MembershipRecord(Record):
    """Whether the reader takes part in a club."""

    model_config = {"json_schema_extra": {"examples": [{"is_member": True, "mail": True}]}}

    is_member: bool
    mail: bool = Field(description="Is reminded of meetings by mail.")


class MembershipChoice(RequestBody):
    """How to take part."""

    model_config = {"json_schema_extra": {"examples": [{"mail": False}]}}

    mail: bool | None = Field(None, description="Whether to be reminded by mail; null: as it is, at first yes.")


@router.get("/clubs", response=ClubRecords, summary="Journal clubs", **public())
def list_clubs(request: HttpRequest) -> dict[str, Any]:
    """Those that whoever asks may see; private ones with a token that may read. By name, those that ended last."""
    viewer = _viewer(request)
    return {"items": _records(list(Club.objects.readable_by(viewer).by_name()), viewer)}


@router.get("/clubs/{slug}", response=ClubRecord, summary="One journal club", **public())
def get_club(request: HttpRequest, slug: str = _Slug) -> ClubRecord:
    """A club with its next meeting."""
    viewer = _viewer(request)
    return _records([club_for_read(viewer, slug)], viewer)[0]


@router.get("/clubs/{slug}/meetings", response=MeetingRecords, summary="The meetings of a club", **public())
def list_meetings(
    request: HttpRequest,
    slug: str = _Slug,
    when: Literal["upcoming", "past"] = Query(
        "upcoming", description="Those not over yet, the next first, cancelled ones too; or those held, the last first."
    ),
    cursor: str = Cursor,
    limit: int = Limit,
) -> dict[str, Any]:
    """The meetings that are planned, or those that took place."""
    club, now = club_for_read(_viewer(request), slug), timezone.now()
    after = position_of(cursor, MeetingPosition)
    found = ClubMeeting.objects.filter(club=club)
    found = found.upcoming(now, after=after) if when == "upcoming" else found.held(now, after=after)
    shown, following = cut_page(found, lambda last: MeetingPosition(last.starts_at, last.pk), limit=limit)
    for meeting in shown:
        meeting.club = club
    return {"items": _meeting_records(shown), "next": following}


@router.get("/clubs/{slug}/meetings/{day}", response=MeetingDetail, summary="A meeting's agenda", **public())
def get_meeting(request: HttpRequest, slug: str = _Slug, day: str = _MeetingDay) -> MeetingDetail:
    """A meeting with the papers on its agenda, and its minutes once it took place."""
    return _detail(request, meeting_for_read(club_for_read(_viewer(request), slug), day_of(day)))


@router.put(
    "/clubs/{slug}/meetings/{day}/papers/{path:paper_id}/presenter",
    response=AgendaRecord,
    summary="Present a paper",
    **WRITE,
)
def put_presenter(
    request: HttpRequest, slug: str = _Slug, day: str = _MeetingDay, paper_id: str = PaperId
) -> AgendaRecord:
    """Offer to present a paper that is on the agenda. 422: somebody else does."""
    user = reader_of(request)
    club, _ = club_of_member(user, slug)
    item = _agenda_item(request, meeting_for_read(club, day_of(day)), paper_id)
    limit_as_pages(request, "club")
    set_presenter(item=item, presenter=user, now=timezone.now())
    return _agenda_answer(request, item.meeting, item.paper_id)


@router.delete(
    "/clubs/{slug}/meetings/{day}/papers/{path:paper_id}/presenter",
    response={204: None},
    summary="Present a paper no longer",
    **WRITE,
)
def delete_presenter(
    request: HttpRequest, slug: str = _Slug, day: str = _MeetingDay, paper_id: str = PaperId
) -> Status[None]:
    """Have nobody present a paper: for who was to, and for organizers."""
    user = reader_of(request)
    club, rights = _club_to_act_in(user, slug)
    item = _agenda_item(request, meeting_for_read(club, day_of(day)), paper_id)
    if item.presenter_id is not None and not may_withdraw(item, user, rights):
        raise Http404("This is not for you to do.")
    limit_as_pages(request, "club")
    if item.presenter_id is not None:
        set_presenter(item=item, presenter=None, now=timezone.now())
    return Status(204, None)


@router.put(
    "/clubs/{slug}/meetings/{day}/papers/{path:paper_id}", response=AgendaRecord, summary="Nominate a paper", **WRITE
)
def put_agenda_paper(
    request: HttpRequest, slug: str = _Slug, day: str = _MeetingDay, paper_id: str = PaperId
) -> AgendaRecord:
    """Have a paper on the agenda of a meeting to come: for members of the club."""
    user = reader_of(request)
    club, _ = club_of_member(user, slug)
    meeting = meeting_for_read(club, day_of(day))
    paper = readable_paper(request, paper_id)
    limit_as_pages(request, "club")
    nominate(club=club, meeting=meeting, paper_id=paper.pk, user=user, now=timezone.now())
    return _agenda_answer(request, meeting, paper.pk)


@router.delete(
    "/clubs/{slug}/meetings/{day}/papers/{path:paper_id}",
    response={204: None},
    summary="Take a paper off an agenda",
    **WRITE,
)
def delete_agenda_paper(
    request: HttpRequest, slug: str = _Slug, day: str = _MeetingDay, paper_id: str = PaperId
) -> Status[None]:
    """Take a paper off: for who nominated it, and for organizers."""
    user = reader_of(request)
    club, rights = _club_to_act_in(user, slug)
    meeting = meeting_for_read(club, day_of(day))
    paper = readable_paper(request, paper_id)
    item = AgendaItem.objects.select_related("meeting").filter(meeting=meeting, paper=paper).first()
    if item is not None and not may_remove(item, user, rights):
        raise Http404("This is not for you to do.")
    limit_as_pages(request, "club")
    if item is not None:
        remove_item(item=item, now=timezone.now())
    return Status(204, None)


@router.put("/clubs/{slug}/membership", response=MembershipRecord, summary="Join a club", **WRITE)
def put_membership(request: HttpRequest, slug: str = _Slug, body: MembershipChoice | None = None) -> MembershipRecord:
    """Take part in a club, and be reminded of its meetings or not. To a private one, its organizers add people."""
    user = reader_of(request)
    club = club_for_read(user, slug)
    limit_as_pages(request, "club")
    join_club(club=club, user=user)
    if body is not None and body.mail is not None:
        set_club_mail(club=club, user=user, on=body.mail)
    rights = rights_in_club(user, club)
    return MembershipRecord(is_member=rights.is_member, mail=rights.wants_mail)


@router.delete("/clubs/{slug}/membership", response={204: None}, summary="Leave a club", **WRITE)
def delete_membership(request: HttpRequest, slug: str = _Slug) -> Status[None]:
    """Take part no more. What one nominated stays; what one was to present waits for another."""
    user = reader_of(request)
    club = club_for_read(user, slug)
    limit_as_pages(request, "club")
    leave_club(club=club, user=user, now=timezone.now())
    return Status(204, None)


def _viewer(request: HttpRequest) -> User | AnonymousUser:
    """As whom clubs are read: a token needs the scope for private ones."""
    return viewer_with_scope(request) or AnonymousUser()


def _club_to_act_in(user: User, slug: str) -> tuple[Club, ClubRights]:
    """A club that the reader is in, or organizes.

    Raises:
        Http404: there is none, or the reader is neither.
    """
    club = club_for_read(user, slug)
    rights = rights_in_club(user, club)
    if not (rights.may_nominate or rights.may_organize):
        raise Http404("You are not in this club.")
    return club, rights


def _agenda_item(request: HttpRequest, meeting: ClubMeeting, paper_id: str) -> AgendaItem:
    paper = readable_paper(request, paper_id)
    found = AgendaItem.objects.filter(meeting=meeting, paper=paper, paper__hidden_at=None).first()
    if found is None:
        raise ProblemError(404, "This paper is not on the agenda.")
    found.meeting = meeting
    return found


def _records(clubs: Sequence[Club], viewer: User | AnonymousUser) -> list[ClubRecord]:
    """Clubs with their next meetings. Three queries at most."""
    ahead = next_meetings_of(clubs, now=timezone.now())
    meetings = dict(zip(ahead, _meeting_records(list(ahead.values())), strict=True))
    own = own_club_keys(viewer)
    return [_record(club, meetings.get(club.pk), is_member=club.pk in own) for club in clubs]


def _record(club: Club, ahead: MeetingRecord | None, *, is_member: bool) -> ClubRecord:
    return ClubRecord(
        slug=club.slug,
        url=settings.SITE.origin + club.get_absolute_url(),
        name=club.name,
        description=club.description,
        private=club.is_private,
        ended=club.ended_at is not None,
        repeats=club.repeats,  # type: ignore[arg-type]  # the database holds to its values
        weekday=club.weekday,
        local_time=club.local_time,
        time_zone=club.time_zone,
        is_member=is_member,
        next_meeting=ahead,
    )


def _meeting_records(meetings: Sequence[ClubMeeting]) -> list[MeetingRecord]:
    """Meetings, which have their club. One query."""
    counts = paper_counts(meetings)
    return [MeetingRecord(**_meeting_fields(one), papers=counts.get(one.pk, 0)) for one in meetings]


def _meeting_fields(meeting: ClubMeeting) -> dict[str, Any]:
    return {
        "day": meeting.slot_on,
        "url": settings.SITE.origin + meeting.get_absolute_url(),
        "starts_at": meeting.starts_at,
        "ends_at": meeting.ends_at,
        "place": meeting.place,
        "link": meeting.link or None,
        "cancelled": meeting.cancelled_at is not None,
        "note": meeting.note,
    }


def _detail(request: HttpRequest, meeting: ClubMeeting) -> MeetingDetail:
    """A meeting, which has its club. Five queries; one more for who may read what is their own."""
    agenda = _agenda(request, meeting, _agenda_rows(meeting))
    return MeetingDetail(
        **_meeting_fields(meeting),
        papers=len(agenda),
        agenda=agenda,
        minutes=meeting.minutes,
        decisions=meeting.decisions,
    )


def _agenda_answer(request: HttpRequest, meeting: ClubMeeting, paper_id: int) -> AgendaRecord:
    """One paper of an agenda: who writes without the scope to read is told no more of a private club."""
    found = _agenda(request, meeting, [row for row in _agenda_rows(meeting) if row.item.paper_id == paper_id])
    if not found:
        raise ProblemError(404, "This paper is not on the agenda.")
    return found[0]


def _is_open(meeting: ClubMeeting) -> bool:
    return meeting.ends_at > timezone.now() and meeting.cancelled_at is None


def _agenda_rows(meeting: ClubMeeting) -> list[AgendaRow]:
    period = voting_period(meeting, now=timezone.now()) if _is_open(meeting) else None
    return read_agenda(meeting, period=period)


def _agenda(request: HttpRequest, meeting: ClubMeeting, rows: Sequence[AgendaRow]) -> list[AgendaRecord]:
    papers = Paper.objects.for_cards().in_bulk([row.item.paper_id for row in rows])
    found = [row for row in rows if row.item.paper_id in papers]
    records = records_of(request, [papers[row.item.paper_id] for row in found])
    is_open = _is_open(meeting)
    return [_agenda_record(row, record, is_open=is_open) for row, record in zip(found, records, strict=True)]


def _agenda_record(row: AgendaRow, record: PaperRecord, *, is_open: bool) -> AgendaRecord:
    item = row.item
    return AgendaRecord(
        paper=record,
        presenter=item.presenter.username if item.presenter is not None and item.presenter.is_active else None,
        nominated_by=item.nominated_by.username if item.nominated_by is not None else None,
        nominated_at=item.nominated_at,
        carried_from=item.carried_from,
        votes_since=row.votes if is_open else None,
    )
