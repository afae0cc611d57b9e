"""/metrics: whose it is, what it says, what it costs, and that no word of a stranger gets into it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import current_app
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from config.local.paths import DataDir
from config.monitoring import counts, database_figures, machine_figures
from config.monitoring.counts import HASH, PROCESS_COUNTS, connect, count_task
from config.monitoring.metrics import count_families
from config.monitoring.text_format import Family, gauge, number, write_families
from digests.models import ClubMail, Schedule
from papers.models import Edition
from papers.services.operations.heartbeat import record_heartbeat
from tests.support import clubs, factories

TOKEN = "a-token-that-nobody-guesses"
NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
HERE: dict[str, Any] = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1:8000"}


@pytest.fixture(autouse=True)
def _nothing_counted() -> Iterator[None]:
    PROCESS_COUNTS.flush()
    connect().delete(HASH)
    yield
    PROCESS_COUNTS.flush()
    connect().delete(HASH)


def ask(**meta: Any) -> Any:
    return Client().get("/metrics", **{**HERE, **meta})


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """What Prometheus' own reader makes of an answer."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float:
    return samples(text)[name, frozenset(labels.items())]


# --- who may ---


@pytest.mark.django_db
class TestWhoMayReadIt:
    def test_somebody_on_the_machine_itself(self) -> None:
        answer = ask()
        assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert "no-store" in answer["Cache-Control"]
        assert "private" in answer["Cache-Control"]
        assert ask(HTTP_HOST="localhost").status_code == 200
        assert ask(REMOTE_ADDR="::1", HTTP_HOST="[::1]:8000").status_code == 200

    @pytest.mark.parametrize(
        "meta",
        [
            {"REMOTE_ADDR": "203.0.113.5"},
            {"REMOTE_ADDR": ""},
            {"REMOTE_ADDR": "10.0.0.1"},
            {"HTTP_X_FORWARDED_FOR": "203.0.113.5"},
            {"HTTP_X_FORWARDED_PROTO": "https"},
            {"HTTP_FORWARDED": "for=203.0.113.5"},
            {"HTTP_VIA": "1.1 proxy"},
            {"HTTP_X_REAL_IP": "127.0.0.1"},
            {"HTTP_HOST": "papers.example.org"},
            {"HTTP_HOST": "127.0.0.1.evil.example"},
            {"HTTP_HOST": "evil.example:80"},
        ],
    )
    def test_nobody_else_without_a_token(self, meta: dict[str, str], settings: Any) -> None:
        assert ask(**meta).status_code == 404
        settings.METRICS_TOKEN = TOKEN
        answer = ask(**meta)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="metrics"')
        assert "broadsheet_" not in answer.content.decode()
        assert ask(**meta, HTTP_AUTHORIZATION=f"Bearer {TOKEN}").status_code == 200

    def test_a_wrong_token_opens_nothing_from_here_either(self, settings: Any) -> None:
        settings.METRICS_TOKEN = TOKEN
        for given in ("Bearer wrong", "Bearer", f"Bearer {TOKEN}x", "Bearer ünïcode"):
            assert ask(HTTP_AUTHORIZATION=given).status_code == 401

    def test_without_a_token_in_the_settings_an_empty_one_opens_nothing(self) -> None:
        assert ask(REMOTE_ADDR="203.0.113.5", HTTP_AUTHORIZATION="Bearer ").status_code == 404

    def test_it_is_only_read(self) -> None:
        assert Client().post("/metrics", **HERE).status_code == 405

    def test_a_members_site_shows_it_to_no_more_people(self, settings: Any) -> None:
        settings.ACCESS = "members"
        assert ask(REMOTE_ADDR="203.0.113.5").status_code == 404
        assert ask().status_code == 200


# --- what it says ---


