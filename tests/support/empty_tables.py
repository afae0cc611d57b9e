"""What comes after a test that commits: only the tables that hold something are emptied, all of them as before.

Django truncates all tables, which makes new files for each of their hundreds of indexes, and writes its types of
content and its permissions anew. Most such tests write into a few tables.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction

MADE_BY_DJANGO = {"django_content_type", "auth_permission"}
_UNREFERENCED = """
    SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relkind = 'r'
    AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE contype = 'f' AND confrelid = pg_class.oid)
"""


def empty_tables(case: Any = None) -> None:
    """Empty all tables of ours; in place of `TransactionTestCase._fixture_teardown`, whose test `case` is.

    Where that cannot be done so (the account may not switch triggers off, a test changed Django's own rows), Django's
    `flush` does it.
    """
    if not empty_used_tables():
        call_command("flush", verbosity=0, interactive=False, reset_sequences=False, allow_cascade=False)


def empty_used_tables() -> bool:
    """Empty those that hold something, but for Django's own rows, which stay. False: they are not as Django makes them,
    or the account may not do it; nothing was emptied."""
    quoted = connection.ops.quote_name
    with transaction.atomic(), connection.cursor() as cursor:
        tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
        # As truncating them would: nobody is in the middle of writing, and what was written is seen.
        cursor.execute(f"LOCK TABLE {', '.join(map(quoted, tables))} IN ACCESS EXCLUSIVE MODE")
        if not _is_as_django_made_it(cursor):
            return False
        ours = sorted(set(tables) - MADE_BY_DJANGO)
        cursor.execute(" UNION ALL ".join(f"(SELECT '{name}' FROM {quoted(name)} LIMIT 1)" for name in ours))
        used = [name for (name,) in cursor.fetchall()]
        # Where it may be: rows that are only deleted go on standing in an index of vectors, and in front of others.
        cursor.execute(_UNREFERENCED, [used])
        free = [name for (name,) in cursor.fetchall()]
        if free:
            cursor.execute(f"TRUNCATE {', '.join(map(quoted, free))}")
        # All that refers to these rows goes as well: no trigger has anything to look after.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for name in set(used) - set(free):
            cursor.execute(f"DELETE FROM {quoted(name)}")
    return True


def _is_as_django_made_it(cursor: Any) -> bool:
    """Whether its own tables hold what it would write after emptying them, and triggers may be switched off."""
    cursor.execute(
        "SELECT (SELECT count(*) FROM django_content_type), (SELECT count(*) FROM auth_permission),"
        " current_setting('is_superuser')"
    )
    models = apps.get_models()
    permissions = sum(len(model._meta.default_permissions) + len(model._meta.permissions) for model in models)
    found: tuple[int, int, str] = cursor.fetchone()
    return found == (len(models), permissions, "on")
