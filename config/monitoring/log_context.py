"""Which request and which task a log line belongs to: ids that go from a request to the task that it starts.

Pure but for the moment's randomness: two variables of the running context (`contextvars`), which each thread has of its
own.
"""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar, Token

_request: ContextVar[str] = ContextVar("broadsheet_request", default="")
_task: ContextVar[str] = ContextVar("broadsheet_task", default="")
_ODD = re.compile(r"[^A-Za-z0-9._-]")
MOST_CHARACTERS = 64


def new_id() -> str:
    """An id that nothing else has."""
    return secrets.token_hex(8)


def clean_id(given: str) -> str:
    """An id that came from elsewhere, as it may stand in a log; empty where nothing is left of it."""
    return _ODD.sub("", given[: 4 * MOST_CHARACTERS])[:MOST_CHARACTERS]


def begin_request(request_id: str) -> Token[str]:
    """What is logged from now on belongs to this request. Give the token back to `end_request`."""
    return _request.set(request_id)


def end_request(token: Token[str]) -> None:
    _request.reset(token)


def begin_task(task_id: str, request_id: str) -> None:
    """What is logged from now on belongs to this task, and to the request that wanted it, if one did."""
    _task.set(task_id)
    _request.set(request_id)


def end_task() -> None:
    _task.set("")
    _request.set("")


def current_ids() -> dict[str, str]:
    """The ids in force, by `request_id` and `task_id`; without those that are not there."""
    found = {"request_id": _request.get(), "task_id": _task.get()}
    return {name: value for name, value in found.items() if value}
