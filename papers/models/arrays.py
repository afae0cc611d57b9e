"""Keys as an array of PostgreSQL's, written at once: psycopg takes microseconds over each element of a list."""

from __future__ import annotations

from collections.abc import Iterable


def array_of(keys: Iterable[int]) -> str:
    """What a statement takes for `%s::bigint[]`."""
    return f"{{{','.join(map(str, keys))}}}"
