"""The search language: text in, a tree out. Pure, and never an exception.

One language for the search page, topics, saved searches, muting, feeds and the API; docs/search.md shows it to
readers. Whatever is typed becomes a query: what cannot be understood is left out and named in `Query.problems`.
`str(query)` is the canonical text: it parses to the same tree, and two queries that mean the same words in the same
order have the same one.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from papers.catalogue import categories
from papers.catalogue.identifiers import begins_with_doi, parse_arxiv_id, parse_doi, parse_whole_doi
from papers.catalogue.source_names import SOURCE_ALIASES, SOURCE_NAMES
from papers.dates import FIRST_DAY, LAST_DAY
from papers.query.nodes import (
    WORD_PATTERN,
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
    first_day_of,
    wanted_terms,
)
from papers.text.abstract_roles import LikenessFacet
from papers.text.cleaning import without_invisible
from papers.text.urls import normalise_url

MAX_LENGTH = 4_000
MAX_TERMS = 256
MAX_DEPTH = 8
MAX_PROBLEMS = 8
RUNNING_TEXT_WORDS = 8
"""This many plain words side by side are a question in sentences."""
MAX_REQUIRED = 64
"""Nobody writes a condition of more words than that; such a text was pasted."""
# Far above any count of votes, below what a column of the database holds.
MAX_VOTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Destination:
    """What a query names when all of it is an arXiv id, a DOI or an address: `scheme` as in `models.Identifier`."""

    scheme: str
    value: str


@dataclass(frozen=True, slots=True)
class Query:
    """A query understood as far as it could be. Equal to another with the same tree."""

    root: Node | None
    problems: tuple[str, ...] = field(default=(), compare=False)
    """What was not understood, each in a sentence for the reader."""
    destination: Destination | None = field(default=None, compare=False)
    repeated: tuple[tuple[str, int], ...] = field(default=(), compare=False)
    """Words that were typed more than once, and how often: in a long question they say what it is about."""
    prose: str = field(default="", compare=False)
    """What was typed without its operators, as it was written: repeated words and small ones too."""

    def __str__(self) -> str:
        return "" if self.root is None else str(self.root)

    def leaves(self) -> Iterator[Leaf]:
        """The terms that are asked for, in their order, without those behind a minus."""
        return iter(()) if self.root is None else wanted_terms(self.root)

    def required(self) -> tuple[Node, ...]:
        """The parts that a paper must all fulfil."""
        if self.root is None:
            return ()
        return self.root.nodes if isinstance(self.root, And) else (self.root,)

    def is_running_text(self) -> bool:
        """Whether it reads like a sentence or a paragraph: its quotation marks and brackets are those of a text."""
        plain = sum(isinstance(part, WordTerm) for part in self.required())
        return plain >= RUNNING_TEXT_WORDS or sum(1 for _ in self.leaves()) > MAX_REQUIRED

    def examples(self) -> tuple[str, ...]:
        """The papers that the results are to be like."""
        return tuple(leaf.public_id for leaf in self.likenesses())

    def likenesses(self) -> tuple[LikeTerm, ...]:
        """The same, each with what the results are to be like it in."""
        return tuple(leaf for leaf in self.leaves() if isinstance(leaf, LikeTerm))


def parse(text: str) -> Query:
    """The query that `text` spells. Never raises; takes time in proportion to the text's length, up to its limit."""
    text = _clean(text)
    problems: list[str] = []
    if len(text) > MAX_LENGTH:
        text = text[:MAX_LENGTH]
        problems.append(f"Only the first {MAX_LENGTH:,} characters were read.")
    parser = _Parser(text, problems)
    root = parser.read()
    repeated = tuple((word, times) for word, times in Counter(parser.words).items() if times > 1)
    found = Query(root, (), _destination(text), repeated, parser.prose())
    said = dict.fromkeys(problem for problem in problems if problem not in _OF_MARKS or not found.is_running_text())
    return replace(found, problems=tuple(said)[:MAX_PROBLEMS])


# --- Operators ------------------------------------------------------------------------------------------------------


def _text_of(kind: type[TitleTerm | OrganizationTerm | TopicTerm | TagTerm], value: str) -> Node | None:
    text = _line(value)
    return kind(text) if _says_something(text) else None


def _list(value: str) -> Node | None:
    """By the list's slug, or what its name makes one."""
    slug = _line(value).replace(" ", "-")
    return ListTerm(slug) if _says_something(slug) else None


def _author(value: str) -> Node | None:
    name = _line(value.replace("_", " "))
    return AuthorTerm(name) if _says_something(name) else None


