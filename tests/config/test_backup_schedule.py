"""Backups on a schedule: when they are due, what stays, what a failure leaves, and that they can be restored."""

from __future__ import annotations

import hashlib
import io
import struct
import threading
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections

from config.backup import encryption, schedule, writer
from config.backup.archive import BackupError, BackupManifest, TableEntry, open_archive
from config.backup.encryption import is_encrypted
from config.backup.retention import backup_name, backup_time, to_be_kept
from config.backup.schedule import due_backup, is_due, last_slot, write_due_backup
from config.local.paths import DataDir
from papers.enqueue import TaskName
from papers.locks import AdvisoryLock, session_lock
from papers.models import BackupRun, Paper
from papers.services.operations import scheduler
from papers.services.operations.backups import read_backups
from tests.support import factories

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


# --- what stays (no database) ---


def names(*days: str, hour: int = 2) -> list[str]:
    return [f"broadsheet-2026{day}T{hour:02}0000Z.zip" for day in days]


def test_a_name_says_when() -> None:
    assert backup_name(NOW, is_encrypted=True) == "broadsheet-20261125T080000Z.zip.age"
    assert backup_time(backup_name(NOW, is_encrypted=False)) == NOW
    for other in ("before-1.0-20261125T080000.zip", "broadsheet-20269925T080000Z.zip", "notes.txt", ""):
        assert backup_time(other) is None


def test_the_last_days_and_the_last_weeks_stay() -> None:
    start = datetime(2026, 9, 1, 2, tzinfo=UTC)
    every = [backup_name(start + timedelta(days=day), is_encrypted=False) for day in range(80)]
    kept = to_be_kept([*every, "mine.zip"], days=7, weeks=4, zone=UTC)
    assert "mine.zip" not in kept
    assert set(every[-7:]) <= kept
    # Two weeks are within the last seven days; of the two before them it is the Sunday's.
    assert sorted(kept - set(every[-7:])) == names("1101", "1108")


def test_of_several_of_a_day_the_newest_stays() -> None:
    kept = to_be_kept([*names("1101"), *names("1101", hour=9)], days=1, weeks=0, zone=UTC)
    assert kept == set(names("1101", hour=9))


def test_days_are_the_groups() -> None:
    late, early = "broadsheet-20261101T233000Z.zip", "broadsheet-20261102T013000Z.zip"
    assert to_be_kept([late, early], days=5, weeks=0, zone=UTC) == {late, early}
    assert to_be_kept([late, early], days=5, weeks=0, zone=BERLIN) == {early}


def test_after_a_pause_the_old_ones_are_still_there() -> None:
    assert to_be_kept(names("0101", "0102"), days=7, weeks=4, zone=UTC) == set(names("0101", "0102"))


# --- the schedule ---


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.BACKUP_DIR = tmp_path / "copies"
    settings.DATA_DIR = DataDir(tmp_path / "data")
    settings.DATA_DIR.make()
    return tmp_path / "copies"


def run(at: datetime, *, good: bool = True) -> BackupRun:
    return BackupRun.objects.create(started_at=at, ended_at=at, is_good=good, error="" if good else "Full.")


@pytest.mark.django_db
class TestWhenItIsDue:
    @pytest.fixture(autouse=True)
    def _set(self, folder: Path, settings: Any) -> None:
        settings.BACKUP_HOUR, settings.GROUP_TIME_ZONE = 2, "Europe/Berlin"

    def test_without_a_folder_never(self, settings: Any) -> None:
        settings.BACKUP_DIR = None
        assert due_backup(NOW) == []
        assert read_backups(now=NOW).is_well

    def test_the_first_time_at_once_and_then_by_the_groups_clock(self) -> None:
        assert due_backup(NOW) == [TaskName.WRITE_BACKUP]
        assert last_slot(NOW) == datetime(2026, 11, 25, 1, tzinfo=UTC)
        assert last_slot(datetime(2026, 11, 25, 0, 59, tzinfo=UTC)) == datetime(2026, 11, 24, 1, tzinfo=UTC)
        run(NOW)
        assert not is_due(now=NOW + timedelta(hours=16))
        assert is_due(now=datetime(2026, 11, 26, 1, 0, tzinfo=UTC))

    def test_after_days_off_once(self) -> None:
        run(NOW - timedelta(days=5))
        assert is_due(now=NOW)

    def test_a_failure_is_tried_again_three_times_that_day(self) -> None:
        at = NOW
        for minutes in (10, 30, 90):
            run(at, good=False)
            assert not is_due(now=at + timedelta(minutes=minutes - 1))
            at += timedelta(minutes=minutes)
            assert is_due(now=at)
        run(at, good=False)
        assert not is_due(now=at + timedelta(hours=10))
        assert is_due(now=NOW + timedelta(days=1))

    def test_the_scheduler_hands_it_to_the_workers_once(self) -> None:
        assert scheduler.collect_due_work(now=NOW).others == (TaskName.WRITE_BACKUP,)
        assert scheduler.collect_due_work(now=NOW).others == ()

    def test_it_is_late_after_a_day_and_a_half(self) -> None:
        assert not read_backups(now=NOW).is_late, "the first one is still to come"
        run(NOW - timedelta(hours=37))
        assert read_backups(now=NOW).is_late
        run(NOW - timedelta(hours=1), good=False)
        found = read_backups(now=NOW)
        assert found.last_failed is not None
        assert not found.is_well
        run(NOW)
        assert read_backups(now=NOW).is_well


