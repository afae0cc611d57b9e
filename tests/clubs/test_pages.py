"""The pages of journal clubs, as people use them: without JavaScript, each press a form."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from papers.models import AgendaItem, Club, ClubMeeting, Paper, User
from papers.services.accounts.deletion import delete_account
from papers.services.accounts.feed_keys import feed_key_of
from papers.services.clubs.agenda import nominate, set_presenter
from papers.services.clubs.meetings import next_meeting, write_minutes
from papers.services.curation.audit_log import Actor
from papers.services.curation.merge_papers import merge_papers
from papers.services.reading.votes import set_vote
from tests.support import factories
from tests.support.clubs import club
from tests.support.pages import page_text, parse_html
from tests.support.people import anonymous_client, client_of, curator, reader
from tests.support.query_counts import count_queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def olga() -> User:
    return reader("olga")


@pytest.fixture
def group(olga: User) -> Club:
    return club(olga, reader("ben"), now=timezone.now())


@pytest.fixture
def paper() -> Paper:
    return factories.paper(title="On thin ice")


def next_of(group: Club) -> ClubMeeting:
    found = next_meeting(group, now=timezone.now())
    assert found is not None
    found.club = group
    return found


def client_named(name: str) -> Client:
    return client_of(User.objects.get(username=name))


def press(client: Client, item: AgendaItem, act: str) -> Any:
    return client.post(f"/clubs/agenda/{item.pk}/{act}", follow=True)


def undo(client: Client, page: Any) -> Any:
    words = re.findall(r'name="word" value="([^"]+)"', page.content.decode())
    assert words, "The answer offers to undo it."
    return client.post("/undo", {"word": words[-1]}, follow=True)


def test_a_curator_makes_a_club_and_meetings_are_planned() -> None:
    client = client_of(curator())
    form = {
        "name": "Theory lunch", "repeats": "fortnightly", "weekday": "3", "local_time": "16:00", "duration": "60",
        "time_zone": "berlin", "starts_on": "2026-01-01", "reminder_hours": "24",
    }  # fmt: skip
    answer = client.post("/clubs/new", form, follow=True)
    assert answer.redirect_chain[-1][0] == "/clubs/theory-lunch"
    made = Club.objects.get(slug="theory-lunch")
    assert made.time_zone == "Europe/Berlin"
    days = list(made.meetings.order_by("slot_on").values_list("slot_on", flat=True))
    assert {(second - first).days for first, second in pairwise(days)} == {14}
    assert "Every second Thursday at 16:00 (Europe/Berlin)" in page_text("/clubs/theory-lunch")
    assert client.post("/clubs/new", {**form, "link": "javascript:alert(1)"}).status_code == 422


def test_from_nomination_to_minutes(group: Club, paper: Paper) -> None:
    ben, olga = client_named("ben"), client_named("olga")
    assert f"{paper.get_absolute_url()}/nominate" in ben.get(paper.get_absolute_url()).content.decode()
    page = ben.post(f"{paper.get_absolute_url()}/nominate", {"club": group.slug, "next": "/clubs"}, follow=True)
    assert "Nominated for Reading group." in page.content.decode()
    undo(ben, page)
    assert not AgendaItem.objects.exists()
    ben.post(f"{paper.get_absolute_url()}/nominate", {"club": group.slug})
    item = AgendaItem.objects.get()
    assert f"{paper.get_absolute_url()}/nominate" not in ben.get(paper.get_absolute_url()).content.decode()
    assert "nominated by ben" in page_text(group.get_absolute_url())
    page = press(ben, item, "present")
    assert "Presented by ben" in page_text(group.get_absolute_url())
    undo(ben, page)
    assert "Nobody presents it yet" in page_text(group.get_absolute_url())
    assert press(ben, item, "up").status_code == 404, "members don't order"
    other = nominate(club=group, paper_id=factories.paper(title="Later").pk, user=None, now=timezone.now())
    tree = parse_html(olga.get(group.get_absolute_url()).content.decode())
    acts = [" ".join(row.xpath(".//button/text()")) for row in tree.xpath("//ol[@class='day-rows']/li")]
    assert [("Up" in said, "Down" in said) for said in acts] == [(False, True), (True, False)]
    page = press(olga, other, "up")
    assert list(AgendaItem.objects.order_by("position").values_list("pk", flat=True)) == [other.pk, item.pk]
    undo(olga, page)
    assert list(AgendaItem.objects.order_by("position").values_list("pk", flat=True)) == [item.pk, other.pk]
    page = press(olga, other, "later")
    other.refresh_from_db()
    assert other.meeting_id != item.meeting_id
    undo(olga, page)
    other.refresh_from_db()
    assert (other.meeting_id, other.position) == (item.meeting_id, 1)
    address = next_of(group).get_absolute_url()
    assert olga.post(f"{address}/minutes", {"minutes": "We *agreed*.", "decisions": ""}, follow=True).status_code == 200
    assert "<em>agreed</em>" in anonymous_client().get(address).content.decode()
    assert ben.get(f"{address}/minutes").status_code == 404


def test_what_was_voted_for_is_suggested(group: Club, paper: Paper) -> None:
    set_vote(user=reader("vera"), paper_id=paper.pk, on=True)
    text = page_text(group.get_absolute_url(), client_named("ben"))
    assert "Voted for in the last four weeks On thin ice 1 vote" in text
    assert "since the last meeting" not in text, "it has not met yet"
    nominate(club=group, paper_id=paper.pk, user=None, now=timezone.now())
    text = page_text(group.get_absolute_url(), client_named("ben"))
    assert "1 vote in the last four weeks" in text
    assert "Voted for" not in text


def test_a_club_that_met_counts_votes_since_then(group: Club, paper: Paper) -> None:
    coming = next_of(group)
    begins = timezone.now() - timedelta(days=2)
    ClubMeeting.objects.create(
        club=group, slot_on=begins.date(), starts_at=begins, ends_at=begins + timedelta(hours=1), changed_at=begins
    )
    set_vote(user=reader("vera"), paper_id=paper.pk, on=True)
    assert coming.starts_at > begins
    text = page_text(group.get_absolute_url(), client_named("ben"))
    assert "Voted for since the last meeting On thin ice 1 vote" in text
    nominate(club=group, paper_id=paper.pk, user=None, now=timezone.now())
    assert "1 vote since the last meeting" in page_text(group.get_absolute_url(), client_named("ben"))


def test_a_cancelled_week_passes_its_papers_on(group: Club, paper: Paper) -> None:
    item = nominate(club=group, paper_id=paper.pk, user=None, now=timezone.now())
    olga, first = client_named("olga"), next_of(group)
    address = first.get_absolute_url()
    assert client_named("ben").post(f"{address}/cancel").status_code == 404
    page = olga.post(f"{address}/cancel", {"note": "Strike <b>"}, follow=True)
    assert "Cancelled: Strike &lt;b&gt;" in page.content.decode()
    item.refresh_from_db()
    assert item.meeting_id == next_of(group).pk != first.pk
    undo(olga, page)
    item.refresh_from_db()
    assert item.meeting_id == next_of(group).pk == first.pk
    assert item.carried_from is None


def test_one_meeting_is_moved_and_a_new_rule_leaves_it(group: Club, paper: Paper) -> None:
    olga, first = client_named("olga"), next_of(group)
    day = (first.local_day + timedelta(days=1)).isoformat()
    form = {"on": day, "at": "18:00", "duration": "90", "place": "Room 7", "link": "", "note": "One day later"}
    olga.post(f"{first.get_absolute_url()}/move", form)
    first.refresh_from_db()
    assert (first.local_start.strftime("%Y-%m-%d %H:%M"), first.place, first.sequence) == (f"{day} 18:00", "Room 7", 1)
    names = dict(group.meetings.exclude(pk=first.pk).values_list("uid", "slot_on"))
    client_of(curator()).post(
        f"{group.get_absolute_url()}/edit",
        {
            "name": "Reading group", "repeats": "weekly", "weekday": "1", "local_time": "09:00", "duration": "60",
            "time_zone": "Europe/Berlin", "starts_on": "2026-01-01", "reminder_hours": "24",
        },
    )  # fmt: skip
    first.refresh_from_db()
    assert first.place == "Room 7"
    after = dict(group.meetings.exclude(pk=first.pk).values_list("uid", "slot_on"))
    assert set(names) <= set(after), "they keep their names in calendars"
    assert {on.weekday() for on in after.values()} == {1}


def test_a_private_club_is_seen_by_its_members_alone(group: Club, paper: Paper) -> None:
    Club.objects.update(is_private=True)
    nominate(club=group, paper_id=paper.pk, user=None, now=timezone.now())
    outsider, member = client_of(reader("otto")), client_named("ben")
    for path in ("", ".ics", "/archive", f"/{next_of(group).slot_on}"):
        assert outsider.get(group.get_absolute_url() + path).status_code == 404
        assert anonymous_client().get(group.get_absolute_url() + path).status_code == 404
        assert member.get(group.get_absolute_url() + path).status_code == 200
    assert outsider.post(f"{group.get_absolute_url()}/membership", {"what": "join"}).status_code == 404
    for who, sees in ((outsider, False), (anonymous_client(), False), (member, True)):
        assert ("Reading group" in who.get(paper.get_absolute_url()).content.decode()) is sees
        assert ("Reading group" in who.get("/clubs").content.decode()) is sees
    key = feed_key_of(User.objects.get(username="ben"))
    assert b"On thin ice" in anonymous_client().get(f"/feeds/{key}/clubs.ics").content
    assert b"On thin ice" in anonymous_client().get(f"/feeds/{key}/clubs/{group.slug}.ics").content


def past_meeting(group: Club, title: str, *, weeks: int, minutes: str = "") -> ClubMeeting:
    at = timezone.now() - timedelta(weeks=weeks)
    made = ClubMeeting.objects.create(
        club=group, slot_on=at.date(), starts_at=at, ends_at=at + timedelta(hours=1), changed_at=at
    )
    AgendaItem.objects.create(meeting=made, paper=factories.paper(title=title), nominated_at=at)
    write_minutes(meeting=made, minutes=minutes, decisions="")
    return made


def test_the_archive_is_searched(group: Club) -> None:
    past_meeting(group, "Frogs in winter", weeks=1, minutes="Nobody believed the figures.")
    past_meeting(group, "Toads", weeks=2, minutes="We shall repeat it.")
    address = f"{group.get_absolute_url()}/archive"
    assert "Frogs" in page_text(address)
    assert "Toads" in page_text(address)
    for words, found, missed in (
        ("frog", "Frogs", "Toads"),
        ("believing", "Frogs", "Toads"),
        ("repeats", "Toads", "Frogs"),
    ):
        text = page_text(f"{address}?q={words}")
        assert found in text
        assert missed not in text
    assert "No meeting has these words." in page_text(f"{address}?q=%27%22%28%29%26|!:*")


def test_the_paper_says_where_it_was_discussed(group: Club) -> None:
    meeting = past_meeting(group, "Frogs", weeks=3)
    paper = Paper.objects.get(title="Frogs")
    text = page_text(paper.get_absolute_url())
    assert f"Discussed on {meeting.local_start.day} {meeting.local_start:%b}" in text
    assert "in Reading group" in text


def test_a_presenter_who_goes_leaves_the_paper(group: Club, paper: Paper) -> None:
    ben = User.objects.get(username="ben")
    item = nominate(club=group, paper_id=paper.pk, user=ben, now=timezone.now())
    set_presenter(item=item, presenter=ben, now=timezone.now())
    User.objects.filter(pk=ben.pk).update(is_active=False)
    item.refresh_from_db()
    assert item.needs_presenter
    assert "Nobody presents it yet" in page_text(group.get_absolute_url())
    delete_account(ben)
    item.refresh_from_db()
    assert (item.presenter, item.nominated_by, item.lost_presenter) == (None, None, True)


def test_a_merged_paper_stays_on_the_agenda_once(group: Club, paper: Paper) -> None:
    other = factories.paper(public_id="doi/10.1/2")
    carl = curator()
    for one in (paper, other):
        nominate(club=group, paper_id=one.pk, user=None, now=timezone.now())
    merge_papers(kept_id=paper.pk, merged_id=other.pk, actor=Actor(curator=carl, now=timezone.now()))
    assert [item.paper_id for item in AgendaItem.objects.all()] == [paper.pk]


def test_a_hidden_paper_is_on_no_agenda(group: Club, paper: Paper) -> None:
    nominate(club=group, paper_id=paper.pk, user=None, now=timezone.now())
    Paper.objects.update(hidden_at=timezone.now())
    assert "On thin ice" not in page_text(group.get_absolute_url())
    assert b"On thin ice" not in anonymous_client().get(f"{group.get_absolute_url()}.ics").content


def test_a_calendar_is_fetched_once(group: Club) -> None:
    answer = anonymous_client().get(f"{group.get_absolute_url()}.ics")
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    again = anonymous_client().get(f"{group.get_absolute_url()}.ics", headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304


def test_organizers_look_after_members(group: Club) -> None:
    olga = client_named("olga")
    reader("vera")
    address = f"{group.get_absolute_url()}/people"
    assert (
        "vera is in the club." in olga.post(address, {"username": "@Vera", "what": "add"}, follow=True).content.decode()
    )
    olga.post(address, {"username": "vera", "what": "organizer"})
    assert client_named("vera").get(address).status_code == 200
    olga.post(address, {"username": "vera", "what": "remove"})
    assert client_named("vera").get(address).status_code == 404


def test_a_club_costs_the_same_for_few_and_for_many(group: Club) -> None:
    visitor, member = anonymous_client(), client_named("ben")
    costs = []
    for number in (2, 12):
        for _ in range(number):
            one = factories.paper()
            nominate(club=group, paper_id=one.pk, user=factories.user(), now=timezone.now())
            set_vote(user=factories.user(), paper_id=factories.paper().pk, on=True)
            past_meeting(group, "Old", weeks=100 + ClubMeeting.objects.count())
        paths = (
            group.get_absolute_url(),
            "/clubs",
            f"{group.get_absolute_url()}/archive",
            f"{group.get_absolute_url()}.ics",
        )
        for client in (visitor, member):
            client.get("/clubs")
        costs.append([(count_queries(path, visitor), count_queries(path, member)) for path in paths])
    assert costs[0] == costs[1]
    assert max(max(pair) for pair in costs[0]) <= 12


def test_a_club_s_name_turns_nothing_around(olga: User) -> None:
    olga.is_curator = True
    olga.save()
    client = client_of(olga)
    page = client.get("/clubs/new").context["form"]
    values = {name: "" if page[name].value() is None else page[name].value() for name in page.fields}
    values |= {"is_private": "", "name": "Tea\u202e \u200btime"}
    client.post("/clubs/new", {name: value for name, value in values.items() if value not in ("", False)})
    assert Club.objects.get().name == "Tea time"
    assert "Enter a name." in client.post("/clubs/new", values | {"name": "\u2067"}).content.decode()
