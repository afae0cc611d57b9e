"""Upgrading: an older data folder comes up, a migration that fails changes nothing, and none waits for long."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DataError, connection, connections
from django.db.migrations.executor import MigrationExecutor

import papers.migrations
from config import startup, upgrade
from config.backup import tables
from config.backup.archive import open_archive
from config.local.paths import DataDir, OperatorError
from papers.models import Edition, Paper, User, Vote
from tests.support import factories

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)

PAPER: dict[str, Any] = {
    "public_id": "2603.00001",
    "title": "Ice sheets",
    "title_raw": "Ice sheets",
    "abstract": "Of ice.",
    "categories": ["cs.CL"],
    "primary_category": "cs.CL",
    "listed_at": NOW,
    "changed_at": NOW,
    "record_rank": 60,
    "authors": [{"name": "Ada Lovelace"}],
    "author_count": 1,
}

ADDS = """
from django.db import migrations
class Migration(migrations.Migration):
    dependencies = [("papers", "{before}")]
    operations = [
        migrations.RunSQL("CREATE TABLE papers_made_up (id int)"),
        migrations.RunSQL("ALTER TABLE papers_paper ADD COLUMN made_up int", "ALTER TABLE papers_paper DROP made_up"),
    ]
"""
FAILS = """
from django.db import migrations
class Migration(migrations.Migration):
    dependencies = [("papers", "9998_adds")]
    operations = [
        migrations.RunSQL("UPDATE papers_paper SET title = 'Changed'"),
        migrations.RunSQL("SELECT 1/0"),
    ]
"""


def quiet(_: str) -> None:
    """Say nothing."""


def newest_of_papers() -> str:
    return max(path.stem for path in Path(papers.migrations.__path__[0]).glob("0*.py"))


@pytest.fixture
def _data_folder(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.DATA_DIR = DataDir(tmp_path / "data")
    settings.DATA_DIR.make()
    yield
    call_command("flush", interactive=False, verbosity=0)


def of_a_release_before(papers_at: str, digests_at: str) -> None:
    """A database as that release left it, with something in it."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    tables.drop_everything()
    executor = MigrationExecutor(connection)
    others = [node for node in executor.loader.graph.leaf_nodes() if node[0] not in ("papers", "digests")]
    state = executor.migrate([*others, ("papers", papers_at), ("digests", digests_at)])
    of_then = state.apps
    user = of_then.get_model("papers", "User").objects.create(username="rita", email="rita@example.org")
    paper = of_then.get_model("papers", "Paper").objects.create(**PAPER)
    of_then.get_model("papers", "Vote").objects.create(user=user, paper=paper)
    of_then.get_model("papers", "Edition").objects.create(day=date(2026, 3, 2))


