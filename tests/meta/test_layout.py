"""Files stay short enough to be read in one go, and migrations and tasks are all there."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from tests.meta.source_files import ROOT, source_files

LONGEST = 500


def test_no_file_is_longer_than_anybody_reads() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in source_files(".py", ".html", ".css", ".js", ".sh")
        if "migrations" not in path.parts and (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST
    }
    assert long == {}


@pytest.mark.django_db
def test_every_change_of_a_table_has_its_migration() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_every_entry_of_the_schedule_names_a_task() -> None:
    from config.celery import app

    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert scheduled
    assert scheduled <= set(app.tasks)


def test_every_module_says_what_it_knows() -> None:
    import ast

    silent = [
        str(path.relative_to(ROOT))
        for path in source_files(".py")
        if "migrations" not in path.parts
        and (source := path.read_text(encoding="utf-8")).strip()
        and not ast.get_docstring(ast.parse(source))
    ]
    assert silent == []
