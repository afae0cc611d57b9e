"""The recent papers as the ranker takes them, and the papers that readers like, read some at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

import numpy as np
from django.db import connection

from papers.recommend.stream import Example, Floats, Keys, Stream, keys_of
from papers.services.embeddings import current_model
from papers.services.embeddings.base import paper_text

WINDOW = timedelta(days=30)
"""How far back suggestions look. What a reader did not take up in a month is no news any more; and so a list costs what
a month of papers costs, however many are stored."""
MOST_PAPERS = 20_000
"""The newest so many, where a month has more; 300 MB in a worker."""
_AT_ONCE = 1_000

_RECENT = """
    SELECT id, extract(epoch FROM %(now)s - listed_at)::float8 / 86400 FROM papers_paper
    WHERE listed_at > %(from)s AND hidden_at IS NULL AND withdrawn_at IS NULL AND NOT is_sample
    ORDER BY listed_at DESC, id DESC LIMIT %(most)s
"""
_TEXTS = """
    SELECT paper.id, paper.title, paper.abstract, halfvec_send(known.vector)
    FROM papers_paper paper LEFT JOIN papers_papervector known ON known.paper_id = paper.id AND known.model = %(model)s
    WHERE paper.id = ANY(%(papers)s)
"""


class Recent:
    """The stream, and where the examples in it come from. A query for each thousand papers, and one more."""

    def __init__(self, *, now: datetime) -> None:
        model = current_model()
        self._model, self._dimensions = (model.name, model.dimensions) if model else ("", 0)
        with connection.cursor() as cursor:
            cursor.execute(_RECENT, {"now": now, "from": now - WINDOW, "most": MOST_PAPERS})
            ages = {pk: max(age, 0.0) for pk, age in cursor.fetchall()}
        read = {example.paper_id: example for example in self._read(ages)}
        papers = [read[pk] for pk in ages if pk in read]
        self.stream = Stream(papers, ages=(ages[paper.paper_id] for paper in papers), dimensions=self._dimensions)
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
                cursor.execute(_TEXTS, {"papers": ids[start : start + _AT_ONCE], "model": self._model})
                rows = cursor.fetchall()
            for pk, title, abstract, vector in rows:
                yield Example(pk, self._keys(title, abstract), self._vector(vector))

    @staticmethod
    def _keys(title: str, abstract: str) -> Keys:
        return keys_of(paper_text(title, abstract))

    def _vector(self, sent: bytes | None) -> Floats | None:
        """As Postgres sends a halfvec: its length, two empty bytes, its numbers. None if of another length."""
        if sent is None or len(sent) != 4 + 2 * self._dimensions:
            return None
        return np.frombuffer(sent, dtype=">f2", offset=4).astype(np.float32)
