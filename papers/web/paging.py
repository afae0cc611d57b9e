"""Cursors of lists: where a page ended, so that the next one starts behind it without counting or skipping rows.

A cursor is what the last row was sorted by, a named tuple, and the name of its class: two lists whose positions look
the same do not take each other's. Readers can write anything into an address, so a cursor is read by its exact shape;
anything else is no cursor, and the list starts at its beginning. Those of earlier versions carry no name and are still
read by their shape alone, since mirrors have stored them.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, get_type_hints

P = TypeVar("P", bound=tuple[Any, ...])

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST = 2**63 - 1
_LONGEST = 200
_MOST_BEFORE = 1_000_000


def encode_cursor(
    position: tuple[bool | int | float | datetime, ...], kind: type[tuple[Any, ...]] | None = None
) -> str:
    """A position as a word for an address: a named tuple, or a plain one with its `kind`. Datetimes are aware."""
    values = [_microseconds(value) if isinstance(value, datetime) else value for value in position]
    plain = [(kind or type(position)).__name__, *values]
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(text: str, kind: type[P]) -> P | None:
    """The position, a named tuple of `kind`; None for anything that `encode_cursor` would not have written."""
    if not text or len(text) > _LONGEST or not text.isascii():
        return None
    try:
        # Not `urlsafe_b64decode`, which passes over whatever is not of its alphabet.
        found = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return None
    hints = get_type_hints(kind)
    if not isinstance(found, list) or len(found) not in (len(hints), len(hints) + 1):
        return None
    if len(found) > len(hints) and found.pop(0) != kind.__name__:
        return None
    values: list[Any] = [_read(value, hint) for value, hint in zip(found, hints.values(), strict=True)]
    return None if None in values else kind(*values)


def add_count(cursor: str, *, before: int | None) -> str:
    """A cursor with the number of rows that stand before its page, where it is known; nothing for no cursor."""
    return f"{cursor}.{before}" if cursor and before is not None else cursor


def split_count(text: str) -> tuple[str, int | None]:
    """A cursor, and how many rows stand before its page, as `add_count` put them together; 0 for the first page.

    None where nobody said it. Readers can write any number there: nothing but what is said of a place may follow it.
    """
    if not text:
        return "", 0
    cursor, _, count = text.partition(".")
    is_number = count.isascii() and count.isdigit() and len(count) < len(str(_MOST_BEFORE))
    return cursor, int(count) if is_number else None


def _microseconds(value: datetime) -> int:
    return (value - _EPOCH) // timedelta(microseconds=1)


def _read(value: object, kind: type[Any]) -> bool | int | float | datetime | None:
    if kind is bool:
        return value if isinstance(value, bool) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        return None
    if kind is float:
        return float(value) if math.isfinite(value) else None
    if not isinstance(value, int):
        return None
    return _moment(value) if kind is datetime else value


def _moment(microseconds: int) -> datetime | None:
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return None
