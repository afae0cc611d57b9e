"""The commonest mistakes, each made on purpose: `manage.py doctor` names it and says what to do."""

from __future__ import annotations

import json
from collections import namedtuple
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from celery import current_app
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client

from config import checks, doctor, doctor_setup, health
from config.doctor_setup import check_queues, check_redis_is_ours, check_sightings, setup_findings
from config.findings import Finding, FindingLevel
from config.local.paths import DataDir
from config.monitoring import counts
from config.monitoring.counts import PROCESS_COUNTS, SIGHTINGS, connect
from config.site_url import Site
from digests.models import SendingPause
from digests.services import mail_setup
from digests.services.mail_setup import MailSetup, MailSetupState
from papers.models import BackupRun, EmbeddingModel, FetchRun, Installation, Source
from papers.services.embeddings.embedding_status import HEARTBEAT as EMBEDDER
from papers.services.operations.heartbeat import record_heartbeat
from tests.support import factories
from tests.support.people import reader, staff

PUBLIC = Site.from_url("https://papers.example.org")
PROXY: dict[str, Any] = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.5"}
PROBLEM, WARNING = FindingLevel.PROBLEM, FindingLevel.WARNING


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(autouse=True)
def _nothing_seen() -> Iterator[None]:
    """What other tests' requests showed is not this one's."""
    _forget_sightings()
    yield
    _forget_sightings()


def _forget_sightings() -> None:
    PROCESS_COUNTS.flush()  # and wait for one that is under way
    PROCESS_COUNTS._forget()
    connect().delete(SIGHTINGS)


@pytest.fixture
def public(settings: Any) -> Any:
    """A site for others, behind a web server on this machine, as it should be."""
    settings.SITE, settings.SITE_URL, settings.SITE_URL_IS_SET = PUBLIC, PUBLIC.url, True
    settings.ALLOWED_HOSTS = PUBLIC.allowed_hosts()
    settings.TRUSTED_PROXIES = (ip_network("127.0.0.1"),)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.MAIL_IS_SENT = True
    settings.DEFAULT_FROM_EMAIL = "papers@example.org"
    return settings


def said(found: list[Finding], subject: str = "") -> tuple[FindingLevel, str]:
    """The one finding that is not well: its level, and all of its words."""
    wrong = [one for one in found if one.level is not FindingLevel.OK and subject in ("", one.subject)]
    assert len(wrong) == 1, wrong
    assert wrong[0].remedy
    return wrong[0].level, f"{wrong[0].message} {wrong[0].remedy}"


def judged_settings() -> list[Finding]:
    return doctor.check_settings()


def seen() -> list[Finding]:
    PROCESS_COUNTS.flush()
    return list(check_sightings(now=now()))


class TestSettings:
    def test_all_is_well(self, public: Any) -> None:
        assert [finding.level for finding in judged_settings()] == [FindingLevel.OK]

    def test_debug_is_on(self, settings: Any) -> None:
        settings.DEBUG = True
        level, words = said(judged_settings())
        assert (level, "DEBUG = False" in words) == (PROBLEM, True)

    def test_a_short_key(self, settings: Any) -> None:
        settings.SECRET_KEY = "short"
        assert "6 characters" in said(judged_settings())[1] or "5 characters" in said(judged_settings())[1]

    @pytest.mark.parametrize("key", ["django-insecure-" + "x7" * 20, "change-me-" * 6, "a" * 60, "My-Secret_Key" * 4])
    def test_a_key_out_of_an_example(self, settings: Any, key: str) -> None:
        settings.SECRET_KEY = key
        level, words = said(judged_settings())
        assert (level, "token_urlsafe" in words) == (PROBLEM, True)

    def test_a_token_for_the_figures_that_can_be_guessed(self, settings: Any) -> None:
        settings.METRICS_TOKEN = "secret"
        assert "token_urlsafe" in said(judged_settings())[1]

    def test_everybody_is_trusted(self, public: Any) -> None:
        for network in ("0.0.0.0/0", "::/0", "128.0.0.0/1"):
            public.TRUSTED_PROXIES = (ip_network(network),)
            level, words = said(judged_settings())
            assert (level, network in words) == (PROBLEM, True)

    def test_nobody_is_trusted_behind_a_web_server(self, public: Any) -> None:
        public.TRUSTED_PROXIES = ()
        assert "BROADSHEET_TRUSTED_PROXIES" in said(judged_settings())[1]

    def test_no_mail_server(self, public: Any) -> None:
        public.MAIL_IS_SENT = False
        assert "BROADSHEET_SMTP_URL" in said(judged_settings())[1]

    @pytest.mark.parametrize("sender", ["papers@lab", "papers@[192.0.2.1]", "Lab <papers@mail.local>"])
    def test_a_sender_whose_domain_has_no_address(self, public: Any, sender: str) -> None:
        public.DEFAULT_FROM_EMAIL = public.SERVER_EMAIL = sender
        assert "BROADSHEET_MAIL_FROM" in said(judged_settings())[1]

    def test_keys_of_backups_that_are_none(self, settings: Any, tmp_path: Path) -> None:
        pytest.importorskip("pyrage")
        settings.BACKUP_DIR, settings.BACKUP_RECIPIENTS = tmp_path, ("age1x",)
        assert said(judged_settings())[0] is PROBLEM


