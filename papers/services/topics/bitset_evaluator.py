"""Many queries over a few thousand papers at once. Gives what `PaperQuerySet.matching` gives for each of them.

Papers are places in a row of bits. Each term that any query asks for becomes such a row, once, and a query is joined
from the rows of its terms by and, or and not: so ten thousand queries cost little more than their different terms.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import NamedTuple, assert_never

from django.db import connection

from papers.catalogue.source_names import SOURCE_NAMES
from papers.dates import start_of_day
from papers.models import User
from papers.models.search_index import lexemes_of
from papers.models.shared_list import ListAudience
from papers.query import nodes
from papers.query.nodes import FieldTerm, Leaf, Node, TextTerm, all_terms, side_by_side, texts_of
from papers.query.spellings import Lexeme, Row
from papers.query.tsquery import field_marks, title_mark, weights_of
from papers.text.names import author_key

_COLUMNS = """
    SELECT id, listed_at, vote_count, withdrawn_at IS NOT NULL, links ? 'code', links ? 'project', is_sample
    FROM papers_paper WHERE id = ANY(%s) ORDER BY id
"""
_PLACES_OF_WORDS = """
    SELECT word.lexeme, array_agg(asked.place - 1)
    FROM unnest(%s::bigint[]) WITH ORDINALITY AS asked (id, place) JOIN papers_paper USING (id)
    CROSS JOIN LATERAL unnest(search_vector) AS word
    WHERE word.lexeme = ANY(%s)
    GROUP BY word.lexeme
"""
_POSITIONS_OF_WORDS = """
    SELECT word.lexeme, asked.place, word.positions::text, word.weights::text
    FROM unnest(%s::bigint[], %s::int[]) AS asked (id, place) JOIN papers_paper USING (id)
    CROSS JOIN LATERAL unnest(search_vector) AS word
    WHERE word.lexeme = ANY(%s) AND word.positions IS NOT NULL
"""
# A name of several words is one where it stands whole among a paper's names.
_WITH_AUTHOR = """
    SELECT asked.name, array_agg(asked.place)
    FROM unnest(%s::text[], %s::bigint[], %s::int[]) AS asked (name, id, place) JOIN papers_paper USING (id)
    WHERE strpos(' ' || array_to_string(author_keys, ' | ') || ' ', ' ' || asked.name || ' ') > 0
    GROUP BY asked.name
"""
_TAGGED = """
    SELECT asked.name, tag.user_id, array_agg(place - 1)
    FROM unnest(%s::text[]) AS asked (name)
    JOIN papers_tag tag ON upper(tag.name) = upper(asked.name)
    JOIN papers_taggedpaper tagged ON tagged.tag_id = tag.id
    JOIN unnest(%s::bigint[]) WITH ORDINALITY AS paper (id, place) ON paper.id = tagged.paper_id
    GROUP BY asked.name, tag.user_id
"""
_ON_LISTS = """
    SELECT list.slug, list.visibility, list.owner_id,
        ARRAY(SELECT user_id FROM papers_sharedlistmember WHERE shared_list_id = list.id),
        ARRAY(SELECT place - 1 FROM papers_sharedlistpaper entry
            JOIN unnest(%s::bigint[]) WITH ORDINALITY AS paper (id, place) ON paper.id = entry.paper_id
            WHERE entry.shared_list_id = list.id)
    FROM papers_sharedlist list WHERE list.slug = ANY(%s)
"""
_COUNTED_BY = """
    SELECT counts.source, array_agg(asked.place - 1)
    FROM unnest(%s::bigint[]) WITH ORDINALITY AS asked (id, place)
    JOIN papers_paperexternalcounts counts ON counts.paper_id = asked.id
    WHERE counts.source = ANY(%s) GROUP BY counts.source
"""
_WITH_DOI = """
    SELECT named.value, array_agg(asked.place - 1)
    FROM papers_identifier named JOIN unnest(%s::bigint[]) WITH ORDINALITY AS asked (id, place)
        ON asked.id = named.paper_id
    WHERE named.scheme = 'doi' AND named.value = ANY(%s) GROUP BY named.value
"""


class PaperColumns(NamedTuple):
    """What is asked of a paper's own columns."""

    listed_at: datetime
    vote_count: int
    is_withdrawn: bool
    has_code: bool
    has_project: bool
    is_sample: bool


@dataclass(frozen=True, slots=True)
class _Chain:
    """Lexemes that stand in a row: each with its distance from the first."""

    parts: tuple[Lexeme, ...]
    """Their positions count from 0."""
    in_title: bool


