"""All tables as they stand, to be compared with how they stood."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from django.apps import apps
from django.db import connection

# Notes for mirrors that something happened, and at which place: whatever is undone leaves them.
_LOGS = frozenset({"papers_changedpaper", "papers_pendingchange"})

TableRows = dict[str, list[dict[str, Any]]]


def snapshot_tables(*, without: Collection[str] = (), columns: Collection[str] = ()) -> TableRows:
    """By table, its rows in the order of their keys; `without` some tables, and `columns`, as `table.column`."""
    found: TableRows = {}
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            table = model._meta.db_table
            if table in without or table in _LOGS:
                continue
            cursor.execute(f'SELECT to_jsonb(seen) FROM "{table}" seen')
            rows = [json.loads(row[0]) if isinstance(row[0], str) else row[0] for row in cursor.fetchall()]
            for row in rows:
                for name in [name for name in row if f"{table}.{name}" in columns]:
                    del row[name]
            keys = [str(part.column) for part in model._meta.pk_fields]
            found[table] = sorted(rows, key=lambda row: json.dumps([row.get(key) for key in keys]))
    return found


def diff_tables(before: TableRows, after: TableRows) -> list[str]:
    """What differs, in words that fit into a failure."""
    found = []
    for table in before:
        old, new = ({json.dumps(row, sort_keys=True) for row in rows[table]} for rows in (before, after))
        found += [f"{table} lacks {row}" for row in sorted(old - new)]
        found += [f"{table} has {row}" for row in sorted(new - old)]
    return found
