"""A model for tests that knows how often each letter occurs, and ways to run it."""

from __future__ import annotations

from collections.abc import Sequence

from papers.models import SHIPPED_DIMENSIONS, EmbeddingModel
from papers.services.embeddings import model_switch, worker
from papers.services.embeddings.embedder import EmbeddingError, unit_vector
from tests.support import factories


class LetterModel:
    """As many dimensions as the shipped model; the first 26 count letters, another one is never 0."""

    batch_size = 16

    def __init__(self, *, refuses: str = "", is_broken: bool = False, dimensions: int = SHIPPED_DIMENSIONS) -> None:
        self._refuses = refuses
        self._is_broken = is_broken
        self._dimensions = dimensions

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        if self._is_broken:
            raise EmbeddingError("The letters are gone.")
        if self._refuses and any(self._refuses in text for text in texts):
            raise EmbeddingError("Not this text.", is_of_texts=True)
        return [unit_vector(self._counts(text)) for text in texts]

    def _counts(self, text: str) -> list[float]:
        counts = [0.0] * self._dimensions
        counts[self._dimensions - 1] = 0.1
        for letter in text.lower():
            if "a" <= letter <= "z":
                counts[(ord(letter) - ord("a")) % (self._dimensions - 1)] += 1
        return counts


def embed_all(model: LetterModel | None = None) -> int:
    """Embed all that waits with the wanted model's name; how many papers."""
    name = EmbeddingModel.objects.get(is_target=True).name
    total = 0
    while (done := worker.embed_batch(model or LetterModel(), name, clock=lambda: factories.NOW)).taken:
        total += done.embedded
    model_switch.invalidate_current_model()
    return total