@pytest.mark.django_db
class TestWhatItSays:
    def test_a_request_is_counted_under_its_name_and_status(self) -> None:
        before = len(PROCESS_COUNTS.waiting())
        Client().get("/status")
        Client().get("/status")
        Client().get("/papers/9999.99999")
        Client().get("/no/such/<page>\"'")
        assert len(PROCESS_COUNTS.waiting()) > before
        text = ask().content.decode()
        assert value(text, "broadsheet_request_seconds_count", view="papers:status", status="2xx") == 2
        assert value(text, "broadsheet_request_seconds_count", view="papers:paper", status="4xx") == 1
        assert value(text, "broadsheet_request_seconds_count", view="none", status="4xx") == 1
        assert "such" not in text
        assert value(text, "broadsheet_request_seconds_bucket", view="papers:status", status="2xx", le="+Inf") == 2
        assert 0 < value(text, "broadsheet_request_seconds_sum", view="papers:status", status="2xx") < 60

    def test_labels_are_few_whatever_strangers_ask(self) -> None:
        for word in range(40):
            Client().get(f"/{word}/x")
            Client().get(f"/papers/{word}", HTTP_HOST=f"h{word}.example")
            Client().get("/status", {"q": str(word)})
        views = {key[1] for key in PROCESS_COUNTS.waiting()}
        assert len(views) <= 4

    def test_a_task_is_counted_also_when_it_fails(self) -> None:
        count_task("papers.cleanup", "done", 0.3)
        count_task("papers.cleanup", "done", 70.0)
        count_task("papers.cleanup", "failed", 2.0)
        text = ask().content.decode()
        assert value(text, "broadsheet_task_seconds_count", task="papers.cleanup", outcome="done") == 2
        assert value(text, "broadsheet_task_seconds_bucket", task="papers.cleanup", outcome="done", le="0.5") == 1
        assert value(text, "broadsheet_task_seconds_count", task="papers.cleanup", outcome="failed") == 1
        assert value(text, "broadsheet_task_seconds_sum", task="papers.cleanup", outcome="failed") == 2

    def test_sources_days_and_workers(self) -> None:
        now = datetime.now(UTC)
        record_heartbeat(now=now - timedelta(minutes=2))
        fine = factories.source(last_success_at=now - timedelta(hours=1), next_fetch_at=now + timedelta(hours=1))
        late = factories.source(name='x" y', next_fetch_at=now - timedelta(hours=2), error_count=3)
        Edition.objects.create(
            day=now.date() - timedelta(days=1), announced_count=9, stored_count=7, missing=["1", "2"], is_sample=False
        )
        text = ask().content.decode()
        labels = {"source": str(fine.pk), "kind": fine.kind}
        assert 3600 <= value(text, "broadsheet_source_lag_seconds", **labels) < 3700
        labels = {"source": str(late.pk), "kind": late.kind}
        assert 7200 <= value(text, "broadsheet_source_overdue_seconds", **labels) < 7300
        assert value(text, "broadsheet_source_failures", **labels) == 3
        assert value(text, "broadsheet_sources", state="late") == 1
        assert value(text, "broadsheet_sources", state="unasked") == 1
        assert value(text, "broadsheet_day_missing_papers", days_ago="1") == 2
        assert value(text, "broadsheet_day_announced_papers", days_ago="1") == 9
        assert 120 <= value(text, "broadsheet_heartbeat_age_seconds", part="workers") < 200
        assert late.name not in text

    def test_mail_queues_and_the_database(self) -> None:
        now = datetime.now(UTC)
        factories.delivery(factories.schedule(), due_at=now - timedelta(hours=1))
        text = ask().content.decode()
        assert value(text, "broadsheet_deliveries", state="planned") == 1
        assert value(text, "broadsheet_deliveries", state="sending") == 0
        assert value(text, "broadsheet_delivery_late_seconds") >= 3600
        assert value(text, "broadsheet_queue_waiting", queue="submissions_to_fetch") == 0
        assert value(text, "broadsheet_embedding_backlog") == 0
        assert value(text, "broadsheet_database_connections_max") > 10
        assert value(text, "broadsheet_up", part="database") == 1
        assert value(text, "broadsheet_up", part="redis") == 1
        assert value(text, "broadsheet_build_info", version=django_settings.VERSION) == 1

    def test_a_mail_that_nobody_planned_is_late_all_the_same(self) -> None:
        schedule = factories.schedule()
        due = datetime.now(UTC) - timedelta(hours=3)
        Schedule.objects.filter(pk=schedule.pk).update(next_on=due.date(), next_due_at=due)
        assert 3 * 3600 <= value(ask().content.decode(), "broadsheet_delivery_late_seconds") < 3 * 3600 + 60

    def test_a_mail_of_a_journal_club_that_waits_is_late_however_often_it_was_tried(self) -> None:
        now = datetime.now(UTC)
        member = clubs.mailable("ada")
        meeting = clubs.club(member).meetings.first()
        assert meeting is not None
        mail = ClubMail.objects.create(
            meeting=meeting,
            user=member,
            kind=ClubMail.Kind.REMINDER,
            sequence=meeting.sequence,
            not_before=now + timedelta(hours=1),
            planned_at=now - timedelta(hours=2),
        )
        assert 7200 <= value(ask().content.decode(), "broadsheet_delivery_late_seconds") < 7260
        ClubMail.objects.filter(pk=mail.pk).update(state=ClubMail.State.SENT)
        assert value(ask().content.decode(), "broadsheet_delivery_late_seconds") == 0

    def test_what_waits_is_counted_with_how_long_the_oldest_has(self) -> None:
        now = datetime.now(UTC)
        for hours in (1, 5, 2):
            factories.source(name=str(hours), next_fetch_at=now - timedelta(hours=hours))
        factories.source(name="later", next_fetch_at=now + timedelta(hours=1))
        text = ask().content.decode()
        assert value(text, "broadsheet_queue_waiting", queue="sources_to_fetch") == 3
        assert 5 * 3600 <= value(text, "broadsheet_queue_age_seconds", queue="sources_to_fetch") < 5 * 3600 + 60
        assert value(text, "broadsheet_queue_age_seconds", queue="topics_to_match") == 0

    def test_tasks_that_wait_are_counted_by_queue(self) -> None:
        current_app.control.purge()
        current_app.send_task("papers.fetch_source", (1,))
        try:
            text = ask().content.decode()
        finally:
            current_app.control.purge()
        assert value(text, "broadsheet_queued_tasks", queue="fetch") == 1
        assert value(text, "broadsheet_queued_tasks", queue="mail") == 0

    def test_memory_of_this_process_where_no_supervisor_runs(self, settings: Any, tmp_path: Path) -> None:
        settings.DATA_DIR = DataDir(tmp_path)
        text = ask().content.decode()
        assert value(text, "broadsheet_memory_bytes", part="web") > 10_000_000
        assert value(text, "broadsheet_processes", part="web") >= 1
        assert value(text, "broadsheet_disk_free_bytes") > 0

    def test_memory_of_what_the_supervisor_runs(self, tmp_path: Path) -> None:
        data = DataDir(tmp_path)
        data.make()
        code = "print(1, flush=True); input()"
        child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert child.stdout is not None
        try:
            child.stdout.readline()
            (data.run_dir / "1-worker.pid").write_text(f"{child.pid} x")
            (data.run_dir / "2-mailer.pid").write_text("999999999 gone")
            (data.run_dir / "0-stranger.pid").write_text(f"{child.pid} x")
            found = machine_figures.memory_by_part(data)
        finally:
            child.communicate(b"\n")
        assert set(found) == {"worker", "supervisor"}
        assert found["worker"][0] > 1_000_000
        assert found["worker"][1] == 1

    def test_memory_is_that_of_all_that_descends_from_a_part(self, tmp_path: Path) -> None:
        data = DataDir(tmp_path)
        data.make()
        code = (
            "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'input()']); print(1, flush=True); input()"
        )
        child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert child.stdout is not None
        try:
            child.stdout.readline()
            (data.run_dir / "1-worker.pid").write_text(f"{child.pid} x")
            assert machine_figures.memory_by_part(data)["worker"][1] == 2
        finally:
            child.communicate(b"\n\n")

    def test_every_sample_has_a_help_and_is_read_by_prometheus_own_reader(self) -> None:
        count_task("papers.cleanup", "done", 0.3)
        families = list(text_string_to_metric_families(ask().content.decode()))
        assert len(families) > 20
        assert all(family.documentation and family.type != "unknown" for family in families)
        assert all(family.name.startswith("broadsheet_") for family in families)


