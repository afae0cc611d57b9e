"""An OpenAI-compatible endpoint as the model: POST /v1/embeddings.

https://platform.openai.com/docs/api-reference/embeddings, spoken by vLLM, Ollama, llama.cpp, LM Studio and others, too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from django.conf import settings

from papers.outbound.client import Client
from papers.outbound.errors import FetchError, HttpStatusError
from papers.outbound.request import FetchRequest
from papers.services.embeddings.embedder import EmbeddingError, unit_vector
from papers.services.fetching.rate_limiter import build_outbound_client

HOST_GROUP = "embeddings"
# Models read 512 to 8,192 tokens, and most servers refuse more than that instead of cutting it; no abstract is longer.
MAX_CHARACTERS = 6_000
DEADLINE_SECONDS = 60.0
MAX_BYTES = 20_000_000

# These say that the texts are at fault, so that fewer or others may pass.
_OF_TEXTS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY})
_HINTS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "Check BROADSHEET_EMBEDDINGS_KEY.",
    HTTPStatus.FORBIDDEN: "Check BROADSHEET_EMBEDDINGS_KEY.",
    HTTPStatus.NOT_FOUND: "Check BROADSHEET_EMBEDDINGS_URL and BROADSHEET_EMBEDDINGS_MODEL.",
}


class EndpointEmbedder:
    """A model at the address of the settings."""

    batch_size = 32

    def __init__(self, model: str, *, make_client: Callable[[], Client] = build_outbound_client) -> None:
        self._model = model
        self._client = make_client()

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector of length 1 for each text; texts beyond 6,000 characters are cut.

        Not inside a transaction: the host rate limit does not allow it.

        Raises:
            EmbeddingError: the endpoint refused, did not answer, or answered something else.
        """
        body = json.dumps(
            {"model": self._model, "input": [text[:MAX_CHARACTERS] for text in texts], "encoding_format": "float"}
        )
        return _vectors(self._ask(body.encode()), len(texts))

    def _ask(self, body: bytes) -> bytes:
        key = settings.EMBEDDINGS_KEY
        request = FetchRequest(
            url=embeddings_url(settings.EMBEDDINGS_URL),
            group=HOST_GROUP,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            accept="application/json",
            body=body,
            content_type="application/json",
            max_bytes=MAX_BYTES,
            deadline_seconds=DEADLINE_SECONDS,
            idle_seconds=DEADLINE_SECONDS,
        )
        try:
            return self._client.fetch(request).body
        except HttpStatusError as error:
            raise EmbeddingError(
                " ".join(filter(None, [str(error), _HINTS.get(error.status, "")])),
                retry_after_seconds=error.retry_after_seconds,
                is_of_texts=error.status in _OF_TEXTS,
            ) from error
        except FetchError as error:
            raise EmbeddingError(str(error), retry_after_seconds=error.retry_after_seconds) from error


def embeddings_url(url: str) -> str:
    """Where vectors are asked for: `url`, which may end with /embeddings or come without."""
    return url if url.endswith("/embeddings") else f"{url}/embeddings"


def _vectors(body: bytes, count: int) -> list[list[float]]:
    """The vectors of an answer, in the order of the texts.

    Raises:
        EmbeddingError: it is not what the API promises.
    """
    try:
        answer = json.loads(body)
        rows = sorted(answer["data"], key=lambda row: int(row["index"]))
        vectors = [_numbers(row["embedding"]) for row in rows]
        places = [int(row["index"]) for row in rows]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise EmbeddingError("The embeddings endpoint answered something else than vectors.") from error
    if places != list(range(count)):
        raise EmbeddingError(f"The embeddings endpoint answered {len(rows)} vectors for {count} texts.")
    if len({len(vector) for vector in vectors}) > 1:
        raise EmbeddingError("The embeddings endpoint answered vectors of different lengths.")
    return [unit_vector(vector) for vector in vectors]


def _numbers(values: Any) -> list[float]:
    if not isinstance(values, list):
        raise TypeError("not a list")
    return [float(value) for value in values]
