"""Taking back what was done to an agenda a moment ago; `papers/services/reading/undo.py` signs what is noted here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from papers.models import AgendaItem, ClubMeeting, Paper, User
from papers.models.club import rights_in_club
from papers.services.clubs.agenda import carry_back, order_of, remove_item, restore_item, set_order, set_presenter
from papers.services.clubs.meetings import ClubError, following_meeting, restore_meeting

ClubBefore = Mapping[str, Any]
"""What was before an act, as JSON can hold it; `club` names the act."""


def before_nomination(meeting: ClubMeeting, paper_id: int) -> ClubBefore:
    """What nominating a paper changes. No queries."""
    return {"club": "nominate", "meeting": meeting.pk, "about": paper_id}


def before_removal(item: AgendaItem) -> ClubBefore:
    """What taking a paper off an agenda changes. No queries."""
    return {
        "club": "remove", "meeting": item.meeting_id, "about": item.paper_id, "position": item.position,
        "presenter": item.presenter_id, "by": item.nominated_by_id, "at": item.nominated_at.isoformat(),
        "carried": _iso(item.carried_from),
    }  # fmt: skip


def before_presenter(item: AgendaItem) -> ClubBefore:
    """What volunteering changes, and no longer presenting. No queries."""
    return {
        "club": "present", "meeting": item.meeting_id, "about": item.paper_id, "presenter": item.presenter_id,
        "lost": item.lost_presenter,
    }  # fmt: skip


def before_order(meeting: ClubMeeting) -> ClubBefore:
    """What ordering changes. One query."""
    return {"club": "order", "meeting": meeting.pk, "keys": order_of(meeting)}


def before_carrying(item: AgendaItem, target: ClubMeeting) -> ClubBefore:
    """What carrying a paper over to `target` changes. No queries."""
    return {"club": "carry", "meeting": item.meeting_id, "target": target.pk, "items": [_place(item)]}


def before_cancelling(meeting: ClubMeeting, *, now: datetime) -> ClubBefore:
    """What cancelling changes: where each paper stood. Two queries."""
    target = following_meeting(meeting, now=now)
    items = [_place(item) for item in AgendaItem.objects.filter(meeting=meeting)]
    return {"club": "cancel", "meeting": meeting.pk, "target": target.pk if target else 0, "items": items}


def undo_club_act(*, user: User, before: ClubBefore, now: datetime) -> None:
    """Put back what was before an act, if `user` may still do that there. Idempotent.

    Raises:
        ClubError: the meeting is gone, it is too late, or the reader's rights have changed.
    """
    meeting = ClubMeeting.objects.select_related("club").filter(pk=before["meeting"]).first()
    if meeting is None:
        raise ClubError("This meeting is no longer there.")
    rights, act = rights_in_club(user, meeting.club), before["club"]
    if not (rights.may_organize or (rights.may_nominate and act in ("nominate", "remove", "present"))):
        raise ClubError("You are no longer in this club.")
    item = AgendaItem.objects.select_related("meeting").filter(meeting=meeting, paper=before.get("about", 0)).first()
    if act == "nominate" and item is not None:
        remove_item(item=item, now=now)
    elif act == "remove":
        _put_back(meeting, before, now)
    elif act == "present" and item is not None:
        presenter = User.objects.filter(pk=before["presenter"] or 0).first()
        set_presenter(item=item, presenter=presenter, lost=before["lost"], now=now)
    elif act == "order":
        set_order(meeting=meeting, keys=before["keys"], now=now)
    elif act in ("carry", "cancel"):
        if act == "cancel":
            restore_meeting(meeting=meeting, now=now)
        _carry_back(meeting, before, now)


def _put_back(meeting: ClubMeeting, before: ClubBefore, now: datetime) -> None:
    if not Paper.objects.visible().filter(pk=before["about"]).exists():
        raise ClubError("This paper is no longer here.")
    restore_item(
        meeting=meeting, paper_id=before["about"], position=before["position"], presenter_id=before["presenter"],
        nominated_by_id=before["by"], nominated_at=datetime.fromisoformat(before["at"]),
        carried_from=_day(before["carried"]), now=now,
    )  # fmt: skip


def _carry_back(meeting: ClubMeeting, before: ClubBefore, now: datetime) -> None:
    source = ClubMeeting.objects.filter(pk=before["target"], club=meeting.club_id).first()
    if source is None:
        return
    for paper_id, position, carried in before["items"]:
        carry_back(
            paper_id=paper_id, source=source, target=meeting, position=position, carried_from=_day(carried), now=now
        )


def _place(item: AgendaItem) -> list[Any]:
    return [item.paper_id, item.position, _iso(item.carried_from)]


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
