"""A query of the search language as a condition on papers: as much as possible of it one question to one index.

The words of papers, and marks for what else is asked for, stand in `Paper.search_vector`. A query becomes one tsquery,
which the GIN index answers by walking the rarest of its words and skipping through the others, and a filter on columns
for the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, assert_never

from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.search import SearchQueryField
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, QuerySet, TextField, Value

from papers.catalogue.source_names import SOURCE_NAMES
from papers.dates import start_of_day
from papers.models.library import TaggedPaper
from papers.models.search_index import lexemes_of
from papers.models.shared_list import SharedList, SharedListPaper
from papers.models.topic import TopicMatch
from papers.models.user import User
from papers.query import nodes
from papers.query.nodes import Leaf, Node, side_by_side, texts_of
from papers.query.parser import Query
from papers.query.spellings import Lexemes
from papers.query.tsquery import (
    any_word,
    either,
    every_word,
    field_marks,
    quote_lexeme,
    text_tsquery,
    title_tsquery,
)
from papers.text.names import author_key

_LOOKUPS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "=": "exact"}
"""Django's names of the signs in `nodes.COMPARISONS`."""


@dataclass(frozen=True, slots=True)
class QueryCondition:
    """What a paper must fulfil: a tsquery on its search vector and a filter on its columns."""

    tsquery: str = ""
    filter: Q = field(default_factory=Q)

    def as_filter(self) -> Q:
        return Q(vector_matches(self.tsquery)) & self.filter if self.tsquery else self.filter


@dataclass(frozen=True, slots=True)
class QueryContext:
    """What a condition depends on beside its text."""

    viewer: User | AnonymousUser | None
    """Whose tags and topics are meant, and who must be allowed to read the lists."""
    today: date
    """The day, in the group's zone, before which spans such as `7d` end."""
    lexemes: Lexemes


def compile_query(query: Query, *, viewer: User | AnonymousUser | None = None, today: date) -> QueryCondition | None:
    """What a paper must fulfil; None where the query asks for nothing, as one of stop words alone."""
    if query.root is None:
        return None
    return _compile(query.root, QueryContext(viewer, today, lexemes_of(texts_of(query.root))))


def vector_matches(tsquery: str) -> Func:
    """The condition that the search vector of a paper matches a tsquery, given as text."""
    asked = Func(Value(tsquery), template="%(expressions)s::tsquery", output_field=SearchQueryField())
    return Func(F("search_vector"), asked, template="(%(expressions)s)", arg_joiner=" @@ ", output_field=BooleanField())


def _compile(node: Node, context: QueryContext) -> QueryCondition | None:
    match node:
        case nodes.And(parts):
            return _all([_compile_beside(part, pairs, context) for part, pairs in side_by_side(parts)])
        case nodes.Or(parts):
            return _any([_compile(part, context) for part in parts])
        case nodes.Not(part):
            return _not(_compile(part, context))
        case _:
            return _compile_term(node, context)


def _compile_beside(part: Node, pairs: Sequence[str], context: QueryContext) -> QueryCondition | None:
    """A part of several; a word also as a part of one that papers write for it and the next."""
    found = _compile(part, context)
    if found is None:
        return None
    whole = [quote_lexeme(word) for pair in pairs if (word := context.lexemes[pair].joined)]
    return _any([found, *map(_text, whole)])