class PaperBatch:
    """Some papers, as the database has them when they are first asked for. The place of each is that in `ids`."""

    def __init__(self, ids: Iterable[int]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_COLUMNS, [list(ids)])
            found = cursor.fetchall()
        self.ids: list[int] = [row[0] for row in found]
        self.rows = [PaperColumns(*row[1:]) for row in found]

    @cached_property
    def all(self) -> int:
        """A row of bits with every paper in it."""
        return (1 << len(self.ids)) - 1

    def where(self, holds: Callable[[PaperColumns], bool]) -> int:
        return bits_from_positions([place for place, row in enumerate(self.rows) if holds(row)])

    def among(self, ids: Container[int]) -> int:
        """The places of those of `ids` that are here."""
        return bits_from_positions([place for place, paper_id in enumerate(self.ids) if paper_id in ids])

    def ids_at(self, bits: int) -> list[int]:
        """The ids of the papers in a row of bits."""
        return [self.ids[place] for place in positions_of_bits(bits)]


def bits_from_positions(positions: Sequence[int]) -> int:
    if not positions:
        return 0
    row = bytearray(max(positions) // 8 + 1)
    for place in positions:
        row[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(row, "little")


def positions_of_bits(bits: int) -> Iterator[int]:
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


@dataclass(frozen=True, slots=True)
class ViewerQuery:
    """A query with the reader whose tags and topics it means. Two that are equal have the same papers."""

    root: Node
    viewer_id: int | None = None
    """None where the query names no tag and no topic, so that all readers share the answer."""


class BitsetEvaluator:
    """The terms of `asked` over `papers`; `bits` joins them."""

    def __init__(
        self,
        papers: PaperBatch,
        asked: Iterable[Node],
        *,
        today: date,
        topic_bits: Callable[[str, int | None], int] = lambda _slug, _viewer: 0,
    ) -> None:
        self.papers = papers
        self.today = today
        self._topic_bits = topic_bits
        asked = list(asked)
        terms = list(dict.fromkeys(term for root in asked for term in all_terms(root)))
        self._lexemes = lexemes_of(dict.fromkeys(text for root in asked for text in texts_of(root)))
        self._known: dict[Leaf, int | None] = {}
        self._chains: dict[_Chain, int] = {}
        self._named: dict[str, int] = {}
        self._read(terms)

    def bits(self, asked: ViewerQuery) -> int | None:
        """The papers that fulfil it; None where it asks for nothing, as one of stop words alone."""
        return self._evaluate(asked.root, asked.viewer_id)

    def _evaluate(self, node: Node, viewer: int | None) -> int | None:
        match node:
            case nodes.And(parts):
                joined: int | None = None
                for part, pairs in side_by_side(parts):
                    bits = self._evaluate(part, viewer)
                    if bits is not None:
                        bits |= self._any([self._lexemes[pair].joined for pair in pairs])
                        joined = bits if joined is None else joined & bits
                return joined
            case nodes.Or(parts):
                joined = None
                for part in parts:
                    bits = self._evaluate(part, viewer)
                    if bits is not None:
                        joined = bits if joined is None else joined | bits
                return joined
            case nodes.Not(part):
                bits = self._evaluate(part, viewer)
                return None if bits is None else self.papers.all & ~bits
            case nodes.TagTerm() | nodes.TopicTerm() | nodes.ListTerm():
                return self._evaluate_term(node, viewer)
            case _:
                if node not in self._known:
                    self._known[node] = self._evaluate_term(node, viewer)
                return self._known[node]

    def _evaluate_term(self, term: Leaf, viewer: int | None) -> int | None:
        where = self.papers.where
        match term:
            case nodes.WordTerm(text) | nodes.PhraseTerm(text):
                return self._in_a_row(self._lexemes[text].rows, in_title=False)
            case nodes.TitleTerm(text):
                return self._in_a_row(self._lexemes[text].rows, in_title=True)
            case nodes.AuthorTerm(name):
                return self._author(term, author_key(name))
            case nodes.OrganizationTerm():
                return self._every(term.index_marks)
            case nodes.CategoryTerm():
                return self._any(term.index_marks)
            case nodes.FieldTerm(field, text):
                return self._in_field(field_marks(field, self._lexemes[text].rows))
            case nodes.SourceTerm(name):
                counts = SOURCE_NAMES[name].counts
                return self._counted.get(counts, 0) if counts else self._any(term.index_marks)
            case nodes.DoiTerm(doi):
                return self._with_doi.get(doi, 0)
            case nodes.YearTerm():
                begins, ends = (day and start_of_day(day) for day in term.days())
                return where(lambda row: (not begins or row.listed_at >= begins) and (not ends or row.listed_at < ends))
            case nodes.AfterTerm(when):
                first = start_of_day(when.day(self.today))
                return where(lambda row: row.listed_at >= first)
            case nodes.BeforeTerm(when):
                end = start_of_day(when.day(self.today))
                return where(lambda row: row.listed_at < end)
            case nodes.HasTerm(kind):
                return where(lambda row: row.has_code if kind == "code" else row.has_project)
            case nodes.WithdrawnTerm():
                return where(lambda row: row.is_withdrawn)
            case nodes.VotesTerm(sign, number):
                return where(lambda row: nodes.COMPARISONS[sign](row.vote_count, number))
            case nodes.TopicTerm(slug):
                return self._topic_bits(slug, viewer)
            case nodes.TagTerm(name):
                return self._tags.get((name, viewer), 0)
            case nodes.ListTerm(slug):
                return self._on_list(slug, viewer)
            case nodes.LikeTerm():
                return None  # orders by meaning and leaves nothing out
            case _:
                assert_never(term)

    def _on_list(self, slug: str, viewer: int | None) -> int:
        """The papers on a list that this reader may see."""
        bits, audience = self._lists.get(slug, (0, None))
        return bits if audience and audience.includes(viewer, curates=viewer in self._curators) else 0

    # --- Words ------------------------------------------------------------------------------------------------------

    def _in_a_row(self, rows: Sequence[Row], *, in_title: bool) -> int | None:
        """The papers that have a text in any of its spellings."""
        if not rows:
            return None
        bits = 0
        for row in rows:
            if len(row) > 1:
                bits |= self._chains.get(_chain(row, in_title=in_title), 0)
            else:
                bits |= self._words.get(title_mark(row[0].word) if in_title else row[0].word, 0)
        return bits

    def _every(self, words: Sequence[str]) -> int | None:
        if not words:
            return None
        bits = self.papers.all
        for word in words:
            bits &= self._words.get(word, 0)
        return bits

    def _in_field(self, ways: Sequence[Sequence[str]]) -> int | None:
        """The papers that have all marks of any of these."""
        if not ways:
            return None
        bits = 0
        for marks in ways:
            bits |= self._every(marks) or 0
        return bits

    def _any(self, words: Sequence[str]) -> int:
        bits = 0
        for word in words:
            bits |= self._words.get(word, 0)
        return bits

    def _author(self, term: nodes.AuthorTerm, key: str) -> int | None:
        return self._named.get(key, 0) if " " in key else self._every(term.index_marks)

    # --- Reading ----------------------------------------------------------------------------------------------------

    def _read(self, terms: Sequence[Leaf]) -> None:
        texts = [term for term in terms if isinstance(term, TextTerm)]
        chains = dict.fromkeys(chain for term in texts for chain in self._chains_of(term))
        words = {word for term in texts for word in self._words_of(term)}
        words.update(word for chain in chains for word, *_ in chain.parts)
        words.update(word for forms in self._lexemes.values() if (word := forms.joined))
        words.update(mark for term in terms for mark in term.index_marks)
        for term in terms:
            if isinstance(term, FieldTerm):
                words.update(*field_marks(term.field, self._lexemes[term.text].rows))
        names = sorted({term.name for term in terms if isinstance(term, nodes.TagTerm)})
        self._words: dict[str, int] = {}
        self._tags: dict[tuple[str, int | None], int] = {}
        with connection.cursor() as cursor:
            cursor.execute(_PLACES_OF_WORDS, [self.papers.ids, list(words)])
            for word, places in cursor.fetchall():
                self._words[word] = bits_from_positions(places)
            if names:
                cursor.execute(_TAGGED, [names, self.papers.ids])
                for name, user_id, places in cursor.fetchall():
                    self._tags[name, user_id] = bits_from_positions(places)
        counts = {SOURCE_NAMES[term.name].counts for term in terms if isinstance(term, nodes.SourceTerm)} - {""}
        self._counted = self._named_places(_COUNTED_BY, sorted(counts))
        dois = {term.doi for term in terms if isinstance(term, nodes.DoiTerm)}
        self._with_doi = self._named_places(_WITH_DOI, sorted(dois))
        self._read_lists(sorted({term.slug for term in terms if isinstance(term, nodes.ListTerm)}))
        self._read_chains(chains)
        self._read_authors([term for term in terms if isinstance(term, nodes.AuthorTerm)])

    def _named_places(self, statement: str, names: Sequence[str]) -> dict[str, int]:
        """By name: the papers that a statement gives for it."""
        if not names:
            return {}
        with connection.cursor() as cursor:
            cursor.execute(statement, [self.papers.ids, list(names)])
            return {name: bits_from_positions(places) for name, places in cursor.fetchall()}

    def _read_lists(self, slugs: list[str]) -> None:
        """What is on the lists that are asked for, and who may see it."""
        self._lists: dict[str, tuple[int, ListAudience]] = {}
        self._curators: frozenset[int] = frozenset()
        if not slugs:
            return
        with connection.cursor() as cursor:
            cursor.execute(_ON_LISTS, [self.papers.ids, slugs])
            for slug, visibility, owner_id, named, places in cursor.fetchall():
                audience = ListAudience(visibility, owner_id, frozenset(named))
                self._lists[slug] = bits_from_positions(places), audience
        self._curators = frozenset(User.objects.filter(is_curator=True).values_list("pk", flat=True))

    def _words_of(self, term: TextTerm) -> Iterator[str]:
        is_title = isinstance(term, nodes.TitleTerm)
        return (title_mark(word) if is_title else word for word in self._lexemes[term.text].words)

    def _chains_of(self, term: TextTerm) -> Iterator[_Chain]:
        is_title = isinstance(term, nodes.TitleTerm)
        return (_chain(row, in_title=is_title) for row in self._lexemes[term.text].rows if len(row) > 1)

    def _read_authors(self, terms: Iterable[nodes.AuthorTerm]) -> None:
        """Where all words of a name are in a paper, the names themselves decide."""
        names: list[str] = []
        places: list[int] = []
        for key, term in {author_key(term.name): term for term in terms}.items():
            found = list(positions_of_bits(self._every(term.index_marks) or 0)) if " " in key else []
            places += found
            names += [key] * len(found)
        if names:
            with connection.cursor() as cursor:
                cursor.execute(_WITH_AUTHOR, [names, [self.papers.ids[place] for place in places], places])
                for name, found in cursor.fetchall():
                    self._named[name] = bits_from_positions(found)

    def _read_chains(self, chains: Iterable[_Chain]) -> None:
        """Where all lexemes of a chain are in a paper, their positions decide."""
        asked: dict[_Chain, int] = {}
        for chain in chains:
            bits = self.papers.all
            for word, *_ in chain.parts:
                bits &= self._words.get(word, 0)
            if bits:
                asked[chain] = bits
        if not asked:
            return
        positions = self._positions(asked)
        for chain, bits in asked.items():
            self._chains[chain] = bits_from_positions(
                [place for place in positions_of_bits(bits) if positions.has(chain, place)]
            )

    def _positions(self, asked: Mapping[_Chain, int]) -> _Positions:
        somewhere = 0
        for bits in asked.values():
            somewhere |= bits
        words = {word for chain in asked for word, *_ in chain.parts}
        found = _Positions()
        with connection.cursor() as cursor:
            cursor.execute(
                _POSITIONS_OF_WORDS, [self.papers.ids_at(somewhere), list(positions_of_bits(somewhere)), list(words)]
            )
            for word, place, positions, weights in cursor.fetchall():
                found.texts[place][word] = (positions, weights)
        return found


class _Positions:
    """Where words stand in papers; read of Postgres' text only when it is asked for."""

    def __init__(self) -> None:
        self.texts: dict[int, dict[str, tuple[str, str]]] = defaultdict(dict)
        self._read: dict[tuple[int, str, str], int] = {}

    def has(self, chain: _Chain, place: int) -> bool:
        starts = -1
        for lexeme in chain.parts:
            weights = weights_of(lexeme, in_title=chain.in_title)
            starts &= self._of(place, lexeme.word, weights) >> lexeme.position
            if not starts:
                return False
        return True

    def _of(self, place: int, word: str, allowed: str) -> int:
        """The positions of a word in a paper that have one of these weights, as bits; all where none are named."""
        key = (place, word, allowed)
        if key not in self._read:
            positions, weights = self.texts[place].get(word, ("{}", "{}"))
            bits = 0
            for position, weight in zip(positions[1:-1].split(","), weights[1:-1].split(","), strict=True):
                if position and (not allowed or weight in allowed):
                    bits |= 1 << int(position)
            self._read[key] = bits
        return self._read[key]


def _chain(lexemes: Row, *, in_title: bool) -> _Chain:
    first = lexemes[0].position
    return _Chain(tuple(lexeme._replace(position=lexeme.position - first) for lexeme in lexemes), in_title)
