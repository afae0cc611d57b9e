"""The desk's pages: what they show, what a press does without JavaScript and with it, two curators at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from papers.models import (
    Candidate,
    CommentReport,
    CurationEvent,
    Listing,
    Paper,
    PlannedListing,
    Submission,
    Topic,
    TopicMatch,
)
from papers.services.curation import find_candidates, place_paper, plan_listings, review_comments, review_papers
from papers.services.curation.audit_log import Actor, AlreadyDecidedError, CurationError
from papers.services.curation.read_queue import read_queue
from papers.services.curation.undo import undo_event
from papers.services.reading.comments import add_comment, report_comment
from papers.services.topics.pending_work import catch_up
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.pages import parse_html
from tests.support.people import anonymous_client, client_of, curator, reader

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def carl() -> Client:
    return client_of(curator())


def fill(number: int) -> None:
    topic = factories.topic()
    for _ in range(number):
        factories.candidate(topic=topic)
        factories.submission(
            f"10.1000/{factories.arxiv_id()}", paper=factories.paper(), state="waiting", next_attempt_at=None
        )
        factories.comment_report(factories.comment(factories.paper()))
        factories.rejected_record()


def page(client: Client, path: str = "/curate") -> Any:
    response = client.get(path)
    assert response.status_code == 200
    return parse_html(response.content.decode())


def names(found: Any) -> list[str]:
    return [item.get("id") for item in found.find_class("queue-item")]


def seen(client: Client, name: str) -> str:
    return str(page(client).get_element_by_id(name).xpath(".//input[@name='seen']/@value")[0])


def press(client: Client, kind: str, key: int, *, seen: int | str = 0, **values: str) -> Any:
    return client.post(f"/curate/decide/{kind}/{key}", {"seen": seen, **values})


class TestTheQueue:
    def test_all_kinds_in_one_list_the_newest_first(self, carl: Client) -> None:
        factories.candidate(found_at=NOW)
        factories.rejected_record(last_seen_at=NOW + timedelta(hours=2))
        comment = factories.comment(factories.paper(), body="Rude *words*")
        factories.comment_report(comment, created_at=NOW)
        found = page(carl)
        kinds = [name.split("-")[1] for name in names(found)]
        assert set(kinds) == {"candidate", "record", "comment"}
        assert kinds.index("record") < kinds.index("candidate")
        assert "<em>words</em>" in carl.get("/curate").content.decode()
        assert names(page(carl, "/curate?kind=record"))[0].startswith("item-record-")

    def test_it_is_read_to_its_end_each_once(self) -> None:
        fill(20)
        Candidate.objects.update(found_at=NOW)  # many of the same moment
        found, after = [], None
        for _ in range(30):
            part = read_queue(after=after, per_page=7)
            found += [item.name for item in part.items]
            after = part.next
            if after is None:
                break
        assert len(found) == len(set(found)) == 80

    def test_it_costs_the_same_for_few_and_for_many(self, carl: Client) -> None:
        counts = []
        for number in (2, 6):
            fill(number)
            carl.get("/curate")  # reads the group's choices, which are kept
            with CaptureQueriesContext(connection) as captured:
                carl.get("/curate")
            counts.append(len(captured))
        assert counts[0] == counts[1]
        assert counts[0] <= 12

    def test_what_an_edition_has_is_no_candidate(self, carl: Client) -> None:
        factories.listing(factories.candidate().paper)
        factories.candidate(factories.paper(hidden_at=NOW))
        assert names(page(carl)) == []
        assert "Nothing to review" in carl.get("/curate").content.decode()

    def test_a_report_made_again_is_open_again(self, carl: Client) -> None:
        rita = reader()
        comment = add_comment(user=factories.user(), paper_id=factories.paper().pk, body="Rude.")
        report_comment(user=rita, comment=comment, reason="Rude.")
        press(carl, "comment", comment.pk, act="accept")
        assert names(page(carl)) == []
        report_comment(user=rita, comment=comment, reason="Still rude.")
        assert names(page(carl)) == [f"item-comment-{comment.pk}"]
        assert CommentReport.objects.get().reason == "Still rude."


class TestDeciding:
    def test_without_javascript_a_press_leads_back_and_can_be_undone(self, carl: Client) -> None:
        candidate = factories.candidate()
        answer = press(carl, "candidate", candidate.pk, act="accept")
        assert answer["Location"] == "/curate"
        assert Listing.objects.get().paper == candidate.paper
        found = page(carl)
        assert names(found) == []
        (action,) = found.xpath("//form[starts-with(@action, '/curate/undo/')]/@action")
        carl.post(action)
        assert not Listing.objects.exists()
        assert names(page(carl)) == [f"item-candidate-{candidate.pk}"]

    def test_with_htmx_the_answer_is_one_line_and_undo_brings_the_item_back(self, carl: Client) -> None:
        candidate = factories.candidate()
        answer = carl.post(f"/curate/decide/candidate/{candidate.pk}", {"seen": 0, "act": "accept"}, headers=HTMX)
        text = answer.content.decode()
        assert "queue-done" in text
        assert "<html" not in text
        (address,) = re.findall(r'hx-post="(/curate/undo/\d+)"', text)
        back = carl.post(address, {"kind": "candidate", "key": candidate.pk}, headers=HTMX).content.decode()
        assert f'id="item-candidate-{candidate.pk}"' in back
        assert Candidate.objects.get().decided_at is None

    def test_whoever_submitted_it_sees_the_reason(self, carl: Client) -> None:
        rita = reader()
        taken = factories.submission(
            "10.1000/ice", rita, paper=factories.paper(), state="waiting", next_attempt_at=None
        )
        assert press(carl, "submission", taken.pk, act="reject").status_code == 302
        taken.refresh_from_db()
        assert taken.state == "waiting"  # without a reason
        press(carl, "submission", taken.pk, act="reject", given="Not our field.")
        assert "Not our field." in client_of(rita).get(f"/submit/{taken.pk}").content.decode()

    @pytest.mark.parametrize("nonsense", [{"act": "dance"}, {"act": "accept", "seen": "x"}, {"act": ""}])
    def test_nonsense_does_nothing(self, carl: Client, nonsense: dict[str, str]) -> None:
        candidate = factories.candidate()
        assert press(carl, "candidate", candidate.pk, **nonsense).status_code in (302, 404)
        assert press(carl, "candidate", 10**12, act="accept").status_code == 302
        assert press(carl, "dance", candidate.pk, act="accept").status_code == 302
        assert not CurationEvent.objects.exists()

    @pytest.mark.parametrize("key", [2**63, 10**30])
    @pytest.mark.parametrize("kind", ["submission", "candidate", "comment", "record", "search", "pair"])
    def test_a_key_that_no_row_can_have_is_no_page(self, carl: Client, kind: str, key: int) -> None:
        assert carl.post(f"/curate/decide/{kind}/{key}", {"seen": 0, "act": "accept"}).status_code == 404
        assert carl.post(f"/curate/undo/{key}").status_code == 404

    @pytest.mark.parametrize("name", ["ice\0", "x" * 10_000, ""])
    def test_a_topic_that_can_be_none_is_no_page(self, carl: Client, name: str) -> None:
        answer = carl.post(f"/curate/papers/{factories.paper().pk}/topic", {"seen": 0, "topic": name, "act": "in"})
        assert answer.status_code == 404


class TestManyAtOnce:
    def test_what_is_ticked_is_decided_and_undone_with_one_press(self, carl: Client) -> None:
        fill(2)
        other = factories.candidate(topic=factories.topic())
        review_papers.reject_candidate(paper_id=other.pk, actor=Actor(curator("cora"), NOW))
        items = [f"candidate:{row.pk}:0" for row in Candidate.objects.all()]
        items += [f"submission:{row.pk}:0" for row in Submission.objects.all()] + ["x", "record:9:0", "candidate:1:x"]
        said = carl.post("/curate/bulk", {"item": items, "act": "accept"}, follow=True).content.decode()
        assert "4 done. 1 had already been decided by someone else. 1 can’t be decided this way." in said
        assert Listing.objects.count() == 4
        carl.post(f"/curate/undo/{CurationEvent.objects.latest('pk').pk}")
        assert not Listing.objects.exists()
        assert Submission.objects.filter(state="waiting").count() == 2

    def test_nothing_ticked_is_said(self, carl: Client) -> None:
        assert "Select at least one" in carl.post("/curate/bulk", {"act": "accept"}, follow=True).content.decode()


class TestAhead:
    def test_what_is_planned_is_nowhere_until_its_moment_and_then_on_its_day(self, carl: Client) -> None:
        paper, by = factories.paper(), Actor(curator("cora"), NOW)
        day = TODAY + timedelta(days=2)
        plan_listings.plan_listing(paper_id=paper.pk, day=day, actor=by)
        plan_listings.set_publish_time(day=day, at=factories.at_hour(day, 7), actor=by)
        assert plan_listings.publish_due_listings(now=factories.at_hour(day, 6)) == 0
        assert not Listing.objects.exists()
        assert paper.title not in anonymous_client().get(f"/papers/date/{day}").content.decode()
        assert paper.title in carl.get(f"/curate/days/{day}").content.decode()
        assert plan_listings.publish_due_listings(now=factories.at_hour(day, 7)) == 1
        assert plan_listings.publish_due_listings(now=factories.at_hour(day, 7)) == 0
        assert Listing.objects.get().day == day
        planned = CurationEvent.objects.get(action="plan")
        with pytest.raises(CurationError, match="published"):
            undo_event(event_id=planned.pk, curator=by.curator, now=NOW)

    def test_a_day_to_come_is_planned_by_the_form(self, carl: Client) -> None:
        paper = factories.paper()
        ahead = (timezone.localdate() + timedelta(days=3)).isoformat()
        carl.post(f"/curate/papers/{paper.pk}/place", {"seen": 0, "act": "list", "to": ahead})
        assert PlannedListing.objects.get().day.isoformat() == ahead
        seen = CurationEvent.objects.latest("pk").pk
        carl.post(f"/curate/papers/{paper.pk}/place", {"seen": seen, "act": "unplan", "on": ahead})
        assert not PlannedListing.objects.exists()


class TestTopicsByHand:
    def test_a_paper_put_into_a_topic_stays_whatever_the_topic_asks(self, carl: Client) -> None:
        topic = factories.topic("Snow", query="nothing-has-this-word", pending_since=None)
        paper = factories.paper()
        carl.post(f"/curate/papers/{paper.pk}/topic", {"seen": 0, "topic": "snow", "act": "in"})
        assert TopicMatch.objects.filter(topic=topic, paper=paper).exists()
        catch_up(now=NOW)
        assert TopicMatch.objects.filter(topic=topic, paper=paper).exists()
        seen = CurationEvent.objects.latest("pk").pk
        carl.post(f"/curate/papers/{paper.pk}/topic", {"seen": seen, "topic": "snow", "act": "out"})
        catch_up(now=NOW)
        assert not TopicMatch.objects.filter(topic=topic, paper=paper).exists()

    def test_a_saved_search_is_seen_by_curators_when_its_reader_offers_it(self, carl: Client) -> None:
        rita = reader()
        own = factories.topic("Rita-ice", owner=rita, query="ice")
        assert "Rita-ice" not in carl.get("/curate").content.decode()
        client_of(rita).post("/topics/rita-ice/offer", {"on": "1"})
        assert "Suggested as a topic by rita" in " ".join(page(carl).text_content().split())
        press(carl, "search", own.pk, act="accept")
        made = Topic.objects.get(owner=None, name="Rita-ice")
        assert made.query == "ice"
        assert Topic.objects.filter(pk=own.pk, owner=rita).exists()


class TestTwoCurators:
    def test_the_second_sees_the_first_s_decision_and_changes_nothing(self, carl: Client) -> None:
        candidate, other = factories.candidate(), client_of(curator("cora"))
        token = seen(other, f"item-candidate-{candidate.pk}")
        press(carl, "candidate", candidate.pk, seen=seen(carl, f"item-candidate-{candidate.pk}"), act="reject")
        before = list(CurationEvent.objects.values())
        answer = other.post(
            f"/curate/decide/candidate/{candidate.pk}", {"seen": token, "act": "accept"}, headers=HTMX
        ).content.decode()
        assert "<b>carl</b> decided first" in answer
        assert "Nothing was changed" in answer
        assert not Listing.objects.exists()
        assert list(CurationEvent.objects.values()) == before
        said = other.post(f"/curate/decide/candidate/{candidate.pk}", {"seen": token, "act": "accept"}, follow=True)
        assert "carl decided on this before you" in said.content.decode()

    def test_it_holds_for_every_act_on_a_paper(self) -> None:
        paper, carl, cora = factories.listing().paper, curator(), curator("cora")
        place_paper.pin_paper(paper_id=paper.pk, day=TODAY, on=True, actor=Actor(carl, NOW, last_event_id=0))
        late = Actor(cora, NOW, last_event_id=0)
        acts: list[Callable[[], object]] = [
            lambda: place_paper.hide_paper(paper_id=paper.pk, on=True, actor=late),
            lambda: place_paper.move_to_day(paper_id=paper.pk, day=TODAY, to=TODAY - timedelta(days=1), actor=late),
            lambda: place_paper.pin_paper(paper_id=paper.pk, day=TODAY, on=False, actor=late),
        ]
        for act in acts:
            with pytest.raises(AlreadyDecidedError) as caught:
                act()
            assert caught.value.event.actor == carl
        assert Paper.objects.get(pk=paper.pk).hidden_at is None
        assert CurationEvent.objects.count() == 1

    def test_who_saw_the_other_s_decision_may_decide_again(self) -> None:
        paper, carl, cora = factories.listing().paper, curator(), curator("cora")
        first = place_paper.pin_paper(paper_id=paper.pk, day=TODAY, on=True, actor=Actor(carl, NOW, last_event_id=0))
        assert first is not None
        assert place_paper.pin_paper(
            paper_id=paper.pk, day=TODAY, on=False, actor=Actor(cora, NOW, last_event_id=first.pk)
        )


class TestPaperAndDay:
    def test_each_act_has_its_button_and_the_paper_says_what_was_done(self, carl: Client) -> None:
        listing = factories.listing()
        desk = f"/curate/papers/{listing.paper_id}"
        for act, on in (("pin", True), ("unpin", False)):
            token = page(carl, desk).xpath("//input[@name='seen']/@value")[0]
            carl.post(f"{desk}/place", {"seen": token, "act": act, "on": TODAY.isoformat()})
            listing.refresh_from_db()
            assert listing.is_pinned == on
        assert "pinned" in page(carl, desk).text_content()
        assert carl.get(f"/curate/days/{TODAY}").status_code == 200

    def test_pinned_papers_go_up_and_down(self, carl: Client) -> None:
        papers = [factories.listing(position=place).paper for place in range(3)]
        by = Actor(curator("cora"), NOW)
        for paper in papers:
            place_paper.pin_paper(paper_id=paper.pk, day=TODAY, on=True, actor=by)
        first_form = page(carl, f"/curate/days/{TODAY}").xpath("//form[contains(@action, '/order')]")[1]
        order = first_form.xpath(".//input[@name='paper']/@value")
        carl.post(first_form.get("action"), {"paper": order, "seen": 0})
        shown = Listing.objects.best_of_day(TODAY).values_list("paper", flat=True)
        assert list(shown) == [papers[1].pk, papers[0].pk, papers[2].pk]

    @pytest.mark.parametrize(
        "values", [{"act": "pin"}, {"act": "move", "on": "x"}, {"act": "list", "to": "2026-13-01"}]
    )
    def test_a_day_that_is_none_is_said(self, carl: Client, values: dict[str, str]) -> None:
        paper = factories.listing().paper
        said = carl.post(f"/curate/papers/{paper.pk}/place", {"seen": 0, **values}, follow=True)
        assert "Choose a day." in said.content.decode()


class TestTheLog:
    def test_everybody_reads_who_what_when_why(self) -> None:
        paper = factories.listing(factories.paper(title="On ice")).paper
        place_paper.hide_paper(paper_id=paper.pk, on=True, actor=Actor(curator(), NOW, reason="A copy."))
        other = factories.listing(factories.paper(title="On snow")).paper
        place_paper.pin_paper(paper_id=other.pk, day=TODAY, on=True, actor=Actor(curator("cora"), NOW))
        text = page(anonymous_client(), "/curate/log").text_content()
        assert "carl hid a hidden paper" in " ".join(text.split())
        assert "A copy." in text
        assert "On ice" not in text
        assert "On snow" in text
        assert "On snow" not in page(anonymous_client(), "/curate/log?who=carl").text_content()
        assert "A copy." not in page(anonymous_client(), "/curate/log?what=pin").text_content()
        assert "On snow" in page(anonymous_client(), f"/curate/log?day={TODAY}").text_content()
        feed = anonymous_client().get("/curate/log.atom").content.decode()
        assert "cora pinned “On snow”" in feed
        assert "On ice" not in feed

    def test_what_readers_told_curators_stays_with_them(self, carl: Client) -> None:
        comment = add_comment(user=factories.user(), paper_id=factories.paper().pk, body="Very-rude")
        report_comment(user=reader(), comment=comment, reason="It-hurts")
        kept = review_comments.keep_comment(comment_id=comment.pk, actor=Actor(curator("cora"), NOW))
        assert kept is not None
        review_comments.remove_comment(comment_id=comment.pk, actor=Actor(curator("cleo"), NOW))
        carl.post(f"/curate/undo/{kept.pk}")
        for path in ("/curate/log", "/curate/log.atom", "/curate/log.json"):
            text = anonymous_client().get(path).content.decode()
            assert "removed a comment" in text
            for secret in ("Very-rude", "It-hurts", "rita", "reported", "cora"):
                assert secret not in text, (path, secret)
        assert "kept a reported comment" in carl.get("/curate/log").content.decode()

    def test_it_costs_the_same_for_few_and_for_many(self) -> None:
        counts = []
        for number in (3, 9):
            for _ in range(number):
                place_paper.hide_paper(
                    paper_id=factories.paper().pk, on=True, actor=Actor(curator(f"c{factories.arxiv_id()}"), NOW)
                )
            anonymous_client().get("/curate/log")
            with CaptureQueriesContext(connection) as captured:
                anonymous_client().get("/curate/log")
            counts.append(len(captured))
        assert counts[0] == counts[1] <= 2


class TestCandidates:
    def test_a_topic_s_finds_that_no_edition_has_come_to_the_desk_once(self) -> None:
        topic, own = factories.topic(), factories.topic(owner=factories.user())
        wanted = factories.paper()
        factories.topic_match(wanted, topic)
        factories.topic_match(factories.paper(), own)
        factories.topic_match(factories.listing().paper, topic)
        factories.topic_match(factories.paper(hidden_at=NOW), topic)
        factories.topic_match(factories.paper(listed_at=NOW - timedelta(days=40)), topic)
        assert find_candidates.find_candidates(now=NOW) == 1
        assert find_candidates.find_candidates(now=NOW) == 0
        assert Candidate.objects.get().paper == wanted

    def test_where_a_topic_has_examples_the_score_counts(self) -> None:
        topic = factories.topic()
        topic.examples.add(factories.paper())
        near = factories.paper()
        factories.topic_match(near, topic, score=0.7)
        factories.topic_match(factories.paper(), topic, score=0.58)
        find_candidates.find_candidates(now=NOW)
        assert list(Candidate.objects.values_list("paper", flat=True)) == [near.pk]

    def test_it_is_forgotten_in_time(self) -> None:
        factories.candidate(found_at=NOW - timedelta(days=31))
        factories.candidate()
        assert find_candidates.delete_expired_candidates(now=NOW) == 1


def test_a_submission_that_was_decided_has_nothing_left_to_decide() -> None:
    taken = factories.submission("10.1000/ice", paper=factories.paper(), state="waiting", next_attempt_at=None)
    assert review_papers.accept_submission(submission_id=taken.pk, actor=Actor(curator(), NOW))
    assert review_papers.accept_submission(submission_id=taken.pk, actor=Actor(curator("cora"), NOW)) is None
    assert Submission.objects.get().state == "accepted"
