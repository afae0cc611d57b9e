"""The cache in Redis, which may be lost at any time: then pages are slower, and nothing else."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import redis
from django.conf import settings
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from django.utils.functional import cached_property
from redis.exceptions import RedisError, ResponseError

from config.cached_values import CachedValues, NotOursError

logger = logging.getLogger(__name__)
T = TypeVar("T")

# After a failure Redis is left alone for this long, so that a page does not wait for it once a card.
PAUSE_SECONDS = 5.0
# What Redis says of a value that it cannot count on.
_NOT_A_COUNTER = ("WRONGTYPE", "value is not an integer", "increment or decrement would overflow")


class _OneClient(RedisCacheClient):
    """Keeps one client, and reads only values that we wrote.

    Django makes a client for each command, which takes longer than the command; and it reads pickles, which run.
    """

    _kept: redis.Redis | None = None

    @cached_property
    def _values(self) -> CachedValues:
        return CachedValues(settings.SECRET_KEY, settings.VERSION)

    def get_client(self, key: Any = None, *, write: bool = False) -> redis.Redis:
        if self._kept is None:
            self._kept = super().get_client(key, write=write)
        return self._kept

    def get(self, key: Any, default: Any) -> Any:
        return self.get_many([key]).get(key, default)

    def get_many(self, keys: Iterable[Any]) -> dict[Any, Any]:
        names = list(keys)
        found: dict[Any, Any] = {}
        for name, stored in zip(names, self.get_client().mget(names), strict=True):  # of another type: nil
            if isinstance(stored, bytes):
                with suppress(NotOursError):
                    found[name] = self._values.read(name, stored)
        return found

    def set(self, key: Any, value: Any, timeout: Any) -> None:
        self.get_client(key, write=True).set(key, self._values.write(key, value), ex=max(1, timeout))

    def add(self, key: Any, value: Any, timeout: Any) -> bool:
        stored = self._values.write(key, value)
        return bool(self.get_client(key, write=True).set(key, stored, ex=max(1, timeout), nx=True))

    def set_many(self, data: Mapping[Any, Any], timeout: Any) -> None:
        pipeline = self.get_client(write=True).pipeline(transaction=False)  # each value stands for itself
        for key, value in data.items():
            pipeline.set(key, self._values.write(key, value), ex=max(1, timeout))
        pipeline.execute()

    def delete_all(self, prefix: str) -> bool:
        """Delete what is the cache's; the queue may be in the same database, which Django would empty."""
        client = self.get_client(write=True)
        position = -1
        while position:
            position, names = client.scan(max(position, 0), match=f"{prefix}:*", count=1_000)
            if names:
                client.unlink(*names)
        return True

    def incr(self, key: Any, delta: int) -> int:
        """Raises ValueError where there is no such counter, or somebody else made something else of it."""
        try:
            count = int(super().incr(key, delta))
            # Between Django's look whether there is one and the command it may have run out; the new one never would,
            # and who is counted by it would be shut out for good.
            if count == delta and self.get_client().ttl(key) == -1:
                self.delete(key)
                raise ValueError(f"{key!r} has just run out.")
            return count
        except ResponseError as error:
            if not str(error).startswith(_NOT_A_COUNTER):
                raise
            self.delete(key)
            raise ValueError(f"{key!r} is not a counter.") from None


class ForgivingRedisCache(RedisCache):
    """Django's Redis cache that answers "not there" while Redis is away, instead of failing the page."""

    _away_until = 0.0

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _OneClient

    def _try(self, act: Callable[[], T], instead: T) -> T:
        if time.monotonic() < ForgivingRedisCache._away_until:
            return instead
        try:
            return act()
        except RedisError as error:
            ForgivingRedisCache._away_until = time.monotonic() + PAUSE_SECONDS
            logger.warning("The cache is away, going on without it: %s", type(error).__name__)
            return instead

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self._try(lambda: super(ForgivingRedisCache, self).get(key, default, version), default)

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        return self._try(lambda: super(ForgivingRedisCache, self).get_many(keys, version), {})

    def set(self, key: str, value: Any, timeout: Any = None, version: int | None = None, **options: Any) -> None:
        self._try(
            lambda: super(ForgivingRedisCache, self).set(key, value, timeout or self.default_timeout, version),
            None,
        )

    def set_many(self, data: dict[str, Any], timeout: Any = None, version: int | None = None) -> list[Any]:
        return self._try(
            lambda: super(ForgivingRedisCache, self).set_many(data, timeout or self.default_timeout, version),
            [],
        )

    def add(self, key: str, value: Any, timeout: Any = None, version: int | None = None) -> bool:
        """True while Redis is away: every caller may go on as the first, and the database decides."""
        return self._try(
            lambda: super(ForgivingRedisCache, self).add(key, value, timeout or self.default_timeout, version),
            True,
        )

    def delete(self, key: str, version: int | None = None) -> bool:
        return self._try(lambda: super(ForgivingRedisCache, self).delete(key, version), False)

    def delete_many(self, keys: Iterable[str], version: int | None = None) -> None:
        self._try(lambda: super(ForgivingRedisCache, self).delete_many(keys, version), None)

    def clear(self) -> None:
        client: Any = self._cache
        self._try(lambda: client.delete_all(self.key_prefix), False)

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """`delta` while Redis is away, as if nobody had counted before."""
        return self._try(lambda: super(ForgivingRedisCache, self).incr(key, delta, version), delta)
