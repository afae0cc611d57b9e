"""More of what `manage.py doctor` looks at: what requests showed of the web server in front, Redis, queues, backups,
keys, zones and administrators. A check yields nothing where all is well, but for backups and queues.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import redis
from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError

from config.findings import Finding, clock, manage_command, ok, problem, run_command, warning
from config.local.programs import PARTS
from config.monitoring.counts import connect, read_sightings, site_mark
from config.monitoring.machine_figures import QUEUE_PREFIX, queue_names
from config.stored_secrets import read_stored_secrets
from papers.models import Installation, Source, User
from papers.services.operations import status
from papers.services.operations.backups import LATE_AFTER, read_backups

ANSWER_SECONDS = 1.5
RECENT_SECONDS = 24 * 60 * 60
SHARED_SECONDS = 60 * 60
MIN_REDIS = (6, 2)


# --- Redis -----------------------------------------------------------------------------------------------------------


def check_redis_is_ours(*, now: datetime) -> Iterator[Finding]:
    """Whether the Redis that answers is one that Broadsheet can use, and uses alone."""
    client = connect()
    try:
        about: Any = client.info()
        sightings = read_sightings(client)
    except redis.RedisError as error:
        yield problem("redis", f"Redis answers, and refuses what it is asked: {error}", "See REDIS_URL.")
        return
    finally:
        client.close()
    version = tuple(int(part) for part in str(about.get("redis_version", "0.0")).split(".")[:2])
    if version < MIN_REDIS:
        wanted = ".".join(map(str, MIN_REDIS))
        yield problem(
            "redis", f"This is Redis {about['redis_version']}; {wanted} is needed.", "Point REDIS_URL to another."
        )
    if about.get("role") in ("slave", "replica"):
        yield problem("redis", "This Redis is a copy of another, and takes no writes.", "Name the first in REDIS_URL.")
    if str(about.get("maxmemory_policy", "")).startswith("allkeys"):
        message = f"Redis throws away anything when it is full ({about['maxmemory_policy']}), tasks that wait too."
        yield warning("redis", message, "`CONFIG SET maxmemory-policy volatile-ttl`, and the same in its file.")
    others = [kind for kind in sightings if kind.startswith("site:") and kind != f"site:{site_mark()}"]
    if any(now.timestamp() - sightings[kind][0] < SHARED_SECONDS for kind in others):
        message = "Another Broadsheet uses this Redis, or one with another SECRET_KEY: each takes the other's tasks."
        yield problem("redis", message, "Give each a number of its own at the end of REDIS_URL: /0, /1, …")


# --- what requests showed --------------------------------------------------------------------------------------------


def check_sightings(*, now: datetime) -> Iterator[Finding]:
    """What the web server in front did in the last day that does not fit the settings."""
    try:
        client = connect()
        found = read_sightings(client)
        client.close()
    except redis.RedisError:
        return
    seen = {kind: detail for kind, (at, detail) in found.items() if now.timestamp() - at < RECENT_SECONDS}
    if "host-refused" in seen and "host-right" not in seen:
        message = f"Readers come to {_shown(seen['host-refused'])}, and the settings say {settings.SITE_URL}."
        yield problem("address", message, "Set BROADSHEET_SITE_URL to the address that readers type; restart.")
    if "https-in-front" in seen:
        message = (
            f"Readers come by https, and the settings say {settings.SITE_URL}: cookies and links are made for http."
        )
        yield problem("address", message, "Begin BROADSHEET_SITE_URL with https://; restart.")
    if "proxy-untrusted" in seen:
        where = _shown(seen["proxy-untrusted"])
        message = f"Requests come through {where}, whose headers are not believed: all readers share one limit."
        remedy = f"Add {where} to BROADSHEET_TRUSTED_PROXIES, if it is your web server; restart."
        yield warning("proxy", message, remedy)
    if "proto-missing" in seen:
        message = f"The web server in front ({_shown(seen['proto-missing'])}) does not say that readers come by https."
        yield problem("proxy", message, "Have it set X-Forwarded-Proto to https; docs/install.md shows how.")


def _shown(detail: str) -> str:
    """A detail that a stranger may have written, for a terminal."""
    return "".join(letter for letter in detail if letter.isalnum() or letter in ".-:_[]%/ ") or "?"


# --- queues ----------------------------------------------------------------------------------------------------------


def answering_queues() -> set[str]:
    """The queues whose workers answer now; empty where none does, or the broker does not. Takes a second or two."""
    try:
        answers: Any = current_app.control.inspect(timeout=ANSWER_SECONDS).active_queues()
    except (OperationalError, redis.RedisError, OSError):
        return set()
    return {str(queue.get("name")) for queues in (answers or {}).values() for queue in queues}


def check_queues(*, now: datetime) -> Iterator[Finding]:
    """Whether each queue has a worker. Where none answers at all, the check of the workers says so."""
    if not status.worker_status(now=now).alive:
        return
    answering = answering_queues()
    lacking = [name for name in queue_names() if name not in answering]
    parts = {part.queue: part for part in PARTS.values()}
    for name in lacking:
        waiting = _waiting(name)
        message = f"No worker answers for the queue {name}, where {waiting} tasks wait."
        start = f"{run_command(parts[name])}, or `make run`" if name in parts else "`make run`"
        remedy = f"{start}; a worker that is busy alone does not answer."
        yield (problem if waiting else warning)("queues", message, remedy)
    if not lacking:
        yield ok("queues", "Each queue has a worker that answers.")


def _waiting(queue: str) -> int:
    client = connect()
    try:
        return int(client.llen(QUEUE_PREFIX + queue))
    except redis.RedisError:
        return 0
    finally:
        client.close()


# --- what the database knows -----------------------------------------------------------------------------------------


def setup_findings(*, now: datetime) -> Iterator[Finding]:
    """Backups, keys, zones, sources that are off, administrators."""
    yield check_backups(now=now)
    yield from check_stored_secrets()
    yield from check_zones()
    yield from check_sources_that_are_off()
    yield from check_administrators()


def check_backups(*, now: datetime) -> Finding:
    found = read_backups(now=now)
    if not found.is_on:
        message = "No backups are made by themselves."
        remedy = f"Set BROADSHEET_BACKUP_DIR to a folder on another disk; one by hand: {manage_command('backup FILE')}."
        return warning("backups", message, remedy)
    last = f"the last good one is of {clock(found.last_good.started_at)}" if found.last_good else "there is none yet"
    if found.last_failed:
        message = f"The last backup failed: {found.last_failed.error} ({last[0].upper()}{last[1:]}.)"
        return problem("backups", message, "Put that right; it is tried again with the next day, or after a restart.")
    if found.is_late:
        message = f"The last good backup is of {clock(found.last_good.started_at if found.last_good else None)}."
        remedy = f"They are made by the workers once a day; more than {LATE_AFTER} is late. See fetcher.log."
        return problem("backups", message, remedy)
    return ok("backups", f"They are made daily into {settings.BACKUP_DIR}; {last}.")


def check_stored_secrets() -> Iterator[Finding]:
    if sentence := read_stored_secrets().sentence():
        yield problem("key", sentence, "The key of then may be in a backup, or in an older .env.")


def check_zones() -> Iterator[Finding]:
    """A zone that the first-run page took, and this machine does not know."""
    name = settings.GROUP_TIME_ZONE or Installation.objects.values_list("time_zone", flat=True).first()
    try:
        ZoneInfo(name or "UTC")
        ZoneInfo("America/New_York")
    except (KeyError, ValueError, OSError):
        message = f"The time zone {_shown(str(name))}, or arXiv's, is not known on this machine, so days begin in UTC."
        yield problem("zone", message, "Choose one under Group settings; install the package tzdata.")


def check_sources_that_are_off() -> Iterator[Finding]:
    """arXiv's announcements are there, and turned off."""
    from papers.sources.registry import announcing_kinds

    kinds = announcing_kinds()
    if Source.objects.filter(kind__in=kinds).exists() and not Source.objects.announcing().exists():
        message = "No source of announcements is on, so editions get nothing by themselves, and no day is compared."
        yield warning("sources", message, "Turn it on in the admin, under Sources.")


def check_administrators() -> Iterator[Finding]:
    """Administrators whose password alone opens everything."""
    if settings.SITE.is_loopback:
        return
    bare = User.objects.filter(is_staff=True, is_active=True).exclude(authenticator__isnull=False)
    if names := list(bare.order_by("pk").values_list("username", flat=True)[:5]):
        message = f"Administrators without a second factor: {', '.join(map(_shown, names))}."
        yield warning(
            "people", message, "They set one up on their account page; BROADSHEET_ADMIN_SECOND_FACTOR=on asks."
        )
