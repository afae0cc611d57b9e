"""Journal clubs for programs: read by whoever may see them, acted in as members do on pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from papers.models import AgendaItem, Club, ClubMember, Paper, User
from papers.services.clubs.clubs import end_club
from papers.services.clubs.meetings import cancel_meeting
from papers.services.reading.votes import set_vote
from tests.support import factories
from tests.support.api import ApiClient
from tests.support.clubs import club
from tests.support.pages import page_text
from tests.support.people import reader
from tests.support.query_counts import count_queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def olga() -> User:
    return reader("olga")


@pytest.fixture
def ben() -> User:
    return reader("ben")


@pytest.fixture
def group(olga: User, ben: User) -> Club:
    return club(olga, ben, now=timezone.now())


@pytest.fixture
def paper() -> Paper:
    return factories.paper(title="On thin ice")


def next_day(api: ApiClient, group: Club) -> str:
    day: str = api.get(f"/clubs/{group.slug}").json()["next_meeting"]["day"]
    return day


def agenda(api: ApiClient, address: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(address).json()["agenda"]
    return found


def test_from_a_club_to_who_presents_a_paper(group: Club, paper: Paper, ben: User) -> None:
    api = ApiClient(ben)
    (found,) = api.get("/clubs").json()["items"]
    assert (found["slug"], found["repeats"], found["weekday"], found["local_time"]) == (
        group.slug, "weekly", 3, "16:00:00",
    )  # fmt: skip
    assert (found["is_member"], found["next_meeting"]["papers"]) == (True, 0)
    meeting = f"/clubs/{group.slug}/meetings/{found['next_meeting']['day']}"
    on_agenda = f"{meeting}/papers/{paper.public_id}"
    for _ in range(2):
        put = api.put(on_agenda)
        assert (put.status_code, put.json()["paper"]["id"]) == (200, paper.public_id)
        presented = api.put(f"{on_agenda}/presenter").json()
        assert (presented["presenter"], presented["nominated_by"]) == ("ben", "ben")
    set_vote(user=ben, paper_id=paper.pk, on=True)
    (item,) = agenda(ApiClient(), meeting)
    assert (item["paper"]["title"], item["votes_since"], item["paper"]["mine"]) == ("On thin ice", 1, None)
    assert agenda(api, meeting)[0]["paper"]["mine"]["voted"] is True
    for _ in range(2):
        assert api.delete(f"{on_agenda}/presenter").status_code == 204
    assert agenda(api, meeting)[0]["presenter"] is None
    for _ in range(2):
        assert api.delete(on_agenda).status_code == 204
    assert agenda(api, meeting) == []


def test_acts_that_can_t_be_done_say_why(group: Club, paper: Paper, ben: User, olga: User) -> None:
    first, second = ApiClient(ben), ApiClient(olga)
    meeting = f"/clubs/{group.slug}/meetings/{next_day(first, group)}"
    on_agenda = f"{meeting}/papers/{paper.public_id}"
    none = first.put(f"{on_agenda}/presenter")
    assert (none.status_code, none.json()["detail"]) == (404, "This paper is not on the agenda.")
    first.put(on_agenda)
    first.put(f"{on_agenda}/presenter")
    taken = second.put(f"{on_agenda}/presenter")
    assert (taken.status_code, taken.json()["detail"]) == (422, "ben presents this paper.")
    cancel_meeting(meeting=AgendaItem.objects.get().meeting, note="Snow", now=timezone.now())
    late = first.put(on_agenda)
    assert (late.status_code, late.json()["detail"]) == (422, "This meeting is over or cancelled.")
    told = first.get(meeting).json()
    assert (told["cancelled"], told["note"], told["agenda"]) == (True, "Snow", [])


def test_members_take_off_only_what_is_theirs(group: Club, paper: Paper, ben: User, olga: User) -> None:
    organizer, member = ApiClient(olga), ApiClient(ben)
    on_agenda = f"/clubs/{group.slug}/meetings/{next_day(member, group)}/papers/{paper.public_id}"
    organizer.put(on_agenda)
    organizer.put(f"{on_agenda}/presenter")
    assert member.delete(on_agenda).status_code == 404
    assert member.delete(f"{on_agenda}/presenter").status_code == 404
    assert AgendaItem.objects.get().presenter == olga


def test_meetings_a_page_at_a_time(group: Club) -> None:
    now = timezone.now()
    held = list(group.meetings.order_by("starts_at")[:3])
    for number, meeting in enumerate(held):
        starts_at = now - timedelta(days=7 * (number + 1))
        meeting.starts_at, meeting.ends_at = starts_at, starts_at + timedelta(hours=1)
        meeting.save()
    for when, count in (("past", 3), ("upcoming", group.meetings.count() - 3)):
        found, cursor = list[dict[str, Any]](), ""
        while cursor is not None:
            page = ApiClient().get(f"/clubs/{group.slug}/meetings?when={when}&limit=2&cursor={cursor}").json()
            found += page["items"]
            cursor = page["next"]
        starts = [one["starts_at"] for one in found]
        assert len({one["day"] for one in found}) == len(found) == count
        assert starts == sorted(starts, reverse=when == "past")


def test_joining_leaving_and_reminders(group: Club) -> None:
    api = ApiClient(reader("otto"))
    address = f"/clubs/{group.slug}/membership"
    assert api.put(address).json() == {"is_member": True, "mail": True}
    assert api.put(address, {"mail": False}).json() == {"is_member": True, "mail": False}
    assert api.put(address).json() == {"is_member": True, "mail": False}
    for _ in range(2):
        assert api.delete(address).status_code == 204
    assert not ClubMember.objects.filter(club=group, user__username="otto").exists()


def test_a_token_that_may_not_read_sees_what_a_visitor_sees(olga: User) -> None:
    private = club(olga, name="Secret", is_private=True, now=timezone.now())
    api = ApiClient(olga, scopes=["write"])
    assert api.get("/clubs").json()["items"] == []
    assert api.get(f"/clubs/{private.slug}").status_code == 404
    assert ApiClient(olga).get("/clubs").json()["items"][0]["private"] is True


def test_hidden_papers_are_on_no_agenda(group: Club, paper: Paper, ben: User) -> None:
    api = ApiClient(ben)
    meeting = f"/clubs/{group.slug}/meetings/{next_day(api, group)}"
    api.put(f"{meeting}/papers/{paper.public_id}")
    Paper.objects.update(hidden_at=timezone.now())
    told = api.get(meeting).json()
    assert (told["papers"], told["agenda"]) == (0, [])


def test_clubs_that_have_ended_come_last(olga: User) -> None:
    ended, meeting = club(olga, name="Alpha", now=timezone.now()), club(olga, name="beta", now=timezone.now())
    end_club(club=ended, now=timezone.now())
    found = ApiClient().get("/clubs").json()["items"]
    assert [(one["slug"], one["ended"]) for one in found] == [(meeting.slug, False), (ended.slug, True)]
    page = page_text("/clubs")
    assert page.index("beta") < page.index("Alpha")


def test_the_number_of_queries_does_not_grow(group: Club, olga: User, ben: User) -> None:
    api = ApiClient(ben)
    key = {"Authorization": f"Bearer {api.key}"}

    def queries() -> list[int]:
        meeting = f"/clubs/{group.slug}/meetings/{next_day(api, group)}"
        return [count_queries(f"/api/v1{path}", Client(headers=key)) for path in ("/clubs", meeting)]

    def add() -> None:
        club(olga, ben, name="Another", now=timezone.now())
        api.put(f"/clubs/{group.slug}/meetings/{next_day(api, group)}/papers/{factories.paper().public_id}")

    add()
    before = queries()
    for _ in range(3):
        add()
    assert queries() == before
