"""The search language: what is understood, what is said to be not, and that nothing typed is too much."""

from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papers.catalogue.categories import archives
from papers.query.nodes import (
    AfterTerm,
    And,
    AuthorTerm,
    BeforeTerm,
    CategoryTerm,
    DateExpression,
    DoiTerm,
    FieldTerm,
    HasTerm,
    LikeTerm,
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
)
from papers.query.parser import MAX_DEPTH, MAX_LENGTH, MAX_TERMS, Query, parse
from papers.text.abstract_roles import LikenessFacet

A, B, C = WordTerm("a"), WordTerm("b"), WordTerm("c")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", None),
        ("  \t\n ", None),
        ("attention", WordTerm("attention")),
        ("Continuous Tokens", And((WordTerm("continuous"), WordTerm("tokens")))),
        ("a b a", And((A, B))),
        ('"Vision  Transformer"', PhraseTerm("vision transformer")),
        ("“smart quotes”", PhraseTerm("smart quotes")),
        ("self-attention", WordTerm("self-attention")),
        ("C++ O(n) 0", And((WordTerm("c++"), WordTerm("o(n)"), WordTerm("0")))),
        ("a -b", And((A, Not(B)))),
        ("a NOT b", And((A, Not(B)))),
        ("--a", A),
        ("---a", Not(A)),
        ('-"a b"', Not(PhraseTerm("a b"))),
        ("a OR b", Or((A, B))),
        ("a | b OR c", Or((A, B, C))),
        ("a b OR c", Or((And((A, B)), C))),
        ("a (b OR c)", And((A, Or((B, C))))),
        ("a AND b", And((A, B))),
        ("a or b", And((A, WordTerm("or"), B))),
        ("-(a OR b)", Not(Or((A, B)))),
        ("((a))", A),
        ("a(b)c", And((WordTerm("a(b)c"),)).nodes[0]),
        ("author:hinton", AuthorTerm("hinton")),
        ('author:"Geoffrey Hinton"', AuthorTerm("geoffrey hinton")),
        ("au:del_maestro", AuthorTerm("del maestro")),
        ("title:gpt", TitleTerm("gpt")),
        ('ti:"a b"', TitleTerm("a b")),
        ("cat:CS.cl", CategoryTerm("cs.CL", ("cs.CL",))),
        ("cat:cmp-lg", CategoryTerm("cs.CL", ("cs.CL",))),
        ('category:"machine learning"', CategoryTerm("cs.LG", ("cs.LG",))),
        ("topic:agents", TopicTerm("agents")),
        ('tag:"to read"', TagTerm("to read")),
        ("org:CERN", OrganizationTerm("cern")),
        ("after:2025-11", AfterTerm(DateExpression("2025-11"))),
        ("before:7D", BeforeTerm(DateExpression("7d"))),
        ("since:2024", AfterTerm(DateExpression("2024"))),
        ("venue:NeurIPS", FieldTerm("venue", "neurips")),
        ('journal:"Phys. Rev. B"', FieldTerm("journal", "phys. rev. b")),
        ("comment:accepted", FieldTerm("comment", "accepted")),
        ("source:bioRxiv", SourceTerm("biorxiv")),
        ("source:hf", SourceTerm("huggingface")),
        ("doi:10.1000/XYZ", DoiTerm("10.1000/xyz")),
        ("-doi:https://doi.org/10.1000/xyz", Not(DoiTerm("10.1000/xyz"))),
        ("year:2025", YearTerm(2025, 2025)),
        ("year:2023..2025", YearTerm(2023, 2025)),
        ("year:2025-2023", YearTerm(2023, 2025)),
        ("year:2023..", YearTerm(2023, None)),
        ("year:..2023", YearTerm(None, 2023)),
        ("year:>2023", YearTerm(2024, None)),
        ("year:<=2023", YearTerm(None, 2023)),
        ("year:=2023", YearTerm(2023, 2023)),
        ("has:code", HasTerm("code")),
        ("is:withdrawn", WithdrawnTerm()),
        ("-is:withdrawn", Not(WithdrawnTerm())),
        ("votes:>5", VotesTerm(">", 5)),
        ("votes:5+", VotesTerm(">=", 5)),
        ("votes:5", VotesTerm("=", 5)),
        ("like:2401.00001v2", LikeTerm("2401.00001")),
        ("like:2401.00001v2 Method", LikeTerm("2401.00001", LikenessFacet.METHOD)),
        ('-like:"2401.00001" result', Not(LikeTerm("2401.00001", LikenessFacet.RESULT))),
        ("(a like:x subject)", And((A, LikeTerm("x", LikenessFacet.SUBJECT)))),
        ("like:x methods", And((LikeTerm("x"), WordTerm("methods")))),
        ("like:x (method)", And((LikeTerm("x"), WordTerm("method")))),
        ("method like:x", And((WordTerm("method"), LikeTerm("x")))),
        ("title:t method", And((TitleTerm("t"), WordTerm("method")))),
        ("BERT: pre-training", And((WordTerm("bert:"), WordTerm("pre-training")))),
        ("大规模 语言", And((WordTerm("大规模"), WordTerm("语言")))),
        ("Schrödinger α", And((WordTerm("schrödinger"), WordTerm("α")))),
    ],
)
def test_what_is_typed_becomes_a_tree(text: str, tree: object) -> None:
    query = parse(text)
    assert query.root == tree
    assert query.problems == ()


