"""What turns texts into vectors: a shape that the shipped model and an endpoint both have, and how it fails."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

Vector = Sequence[float]

# halfvec takes more, an HNSW index of it does not. https://github.com/pgvector/pgvector#half-precision-vectors
MAX_DIMENSIONS = 4000


class EmbeddingError(Exception):
    """No vectors came. The message says what happened and what to do about it.

    `retry_after_seconds` is set where it is known when to try again; `is_of_texts` where these very texts were refused.
    """

    def __init__(self, message: str, *, retry_after_seconds: float | None = None, is_of_texts: bool = False) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.is_of_texts = is_of_texts


class Embedder(Protocol):
    """A model that is ready to run. Many threads may use it at once."""

    batch_size: int
    """How many texts it is best given at a time."""

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector of length 1 for each text.

        Raises:
            EmbeddingError: the model or its endpoint gave no vectors.
        """


def paper_text(title: str, abstract: str) -> str:
    """What is embedded of a paper."""
    return f"{title}\n{abstract}"


def prefixed(text: str, prefix: str) -> str:
    r"""A text as a model wants it that was trained with words before it; `\n` in the setting is a new line.

    Settings lose the space at their end, so one is put between, but for a prefix of several lines, which is a template.
    """
    if not prefix:
        return text
    prefix = prefix.replace(r"\n", "\n")
    return f"{prefix}{text}" if "\n" in prefix else f"{prefix} {text}"


def unit_vector(vector: Vector) -> list[float]:
    """A vector scaled, so that half precision keeps as much of every model.

    Raises:
        EmbeddingError: it has no direction, or too many dimensions for an index.
    """
    if not 0 < len(vector) <= MAX_DIMENSIONS:
        raise EmbeddingError(f"The model gives vectors of {len(vector)} dimensions; 1 to {MAX_DIMENSIONS} can be kept.")
    length = math.sqrt(sum(value * value for value in vector))
    if not math.isfinite(length) or length == 0:
        raise EmbeddingError("The model gave a vector without a direction.")
    return [value / length for value in vector]
