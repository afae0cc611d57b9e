"""Many queries at once give what each gives alone: random queries over random papers, compared with the database's."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import get_args

import pytest

from papers.models import (
    Identifier,
    Paper,
    SharedList,
    SharedListMember,
    SharedListPaper,
    Tag,
    TaggedPaper,
    Topic,
    TopicMatch,
    User,
)
from papers.models.search_index import lexemes_of
from papers.query.nodes import (
    COMPARISONS,
    AfterTerm,
    And,
    AuthorTerm,
    BeforeTerm,
    CategoryTerm,
    DateExpression,
    DoiTerm,
    FieldTerm,
    HasTerm,
    Leaf,
    LikeTerm,
    ListTerm,
    Node,
    Not,
    Or,
    OrganizationTerm,
    PhraseTerm,
    SourceTerm,
    TagTerm,
    TitleTerm,
    TopicTerm,
    VotesTerm,
    WithdrawnTerm,
    WordTerm,
    YearTerm,
    texts_of,
)
from papers.query.parser import Query, parse
from papers.services.search.selectivity import estimate_share
from papers.services.search.word_statistics import WordFrequencies
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


def some_words(dice: random.Random, most: int) -> str:
    return " ".join(dice.choices(WORDS, k=dice.randint(1, most))).lower()


def some_day(dice: random.Random) -> DateExpression:
    return DateExpression(dice.choice(("7d", "3d", "2w", "today", "2026-03-01", "2026-02", "2026")))


# A kind of node without a line here fails `test_every_kind_of_node_is_compared`.
TERMS: dict[type, Callable[[random.Random], Leaf]] = {
    WordTerm: lambda dice: WordTerm(some_words(dice, 1)),
    PhraseTerm: lambda dice: PhraseTerm(some_words(dice, 3)),
    TitleTerm: lambda dice: TitleTerm(some_words(dice, 2)),
    AuthorTerm: lambda dice: AuthorTerm(dice.choice(("wang", "wei wang", "van den oord", "lovelace", "wang wei"))),
    OrganizationTerm: lambda dice: OrganizationTerm(dice.choice(("meta", "meta ai", "ai"))),
    CategoryTerm: lambda dice: dice.choice(
        (CategoryTerm("cs.*", ("cs.CL", "cs.LG")), CategoryTerm("math.OC", ("math.OC",)))
    ),
    FieldTerm: lambda dice: FieldTerm(
        dice.choice(("venue", "journal", "comment")),
        dice.choice(("neurips", "neurips 2025", "nature", "nature physics", "accepted", "12 pages", "of the")),
    ),
    SourceTerm: lambda dice: SourceTerm(dice.choice(("arxiv", "biorxiv", "doi", "huggingface", "crossref"))),
    DoiTerm: lambda dice: DoiTerm(dice.choice(("10.1000/a", "10.1000/b", "10.1000/none"))),
    YearTerm: lambda dice: YearTerm(*dice.choice(((2026, 2026), (2025, None), (None, 2025), (2020, 2025)))),
    TopicTerm: lambda dice: TopicTerm(dice.choice(("curated", "own", "unknown"))),
    TagTerm: lambda dice: TagTerm(dice.choice(("mine", "other", "Other"))),
    ListTerm: lambda dice: ListTerm(dice.choice(("everybody", "members", "named", "owned", "orphan", "unknown"))),
    AfterTerm: lambda dice: AfterTerm(some_day(dice)),
    BeforeTerm: lambda dice: BeforeTerm(some_day(dice)),
    HasTerm: lambda dice: HasTerm(dice.choice(("code", "project"))),
    WithdrawnTerm: lambda _dice: WithdrawnTerm(),
    VotesTerm: lambda dice: VotesTerm(dice.choice(list(COMPARISONS)), dice.choice((0, 1, 2, 3))),
    LikeTerm: lambda _dice: LikeTerm("2401.00001"),
}


def paper(dice: random.Random) -> Paper:
    links = {
        kind: {"url": "https://example.org/", "found": "abstract"}
        for kind in ("code", "project")
        if dice.random() < 0.3
    }
    made = factories.paper(
        title=" ".join(dice.choices(WORDS, k=5)),
        abstract=" ".join(dice.choices(WORDS, k=12)),
        authors=dice.sample(NAMES, 2),
        organization=dice.choice(("", "", "Meta AI", "AI of Meta")),
        categories=dice.sample(CATEGORIES, 2),
        listed_at=NOW - timedelta(days=dice.choice((dice.randrange(20), dice.randrange(800)))),
        vote_count=dice.choice((0, 0, 1, 3)),
        withdrawn_at=NOW if dice.random() < 0.1 else None,
        links=links,
        venue=dice.choice(("", "", "NeurIPS 2025", "Nature Physics")),
        journal_ref=dice.choice(("", "", "Nature Physics 12 (2025)", "Proc. of NeurIPS 2025")),
        comment=dice.choice(("", "12 pages", "Accepted at NeurIPS2025, 12 pages")),
        record_rank=dice.choice((20, 52, 55, 60)),
    )
    if dice.random() < 0.3:
        factories.external_counts(made)
    if dice.random() < 0.1:
        Identifier.objects.get_or_create(
            scheme="doi", value=dice.choice(("10.1000/a", "10.1000/b")), defaults={"paper": made}
        )
    return made


def tree(dice: random.Random, depth: int = 0) -> Node:
    kind = dice.random()
    if depth < 3 and kind < 0.5:
        parts = tuple(tree(dice, depth + 1) for _ in range(dice.randint(2, 3)))
        return And(parts) if kind < 0.25 else Or(parts)
    if kind < 0.6:
        return Not(tree(dice, 3))
    # Words half of the time: of the other terms each is true of many papers or of few, whatever the papers say.
    return TERMS[dice.choice((WordTerm, PhraseTerm, TitleTerm)) if kind < 0.8 else dice.choice(list(TERMS))](dice)


def kinds_in(node: Node) -> set[type]:
    match node:
        case And(parts) | Or(parts):
            return {type(node)}.union(*map(kinds_in, parts))
        case Not(part):
            return {Not} | kinds_in(part)
        case _:
            return {type(node)}


def reader(tag: str, papers: list[Paper]) -> User:
    made = factories.user()
    own = Tag.objects.create(user=made, name=tag)
    TaggedPaper.objects.bulk_create(TaggedPaper(tag=own, paper=each) for each in papers)
    return made


def topic(slug: str, papers: list[Paper], owner: User | None = None) -> Topic:
    made = Topic.objects.create(slug=slug, name=slug, query=slug, owner=owner)
    TopicMatch.objects.bulk_create(TopicMatch(topic=made, paper=each, release=1) for each in papers)
    return made


def shared_list(slug: str, papers: list[Paper], visibility: str, owner: User | None) -> SharedList:
    made = SharedList.objects.create(
        slug=slug, name=slug, visibility=visibility, owner=owner, created_at=NOW, changed_at=NOW
    )
    SharedListPaper.objects.bulk_create(
        SharedListPaper(shared_list=made, paper=each, position=place, added_at=NOW, released_at=NOW)
        for place, each in enumerate(papers)
    )
    return made


def some_lists(papers: list[Paper], viewer: User, other: User) -> None:
    """What a visitor sees, what members see, what `viewer` is named on, what is `other`'s own, what curators see."""
    shared_list("everybody", papers[:15], "everybody", other)
    shared_list("members", papers[5:20], "members", other)
    named = shared_list("named", papers[10:25], "named", other)
    SharedListMember.objects.create(shared_list=named, user=viewer, role="reader", since=NOW)
    shared_list("owned", papers[15:30], "named", other)
    shared_list("orphan", papers[20:35], "named", None)


