"""A database or a backup of before the first release: one true sentence, and nothing is touched."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from config import startup
from config.backup.archive import FORMAT_VERSION, BackupError, open_archive
from config.local.paths import DataDir, OperatorError
from config.prerelease import is_prerelease
from papers.citations.registry import format_papers
from papers.models import Paper
from tests.e2e.running_site import ROOT, free_port, site_environment
from tests.support import factories
from tests.support.prerelease import make_prerelease

OLD = [("auth", "0001_initial"), ("digests", "0001_initial"), ("papers", "0001_initial"), ("papers", "0002_more")]
NEW = [("auth", "0001_initial"), ("digests", "0001_first_release"), ("papers", "0001_first_release")]


def test_it_is_known_by_its_first_migration() -> None:
    assert is_prerelease(OLD)
    assert not is_prerelease(NEW)
    assert not is_prerelease([])
    assert not is_prerelease([("auth", "0001_initial")])


@pytest.fixture
def _folders(tmp_path: Path, settings: Any) -> None:
    """The tests' own server, as if it were another machine's, and folders of the test's own."""
    settings.DATABASE_IS_EMBEDDED = False
    settings.DATA_DIR = DataDir(tmp_path)
    settings.STATIC_ROOT = tmp_path / "static"


@pytest.mark.django_db
@pytest.mark.usefixtures("_folders")
def test_preparing_stops_before_anything_is_written(tmp_path: Path) -> None:
    make_prerelease()
    said: list[str] = []
    with pytest.raises(OperatorError, match="before the first release"):
        startup.prepare(said.append)
    with pytest.raises(CommandError, match="before the first release"):
        call_command("prepare", stdout=io.StringIO())
    assert said == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db
@pytest.mark.usefixtures("_folders")
@pytest.mark.parametrize("words", [["--yes"], []])
def test_a_backup_is_refused_before_a_table_is_touched(words: list[str], tmp_path: Path) -> None:
    paper = factories.paper()
    file = tmp_path / "old.zip"
    manifest = {"version": "0.1", "created_at": "2026-03-04T00:00:00+00:00", "migrations": OLD, "sequences": {}}
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest | {"tables": [], "format": FORMAT_VERSION}))
        archive.writestr("secret_key", "k")
    with pytest.raises(BackupError, match="restore it with that version"), open_archive(file):
        pass
    with pytest.raises(CommandError, match=r"before the first release.*import_papers"):
        call_command("restore", str(file), *words, stdout=io.StringIO())
    assert Paper.objects.get() == paper


@pytest.fixture
def old_database() -> Iterator[str]:
    """The address of a database with a table of before the first release, and the note of who made it."""
    name = f"prerelease_{os.getpid()}"
    address = urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}").geturl()
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}".encode())
        with psycopg.connect(address, autocommit=True) as old:
            old.execute("CREATE TABLE papers_paper (id int)")
            old.execute("CREATE TABLE django_migrations (id serial, app text, name text, applied timestamptz)")
            for row in OLD:
                old.execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())", row)
        yield address
        server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.mark.slow
@pytest.mark.xdist_group("running")
@pytest.mark.parametrize("command", ["up", "prepare"])
def test_a_start_on_it_ends_with_one_sentence(command: str, old_database: str, tmp_path: Path) -> None:
    environment = {
        **site_environment(tmp_path / "data", free_port(), None),
        "DATABASE_URL": old_database,
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": "a key that is long enough, and of no other site",
    }
    ended = subprocess.run(
        [sys.executable, "manage.py", command, "--no-color"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert "before the first release" in ended.stderr
    assert not (tmp_path / "data" / "backups").exists()
    with psycopg.connect(old_database) as old:
        names = {row[0] for row in old.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert names == {"papers_paper", "django_migrations"}


@pytest.mark.django_db(transaction=True)
def test_papers_saved_as_json_can_be_imported_again(tmp_path: Path) -> None:
    """What the sentence promises."""
    of_arxiv = factories.paper(public_id="2603.00001", title="From arXiv", authors=["Ada Lovelace"])
    of_doi = factories.paper(public_id="doi/10.1000/xyz", title="With a DOI", doi="10.1000/xyz")
    file = tmp_path / "papers-2026-03-04.json"
    file.write_text("".join(format_papers([of_arxiv, of_doi], "json")), encoding="utf-8")
    Paper.objects.all().delete()
    call_command("import_papers", str(file), "--processes", "1", stdout=io.StringIO(), stderr=io.StringIO())
    stored = {paper.public_id: paper for paper in Paper.objects.all()}
    assert set(stored) == {"2603.00001", "doi/10.1000/xyz"}
    assert stored["2603.00001"].title == "From arXiv"
    assert stored["2603.00001"].authors == [{"name": "Ada Lovelace"}]
    call_command("flush", interactive=False, verbosity=0)
