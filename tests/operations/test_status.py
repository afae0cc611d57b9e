"""/status: what is known of each day, of the sources and of the workers; and how much of it a reader is shown."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from celery import current_app
from django.db import connection
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import strip_tags
from kombu import Connection

from digests.models import SendingPause
from papers.models import BackupRun, Edition, FetchRun, Installation, Source
from papers.services.operations.heartbeat import WORKERS, is_alive, last_heartbeat, record_heartbeat
from papers.services.operations.installation import group_settings, invalidate_group_settings, skip_setup
from papers.services.operations.status import (
    STATUS_DAYS,
    SourceState,
    Verdict,
    first_fetch_status,
    server_statistics,
    site_status,
    source_states,
)
from tests.support import factories
from tests.support.people import anonymous_client, client_of, reader, staff

pytestmark = pytest.mark.django_db

NOW = datetime(2025, 11, 24, 8, 0, tzinfo=UTC)
TODAY = date(2025, 11, 24)


def source(name: str = "arXiv", **fields: Any) -> Source:
    defaults: dict[str, Any] = {
        "kind": "arxiv_rss",
        "name": name,
        "next_fetch_at": NOW + timedelta(hours=1),
        "last_success_at": NOW - timedelta(hours=1),
    }
    return Source.objects.create(**{**defaults, **fields})


def run(
    of: Source, state: str = FetchRun.State.DONE, *, ago: timedelta = timedelta(hours=1), **fields: Any
) -> FetchRun:
    started = NOW - ago
    return FetchRun.objects.create(source=of, state=state, started_at=started, heartbeat_at=started, **fields)


def edition(day: date = TODAY, **fields: Any) -> Edition:
    return Edition.objects.create(day=day, **{"listed_count": 3, **fields})


class TestWorkers:
    def test_nobody_was_ever_seen(self) -> None:
        assert last_heartbeat() is None
        assert not site_status(today=TODAY, now=NOW).workers.alive

    def test_a_sign_of_life_counts_for_minutes(self) -> None:
        record_heartbeat(now=NOW - timedelta(hours=1))
        record_heartbeat(now=NOW)
        assert last_heartbeat(WORKERS) == NOW
        assert is_alive(NOW, now=NOW + timedelta(minutes=3))
        assert not is_alive(NOW, now=NOW + timedelta(minutes=5))


class TestSources:
    @pytest.mark.parametrize(
        ("fields", "last_run", "state", "is_pending"),
        [
            ({}, FetchRun.State.DONE, SourceState.OK, False),
            ({}, FetchRun.State.PARTIAL, SourceState.OK, False),
            ({}, FetchRun.State.STALE, SourceState.STALE, False),
            ({}, FetchRun.State.RUNNING, SourceState.RUNNING, True),
            ({}, None, SourceState.WAITING, False),
            ({"next_fetch_at": NOW}, None, SourceState.WAITING, True),
            ({"next_fetch_at": NOW}, FetchRun.State.DONE, SourceState.OK, True),
            ({"error_count": 2}, FetchRun.State.FAILED, SourceState.FAILING, False),
            ({"next_fetch_at": NOW - timedelta(minutes=16)}, FetchRun.State.DONE, SourceState.LATE, True),
            ({"is_enabled": False, "next_fetch_at": NOW}, FetchRun.State.DONE, SourceState.OFF, False),
            ({"is_enabled": False}, FetchRun.State.RUNNING, SourceState.RUNNING, True),
            ({}, FetchRun.State.ABANDONED, SourceState.WAITING, False),
            ({}, FetchRun.State.FAILED, SourceState.WAITING, False),  # at an address that was changed since
        ],
    )
    def test_how_one_stands(
        self, fields: dict[str, Any], last_run: str | None, state: SourceState, *, is_pending: bool
    ) -> None:
        arxiv = source(**fields)
        if last_run:
            run(arxiv, last_run)
        (found,) = source_states(now=NOW)
        assert (found.state, found.is_pending) == (state, is_pending)

    def test_the_last_visit_counts_and_not_an_earlier_one(self) -> None:
        arxiv, hub = source(), source("Hugging Face")
        run(arxiv, FetchRun.State.FAILED, ago=timedelta(days=2))
        newest = run(arxiv, FetchRun.State.DONE, ago=timedelta(hours=1))
        run(hub, FetchRun.State.STALE, ago=timedelta(minutes=5))
        assert [found.run for found in source_states(now=NOW)] == [newest, FetchRun.objects.get(source=hub)]

    def test_the_number_of_queries_does_not_grow(self, django_assert_num_queries: Any) -> None:
        for number in range(12):
            a_source = source(f"feed {number}")
            for hours in range(3):
                run(a_source, ago=timedelta(hours=hours))
            edition(TODAY - timedelta(days=number))
        with django_assert_num_queries(8):
            assert len(site_status(today=TODAY, now=NOW).sources) == 12


class TestDays:
    def test_two_weeks_newest_first_without_the_sample(self) -> None:
        edition(TODAY)
        edition(TODAY - timedelta(days=1), is_sample=True)
        edition(TODAY - timedelta(days=STATUS_DAYS - 1))
        edition(TODAY - timedelta(days=STATUS_DAYS))
        days = site_status(today=TODAY, now=NOW).days
        assert [day.day for day in days] == [TODAY, TODAY - timedelta(days=STATUS_DAYS - 1)]

    def test_an_older_day_stays_until_nothing_of_it_is_missing(self) -> None:
        old = edition(TODAY - timedelta(days=60), announced_count=5, stored_count=4, missing=["2509.00001"])
        assert site_status(today=TODAY, now=NOW).days == [old]
        Edition.objects.filter(pk=old.pk).update(missing=[], stored_count=5)
        assert site_status(today=TODAY, now=NOW).days == []

    def test_what_is_missing_is_named_also_where_the_whole_count_is_unknown(self) -> None:
        edition(missing=["2511.00001"], check_note="arXiv's list did not come whole.")
        assert len(site_status(today=TODAY, now=NOW).days_with_gaps) == 1

    def test_all_is_well_only_while_nothing_is_known_to_be_wrong(self) -> None:
        record_heartbeat(now=NOW)
        arxiv = source()
        run(arxiv)
        today = edition(announced_count=10, stored_count=10)
        assert site_status(today=TODAY, now=NOW).is_healthy
        Edition.objects.filter(pk=today.pk).update(stored_count=9, missing=["2511.00001"])
        assert not site_status(today=TODAY, now=NOW).is_healthy
        Edition.objects.filter(pk=today.pk).update(stored_count=10, missing=[])
        Source.objects.filter(pk=arxiv.pk).update(error_count=1)
        assert not site_status(today=TODAY, now=NOW).is_healthy
        Source.objects.filter(pk=arxiv.pk).update(error_count=0)
        assert not site_status(today=TODAY, now=NOW + timedelta(minutes=10)).is_healthy  # no worker was seen since


class TestVerdict:
    """Each state of the site, and the words for it on the page."""

    @pytest.fixture(autouse=True)
    def _alive(self) -> None:
        record_heartbeat(now=NOW)
        skip_setup(now=NOW)
        invalidate_group_settings()

    def verdict(self) -> Verdict:
        return site_status(today=TODAY, now=NOW).verdict

    def words(self) -> str:
        """What the page says above its first part."""
        context = {
            "status": (found := site_status(today=TODAY, now=NOW)),
            "verdict": found.verdict,
            "now": NOW,
            "group": group_settings(),
        }
        text = strip_tags(render_to_string("papers/_verdict.html", context)) + (" (green)" if found.is_healthy else "")
        assert ("verdict well" in render_to_string("papers/_verdict.html", context)) is found.is_healthy
        return " ".join(text.split())

    def test_never_set_up(self) -> None:
        Installation.objects.update(set_up_at=None)
        invalidate_group_settings()
        source(next_fetch_at=NOW + timedelta(minutes=5), last_success_at=None)
        assert self.verdict() is Verdict.STARTING
        assert self.words() == (
            "No source has been checked yet. The first fetch begins at 08:05, or as soon as setup is complete."
        )

    def test_set_up_and_never_asked(self) -> None:
        source(next_fetch_at=NOW, last_success_at=None)
        assert self.verdict() is Verdict.STARTING
        assert self.words() == "No source has been checked yet. The first fetch is about to begin."

    def test_the_first_fetch_runs(self) -> None:
        run(source(next_fetch_at=NOW, last_success_at=None), FetchRun.State.RUNNING)
        assert self.verdict() is Verdict.STARTING
        assert "The sources are being checked for the first time." in self.words()

    def test_a_first_fetch_that_was_killed_said_nothing(self) -> None:
        run(source(next_fetch_at=NOW, last_success_at=None), FetchRun.State.ABANDONED)
        assert self.verdict() is Verdict.STARTING

    def test_one_was_never_asked(self) -> None:
        run(source())
        source("Our journal", last_success_at=None)
        assert self.verdict() is Verdict.UNASKED
        assert self.words() == (
            "No papers are known to be missing, but not every source has been checked yet. "
            "Our journal has not been checked yet."
        )

    def test_one_is_asked_for_the_first_time(self) -> None:
        run(source())
        run(source("Our journal", last_success_at=None), FetchRun.State.RUNNING)
        assert self.verdict() is Verdict.UNASKED
        assert self.words().endswith("Our journal is being checked for the first time.")

    def test_one_fails(self) -> None:
        hub = source("Hugging Face", error_count=2)
        run(source())
        for hours, state in ((5, "failed"), (4, "done"), (3, "failed"), (2, "failed")):
            run(hub, state, ago=timedelta(hours=hours))
        assert self.verdict() is Verdict.SOME_FAILING
        assert self.words() == (
            "One or more sources have problems; the others are working. Hugging Face has been failing since 05:00."
        )

    def test_one_fails_while_it_is_asked_again(self) -> None:
        hub = source("Hugging Face", error_count=1)
        run(source())
        run(hub, FetchRun.State.FAILED)
        run(hub, FetchRun.State.RUNNING, ago=timedelta(seconds=2))
        assert self.verdict() is Verdict.SOME_FAILING

    def test_one_serves_an_old_batch_while_it_is_asked_again(self) -> None:
        arxiv = source()
        run(source("Hugging Face"))
        run(arxiv, FetchRun.State.STALE)
        run(arxiv, FetchRun.State.RUNNING, ago=timedelta(seconds=2))
        assert self.verdict() is Verdict.SOME_FAILING
        assert "arXiv has served an older batch since 07:00." in self.words()

    def test_all_fail(self) -> None:
        for name in ("arXiv", "Hugging Face"):
            run(source(name, error_count=1), FetchRun.State.FAILED)
        assert self.verdict() is Verdict.ALL_FAILING
        assert self.words().startswith("No source is responding. They will be checked again")
        Source.objects.update(next_fetch_at=NOW + timedelta(minutes=20))
        assert self.words().startswith("No source is responding. They will be checked again at 08:20.")

    def test_one_that_is_off_counts_for_nothing(self) -> None:
        run(source(error_count=1), FetchRun.State.FAILED)
        source("Hugging Face", is_enabled=False)
        assert self.verdict() is Verdict.ALL_FAILING
        Source.objects.filter(error_count=1).update(is_enabled=False)
        assert self.verdict() is Verdict.NO_SOURCE
        assert self.words() == "No source is turned on, so nothing is fetched."

    def test_fine(self) -> None:
        run(source())
        assert self.verdict() is Verdict.FINE
        assert self.words() == "No papers are known to be missing, and all sources are working. (green)"

    def test_no_worker(self) -> None:
        run(source())
        record_heartbeat(now=NOW - timedelta(hours=1))
        assert self.verdict() is Verdict.STOPPED
        assert self.words() == "Fetching has stopped."

    def test_papers_are_missing(self) -> None:
        run(source(error_count=1), FetchRun.State.FAILED)
        edition(announced_count=3, stored_count=2, missing=["2511.00001"])
        assert self.verdict() is Verdict.GAPS
        assert "arXiv has been failing since 07:00." in self.words()


class TestFirstVisit:
    def test_it_is_not_over_before_it_has_begun(self) -> None:
        arxiv = source(next_fetch_at=NOW + timedelta(minutes=5), last_success_at=None)
        visit = first_fetch_status(now=NOW)
        assert (visit.is_over, visit.is_begun, visit.begins_at) == (False, False, arxiv.next_fetch_at)

    def test_that_no_source_has_answered_is_said(self) -> None:
        run(source(error_count=1), FetchRun.State.FAILED)
        assert first_fetch_status(now=NOW).is_failing
        run(source("Hugging Face"))
        assert not first_fetch_status(now=NOW).is_failing

    def test_it_is_over_when_nothing_is_due_or_running(self) -> None:
        arxiv = source(next_fetch_at=NOW)
        source("Hugging Face", is_enabled=False, next_fetch_at=NOW)
        visit = first_fetch_status(now=NOW)
        assert [one.source for one in visit.sources] == [arxiv]
        assert not visit.is_over
        Source.objects.filter(pk=arxiv.pk).update(next_fetch_at=NOW + timedelta(hours=1))
        running = run(arxiv, FetchRun.State.RUNNING, progress="fetching cs.CL, 40 of 68")
        assert not first_fetch_status(now=NOW).is_over
        FetchRun.objects.filter(pk=running.pk).update(state=FetchRun.State.FAILED)
        assert first_fetch_status(now=NOW).is_over

    def test_the_edition_is_the_newest_real_one_that_has_papers(self) -> None:
        edition(TODAY, listed_count=0)
        edition(TODAY - timedelta(days=1), is_sample=True)
        wanted = edition(TODAY - timedelta(days=2))
        edition(TODAY - timedelta(days=3))
        assert first_fetch_status(now=NOW).edition == wanted


class TestInternals:
    def test_figures_without_counting_papers(self) -> None:
        with CaptureQueriesContext(connection) as queries:
            found = server_statistics()
        assert found.database_bytes > 1_000_000
        assert found.papers_about >= 0
        assert not any("count(" in query["sql"].lower() for query in queries)

    def test_a_broker_that_is_away_costs_no_page(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(current_app, "connection_for_read", lambda: Connection("redis://127.0.0.1:1/0"))
        assert server_statistics().queued is None

    def test_waiting_tasks_are_counted(self) -> None:
        current_app.control.purge()  # what other tests of this process handed on, and no worker takes
        assert server_statistics().queued == 0
        current_app.send_task("papers.enqueue_due_work")
        assert server_statistics().queued == 1
        current_app.control.purge()


class TestPage:
    @pytest.fixture(autouse=True)
    def _trouble(self) -> None:
        now = datetime.now(UTC)
        record_heartbeat(now=now)
        broken = source(
            "Our mirror",
            error_count=3,
            last_error="http://mirror.lab:8080/oai answered 503.",
            base_url="http://mirror.lab",
        )
        Source.objects.filter(pk=broken.pk).update(next_fetch_at=now + timedelta(hours=1))
        edition(now.date(), announced_count=243, stored_count=241, missing=["2511.00001", "2511.00002"], checked_at=now)
        edition(now.date() - timedelta(days=1), announced_count=200, stored_count=200, checked_at=now)
        edition(now.date() - timedelta(days=2))

    def test_everybody_sees_what_is_missing(self) -> None:
        page = " ".join(anonymous_client().get("/status").content.decode().split())
        assert "241 of 243" in page
        assert "2511.00001" in page
        assert "200 of 200" in page
        assert "not yet compared with arXiv’s announcement" in page
        assert "Our mirror" in page

    def test_only_the_staff_sees_errors_and_addresses(self) -> None:
        for browser in (anonymous_client(), client_of(reader())):
            page = browser.get("/status").content.decode()
            assert "mirror.lab" not in page
            assert "MB" not in page
        page = client_of(staff()).get("/status").content.decode()
        assert "answered 503" in page
        assert "MB" in page

    def test_dead_workers_are_named(self) -> None:
        record_heartbeat(now=datetime.now(UTC) - timedelta(hours=3))
        assert "not running" in anonymous_client().get("/status").content.decode()
        assert "manage.py up" in client_of(staff()).get("/status").content.decode()


class TestBackups:
    def page(self, browser: Any) -> str:
        return " ".join(browser.get("/status").content.decode().split())

    def test_only_administrators_are_told(self, settings: Any, tmp_path: Any) -> None:
        settings.BACKUP_DIR = tmp_path
        BackupRun.objects.create(started_at=timezone.now(), ended_at=timezone.now(), is_good=True, file="/x/y.zip")
        assert "/x/y.zip" in self.page(client_of(staff()))
        for browser in (anonymous_client(), client_of(reader())):
            assert "y.zip" not in self.page(browser)
            assert "Backups" not in self.page(browser)

    def test_off_none_yet_late_and_failed(self, settings: Any, tmp_path: Any) -> None:
        admin = client_of(staff())
        assert "BROADSHEET_BACKUP_DIR" in self.page(admin)
        settings.BACKUP_DIR = tmp_path
        assert "none yet" in self.page(admin)
        old = timezone.now() - timedelta(days=3)
        BackupRun.objects.create(started_at=old, ended_at=old, is_good=True, file="/x/y.zip", bytes=5_000_000)
        page = self.page(admin)
        assert "It is late." in page
        assert "4.8 MB" in page
        BackupRun.objects.create(started_at=timezone.now(), ended_at=timezone.now(), error="The disk is full.")
        assert "The last one failed" in self.page(admin)
        assert "The disk is full." in self.page(admin)


def test_late_mail_and_a_stopped_line_are_said_to_everybody() -> None:
    page = anonymous_client().get("/status").content.decode()
    assert "mail" not in page.lower().partition("<h1>")[2].partition("</main>")[0]
    factories.delivery(factories.schedule(), due_at=timezone.now() - timedelta(hours=1))
    SendingPause.objects.create(name="", since=timezone.now(), reason="550 5.7.26 unauthenticated")
    page = anonymous_client().get("/status").content.decode()
    assert "Some mail is late" in page
    assert "No mail leaves at the moment" in page
    assert "5.7.26" not in page
