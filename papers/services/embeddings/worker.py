"""Embeds what waits, a batch at a time: for the process that serves, and for the command `manage.py embed`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from papers.models import SHIPPED_MODEL
from papers.services.embeddings import backlog, model_switch
from papers.services.embeddings.embedder import Embedder, EmbeddingError, paper_text, prefixed
from papers.services.embeddings.endpoint import EndpointEmbedder
from papers.services.embeddings.shipped import ShippedEmbedder

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EmbeddingBatchResult:
    """How many papers one batch embedded, was refused and took."""

    embedded: int = 0
    refused: int = 0
    """Put off, because the model does not take their texts."""
    taken: int = 0
    """0: nothing waits."""


def load_embedder(name: str) -> Embedder:
    """The model of that name, ready to run.

    Raises:
        EmbeddingError: it cannot run here.
    """
    return ShippedEmbedder() if name == SHIPPED_MODEL else EndpointEmbedder(name)


def document_text(model: str, title: str, abstract: str) -> str:
    """What a model is given of a paper, with what the settings put before it for a model of an endpoint."""
    text = paper_text(title, abstract)
    return text if model == SHIPPED_MODEL else prefixed(text, settings.EMBEDDINGS_DOCUMENT_PREFIX)


def embed_batch(
    model: Embedder, name: str, *, clock: Callable[[], datetime], limit: int | None = None
) -> EmbeddingBatchResult:
    """Embed the newest papers that wait, as many as the model likes to have at once. Not inside a transaction.

    Killed at any moment, it leaves its papers to others after `backlog.LEASE`.

    Raises:
        EmbeddingError: the model is out of order; its papers go back, and what was said is kept for /status.
    """
    leased = backlog.lease_papers(min(model.batch_size, limit or model.batch_size), now=clock())
    if leased is None:
        return EmbeddingBatchResult()
    texts = {paper_id: document_text(name, *parts) for paper_id, parts in leased.texts.items()}
    try:
        vectors, refused = _embed(model, texts)
    except EmbeddingError as error:
        model_switch.record_failure(name, str(error), now=clock())
        raise
    else:
        for paper_id in refused:
            backlog.defer_paper(leased, paper_id, now=clock())
        if vectors:
            model_switch.record_dimensions(name, len(next(iter(vectors.values()))))
        embedded = backlog.store_vectors(leased, name, vectors)
        if embedded:
            model_switch.record_embedded(name, embedded, now=clock())
        return EmbeddingBatchResult(embedded=embedded, refused=len(refused), taken=len(leased.texts))
    finally:
        backlog.release_lease(leased)


def _embed(model: Embedder, texts: Mapping[int, str]) -> tuple[dict[int, Sequence[float]], list[int]]:
    """The vectors by paper, and the papers whose texts the model refuses, found by halves.

    Raises:
        EmbeddingError: it is not about the texts.
    """
    if not texts:
        return {}, []
    try:
        return dict(zip(texts, model.embed(list(texts.values())), strict=True)), []
    except EmbeddingError as error:
        if not error.is_of_texts:
            raise
        if len(texts) == 1:
            logger.warning("A paper could not be embedded: %s", error, extra={"papers": list(texts)})
            return {}, list(texts)
    pairs = list(texts.items())
    middle = len(pairs) // 2
    first, first_refused = _embed(model, dict(pairs[:middle]))
    second, second_refused = _embed(model, dict(pairs[middle:]))
    return first | second, first_refused + second_refused
