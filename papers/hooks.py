"""The few events that other apps follow, in the same transaction: how mail history goes along when papers merge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Generic, ParamSpec, TypeVar

from papers.models import User
from papers.ranking.charts import BarChart, QueueChart

P = ParamSpec("P")
T = TypeVar("T")
W = TypeVar("W", date, datetime)


class Event(Generic[P]):
    """Plain functions, called in the order in which they were registered. An error in one undoes the whole change."""

    def __init__(self) -> None:
        self._followers: list[Callable[P, None]] = []

    def register(self, function: Callable[P, None]) -> Callable[P, None]:
        """Register a function, once; call it from an app's `ready()`. Usable as a decorator."""
        if function not in self._followers:
            self._followers.append(function)
        return function

    def notify(self, *args: P.args, **kwargs: P.kwargs) -> None:
        for function in self._followers:
            function(*args, **kwargs)


papers_merged: Event[[Mapping[int, int]]] = Event()
"""Told `{id of the paper that goes: id of the one that stays}`, while the rows of both are still there."""


class UndoTables:
    """Rows of other apps that a merge of papers changes, so that it can be undone.

    Each has its table, and a condition in SQL in which `{papers}` stands for an array of the papers' keys.
    """

    def __init__(self) -> None:
        self._traces: dict[str, str] = {}

    def register(self, table: str, condition: str) -> None:
        """Register a table, once; call it from an app's `ready()`."""
        self._traces[table] = condition

    def all(self) -> list[tuple[str, str]]:
        return list(self._traces.items())


merge_undo_tables = UndoTables()

account_deleted: Event[[User]] = Event()
"""Told the account that goes, while its rows are still there."""

account_exported: Event[[User, dict[str, Any]]] = Event()
"""Told an account and the parts of its export, name → rows that JSON can hold; followers add theirs."""


class Contributions(Generic[W, T]):
    """What other apps know: each function tells what it has of a moment or a day."""

    def __init__(self) -> None:
        self._tellers: list[Callable[[W], list[T]]] = []

    def register(self, function: Callable[[W], list[T]]) -> None:
        """Register a function, once; call it from an app's `ready()`."""
        if function not in self._tellers:
            self._tellers.append(function)

    def all(self, when: W) -> list[T]:
        """Everything there is to tell of it."""
        return [told for teller in self._tellers for told in teller(when)]


problems: Contributions[datetime, str] = Contributions()
"""Asked by /status: what is wrong, a sentence each, in readers' words."""

statistics_queues: Contributions[datetime, QueueChart] = Contributions()
"""Asked by the desk of figures: what waits, and for how long."""

statistics_charts: Contributions[date, BarChart] = Contributions()
"""Asked by the desk of figures: pictures of the days up to one."""
