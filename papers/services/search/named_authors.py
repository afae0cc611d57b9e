"""Authors whom a search names: those that lead the page, and those for whose name a paper is among the results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from django.db.models import Q

from papers.catalogue.json_columns import AuthorRow
from papers.models import Paper, SuggestedAuthor, WordCount
from papers.models.paper import PaperQuerySet
from papers.models.search_index import lexemes_of
from papers.query import nodes
from papers.query.parser import Query
from papers.query.tsquery import author_marks
from papers.services.authors.lookup import AuthorMovedError, Contributor, ContributorNotFoundError, find_author, slug_of
from papers.services.ingest.clean_record import author_index_key
from papers.services.search.result_count import COUNTED
from papers.text.names import (
    PARTICLES,
    author_key,
    contracted_keys,
    in_order_of_speech,
    is_initial,
    transcribed_key,
)

MAX_LEADS = 3
_MOST_WORDS = 5
_MOST_CHARS = 100
_MOST_PAPERS = 200
_MOST_OF_FAMILY = 24


@dataclass(frozen=True, slots=True)
class AuthorLead:
    """An author whom a question names, with the way to their page."""

    name: str
    address: str
    paper_count: int
    """At most `COUNTED` + 1, which stands for more."""

    @property
    def is_more(self) -> bool:
        return self.paper_count > COUNTED


@dataclass(frozen=True, slots=True)
class NamedAuthor:
    """An author of a paper, as the index and as the paper have the name."""

    key: str
    name: str


def asked_names(query: Query) -> list[str]:
    """The names in a question: those behind `author:`, else all its words as one name. Without any query."""
    required = query.required()
    behind = [part.name for part in required if isinstance(part, nodes.AuthorTerm)]
    if behind:
        return behind
    plain = [part for part in required if isinstance(part, nodes.WordTerm | nodes.PhraseTerm)]
    text = " ".join(part.text for part in plain)
    if len(plain) < len(required) or len(text) > _MOST_CHARS or not 0 < len(text.split()) <= _MOST_WORDS:
        return []
    if is_initial(author_key(text)):
        return []
    return [text]


def find_leads(
    query: Query, on_page: Mapping[int, Sequence[NamedAuthor]], *, has_whole_name: bool = True
) -> list[AuthorLead]:
    """The authors whom the question names, at most three: by a whole name, else those of most papers by a part of one.

    `has_whole_name`: there may be papers of an author whose whole name it is; where it is known that there are none,
    nobody asks again. No query then, nor for another question one; two or three for each author who is found. To be
    called within `statement_timeout`. A single word that is oftener a name than a word of a text leads to those of
    most papers who have it; else, and where authors have not been counted yet, it leads to those `on_page`.
    """
    names = asked_names(query)
    found = [known for name in names[:MAX_LEADS] if has_whole_name and (known := _known_name(name))]
    for name in names[:MAX_LEADS]:
        found += _by_initials(name)
        if has_whole_name:
            found += _by_other_spelling(name) or _by_particles(name)
    if not found and any(len(author_key(name).split()) == 1 for name in names):
        seen = Counter(author for authors in on_page.values() for author in authors)
        found = [author for name in names[:1] for author in _by_one_word(name)]
        found += [author for author, _ in seen.most_common(MAX_LEADS)]
    different = {author.key: author for author in found}
    return [lead for author in islice(different.values(), MAX_LEADS) if (lead := _lead(author))]


def papers_by_whole_name(query: Query, among: PaperQuerySet) -> list[int]:
    """The keys of the newest papers of an author whose whole name, or its initials, are all that is asked for.

    So too with a family's name that has particles, and with a name as it is typed without its umlauts. One query, and
    one more for each of these, if it may be a name.
    """
    if any(isinstance(part, nodes.AuthorTerm) for part in query.required()):
        return []  # a condition already
    names = asked_names(query)
    keys = set().union(*map(_whole_name_keys, names))
    for name in names:
        others = (*_by_initials(name), *(_by_other_spelling(name) or _by_particles(name)))
        keys.update(each.key for each in others)
    found = among.filter(author_keys__overlap=sorted(keys)).newest_sorted() if keys else among.none()
    return list(found.values_list("pk", flat=True)[:_MOST_PAPERS])


def _whole_name_keys(name: str) -> set[str]:
    """What the index has of a name in the orders in which it may be typed; nothing of a single word."""
    key = author_index_key(name)
    words = key.split()
    if len(words) < 2:
        return set()
    turned = {" ".join([*words[1:], words[0]]), " ".join([words[-1], *words[:-1]])}
    return {key, author_index_key(in_order_of_speech(name)), *turned}


def _known_name(name: str) -> NamedAuthor | None:
    """Whose whole name this is, as typed or with the family's first. One query, by `paper_author_keys`."""
    keys = _whole_name_keys(name)
    if not keys:
        return None
    found = Paper.objects.visible().filter(author_keys__overlap=sorted(keys)).values_list("authors", flat=True)[:1]
    for authors in found:
        for author in authors:
            if (each := author_index_key(author["name"])) in keys:
                return NamedAuthor(each, author["name"])
    return None


def _by_initials(name: str) -> list[NamedAuthor]:
    """Authors of many papers whose given names begin so: of `G. E. Hinton` and `Hinton, G.`. One query, along the key.

    A full stop or a comma says that a letter is an initial: `x ray` is none.
    """
    words = author_key(name).split()
    if "." not in name and "," not in name:
        return []
    words.sort(key=lambda word: len(word) > 1)  # "hinton g." has the family's name first
    given = [word for word in words if len(word) == 1]
    family = words[len(given) :]
    if not given or not family or any(len(word) == 1 for word in family):
        return []
    rows = SuggestedAuthor.objects.filter(spelling__startswith=f"{' '.join(family)} {given[0]}")
    ranked = rows.order_by("-papers", "spelling")[: 4 * MAX_LEADS]
    fitting = [NamedAuthor(row.key, row.name) for row in ranked if _fits(row.key.split(), given, family)]
    return fitting[:MAX_LEADS]