def _category(value: str) -> Node | None:
    pattern = value.strip(" ,;").lower()
    found = categories.expand_pattern(pattern)
    if not found and (category := categories.find_category(value)):
        found = (category.code,)
    if not found:
        return None
    is_whole_archive = len(found) > 1
    return CategoryTerm(f"{pattern.removesuffix('.*')}.*" if is_whole_archive else found[0], found)


def _field(field: str) -> Callable[[str], Node | None]:
    def read(value: str) -> Node | None:
        text = _line(value)
        return FieldTerm(field, text) if _says_something(text) else None

    return read


def _source(value: str) -> Node | None:
    name = value.lower().replace(" ", "")
    name = SOURCE_ALIASES.get(name, name)
    return SourceTerm(name) if name in SOURCE_NAMES else None


def _doi(value: str) -> Node | None:
    doi = parse_whole_doi(value)
    return DoiTerm(doi) if doi else None


_YEARS = re.compile(r"(\d{4})?(\.\.|-|–|—)?(\d{4})?", re.ASCII)
_YEAR_COMPARED = re.compile(r"(>=|<=|>|<|=)(\d{4})", re.ASCII)


def _year(value: str) -> Node | None:
    value = value.replace(" ", "")
    if compared := _YEAR_COMPARED.fullmatch(value):
        sign, year = compared[1], int(compared[2])
        first = year + (sign == ">") if sign in (">", ">=", "=") else None
        last = year - (sign == "<") if sign in ("<", "<=", "=") else None
        return _years(first, last)
    span = _YEARS.fullmatch(value)
    if not span or not (span[1] or span[3]) or (bool(span[2]) is False and span[3]):
        return None
    first, last = (int(year) if year else None for year in (span[1], span[3]))
    return _years(first, last if span[2] else first)


def _years(first: int | None, last: int | None) -> Node | None:
    if any(year is not None and not FIRST_DAY.year <= year < LAST_DAY.year for year in (first, last)):
        return None
    return YearTerm(last, first) if first and last and last < first else YearTerm(first, last)


def _after(value: str) -> Node | None:
    return AfterTerm(DateExpression(value.lower())) if first_day_of(value, FIRST_DAY) else None


def _before(value: str) -> Node | None:
    return BeforeTerm(DateExpression(value.lower())) if first_day_of(value, FIRST_DAY) else None


def _has(value: str) -> Node | None:
    return HasTerm(value.lower()) if value.lower() in ("code", "project") else None


def _is(value: str) -> Node | None:
    return WithdrawnTerm() if value.lower() in ("withdrawn", "retracted") else None


_SIGNED = re.compile(r"(>=|<=|>|<|=)?(\d{1,9})(\+)?", re.ASCII)


def _votes(value: str) -> Node | None:
    match = _SIGNED.fullmatch(value)
    if not match or (match[1] and match[3]):
        return None
    return VotesTerm(">=" if match[3] else match[1] or "=", min(int(match[2]), MAX_VOTES))


def _like(value: str) -> Node | None:
    arxiv = parse_arxiv_id(value)
    public_id = arxiv.value if arxiv else _line(value)
    return LikeTerm(public_id) if _says_something(public_id) else None


class _Operator(NamedTuple):
    """What may stand in front of a colon."""

    names: tuple[str, ...]
    read: Callable[[str], Node | None]
    """What it and a value mean; None where it takes no such value."""
    help: str
    """Said to the reader then."""


_OPERATORS = (
    _Operator(("author", "authors", "au"), _author, "author: needs a name, such as author:hinton."),
    _Operator(
        ("title", "ti"), lambda value: _text_of(TitleTerm, value), "title: needs a word, or words in quotation marks."
    ),
    _Operator(
        ("org", "organization", "organisation"),
        lambda value: _text_of(OrganizationTerm, value),
        "org: needs a name, such as org:cern.",
    ),
    _Operator(("topic",), lambda value: _text_of(TopicTerm, value), "topic: needs a topic’s short name."),
    _Operator(("tag",), lambda value: _text_of(TagTerm, value), "tag: needs one of your tags."),
    _Operator(("list",), _list, "list: needs a shared list’s short name, as in its address."),
    _Operator(("cat", "category"), _category, "cat: needs an arXiv category, such as cat:cs.CL or cat:cs.*."),
    _Operator(
        ("venue", "conference"), _field("venue"), "venue: needs a conference or a journal, such as venue:neurips."
    ),
    _Operator(
        ("journal", "journal_ref"),
        _field("journal"),
        "journal: needs a journal’s name, such as journal:nature.",
    ),
    _Operator(("comment", "comments"), _field("comment"), "comment: needs words, such as comment:accepted."),
    _Operator(
        ("source",), _source, "source: needs a place that papers come from, such as source:arxiv or source:biorxiv."
    ),
    _Operator(("doi",), _doi, "doi: needs a whole DOI, such as doi:10.1000/xyz."),
    _Operator(("year",), _year, "year: needs a year or two, such as year:2025 or year:2023..2025."),
    _Operator(("after", "since"), _after, "after: needs a day, a month or a span, such as after:2025-11 or after:7d."),
    _Operator(
        ("before", "until"), _before, "before: needs a day, a month or a span, such as before:2025-11-24 or before:30d."
    ),
    _Operator(("has",), _has, "has: needs code or project."),
    _Operator(("is",), _is, "is: needs withdrawn."),
    _Operator(("votes", "upvotes"), _votes, "votes: needs a number, such as votes:>5."),
    _Operator(("like",), _like, "like: needs the id of a paper here, such as like:2401.00001."),
)
_OPERATOR_OF = {name: operator for operator in _OPERATORS for name in operator.names}
OPERATOR_NAMES = tuple(_OPERATOR_OF)
"""All that may stand in front of a colon."""


