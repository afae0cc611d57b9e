"""What the search box proposes while somebody types: operators, authors, categories, topics, lists, and own tags.

At most three queries, each along an index or through the short list of topics; what is typed is cut first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from papers.catalogue.categories import Category, archives
from papers.catalogue.source_names import SOURCE_NAMES
from papers.models import SharedList, SuggestedAuthor, Tag, Topic, User
from papers.query import nodes
from papers.query.nodes import Node
from papers.text.names import author_key

MAX_SUGGESTIONS = 8
MAX_CHARS = 200
_EACH = 4
_FEWEST_LETTERS = 2
_MOST_WORDS_OF_NAME = 3

OPERATORS = {
    "author": "papers of an author",
    "title": "a word in the title",
    "cat": "an arXiv category",
    "topic": "the papers of a topic",
    "tag": "one of your tags",
    "list": "a shared list",
    "org": "an organization",
    "year": "a year, or 2023..2025",
    "venue": "a conference or journal",
    "journal": "the journal",
    "comment": "the authors’ comment",
    "source": "where it is from",
    "doi": "the paper with a DOI",
    "after": "since a day",
    "before": "before a day",
    "has": "with code, or a project page",
    "is": "withdrawn",
    "votes": "by number of votes here",
    "like": "similar to a paper; in its method, subject or result",
}
"""What may stand in front of a colon, with what it finds."""
_ALIASES = {"au": "author", "authors": "author", "category": "cat", "conference": "venue"}


@dataclass(frozen=True, slots=True)
class SearchSuggestion:
    """One proposal, and the question that the box holds when it is taken."""

    kind: str
    """What it is, in a word for the reader."""
    label: str
    query: str
    is_unfinished: bool = False
    """Something is still to be typed behind it."""


def suggest(text: str, *, viewer: User | AnonymousUser) -> list[SearchSuggestion]:
    """What the last words of a question may become, at most eight; nothing for an empty one, or a long one.

    Topics, tags and lists are those that the viewer may see.
    """
    text = text.lstrip()
    if not text or len(text) > MAX_CHARS:
        return []
    before, operator, typed = _last_term(text)
    if operator:
        values = islice(_values(operator, typed, viewer), MAX_SUGGESTIONS)
        return [_suggestion(before, kind, label, node) for kind, label, node in values]
    if not typed:
        return []
    names = [_operator(before, name, meaning) for name, meaning in OPERATORS.items() if name.startswith(typed.lower())]
    authors = [_author_of_words(text, author) for author in _authors(_beginnings(text))[:_EACH]]
    if len(typed) < _FEWEST_LETTERS:
        return [*authors, *names][:_EACH]
    others = [*islice(_topics(typed, viewer), _EACH), *islice(_categories(typed), _EACH)]
    proposed = [_suggestion(before, kind, label, node) for kind, label, node in others]
    return [*names[:2], *authors, *proposed][:MAX_SUGGESTIONS]


def _last_term(text: str) -> tuple[str, str, str]:
    """What comes before the term that is typed, its operator or nothing, and its value as far as it is there."""
    head, quote, value = text.rpartition('"')
    if quote and head.count('"') % 2 == 0 and head.endswith(":"):  # within quotation marks
        start = head.rfind(" ") + 1
        before, operator = head[:start], head[start:-1]
    else:
        start = text.rfind(" ") + 1
        before, (operator, colon, value) = text[:start], text[start:].partition(":")
        if not colon:
            return before, "", operator.lstrip("(-")
    sign = operator[: len(operator) - len(operator.lstrip("(-"))]
    operator = operator[len(sign) :].lower()
    return before + sign, _ALIASES.get(operator, operator), value


def _values(operator: str, typed: str, viewer: User | AnonymousUser) -> Iterator[tuple[str, str, Node]]:
    match operator:
        case "author" if len(typed) >= _FEWEST_LETTERS:
            for author in _authors([author_key(typed)]):
                yield "author", author.name, nodes.AuthorTerm(author.name.lower())
        case "cat":
            yield from _categories(typed)
        case "topic":
            yield from _topics(typed, viewer)
        case "source":
            for name in SOURCE_NAMES:
                if name.startswith(typed.lower()):
                    yield "source", name, nodes.SourceTerm(name)
        case "tag" if isinstance(viewer, User):
            for name in Tag.objects.of(viewer).filter(name__istartswith=typed).values_list("name", flat=True):
                yield "tag", name, nodes.TagTerm(name.lower())
        case "list":
            yield from _lists(typed, viewer)
        case _:
            pass


def _beginnings(text: str) -> list[str]:
    """What the last one, two or three words may be the beginning of a name of."""
    words = text.split()[-_MOST_WORDS_OF_NAME:]
    if any(mark in word for word in words for mark in ':"()') or text.endswith(" "):
        words = words[-1:] if not text.endswith(" ") and not any(mark in words[-1] for mark in ':"()') else []
    return [author_key(" ".join(words[place:])) for place in range(len(words))]


def _authors(beginnings: list[str]) -> list[SuggestedAuthor]:
    """Authors whose name begins so, those of the longest beginning first. One query, along the key.

    From three letters on, two of other scripts: with two, one name in twenty begins, and all of them would be sorted.
    """
    beginnings = [each for each in dict.fromkeys(beginnings) if len(each) >= _FEWEST_LETTERS + each.isascii()]
    if not beginnings:
        return []
    asked = Q()
    for each in beginnings:
        asked |= Q(spelling__startswith=each)
    rows = list(SuggestedAuthor.objects.filter(asked).order_by("-papers", "spelling")[: 4 * MAX_SUGGESTIONS])
    rows.sort(key=lambda row: next(place for place, each in enumerate(beginnings) if row.spelling.startswith(each)))
    return list({row.key: row for row in reversed(rows)}.values())[::-1][:MAX_SUGGESTIONS]


def _author_of_words(text: str, author: SuggestedAuthor) -> SearchSuggestion:
    """The author in place of as many of the last words as the name begins with."""
    words = text.split(" ")
    most = min(len(words), _MOST_WORDS_OF_NAME)
    used = next(n for n in range(most, 0, -1) if n == 1 or author.spelling.startswith(author_key(" ".join(words[-n:]))))
    before = "".join(f"{word} " for word in words[:-used])
    return _suggestion(before, "author", author.name, nodes.AuthorTerm(author.name.lower()))


def _topics(typed: str, viewer: User | AnonymousUser) -> Iterator[tuple[str, str, Node]]:
    """The topics that this viewer may see. One query, of a table with a row a topic."""
    named = Q(name__istartswith=typed) | Q(name__icontains=f" {typed}") | Q(slug__startswith=typed.lower())
    rows = Topic.objects.readable_by(viewer).filter(named).order_by("name", "pk").values_list("slug", "name")
    for slug, name in rows[:_EACH]:
        yield "topic", name, nodes.TopicTerm(slug)


def _lists(typed: str, viewer: User | AnonymousUser) -> Iterator[tuple[str, str, Node]]:
    """The shared lists that this viewer may see, those changed last first. One query, of a table with a row a list."""
    named = Q(name__istartswith=typed) | Q(name__icontains=f" {typed}") | Q(slug__startswith=typed.lower())
    rows = SharedList.objects.readable_by(viewer).filter(named).last_changed().values_list("slug", "name")
    for slug, name in rows[:MAX_SUGGESTIONS]:
        yield "list", name, nodes.ListTerm(slug)


def _categories(typed: str) -> Iterator[tuple[str, str, Node]]:
    """Categories by the beginning of their code, then by that of a word of their name. No queries."""
    typed = typed.lower()
    every = [category for archive in archives() for category in archive.categories if category.is_active]
    by_code = [category for category in every if category.code.lower().startswith(typed)]
    by_name = [category for category in every if category not in by_code and _has_word(category, typed)]
    for category in (*by_code, *by_name):
        yield "category", f"{category.code} {category.name}", nodes.CategoryTerm(category.code, (category.code,))


def _has_word(category: Category, beginning: str) -> bool:
    return f" {beginning}" in f" {category.name.lower()}"


def _operator(before: str, name: str, meaning: str) -> SearchSuggestion:
    return SearchSuggestion("operator", f"{name}: {meaning}", f"{before}{name}:", is_unfinished=True)


def _suggestion(before: str, kind: str, label: str, node: Node) -> SearchSuggestion:
    return SearchSuggestion(kind, label, f"{before}{node}")