@pytest.mark.django_db
class TestTheWebServerInFront:
    """By what requests showed: nobody can know it before the first one."""

    def test_all_is_well(self, public: Any) -> None:
        Client().get("/status", HTTP_HOST="papers.example.org", HTTP_X_FORWARDED_PROTO="https", **PROXY)
        Client().get("/status")
        assert seen() == []

    def test_readers_type_another_address(self, public: Any) -> None:
        Client().get("/status", HTTP_HOST="daily.example.org", HTTP_X_FORWARDED_PROTO="https", **PROXY)
        level, words = said(seen())
        assert level is PROBLEM
        assert "daily.example.org" in words
        assert "BROADSHEET_SITE_URL" in words

    def test_a_strangers_host_beside_the_right_one_is_no_mistake(self, public: Any) -> None:
        for host in ("203.0.113.9", "papers.example.org"):
            Client().get("/status", HTTP_HOST=host, HTTP_X_FORWARDED_PROTO="https", **PROXY)
        assert seen() == []

    def test_https_in_front_of_an_address_of_http(self, public: Any) -> None:
        public.SITE = Site.from_url("http://papers.example.org")
        public.SITE_URL = public.SITE.url
        Client().get("/status", HTTP_HOST="papers.example.org", HTTP_X_FORWARDED_PROTO="https", **PROXY)
        level, words = said(seen())
        assert (level, "https://" in words) == (PROBLEM, True)

    def test_a_proxy_that_is_not_trusted(self, public: Any) -> None:
        public.TRUSTED_PROXIES = (ip_network("10.0.0.1"),)
        Client().get("/status", HTTP_HOST="papers.example.org", **PROXY)
        level, words = said(seen())
        assert (level, "Add 127.0.0.1 to BROADSHEET_TRUSTED_PROXIES" in words) == (WARNING, True)

    def test_a_proxy_that_does_not_say_https(self, public: Any) -> None:
        Client().get("/status", HTTP_HOST="papers.example.org", **PROXY)
        level, words = said(seen())
        assert (level, "X-Forwarded-Proto" in words) == (PROBLEM, True)

    def test_what_a_stranger_wrote_is_cleaned_for_the_terminal(self, public: Any) -> None:
        Client().get("/status", HTTP_HOST="a\x1b[31m;rm`<b>.example", HTTP_X_FORWARDED_PROTO="https", **PROXY)
        assert not {"\x1b", "`", "<", ";"} & set(said(seen())[1].partition("Set BROADSHEET")[0])

    def test_of_yesterday_it_is_no_more(self, public: Any) -> None:
        connect().hset(SIGHTINGS, "https-in-front", f"{now().timestamp() - 90_000:.0f}\thost")
        assert list(check_sightings(now=now())) == []


class TestRedis:
    def test_ours(self) -> None:
        counts.count_request("a", "2xx", 0.1)
        PROCESS_COUNTS.flush()
        assert list(check_redis_is_ours(now=now())) == []

    def test_out_of_reach(self, settings: Any) -> None:
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        assert doctor.check_redis().level is PROBLEM
        assert health.redis_problem()

    def test_another_site_in_it(self, settings: Any) -> None:
        real = settings.SECRET_KEY
        settings.SECRET_KEY = "of another site, which has the same Redis"
        counts.count_request("a", "2xx", 0.1)
        PROCESS_COUNTS.flush()
        settings.SECRET_KEY = real
        level, words = said(list(check_redis_is_ours(now=now())))
        assert (level, "/0, /1" in words) == (PROBLEM, True)
        assert list(check_redis_is_ours(now=now() + timedelta(hours=2))) == []

    def test_one_that_throws_away_what_it_likes(self) -> None:
        client = connect()
        before = str(client.config_get("maxmemory-policy")["maxmemory-policy"])
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            assert "volatile-ttl" in said(list(check_redis_is_ours(now=now())))[1]
        finally:
            client.config_set("maxmemory-policy", before)