# --- writing and restoring ---


def damage(path: Path, member: str) -> None:
    """Change a byte in the middle of what a member holds; not one of the zip's own words, of which some say nothing."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(member)
    data = bytearray(path.read_bytes())
    name, extra = struct.unpack_from("<HH", data, info.header_offset + 26)
    data[info.header_offset + 30 + name + extra + info.compress_size // 2] ^= 0xFF
    path.write_bytes(data)


def test_whichever_byte_of_a_table_is_damaged_it_is_said(tmp_path: Path) -> None:
    content = b"".join(b"%d\tIce\n" % number for number in range(400))
    for place in range(0, 600, 7):
        path = tmp_path / "b.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("tables/a.copy", content)
            entry = TableEntry("a", ["id"], 400, hashlib.sha256(content).hexdigest())
            archive.writestr("manifest.json", BackupManifest("1", "2026", [], tables=[entry], has_key=False).to_json())
            info = archive.getinfo("tables/a.copy")
        data = bytearray(path.read_bytes())
        data[info.header_offset + 30 + len(info.filename) + place % info.compress_size] ^= 0xFF
        path.write_bytes(data)
        with pytest.raises(BackupError, match="damaged"), open_archive(path) as backup:
            backup.check()


def restore(*words: str) -> str:
    out = io.StringIO()
    call_command("restore", *words, "--yes", stdout=out)
    return out.getvalue()


@pytest.mark.django_db(transaction=True)
class TestWriting:
    @pytest.fixture(autouse=True)
    def _content(self, folder: Path, settings: Any) -> Iterator[None]:
        settings.DATABASE_IS_EMBEDDED = False
        settings.SECRET_KEY_IS_SET = False
        factories.paper(public_id="2603.00001", title="Ice")
        yield
        call_command("flush", interactive=False, verbosity=0)

    def test_there_and_back(self, folder: Path) -> None:
        done = write_due_backup(now=NOW)
        assert done is not None
        assert (done.is_good, done.error) == (True, "")
        (file,) = folder.iterdir()
        assert file.name == "broadsheet-20261125T080000Z.zip"
        assert (str(file), file.stat().st_size) == (done.file, done.bytes)
        assert file.stat().st_mode & 0o777 == 0o600
        assert folder.stat().st_mode & 0o777 == 0o700
        Paper.objects.all().delete()
        assert "Done." in restore(str(file))
        assert Paper.objects.get().title == "Ice"

    def test_it_is_not_made_twice(self, folder: Path) -> None:
        assert write_due_backup(now=NOW)
        assert write_due_backup(now=NOW + timedelta(hours=1)) is None
        assert len(list(folder.iterdir())) == 1

    def test_never_two_at_once(self, folder: Path) -> None:
        found: list[object] = []

        def other() -> None:
            try:
                found.append(write_due_backup(now=NOW))
            finally:
                connections.close_all()

        with session_lock(AdvisoryLock.BACKUP):
            thread = threading.Thread(target=other)
            thread.start()
            thread.join(30)
        assert found == [None]
        assert not BackupRun.objects.exists()

    def test_old_ones_go_only_after_a_good_new_one(
        self, folder: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.BACKUPS_DAILY, settings.BACKUPS_WEEKLY = 2, 0
        folder.mkdir()
        for name in (*names("1101", "1102", "1103"), "mine.zip"):
            (folder / name).write_text("x")
        left = folder / ".broadsheet-20261101T020000Z.zip.unchecked"
        left.write_text("of a process that was killed")
        with monkeypatch.context() as broken:
            broken.setattr(schedule, "open_archive", lambda path: open_archive(path.with_suffix(".none")))
            done = write_due_backup(now=NOW)
        assert done is not None
        assert not done.is_good
        assert "There is no file" in done.error
        assert {path.name for path in folder.iterdir()} == {*names("1101", "1102", "1103"), "mine.zip"}
        done = write_due_backup(now=NOW + timedelta(hours=1))
        assert done is not None
        assert done.is_good
        wanted = {"broadsheet-20261125T090000Z.zip", *names("1103"), "mine.zip"}
        assert {path.name for path in folder.iterdir()} == wanted

    def test_a_folder_that_cannot_be_made_is_said(self, folder: Path) -> None:
        folder.write_text("in the way")
        done = write_due_backup(now=NOW)
        assert done is not None
        assert "BROADSHEET_BACKUP_DIR" in done.error
        assert read_backups(now=NOW).last_failed == done

    def test_a_damaged_disk_is_noticed_before_the_old_ones_go(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = writer.write_backup

        def damaged(path: Path, **options: Any) -> Any:
            made = real(path, **options)
            damage(path, "tables/papers_paper.copy")
            return made

        monkeypatch.setattr(schedule, "write_backup", damaged)
        done = write_due_backup(now=NOW)
        assert done is not None
        assert not done.is_good
        assert list(folder.iterdir()) == []


@pytest.mark.django_db(transaction=True)
class TestEncrypted:
    @pytest.fixture(autouse=True)
    def _keys(self, folder: Path, settings: Any, tmp_path: Path) -> Iterator[None]:
        pyrage = pytest.importorskip("pyrage")
        settings.DATABASE_IS_EMBEDDED = False
        settings.SECRET_KEY_IS_SET = False
        self.identity = pyrage.x25519.Identity.generate()
        settings.BACKUP_RECIPIENTS = (str(self.identity.to_public()),)
        self.keyfile = tmp_path / "key.txt"
        self.keyfile.write_text(f"# created: 2026\n# public key: {self.identity.to_public()}\n{self.identity}\n")
        factories.paper(public_id="2603.00001", title="Ice")
        yield
        call_command("flush", interactive=False, verbosity=0)

    def test_there_and_back(self, folder: Path, settings: Any) -> None:
        done = write_due_backup(now=NOW)
        assert done is not None
        assert done.is_good, done.error
        (file,) = folder.iterdir()
        assert file.name.endswith(".zip.age")
        assert is_encrypted(file)
        assert file.stat().st_mode & 0o777 == 0o600
        assert b"papers_paper" not in file.read_bytes()
        assert settings.SECRET_KEY.encode() not in file.read_bytes()
        left = {path.name for path in settings.DATA_DIR.path.iterdir()}
        Paper.objects.all().delete()
        assert "Done." in restore(str(file), "--identity", str(self.keyfile))
        assert Paper.objects.get().title == "Ice"
        assert not any(name.startswith((".backup.", ".restore.")) for name in left)
        assert not list(settings.DATA_DIR.path.glob(".restore.*"))

    def test_without_the_key_nothing_is_changed(self, folder: Path, tmp_path: Path) -> None:
        import pyrage

        write_due_backup(now=NOW)
        (file,) = folder.iterdir()
        other = tmp_path / "other.txt"
        other.write_text(str(pyrage.x25519.Identity.generate()))
        (tmp_path / "empty.txt").write_text("# nothing\n")
        for words, said in (
            ((), "--identity"),
            (("--identity", str(other)), "can't be opened"),
            (("--identity", str(tmp_path / "empty.txt")), "AGE-SECRET-KEY-"),
            (("--identity", str(tmp_path / "none.txt")), "can't be read"),
        ):
            with pytest.raises(CommandError, match=said):
                restore(str(file), *words)
        assert Paper.objects.get().title == "Ice"

    def test_a_key_that_is_none_is_said(self, settings: Any, folder: Path) -> None:
        settings.BACKUP_RECIPIENTS = ("age1nonsense",)
        done = write_due_backup(now=NOW)
        assert done is not None
        assert "BROADSHEET_BACKUP_RECIPIENTS" in done.error
        assert list(folder.iterdir()) == []

    def test_what_does_not_come_back_is_no_backup(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(encryption._Compared, "write", lambda self, data: len(data))
        done = write_due_backup(now=NOW)
        assert done is not None
        assert not done.is_good
        assert "does not come back" in done.error
        assert list(folder.iterdir()) == []

    def test_a_missing_package_is_said(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        monkeypatch.setitem(__import__("sys").modules, "pyrage", None)
        with pytest.raises(BackupError, match="pyrage"):
            encryption.read_recipients(["age1x"])
        done = write_due_backup(now=NOW)
        assert done is not None
        assert "pyrage" in done.error


@pytest.mark.django_db
def test_the_table_has_an_index_for_the_last_good_one() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'backup_good'")
        assert "WHERE is_good" in cursor.fetchone()[0]
