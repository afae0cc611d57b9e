"""manage.py doctor: each check finds what it is for, says what to do, and none needs what it looks for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from config import doctor, doctor_setup
from config.findings import Finding, FindingLevel
from config.local.paths import DataDir
from config.monitoring.counts import SIGHTINGS, connect
from config.site_url import Site
from digests.services import mail_setup
from digests.services.mail_setup import MailSetup, MailSetupState
from papers.models import BackupRun, Edition, FetchRun, Source
from papers.services.embeddings.embedding_status import HEARTBEAT as EMBEDDER
from papers.services.operations.heartbeat import record_heartbeat
from tests.support.prerelease import make_prerelease

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def _served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "is_answering", lambda host, port: True)


def source(**options: Any) -> Source:
    return Source.objects.create(**{"kind": "arxiv_rss", "name": "arXiv announcements", **options})


def by_subject(findings: Iterator[Finding]) -> dict[str, Finding]:
    return {finding.subject: finding for finding in findings}


# --- the command ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.usefixtures("_served")
def test_when_all_is_well_it_says_so_of_each(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> None:
    settings.BACKUP_DIR = tmp_path
    BackupRun.objects.create(started_at=datetime.now(UTC), ended_at=datetime.now(UTC), is_good=True)
    monkeypatch.setattr("config.startup.is_static_collected", lambda: True)
    monkeypatch.setattr(doctor_setup, "answering_queues", lambda: {"default", "fetch", "mail"})
    connect().delete(SIGHTINGS)
    monkeypatch.setattr(
        mail_setup, "current_mail_setup", lambda: MailSetup(MailSetupState.WORKS, "A test message left.")
    )
    asked = source(next_fetch_at=datetime.now(UTC) + timedelta(hours=1))
    FetchRun.objects.create(source=asked, state="done", started_at=datetime.now(UTC), heartbeat_at=datetime.now(UTC))
    record_heartbeat(now=datetime.now(UTC))
    record_heartbeat(now=datetime.now(UTC), name=EMBEDDER)
    out = StringIO()

    call_command("doctor", stdout=out, no_color=True)  # would end with SystemExit

    lines = out.getvalue().splitlines()
    assert [line.split()[0] for line in lines[:-1]] == ["ok"] * 16
    assert lines[-1] == "No problems, No warnings."


@pytest.mark.django_db
@pytest.mark.usefixtures("_served")
def test_a_problem_ends_with_one_and_its_remedy_stands_below(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.startup.is_static_collected", lambda: True)
    connect().delete(SIGHTINGS)
    out = StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("doctor", stdout=out, no_color=True)

    assert ended.value.code == 1
    lines = out.getvalue().splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("problem  workers"))
    assert "Nobody ever worked" in lines[at]
    assert lines[at + 1].strip().startswith("→ ")
    assert lines[-1] == "1 problem, 4 warnings."


@pytest.mark.slow
def test_it_works_while_nothing_runs(tmp_path: Path) -> None:
    environment = {"PATH": os.defpath, "BROADSHEET_DATA_DIR": str(tmp_path), "PYTHON_DOTENV_DISABLED": "1", "PORT": "1"}
    words = [sys.executable, str(ROOT / "manage.py"), "doctor"]

    ended = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (1, "")
    assert "problem  redis" in ended.stdout
    assert "problem  database  PostgreSQL does not answer, so the rest was not looked at" in ended.stdout
    assert "warning  web" in ended.stdout
    assert "`make run` starts it" in ended.stdout


def test_whatever_is_wrong_has_a_remedy(settings: Any, tmp_path: Path) -> None:
    settings.DATABASE_IS_EMBEDDED = settings.REDIS_IS_EMBEDDED = False
    settings.REDIS_URL = f"unix://{tmp_path}/none.sock"
    settings.SECRET_KEY = "short"
    found = [doctor.check_redis(), doctor.check_tables(3), *doctor.check_settings(), doctor.database_unreachable(FAR)]
    found.append(doctor.check_clock(here=NOW, there=NOW + timedelta(hours=1)))

    assert [finding.level for finding in found] == [FindingLevel.PROBLEM] * len(found)
    assert all(finding.remedy for finding in found)


FAR: Any = Exception("no route to host")


# --- this machine --------------------------------------------------------------------------------------------------


def test_settings_are_judged_by_the_system_checks(settings: Any) -> None:
    assert [finding.level for finding in doctor.check_settings()] == [FindingLevel.OK]
    settings.SITE, settings.TRUSTED_PROXIES = Site.from_url("https://papers.example.org"), ()
    found = doctor.check_settings()
    assert {finding.level for finding in found} == {FindingLevel.WARNING}
    assert any("BROADSHEET_TRUSTED_PROXIES" in finding.remedy for finding in found)


class TestDataFolder:
    @pytest.fixture(autouse=True)
    def _embedded(self, settings: Any, tmp_path: Path) -> None:
        settings.DATABASE_IS_EMBEDDED = settings.REDIS_IS_EMBEDDED = True
        settings.DATA_DIR = DataDir(tmp_path / "data")

    def test_it_is_not_there_yet(self) -> None:
        found = doctor.check_data_folder()
        assert (found.level, found.remedy) == (FindingLevel.PROBLEM, "`make run` makes it.")

    def test_it_is_ours(self, settings: Any) -> None:
        settings.DATA_DIR.make()
        assert doctor.check_data_folder().level is FindingLevel.OK

    def test_others_may_pass_through_but_not_look(self, settings: Any) -> None:
        settings.DATA_DIR.make()
        settings.DATA_DIR.path.chmod(0o711)  # started as root, with an account for the servers
        assert doctor.check_data_folder().level is FindingLevel.OK
        settings.DATA_DIR.path.chmod(0o755)
        found = doctor.check_data_folder()
        assert (found.level, found.remedy) == (FindingLevel.WARNING, f"`chmod go-rw {settings.DATA_DIR.path}`")

    def test_it_belongs_to_somebody_else(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.DATA_DIR.make()
        monkeypatch.setattr("config.doctor.os.geteuid", lambda: os.getuid() + 1)
        assert "belongs to" in doctor.check_data_folder().message

    def test_without_embedded_services_there_is_none(self, settings: Any) -> None:
        settings.DATABASE_IS_EMBEDDED = settings.REDIS_IS_EMBEDDED = False
        assert doctor.check_data_folder().level is FindingLevel.OK


@pytest.mark.parametrize(
    ("free", "level"), [(100, FindingLevel.PROBLEM), (1500, FindingLevel.WARNING), (5000, FindingLevel.OK)]
)
def test_room_on_the_disk(free: int, level: FindingLevel, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("config.doctor.shutil.disk_usage", lambda path: usage(0, 0, free * 1024 * 1024))
    assert doctor.check_disk().level is level


@pytest.mark.parametrize(
    ("seconds", "level"), [(1, FindingLevel.OK), (-30, FindingLevel.WARNING), (600, FindingLevel.PROBLEM)]
)
def test_two_clocks(seconds: int, level: FindingLevel) -> None:
    assert doctor.check_clock(here=NOW, there=NOW + timedelta(seconds=seconds)).level is level


# --- what the database knows ---------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.usefixtures("_served")
def test_tables_that_are_not_there_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.startup.missing_migrations", lambda: 2)
    found = by_subject(doctor.diagnose(now=NOW))
    assert found["tables"].level is FindingLevel.PROBLEM
    assert "manage.py prepare" in found["tables"].remedy
    assert "workers" not in found


@pytest.mark.django_db
@pytest.mark.usefixtures("_served")
def test_tables_of_before_the_first_release_are_named_and_not_asked() -> None:
    make_prerelease()
    found = by_subject(doctor.diagnose(now=NOW))
    assert found["tables"].level is FindingLevel.PROBLEM
    assert "before the first release" in found["tables"].message
    assert "BROADSHEET_DATA_DIR" in found["tables"].remedy
    assert "workers" not in found


@pytest.mark.django_db
def test_workers_that_fell_silent() -> None:
    record_heartbeat(now=NOW - timedelta(hours=3))
    found = doctor.check_workers(now=NOW)
    assert found.level is FindingLevel.PROBLEM
    assert "2026-11-25 05:00 UTC" in found.message
    record_heartbeat(now=NOW)
    assert doctor.check_workers(now=NOW).level is FindingLevel.OK


@pytest.mark.django_db
def test_sources_that_fail_or_that_nobody_visits() -> None:
    later = NOW + timedelta(hours=1)
    failing = source(error_count=3, last_error="503", next_fetch_at=later)
    late = source(name="Late", next_fetch_at=NOW - timedelta(hours=2))
    source(name="Off", is_enabled=False, error_count=9, next_fetch_at=later)
    found = doctor.check_sources(now=NOW)
    assert [finding.level for finding in found] == [FindingLevel.WARNING] * 2
    assert "failed 3 times: 503" in found[0].message
    failing.error_count = 1
    failing.save()
    assert "failed 1 time: 503" in doctor.check_sources(now=NOW)[0].message
    assert f"manage.py fetch {failing.pk}" in found[0].remedy
    assert f"manage.py fetch {late.pk}" in found[1].remedy


@pytest.mark.django_db
def test_a_source_that_was_never_asked_is_not_said_to_be_well() -> None:
    new = source(next_fetch_at=NOW + timedelta(minutes=5))
    (found,) = doctor.check_sources(now=NOW)
    assert found.level is FindingLevel.WARNING
    assert "was not asked yet" in found.message
    FetchRun.objects.create(source=new, state=FetchRun.State.DONE, started_at=NOW, heartbeat_at=NOW)
    (found,) = doctor.check_sources(now=NOW)
    assert (found.level, found.message) == (FindingLevel.OK, "1 source on, and none fails.")


@pytest.mark.django_db
def test_without_any_source_nothing_comes() -> None:
    (found,) = doctor.check_sources(now=NOW)
    assert found.level is FindingLevel.WARNING


@pytest.mark.django_db
def test_a_day_with_a_gap() -> None:
    assert "was compared" in doctor.check_days(now=NOW).message, "nobody knows yet"
    Edition.objects.create(day=date(2026, 11, 23), announced_count=3, stored_count=3)
    found = doctor.check_days(now=NOW)
    assert (found.level, found.message) == (FindingLevel.OK, "No announced paper is known to be missing.")
    Edition.objects.create(day=date(2026, 11, 24), missing=["2611.00001", "2611.00002"])
    found = doctor.check_days(now=NOW)
    assert (found.level, "2 of 2026-11-24" in found.message) == (FindingLevel.WARNING, True)
