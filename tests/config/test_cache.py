"""What is in Redis may have been written by anybody: it runs nothing, and breaks no page."""

from __future__ import annotations

import os
import pickle
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.cache import cache

from config.cached_values import CachedValues, NotOursError
from config.redis_cache import ForgivingRedisCache
from papers.services.reading.votes import set_vote
from papers.web.ratelimit import RATE_LIMITS, count_attempt
from tests.support import factories
from tests.support.factories import TODAY
from tests.support.people import anonymous_client

DAY = f"/papers/date/{TODAY}"
PAGES = (DAY, "/", "/search?q=paper", "/trending", "/authors/ada-lovelace", "/subscribe", "/status")


class RunsWhenRead:
    """A pickle of this makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.folder),)


@pytest.fixture
def server() -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    yield client
    client.close()


@pytest.fixture
def prefix(settings: Any) -> Iterator[str]:
    """Django's cache is the one in Redis, with keys of this test's own."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    settings.CACHES = {
        "default": {
            "BACKEND": "config.redis_cache.ForgivingRedisCache",
            "LOCATION": os.environ["REDIS_URL"],
            "KEY_PREFIX": name,
            "TIMEOUT": 60,
        }
    }
    ForgivingRedisCache._away_until = 0.0
    yield name
    assert ForgivingRedisCache._away_until == 0.0, "what somebody wrote looked like a Redis that is away"
    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    for key in client.scan_iter(f"{name}:*"):
        client.delete(key)
    client.close()


def hostile(folder: Path) -> list[Any]:
    nested = b'["' + b"0" * 32 + b'",' + b"[" * 100_000 + b"]" * 100_000 + b"]"
    return [
        pickle.dumps(RunsWhenRead(folder)), b"", b"garbage", b"null", b"5", b"-1", b"9" * 400, b"[1,2,3]",
        b'{"a":1}', b'"text"', b"\xff\xfe", nested,
    ]  # fmt: skip


def overwrite_all(server: redis.Redis, prefix: str, value: bytes) -> int:
    keys = list(server.scan_iter(f"{prefix}:*"))
    for key in keys:
        server.set(key, value, ex=60)
    return len(keys)


@pytest.mark.django_db
def test_what_somebody_else_wrote_runs_nothing_and_breaks_no_page(
    server: redis.Redis, prefix: str, tmp_path: Path, settings: Any
) -> None:
    settings.ANONYMOUS_PAGE_SECONDS = 60
    factories.listing(factories.paper(title="A paper on everything", authors=["Ada Lovelace"]))
    client = anonymous_client()
    right = {path: client.get(path).status_code for path in PAGES}
    assert right[DAY] == 200
    folder = tmp_path / "ran"
    for value in hostile(folder):
        assert overwrite_all(server, prefix, value) > 5
        for path, status in right.items():
            assert client.get(path).status_code == status, (path, value[:40])
        assert b"A paper on everything" in client.get(DAY).content
        assert not folder.exists()


@pytest.mark.django_db
def test_a_key_of_another_type_is_a_miss_too(server: redis.Redis, prefix: str) -> None:
    factories.listing()
    client = anonymous_client()
    client.get(DAY)
    for key in list(server.scan_iter(f"{prefix}:*")):
        server.delete(key)
        server.lpush(key, "x")
    assert client.get(DAY).status_code == 200


@pytest.mark.parametrize("value", [b"garbage", pickle.dumps(3), b"9223372036854775807", b"1.5"])
def test_a_counter_that_is_none_begins_anew(server: redis.Redis, prefix: str, value: bytes) -> None:
    assert count_attempt("vote", "ada")
    (key,) = server.scan_iter(f"{prefix}:*limit:vote*")
    server.set(key, value, ex=60)
    assert [count_attempt("vote", "ada") for _ in range(RATE_LIMITS["vote"].attempts + 3)].count(True) > 1
    assert not count_attempt("vote", "ada")


def test_a_counter_that_would_never_end_begins_anew(server: redis.Redis, prefix: str) -> None:
    """As it is left where a counter ran out between the look whether it is there and the counting."""
    key = f"{prefix}:1:limit:y"
    cache.add("limit:y", 0, 60)
    server.persist(key)
    with pytest.raises(ValueError, match="run out"):
        cache.incr("limit:y")
    assert not server.exists(key)
    cache.add("limit:y", 0, 60)
    assert cache.incr("limit:y") == 1
    assert 0 < server.ttl(key) <= 60


def test_values_come_back(prefix: str) -> None:
    values: dict[str, Any] = {
        "a": None,
        "b": [1, 2.5, "ä\ud800", True],
        "c": {"x": []},
        "d": 7,
        "e": -1,
        "f": "",
        "g": "<b>" * 1000,
    }
    for key, value in values.items():
        cache.set(key, value, 60)
    assert {key: cache.get(key, "missing") for key in values} == values
    cache.set_many(values, 60)
    assert cache.get_many(values) == values
    assert cache.add("a", 1, 60) is False
    assert cache.add("h", (1, 2), 60) is True
    assert cache.get("h") == [1, 2]
    cache.set("limit:x", 4, 60)
    assert (cache.incr("limit:x"), cache.get("limit:x")) == (5, 5)


@pytest.mark.parametrize("value", [object(), b"bytes", {1: 2}, {"a": [{3: 4}]}, float("nan"), {1, 2}])
def test_what_is_not_json_is_refused_where_it_is_written(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        CachedValues("secret", "1.0").write("p:1:key", value)


def test_a_seal_holds_for_one_key_one_release_and_one_secret() -> None:
    stored = CachedValues("secret", "1.0").write("p:1:key", ["x"])
    assert isinstance(stored, bytes)
    assert CachedValues("secret", "1.0").read("p:1:key", stored) == ["x"]
    for values, key in (
        (CachedValues("secret", "1.0"), "p:1:other"),
        (CachedValues("secret", "1.1"), "p:1:key"),
        (CachedValues("other", "1.0"), "p:1:key"),
    ):
        with pytest.raises(NotOursError):
            values.read(key, stored)
    with pytest.raises(NotOursError):
        CachedValues("secret", "1.0").read("p:1:key", stored.replace(b"x", b"y"))


def test_tasks_are_json_too() -> None:
    from config.celery import app

    assert app.conf.accept_content == ["json"]
    assert (app.conf.task_serializer, app.conf.result_serializer, app.conf.event_serializer) == ("json",) * 3
    assert app.conf.result_accept_content in (None, ["json"])


@pytest.mark.django_db
def test_votes_end_a_page_that_is_kept_in_redis(
    prefix: str, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.ANONYMOUS_PAGE_SECONDS = 60
    paper = factories.paper()
    factories.listing(paper)
    first = anonymous_client().get(DAY).content
    assert anonymous_client().get(DAY).content == first
    with django_capture_on_commit_callbacks(execute=True):
        set_vote(user=factories.user(), paper_id=paper.pk, on=True)
    assert anonymous_client().get(DAY).content != first
