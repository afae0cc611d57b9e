"""What of a paper matched a question, quoted: a sentence of its abstract, or the field that was asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.db import connection

from papers.models.search_index import lexemes_of
from papers.query import nodes
from papers.query.parser import Query
from papers.services.lists.rows import ListRow
from papers.services.search.result_page import IN_ABSTRACT, lexemes_to_highlight
from papers.text.cleaning import plain_formulas
from papers.text.sentences import find_sentences, quoted

_WORD = re.compile(r"[^\W_]+(?:[-‐‑–][^\W_]+)*")
_COLUMNS = {"venue": ("venue", "journal_ref"), "journal": ("journal_ref",), "comment": ("comment",)}
_MAX_FIELD = 120
_TEXTS = "SELECT id, abstract, venue, journal_ref, comment FROM papers_paper WHERE id = ANY(%s)"


def with_quotes(query: Query, rows: Sequence[ListRow]) -> list[ListRow]:
    """The rows, each with the sentence or the field by which it was found. One query, two for words not seen before.

    Takes time in proportion to the length of the abstracts of one page.
    """
    fields = list(dict.fromkeys(term.field for term in query.leaves() if isinstance(term, nodes.FieldTerm)))
    by_abstract = [row.paper_id for row in rows if IN_ABSTRACT in row.reasons]
    if not fields and not by_abstract:
        return list(rows)
    asked = [row.paper_id for row in rows] if fields else by_abstract
    with connection.cursor() as cursor:
        cursor.execute(_TEXTS, [asked])
        papers = {
            pk: {"abstract": abstract, "venue": venue, "journal_ref": journal, "comment": comment}
            for pk, abstract, venue, journal, comment in cursor.fetchall()
        }
    found = _best_sentences({pk: papers[pk]["abstract"] for pk in by_abstract if pk in papers}, query)
    return [_quoting(row, fields, papers.get(row.paper_id, {}), found.get(row.paper_id, "")) for row in rows]


def _quoting(row: ListRow, fields: Sequence[str], paper: Mapping[str, str], sentence: str) -> ListRow:
    reasons = [f"abstract: “{sentence}”" if sentence and each == IN_ABSTRACT else each for each in row.reasons]
    for field in fields:
        text = next((text for column in _COLUMNS[field] if (text := paper.get(column, ""))), "")
        if text:
            text = plain_formulas(text[: 4 * _MAX_FIELD])
            reasons.append(f"{field}: {text if len(text) <= _MAX_FIELD else f'{text[:_MAX_FIELD].rstrip()} …'}")
    return replace(row, reasons=tuple(reasons))


def _best_sentences(abstracts: Mapping[int, str], query: Query) -> dict[int, str]:
    """By paper the first sentence that has the most of the words asked for."""
    wanted = frozenset(lexemes_to_highlight(query)) if abstracts else frozenset()
    if not wanted:
        return {}
    texts = {pk: plain_formulas(abstract) for pk, abstract in abstracts.items()}
    meant = _meaning({word for text in texts.values() for word in _WORD.findall(text)}, wanted)
    return {pk: found for pk, text in texts.items() if (found := _best_sentence(text, meant))}


def _meaning(words: set[str], wanted: frozenset[str]) -> dict[str, frozenset[str]]:
    """By word as written: which of the words asked for it is."""
    beginnings = tuple({lexeme[: max(1, len(lexeme) - 2)] for lexeme in wanted if lexeme})
    likely = {word for word in words if not word.isascii() or word.lower().replace("-", "").startswith(beginnings)}
    parts = {part for word in words if "-" in word for part in word.split("-") if part.lower().startswith(beginnings)}
    forms = lexemes_of(likely | parts)
    found: dict[str, frozenset[str]] = {}
    for word in (*likely, *(word for word in words - likely if "-" in word)):
        known = [forms[each] for each in (word, *word.split("-")) if each in forms]
        if met := wanted & frozenset().union(*(each.shown_words() for each in known)):
            found[word] = met
    return found


def _best_sentence(text: str, meant: Mapping[str, frozenset[str]]) -> str:
    best, most = "", 0
    for sentence in (text[start:end] for start, end in find_sentences(text)):
        hits = [match for match in _WORD.finditer(sentence) if match[0] in meant]
        met = len(frozenset().union(*(meant[match[0]] for match in hits)))
        if met > most:
            best, most = quoted(sentence, hits[0].start(), hits[-1].end()), met
    return best