# --- The parser -----------------------------------------------------------------------------------------------------

_ONE_QUOTE = "There is a quotation mark without a second one."
_ONLY_CLOSED = "There is a closing bracket without an opening one."
_ONLY_OPENED = "There is an opening bracket without a closing one."
_OF_MARKS = (_ONE_QUOTE, _ONLY_CLOSED, _ONLY_OPENED)
"""Nobody needs to hear that of a text that was pasted, in which these marks mean nothing."""
_BETWEEN_WORDS = frozenset(".,;:!?'‘’…·–—-/&[]{}<>@#=_~*•")
"""Marks that stand alone in what was pasted, and of which nobody expects to be searched for."""
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "＂": '"', "（": "(", "）": ")", "：": ":"})
_NAMES = "|".join(sorted(_OPERATOR_OF, key=len, reverse=True))
_TOKEN = re.compile(
    rf"""
    (?P<space>\s+)
    | (?P<open>\() | (?P<close>\))
    | (?P<or>(?:OR|\|+)(?=[\s()]|$))
    | (?P<and>(?:AND|&+)(?=[\s()]|$))
    | (?P<not>NOT(?=[\s(]) | [-−–](?=[^\s)]))
    | (?P<field>(?P<like>(?ai:like))|(?ai:{_NAMES})):(?:"(?P<quoted>[^"]*)"|(?P<value>{WORD_PATTERN})?)
        (?(like)(?:\s+(?P<facet>(?ai:{"|".join(LikenessFacet)}))(?=[\s)]|$))?)
    | "(?P<phrase>[^"]*)"
    | (?P<quote>")
    | (?P<word>{WORD_PATTERN})
    """,
    re.VERBOSE,
)


def _clean(text: str) -> str:
    """In composed form, control characters and lone surrogates as spaces, one kind of quotation mark, and without what
    nobody sees in words that were pasted."""
    seen = without_invisible(text[:20_000])
    safe = "".join(" " if unicodedata.category(char) in ("Cc", "Cs", "Co", "Cn") else char for char in seen)
    return " ".join(unicodedata.normalize("NFC", safe).translate(_QUOTES).split())


