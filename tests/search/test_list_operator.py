"""`list:` finds what is on a shared list, for those who may read it, in search, topics and mutes alike."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from papers.models import Paper, SharedList, SharedListMember, SharedListPaper, TopicMatch, User
from papers.query.nodes import ListTerm
from papers.query.parser import parse
from papers.services.reading.muted_queries import find_muted
from papers.services.search.suggestions import suggest
from papers.services.topics.pending_work import catch_up
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.pages import parse_html
from tests.support.people import anonymous_client, client_of, reader
from tests.support.rights_of_lists import make_lists

pytestmark = pytest.mark.django_db

SLUGS = ("ritas", "open", "edits", "reads", "members", "named", "orphan")
SEES = {
    "visitor": {"open"},
    "rita": {"ritas", "open", "edits", "reads", "members"},
    "stranger": {"open", "members"},
    "curator": {"open", "members", "orphan"},
}


@pytest.fixture
def people() -> dict[str, Any]:
    rita = reader()
    make_lists(factories.paper(title="Tides"), rita)
    factories.paper(title="Ships")
    curator = factories.user("carla", is_curator=True)
    return {"visitor": AnonymousUser(), "rita": rita, "stranger": factories.user("sam"), "curator": curator}


def titles(question: str, who: Any) -> list[str]:
    client = client_of(who) if isinstance(who, User) else anonymous_client()
    tree = parse_html(client.get("/papers", {"q": question}).content.decode())
    return [each.text_content().strip() for each in tree.find_class("card-title")]


@pytest.mark.parametrize("name", SEES)
def test_whoever_may_read_a_list_finds_what_is_on_it(people: dict[str, Any], name: str) -> None:
    who = people[name]
    found = {slug for slug in SLUGS if titles(f"list:{slug}", who)}
    assert found == SEES[name]
    left_out = {slug for slug in SLUGS if titles(f"-list:{slug} (tides OR ships)", who) == ["Ships"]}
    assert left_out == SEES[name]
    assert titles("list:open ships", who) == []
    assert {found.query for found in suggest("list:", viewer=who)} == {f"list:{slug}" for slug in SEES[name]}


def test_what_one_reader_found_is_not_kept_for_another(people: dict[str, Any]) -> None:
    assert titles("tides list:ritas", people["rita"]) == ["Tides"]
    assert titles("tides list:ritas", people["stranger"]) == []
    assert titles("tides list:reads", people["rita"]) == ["Tides"]
    SharedListMember.objects.filter(shared_list__slug="reads").delete()
    assert titles("tides list:reads", people["rita"]) == []  # at once, whatever was kept


def test_a_list_that_is_not_there_for_one_is_named(people: dict[str, Any]) -> None:
    for slug in ("named", "nobodys"):
        tree = parse_html(client_of(people["rita"]).get("/papers", {"q": f"list:{slug}"}).content.decode())
        assert f"list “{slug}”" in " ".join(tree.text_content().split())


def test_it_is_muted_and_asked_by_the_api(people: dict[str, Any]) -> None:
    keys = list(Paper.objects.values_list("pk", flat=True))
    tides = Paper.objects.get(title="Tides")
    assert find_muted(keys, user=people["rita"], queries=["list:ritas"], today=TODAY) == {tides.pk}
    assert find_muted(keys, user=people["stranger"], queries=["list:ritas"], today=TODAY) == set()
    answer = client_of(people["rita"]).get("/api/v1/search", {"q": "list:ritas"})
    assert [row["title"] for row in answer.json()["items"]] == ["Tides"]
    assert anonymous_client().get("/api/v1/search", {"q": "list:ritas"}).json()["items"] == []


def matched(topic: Any) -> list[str]:
    catch_up(now=NOW)
    found = TopicMatch.objects.filter(topic=topic).order_by("paper__title")
    return list(found.values_list("paper__title", flat=True))


def test_a_topic_follows_the_list_and_who_may_read_it(people: dict[str, Any]) -> None:
    mine = factories.topic("mine", query="list:reads", owner=people["rita"], pending_since=NOW)
    curated = factories.topic("curated", query="list:open", pending_since=NOW)
    assert (matched(mine), matched(curated)) == (["Tides"], ["Tides"])
    ships = Paper.objects.get(title="Ships")
    reads, shown = SharedList.objects.get(slug="reads"), SharedList.objects.get(slug="open")
    entry = SharedListPaper.objects.create(shared_list=reads, paper=ships, position=2, added_at=NOW, released_at=NOW)
    assert matched(mine) == ["Ships", "Tides"]
    entry.delete()
    assert matched(mine) == ["Tides"]
    SharedList.objects.filter(pk=shown.pk).update(visibility="members")
    assert matched(curated) == []  # of all readers some may not read it
    reads.members.all().delete()
    assert matched(mine) == []
    reads.delete()
    Paper.objects.filter(pk=ships.pk).delete()
    assert matched(mine) == []


def test_a_topic_of_a_curator_loses_what_curators_see(people: dict[str, Any]) -> None:
    topic = factories.topic("orphans", query="list:orphan", owner=people["curator"], pending_since=NOW)
    assert matched(topic) == ["Tides"]
    User.objects.filter(pk=people["curator"].pk).update(is_curator=False)
    assert matched(topic) == []


@pytest.mark.parametrize(
    ("typed", "slug"), [("list:Course", "course"), ('list:"Papers for the course"', "papers-for-the-course")]
)
def test_a_list_is_asked_for_by_its_address(typed: str, slug: str) -> None:
    assert parse(typed).root == ListTerm(slug)
