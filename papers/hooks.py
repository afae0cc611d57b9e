"""The few events that other apps and layers register functions for, called in the transaction of the change.

So mail history follows a merge of papers without `papers` importing `digests`, and services invalidate the page cache
without importing `papers.web`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, ParamSpec, TypeVar

if TYPE_CHECKING:  # this module stands below the models
    from papers.enqueue import TaskName
    from papers.models import User
    from papers.ranking.charts import BarChart, QueueChart

P = ParamSpec("P")
T = TypeVar("T")
W = TypeVar("W", date, datetime)


class Event(Generic[P]):
    """Plain functions, called in the order in which they were registered. An error in one undoes the whole change."""

    def __init__(self) -> None:
        self._functions: list[Callable[P, None]] = []

    def register(self, function: Callable[P, None]) -> Callable[P, None]:
        """Register a function, once; call it from an app's `ready()`. Usable as a decorator."""
        if function not in self._functions:
            self._functions.append(function)
        return function

    def notify(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call all registered functions with these arguments."""
        for function in self._functions:
            function(*args, **kwargs)


papers_merged: Event[[Mapping[int, int]]] = Event()
"""Called with `{id of the paper that goes: id of the one that stays}`, while the rows of both are still there."""

lists_changed: Event[[]] = Event()
"""Called when what lists show has changed, before the commit: votes, comments, hidden papers, topics, the
group's settings."""


class UndoTables:
    """Rows of other apps that a merge of papers changes, so that it can be undone.

    Each has its table, and a condition in SQL in which `{papers}` stands for an array of the papers' keys.
    """

    def __init__(self) -> None:
        self._conditions: dict[str, str] = {}

    def register(self, table: str, condition: str) -> None:
        """Register a table, once; call it from an app's `ready()`."""
        self._conditions[table] = condition

    def all(self) -> list[tuple[str, str]]:
        """The tables with their conditions, in the order in which they were registered."""
        return list(self._conditions.items())


merge_undo_tables = UndoTables()

account_deleted: Event[[User]] = Event()
"""Called with the account that is deleted, while its rows are still there."""

account_exported: Event[[User, dict[str, Any]]] = Event()
"""Called with an account and the parts of its export, name → rows that JSON can hold; functions add theirs."""


class Contributions(Generic[W, T]):
    """What other apps add to a page: each function returns its own for a moment or a day."""

    def __init__(self) -> None:
        self._functions: list[Callable[[W], list[T]]] = []

    def register(self, function: Callable[[W], list[T]]) -> None:
        """Register a function, once; call it from an app's `ready()`."""
        if function not in self._functions:
            self._functions.append(function)

    def all(self, when: W) -> list[T]:
        """What all functions return for it, in the order in which they were registered."""
        return [item for function in self._functions for item in function(when)]


problems: Contributions[datetime, str] = Contributions()
"""For /status: what is wrong, one sentence each, for readers."""


class Kept(NamedTuple):
    """For /privacy: data about people that is stored, in readers' words, and for how long."""

    what: str
    span: timedelta | None
    """None: until what `until` says."""
    until: str = "until you delete it, or your account"


class OutsideService(NamedTuple):
    """For /privacy: a third party that is sent data, and which data, in readers' words."""

    name: str
    sees: str


waiting_columns: list[tuple[str, str]] = []
"""Tables and columns of other apps that say until when something waits; pulled in when a clock that was ahead is set
right. Add to it in an app's `ready()`."""

due_tasks: Contributions[datetime, TaskName] = Contributions()
"""For the scheduler: tasks of other parts that are due at a moment."""

privacy_kept: Contributions[datetime, Kept] = Contributions()
"""For /privacy: what is kept beside the account itself."""

privacy_services: Contributions[datetime, OutsideService] = Contributions()
"""For /privacy: which other hosts are told what."""

statistics_queues: Contributions[datetime, QueueChart] = Contributions()
"""For the page of statistics: what waits, and for how long."""

statistics_charts: Contributions[date, BarChart] = Contributions()
"""For the page of statistics: charts of the days up to one."""
