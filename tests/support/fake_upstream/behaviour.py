"""What can be made to go wrong, one request at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the next matching request is answered. What is not set is as usual, and everything may be combined."""

    # Another answer than the real one.
    status: int | None = None
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    """An OAI error code at /oai; elsewhere arXiv's 400 with an error entry that says this."""

    # The real answer, with something wrong in it.
    is_stale: bool = False
    """The batch of the day before, freshly built."""
    is_empty: bool = False
    """No entry; a search still says that there are some (totalResults)."""
    drop: int = 0
    """So many records are missing, from the end."""
    drop_ids: tuple[str, ...] = ()
    repeat: int = 0
    """So many records come twice."""
    spoil_ids: tuple[str, ...] = ()
    """These records come without their title and with dates that are none."""

    replaced: tuple[str, str] | None = None
    """The first place of one text in the body is another."""

    # The way it is sent.
    stall_seconds: float = 0.0
    """Before the first byte."""
    drip_seconds: float = 0.0
    """After every byte of the body."""
    cut: float | None = None
    """Which part of the body is sent before the connection ends, from 0 to 1."""
    charset: str | None = None
    """The body is sent in this encoding, and still said to be UTF-8."""
    is_gzipped: bool = False
    bomb_bytes: int = 0
    """The body is a gzip stream that unpacks to so many bytes."""
    header_bytes: int = 0
    """So many bytes of headers are added."""

    # When.
    times: int = 1
    query: Mapping[str, str] = field(default_factory=dict)
    """Only for requests with these parameters; `*` stands for any value."""

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Behaviour:
        """Raises ValueError where a name is unknown."""
        known = {item.name for item in fields(cls)}
        if unknown := set(values) - known:
            raise ValueError(f"Behaviours know no {', '.join(sorted(unknown))}.")
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**given)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def fits(self, params: Mapping[str, str]) -> bool:
        return all(name in params and value in ("*", params[name]) for name, value in self.query.items())


USUAL = Behaviour()


class Script:
    """Behaviours that wait, by the path that they are for (and everything below it), in order."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Behaviour]] = {}
        self._lock = threading.Lock()

    def add(self, path: str, behaviours: Iterable[Behaviour]) -> None:
        with self._lock:
            self._waiting.setdefault(path, []).extend(behaviours)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def next(self, path: str, params: Mapping[str, str]) -> Behaviour:
        """Take the first behaviour that fits a request; the usual one where none does."""
        with self._lock:
            for prefix, queue in self._waiting.items():
                if path != prefix and not path.startswith(prefix.rstrip("/") + "/"):
                    continue
                for position, behaviour in enumerate(queue):
                    if behaviour.fits(params):
                        _use(queue, position)
                        return behaviour
        return USUAL


def _use(queue: list[Behaviour], position: int) -> None:
    behaviour = queue[position]
    if behaviour.times > 1:
        queue[position] = replace(behaviour, times=behaviour.times - 1)
    else:
        del queue[position]
