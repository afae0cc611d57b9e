"""Keeps secrets of addresses out of log lines: whatever a line is made of, `/u/abc123…` leaves as `/u/…`.

By the table in `config/secret_addresses.py`. The finished line is looked through, traces included, so it does not
matter which library wrote it.
"""

from __future__ import annotations

import logging
import re
from functools import cache
from typing import Any

from config.secret_addresses import SECRET_ADDRESSES, SECRET_ARGUMENTS

HIDDEN = "…"
_ARGUMENT = re.compile(r"<([a-z_0-9]+)>")
# A slash may be written so where the address is part of another one, as behind `next=`.
_SLASH = r"(?:/|%2[Ff])"
# No secret of ours is shorter than 22 characters; what is shorter stays, such as /subscriptions/move.
_SECRET = r"""[^/?#&%\s"'<>]{12,}"""  # noqa: S105  a pattern
_OTHER = r"""([^/?#&%\s"'<>]+)"""
# A key to the API, wherever it stands: papers/services/accounts/api_tokens.py makes them so.
_TOKEN = re.compile(r"bsh_[A-Za-z0-9_-]{12,}")


def redact(text: str) -> str:
    """The text without the secrets of our addresses, and without keys to the API. Takes time in proportion to its
    length.
    """
    if "bsh_" in text:
        text = _TOKEN.sub(f"bsh_{HIDDEN}", text)
    if "/" not in text and "%2" not in text:
        return text
    for pattern, replacement in _patterns():
        text = pattern.sub(replacement, text)
    return text


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """For each address what finds it up to its secret, and what is left of it."""
    return tuple(dict.fromkeys(_pattern(route) for route in SECRET_ADDRESSES.values()))


def _pattern(route: str) -> tuple[re.Pattern[str], str]:
    parts = route.split("/")
    last = max(number for number, part in enumerate(parts) if _has_secret(part))
    expression, shown, kept = "", "", 0
    for part in parts[: last + 1]:
        if _has_secret(part):
            expression, shown = expression + _SLASH + _SECRET, f"{shown}/{HIDDEN}"
        elif _ARGUMENT.search(part):
            kept += 1
            expression, shown = expression + _SLASH + _OTHER, f"{shown}/\\{kept}"
        else:
            expression, shown = expression + _SLASH + re.escape(part), f"{shown}/{part}"
    return re.compile(expression), shown


def _has_secret(part: str) -> bool:
    return not SECRET_ARGUMENTS.isdisjoint(_ARGUMENT.findall(part))


class RedactingFormatter(logging.Formatter):
    """A formatter, its own or another that it wraps, whose lines hold no secret of an address."""

    def __init__(self, *args: Any, inner: logging.Formatter | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        return redact(self._inner.format(record) if self._inner else super().format(record))


def redact_handlers(logger: logging.Logger, *, as_json: bool = False) -> None:
    """Make all handlers of a logger that others have set up write redacted lines, or objects. Idempotent."""
    for handler in logger.handlers:
        if as_json:
            from config.log_json import JsonFormatter  # which is a formatter of this module

            handler.setFormatter(JsonFormatter())
        elif not isinstance(handler.formatter, RedactingFormatter):
            handler.setFormatter(RedactingFormatter(inner=handler.formatter or logging.Formatter()))
