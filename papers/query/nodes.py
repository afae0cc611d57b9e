"""The tree that a query of the search language is, and its canonical text. `parser` makes it of a text.

What a node means is said in three places, each a `match` over all kinds of nodes that mypy refuses where one is
missing: `models/query_sql.py` (a condition in SQL), `services/topics/bitset_evaluator.py` (many queries over some
papers) and `services/search/selectivity.py` (an estimate of how many papers fulfil it).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from operator import eq, ge, gt, le, lt
from typing import TypeAlias

from papers.dates import FIRST_DAY, parse_day, parse_month
from papers.query.tsquery import author_marks, category_mark, organization_marks, source_marks
from papers.text.abstract_roles import LikenessFacet
from papers.text.names import organization_key

# A bracket that opens and closes within a word belongs to it: O(n), f(x).
WORD_PATTERN = r'[^\s"()]+(?:\([^\s"()]*\)[^\s"()]*)*'
_SPAN = re.compile(r"(\d{1,4})(d|w|m|y)", re.ASCII | re.I)
_YEAR = re.compile(r"\d{4}", re.ASCII)
_SPAN_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


class _Term:
    """A part of a query that has no parts."""

    __slots__ = ()

    @property
    def index_marks(self) -> tuple[str, ...]:
        """The marks of the search index that it is looked up by; none where it asks for words or columns."""
        return ()


@dataclass(frozen=True, slots=True)
class WordTerm(_Term):
    """A word as typed, in lower case. It may have hyphens and signs in it: `self-attention`, `c++`."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class PhraseTerm(_Term):
    """Words next to each other."""

    text: str

    def __str__(self) -> str:
        return f'"{self.text}"'


@dataclass(frozen=True, slots=True)
class TitleTerm(_Term):
    """Words next to each other in the title; of one word, the word."""

    text: str

    def __str__(self) -> str:
        return f"title:{_value(self.text)}"


@dataclass(frozen=True, slots=True)
class AuthorTerm(_Term):
    """Words of one author's name, next to each other: a whole name or a part of it."""

    name: str

    def __str__(self) -> str:
        return f"author:{_value(self.name)}"

    @property
    def index_marks(self) -> tuple[str, ...]:
        """Of all its words: they find the papers, and the names themselves say whether the words are one name."""
        return author_marks(self.name)


@dataclass(frozen=True, slots=True)
class OrganizationTerm(_Term):
    """Words of the organization's name."""

    text: str

    def __str__(self) -> str:
        return f"org:{_value(self.text)}"

    @property
    def index_marks(self) -> tuple[str, ...]:
        """Of all its words."""
        return organization_marks(organization_key(self.text))


@dataclass(frozen=True, slots=True)
class CategoryTerm(_Term):
    """Any of the categories that a pattern such as `cs.CL` or `cs.*` stands for."""

    pattern: str
    codes: tuple[str, ...]

    def __str__(self) -> str:
        return f"cat:{self.pattern}"

    @property
    def index_marks(self) -> tuple[str, ...]:
        """Of all the categories; one is enough."""
        return tuple(map(category_mark, self.codes))


@dataclass(frozen=True, slots=True)
class FieldTerm(_Term):
    """Words of a field beside the texts, in any order; `field` is a key of `FIELDS`."""

    field: str
    text: str

    def __str__(self) -> str:
        return f"{self.field}:{_value(self.text)}"


@dataclass(frozen=True, slots=True)
class SourceTerm(_Term):
    """From that source; `name` is one of `catalogue.source_names.SOURCE_NAMES`."""

    name: str

    def __str__(self) -> str:
        return f"source:{self.name}"

    @property
    def index_marks(self) -> tuple[str, ...]:
        """Of all its makers of records; one is enough. None where another site's counts say it."""
        return source_marks(self.name)


@dataclass(frozen=True, slots=True)
class DoiTerm(_Term):
    """The paper that has that DOI, bare and in lower case."""

    doi: str

    def __str__(self) -> str:
        return f"doi:{_value(self.doi)}"


@dataclass(frozen=True, slots=True)
class TopicTerm(_Term):
    """The papers of a topic, by its slug."""

    slug: str

    def __str__(self) -> str:
        return f"topic:{_value(self.slug)}"


