"""Topics as readers meet them: their pages, saved searches, the preview, and the topics a site begins with."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from lxml import html

from papers.models import Heartbeat, Paper, Topic, TopicMatch, User
from papers.services.topics import topic_editor as editing_module
from papers.services.topics.pending_work import catch_up
from papers.services.topics.seed_topics import SEED_TOPICS, seed_topics
from papers.services.topics.topic_editor import (
    TopicDraft,
    TopicError,
    create_topic,
    delete_topic,
    preview_topic,
    update_topic,
)
from tests.support import factories
from tests.support.factories import NOW
from tests.support.people import anonymous_client, client_of, curator, reader

pytestmark = pytest.mark.django_db


def page(path: str, client: Client | None = None) -> str:
    answer = (client or anonymous_client()).get(path)
    assert answer.status_code == 200, path
    return " ".join(str(html.fromstring(answer.content).xpath("string()")).split())


def shown(path: str, client: Client | None = None) -> list[str]:
    answer = (client or anonymous_client()).get(path)
    return strings(answer.content, "//h2[@class='card-title']/a/text()")


def strings(document: bytes, path: str) -> list[str]:
    found = html.fromstring(document).xpath(path)
    assert isinstance(found, list)
    return [str(each) for each in found]


# --- Pages ----------------------------------------------------------------------------------------------------------


def test_a_topic_shows_its_papers_newest_first_or_by_votes() -> None:
    topic = factories.topic("trees", query="tree")
    for number in range(3):
        paper = factories.paper(title=f"tree {number}", listed_at=NOW - timedelta(days=number), vote_count=number)
        factories.topic_match(paper, topic)
    factories.topic_match(factories.paper(title="hidden", hidden_at=NOW, vote_count=9), topic)
    factories.paper(title="not matched: a tree")
    assert shown("/topics/trees") == ["tree 0", "tree 1", "tree 2"]
    assert shown("/topics/trees?sort=votes") == ["tree 2", "tree 1"]


@pytest.mark.parametrize("sort", ["", "votes"])
def test_pages_follow_each_other_without_gap_or_repetition(sort: str, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = factories.topic("trees")
    for number in range(53):
        factories.topic_match(factories.paper(title=f"{number}", vote_count=1 + number % 3), topic)
    seen: list[str] = []
    path = f"/topics/trees?sort={sort}"
    while path:
        answer = anonymous_client().get(path).content
        seen += strings(answer, "//h2[@class='card-title']/a/text()")
        more = strings(answer, "//p[@class='more']/a/@href")
        path = f"/topics/trees{more[0]}" if more else ""
    assert sorted(seen, key=int) == [str(number) for number in range(53)]


def test_a_topic_without_papers_says_so() -> None:
    factories.topic("trees", pending_since=None)
    assert "No papers yet" in page("/topics/trees")
    assert "No votes yet" in page("/topics/trees?sort=votes")


def test_all_topics_are_the_curated_and_one_s_own() -> None:
    owner = reader()
    factories.topic("Curated"), factories.topic("Mine", owner=owner), factories.topic("Theirs", owner=factories.user())
    assert "Curated" in page("/topics")
    assert "Mine" not in page("/topics")
    own = page("/topics", client_of(owner))
    assert "Mine" in own
    assert "Theirs" not in own


# --- Saved searches -------------------------------------------------------------------------------------------------


def test_a_search_is_saved_changed_and_deleted() -> None:
    owner = reader()
    client = client_of(owner)
    factories.paper(title="A graph"), factories.paper(title="A tree")
    found = client.get("/papers?q=graph+-tree").content
    assert strings(found, "//a[text()='Save this search']/@href") == ["/topics/new?q=graph%20-tree"]
    assert "graph -tree" in html.tostring(
        html.fromstring(client.get("/topics/new?q=graph%20-tree").content), encoding=str
    )
    answer = client.post("/topics/new", {"name": "Graphs", "query": "graph -tree"})
    topic = Topic.objects.get(owner=owner)
    assert answer["Location"] == topic.get_absolute_url()
    catch_up(now=NOW)
    assert shown(topic.get_absolute_url(), client) == ["A graph"]
    client.post(f"/topics/{topic.slug}/edit", {"name": "Trees", "query": "tree", "categories": "cs.CL math.*"})
    topic.refresh_from_db()
    assert (topic.name, topic.categories, topic.version) == ("Trees", ["cs.CL", "math.*"], 2)
    catch_up(now=NOW)
    assert shown(topic.get_absolute_url(), client) == ["A tree"]
    client.post(f"/topics/{topic.slug}/delete")
    assert not Topic.objects.exists()
    assert not TopicMatch.objects.exists()


def test_a_new_name_asks_nothing_again() -> None:
    topic = create_topic(TopicDraft("Graphs", "graph tree"), owner=None, now=NOW)
    Topic.objects.update(pending_since=None)
    update_topic(topic, TopicDraft("Other", "graph  (tree)"), now=NOW)
    topic.refresh_from_db()
    assert (topic.name, topic.version, topic.pending_since) == ("Other", 1, None)


@pytest.mark.parametrize(
    ("query", "word"), [("", "search is empty"), ("like:2401.99999", "is here"), ("  ()", "search is empty")]
)
def test_what_asks_for_nothing_is_refused(query: str, word: str) -> None:
    client = client_of(reader())
    answer = client.post("/topics/new", {"name": "Nothing", "query": query})
    assert answer.status_code == 422
    assert word in answer.content.decode()
    assert not Topic.objects.exists()


def test_a_topic_may_not_ask_for_itself() -> None:
    first = create_topic(TopicDraft("First", "graph"), owner=None, now=NOW)
    second = create_topic(TopicDraft("Second", "topic:first"), owner=None, now=NOW)
    for query in ("topic:first", "tree topic:second"):
        with pytest.raises(TopicError, match="itself"):
            update_topic(first, TopicDraft("First", query), now=NOW)
    update_topic(second, TopicDraft("Second", "topic:first tree"), now=NOW)


def test_a_reader_saves_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editing_module, "MAX_SAVED_SEARCHES", 1)
    owner = reader()
    create_topic(TopicDraft("One", "graph"), owner=owner, now=NOW)
    with pytest.raises(TopicError, match="Delete one"):
        create_topic(TopicDraft("Two", "graph"), owner=owner, now=NOW)


def test_only_curators_make_topics_for_all() -> None:
    client_of(reader()).post("/topics/new", {"name": "Sly", "query": "x", "for_all": "on"})
    client_of(curator()).post("/topics/new", {"name": "For all", "query": "x", "for_all": "on"})
    client_of(reader("other")).post("/topics/new", {"name": "For all", "query": "x"})
    assert set(Topic.objects.curated().values_list("slug", flat=True)) == {"for-all"}
    create_topic(TopicDraft("For all", "y"), owner=None, now=NOW)
    assert Topic.objects.filter(slug="for-all-2").exists()


def test_the_preview_tells_what_last_week_would_have_brought() -> None:
    client = client_of(reader())
    for days in (0, 6, 8):
        factories.paper(title=f"graph {days}", listed_at=NOW - timedelta(days=days))
    found = preview_topic(TopicDraft("", "graph"), owner=None, now=NOW)
    assert found.count == 2
    assert [title for title, _ in found.titles] == ["graph 0", "graph 6"]
    assert not Topic.objects.exists()
    Paper.objects.update(listed_at="2100-01-01T00:00Z")
    answer = client.post("/topics/try", {"query": "graph (", "name": ""}).content.decode()
    assert "It would have matched" in answer
    assert "opening bracket" in answer
    assert "search is empty" in client.post("/topics/try", {"query": ""}).content.decode()
    tried = client.post("/topics/new", {"name": "x", "query": "graph", "try": "1"})
    assert "It would have matched" in tried.content.decode()
    assert not Topic.objects.exists()


def test_hostile_words_are_answered() -> None:
    client = client_of(reader())
    for data in (
        {"name": "\x00a", "query": "\x00" + "(" * 500, "closeness": "nan"},
        {"name": "x" * 500, "query": "y" * 5000, "categories": "nope"},
        {"name": "<script>", "query": "'; --", "closeness": "1e999"},
    ):
        assert client.post("/topics/new", data).status_code in (302, 422)
        assert client.post("/topics/try", data).status_code == 200
    assert client.get("/topics/new?q=" + "%00x" * 200).status_code == 200


def test_deleting_a_topic_ends_what_asked_for_it() -> None:
    topic = factories.topic("trees")
    factories.topic_match(factories.paper(), topic)
    factories.schedule(None, topic)
    delete_topic(topic)
    assert not TopicMatch.objects.exists()


# --- The first topics -----------------------------------------------------------------------------------------------


def test_a_new_site_has_topics_which_stay_deleted() -> None:
    assert seed_topics(now=NOW, categories=["cs.CL", "stat.ML"]) == len(SEED_TOPICS) + 2
    assert Topic.objects.get(slug="cs-cl").categories == ["cs.CL"]
    Topic.objects.all().delete()
    assert seed_topics(now=NOW) == 0
    Heartbeat.objects.all().delete()
    assert seed_topics(now=NOW) > len(SEED_TOPICS)


def test_the_first_topics_find_what_they_say() -> None:
    seed_topics(now=NOW, categories=["cs.CL"])
    factories.paper(title="Quantization of large language models", categories=["cs.CL"])
    catch_up(now=NOW)
    slugs = set(TopicMatch.objects.values_list("topic__slug", flat=True))
    assert {"language-models", "efficient-models", "cs-cl"} <= slugs
    for _, name, _, query in SEED_TOPICS:
        from papers.query.parser import parse

        assert not parse(query).problems, name


# --- Named beside papers ---------------------------------------------------------------------------------------------


def named(path: str, client: Client) -> dict[str, str]:
    """The topics named on a page's cards, or on a paper's page: address → name."""
    page = html.fromstring(client.get(path).content)
    links = page.xpath("//*[@class='topics' or @class='topics-of']/a")
    assert isinstance(links, list)
    return {str(link.get("href")): str(link.text_content()) for link in links}  # type: ignore[union-attr]


@pytest.fixture
def in_topics() -> Paper:
    """A paper in a topic for all, in one of a reader, in one of another's and in one of a whole category."""
    paper = factories.paper(title="A graph")
    factories.listing(paper)
    for name, owner in (("all", None), ("rita", reader()), ("other", reader("other"))):
        factories.topic_match(paper, factories.topic(f"of {name}", query="graph", owner=owner))
    factories.topic_match(paper, factories.topic("Whole", categories=["cs.CL"]))
    return paper


@pytest.mark.parametrize("path", ["/", "/papers/new", "/papers?q=graph", "{paper}"])
def test_papers_name_their_topics(path: str, in_topics: Paper) -> None:
    path = path.format(paper=in_topics.get_absolute_url())
    assert named(path, anonymous_client()) == {"/topics/of-all": "of all"}
    of_rita = named(path, client_of(User.objects.get(username="rita")))
    assert list(of_rita) == ["/topics/of-rita", "/topics/of-all"]


def test_a_topic_is_not_named_on_its_own_page(in_topics: Paper) -> None:
    factories.topic_match(in_topics, factories.topic("Trees", query="tree"))
    assert named("/topics/of-all", anonymous_client()) == {"/topics/trees": "Trees"}


def test_a_card_names_three_topics_and_the_page_more() -> None:
    paper = factories.paper()
    for number in range(5):
        factories.topic_match(paper, factories.topic(f"t{number}", query="a"))
    assert list(named("/papers/new", anonymous_client())) == ["/topics/t0", "/topics/t1", "/topics/t2"]
    assert len(named(paper.get_absolute_url(), anonymous_client())) == 5
