"""A query of the search language as a condition on papers: as much as possible of it one question to one index.

The words of papers, and marks for what else is asked for, stand in `Paper.search_vector`. A query becomes one tsquery,
which the GIN index answers by walking the rarest of its words and skipping through the others, and a filter on columns
for the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import TypeAlias

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.search import SearchQueryField
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, TextField, Value

from papers.models.library import TaggedPaper
from papers.models.search_index import Lexeme, lexemes_of, phrase_tsquery, quote_lexeme
from papers.models.topic import TopicMatch
from papers.models.user import User
from papers.query import parser as language
from papers.query.parser import Node, Query
from papers.text.names import author_key

Lexemes: TypeAlias = Mapping[str, tuple[Lexeme, ...]]

_SIGNS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "=": "exact"}


@dataclass(frozen=True, slots=True)
class QueryCondition:
    """What a paper must fulfil: a tsquery on its search vector and a filter on its columns."""

    tsquery: str = ""
    filter: Q = field(default_factory=Q)

    def as_filter(self) -> Q:
        return Q(vector_matches(self.tsquery)) & self.filter if self.tsquery else self.filter


@dataclass(frozen=True, slots=True)
class QueryContext:
    """Who asks, and when."""

    viewer: User | AnonymousUser | None
    today: date


def compile_query(query: Query, *, viewer: User | AnonymousUser | None = None, today: date) -> QueryCondition | None:
    """What a paper must fulfil; None where the query asks for nothing, as one of stop words alone."""
    if query.root is None:
        return None
    return _compile(query.root, lexemes_of(indexed_texts(query.root)), QueryContext(viewer, today))


def vector_matches(tsquery: str) -> Func:
    """The condition that the search vector of a paper matches a tsquery, given as text."""
    asked = Func(Value(tsquery), template="%(expressions)s::tsquery", output_field=SearchQueryField())
    return Func(F("search_vector"), asked, template="(%(expressions)s)", arg_joiner=" @@ ", output_field=BooleanField())


def indexed_texts(node: Node) -> Iterator[str]:
    """The texts of a query whose words the index decides."""
    match node:
        case language.And(nodes) | language.Or(nodes):
            for part in nodes:
                yield from indexed_texts(part)
        case language.Not(part):
            yield from indexed_texts(part)
        case language.WordTerm(text) | language.PhraseTerm(text) | language.TitleTerm(text):
            yield text


def _compile(node: Node, lexemes: Lexemes, asking: QueryContext) -> QueryCondition | None:
    match node:
        case language.And(nodes):
            return _all([_compile(part, lexemes, asking) for part in nodes])
        case language.Or(nodes):
            return _any([_compile(part, lexemes, asking) for part in nodes])
        case language.Not(part):
            return _not(_compile(part, lexemes, asking))
        case language.WordTerm(text) | language.PhraseTerm(text):
            return _text(phrase_tsquery(lexemes[text]))
        case language.TitleTerm(text):
            return _text(_of_title(lexemes[text]))
    return _of_columns(node, asking)


def _of_columns(node: Node, asking: QueryContext) -> QueryCondition | None:
    match node:
        case language.AuthorTerm(name):
            return _author(author_key(name))
        case language.OrganizationTerm(text):
            return _text(" & ".join(quote_lexeme(f"o:{word}") for word in author_key(text).split()))
        case language.CategoryTerm(_, codes):
            return _text(_either([quote_lexeme(f"c:{code}") for code in codes]))
        case language.AfterTerm(when):
            return QueryCondition(filter=Q(listed_at__gte=_beginning(when.day(asking.today))))
        case language.BeforeTerm(when):
            return QueryCondition(filter=Q(listed_at__lt=_beginning(when.day(asking.today))))
        case language.HasTerm(kind):
            return QueryCondition(filter=Q(links__has_key=kind))
        case language.WithdrawnTerm():
            return QueryCondition(filter=Q(withdrawn_at__isnull=False))
        case language.VotesTerm(sign, number):
            return QueryCondition(filter=Q(**{f"vote_count__{_SIGNS[sign]}": number}))
        case language.TopicTerm(slug):
            return _topic(slug, asking.viewer)
        case language.TagTerm(name):
            return _tag(name, asking.viewer)
    return None  # `like:` orders by meaning and leaves nothing out


def _text(tsquery: str) -> QueryCondition | None:
    return QueryCondition(tsquery=tsquery) if tsquery else None


def _of_title(lexemes: Sequence[Lexeme]) -> str:
    """Marks find the papers by the index, and where several words stand in a row their places decide."""
    marks = " & ".join(quote_lexeme(f"t:{lexeme.word}") for lexeme in lexemes)
    return f"({marks} & {phrase_tsquery(lexemes, 'A')})" if len(lexemes) > 1 else marks


def _author(key: str) -> QueryCondition | None:
    """All the words in one name, next to each other: marks find the papers, the names themselves decide."""
    words = key.split()
    if not words:
        return None
    condition = " & ".join(quote_lexeme(f"a:{word}") for word in words)
    if len(words) == 1:
        return QueryCondition(condition)
    names = Func(
        F("author_keys"), template="' ' || array_to_string(%(expressions)s, ' | ') || ' '", output_field=TextField()
    )
    within = Func(
        names, Value(f"% {key} %"), template="(%(expressions)s)", arg_joiner=" LIKE ", output_field=BooleanField()
    )
    return QueryCondition(condition, Q(within))


def _topic(slug: str, viewer: User | AnonymousUser | None) -> QueryCondition:
    """A topic is curated and for all, or a reader's own and for nobody else."""
    seen = Q(topic__owner=None)
    if isinstance(viewer, User):
        seen |= Q(topic__owner=viewer)
    return QueryCondition(filter=Q(Exists(TopicMatch.objects.filter(seen, paper=OuterRef("pk"), topic__slug=slug))))


def _tag(name: str, viewer: User | AnonymousUser | None) -> QueryCondition:
    if not isinstance(viewer, User):
        return QueryCondition(filter=Q(pk__in=[]))
    tagged = TaggedPaper.objects.filter(paper=OuterRef("pk"), tag__user=viewer, tag__name__iexact=name)
    return QueryCondition(filter=Q(Exists(tagged)))


def _beginning(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


# --- Joining. A part that asks for nothing (None) is left out. ------------------------------------------------------


def _all(parts: Sequence[QueryCondition | None]) -> QueryCondition | None:
    known = [part for part in parts if part is not None]
    if not known:
        return None
    tsqueries = [part.tsquery for part in known if part.tsquery]
    joined = Q()
    for part in known:
        joined &= part.filter
    return QueryCondition(" & ".join(map(_bracketed, tsqueries)), joined)


def _any(parts: Sequence[QueryCondition | None]) -> QueryCondition | None:
    known = [part for part in parts if part is not None]
    if not known:
        return None
    if not any(part.filter for part in known):
        return _text(_either([_bracketed(part.tsquery) for part in known]))
    joined = Q()
    for part in known:
        joined |= part.as_filter()
    return QueryCondition(filter=joined)


def _not(part: QueryCondition | None) -> QueryCondition | None:
    if part is None:
        return None
    return QueryCondition(filter=~part.as_filter()) if part.filter else QueryCondition(f"!({part.tsquery})")


def _bracketed(tsquery: str) -> str:
    return f"({tsquery})" if " " in tsquery else tsquery


def _either(tsqueries: Sequence[str]) -> str:
    return f"({' | '.join(tsqueries)})" if len(tsqueries) > 1 else "".join(tsqueries)
