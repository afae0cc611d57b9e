"""Backup and restore: every table, every sequence and the key come back; a damaged file changes nothing."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from config import startup
from config.backup import tables
from config.backup.archive import ArchiveReader, BackupError, BackupManifest, open_archive
from config.backup.restorer import restore_backup
from config.backup.writer import KEPT_UPGRADE_BACKUPS, write_backup, write_upgrade_backup
from config.local.paths import DataDir, OperatorError
from papers.models import Comment, Paper, PaperVector, Source, Tag, TaggedPaper
from papers.services.accounts.login_links import create_login_link
from papers.services.ingest.releases import next_release
from papers.services.reading.votes import set_vote
from tests.e2e.running_site import ROOT, free_port, site_environment
from tests.support import factories
from tests.support.factories import NOW
from tests.support.people import reader, staff

pytestmark = pytest.mark.django_db(transaction=True)

ODD = "Tab\tnewline\nbackslash \\N \\. quote ' ünïcode 中文 \u2028"


def quiet(_: str) -> None:
    """Say nothing."""


def whole() -> dict[str, list[str]]:
    """Every row of every table, as text, sorted."""
    found = {}
    with connection.cursor() as cursor:
        for name in tables.table_columns():
            cursor.execute(f'SELECT t::text FROM "{name}" t')
            found[name] = sorted(row[0] for row in cursor.fetchall())
    return found


@pytest.fixture
def _content() -> Iterator[None]:
    """Something in as many tables as can be: generated columns, arrays, JSON, vectors, composite keys, threads."""
    rita = reader()
    paper = factories.paper(title=ODD, abstract=ODD, authors=[ODD], categories=["cs.CL", "cs.LG"])
    with transaction.atomic():
        factories.listing(paper)
    factories.edition(missing=["2603.1"])
    set_vote(user=rita, paper_id=paper.pk, on=True)
    first = factories.comment(paper, rita, ODD)
    factories.comment(paper, None, "An answer.", parent=first)
    TaggedPaper.objects.create(tag=Tag.objects.create(user=rita, name=ODD[:20]), paper=paper)
    PaperVector.objects.create(paper=paper, model="m", vector=[0.25, -1.5, 3])
    factories.external_counts(paper, votes=3)
    factories.fetch_run(factories.source(categories=["cs.CL"]))
    factories.announcement("2603.00001")
    create_login_link("guest@example.org")
    yield
    # What a test left is no other's: they share the database.
    call_command("flush", interactive=False, verbosity=0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "backup.zip"


@pytest.mark.usefixtures("_content")
def test_every_table_comes_back_as_it_was(file: Path) -> None:
    before = whole()
    assert len([name for name, rows in before.items() if rows]) > 18
    write_backup(file, now=NOW, report=quiet)
    Paper.objects.all().delete()
    staff()
    with open_archive(file) as backup:
        restore_backup(backup, report=quiet)
    after = whole()
    assert after.keys() == before.keys()
    assert {name for name in before if after[name] != before[name]} == set()
    assert Comment.objects.filter(parent__isnull=False).count() == 1
    assert Paper.objects.get().title == ODD


@pytest.mark.usefixtures("_content")
def test_counting_goes_on_where_it_stopped(file: Path) -> None:
    with transaction.atomic():
        last = next_release()
    highest = Paper.objects.get().pk
    write_backup(file, now=NOW, report=quiet)
    with open_archive(file) as backup:
        restore_backup(backup, report=quiet)
    with transaction.atomic():
        assert next_release() == last + 1
    assert factories.paper().pk > highest


@pytest.mark.usefixtures("_content")
def test_a_damaged_file_changes_nothing(file: Path, tmp_path: Path) -> None:
    write_backup(file, now=NOW, report=quiet)
    before = whole()
    for name, damaged in damages(file, tmp_path):
        with pytest.raises(BackupError, match=r"damaged|not a backup|beginning|newer"), open_archive(damaged) as backup:
            restore_backup(backup, report=quiet)
        assert whole() == before, name


@pytest.mark.usefixtures("_content")
@pytest.mark.parametrize("step", ["check_columns", "copy_in", "set_sequences"])
def test_stopped_in_the_middle_it_changes_nothing(file: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_backup(file, now=NOW, report=quiet)
    factories.paper(public_id="2603.77777")
    before, real = whole(), getattr(tables, step)

    def stopped(*args: Any) -> None:
        real(*args)
        if args[0] == "papers_paper" or step == "set_sequences":
            raise BackupError("Stopped.")

    monkeypatch.setattr(tables, step, stopped)
    with pytest.raises(BackupError, match="Stopped"), open_archive(file) as backup:
        restore_backup(backup, report=quiet)
    assert whole() == before
    assert factories.paper(public_id="2603.77778").pk > Paper.objects.get(public_id="2603.77777").pk


def damages(file: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """The file with one thing wrong, in several ways."""
    cut = folder / "cut.zip"
    cut.write_bytes(file.read_bytes()[:-200])
    yield "cut", cut
    for name, change in {
        "rows": ("tables/papers_paper.copy", lambda data: data.replace(b"2603", b"2604")),
        "manifest": ("manifest.json", lambda data: b"{}"),
        "newer": ("manifest.json", lambda data: data.replace(b'"0001_initial"', b'"9999_later"')),
        "format": ("manifest.json", lambda data: data.replace(b'"format": 1', b'"format": 2')),
    }.items():
        yield name, rewritten(file, folder / f"{name}.zip", *change)


def rewritten(file: Path, target: Path, member: str, change: Any) -> Path:
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, change(data) if name == member else data)
    return target


class TestCommands:
    @pytest.fixture(autouse=True)
    def _external(self, settings: Any, tmp_path: Path) -> None:
        """The tests' own server, as if it were another machine's."""
        settings.DATABASE_IS_EMBEDDED = False
        settings.DATA_DIR = DataDir(tmp_path / "data")
        settings.DATA_DIR.make()
        settings.SECRET_KEY_IS_SET = False

    def run(self, *words: str) -> str:
        out = io.StringIO()
        call_command(*words, stdout=out)
        return out.getvalue()

    @pytest.mark.usefixtures("_content")
    def test_there_and_back_with_the_key(self, file: Path, settings: Any) -> None:
        said = self.run("backup", str(file))
        assert f"manage.py restore {file}" in said
        assert file.stat().st_mode & 0o777 == 0o600
        key, settings.SECRET_KEY = settings.SECRET_KEY, "another-key-of-another-machine-0123456789"
        assert "Done." in self.run("restore", str(file), "--yes")
        assert settings.DATA_DIR.ensure_secret_key() == key

    @pytest.mark.usefixtures("_content")
    def test_over_data_it_asks_first(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.run("backup", str(file))
        factories.paper(public_id="2603.77777")
        monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))  # no terminal
        with pytest.raises(CommandError, match="--yes"):
            self.run("restore", str(file))
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("builtins.input", lambda _: "no")
        with pytest.raises(CommandError, match="Nothing was changed"):
            self.run("restore", str(file))
        assert Paper.objects.filter(public_id="2603.77777").exists()
        monkeypatch.setattr("builtins.input", lambda _: "Yes")
        self.run("restore", str(file))
        assert not Paper.objects.filter(public_id="2603.77777").exists()

    def test_what_can_not_be_done_is_said_in_a_sentence(self, tmp_path: Path) -> None:
        (tmp_path / "there.zip").write_text("x")
        for words, said in (
            (("backup", str(tmp_path / "there.zip")), "--replace"),
            (("backup", str(tmp_path)), "is a folder"),
            (("backup", str(tmp_path / "no" / "b.zip")), "can't be written"),
            (("restore", str(tmp_path / "none.zip")), "There is no file"),
            (("restore", str(tmp_path / "there.zip")), "is not a backup"),
        ):
            with pytest.raises(CommandError, match=said):
                self.run(*words)
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.slow
@pytest.mark.usefixtures("_content")
def test_with_the_embedded_database_which_is_started_and_stopped_for_it(file: Path, tmp_path: Path) -> None:
    write_backup(file, now=NOW, report=quiet)
    again, environment = tmp_path / "again.zip", site_environment(tmp_path / "data", free_port(), None)
    for words in (["restore", str(file)], ["backup", str(again)]):
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert list((tmp_path / "data").rglob("postmaster.pid")) == []
    with open_archive(file) as old, open_archive(again) as new:
        assert new.secret_key == old.secret_key
        assert sorted(new.manifest.migrations) == sorted(old.manifest.migrations)
        rows, copied = ({entry.name: entry.rows for entry in each.manifest.tables} for each in (old, new))
        assert copied == rows
        assert contents(new) == contents(old)


def contents(backup: ArchiveReader) -> dict[str, list[bytes]]:
    """The rows of every table, sorted, whichever way they lay on the disk."""
    return {entry.name: sorted(b"".join(backup.chunks(entry)).splitlines()) for entry in backup.manifest.tables}


class TestBeforeAnUpgrade:
    @pytest.fixture(autouse=True)
    def _folder(self, settings: Any, tmp_path: Path) -> None:
        settings.DATA_DIR = DataDir(tmp_path / "data")
        settings.DATA_DIR.make()

    def test_it_is_written_when_there_are_new_migrations(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        said: list[str] = []
        monkeypatch.setattr(startup, "missing_migrations", lambda: 1)
        startup.migrate(said.append)
        (written,) = (settings.DATA_DIR.path / "backups").iterdir()
        assert str(written) in said[0]
        with open_archive(written) as backup:
            backup.check()

    def test_the_last_three_are_kept(self, settings: Any) -> None:
        paths = [
            write_upgrade_backup(now=NOW + timedelta(days=day), report=quiet) for day in range(KEPT_UPGRADE_BACKUPS + 2)
        ]
        assert sorted((settings.DATA_DIR.path / "backups").iterdir()) == paths[-KEPT_UPGRADE_BACKUPS:]

    def test_without_one_nothing_is_changed(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(startup, "missing_migrations", lambda: 1)
        monkeypatch.setattr(startup, "apply_migrations", lambda *_, **__: pytest.fail("migrated"))
        (settings.DATA_DIR.path / "backups").write_text("in the way")
        with pytest.raises(OperatorError, match="BROADSHEET_UPGRADE_BACKUP=off"):
            startup.migrate(quiet)


def test_a_manifest_is_read_as_it_was_written() -> None:
    manifest = BackupManifest(
        version="1", created_at="2026", migrations=[("papers", "0001_initial")], sequences={"a": 1}
    )
    assert BackupManifest.from_json(manifest.to_json()) == manifest
    assert json.loads(manifest.to_json())["format"] == 1


def test_nothing_of_a_source_is_lost_on_the_way(file: Path) -> None:
    made = factories.source(categories=["cs.CL", "a,b", '"', "{}"], query="NULL")
    write_backup(file, now=NOW, report=quiet)
    with open_archive(file) as backup:
        restore_backup(backup, report=quiet)
    assert Source.objects.get().categories == made.categories
    call_command("flush", interactive=False, verbosity=0)