@pytest.mark.parametrize("seed", range(4))
def test_all_at_once_is_as_one_by_one(seed: int) -> None:
    dice = random.Random(seed)
    made = [paper(dice) for _ in range(40)]
    viewer, other = reader("Mine", made[:9]), reader("other", made[5:20])
    curator = factories.user(is_curator=True)
    some_lists(made, viewer, other)
    topics = {topic("curated", made[10:25]): made[10:25], topic("own", made[20:30], viewer): made[20:30]}
    papers = PaperBatch(each.pk for each in made)

    def topic_bits(slug: str, viewer_id: int | None) -> int:
        readable = (each for each in topics if each.slug == slug and each.owner_id in (None, viewer_id))
        return next((papers.among({one.pk for one in topics[each]}) for each in readable), 0)

    roots = [tree(dice) for _ in range(200)]
    asked = [(root, who) for root in roots for who in (viewer, other, curator, None)]
    evaluator = BitsetEvaluator(papers, roots, today=TODAY, topic_bits=topic_bits)
    hits = 0
    for root, who in asked:
        bits = evaluator.bits(ViewerQuery(root, who.pk if who else None))
        alone = set(Paper.objects.matching(Query(root), viewer=who, today=TODAY).values_list("pk", flat=True))
        assert set(papers.ids_at(bits or 0)) == alone, str(root)
        hits += 0 < len(alone) < len(made)
    assert hits > len(asked) / 4  # else the comparison says nothing


def test_every_kind_of_node_is_compared() -> None:
    assert set(get_args(Leaf)) == set(TERMS)
    assert set(get_args(Node)) == {*TERMS, Not, And, Or}
    for seed in range(4):
        dice = random.Random(seed)
        kinds = set().union(*(kinds_in(tree(dice)) for _ in range(200)))
        assert kinds == {*TERMS, Not, And, Or}


def test_an_estimate_is_a_share_for_every_kind_of_node() -> None:
    dice = random.Random(0)
    for _ in range(200):
        root = tree(dice)
        lexemes = lexemes_of(texts_of(root))
        words = {word for found in lexemes.values() for word in found.words}
        known = WordFrequencies(100, 50.0, 1, {word: dice.randint(0, 100) for word in words})
        assert 0 <= estimate_share(root, known, lexemes) <= 1


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