class TestPostgres:
    def test_too_old_without_pgvector_in_the_wrong_encoding(self) -> None:
        found = [*checks._check_version(15), *checks._check_pgvector(None), *checks._check_pgvector("0.7.4")]
        found += [*checks._check_text("SQL_ASCII", folds=True), *checks._check_text("UTF8", folds=False)]
        judged = [doctor._of_check(message, "database") for message in found]
        assert [finding.level for finding in judged] == [PROBLEM] * 5
        assert all(len(finding.remedy) > 20 for finding in judged)

    def test_away(self) -> None:
        found = doctor.database_unreachable(OperationalError("no route"))
        assert (found.level, bool(found.remedy)) == (PROBLEM, True)

    def test_migrations_not_applied(self) -> None:
        assert "prepare" in doctor.check_tables(2).remedy

    def test_clock_off(self) -> None:
        assert doctor.check_clock(here=now(), there=now() + timedelta(minutes=5)).level is PROBLEM


class TestTheMachine:
    def test_the_disk_is_nearly_full(self, monkeypatch: pytest.MonkeyPatch) -> None:
        usage = namedtuple("usage", "total used free")
        monkeypatch.setattr("config.doctor.shutil.disk_usage", lambda path: usage(0, 0, 10_000_000))
        assert doctor.check_disk().level is PROBLEM

    def test_shared_memory_is_tiny(self, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> None:
        settings.STATIC_ROOT, settings.DATABASE_IS_EMBEDDED = tmp_path, True
        usage = namedtuple("usage", "total used free")
        monkeypatch.setattr("config.doctor.shutil.disk_usage", lambda path: usage(0, 0, 1_000_000))
        monkeypatch.setattr("config.startup.is_static_collected", lambda: True)
        level, words = said(list(doctor.check_this_machine()))
        assert (level, "--shm-size" in words) == (WARNING, True)

    def test_static_files_are_not_collected(self, settings: Any, tmp_path: Path) -> None:
        settings.STATIC_ROOT = tmp_path / "static"
        level, words = said(list(doctor.check_this_machine()), "static")
        assert (level, "prepare --static-only" in words) == (PROBLEM, True)

    def test_the_data_folder_is_not_ours(self, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.DATABASE_IS_EMBEDDED, settings.DATA_DIR = True, DataDir(tmp_path / "data")
        settings.DATA_DIR.make()
        monkeypatch.setattr("config.doctor.os.access", lambda path, mode: False)
        assert "chmod 700" in doctor.check_data_folder().remedy
        monkeypatch.setattr("config.doctor.os.geteuid", lambda: settings.DATA_DIR.path.stat().st_uid + 1)
        assert doctor.check_data_folder().level is PROBLEM


@pytest.mark.django_db
class TestWorkers:
    def test_beat_does_not_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(doctor, "answering_queues", lambda: {"default", "fetch", "mail"})
        record_heartbeat(now=now() - timedelta(hours=1))
        found = doctor.check_workers(now=now())
        assert (found.level, "run beat" in found.remedy) == (PROBLEM, True)

    def test_nothing_runs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(doctor, "answering_queues", set)
        assert doctor.check_workers(now=now()).level is PROBLEM
        assert list(check_queues(now=now())) == [], "it is said once"

    def test_a_queue_has_no_worker(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(doctor_setup, "answering_queues", lambda: {"default", "fetch"})
        record_heartbeat(now=now())
        current_app.control.purge()
        assert said(list(check_queues(now=now())))[0] is WARNING
        current_app.send_task("digests.send_waiting")
        try:
            level, words = said(list(check_queues(now=now())))
        finally:
            current_app.control.purge()
        assert level is PROBLEM
        assert "queue mail, where 1 tasks wait" in words
        assert "run mailer" in words

    def test_nobody_answers_where_nobody_is(self) -> None:
        assert doctor_setup.answering_queues() == set()


@pytest.mark.django_db
class TestWhatTheDatabaseKnows:
    @pytest.fixture(autouse=True)
    def _backups(self, settings: Any, tmp_path: Path) -> None:
        settings.BACKUP_DIR = tmp_path
        BackupRun.objects.create(started_at=now(), ended_at=now(), is_good=True)

    def findings(self) -> list[Finding]:
        return list(setup_findings(now=now()))

    def test_all_is_well(self) -> None:
        assert [finding.level for finding in self.findings()] == [FindingLevel.OK]

    def test_no_backups(self, settings: Any) -> None:
        settings.BACKUP_DIR = None
        level, words = said(self.findings())
        assert (level, "BROADSHEET_BACKUP_DIR" in words) == (WARNING, True)

    def test_the_last_backup_is_too_old(self) -> None:
        BackupRun.objects.update(started_at=now() - timedelta(days=3))
        assert said(self.findings())[0] is PROBLEM

    def test_the_last_backup_failed(self) -> None:
        BackupRun.objects.create(started_at=now(), ended_at=now(), error="The disk is full.")
        level, words = said(self.findings())
        assert (level, "The disk is full." in words) == (PROBLEM, True)

    def test_the_key_was_changed(self, settings: Any) -> None:
        source = factories.source(api_key="abc")
        settings.SECRET_KEY = "another key that opens nothing of what is there already"
        level, words = said(self.findings())
        assert level is PROBLEM
        assert "SECRET_KEY_FALLBACKS" in words
        settings.SECRET_KEY_FALLBACKS = []
        assert Source.objects.filter(pk=source.pk).exists()

    def test_a_zone_that_nobody_knows(self, settings: Any) -> None:
        settings.GROUP_TIME_ZONE = None
        Installation.objects.update_or_create(pk=1, defaults={"time_zone": "Europe/Atlantis"})
        level, words = said(self.findings())
        assert (level, "Europe/Atlantis" in words) == (PROBLEM, True)

    def test_announcements_are_turned_off(self) -> None:
        factories.source(kind="arxiv_rss", is_enabled=False)
        assert "Turn it on" in said(self.findings())[1]

    def test_an_administrator_without_a_second_factor(self, public: Any) -> None:
        admin = staff()
        reader()
        level, words = said(self.findings())
        assert level is WARNING
        assert admin.username in words
        Authenticator.objects.create(user=admin, type=Authenticator.Type.TOTP, data={"secret": ""})
        found = [finding for finding in self.findings() if finding.subject == "people"]
        assert found == []


@pytest.mark.django_db
class TestSourcesMailAndSearch:
    def test_a_source_fails_for_days(self) -> None:
        failing = factories.source(error_count=9, last_error="503", next_fetch_at=now() + timedelta(hours=1))
        for hours in (80, 60, 1):
            at = now() - timedelta(hours=hours)
            FetchRun.objects.create(source=failing, state="failed", started_at=at, heartbeat_at=at)
        level, words = said(doctor.check_sources(now=now()))
        assert (level, "503" in words) == (PROBLEM, True)

    def test_the_mail_server_refuses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        SendingPause.objects.create(name="", since=now(), reason="550 5.7.26 unauthenticated")
        works = MailSetup(MailSetupState.WORKS, "A test message left.")
        monkeypatch.setattr(mail_setup, "current_mail_setup", lambda: works)
        found = doctor.check_mail(now=now())
        assert (found.level, "5.7.26" in found.message) == (PROBLEM, True)

    def test_the_embedder_does_not_answer(self, settings: Any) -> None:
        settings.EMBEDDINGS, settings.EMBEDDINGS_URL = True, "http://127.0.0.1:1/v1"
        assert "not running" in doctor.check_embeddings(now=now()).message

    def test_the_model_has_another_dimension(self, settings: Any) -> None:
        settings.EMBEDDINGS, settings.EMBEDDINGS_URL = True, "http://127.0.0.1:1/v1"
        record_heartbeat(now=now(), name=EMBEDDER)
        EmbeddingModel.objects.create(
            name="m", dimensions=384, is_target=True, last_error="It gave 768 numbers instead of 384."
        )
        found = doctor.check_embeddings(now=now())
        assert (found.level, "768 numbers" in found.message) == (WARNING, True)


@pytest.mark.django_db
def test_as_json_for_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "is_answering", lambda host, port: True)
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--json", stdout=out)
    assert ended.value.code == 1
    found = json.loads(out.getvalue())
    assert {"level", "subject", "message", "remedy"} == set(found[0])
    assert any(one["level"] == "problem" and one["remedy"] for one in found)