# --- parts that are away ---


@pytest.mark.django_db
def test_without_redis_the_rest_is_said_and_counts_wait(settings: Any) -> None:
    count_task("papers.cleanup", "done", 0.3)
    real, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:1/0"
    PROCESS_COUNTS._client = None
    text = ask().content.decode()
    assert value(text, "broadsheet_up", part="redis") == 0
    assert value(text, "broadsheet_up", part="database") == 1
    settings.REDIS_URL, PROCESS_COUNTS._client = real, None
    text = ask().content.decode()
    assert value(text, "broadsheet_task_seconds_count", task="papers.cleanup", outcome="done") == 1


@pytest.mark.django_db
def test_without_postgres_the_rest_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**_: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")

    monkeypatch.setattr("config.monitoring.metrics.database_families", away)
    text = ask().content.decode()
    assert value(text, "broadsheet_up", part="database") == 0
    assert value(text, "broadsheet_up", part="redis") == 1


# --- counting over processes ---


def test_what_several_processes_count_is_added_up() -> None:
    client = redis.Redis.from_url(django_settings.REDIS_URL)
    for _ in range(3):
        process = counts.ProcessCounts()
        process.add(("task", "papers.cleanup", "done", "0"), ("task-time", "papers.cleanup", "done"), 0.5)
        assert process.flush()
    found = counts.read_counts(client)
    assert found["task", "papers.cleanup", "done", "0"] == 3
    assert found["task-time", "papers.cleanup", "done"] == 1_500_000