def _by_other_spelling(name: str) -> list[NamedAuthor]:
    """Authors of many papers whose name is typed so where there is no ü, or is so transcribed on papers of their own:
    `mueller` for Müller and Mueller, `müller` for Mueller too. One query, along the key, where there are such letters.

    Of a single word all who have it, where one of them writes it otherwise. Where umlauts were typed, those who write
    them come first.
    """
    key, asked = author_key(name), _other_keys(name)
    if not asked:
        return []
    typed = _words_of(name)
    rows = _beginning_with([*asked, key])
    if not name.isascii():
        rows.sort(key=lambda row: name.lower() not in row.name.lower())
    different = {row.key for row in rows if not _begins(row.spelling, key) and typed <= _words_of(row.name)}
    return [NamedAuthor(row.key, row.name) for row in rows if different and typed <= _words_of(row.name)]


def _other_keys(name: str) -> list[str]:
    """The keys under which it may be, if it was typed without its umlauts, or is by somebody who writes none."""
    key, transcribed = author_key(name), transcribed_key(name)
    if len(key) > _MOST_CHARS:
        return []
    return [*contracted_keys(key), *([transcribed] if transcribed != key else [])]


def _words_of(name: str) -> set[str]:
    return {*transcribed_key(name).split()}


def _by_particles(name: str) -> list[NamedAuthor]:
    """Authors of many papers with a family's name such as `van der schaar`. One query, along the key, if it is one."""
    key = author_key(name)
    if len(key) > _MOST_CHARS or " " not in key or key.split()[0] not in PARTICLES or key.split()[-1] in PARTICLES:
        return []
    return [NamedAuthor(row.key, row.name) for row in _beginning_with([key])]


def _by_one_word(name: str) -> list[NamedAuthor]:
    """Authors of most papers with a word in their names, where it is a name oftener than a word. Two queries then."""
    key = author_key(name)
    (mark,) = author_marks(key) if key and " " not in key and len(key) <= _MOST_CHARS else ("",)
    if not mark or is_initial(key):
        return []
    lexemes = [lexeme.word for lexeme in lexemes_of([name])[name].row]
    counts = dict(WordCount.objects.filter(word__in=[mark, *lexemes]).values_list("word", "papers"))
    if not lexemes or counts.get(mark, 0) < max(1, min(counts.get(word, 0) for word in lexemes)):
        return []
    return [NamedAuthor(row.key, row.name) for row in _beginning_with([key])[:MAX_LEADS]]


def _beginning_with(keys: Sequence[str]) -> list[SuggestedAuthor]:
    """Authors whose names, in some order, begin with the words of one of these keys, those of most papers first."""
    asked = Q()
    for key in keys:
        asked |= Q(spelling=key) | Q(spelling__startswith=f"{key} ")
    rows = SuggestedAuthor.objects.filter(asked).order_by("-papers", "spelling")[:_MOST_OF_FAMILY]
    return list({row.key: row for row in reversed(rows)}.values())[::-1]


def _begins(spelling: str, key: str) -> bool:
    return f"{spelling} ".startswith(f"{key} ")


def _fits(key: Sequence[str], given: Sequence[str], family: Sequence[str]) -> bool:
    known = key[: -len(family)]
    return (
        list(key[-len(family) :]) == list(family)
        and bool(known)
        and all(word.startswith(initial) for word, initial in zip(known, given, strict=False))
    )


def _lead(author: NamedAuthor) -> AuthorLead | None:
    contributor = _contributor(author.key)
    if contributor is None:
        return None
    count = len(contributor.papers().values_list("pk", flat=True)[: COUNTED + 1])
    name = contributor.name or author.name
    return AuthorLead(name, contributor.get_absolute_url(), count) if count else None


def _contributor(key: str) -> Contributor | None:
    try:
        return find_author(slug_of(key))
    except AuthorMovedError as moved:
        return find_author(slug_of(moved.key))
    except ContributorNotFoundError:
        return None


def matching_authors(query: Query, paper_ids: Collection[int]) -> dict[int, tuple[NamedAuthor, ...]]:
    """By paper: its authors whose names have the most of the words asked for, at most two. One query, if any are asked.

    Keys, which need no folding any more, say which papers and which names are worth reading.
    """
    names = asked_names(query)
    asked = [frozenset(author_key(name).split()) for name in names]
    words: frozenset[str] = frozenset().union(*asked)
    others = frozenset(word for name in names for key in _other_keys(name) for word in key.split())
    if not words or not paper_ids:
        return {}
    rows = Paper.objects.filter(pk__in=paper_ids).values_list("pk", "author_keys", "authors")
    return {
        pk: found
        for pk, keys, authors in rows
        if (found := _best_names(words, keys, authors) or _best_names(others, keys, authors))
    }


def _best_names(words: frozenset[str], keys: Sequence[str], authors: Sequence[AuthorRow]) -> tuple[NamedAuthor, ...]:
    scored = [(score, key) for key in keys if (score := len(words.intersection(key.split())))]
    most = max((score for score, _ in scored), default=0)
    best = [key for score, key in scored if score == most][:2]
    return tuple(NamedAuthor(key, _name_of(key, authors[keys.index(key) :])) for key in best)


def _name_of(key: str, authors: Sequence[AuthorRow]) -> str:
    """The name as the paper has it: authors stand in the order of their keys, but some have none of their own."""
    return next((author["name"] for author in authors if author_index_key(author["name"]) == key), key.title())