@dataclass(frozen=True, slots=True)
class TagTerm(_Term):
    """The papers that carry a tag of the reader who asks."""

    name: str

    def __str__(self) -> str:
        return f"tag:{_value(self.name)}"


@dataclass(frozen=True, slots=True)
class ListTerm(_Term):
    """The papers on a shared list that the reader who asks may see, by its slug."""

    slug: str

    def __str__(self) -> str:
        return f"list:{_value(self.slug)}"


@dataclass(frozen=True, slots=True)
class DateExpression:
    """A day as it was written: a day, a month, a year, or a span before today."""

    text: str

    def day(self, today: date) -> date:
        """The day it begins. `today` is the day on which the question is asked."""
        found = first_day_of(self.text, today)
        return today if found is None else found


COMPARISONS: Mapping[str, Callable[[int, int], bool]] = {">": gt, ">=": ge, "<": lt, "<=": le, "=": eq}
"""The signs of comparison that numbers are asked for with."""


@dataclass(frozen=True, slots=True)
class AfterTerm(_Term):
    """Listed on that day or later."""

    when: DateExpression

    def __str__(self) -> str:
        return f"after:{self.when.text}"


@dataclass(frozen=True, slots=True)
class BeforeTerm(_Term):
    """Listed before that day."""

    when: DateExpression

    def __str__(self) -> str:
        return f"before:{self.when.text}"


@dataclass(frozen=True, slots=True)
class YearTerm(_Term):
    """Listed in these years, both included; None where there is no first, or no last one."""

    first: int | None
    last: int | None

    def __str__(self) -> str:
        if self.first == self.last:
            return f"year:{self.first}"
        return f"year:{'' if self.first is None else self.first}..{'' if self.last is None else self.last}"

    def days(self) -> tuple[date | None, date | None]:
        """The day on which it begins, and the first one behind it."""
        begins = None if self.first is None else date(self.first, 1, 1)
        return begins, None if self.last is None else date(self.last + 1, 1, 1)


@dataclass(frozen=True, slots=True)
class HasTerm(_Term):
    """With a link of that kind: `code` or `project`."""

    kind: str

    def __str__(self) -> str:
        return f"has:{self.kind}"


@dataclass(frozen=True, slots=True)
class WithdrawnTerm(_Term):
    """Withdrawn by its authors."""

    def __str__(self) -> str:
        return "is:withdrawn"


@dataclass(frozen=True, slots=True)
class VotesTerm(_Term):
    """By how many readers of this site voted; `sign` is a key of `COMPARISONS`."""

    sign: str
    number: int

    def __str__(self) -> str:
        return f"votes:{'' if self.sign == '=' else self.sign}{self.number}"


@dataclass(frozen=True, slots=True)
class LikeTerm(_Term):
    """Close in meaning to that paper, which is itself left out. Orders by meaning; as a condition it asks nothing."""

    public_id: str
    facet: LikenessFacet | None = None
    """In what it is to be like that paper: the word behind the id, as in `like:2401.00001 method`; None: in all."""

    def __str__(self) -> str:
        return f"like:{_value(self.public_id)}{f' {self.facet}' if self.facet else ''}"


@dataclass(frozen=True, slots=True)
class Not:
    node: Node

    def __str__(self) -> str:
        return f"-{_grouped(self.node)}"


@dataclass(frozen=True, slots=True)
class And:
    nodes: tuple[Node, ...]

    def __str__(self) -> str:
        return " ".join(_behind(before, node) for before, node in zip((None, *self.nodes), self.nodes, strict=False))


@dataclass(frozen=True, slots=True)
class Or:
    nodes: tuple[Node, ...]

    def __str__(self) -> str:
        return " OR ".join(str(node) for node in self.nodes)


TextTerm: TypeAlias = WordTerm | PhraseTerm | TitleTerm
"""What is asked for in words of the papers' texts, which results are ranked by."""
PersonalTerm: TypeAlias = TopicTerm | TagTerm | ListTerm
"""What the same text finds other papers by for another reader."""
Leaf: TypeAlias = (
    TextTerm
    | PersonalTerm
    | AuthorTerm
    | OrganizationTerm
    | CategoryTerm
    | FieldTerm
    | SourceTerm
    | DoiTerm
    | YearTerm
    | AfterTerm
    | BeforeTerm
    | HasTerm
    | WithdrawnTerm
    | VotesTerm
    | LikeTerm
)
Node: TypeAlias = Leaf | Not | And | Or


