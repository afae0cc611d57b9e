"""The recent papers as the ranker takes them, and the papers that readers like, read some at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta

import numpy as np
from django.db import connection

from papers.ranking.stream import Example, Floats, PaperStream, TermHashes, term_hashes
from papers.services.embeddings.embedder import paper_text
from papers.services.embeddings.model_switch import current_model

WINDOW = timedelta(days=30)
"""How far back suggestions look. What a reader did not take up in a month is no news any more; and so a list costs what
a month of papers costs, however many are stored."""
MAX_PAPERS = 20_000
"""The newest this many, where a month has more; 300 MB in a worker."""
MAX_CACHED_TERMS = 40_000
"""Papers whose terms a worker caches; 40 MB. To find them again is most of the work for a single reader."""
_AT_ONCE = 1_000

_RECENT = """
    SELECT id, extract(epoch FROM %(now)s - listed_at)::float8 / 86400 FROM papers_paper
    WHERE listed_at > %(from)s AND hidden_at IS NULL AND withdrawn_at IS NULL AND NOT is_sample
    ORDER BY listed_at DESC, id DESC LIMIT %(most)s
"""
_VECTORS = """
    SELECT paper.id, paper.changed_at, halfvec_send(known.vector)
    FROM papers_paper paper LEFT JOIN papers_papervector known ON known.paper_id = paper.id AND known.model = %(model)s
    WHERE paper.id = ANY(%(papers)s)
"""
_TEXTS = "SELECT id, changed_at, title, abstract FROM papers_paper WHERE id = ANY(%(papers)s)"

_kept: dict[int, tuple[datetime, TermHashes]] = {}
"""By paper, when it had changed last, and its terms. Of this process."""


class RecentPapers:
    """The papers that may be recommended, as a stream, and the examples that readers like.

    A query for each thousand papers and one more, and as many for the texts that this process has not read.
    """

    def __init__(self, *, now: datetime) -> None:
        model = current_model()
        self._model, self._dimensions = (model.name, model.dimensions) if model else ("", 0)
        with connection.cursor() as cursor:
            cursor.execute(_RECENT, {"now": now, "from": now - WINDOW, "most": MAX_PAPERS})
            ages = {pk: max(age, 0.0) for pk, age in cursor.fetchall()}
        read = {example.paper_id: example for example in self._read(ages)}
        papers = [read[pk] for pk in ages if pk in read]
        self.stream = PaperStream(papers, ages=(ages[paper.paper_id] for paper in papers), dimensions=self._dimensions)
        self._examples = read
        self.names: dict[int, str] = {}
        """How terms are written, as far as reasons have named them."""

    def examples(self, paper_ids: Collection[int]) -> dict[int, Example]:
        """By paper; those that are gone are left out. Read where they are not in the stream."""
        others = [pk for pk in paper_ids if pk not in self._examples]
        found = {pk: self._examples[pk] for pk in paper_ids if pk in self._examples}
        return found | {example.paper_id: example for example in self._read(others)}

    def _read(self, paper_ids: Collection[int]) -> Iterator[Example]:
        ids = list(paper_ids)
        for start in range(0, len(ids), _AT_ONCE):
            with connection.cursor() as cursor:
                cursor.execute(_VECTORS, {"papers": ids[start : start + _AT_ONCE], "model": self._model})
                rows = cursor.fetchall()
            terms = _terms_of({pk: changed_at for pk, changed_at, _ in rows})
            for pk, _, vector in rows:
                if pk in terms:  # it may be gone by now
                    yield Example(pk, terms[pk], self._vector(vector))

    def _vector(self, sent: bytes | None) -> Floats | None:
        """As Postgres sends a halfvec: its length, two empty bytes, its numbers. None if of another length."""
        if sent is None or len(sent) != 4 + 2 * self._dimensions:
            return None
        return np.frombuffer(sent, dtype=">f2", offset=4).astype(np.float32)


def _terms_of(papers: Mapping[int, datetime]) -> dict[int, TermHashes]:
    """The terms of papers that changed last at these moments, read where they are not kept. One query at most."""
    found = {pk: _kept[pk][1] for pk, changed_at in papers.items() if pk in _kept and _kept[pk][0] == changed_at}
    if unread := [pk for pk in papers if pk not in found]:
        with connection.cursor() as cursor:
            cursor.execute(_TEXTS, {"papers": unread})
            rows = cursor.fetchall()
        if len(_kept) + len(rows) > MAX_CACHED_TERMS:
            _kept.clear()
        for pk, changed_at, title, abstract in rows:
            found[pk] = term_hashes(paper_text(title, abstract))
            _kept[pk] = (changed_at, found[pk])
    return found
