"""A statement that Postgres works on while this process does something else, on Django's own connection.

Neither Django nor psycopg's cursors can do that in one thread; libpq can. The server prepares the statement once a
connection: Django's cursors would put the parameters into it, and have it read and planned anew each time.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db import connection
from psycopg import errors, pq

_OK = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)
_prepared: WeakKeyDictionary[Any, dict[str, bytes]] = WeakKeyDictionary()
"""By connection: names of the statements that its server knows."""


class AsyncStatement:
    """A statement under way. Until `rows` was asked nothing else may use the connection."""

    def __init__(self, statement: str, *parameters: str | None) -> None:
        """Begin. `statement` has its parameters as `$1`, each of which is given as Postgres reads it."""
        connection.ensure_connection()
        with connection.wrap_database_errors:
            self._pgconn = connection.connection.pgconn
            name = _name_of(statement, connection.connection)
            self._pgconn.send_query_prepared(name, [None if each is None else each.encode() for each in parameters])
            self._pgconn.flush()

    def rows(self) -> int:
        """Wait for the end of it; returns how many rows it changed.

        Raises:
            DatabaseError: as any other statement does, and OperationalError when the connection ended.
        """
        with connection.wrap_database_errors:
            count, failed = 0, None
            while (result := self._pgconn.get_result()) is not None:
                if result.status in _OK:
                    count = result.command_tuples or 0
                else:
                    failed = errors.error_from_result(result)
            if failed is not None:
                raise failed
            if self._pgconn.status != pq.ConnStatus.OK:
                raise psycopg.OperationalError("The connection to Postgres ended.")
            return count


def _name_of(statement: str, raw: Any) -> bytes:
    known = _prepared.setdefault(raw, {})
    if statement not in known:
        name = f"broadsheet_{len(known)}".encode()
        result = raw.pgconn.prepare(name, statement.encode())
        if result.status not in _OK:
            raise errors.error_from_result(result)
        known[statement] = name
    return known[statement]