@pytest.mark.parametrize("text", ["haſ:code", "iſ:withdrawn", "tıtle:ice", "authorſ:ada", "voteſ:3"])
def test_letters_that_only_fold_to_an_operators_name_are_words(text: str) -> None:
    """Without case, a pattern takes ſ for s and ı for i."""
    query = parse(text)
    assert isinstance(query.root, WordTerm)
    assert query.problems == ()


def test_an_archive_stands_for_its_categories() -> None:
    for text in ("cat:cs.*", "cat:cs"):
        root = parse(text).root
        assert isinstance(root, CategoryTerm)
        assert {"cs.CL", "cs.LG"} <= set(root.codes)
        assert str(root) == "cat:cs.*"


@pytest.mark.parametrize(
    ("text", "tree", "said"),
    [
        ('"a b', And((A, B)), "quotation mark"),
        ("(a b", And((A, B)), "opening bracket"),
        ("a) b", And((A, B)), "closing bracket"),
        ("a OR", A, "OR needs"),
        ("OR a", A, "OR needs"),
        ("a OR OR b", Or((A, B)), "OR needs"),
        ("a cat:nonsense", A, "cat:"),
        ("a after:yesteryear", A, "after:"),
        ("a before:2025-13", A, "before:"),
        ("a votes:many", A, "votes:"),
        ("a year:20xx", A, "year:2025 or year:2023..2025"),
        ("a year:..", A, "year:"),
        ("a year:20232025", A, "year:"),
        ("a year:0001", A, "year:"),
        ("a doi:12", A, "doi:10.1000/xyz"),
        ("a doi:10.1000/x;10.1000/y", A, "doi:"),
        ("a source:somewhere", A, "source:arxiv"),
        ("a venue:%", A, "venue:neurips"),
        ("a journal:%", A, "journal:nature"),
        ("a comment:%", A, "comment:accepted"),
        ("a has:wings", A, "has:"),
        ("a is:good", A, "is:"),
        ("a author:", A, "after the colon"),
        ('a author:"b c', And((A, B, C)), "after the colon"),
        ("a %", A, "no letter"),
        ("(((", None, "opening bracket"),
    ],
)
def test_what_is_not_understood_is_said_and_the_rest_searched(text: str, tree: object, said: str) -> None:
    query = parse(text)
    assert query.root == tree
    assert any(said in problem for problem in query.problems)


@pytest.mark.parametrize(
    ("text", "scheme", "value"),
    [
        ("2401.00001", "arxiv", "2401.00001"),
        ("arXiv:2401.00001v3", "arxiv", "2401.00001"),
        ("arXiv: 2401.00001", "arxiv", "2401.00001"),
        ("https://arxiv.org/pdf/hep-th/9901001", "arxiv", "hep-th/9901001"),
        ("10.48550/arXiv.2401.00001", "arxiv", "2401.00001"),
        ("arXiv 2401.00001", "arxiv", "2401.00001"),
        ("arXiv:2401.00001 [cs.CV]", "arxiv", "2401.00001"),
        ("arXiv:2401.00001v2 [cs.CV] 14 Mar 2025", "arxiv", "2401.00001"),
        ("arXiv:hep-th/9901001v1 3 Jan 1999", "arxiv", "hep-th/9901001"),
        ("[2401.00001]", "arxiv", "2401.00001"),
        ("[2401.00001v3] A Title of Words", "arxiv", "2401.00001"),
        ("10.1000/XYZ", "doi", "10.1000/xyz"),
        ("doi: 10.1000/xyz", "doi", "10.1000/xyz"),
        ("https://doi.org/10.1000/xyz", "doi", "10.1000/xyz"),
        ("https://Example.org/Paper?utm_source=a", "url", "https://example.org/Paper"),
    ],
)
def test_a_name_of_a_paper_leads_to_it(text: str, scheme: str, value: str) -> None:
    found = parse(text).destination
    assert found is not None
    assert (found.scheme, found.value) == (scheme, value)


