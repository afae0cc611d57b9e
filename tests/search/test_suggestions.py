"""What the search box proposes while somebody types."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from papers.models import Tag, Topic
from papers.services.search import typing_help
from papers.services.search.suggestions import MAX_SUGGESTIONS, suggest
from papers.web.ratelimit import RATE_LIMITS
from tests.support import factories
from tests.support.people import anonymous_client, client_of, reader

pytestmark = pytest.mark.django_db


@pytest.fixture
def _papers() -> None:
    for _ in range(2):
        factories.paper(authors=["Jiaqi Wang", "Émilie du Châtelet"])
    factories.paper(authors=["Wang Lei", "Jia Li"])
    typing_help.rewrite_typing_help()


def queries(text: str, viewer: Any = None) -> list[str]:
    return [each.query for each in suggest(text, viewer=viewer or AnonymousUser())]


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize(
    ("typed", "proposed"),
    [
        ("jiaqi", 'author:"jiaqi wang"'),
        ("jiaqi w", 'author:"jiaqi wang"'),
        ("wang ji", 'author:"jiaqi wang"'),
        ("emil", 'author:"émilie du châtelet"'),
        ("chat", 'author:"émilie du châtelet"'),
        ("diffusion jiaqi wa", 'diffusion author:"jiaqi wang"'),
        ("author:wan", 'author:"jiaqi wang"'),
        ('author:"jiaqi w', 'author:"jiaqi wang"'),
        ("gas -au:wan", 'gas -author:"jiaqi wang"'),
        ("cs.L", "cat:cs.LG"),
        ("cat:cs.L", "cat:cs.LG"),
        ("tensor robo", "tensor cat:cs.RO"),
        ("aut", "author:"),
        ("tensor -ti", "tensor title:"),
    ],
)
def test_what_is_proposed(typed: str, proposed: str) -> None:
    assert proposed in queries(typed)


@pytest.mark.usefixtures("_papers")
def test_those_with_more_papers_come_first() -> None:
    assert [each.label for each in suggest("author:wan", viewer=AnonymousUser())] == ["Jiaqi Wang", "Wang Lei"]


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize(
    "typed", ["", " ", "jiaqi ", "x" * 300, '"', "(((", "author:", "%", "_", "\x00", "author:%", "zzzz"]
)
def test_nothing_is_proposed_for_nothing(typed: str) -> None:
    assert queries(typed) == []


def test_a_name_is_proposed_from_three_letters_on_or_two_ideographs() -> None:
    factories.paper(authors=["Jiaqi Wang", "王小明"])
    typing_help.rewrite_typing_help()
    assert not any(each.startswith("author:") for each in queries("ji") + queries("author:wa"))
    assert queries("author:王小") == ["author:王小明"]


def test_topics_and_tags_of_others_are_nobodys_business() -> None:
    rita, other = reader(), reader("olga")
    Topic.objects.create(slug="agents", name="Language agents", query="agents")
    Topic.objects.create(slug="secret-agents", name="Secret agents", query="agents", owner=rita)
    Tag.objects.create(user=rita, name="agenda")
    assert queries("agen") == ["topic:agents"]
    assert queries("topic:agen", other) == ["topic:agents"]
    assert queries("topic:agen", rita) == ["topic:agents", "topic:secret-agents"]
    assert queries("tag:agen") == queries("tag:agen", other) == []
    assert queries("tag:agen", rita) == ["tag:agenda"]


def test_there_are_never_many_and_they_cost_little(django_assert_max_num_queries: Any) -> None:
    for number in range(30):
        factories.paper(authors=[f"Cat Person{chr(97 + number % 26)}{chr(97 + number // 26)}"])
        Topic.objects.create(slug=f"cat-{number}", name=f"Cat {number}", query="cat")
    typing_help.rewrite_typing_help()
    with django_assert_max_num_queries(2):
        assert len(queries("cat")) == MAX_SUGGESTIONS


@pytest.mark.usefixtures("_papers")
def test_a_visitor_gets_them_as_json() -> None:
    answer = anonymous_client().get("/papers/suggestions", {"q": "jiaqi"})
    assert answer.json()["suggestions"] == [
        {"kind": "author", "label": "Jiaqi Wang", "query": 'author:"jiaqi wang"', "is_unfinished": False}
    ]
    assert "Cookie" in answer["Vary"]


def test_asking_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RATE_LIMITS, "suggest", RATE_LIMITS["suggest"].__class__(1, 60))
    client = client_of(reader())
    assert client.get("/papers/suggestions?q=a").status_code == 200
    assert client.get("/papers/suggestions?q=a").status_code == 429
