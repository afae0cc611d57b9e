"""/metrics: what Prometheus asks for, by whoever may know it."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from ipaddress import ip_address

import redis
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from config.monitoring import counts
from config.monitoring.counts import REQUEST_EDGES, TASK_EDGES, Key
from config.monitoring.database_figures import database_families
from config.monitoring.machine_figures import broker_families, machine_families
from config.monitoring.text_format import CONTENT_TYPE, Family, gauge, write_families

logger = logging.getLogger(__name__)

STATEMENT_MILLISECONDS = 2_000
PROXY_HEADERS = (
    *("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_SERVER"),
    *("HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_VIA", "HTTP_CF_CONNECTING_IP", "HTTP_TRUE_CLIENT_IP"),
)
_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")


@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures; 401 where a token is wanted, else 404. It stands before sessions and pages, as health checks do."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponse("Only GET.\n", status=405, content_type="text/plain", headers={"Allow": "GET, HEAD"})
    if not may_read(request):
        if settings.METRICS_TOKEN:
            headers = {"WWW-Authenticate": 'Bearer realm="metrics"'}
            return HttpResponse("A token is wanted.\n", status=401, content_type="text/plain", headers=headers)
        return HttpResponse("There is no such page.\n", status=404, content_type="text/plain")
    return HttpResponse(write_families(all_families(now=timezone.now())), content_type=CONTENT_TYPE)


def may_read(request: HttpRequest) -> bool:
    """Whether the request brings the token; or comes from this machine itself, past any web server in front."""
    kind, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if settings.METRICS_TOKEN and kind.lower() == "bearer":
        return hmac.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
    return is_from_here(request.META)


def is_from_here(meta: Mapping[str, str]) -> bool:
    """Whether a request was made on this machine to this machine.

    A web server in front on the same machine has a loopback address, too, and shows itself by its headers, or by the
    name that its visitor typed. So does a browser here that was led here by a stranger's name (DNS rebinding).
    """
    try:
        is_loopback = ip_address(meta.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:  # none: a Unix socket, whose other end is a web server in front
        return False
    host = meta.get("HTTP_HOST", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return is_loopback and name in _LOOPBACK_HOSTS and not any(header in meta for header in PROXY_HEADERS)


def all_families(*, now: datetime) -> Iterator[Family]:
    """All metrics; of a part that does not answer, only `broadsheet_up` with 0."""
    began = time.perf_counter()
    yield _build()
    up = gauge("broadsheet_up", "Whether a part answers.")
    up.add(1, part="web")
    for name, families in (("database", _database(now)), ("redis", _redis())):
        up.add(families is not None, part=name)
        yield from families or ()
    yield up
    yield from machine_families()
    yield gauge("broadsheet_scrape_seconds", "What this answer took to make.", time.perf_counter() - began)


def _build() -> Family:
    family = gauge("broadsheet_build_info", "The version that runs.")
    family.add(1, version=settings.VERSION)
    return family


def _database(now: datetime) -> list[Family] | None:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{STATEMENT_MILLISECONDS}ms"])
            return list(database_families(now=now))
    except DatabaseError as error:
        logger.warning("The database gave no figures: %s", type(error).__name__)
        return None


def _redis() -> list[Family] | None:
    counts.PROCESS_COUNTS.flush()
    client = counts.connect()
    try:
        return [*count_families(counts.read_counts(client)), *broker_families(client)]
    except redis.RedisError as error:
        logger.warning("Redis gave no figures: %s", type(error).__name__)
        return None
    finally:
        client.close()


def count_families(found: Mapping[Key, int]) -> list[Family]:
    """Requests and tasks, with how long they took. Keys of another version, or of nobody's, are ignored."""
    series: dict[str, dict[tuple[str, str], list[int]]] = {kind: {} for kind in _PLACES}
    for key, value in found.items():
        if len(key) == 4 and (places := _PLACES.get(key[0])) and (place := places.get(key[3])) is not None:
            kind, first, second, _ = key
            buckets = series[kind].get((first, second))
            if buckets is None:
                buckets = series[kind][first, second] = [0] * len(places)
            buckets[place] = value
    requests = Family("broadsheet_request_seconds", "histogram", "Requests by the name of their address and status.")
    tasks = Family("broadsheet_task_seconds", "histogram", "Tasks by name, and whether they failed.")
    for (view, status), buckets in sorted(series["request"].items()):
        total = found.get(("request-time", view, status), 0) / 1_000_000
        requests.add_histogram(buckets, REQUEST_EDGES, total, view=view, status=status)
    for (task, outcome), buckets in sorted(series["task"].items()):
        total = found.get(("task-time", task, outcome), 0) / 1_000_000
        tasks.add_histogram(buckets, TASK_EDGES, total, task=task, outcome=outcome)
    return [requests, tasks]


_PLACES = {
    kind: {str(place): place for place in range(len(edges) + 1)}
    for kind, edges in (("request", REQUEST_EDGES), ("task", TASK_EDGES))
}
"""By kind: the buckets of its histogram, by how they are written."""
