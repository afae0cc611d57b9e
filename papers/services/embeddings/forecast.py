"""What embedding all papers with a model would take: time, disk, and how many requests. Nothing is stored."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from papers.models import EmbeddingModel, Paper, PaperVector
from papers.services.embeddings.embedder import Embedder
from papers.services.embeddings.worker import document_text

SAMPLE_BATCHES = 4
_BYTES_PER_NUMBER = 2
# Of a row of the table: head, key, name of the model, and its places in two indexes of keys.
_ROW_BYTES = 130
# Of a row of the HNSW index beside its vector: 16 neighbours on the lowest level are twice that, and levels above.
_INDEX_BYTES = 330


@dataclass(frozen=True, slots=True)
class EmbeddingForecast:
    """What it would take. Sizes are of table and index together, while vectors of an older model are still there."""

    papers: int
    """All papers that are to be embedded."""
    sampled: int
    seconds_each: float
    """For one paper, in one thread, as just measured."""
    dimensions: int
    characters_each: int

    def seconds(self, threads: int) -> float:
        """For all, if so many threads are as fast as one each."""
        return self.papers * self.seconds_each / max(threads, 1)

    @property
    def bytes(self) -> int:
        """Disk, roughly: vectors are kept in half precision, once in the table and once in the index."""
        return self.papers * (2 * self.dimensions * _BYTES_PER_NUMBER + _ROW_BYTES + _INDEX_BYTES)


def forecast_embedding(
    model: Embedder, row: EmbeddingModel, *, all_papers: bool = False, clock: Callable[[], float] = time.monotonic
) -> EmbeddingForecast | None:
    """Embed some of the newest papers and throw the vectors away; None where there is no paper. Not in a transaction.

    `all_papers`: also those that have a vector of this model.

    Raises:
        EmbeddingError: the model is out of order.
    """
    papers = Paper.objects.count()
    if not all_papers:
        papers = max(0, papers - PaperVector.objects.filter(model=row.name).count())
    newest = Paper.objects.newest().values_list("title", "abstract")[: SAMPLE_BATCHES * model.batch_size]
    texts = [document_text(row.name, *parts) for parts in newest]
    if not texts:
        return None
    model.embed(texts[:1])  # the first one wakes it
    started = clock()
    vectors = [
        vector
        for start in range(0, len(texts), model.batch_size)
        for vector in model.embed(texts[start : start + model.batch_size])
    ]
    return EmbeddingForecast(
        papers=papers,
        sampled=len(texts),
        seconds_each=max(0.0, clock() - started) / len(texts),
        dimensions=len(vectors[0]),
        characters_each=sum(map(len, texts)) // len(texts),
    )
