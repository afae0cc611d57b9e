"""What a value looks like in the cache: JSON with a seal, so that what somebody else wrote there is not there.

Whoever can write to Redis (another program, another tenant, one who got in) must not be able to run anything here nor
to break a page. So nothing but JSON is read, and only behind a seal that this installation and this release made for
this key: a value of another shape, of another key or of another release is a miss like garbage.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

COUNTER_PREFIX = "limit:"
"""Keys that begin with this hold counters: whole numbers as Redis itself counts them (INCR), without a seal."""

_SEAL_BYTES = 16
_HEAD, _TAIL = b'["', b"]"
_BODY_AT = len(_HEAD) + 2 * _SEAL_BYTES + len(b'",')


class NotOursError(ValueError):
    """What stands in the cache is no value that this release wrote there under this key."""


class CachedValues:
    """Writes and reads values: `["<seal>",<value>]`, in JSON."""

    def __init__(self, secret: str, release: str) -> None:
        """`secret` is the installation's; values of another `release` may have another shape, and are not read."""
        self._key = hashlib.sha256(f"cached values\n{release}\n{secret}".encode()).digest()

    def write(self, key: str, value: Any) -> bytes | int:
        """What is stored for `value` under `key`, which has Django's prefix and version in front.

        Tuples come back as lists.

        Raises:
            TypeError: it is not JSON, which is None, bool, numbers, text, lists, and dicts with text as keys.
            ValueError: it has a number that JSON does not know, or contains itself.
        """
        if is_counter(key):
            if type(value) is not int:
                raise TypeError(f"Counters are whole numbers, not {type(value).__name__}.")
            return value
        _refuse_other_keys(value)
        body = json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")
        return b"".join((_HEAD, self._seal(key, body), b'",', body, _TAIL))

    def read(self, key: str, stored: bytes) -> Any:
        """The value of `stored`, which was found under `key`.

        Raises:
            NotOursError: somebody else wrote it.
        """
        if is_counter(key):
            if len(stored) < 20 and stored.isdigit():
                return int(stored)
            raise NotOursError
        body = stored[_BODY_AT : -len(_TAIL)]
        seal = stored[len(_HEAD) : len(_HEAD) + 2 * _SEAL_BYTES]
        if not hmac.compare_digest(seal, self._seal(key, body)):
            raise NotOursError
        return json.loads(body)

    def _seal(self, key: str, body: bytes) -> bytes:
        return hmac.digest(self._key, key.encode() + b"\0" + body, "sha256")[:_SEAL_BYTES].hex().encode("ascii")


def is_counter(key: str) -> bool:
    """Whether a key, with Django's prefix and version in front, is one of a counter."""
    return key.split(":", 2)[-1].startswith(COUNTER_PREFIX)


def _refuse_other_keys(value: Any) -> None:
    """JSON would make text of numbers in the place of keys, and nobody would find them again."""
    if isinstance(value, dict):
        if not all(isinstance(name, str) for name in value):
            raise TypeError("The names in a cached dict are text.")
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for each in value:
            if isinstance(each, (dict, list, tuple)):
                _refuse_other_keys(each)