class _Parser:
    """One pass over the tokens. Depth and number of terms are bounded, so that nothing typed costs more."""

    def __init__(self, text: str, problems: list[str]) -> None:
        self.tokens = list(_TOKEN.finditer(text))
        self.problems = problems
        self.position = 0
        self.terms = 0
        self.words: list[str] = []
        self.ignored = 0
        """Brackets that were opened too deep, and whose partners mean nothing either."""

    def read(self) -> Node | None:
        return self._any(0)

    def prose(self) -> str:
        """The text without what stands at a colon."""
        return _line("".join(token[0] for token in self.tokens if token["field"] is None))

    def _any(self, depth: int) -> Node | None:
        """What stands on both sides of OR, up to a closing bracket or the end."""
        nodes: list[Node] = []
        is_waiting = False
        while True:
            if (node := self._all(depth)) is not None:
                nodes.append(node)
                is_waiting = False
            elif is_waiting or self._peek() == "or":
                self._say("OR needs a word on both sides.")
            if self._peek() != "or":
                break
            self.position += 1
            is_waiting = True
        return _joined(Or, nodes)

    def _all(self, depth: int) -> Node | None:
        """What stands side by side."""
        nodes: list[Node] = []
        while (kind := self._peek()) not in (None, "or"):
            if kind == "close" and self.ignored:
                self.position += 1
                self.ignored -= 1
            elif kind == "close":
                if depth:
                    break
                self.position += 1
                self._say(_ONLY_CLOSED)
            elif (node := self._one(depth)) is not None:
                nodes.append(node)
        return _joined(And, nodes)

    def _one(self, depth: int) -> Node | None:
        """The next term, group or negation; None where a token says nothing."""
        token = self.tokens[self.position]
        self.position += 1
        match token.lastgroup:
            case "open":
                return self._group(depth)
            case "not":
                return self._negated(depth)
            case "quote":
                self._say(_ONE_QUOTE)
            case "space" | "and":
                pass
            case _:
                return self._term(token)
        return None

    def _group(self, depth: int) -> Node | None:
        if depth >= MAX_DEPTH:
            self.ignored += 1
            self._say(f"Brackets were read {MAX_DEPTH} deep.")
            return None
        node = self._any(depth + 1)
        if self._peek() == "close":
            self.position += 1
        else:
            self._say(_ONLY_OPENED)
        return node

    def _negated(self, depth: int) -> Node | None:
        """What follows a minus, or several of them."""
        times = 1
        while self._peek() in ("not", "space"):
            times += self._peek() == "not"
            self.position += 1
        if self._peek() in (None, "or", "and", "close"):
            return None
        node = self._one(depth)
        if node is None or times % 2 == 0:
            return node
        return node.node if isinstance(node, Not) else Not(node)

    def _term(self, token: re.Match[str]) -> Node | None:
        if self.terms >= MAX_TERMS:
            self._say(f"Only the first {MAX_TERMS} words were read.")
            return None
        self.terms += 1
        if name := token["field"]:
            return self._field(_OPERATOR_OF[name.lower()], token)
        text = _line(token["phrase"] if token["word"] is None else token["word"])
        if not _says_something(text):
            if not _BETWEEN_WORDS.issuperset(text):
                self._say(f"“{_shortened(text)}” has no letter or digit to search for.")
            return None
        if token["word"] is None:
            return PhraseTerm(text)
        self.words.append(text)
        return WordTerm(text)

    def _field(self, operator: _Operator, token: re.Match[str]) -> Node | None:
        value = " ".join((token["value"] or token["quoted"] or "").split())
        node = operator.read(value) if value else None
        if node is None:
            self._say(operator.help if value else f"“{_shortened(token[0])}” needs a value after the colon.")
        if isinstance(node, LikeTerm) and (facet := token["facet"]):
            return LikeTerm(node.public_id, LikenessFacet(facet.lower()))
        return node

    def _peek(self) -> str | None:
        return self.tokens[self.position].lastgroup if self.position < len(self.tokens) else None

    def _say(self, problem: str) -> None:
        if len(self.problems) < 4 * MAX_PROBLEMS:
            self.problems.append(problem)


# As arXiv itself writes it: "arXiv:2503.11742v1 [cs.CV] 14 Mar 2025" at the side of each first page, and
# "[2503.11742] A Title" in the tab of a browser.
_CITED_ID = re.compile(
    r"""\[(?:arXiv:)?(?P<id>\S{9,32})\](?:\s|$)"""
    r"""|(?P<stamp>arXiv[:\s]\s?\S{9,32}(?:\s\[[a-z.-]{2,20}\])?)(?:\s[0-9]{1,2}\s[a-z]{3,9}\s[0-9]{4})?$""",
    re.I | re.A,
)


def _destination(text: str) -> Destination | None:
    """The paper that the whole text names."""
    if cited := _CITED_ID.match(text):
        return Destination("arxiv", arxiv.value) if (arxiv := parse_arxiv_id(cited["id"] or cited["stamp"])) else None
    if not text or " " in text.removeprefix("doi: ").removeprefix("arXiv: "):
        return None
    if arxiv := parse_arxiv_id(text):
        return Destination("arxiv", arxiv.value)
    if begins_with_doi(text) and (doi := parse_doi(text)):
        return Destination("doi", doi)
    url = normalise_url(text)
    return Destination("url", url) if url else None


# --- Trees ----------------------------------------------------------------------------------------------------------


def _joined(kind: type[And | Or], nodes: list[Node]) -> Node | None:
    """One node of them all: groups of the same kind opened up, each part once."""
    flat: dict[Node, None] = {}
    for node in nodes:
        flat.update(dict.fromkeys(node.nodes if isinstance(node, kind) else (node,)))
    if len(flat) < 2:
        return next(iter(flat), None)
    return kind(tuple(flat))


def _line(text: str) -> str:
    """On one line, in lower case."""
    return " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower()).split())


def _says_something(text: str) -> bool:
    return any(char.isalnum() or unicodedata.category(char).startswith("M") for char in text)


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"
