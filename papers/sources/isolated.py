"""An answer's bytes, read in a child process that has a deadline and a limit of memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from papers.isolation.calls import IsolationError, call_isolated
from papers.outbound.errors import SourceError

Result = TypeVar("Result")

_SMALL = 64 * 1024


class TooHardToReadError(SourceError):
    """Reading the answer takes more time or memory than it may. Asking again won't help."""


def read_isolated(read: Callable[..., Result], data: Any, **options: Any) -> Result:
    """`read(data, **options)` in a child: for what anybody may have written, at any address.

    Raises:
        TooHardToReadError: it took too long or too much memory.
        SourceError: what `read` raised.
    """
    try:
        return call_isolated(read, data, **options)
    except IsolationError as error:
        raise TooHardToReadError(f"The answer can’t be read: {error}.") from error


def read_large_isolated(read: Callable[..., Result], data: bytes, **options: Any) -> Result:
    """As `read_isolated`, but what is small is read here: for the answers of archives and registries, whose readers
    take time in proportion to a length."""
    return read(data, **options) if len(data) <= _SMALL else read_isolated(read, data, **options)
