"""An OpenAI-compatible endpoint as the model: what is asked, what is believed, how it fails. Real sockets."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from papers.outbound.client import Client
from papers.outbound.host_rate_limit import host_policy_of
from papers.services.embeddings.embedder import EmbeddingError
from papers.services.embeddings.endpoint import MAX_CHARACTERS, EndpointEmbedder, embeddings_url
from tests.support.fake_upstream import NoRateLimit
from tests.support.wire_server import WireServer, wire_server


def answer(body: Any, *, status: str = "200 OK", headers: str = "") -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n{headers}\r\n"
    return head.encode() + content


def vectors(*rows: list[float]) -> dict[str, Any]:
    return {"data": [{"index": place, "embedding": row} for place, row in enumerate(rows)]}


def model(server: WireServer, settings) -> EndpointEmbedder:
    settings.EMBEDDINGS_URL = f"{server.url}v1"
    return EndpointEmbedder(
        "some-model", make_client=lambda: Client(user_agent="x", rate_limiter=NoRateLimit(), allow=[server.host])
    )


def test_texts_are_posted_and_vectors_come_back_in_their_order_with_length_one(settings):
    settings.EMBEDDINGS_KEY = "secret"
    body = {"data": [{"index": 1, "embedding": [0, 2]}, {"index": 0, "embedding": [3, 4]}]}
    with wire_server(answer(body)) as server:
        found = model(server, settings).embed(["first", "x" * 10_000])
        [request] = server.requests
    assert found == [[0.6, 0.8], [0, 1]]
    head, _, sent = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/embeddings HTTP/1.1")
    assert b"authorization: bearer secret" in head.lower()
    assert b"content-type: application/json" in head.lower()
    assert json.loads(sent) == {
        "model": "some-model", "input": ["first", "x" * MAX_CHARACTERS], "encoding_format": "float",
    }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[" * 100_000,
        {"data": "none"},
        {"data": [{"index": 0}]},
        {"data": [{"index": 0, "embedding": "AAAA"}]},
        {"data": [{"index": 0, "embedding": [None]}]},
        b'{"data": [{"index": 0, "embedding": [NaN, 1]}, {"index": 1, "embedding": [1, 1]}]}',
        vectors([1.0], [0.0]),
        vectors([1.0], [1.0, 2.0]),
        vectors([1.0]),
        vectors([], []),
        vectors([1.0] * 4001, [1.0] * 4001),
        {"data": [{"index": 0, "embedding": [1]}, {"index": 0, "embedding": [1]}]},
    ],
)
def test_an_answer_that_is_no_vectors_is_not_believed(settings, body):
    with wire_server(answer(body)) as server, pytest.raises(EmbeddingError):
        model(server, settings).embed(["a", "b"])


def test_too_many_requests_says_when_to_come_again(settings):
    busy = answer({}, status="429 Too Many Requests", headers="Retry-After: 17\r\n")
    with wire_server(busy) as server, pytest.raises(EmbeddingError) as caught:
        model(server, settings).embed(["a"])
    assert caught.value.retry_after_seconds == 17
    assert not caught.value.is_of_texts


def test_a_refused_text_and_a_refused_key_are_told_apart(settings):
    with wire_server(answer({}, status="400 Bad Request")) as server, pytest.raises(EmbeddingError) as caught:
        model(server, settings).embed(["a"])
    assert caught.value.is_of_texts
    with wire_server(answer({}, status="401 Unauthorized")) as server, pytest.raises(EmbeddingError) as caught:
        model(server, settings).embed(["a"])
    assert not caught.value.is_of_texts
    assert "BROADSHEET_EMBEDDINGS_KEY" in str(caught.value)


def test_what_is_posted_is_not_sent_on_to_where_a_redirect_leads(settings):
    moved = answer({}, status="307 Temporary Redirect", headers="Location: /v2/embeddings\r\n")
    with wire_server(moved) as server:
        with pytest.raises(EmbeddingError, match="goes nowhere else"):
            model(server, settings).embed(["a"])
        assert len(server.requests) == 1


def test_a_host_of_ones_own_has_to_be_allowed(settings):
    with wire_server(answer(vectors([1.0]))) as server:
        settings.EMBEDDINGS_URL = server.url
        closed = EndpointEmbedder("m", make_client=lambda: Client(user_agent="x", rate_limiter=NoRateLimit()))
        with pytest.raises(EmbeddingError):
            closed.embed(["a"])
        assert server.requests == []


def test_the_address_may_be_given_with_or_without_its_last_part():
    assert embeddings_url("https://api.example/v1") == "https://api.example/v1/embeddings"
    assert embeddings_url("https://api.example/v1/embeddings") == "https://api.example/v1/embeddings"


def test_batches_are_not_spaced():
    policy = host_policy_of("embeddings")
    assert policy.spacing == 0
    assert math.isclose(policy.blocked_seconds, 60)
