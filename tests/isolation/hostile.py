"""Functions that hold a process, in a module that a child can import."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

from papers.outbound.errors import SourceError
from papers.sources.base import RawPaper


def double(data: bytes) -> bytes:
    return data * 2


def paper(title: str) -> RawPaper:
    return RawPaper(source="feed", title=title)


def process_ids() -> tuple[int, int]:
    """Of the child and of its parent."""
    return os.getpid(), os.getppid()


def hold(data: bytes) -> bool:
    """A pattern that needs time in proportion to two to the length, in C: no signal handler of Python's would run."""
    return re.fullmatch(rb"(a|a)*b", data) is not None


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def take(megabytes: int) -> int:
    return len(bytearray(megabytes * 1024**2))


def refuse(text: str) -> None:
    raise SourceError(text, retry_after_seconds=5)


def fail() -> None:
    raise KeyError("nobody thought of this")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def touch_from_what_comes_back(path: str) -> object:
    """A value that would run a command where it is unpickled."""

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (Path(path),)

    return Evil()
