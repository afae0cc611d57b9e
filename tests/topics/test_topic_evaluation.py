"""Many queries at once give what each gives alone: random queries over random papers, compared with the database's."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest

from papers.models import Paper, Tag, TaggedPaper, User
from papers.query.parser import parse
from papers.services.topics.bitset_evaluator import (
    BitsetEvaluator,
    PaperBatch,
    ViewerQuery,
    bits_from_positions,
    positions_of_bits,
)
from tests.support import factories
from tests.support.factories import NOW, TODAY

pytestmark = pytest.mark.django_db

WORDS = (
    *("graph", "graphs", "neural", "self-attention", "attention", "Schrödinger", "α-divergence", "C++", "the", "of"),
    *("state", "art", "x", "0", "大规模语言模型", "don't", "node.js", "learning", "learned", "H$_2$O"),
)
NAMES = ("Ada Lovelace", "Émile du Châtelet", "Wei Wang", "Wang Wei", "van den Oord, Aäron", "J. Smith")
CATEGORIES = ("cs.CL", "cs.LG", "math.OC", "stat.ML")
FIELDS = (
    *("author:wang", 'author:"Wei Wang"', 'author:"van den Oord"', "author:lovelace", "cat:cs.*", "cat:math.OC"),
    *("org:meta", 'org:"Meta AI"', "has:code", "has:project", "is:withdrawn", "votes:>2", "votes:<=1", "votes:0"),
    *("after:7d", "before:3d", "after:2026-03-01", "before:2026-02", "like:2401.00001", "tag:mine", "tag:Other"),
)


def paper(dice: random.Random) -> Paper:
    links = {
        kind: {"url": "https://example.org/", "found": "abstract"}
        for kind in ("code", "project")
        if dice.random() < 0.3
    }
    return factories.paper(
        title=" ".join(dice.choices(WORDS, k=5)),
        abstract=" ".join(dice.choices(WORDS, k=12)),
        authors=dice.sample(NAMES, 2),
        organization=dice.choice(("", "", "Meta AI", "AI of Meta")),
        categories=dice.sample(CATEGORIES, 2),
        listed_at=NOW - timedelta(days=dice.randrange(20)),
        vote_count=dice.choice((0, 0, 1, 3)),
        withdrawn_at=NOW if dice.random() < 0.1 else None,
        links=links,
    )


def query(dice: random.Random, depth: int = 0) -> str:
    kind = dice.random()
    if depth < 3 and kind < 0.5:
        parts = [query(dice, depth + 1) for _ in range(dice.randint(2, 3))]
        return f"({dice.choice((' ', ' OR ')).join(parts)})"
    if kind < 0.6:
        return f"-{query(dice, 3)}"
    if kind < 0.7:
        return '"' + " ".join(dice.choices(WORDS, k=dice.randint(1, 3))) + '"'
    if kind < 0.8:
        return 'title:"' + " ".join(dice.choices(WORDS, k=dice.randint(1, 2))) + '"'
    return dice.choice(FIELDS) if kind < 0.92 else dice.choice(WORDS)


def reader(tag: str, papers: list[Paper]) -> User:
    made = factories.user()
    own = Tag.objects.create(user=made, name=tag)
    TaggedPaper.objects.bulk_create(TaggedPaper(tag=own, paper=each) for each in papers)
    return made


@pytest.mark.parametrize("seed", range(4))
def test_all_at_once_is_as_one_by_one(seed: int) -> None:
    dice = random.Random(seed)
    made = [paper(dice) for _ in range(40)]
    viewer, other = reader("Mine", made[:9]), reader("other", made[5:20])
    papers = PaperBatch(each.pk for each in made)
    queries = [parse(query(dice)) for _ in range(200)]
    asked = [(each, who) for each in queries for who in (viewer, other, None) if each.root is not None]
    evaluator = BitsetEvaluator(papers, [each.root for each in queries if each.root is not None], today=TODAY)
    hits = 0
    for each, who in asked:
        assert each.root is not None
        bits = evaluator.bits(ViewerQuery(each.root, who.pk if who else None))
        alone = set(Paper.objects.matching(each, viewer=who, today=TODAY).values_list("pk", flat=True))
        assert set(papers.at(bits or 0)) == alone, str(each)
        hits += 0 < len(alone) < len(made)
    assert hits > len(asked) / 4  # else the comparison says nothing


def test_a_query_that_asks_for_nothing_is_told_from_one_without_papers() -> None:
    papers = PaperBatch([factories.paper().pk])
    evaluator = BitsetEvaluator(papers, [], today=TODAY)
    for text, expected in (("the of", None), ("like:2401.00001", None), ("unheard", 0), ("-unheard", 1)):
        root = parse(text).root
        assert root is not None
        assert BitsetEvaluator(papers, [root], today=TODAY).bits(ViewerQuery(root)) == expected
    assert evaluator.papers.all == 1


def test_papers_that_are_gone_have_no_place() -> None:
    kept, gone = factories.paper(), factories.paper()
    Paper.objects.filter(pk=gone.pk).delete()
    assert PaperBatch([gone.pk, kept.pk]).ids == [kept.pk]


def test_a_row_of_bits_and_its_places() -> None:
    for places in ([], [0], [7, 8, 63, 64, 1999]):
        assert list(positions_of_bits(bits_from_positions(places))) == places


def test_days_are_those_of_the_question() -> None:
    papers = PaperBatch([factories.paper(listed_at=NOW).pk])
    root = parse("after:2d").root
    assert root is not None
    assert BitsetEvaluator(papers, [root], today=TODAY).bits(ViewerQuery(root)) == 1
    assert BitsetEvaluator(papers, [root], today=date(2026, 3, 9)).bits(ViewerQuery(root)) == 0
