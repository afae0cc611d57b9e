"""How long a statement may take while a reader waits for the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction

STATEMENT_TIMEOUT_MS = 1_500
"""What takes longer is stopped."""
_CANCELED = "57014"


class SearchTimeout(Exception):
    """A statement of a search was stopped, because it took too long."""


@contextmanager
def statement_timeout(milliseconds: int | None = None) -> Iterator[None]:
    """A transaction whose statements are stopped when they take too long, and keep to the indexes.

    A limit lets Postgres hope to find enough of a common word by reading along the table; where words are rarer than it
    thinks, that reads all papers. `milliseconds`: for what may be left out, less than a reader would wait.

    Raises:
        SearchTimeout: one was stopped.
    """
    limit = STATEMENT_TIMEOUT_MS if milliseconds is None else milliseconds
    is_within_another = connection.in_atomic_block
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {limit}; SET LOCAL enable_seqscan = off")
            yield
            if is_within_another:  # what comes after in that one has its own time
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL statement_timeout = DEFAULT; SET LOCAL enable_seqscan = DEFAULT")
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _CANCELED:
            raise
        raise SearchTimeout from error
