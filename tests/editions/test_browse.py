"""Lists of papers: which papers stand on them, in which order, page by page."""

from __future__ import annotations

import base64
import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from papers.models import Listing, Paper
from papers.process_memory import forget_everything
from papers.services.reading.votes import set_vote
from tests.support import factories
from tests.support.factories import NOW, TODAY, at_hour
from tests.support.pages import cards_on, get_page, next_page_url, page_text, titles_on, titles_on_all_pages
from tests.support.people import anonymous_client, client_of, reader

pytestmark = pytest.mark.django_db

DAY = f"/papers/date/{TODAY}"
ONE_DAY = timedelta(days=1)


@pytest.fixture
def three_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("papers.views.paper_lists.PER_PAGE", 3)


class TestTheOrderOfADay:
    def test_pinned_then_votes_then_votes_of_sources_then_as_announced(self) -> None:
        factories.listing(factories.paper(title="second announced"), position=2)
        factories.listing(factories.paper(title="first announced"), position=1)
        factories.listing(factories.paper(title="liked elsewhere"), position=9, source_votes=80)
        factories.listing(factories.paper(title="voted", vote_count=1), position=8)
        factories.listing(factories.paper(title="pinned"), position=7, pinned_at=NOW)
        assert titles_on(DAY) == ["pinned", "voted", "liked elsewhere", "first announced", "second announced"]

    def test_newest_first(self) -> None:
        for number in range(3):
            factories.listing(factories.paper(title=f"paper {number}"), position=number, vote_count=number % 2)
        assert titles_on(f"{DAY}?sort=newest") == ["paper 2", "paper 1", "paper 0"]

    def test_a_vote_moves_a_paper_up(self) -> None:
        papers = [factories.paper(title=f"paper {number}") for number in range(3)]
        for position, paper in enumerate(papers):
            factories.listing(paper, position=position)
        set_vote(user=factories.user(), paper_id=papers[2].pk, on=True)
        assert titles_on(DAY) == ["paper 2", "paper 0", "paper 1"]

    def test_what_a_curator_hid_is_not_there(self) -> None:
        factories.listing(factories.paper(title="listing hidden"), hidden_at=NOW)
        factories.listing(factories.paper(title="paper hidden", hidden_at=NOW))
        factories.listing(factories.paper(title="shown"))
        assert titles_on(DAY) == ["shown"]


