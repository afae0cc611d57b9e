"""Django's sessions in the database, each read by one plain statement: every page of a reader reads one."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

_READ = f"SELECT session_data FROM {Session._meta.db_table} WHERE session_key = %s AND expire_date > %s"  # noqa: S608

_KEY_CHARACTERS = frozenset(VALID_KEY_CHARS)
_SHORTEST_KEY = 8
"""As Django has it."""


class SessionStore(db.SessionStore):
    """As Django's, which makes a query and a row of a model for what is one column, and asks for any key."""

    def _validate_session_key(self, key: str | None) -> bool:
        """Whether it may be a key of ours. A cookie may hold a NUL, which PostgreSQL takes for no text."""
        return key is not None and len(key) >= _SHORTEST_KEY and set(key) <= _KEY_CHARACTERS

    def load(self) -> dict[str, Any]:
        """What the session has; nothing, and from now on no key, where it is unknown or over."""
        with connection.cursor() as cursor:
            cursor.execute(_READ, [self.session_key, timezone.now()])
            row = cursor.fetchone()
        if row is None:
            self._session_key = None
            return {}
        return self.decode(row[0])
