"""The bar over a list: what is seen and shown of how many, categories, orders, and where a reader left off."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from papers.models import Paper, Recommendation, SeenPaper, Topic, User
from papers.services.lists import overview as overviews
from papers.services.reading.seen import mark_seen, set_seen
from tests.support import factories
from tests.support.factories import TODAY
from tests.support.pages import get_page, next_page_url, page_text, parse_html, text_of, text_of_class, titles_on
from tests.support.people import anonymous_client, client_of, reader

pytestmark = pytest.mark.django_db

DAY = f"/papers/date/{TODAY}"
WEEK = "/papers/week/2026-W10"


@pytest.fixture
def rita() -> User:
    return reader()


@pytest.fixture
def client(rita: User) -> Client:
    return client_of(rita)


def fill(*categories: str, **fields: Any) -> list[int]:
    """Papers of the day, one for each word of categories; their keys."""
    return [
        factories.listing(
            factories.paper(title=f"paper {number}", categories=codes.split(), **fields), position=number
        ).paper_id
        for number, codes in enumerate(categories)
    ]


def bar(path: str, client: Client | None = None) -> Any:
    (found,) = get_page(path, client).find_class("list-bar")
    return found


def chips(path: str, client: Client | None = None) -> list[str]:
    return [text_of(chip) for chip in bar(path, client).xpath(".//a[@class='chip']")]


class TestWhatItSays:
    def test_a_reader_s_bar(self, client: Client, rita: User) -> None:
        papers = fill("cs.CL cs.AI", "cs.CL", "cs.LG")
        mark_seen(user=rita, paper_ids=papers[:1])
        for path in (DAY, WEEK):
            found = bar(path, client)
            assert text_of_class(found, "seen-count") == "1 of 3 seen"
            assert text_of_class(found, "shown-count") == "3 of 3 shown"
            assert chips(path, client) == ["cs.CL 2", "cs.AI 1", "cs.LG 1"]
            assert "Hide seen" in text_of(found)
            assert found.xpath(".//form[@id='done']/@action") == [f"{path}/done"]

    def test_a_visitor_s_has_nothing_personal(self) -> None:
        fill("cs.CL", "cs.LG")
        found = text_of(bar(DAY))
        assert found.endswith("2 of 2 shown")
        assert "2 papers" not in found, "the head of the day says so"
        assert not re.search("seen|Done|For me|Continue", found)

    def test_it_is_on_trending_and_topics_too(self, client: Client) -> None:
        topic = factories.topic("robots")
        for _ in range(2):
            factories.topic_match(factories.paper(trending_score=10_000.0), topic)
        for path in ("/papers/trending", "/topics/robots", "/topics/robots?sort=votes"):
            assert text_of_class(bar("/topics/robots", client), "seen-count") == "0 of 2 seen", path

    def test_a_long_day_can_be_finished_from_its_first_page(self, client: Client) -> None:
        fill(*["cs.CL"] * 60)
        assert bar(DAY, client).xpath(".//form[@id='done']")
        assert text_of_class(bar(DAY, client), "shown-count") == "50 of 60 shown"
        there = next_page_url(DAY, client)
        assert there is not None
        assert text_of_class(bar(there, client), "shown-count") == "51–60 of 60 shown"
        more = parse_html(client.get(there, headers={"HX-Request": "true"}).content.decode())
        assert text_of_class(more, "shown-count") == "60 of 60 shown"

    def test_papers_beyond_what_is_counted_are_said_to_be_more(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(overviews, "MAX_COUNTED", 2)
        fill("cs.CL", "cs.CL", "cs.CL")
        assert text_of_class(bar(DAY, client), "seen-count") == "0 of more than 2 seen"

    def test_somebody_s_own_topic_is_counted_for_nobody_else(self, rita: User) -> None:
        topic = factories.topic("secret", owner=rita)
        paper = factories.paper()
        factories.topic_match(paper, topic)
        assert text_of_class(bar("/topics/secret", client_of(rita)), "seen-count") == "0 of 1 seen"
        otto = client_of(reader("otto"))
        for name in ("topic:secret", "own-topic:secret"):
            answer = otto.post(
                f"{paper.get_absolute_url()}/seen", {"on": "1", "list": name}, headers={"HX-Request": "true"}
            )
            assert b"seen-count" not in answer.content


class TestCategories:
    def test_a_category_narrows_the_list_down(self, client: Client, rita: User) -> None:
        papers = fill("cs.CL", "cs.LG cs.CL", "cs.LG")
        assert titles_on(f"{DAY}?category=cs.CL", client) == ["paper 0", "paper 1"]
        assert text_of_class(bar(f"{DAY}?category=cs.CL", client), "shown-count") == "2 of 2 shown"
        assert titles_on(f"{WEEK}?category=cs.LG&sort=", client) == ["paper 2", "paper 1"]
        rita.hides_seen = True
        rita.save()
        mark_seen(user=rita, paper_ids=papers[:1])
        assert chips(DAY, client) == ["cs.LG 2", "cs.CL 1"]
        assert titles_on(f"{DAY}?category=cs.CL", client) == ["paper 1"]

    @pytest.mark.parametrize("path", [DAY, WEEK, "/papers/trending"])
    def test_one_without_papers_leads_back_to_all(self, path: str) -> None:
        factories.listing(factories.paper(trending_score=10_000.0))
        assert "There are no papers in math.AG. Show all" in page_text(f"{path}?category=math.AG")


class TestOrders:
    def test_they_have_names_and_keep_the_category(self, client: Client) -> None:
        fill("cs.CL", "cs.LG")
        found = bar(f"{DAY}?sort=newest&category=cs.CL", client).find_class("order")[0]
        assert text_of_class(found, "order-label") == "Newest"
        assert [(text_of(link), link.get("href")) for link in found.iter("a")] == [
            ("Votes here, then Hugging Face", "?category=cs.CL"),
            ("Newest", "?sort=newest&category=cs.CL"),
            ("For me", "?sort=for-me&category=cs.CL"),
        ]

    def test_for_me_has_what_is_recommended_first_then_the_newest(self, client: Client, rita: User) -> None:
        papers = fill(*["cs.CL"] * 60)
        for rank, paper_id in enumerate((papers[5], papers[2])):
            Recommendation.objects.create(user=rita, paper_id=paper_id, rank=rank, score=1, because_of_id=papers[0])
        first = titles_on(f"{DAY}?sort=for-me", client)
        assert first[:4] == ["paper 5", "paper 2", "paper 59", "paper 58"]
        there = next_page_url(f"{DAY}?sort=for-me", client)
        assert there is not None
        assert len({*first, *titles_on(there, client)}) == 60
        assert titles_on(f"{DAY}?sort=for-me")[0] == "paper 0"  # a visitor's is the usual order


class TestThePlace:
    def test_a_list_goes_on_behind_what_was_seen_last(self, client: Client, rita: User) -> None:
        papers = fill(*["cs.CL"] * 60)
        assert "Continue" not in text_of(bar(DAY, client))
        mark_seen(user=rita, paper_ids=papers[:1])
        link = bar(DAY, client).xpath(".//a[text()='Continue']/@href")
        assert link == [f"#paper-{papers[0]}"]
        SeenPaper.objects.all().delete()
        mark_seen(user=rita, paper_ids=[papers[55]])
        (link,) = bar(DAY, client).xpath(".//a[text()='Continue']/@href")
        assert link == f"?at={papers[55]}"
        assert titles_on(DAY + link, client) == ["paper 56", "paper 57", "paper 58", "paper 59"]
        assert "Back to the start" in page_text(DAY + link, client)

    def test_who_comes_back_finds_as_many_cards(self, client: Client) -> None:
        fill(*["cs.CL"] * 120)
        assert len(titles_on(f"{DAY}?show=100", client)) == 100
        assert len(titles_on(f"{DAY}?show=51", client)) == 100
        for nonsense in ("0", "x", "-5", "99999999"):
            assert len(titles_on(f"{DAY}?show={nonsense}", client)) == 50

    @pytest.mark.parametrize("query", ["at=x", "at=-1", "at=999999999999999999", "at=&n=x", "n=-4"])
    def test_what_is_no_place_is_the_top(self, query: str) -> None:
        fill("cs.CL")
        assert titles_on(f"{DAY}?{query}") == ["paper 0"]


class TestSeenAndOn:
    def test_a_press_marks_it_and_tells_the_bar(self, client: Client, rita: User) -> None:
        papers = fill("cs.CL", "cs.CL")
        path = get_page(DAY, client).xpath("//button[@class='mark-seen']/@formaction")[0]
        answer = client.post(path, {"on": "1", "list": f"day:{TODAY}"}, headers={"HX-Request": "true"})
        found = parse_html(answer.content.decode())
        assert text_of_class(found, "seen-count") == "1 of 2 seen"
        assert answer.headers["HX-Trigger"] == f'{{"seen": {{"paper": {papers[0]}, "on": true}}}}'
        assert set(SeenPaper.objects.filter(user=rita).values_list("paper_id", flat=True)) == {papers[0]}
        client.post(path, {"on": "0"})
        assert not SeenPaper.objects.filter(user=rita).exists()

    def test_it_says_nothing_of_liking(self, rita: User) -> None:
        (paper_id,) = fill("cs.CL")
        set_seen(user=rita, paper_id=paper_id, on=True)
        assert not rita.library.exists()
        assert not rita.votes.exists()

    def test_a_link_does_nothing(self, client: Client, rita: User) -> None:
        paper = factories.paper()
        assert client.get(f"{paper.get_absolute_url()}/seen").status_code == 302
        assert not SeenPaper.objects.filter(user=rita).exists()
        assert anonymous_client().post(f"{paper.get_absolute_url()}/seen", {"on": "1"}).status_code == 302


def test_a_week_is_done_with_all_its_days(client: Client, rita: User) -> None:
    papers = fill("cs.CL", "cs.CL")
    client.post(f"{WEEK}/done", {"on": "1"})
    assert SeenPaper.objects.filter(user=rita, paper__in=papers).count() == 2
    assert bar(WEEK, client).xpath(".//form[@id='done']//button/@aria-pressed") == ["true"]
    client.post(f"{WEEK}/done", {"on": "0"})
    assert not SeenPaper.objects.filter(user=rita).exists()
    assert client.post("/papers/week/2026-W99/done", {"on": "1"}).status_code == 404


@pytest.mark.parametrize(
    "word", ["\0", "day:\0", "topic:\0", "day:2026-99-99", "week:x", "none", ":", "a" * 5000, "😀"]
)
def test_what_is_no_list_and_no_category_is_no_trouble(client: Client, word: str) -> None:
    fill("cs.CL")
    path = get_page(DAY, client).xpath("//button[@class='mark-seen']/@formaction")[0]
    answer = client.post(path, {"on": "1", "list": word}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert b"seen-count" not in answer.content
    for page in (DAY, WEEK, f"{DAY}?sort=newest"):
        assert client.get(page, {"category": word, "at": word, "show": word, "n": word}).status_code == 200


class TestDoneWithAListWithoutDays:
    @pytest.fixture
    def papers(self) -> list[int]:
        topic = factories.topic("robots")
        found = [factories.paper(trending_score=10_000.0 + number) for number in range(3)]
        for paper in found:
            factories.topic_match(paper, topic)
        return [paper.pk for paper in found]

    @pytest.mark.parametrize(
        ("path", "name", "what"),
        [("/papers/trending", "trending", "list"), ("/topics/robots", "topic:robots", "topic")],
    )
    def test_all_of_it_and_undone(
        self, client: Client, rita: User, papers: list[int], path: str, name: str, what: str
    ) -> None:
        mark_seen(user=rita, paper_ids=papers[:1])
        form = {
            field.get("name"): field.get("value") for field in bar(path, client).xpath(".//form[@id='done']//input")
        }
        assert (form["list"], form["on"]) == (name, "1")
        answer = client.post("/done", {"list": name, "on": "1"}, headers={"HX-Request": "true"})
        page = parse_html(answer.content.decode())
        assert f"2 papers of this {what} marked as seen." in text_of(page)
        assert text_of_class(page, "seen-count") == "3 of 3 seen"
        assert page.xpath("//button[@data-done]/@aria-pressed") == ["true"]
        assert bar(path, client).xpath(".//button[@data-done]/@aria-pressed") == ["true"]
        (word,) = page.xpath("//input[@name='word']/@value")
        client.post("/undo", {"word": word})
        assert list(SeenPaper.objects.values_list("paper", flat=True)) == papers[:1]
        assert bar(path, client).xpath(".//button[@data-done]/@aria-pressed") == ["false"]

    def test_undo_leaves_what_was_done_before_and_what_was_opened_since(
        self, client: Client, rita: User, papers: list[int]
    ) -> None:
        client.post("/done", {"list": "topic:robots", "on": "1"})
        newer = factories.topic_match(factories.paper(), Topic.objects.get())
        cache.clear()
        answer = client.post("/done", {"list": "topic:robots", "on": "1"}, headers={"HX-Request": "true"})
        client.post("/undo", {"word": parse_html(answer.content.decode()).xpath("//input[@name='word']/@value")[0]})
        assert not SeenPaper.objects.filter(paper=newer.paper_id).exists()
        mark_seen(user=rita, paper_ids=papers[:1])
        client.post("/done", {"list": "topic:robots", "on": "0"})
        assert list(SeenPaper.objects.values_list("paper", flat=True)) == papers[:1]

    def test_a_new_paper_opens_it_again(self, client: Client, papers: list[int]) -> None:
        client.post("/done", {"list": "topic:robots", "on": "1"})
        factories.topic_match(factories.paper(), Topic.objects.get())
        cache.clear()
        assert bar("/topics/robots", client).xpath(".//button[@data-done]/@aria-pressed") == ["false"]

    def test_it_is_none_with_a_day(self, client: Client, papers: list[int]) -> None:
        factories.listing(Paper.objects.get(pk=papers[0]))
        client.post("/done", {"list": "trending", "on": "1"})
        assert bar(DAY, client).xpath(".//button[@data-done]/@aria-pressed") == ["false"]

    @pytest.mark.parametrize("name", ["", "day:2026-03-04", "other", "topic:\0", "own-topic:robots", "topic:x"])
    def test_other_lists(self, client: Client, papers: list[int], name: str) -> None:
        answer = client.post("/done", {"list": name, "on": "1"})
        assert answer.status_code == (302 if name in ("own-topic:robots", "topic:x") else 404)
        assert not SeenPaper.objects.exists()


def test_the_way_on_stands_right_behind_done_which_hides_it(client: Client, rita: User) -> None:
    """Pressed without a new page, too: the style sheet goes by their order."""
    mark_seen(user=rita, paper_ids=fill("cs.CL", "cs.CL")[:1])
    assert bar(DAY, client).xpath(".//form[@id='done']/following-sibling::*[1]/@class") == ["switch continue"]