@pytest.mark.slow
@pytest.mark.usefixtures("_data_folder")
@pytest.mark.parametrize(
    ("papers_at", "digests_at"),
    [
        ("0002_triggers", "0001_first_release"),
        ("0020_paper_changes", "0004_channel_topics_and_failures"),
        ("0024_sentence_roles", "0005_readers_webhooks"),
    ],
)
def test_a_data_folder_of_a_release_before_comes_up(papers_at: str, digests_at: str, settings: Any) -> None:
    of_a_release_before(papers_at, digests_at)
    assert startup.missing_migrations() > 0
    said: list[str] = []
    startup.migrate(said.append)
    assert startup.missing_migrations() == 0
    assert Paper.objects.get().title == "Ice sheets"
    assert Vote.objects.get().user == User.objects.get(username="rita")
    assert Edition.objects.get().day == date(2026, 3, 2)
    (written,) = (settings.DATA_DIR.path / "backups").iterdir()
    with open_archive(written) as backup:
        backup.check()
        assert ("papers", papers_at) in backup.manifest.migrations
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.fixture
def made_up(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The migrations of papers, and whatever a test adds to them."""
    folder = tmp_path / "made_up_migrations"
    folder.mkdir()
    real = papers.migrations.__path__[0]
    (folder / "__init__.py").write_text(f"__path__.append({real!r})\n")
    (folder / "9998_adds.py").write_text(ADDS.format(before=newest_of_papers()))
    monkeypatch.syspath_prepend(str(tmp_path))
    settings.MIGRATION_MODULES = {"papers": "made_up_migrations"}
    settings.DATA_DIR = DataDir(tmp_path / "data")
    settings.DATA_DIR.make()
    settings.UPGRADE_BACKUP = False
    yield folder
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS papers_made_up")
        cursor.execute("ALTER TABLE papers_paper DROP COLUMN IF EXISTS made_up")
        cursor.execute("DELETE FROM django_migrations WHERE name LIKE '999%'")
    for name in [name for name in sys.modules if name.startswith("made_up_migrations")]:
        del sys.modules[name]
    call_command("flush", interactive=False, verbosity=0)


def has_made_up() -> tuple[bool, bool]:
    """Whether the table, and whether the column, of the migration is there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('papers_made_up') IS NOT NULL")
        table = bool(cursor.fetchone()[0])
    return table, "made_up" in tables.table_columns()["papers_paper"]


def test_a_migration_that_fails_in_the_middle_leaves_everything_as_it_was(made_up: Path) -> None:
    (made_up / "9999_fails.py").write_text(FAILS)
    factories.paper(title="Ice")
    assert startup.missing_migrations() == 2
    said: list[str] = []
    with pytest.raises(DataError):
        startup.migrate(said.append)
    assert "The migration papers.9999_fails failed, and nothing was changed" in said[-1]
    assert has_made_up() == (False, False)
    assert startup.missing_migrations() == 2, "none of them is done, the one before it neither"
    assert Paper.objects.get().title == "Ice", "the program of before runs on it"


def test_mended_the_same_command_goes_through(made_up: Path) -> None:
    startup.migrate(quiet)
    assert has_made_up() == (True, True)
    assert startup.missing_migrations() == 0


class Reader(threading.Thread):
    """Somebody else's transaction that has read papers, until it is told to end."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.has_read, self.may_end = threading.Event(), threading.Event()

    def run(self) -> None:
        try:
            with connections["default"].cursor() as cursor:
                cursor.execute("BEGIN")
                cursor.execute("SELECT count(*) FROM papers_paper")
                self.has_read.set()
                self.may_end.wait(60)
                cursor.execute("COMMIT")
        finally:
            connections.close_all()

    def __enter__(self) -> Reader:
        self.start()
        assert self.has_read.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self.may_end.set()
        self.join(30)


@pytest.mark.usefixtures("made_up")
def test_one_that_waits_for_a_lock_steps_back_and_tries_again(settings: Any) -> None:
    settings.MIGRATION_LOCK_SECONDS = 1
    said: list[str] = []
    pauses: list[float] = []
    with Reader() as reader:

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            assert has_made_up() == (False, False)
            reader.may_end.set()
            reader.join(30)

        upgrade.apply_migrations(said.append, pause=pause)
    assert pauses == [1.0]
    assert "Others hold a table" in said[0]
    assert "process" in said[0]
    assert has_made_up() == (True, True)


@pytest.mark.usefixtures("made_up")
def test_at_last_it_says_who_is_in_the_way_and_leaves_all_as_it_was(settings: Any) -> None:
    settings.MIGRATION_LOCK_SECONDS = 1
    pauses: list[float] = []
    with Reader(), pytest.raises(OperatorError, match="Nothing was changed") as refused:
        upgrade.apply_migrations(quiet, pause=pauses.append)
    assert pauses == [1, 3, 8, 15, 30]
    assert "process" in str(refused.value)
    assert has_made_up() == (False, False)
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)


def test_one_that_may_be_in_no_transaction_is_applied_by_itself(made_up: Path) -> None:
    added = made_up / "9998_adds.py"
    added.write_text(added.read_text().replace("    dependencies", "    atomic = False\n    dependencies"))
    assert not upgrade.is_one_transaction()
    startup.migrate(quiet)
    assert has_made_up() == (True, True)
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)


def test_rubbish_is_looked_for_afterwards_as_before() -> None:
    pace, frozen = gc.get_threshold(), gc.get_freeze_count()
    with upgrade.rare_collections():
        assert gc.get_threshold() > pace
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    assert (gc.get_threshold(), gc.get_freeze_count()) == (pace, frozen)


def test_a_migration_that_fails_leaves_its_pace_to_nobody(made_up: Path) -> None:
    (made_up / "9999_fails.py").write_text(FAILS)
    pace = gc.get_threshold()
    with pytest.raises(DataError):
        startup.migrate(quiet)
    assert gc.get_threshold() == pace
