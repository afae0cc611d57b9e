"""Functions, triggers and sequences of the database, in the numbered files of `sql/`. A file that was released is never
edited: a change is a new file, run by a new migration."""

from pathlib import Path

from django.db.migrations import RunSQL

_FOLDER = Path(__file__).parent / "sql"


def run_sql_file(name: str) -> RunSQL:
    """An operation that runs `sql/<name>.sql`. It has no way back: migrations of Broadsheet only go forward."""
    return RunSQL((_FOLDER / f"{name}.sql").read_text(encoding="utf-8"))