@pytest.mark.parametrize("text", [
    "", "attention", "0", "3.5", "see 2401.00001", "c++", "10.5", "http://", "[attention] heads", "arXiv submissions",
    "arXiv:2401.00001 and 2401.00002", "[2401.00001",
])  # fmt: skip
def test_other_words_lead_nowhere(text: str) -> None:
    assert parse(text).destination is None


def test_days_are_reckoned_when_they_are_asked_for() -> None:
    today = date(2026, 3, 4)
    days = {"7d": date(2026, 2, 25), "2w": date(2026, 2, 18), "today": today, "yesterday": date(2026, 3, 3),
            "2025": date(2025, 1, 1), "2025-11": date(2025, 11, 1), "2025-11-24": date(2025, 11, 24),
            "9999y": date(1900, 1, 1)}  # fmt: skip
    for text, day in days.items():
        root = parse(f"after:{text}").root
        assert isinstance(root, AfterTerm)
        assert root.when.day(today) == day


def test_examples_are_named() -> None:
    assert parse("like:2401.00001 like:2401.00002 -like:2401.00003 x").examples() == ("2401.00001", "2401.00002")


def test_too_deep_too_many_and_too_long_are_said() -> None:
    deep = parse("(" * 500 + "a" + ")" * 500)
    assert deep.root == A
    assert deep.problems == (f"Brackets were read {MAX_DEPTH} deep.",)
    many = parse(" OR ".join(f"w{number}" for number in range(500)))
    assert isinstance(many.root, Or)
    assert len(many.root.nodes) == MAX_TERMS
    assert any(str(MAX_TERMS) in problem for problem in many.problems)
    long = parse("a" * 10_000)
    assert len(str(long)) == MAX_LENGTH
    assert any("characters" in problem for problem in long.problems)


@pytest.mark.parametrize(
    "piece", ["(", ")", '"', "-", "a OR ", "(a OR ", "-(", "author:", 'title:"', "a(", "NOT ", "\x00", "\ud800", "é́"]
)
def test_nothing_takes_long(piece: str) -> None:
    started = time.process_time()
    for times in (1_000, 100_000):
        parse(piece * times)
    assert time.process_time() - started < 1


WORDS = ["a", "b", "self-attention", "c++", "o(n)", "α", "大", '"x y"', "author:hinton", 'author:"g h"', "title:t",
         "cat:cs.CL", "cat:cs.*", "topic:t", "tag:t", "org:o", "venue:v", 'journal:"j k"',
         "comment:k", "year:2023..", "year:2025-2023", "doi:10.1000/x(1)",
         "source:hf", "after:7d", "before:2025-01", "has:code", "is:withdrawn",
         "votes:>5", "like:2401.00001", "method", "like:2401.00001 subject",
         "foo:bar", "OR", "AND", "NOT", "-", "(", ")", '"', "|", "&", "|x", "%", "or",
         "10.1/x", "ǅ", "İ", "ﬁ", "é"]  # fmt: skip
texts = st.text(max_size=80) | st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join) | st.lists(
    st.sampled_from([*WORDS, " "]), max_size=30
).map("".join)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(texts)
def test_the_canonical_text_parses_to_the_same_query(text: str) -> None:
    query = parse(text)
    again = parse(str(query))
    assert again == query
    assert str(again) == str(query)
    assert again.problems == ()


@given(texts, texts)
def test_a_group_means_what_it_means_alone(one: str, other: str) -> None:
    left, right = parse(one), parse(other)
    if left.root is not None and right.root is not None and len(str(left)) + len(str(right)) < 400:
        joined = parse(f"({left}) OR ({right})")
        assert set(map(str, _parts(joined))) == {*map(str, _parts(left)), *map(str, _parts(right))}


def _parts(query: Query) -> tuple[object, ...]:
    return query.root.nodes if isinstance(query.root, Or) else (query.root,)


@pytest.mark.parametrize("code", [code for archive in archives() for code in (archive.code, f"{archive.code}.*")])
def test_every_archive_has_one_canonical_pattern(code: str) -> None:
    query = parse(f"cat:{code}")
    assert parse(str(query)) == query


@pytest.mark.parametrize(
    "pasted", ["\u200bdiffusion", "dif\u00adfusion", "\ufeffdiffusion\u202e", "\u2066diffusion\u2069"]
)
def test_what_nobody_sees_in_pasted_words_is_left_out(pasted: str) -> None:
    assert parse(pasted).root == WordTerm("diffusion")


@pytest.mark.parametrize("text", ["a . b", "a, b - ; c", "@x{ a = b }", "[1] a & b", "'; a --"])
def test_marks_between_words_are_not_called_unsearchable(text: str) -> None:
    assert not parse(text).problems