def _compile_term(term: Leaf, context: QueryContext) -> QueryCondition | None:
    match term:
        case nodes.WordTerm(text) | nodes.PhraseTerm(text):
            return _text(text_tsquery(context.lexemes[text].rows))
        case nodes.TitleTerm(text):
            return _text(title_tsquery(context.lexemes[text].rows))
        case nodes.AuthorTerm(name):
            return _author(term, author_key(name))
        case nodes.OrganizationTerm():
            return _text(every_word(term.index_marks))
        case nodes.CategoryTerm():
            return _text(any_word(term.index_marks))
        case nodes.FieldTerm(field, text):
            return _text(either([every_word(marks) for marks in field_marks(field, context.lexemes[text].rows)]))
        case nodes.SourceTerm(name):
            return _source(term, SOURCE_NAMES[name].counts)
        case nodes.DoiTerm(doi):
            named = _rows_of("Identifier").filter(scheme="doi", value=doi)
            return QueryCondition(filter=Q(pk__in=named.values("paper_id")))
        case nodes.YearTerm():
            return _years(*term.days())
        case nodes.AfterTerm(when):
            return QueryCondition(filter=Q(listed_at__gte=start_of_day(when.day(context.today))))
        case nodes.BeforeTerm(when):
            return QueryCondition(filter=Q(listed_at__lt=start_of_day(when.day(context.today))))
        case nodes.HasTerm(kind):
            return QueryCondition(filter=Q(links__has_key=kind))
        case nodes.WithdrawnTerm():
            return QueryCondition(filter=Q(withdrawn_at__isnull=False))
        case nodes.VotesTerm(sign, number):
            return QueryCondition(filter=Q(**{f"vote_count__{_LOOKUPS[sign]}": number}))
        case nodes.TopicTerm(slug):
            return _topic(slug, context.viewer)
        case nodes.TagTerm(name):
            return _tag(name, context.viewer)
        case nodes.ListTerm(slug):
            readable = SharedList.objects.readable_by(context.viewer or AnonymousUser()).filter(slug=slug)
            entries = SharedListPaper.objects.filter(paper=OuterRef("pk"), shared_list__in=readable)
            return QueryCondition(filter=Q(Exists(entries)))
        case nodes.LikeTerm():
            return None  # orders by meaning and leaves nothing out
        case _:
            assert_never(term)


def _text(tsquery: str) -> QueryCondition | None:
    return QueryCondition(tsquery=tsquery) if tsquery else None


def _author(term: nodes.AuthorTerm, key: str) -> QueryCondition | None:
    """All the words in one name, next to each other: marks find the papers, the names themselves decide."""
    condition = every_word(term.index_marks)
    if " " not in key:
        return _text(condition)
    names = Func(
        F("author_keys"), template="' ' || array_to_string(%(expressions)s, ' | ') || ' '", output_field=TextField()
    )
    within = Func(
        names, Value(f"% {key} %"), template="(%(expressions)s)", arg_joiner=" LIKE ", output_field=BooleanField()
    )
    return QueryCondition(condition, Q(within))


def _source(term: nodes.SourceTerm, counts: str) -> QueryCondition:
    if not counts:
        return QueryCondition(any_word(term.index_marks))
    counted = _rows_of("PaperExternalCounts").filter(paper=OuterRef("pk"), source=counts)
    return QueryCondition(filter=Q(Exists(counted)))


def _rows_of(model: str) -> QuerySet[Any]:
    """The rows of a model whose module imports this one."""
    rows: QuerySet[Any] = apps.get_model("papers", model)._default_manager.all()
    return rows


def _years(begins: date | None, ends: date | None) -> QueryCondition:
    condition = Q()
    if begins is not None:
        condition &= Q(listed_at__gte=start_of_day(begins))
    if ends is not None:
        condition &= Q(listed_at__lt=start_of_day(ends))
    return QueryCondition(filter=condition)


def _topic(slug: str, viewer: User | AnonymousUser | None) -> QueryCondition:
    """A topic is curated and for all, or a reader's own and for no other."""
    seen = Q(topic__owner=None)
    if isinstance(viewer, User):
        seen |= Q(topic__owner=viewer)
    return QueryCondition(filter=Q(Exists(TopicMatch.objects.filter(seen, paper=OuterRef("pk"), topic__slug=slug))))


def _tag(name: str, viewer: User | AnonymousUser | None) -> QueryCondition:
    if not isinstance(viewer, User):
        return QueryCondition(filter=Q(pk__in=[]))
    tagged = TaggedPaper.objects.filter(paper=OuterRef("pk"), tag__user=viewer, tag__name__iexact=name)
    return QueryCondition(filter=Q(Exists(tagged)))


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
        return _text(either([_bracketed(part.tsquery) for part in known]))
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