def test_counts_reach_redis_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "FLUSH_SECONDS", 0.05)
    process = counts.ProcessCounts()
    process.add(("task", "a", "done", "0"), ("task-time", "a", "done"), 0.5)
    deadline = time.monotonic() + 5
    while not counts.read_counts(connect()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert counts.read_counts(connect())["task", "a", "done", "0"] == 1


def test_many_threads_lose_no_count() -> None:
    process = counts.ProcessCounts()

    def work() -> None:
        for _ in range(1_000):
            process.add(("task", "a", "done", "0"), ("task-time", "a", "done"), 0.001)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        process.flush()
    for thread in threads:
        thread.join()
    process.flush()
    assert counts.read_counts(connect())["task", "a", "done", "0"] == 4_000


def test_what_another_wrote_into_the_hash_is_passed_over() -> None:
    client = connect()
    client.hset(HASH, "request\tpapers:today\t2xx\t99", "1")
    client.hset(HASH, "request\tpapers:today\t2xx\t0", "no number")
    client.hset(HASH, "older\tthing", "7")
    assert all(family.samples == [] for family in count_families(counts.read_counts(client)))


# --- the format ---


def test_the_format_escapes_what_it_must() -> None:
    family = Family("a", "gauge", "of\ntwo \\ lines")
    family.add(1.5, name='x"y\\z\n')
    assert write_families([family]) == '# HELP a of\\ntwo \\\\ lines\n# TYPE a gauge\na{name="x\\"y\\\\z\\n"} 1.5\n'
    (read,) = text_string_to_metric_families(write_families([family]))
    assert read.samples[0].labels == {"name": 'x"y\\z\n'}


def test_a_family_without_samples_is_left_out() -> None:
    assert write_families([gauge("a", "b")]) == ""


@pytest.mark.parametrize(
    ("given", "shown"), [(0, "0"), (3.0, "3"), (True, "1"), (0.25, "0.25"), (1e12, "1000000000000")]
)
def test_numbers(given: float, shown: str) -> None:
    assert number(given) == shown


def test_the_queues_are_where_they_are_looked_for() -> None:
    options = current_app.conf.broker_transport_options
    assert options["global_keyprefix"] == machine_figures.QUEUE_PREFIX
    assert machine_figures.queue_names() == sorted(queue.name for queue in current_app.conf.task_queues)


# --- what it costs ---


@pytest.mark.django_db
def test_no_statement_counts_what_may_be_large() -> None:
    with CaptureQueriesContext(connection) as queries:
        list(database_figures.database_families(now=NOW))
    assert len(queries) < 18
    for query in queries:
        sql = query["sql"].lower()
        assert "count(" not in sql or "limit" in sql or "pg_stat_activity" in sql, sql


def test_a_flush_waits_for_one_that_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that ends has no sums in the hands of a thread that ends with it."""
    has_begun, may_go_on = threading.Event(), threading.Event()
    real = counts.connect

    def slowly() -> Any:
        has_begun.set()
        assert may_go_on.wait(10)
        return real()

    count_task("papers.cleanup", "done", 0.3)
    PROCESS_COUNTS._client = None
    monkeypatch.setattr(counts, "connect", slowly)
    under_way = threading.Thread(target=PROCESS_COUNTS.flush)
    under_way.start()
    assert has_begun.wait(10)
    threading.Timer(0.2, may_go_on.set).start()
    assert PROCESS_COUNTS.flush()
    assert counts.read_counts(real())["task", "papers.cleanup", "done", "1"] == 1
    under_way.join()
