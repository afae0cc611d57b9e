"""Where Django looks for the backend's `DatabaseWrapper`."""

from __future__ import annotations

import select

import psycopg
from django.db.backends.postgresql import base
from psycopg.pq import ConnStatus, TransactionStatus
from psycopg.pq.abc import PGconn

_MOST_READS = 3
"""Of what a server may have sent meanwhile; the end of a connection is seen by the second."""


class DatabaseWrapper(base.DatabaseWrapper):
    """As Django's, but for one thing."""

    def is_usable(self) -> bool:
        """Whether the server has not ended the connection, as far as this side was told.

        Django runs `SELECT 1` instead, before the first statement of every request. A server that stops, starts again
        or ends a session says so and closes the socket, and an idle connection has nothing else to read but notices
        (PostgreSQL, 54.2.7). A network that was cut without a word is found out by neither.
        """
        if self.connection is None:
            return False
        server = self.connection.pgconn
        if server.transaction_status != TransactionStatus.IDLE:  # it may be in the middle of an answer
            return super().is_usable()
        return _still_stands(server)


def _still_stands(server: PGconn) -> bool:
    """Whether an idle connection does. Does not wait."""
    poll = select.poll()
    poll.register(server.socket, select.POLLIN)
    for _ in range(_MOST_READS):
        if not poll.poll(0):
            return True
        try:
            server.consume_input()
        except psycopg.OperationalError:
            return False
        if server.status != ConnStatus.OK:
            return False
    return False
