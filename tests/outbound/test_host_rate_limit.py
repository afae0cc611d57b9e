"""The politeness clock, with real processes, a real database, and a server that writes down who came when."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import redis
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from papers.models import HostSlot, HostWaiter
from papers.outbound.client import Client, user_agent
from papers.outbound.errors import HostBusyError, HttpStatusError, NetworkError, SlotLostError
from papers.outbound.host_rate_limit import HOST_GROUPS, HostPolicy, host_policy_of
from papers.outbound.request import FetchRequest
from papers.services.fetching.rate_limiter import PostgresRateLimiter, build_outbound_client
from tests.support.fake_upstream import Behaviour, FakeUpstream, LogEntry, fake_upstream
from tests.support.fake_upstream.driver import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

SPACING = 0.3


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with fake_upstream() as running:
        yield running


def clock(*, lease_seconds: float = 60.0, priority: int = 0, **changes: object) -> PostgresRateLimiter:
    """A clock whose policies are the real ones but for what is given, with a short spacing."""
    settled = {"spacing": SPACING, "jitter": 0.0, **changes}

    def policy(group: str) -> HostPolicy:
        return replace(host_policy_of(group), **settled)  # type: ignore[arg-type]

    return PostgresRateLimiter(policy_of=policy, lease_seconds=lease_seconds, priority=priority)


def client_of(upstream: FakeUpstream, ticking: PostgresRateLimiter) -> Client:
    return Client(user_agent="Broadsheet/test", rate_limiter=ticking, allow=[upstream.host])


@contextmanager
def worker(upstream: FakeUpstream, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.support.rate_limited_process", f"{upstream.url}/rss/cs", *arguments]
    database = str(connection.settings_dict["NAME"])
    process = subprocess.Popen([*command, "--database", database], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=10)


def run_workers(upstream: FakeUpstream, count: int, *arguments: str) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(worker(upstream, *arguments)) for _ in range(count)]
        for process in processes:
            assert process.wait(timeout=60) == 0


@contextmanager
def redis_flushed_all_the_time() -> Iterator[None]:
    server = redis.Redis.from_url(settings.REDIS_URL)
    is_over = threading.Event()

    def flush() -> None:
        while not is_over.wait(0.05):
            server.flushall()

    thread = threading.Thread(target=flush)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(timeout=5)
        server.close()


def gaps(entries: list[LogEntry]) -> list[float]:
    """Seconds from the end of each request to the start of the next; negative where two were in flight."""
    found = []
    for before, after in pairwise(entries):
        assert before.ended_at is not None
        found.append(after.started_at - before.ended_at)
    return found


def wait_until(is_so: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


# --- over all processes --------------------------------------------------------------------------------------------


def test_three_processes_never_ask_at_once_nor_too_soon(upstream):
    upstream.script("/rss", Behaviour(stall_seconds=0.05, times=12))
    with redis_flushed_all_the_time():
        run_workers(upstream, 3, "--count", "4", "--spacing", str(SPACING))
    log = upstream.log("/rss")
    assert len(log) == 12
    assert len({entry.headers["user-agent"] for entry in log}) == 3, "every process had its turns"
    assert min(gaps(log)) >= SPACING


@pytest.mark.slow
def test_arxiv_is_asked_three_seconds_after_the_end_of_the_last_request_at_the_earliest(upstream):
    upstream.script("/rss", Behaviour(stall_seconds=0.3, times=3))
    with redis_flushed_all_the_time():
        run_workers(upstream, 3)
    log = upstream.log("/rss")
    assert len({entry.headers["user-agent"] for entry in log}) == 3
    assert all(3.0 <= gap < 5.0 for gap in gaps(log))


def test_a_killed_process_blocks_nobody_for_longer_than_its_lease(upstream):
    upstream.script("/rss", Behaviour(stall_seconds=10))
    with worker(upstream, "--spacing", str(SPACING), "--lease", "1") as holder:
        wait_until(lambda: upstream.log("/rss"))
        until = HostSlot.objects.get(pk="arxiv").until
        assert until is not None
        os.kill(holder.pid, signal.SIGKILL)
        client_of(upstream, clock(lease_seconds=1)).fetch(FetchRequest(f"{upstream.url}/rss/cs", "arxiv"))
    free_at = (until + timedelta(seconds=SPACING)).timestamp()
    assert free_at <= upstream.log("/rss")[1].started_at < free_at + 1


def test_a_killed_process_is_waited_for_while_its_lease_lasts(upstream):
    upstream.script("/rss", Behaviour(stall_seconds=10))
    with worker(upstream, "--lease", "60") as holder:
        wait_until(lambda: upstream.log("/rss"))
        os.kill(holder.pid, signal.SIGKILL)
        with pytest.raises(HostBusyError), clock().acquire("arxiv", wait_seconds=0.5):
            pass
    assert len(upstream.log("/rss")) == 1


def test_a_group_with_two_connections_has_two_at_once_and_no_more(upstream):
    upstream.script("/rss", Behaviour(stall_seconds=0.3, times=6))
    run_workers(upstream, 3, "--group", "huggingface", "--count", "2", "--spacing", "0.05")
    log = upstream.log("/rss")
    in_flight = [sum(other.started_at <= entry.started_at < (other.ended_at or 0) for other in log) for entry in log]
    assert len(log) == 6
    assert max(in_flight) == 2


def test_feeds_are_asked_four_at_once_and_one_a_host():
    ticking = clock(spacing=0.0)
    with ExitStack() as held:
        for name in "abcd":
            held.enter_context(ticking.acquire(f"feed:{name}.example", wait_seconds=0))
        for group in ("feed:e.example", "feed:a.example"):
            with pytest.raises(HostBusyError), ticking.acquire(group, wait_seconds=0.1):
                pass
    with ticking.acquire("feed:a.example", wait_seconds=1):
        with pytest.raises(HostBusyError), ticking.acquire("feed:a.example", wait_seconds=0.1):
            pass
        with ticking.acquire("feed:b.example", wait_seconds=1):
            pass


# --- waiting -------------------------------------------------------------------------------------------------------


def test_a_turn_that_comes_too_late_is_refused_at_once_with_its_time():
    clock().back_off("arxiv", 600)
    started = time.monotonic()
    with pytest.raises(HostBusyError) as error, clock().acquire("arxiv", wait_seconds=30):
        pass
    assert time.monotonic() - started < 1
    assert error.value.retry_after_seconds == pytest.approx(600, abs=5)
    assert error.value.not_before - datetime.now(UTC) == pytest.approx(timedelta(seconds=600), abs=timedelta(seconds=5))


def test_waiting_asks_the_database_once_and_sleeps_until_the_known_time():
    ticking = clock()
    ticking.back_off("arxiv", 0.6)
    started = time.monotonic()
    with CaptureQueriesContext(connection) as queries, ticking.acquire("arxiv", wait_seconds=5):
        assert 0.55 <= time.monotonic() - started < 1.2
    looks = [query for query in queries if "count(*)" in query["sql"]]
    assert len(looks) == 1


def test_a_turn_is_passed_on_after_the_spacing_and_not_at_the_lease_end():
    ticking = clock()
    with ThreadPoolExecutor(1) as pool:
        with ticking.acquire("arxiv", wait_seconds=0):
            second = pool.submit(hold_once, ticking)
            time.sleep(0.2)
            ending = time.monotonic()  # the spacing counts from somewhere between here and the next line
        ended = time.monotonic()
        came = second.result(timeout=10)
    assert came - ending >= SPACING
    assert came - ended < SPACING + 0.6


def hold_once(ticking: PostgresRateLimiter, *, after_seconds: float = 0.0, for_seconds: float = 0.0) -> float:
    """When the turn came; for another thread, which has a connection of its own."""
    time.sleep(after_seconds)
    try:
        with ticking.acquire("arxiv", wait_seconds=10):
            came = time.monotonic()
            time.sleep(for_seconds)
            return came
    finally:
        connection.close()


def hold_often(ticking: PostgresRateLimiter, times: int) -> list[float]:
    return [hold_once(ticking, for_seconds=0.1) for _ in range(times)]


def test_announcements_do_not_wait_behind_a_run_of_records():
    with ThreadPoolExecutor(4) as pool:
        records = [pool.submit(hold_often, clock(), 4) for _ in range(3)]
        time.sleep(0.2)
        asked = time.monotonic()
        came = pool.submit(hold_once, clock(priority=1)).result(timeout=20)
        turns = sorted(turn for run in records for turn in run.result(timeout=30))
    assert sum(asked < turn < came for turn in turns) <= 1, "the one under way is waited for, no other"
    assert came - asked < 2 * (SPACING + 0.1) + 0.3


def test_equals_come_in_the_order_in_which_they_waited():
    with ThreadPoolExecutor(4) as pool:
        with clock().acquire("arxiv", wait_seconds=0):
            waiting = [pool.submit(hold_once, clock(), after_seconds=0.15 * place) for place in range(4)]
            time.sleep(0.8)
        came = [turn.result(timeout=20) for turn in waiting]
    assert came == sorted(came)
    assert not HostWaiter.objects.exists()


def test_who_died_waiting_is_not_waited_for():
    now = datetime.now(UTC)
    HostWaiter.objects.create(
        id=uuid.uuid4(), group="arxiv", priority=9, since=now - timedelta(minutes=1), until=now - timedelta(seconds=1)
    )
    with clock().acquire("arxiv", wait_seconds=0):
        pass


def test_a_free_turn_that_another_waits_for_is_not_taken():
    now = datetime.now(UTC)
    HostWaiter.objects.create(id=uuid.uuid4(), group="arxiv", priority=1, since=now, until=now + timedelta(seconds=30))
    with pytest.raises(HostBusyError), clock().acquire("arxiv", wait_seconds=0.2):
        pass
    with clock(priority=2).acquire("arxiv", wait_seconds=0):
        pass


def test_the_spacing_has_some_chance_in_it():
    ticking = PostgresRateLimiter(policy_of=lambda group: HostPolicy(spacing=3.0, jitter=0.5))
    waits = set()
    for _ in range(5):
        HostSlot.objects.update(not_before=datetime.now(UTC) - timedelta(seconds=1))
        with ticking.acquire("arxiv", wait_seconds=0):
            pass
        waits.add((HostSlot.objects.get().not_before - datetime.now(UTC)).total_seconds())
    assert all(2.8 <= wait <= 3.5 for wait in waits)
    assert max(waits) - min(waits) > 0.001


# --- leases --------------------------------------------------------------------------------------------------------


def test_a_renewed_lease_outlasts_its_first_end():
    ticking = clock(lease_seconds=0.3)
    with ticking.acquire("arxiv", wait_seconds=0) as turn:
        for _ in range(4):
            time.sleep(0.15)
            turn.renew()
        with pytest.raises(HostBusyError), ticking.acquire("arxiv", wait_seconds=0):
            pass


def test_a_process_that_slept_through_its_lease_loses_its_turn():
    ticking = clock(lease_seconds=0.1, spacing=0.0)
    with ticking.acquire("arxiv", wait_seconds=0) as sleeper, ticking.acquire("arxiv", wait_seconds=5) as heir:
        with pytest.raises(SlotLostError):
            sleeper.renew()
        heir.renew()


def test_ending_a_lost_turn_takes_nothing_from_its_heir():
    ticking = clock(lease_seconds=0.1, spacing=0.0)
    with ExitStack() as later:
        with ticking.acquire("arxiv", wait_seconds=0):
            time.sleep(0.15)
            later.enter_context(clock(spacing=0.0).acquire("arxiv", wait_seconds=1))
            holder = HostSlot.objects.get().holder
        assert HostSlot.objects.get().holder == holder is not None


def test_a_turn_is_given_back_when_the_request_fails(upstream):
    upstream.script("/rss", Behaviour(cut=0.5))
    client = client_of(upstream, clock())
    request = FetchRequest(f"{upstream.url}/rss/cs", "arxiv")
    with pytest.raises(NetworkError):
        client.fetch(request)
    client.fetch(request)
    assert SPACING <= gaps(upstream.log("/rss"))[0] < SPACING + 1


def test_a_long_answer_keeps_its_turn(upstream, monkeypatch):
    monkeypatch.setattr("papers.outbound.deadline._HEARTBEAT_SECONDS", 0.1)
    upstream.script("/rss", Behaviour(stall_seconds=1.2))
    client = client_of(upstream, clock(lease_seconds=0.4))
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(hold_once, clock(lease_seconds=0.4), after_seconds=0.1)
        client.fetch(FetchRequest(f"{upstream.url}/rss/cs", "arxiv"))
        ended = time.monotonic()
        assert second.result(timeout=10) >= ended


# --- refusals ------------------------------------------------------------------------------------------------------


def closed_for() -> float:
    return (HostSlot.objects.order_by("-not_before")[0].not_before - datetime.now(UTC)).total_seconds()


@pytest.mark.parametrize("status", [406, 429, 503])
def test_a_refusal_closes_the_whole_group_for_as_long_as_the_answer_asks(upstream, status):
    upstream.script("/rss", Behaviour(status=status, headers={"Retry-After": "120"}))
    client = client_of(upstream, clock())
    with pytest.raises(HttpStatusError) as error:
        client.fetch(FetchRequest(f"{upstream.url}/rss/cs", "arxiv"))
    assert error.value.retry_after_seconds == 120
    assert closed_for() == pytest.approx(120, abs=5)
    with pytest.raises(HostBusyError):
        client.fetch(FetchRequest(f"{upstream.url}/oai?verb=Identify", "arxiv"))
    assert upstream.log("/oai") == []


def test_refusals_in_a_row_close_for_longer_and_success_forgets_them():
    ticking = clock(spacing=0.0)
    seen = []
    for status in (429, 503, 429, 429, 429, 404, 200, 429):
        HostSlot.objects.update(not_before=datetime.now(UTC) - timedelta(seconds=1))
        with ticking.acquire("arxiv", wait_seconds=0) as turn:
            seen.append(turn.record_response(status, None))
    assert seen == [60, 300, 1800, 7200, 7200, None, None, 60]


def test_retry_after_zero_is_a_time_as_any_other():
    ticking = clock()
    for _ in range(4):
        HostSlot.objects.update(not_before=datetime.now(UTC) - timedelta(seconds=1))
        with ticking.acquire("arxiv", wait_seconds=0) as turn:
            assert turn.record_response(429, 0.0) == SPACING
    assert closed_for() < 1


def test_a_403_closes_arxiv_for_half_a_day_and_is_told(upstream):
    upstream.script("/rss", Behaviour(status=403, headers={"Retry-After": "5"}))
    with pytest.raises(HttpStatusError, match="To be asked again in 43200 seconds") as error:
        client_of(upstream, clock()).fetch(FetchRequest(f"{upstream.url}/rss/cs", "arxiv"))
    assert error.value.retry_after_seconds == 12 * 3600
    assert closed_for() == pytest.approx(12 * 3600, abs=5)


def test_all_connections_of_a_group_are_closed_and_no_other_group():
    ticking = clock(spacing=0.0)
    with ticking.acquire("huggingface", wait_seconds=0) as turn:
        assert turn.record_response(429, 90.0) == 90
    with pytest.raises(HostBusyError), ticking.acquire("huggingface", wait_seconds=0.1):
        pass
    with ticking.acquire("arxiv", wait_seconds=0):
        pass


def test_a_host_that_refuses_does_not_close_other_feeds():
    ticking = clock(spacing=0.0)
    with ticking.acquire("feed:a.example", wait_seconds=0) as turn:
        assert turn.record_response(403, None) == 24 * 3600
    with ticking.acquire("feed:b.example", wait_seconds=0):
        pass


def test_a_shorter_closing_does_not_open_a_longer_one():
    clock().back_off("arxiv", 600)
    clock().back_off("arxiv", 5)
    assert closed_for() == pytest.approx(600, abs=5)


# --- transactions and settings -------------------------------------------------------------------------------------


def test_inside_a_transaction_it_says_so():
    with transaction.atomic(), pytest.raises(RuntimeError, match="atomic"), clock().acquire("arxiv", wait_seconds=0):
        pass


def test_no_transaction_is_open_while_a_request_runs():
    with clock().acquire("arxiv", wait_seconds=0) as turn:
        turn.renew()
        assert not connection.in_atomic_block
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND pid = pg_backend_pid()")
            assert cursor.fetchone() == (0,)


def test_an_unknown_group_is_named():
    with pytest.raises(ValueError, match=r"'archive'.*arxiv"), PostgresRateLimiter().acquire("archive", wait_seconds=0):
        pass


def test_the_client_of_the_installation_follows_the_settings(upstream, settings):
    settings.FETCH_ALLOW = (upstream.host,)
    settings.SITE_URL = "https://papers.example"
    settings.ADMIN_EMAIL = "admin@papers.example"
    build_outbound_client().fetch(FetchRequest(f"{upstream.url}/rss/cs", "arxiv"))
    [entry] = upstream.log("/rss")
    assert entry.headers["user-agent"] == user_agent(
        version=settings.VERSION, site_url="https://papers.example", admin="admin@papers.example"
    )
    assert HostSlot.objects.get().pk == "arxiv"


def test_the_policies_are_those_that_the_services_ask_for():
    arxiv = HOST_GROUPS["arxiv"].policy
    assert (arxiv.connections, arxiv.spacing, arxiv.jitter, arxiv.blocked_seconds) == (1, 3.0, 0.5, 12 * 3600)
    policies = [group.policy for group in HOST_GROUPS.values()]
    pauses = [policy.refusal_pauses.pauses for policy in policies]
    assert all(each == tuple(sorted(each)) for each in pauses)
    assert all(policy.parent_group in (None, *HOST_GROUPS) for policy in (*policies, host_policy_of("feed:a.example")))
