"""Which papers a query of the search language lets through: asked of Postgres, which alone decides what a word is."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import connection

from papers.models import Paper, Tag, TaggedPaper, Topic, TopicMatch
from papers.models.search_index import lexemes_of
from papers.query.parser import parse
from tests.support import factories
from tests.support.factories import at_hour

pytestmark = pytest.mark.django_db


def found(text: str, **asking: object) -> set[str]:
    asking.setdefault("today", date(2026, 3, 4))
    return set(Paper.objects.matching(parse(text), **asking).values_list("title", flat=True))  # type: ignore[arg-type]


def papers(*titles: str) -> None:
    for title in titles:
        factories.paper(title=title, abstract="")


@pytest.mark.parametrize(
    ("title", "asked"),
    [
        ("The Schrödinger equation", "Schrodinger"),
        ("The Schrodinger equation", "Schrödinger"),
        ("A théorème", "theoreme"),
        ("Über Straßen", "uber strassen"),
        ("Łódź and Ørsted", "lodz orsted"),
        ("Self-attention is enough", "self-attention"),
        ("Self attention is enough", "self-attention"),
        ("Self-attention is enough", '"self attention"'),
        ("Multi-head self-attention", '"head self"'),
        ("An encoder/decoder model", "decoder"),
        ("See node.js", "node"),
        ("snake_case names", "case"),
        ("Fast C++ and C# code", "C++"),
        ("Fast C++ and C# code", "c#"),
        ("Water, H$_2$O", "h2o"),
        ("Water, H₂O", "H2O"),
        (r"On $\alpha$-divergence", "α-divergence"),
        (r"On $\alpha$-divergence", "alpha divergence"),
        ("On 𝛼 and ﬁnite fields", "α finite"),
        ("On α-synuclein", "alpha-synuclein"),
        ("大规模语言模型", "语言模型"),
        ("大规模语言模型", '"大规模语言"'),
        ("機械学習の基礎", "学習"),
        ("기계 학습", "학습"),
        ("Нейронные сети", "сети"),
        ("0", "0"),
        ("GPT-4.5 at 1,000 tokens", "GPT-4.5"),
        ("Diffusion models", "model"),
        ("Diffusion model", "models diffusing"),
        ("Don’t stop", "don't stop"),
        ("The state of the art", '"state of the art"'),
        ("x<y&z", "y z"),
    ],
)
def test_words_are_found_however_they_are_written(title: str, asked: str) -> None:
    papers(title, "Something else entirely")
    assert found(asked) == {title}


@pytest.mark.parametrize(
    ("asked", "titles"),
    [
        ("red", {"red apple", "red green pear", "apple of red"}),
        ("red apple", {"red apple", "apple of red"}),
        ('"red apple"', {"red apple"}),
        ("red -apple", {"red green pear"}),
        ("apple OR pear", {"red apple", "red green pear", "apple of red"}),
        ("green (apple OR pear)", {"red green pear"}),
        ("-(apple OR pear)", {"blue"}),
        ("-red", {"blue"}),
        ("title:red -title:green", {"red apple", "apple of red"}),
        ('title:"green pear"', {"red green pear"}),
        ('title:"red pear"', set()),
        ("the red", {"red apple", "red green pear", "apple of red"}),
        ("red OR the", {"red apple", "red green pear", "apple of red"}),
        ("the of", set()),
        ("", set()),
        ("like:2603.00001", set()),
        ("% _ \\ '", set()),
        ("red'", {"red apple", "red green pear", "apple of red"}),
    ],
)
def test_signs_join_the_words(asked: str, titles: set[str]) -> None:
    papers("red apple", "red green pear", "apple of red", "blue")
    assert found(asked) == titles


def test_the_abstract_is_searched_and_the_title_alone_where_asked() -> None:
    factories.paper(title="One", abstract="About graphs.")
    factories.paper(title="Graphs", abstract="")
    assert found("graph") == {"One", "Graphs"}
    assert found("title:graph") == {"Graphs"}


def test_authors_are_found_by_a_name_or_a_part_of_it() -> None:
    factories.paper(title="first", authors=["Geoffrey Hinton", "Wei Wang"])
    factories.paper(title="second", authors=["Geoffrey Wang", "Anna Hinton"])
    factories.paper(title="third", authors=["Aäron van den Oord"])
    assert found("author:hinton") == {"first", "second"}
    assert found('author:"Geoffrey Hinton"') == {"first"}
    assert found('author:"Hinton, Geoffrey"') == {"first"}
    assert found('author:"van den Oord"') == {"third"}
    assert found("author:aaron") == {"third"}
    assert found("author:oor") == set()
    assert found("hinton") == set()
    assert found("-author:hinton") == {"third"}


def test_categories_organizations_links_votes_and_dates_narrow() -> None:
    code = {"code": {"url": "https://example.org/", "found": "abstract"}}
    factories.paper(
        title="a",
        categories=["cs.CL", "stat.ML"],
        organization="Meta AI",
        links=code,
        listed_at=at_hour(date(2026, 3, 3)),
    )
    factories.paper(title="b", categories=["cs.LG"], vote_count=7, listed_at=at_hour(date(2026, 2, 1)))
    factories.paper(
        title="c",
        categories=["math.OC"],
        withdrawn_at=factories.NOW,
        vote_count=5,
        listed_at=at_hour(date(2025, 11, 30), 23),
    )
    assert found("cat:cs.CL") == {"a"}
    assert found("cat:cmp-lg") == {"a"}
    assert found("cat:cs.*") == {"a", "b"}
    assert found("-cat:cs.*") == {"c"}
    assert found("org:meta") == {"a"}
    assert found('org:"meta ai"') == {"a"}
    assert found("has:code") == {"a"}
    assert found("is:withdrawn") == {"c"}
    assert found("votes:>5") == {"b"}
    assert found("votes:>=5") == {"b", "c"}
    assert found("votes:<6") == {"a", "c"}
    assert found("after:7d") == {"a"}
    assert found("after:2026-02 before:2026-03") == {"b"}
    assert found("before:2025-12") == {"c"}
    assert found("after:2025-12 OR is:withdrawn") == {"a", "b", "c"}
    assert found("-(cat:cs.LG votes:7)") == {"a", "c"}


def test_an_organization_is_found_by_its_words_as_the_index_has_them() -> None:
    for title, organization in (("a", "清华大学"), ("b", "C++ Alliance"), ("c", "Université d’Orléans")):
        factories.paper(title=title, organization=organization)
    assert found("org:清华大学") == found("org:清华") == {"a"}
    assert found('org:"c++ alliance"') == {"b"}
    assert found("org:universite") == {"c"}


def test_tags_are_the_readers_own() -> None:
    mine, other = factories.user(), factories.user()
    paper = factories.paper(title="a")
    TaggedPaper.objects.create(tag=Tag.objects.create(user=mine, name="To Read"), paper=paper)
    assert found('tag:"to read"', viewer=mine) == {"a"}
    assert found('tag:"to read"', viewer=other) == set()
    assert found('tag:"to read"') == set()
    assert found('-tag:"to read"', viewer=other) == {"a"}


def test_topics_are_for_all_or_for_their_owner() -> None:
    owner = factories.user()
    for number, slug in enumerate(("shared", "own")):
        topic = Topic.objects.create(slug=slug, name=slug, owner=owner if number else None)
        TopicMatch.objects.create(topic=topic, paper=factories.paper(title=slug), release=1)
    assert found("topic:shared") == {"shared"}
    assert found("topic:own") == set()
    assert found("topic:own", viewer=owner) == {"own"}


def test_it_chains() -> None:
    papers("red", "red too")
    assert Paper.objects.visible().matching(parse("red")).filter(title="red too").count() == 1


def test_words_are_asked_for_once(django_assert_num_queries: Any) -> None:
    words = [f"unheard{number}" for number in range(40)]
    with django_assert_num_queries(1):
        first = lexemes_of(words)
    with django_assert_num_queries(0):
        assert lexemes_of(words) == first


def test_one_index_answers_words_and_filters_together() -> None:
    papers("red")
    query = Paper.objects.matching(parse('red "green apple" -blue title:pear author:hinton cat:cs.* org:cern'))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = query.explain()
    assert "Bitmap Index Scan on paper_search" in plan
    assert plan.count("Index Scan") == 1


def test_changing_what_is_searched_changes_what_is_found() -> None:
    paper = factories.paper(title="Old words", categories=["cs.CL"])
    Paper.objects.filter(pk=paper.pk).update(title="New words", categories=["cs.LG"])
    assert found("old") == set()
    assert found("new cat:cs.LG") == {"New words"}


def test_no_text_is_too_much_for_the_index() -> None:
    for title in ("x" * 5_000, "é" * 5_000, "word " * 1_000, "\\alpha" * 800, "$_{" * 1_500, "C++" * 1_000, "  -  "):
        factories.paper(
            title=title, abstract=title * 20, authors=[title[:190]] * 3, organization=title, categories=["a b", ""]
        )
    assert Paper.objects.count() == 7


def test_hostile_queries_are_answered() -> None:
    papers("red")
    many = " OR ".join(f"w{number}" for number in range(500))
    for text in (
        "a" * 10_000,
        "author:" + "a" * 3_900,
        "org:" + "大" * 3_900,
        "title:" + "é" * 3_900,
        many,
        "(" * 600 + "red" + ")" * 600,
        "the of and",
        "\x00\x01red",
        "'; --",
        "\\ % _",
        "red'\\",
    ):
        found(text)
    assert found(f"red OR {many}") == {"red"}
