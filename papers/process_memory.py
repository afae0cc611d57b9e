"""Caches in the memory of one process, in front of the shared cache: bounded in bytes, least recently used out first.

Nothing in here is ever invalidated. Either the key says what the value was made of, as a card's does by the time of the
paper's last change, or the value carries what must still hold, as a page does by its stamp. All of it may be lost.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_MEMORIES: list[ProcessMemory[Any, Any]] = []


class ProcessMemory(Generic[K, V]):
    """A thread-safe LRU cache of at most `most_bytes` in total. Make one per module, when it is imported."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._lock = Lock()
        self.clear()
        _MEMORIES.append(self)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()
            self._bytes = 0

    def get(self, key: K) -> V | None:
        """The value, which the caller does not change; None where there is none."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
            return found[0]

    def put(self, key: K, value: V, size: int) -> None:
        """Keep a value of about `size` bytes; one that takes all the room by itself is not kept."""
        if size > self._most_bytes:
            return
        with self._lock:
            if (before := self._values.pop(key, None)) is not None:
                self._bytes -= before[1]
            self._values[key] = value, size
            self._bytes += size
            while self._bytes > self._most_bytes:
                self._bytes -= self._values.popitem(last=False)[1][1]


def forget_everything() -> None:
    """Empty all memories of this process."""
    for memory in _MEMORIES:
        memory.clear()