@pytest.mark.usefixtures("three_a_page")
class TestPages:
    def test_a_day_is_read_to_its_end_each_paper_once(self) -> None:
        for number in range(11):
            paper = factories.paper(title=f"paper {number}", vote_count=number % 2)
            pinned_at = NOW if number in (0, 1, 4, 5) else None
            factories.listing(paper, position=number // 4, source_votes=number % 3, pinned_at=pinned_at)
        every = Listing.objects.best_of_day(TODAY).values_list("paper__title", flat=True)
        assert titles_on_all_pages(DAY) == list(every)
        assert len(set(every)) == 11
        assert sorted(titles_on_all_pages(f"{DAY}?sort=newest")) == sorted(every)

    def test_weeks_and_months_show_a_paper_of_two_days_once(self) -> None:
        for number in range(7):
            paper = factories.paper(title=f"paper {number}", vote_count=number // 3)
            factories.listing(paper, source_votes=number % 2)
            factories.listing(paper, TODAY + ONE_DAY, source_votes=number % 2)
        for path in ("/papers/week/2026-W10", "/papers/month/2026-03"):
            found = titles_on_all_pages(path)
            assert found[0] == "paper 6"
            assert sorted(found) == [f"paper {number}" for number in range(7)]

    def test_trending_and_new_are_read_to_their_end(self) -> None:
        papers = [
            factories.paper(title=f"paper {number}", listed_at=at_hour(TODAY, number // 2)) for number in range(8)
        ]
        for number, paper in enumerate(papers):
            for _ in range(1 + number % 2):
                set_vote(user=factories.user(), paper_id=paper.pk, on=True)
        assert len(titles_on_all_pages("/papers/trending")) == len(set(titles_on_all_pages("/papers/trending"))) == 8
        newest_first = [f"paper {number}" for number in reversed(range(8))]
        assert titles_on_all_pages("/papers/new") == newest_first
        assert titles_on_all_pages("/papers/new?category=cs.CL") == newest_first

    def test_a_full_last_page_has_no_next(self) -> None:
        for _ in range(3):
            factories.listing()
        assert next_page_url(DAY) is None

    def test_more_for_htmx_is_the_cards_alone(self) -> None:
        for number in range(4):
            factories.listing(factories.paper(title=f"paper {number}"), position=number)
        there = next_page_url(DAY)
        assert there is not None
        response = anonymous_client().get(there, headers={"HX-Request": "true"})
        assert b"paper 3" in response.content
        assert b"<html" not in response.content
        assert "HX-Request" in response.headers["Vary"]
        assert "Cookie" in response.headers["Vary"]

    def test_later_pages_lead_back_to_the_top(self) -> None:
        for _ in range(4):
            factories.listing()
        there = next_page_url(f"{DAY}?sort=newest")
        assert there is not None
        (top,) = get_page(there).find_class("from-top")
        assert top[0].get("href") == "?sort=newest"

    @pytest.mark.parametrize("path", [DAY, "/papers/week/2026-W10", "/papers/month/2026-03", "/papers/new"])
    def test_a_cursor_that_is_none_is_the_first_page(self, path: str) -> None:
        factories.listing(factories.paper(title="here"))
        for nonsense in ("x", "%00", "W10=", "..", "9" * 500, base64.urlsafe_b64encode(b"[1,2,3,4,5]").decode()):
            assert titles_on(f"{path}?after={nonsense}") == ["here"]

    def test_a_cursor_behind_the_end_says_so(self) -> None:
        factories.listing()
        cursor = base64.urlsafe_b64encode(json.dumps([False, 0, 0, 0, 2**62, 2**62]).encode()).decode()
        assert titles_on(f"{DAY}?after={cursor}") == []
        assert "No more papers." in page_text(f"{DAY}?after={cursor}")


class TestTheDayPage:
    def test_previous_and_next_are_the_nearest_days_with_papers(self) -> None:
        factories.listing(day=TODAY - 9 * ONE_DAY)
        factories.edition(TODAY - ONE_DAY, listed_count=0)
        factories.listing(day=TODAY)
        factories.listing(day=TODAY + 5 * ONE_DAY)
        steps = [link.get("href") for link in get_page(DAY).find_class("step")]
        assert steps == ["/papers/date/2026-02-23", "/papers/date/2026-03-09"]

    def test_the_first_and_the_last_day_have_no_step_further(self) -> None:
        factories.listing()
        assert [link.get("href") for link in get_page(DAY).find_class("step")] == [None, None]

    def test_an_empty_day_leads_to_its_neighbours(self) -> None:
        factories.listing(day=TODAY - ONE_DAY)
        found = page_text(DAY)
        assert "No papers on this day" in found
        assert "Tuesday, 3 March" in found

    def test_a_saturday_is_said_to_be_one(self) -> None:
        assert "arXiv announces nothing on Saturdays" in page_text("/papers/date/2026-03-07")

    def test_today_without_papers_says_when_they_come(self) -> None:
        today = timezone.localdate()
        factories.listing(day=today - ONE_DAY)
        assert "No papers on this day" in page_text(f"/papers/date/{today}"), "nobody can say"
        factories.source(next_fetch_at=timezone.now() + timedelta(minutes=1))
        found = page_text(f"/papers/date/{today}")
        assert "No papers yet today" in found
        assert "That begins at" in found or "That begins on" in found

    def test_a_day_to_come_says_when_its_papers_are_due(self) -> None:
        factories.source()
        day = timezone.localdate() + 30 * ONE_DAY
        found = page_text(f"/papers/date/{day}")
        assert any(
            words in found for words in ("will appear here after", "announces nothing on", "makes no announcement on")
        )

    def test_a_day_to_come_is_said_to_come(self) -> None:
        day = timezone.localdate() + 30 * ONE_DAY
        assert "in the future" in page_text(f"/papers/date/{day}")

    @pytest.mark.parametrize(
        "path",
        ["date/2026-02-30", "date/yesterday", "date/0000-00-00", "week/2026-W60", "week/w", "month/2026-13"],
    )
    def test_no_such_day_is_a_404_that_leads_on(self, path: str) -> None:
        found = get_page(f"/papers/{path}", status=404)
        assert {"/", "/papers/new"} <= {link.get("href") for link in found.find_class("button")}

    def test_the_calendar_leads_to_a_day(self) -> None:
        response = anonymous_client().get("/papers/date?day=2026-03-04")
        assert response.headers["Location"] == DAY
        assert anonymous_client().get("/papers/date?day=x").headers["Location"] == "/"

    @pytest.mark.parametrize(
        ("edition", "words"),
        [
            ({"announced_count": 243, "stored_count": 243}, "243 of 243 announced by arXiv"),
            ({"announced_count": None, "stored_count": None}, "not yet compared with arXiv’s announcement"),
            (
                {"announced_count": None, "stored_count": 5, "check_note": "it is old"},
                "arXiv’s announcement: it is old",
            ),
            (
                {"announced_count": 5, "stored_count": 3, "missing": ["2603.1", "2603.2"]},
                "3 of 5 announced by arXiv: 2 missing (2603.1, 2603.2)",
            ),
            (
                {"announced_count": 9, "stored_count": 5, "missing": ["1", "2", "3", "4"]},
                "5 of 9 announced by arXiv: 4 missing (1, 2, 3, …)",
            ),
            ({"is_sample": True, "announced_count": 5, "stored_count": 5}, "a sample, not a real day"),
        ],
    )
    def test_how_complete_it_is(self, edition: dict[str, Any], words: str) -> None:
        factories.listing()
        factories.edition(**edition)
        assert words in page_text(DAY)

    def test_only_a_complete_day_is_green(self) -> None:
        factories.listing()
        for edition, is_green in (
            ({"announced_count": 5, "stored_count": 5}, True),
            ({"announced_count": 5, "stored_count": 4, "missing": ["x"]}, False),
            ({"announced_count": None}, False),
        ):
            factories.edition(**edition)
            assert bool(get_page(DAY).find_class("complete")) is is_green

    def test_when_it_was_checked_is_told_in_the_reader_s_zone(self) -> None:
        factories.listing()
        factories.edition(announced_count=1, stored_count=1, checked_at=NOW)
        assert "1 of 1 announced by arXiv, 13:00" in page_text(DAY, client_of(reader(time_zone="Europe/Berlin")))

    def test_who_makes_it(self) -> None:
        assert "by the research community" in page_text(DAY)
        reader("carl", is_curator=True)
        forget_everything()  # the names hold for a minute
        assert "by carl and the research community" in page_text(DAY)


class TestTheFrontPage:
    def test_it_is_the_newest_edition_that_has_papers(self) -> None:
        factories.listing(factories.paper(title="old"), TODAY - ONE_DAY)
        factories.listing(factories.paper(title="new"), TODAY)
        factories.edition(TODAY + ONE_DAY, listed_count=0)
        for path in ("/", "/papers"):
            assert titles_on(path) == ["new"]
        assert "Wednesday, 4 March 2026" in page_text("/")

    def test_one_submission_does_not_take_its_place(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("django.utils.timezone.now", lambda: factories.NOW + ONE_DAY)
        factories.listing(factories.paper(title="announced"), TODAY)
        factories.listing(factories.paper(title="submitted"), TODAY + ONE_DAY, by="submission")
        for path in ("/", "/papers"):
            assert titles_on(path) == ["announced"]
        (line,) = get_page("/").find_class("later")
        assert " ".join(line.text_content().split()) == "Since then: 1 paper on Thursday, 5 March"
        assert [link.get("href") for link in line.iter("a")] == [f"/papers/date/{TODAY + ONE_DAY}"]
        assert len(get_page("/").find_class("why")) == 1

    def test_nothing_is_explained_on_the_day_itself(self) -> None:
        factories.listing(day=timezone.localdate())
        assert not get_page("/").find_class("why")

    def test_another_day_s_edition_says_why(self) -> None:
        factories.listing()
        assert "this is the newest edition" in page_text("/")
        factories.source()
        assert "this is the newest edition" not in page_text("/")
        assert len(get_page("/").find_class("why")) == 1

    def test_a_sample_is_said_to_be_one(self) -> None:
        factories.listing()
        factories.edition(is_sample=True)
        assert "This is a sample catalogue" in page_text("/")

    def test_without_any_paper_it_says_what_will_come(self) -> None:
        assert "No papers yet" in page_text("/")


class TestWeeksAndMonths:
    def test_they_hold_their_days_and_lead_to_them(self) -> None:
        sunday, monday = date(2026, 3, 8), date(2026, 3, 9)
        factories.listing(factories.paper(title="sunday"), sunday)
        factories.listing(factories.paper(title="monday"), monday)
        assert titles_on("/papers/week/2026-W10") == ["sunday"]
        assert titles_on("/papers/week/2026-W11") == ["monday"]
        assert sorted(titles_on("/papers/month/2026-03")) == ["monday", "sunday"]
        days = [
            link.get("href")
            for place in get_page("/papers/month/2026-03").find_class("days")
            for link in place.iter("a")
        ]
        assert days == ["/papers/date/2026-03-08", "/papers/date/2026-03-09"]

    def test_without_a_name_it_is_the_newest(self) -> None:
        factories.listing(factories.paper(title="here"), date(2026, 3, 6))
        assert titles_on("/papers/week") == titles_on("/papers/month") == ["here"]
        assert "2–8 March 2026" in page_text("/papers/week")

    def test_the_steps_skip_weeks_without_papers(self) -> None:
        factories.listing(day=TODAY - 30 * ONE_DAY)
        factories.listing(day=TODAY)
        steps = [link.get("href") for link in get_page("/papers/week/2026-W10").find_class("step")]
        assert steps == ["/papers/week/2026-W06", None]

    def test_empty_ones(self) -> None:
        assert "No papers in this week" in page_text("/papers/week/2001-W10")
        assert "This month is in the future" in page_text("/papers/month/2199-03")


class TestNew:
    def test_everything_fetched_listed_or_not(self) -> None:
        factories.paper(title="older", listed_at=NOW - ONE_DAY)
        factories.paper(title="newer", listed_at=NOW)
        factories.paper(title="hidden", hidden_at=NOW)
        assert titles_on("/papers/new") == ["newer", "older"]

    def test_by_category_whatever_its_spelling(self) -> None:
        factories.paper(title="words", categories=["cs.CL", "cs.AI"])
        factories.paper(title="strings", categories=["hep-th"])
        for asked in ("cs.CL", "CS.cl", "cmp-lg", "Computation and Language", " computation and language "):
            assert titles_on(f"/papers/new?category={asked}") == ["words"]
        assert titles_on("/papers/new?category=cs.AI") == ["words"]

    def test_no_such_category(self) -> None:
        factories.paper()
        found = page_text("/papers/new?category=<cats>")
        assert "arXiv has no category “<cats>”" in found
        assert titles_on("/papers/new?category=cats") == []

    def test_the_group_s_own_categories_are_one_press_away(self) -> None:
        factories.source(categories=["cs.CL", "stat.ML"])
        links = [link.get("href") for place in get_page("/papers/new").find_class("chosen") for link in place.iter("a")]
        assert links == ["/papers/new", "?category=cs.CL", "?category=stat.ML"]


def test_a_hidden_paper_leaves_lists_at_once() -> None:
    paper = factories.paper(title="soon hidden")
    factories.listing(paper)
    assert titles_on(DAY) == ["soon hidden"]
    Paper.objects.filter(pk=paper.pk).update(hidden_at=NOW)
    for path in (DAY, "/papers/new", "/papers/new?category=cs.CL", "/papers/week/2026-W10"):
        assert titles_on(path) == []


def test_a_reader_sees_own_votes_on_every_list() -> None:
    user, paper = reader(), factories.paper(announced_on=TODAY)
    factories.listing(paper)
    set_vote(user=user, paper_id=paper.pk, on=True)
    for path in (DAY, "/papers/week/2026-W10", "/papers/month/2026-03", "/papers/trending", "/papers/new"):
        (found,) = cards_on(path, client_of(user))
        assert (found.is_pressed, found.votes) == (True, 1), path
        (found,) = cards_on(path, client_of(reader(f"x{abs(hash(path))}")))
        assert (found.is_pressed, found.votes) == (False, 1), path
