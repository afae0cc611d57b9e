"""/health/live: this process answers. /health/ready: it can serve pages, and if not, what is wrong. /metrics."""

from __future__ import annotations

from collections.abc import Callable

import redis
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

from config.monitoring.metrics import metrics
from config.startup import missing_migrations

TIMEOUT_SECONDS = 2


class HealthMiddleware:
    """Answers the health checks, and who collects figures, before anything else looks at the request.

    They come from inside a network, under any host name, and must say something while the database is away, when the
    middleware further in cannot.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        view = _VIEWS.get(request.path_info)
        return view(request) if view else self.get_response(request)


@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """200 for as long as this process answers at all. No queries."""
    return JsonResponse({"status": "ok"})


@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """200 when pages can be served, else 503. Names the part that is wrong, never its address or its words."""
    parts = {"database": database_problem(), "redis": redis_problem()}
    wrong = {name: problem for name, problem in parts.items() if problem}
    answer = {"status": "unavailable" if wrong else "ok", **{name: parts[name] or "ok" for name in parts}}
    return JsonResponse(answer, status=503 if wrong else 200)


def database_problem() -> str:
    """What is wrong with the database, in a few words; empty when all is well.

    Asks through a connection of its own, with short limits, so that it neither waits for nor disturbs a page's.
    """
    connection = connections.create_connection(DEFAULT_DB_ALIAS)
    connection.settings_dict = {
        **connection.settings_dict,
        "OPTIONS": {
            **connection.settings_dict["OPTIONS"],
            "connect_timeout": TIMEOUT_SECONDS,
        },
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = %s", [f"{TIMEOUT_SECONDS}s"])
        if missing_migrations(connection):
            return "migrations are missing"
    except DatabaseError:
        return "does not answer"
    finally:
        connection.close()
    return ""


def redis_problem() -> str:
    """What is wrong with Redis, in a few words; empty when all is well."""
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
    )
    try:
        client.ping()
    except redis.RedisError:
        return "does not answer"
    finally:
        client.close()
    return ""


_VIEWS: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "/health/live": live,
    "/health/ready": ready,
    "/metrics": metrics,
}