def all_terms(node: Node) -> Iterator[Leaf]:
    """The terms of a tree in their order, also those behind a minus."""
    match node:
        case And(nodes) | Or(nodes):
            for part in nodes:
                yield from all_terms(part)
        case Not(part):
            yield from all_terms(part)
        case _:
            yield node


def wanted_terms(node: Node) -> Iterator[Leaf]:
    """The terms of a tree in their order, without those behind a minus."""
    match node:
        case And(nodes) | Or(nodes):
            for part in nodes:
                yield from wanted_terms(part)
        case Not():
            pass
        case _:
            yield node


def texts_of(node: Node) -> Iterator[str]:
    """The texts whose words are asked for, also behind a minus, and compounds of words that stand side by side."""
    for term in all_terms(node):
        if isinstance(term, TextTerm | FieldTerm):
            yield term.text
    yield from _pairs_of(node)


def side_by_side(nodes: Sequence[Node]) -> list[tuple[Node, list[str]]]:
    """The parts of an `And`, each with the compounds that it may be a part of: of `image net`, with `image-net`."""
    pairs = [_pair(one, other) for one, other in pairwise(nodes)]
    return [
        (node, [pair for pair in (before, behind) if pair])
        for node, before, behind in zip(nodes, ["", *pairs], [*pairs, ""], strict=True)
    ]


def pair_of_words(one: str, other: str) -> str:
    """Two words as one with a hyphen; empty where papers would not write it."""
    return f"{one}-{other}" if _may_be_part(one) and _may_be_part(other) else ""


def _may_be_part(word: str) -> bool:
    return word.isascii() and word.isalnum() and not word.isdigit()


def _pair(one: Node, other: Node) -> str:
    return pair_of_words(one.text, other.text) if isinstance(one, WordTerm) and isinstance(other, WordTerm) else ""


def _pairs_of(node: Node) -> Iterator[str]:
    match node:
        case And(nodes):
            yield from filter(None, map(_pair, nodes, nodes[1:]))
            for part in nodes:
                yield from _pairs_of(part)
        case Or(nodes):
            for part in nodes:
                yield from _pairs_of(part)
        case Not(part):
            yield from _pairs_of(part)
        case _:
            pass


def is_personal(node: Node) -> bool:
    """Whether the same text finds other papers for another reader: by a tag, topic or list, behind a minus too."""
    return any(isinstance(term, PersonalTerm) for term in all_terms(node))


def first_day_of(text: str, today: date) -> date | None:
    """The first day of what `text` names: a day, a month, a year, `today`, `yesterday`, or `7d`, `2w`, `3m` ago."""
    text = text.lower()
    if text in ("today", "yesterday"):
        return _days_before(today, text == "yesterday")
    if span := _SPAN.fullmatch(text):
        return _days_before(today, int(span[1]) * _SPAN_DAYS[span[2].lower()])
    return parse_day(text) or parse_month(text) or (parse_day(f"{text}-01-01") if _YEAR.fullmatch(text) else None)


def _days_before(day: date, days: int) -> date:
    return max(FIRST_DAY, day - timedelta(days=min(days, (day - FIRST_DAY).days)))


def _value(text: str) -> str:
    """What stands behind a colon; in quotation marks where it would end too early without."""
    return text if re.fullmatch(WORD_PATTERN, text) else f'"{text}"'


def _behind(before: Node | None, node: Node) -> str:
    """A part of several. A word that would be taken for the facet of the example before it stands in brackets."""
    example = before.node if isinstance(before, Not) else before
    is_word = isinstance(node, WordTerm) and node.text in list(LikenessFacet)
    return f"({node})" if is_word and isinstance(example, LikeTerm) and example.facet is None else _grouped(node)


def _grouped(node: Node) -> str:
    return f"({node})" if isinstance(node, And | Or) else str(node)
