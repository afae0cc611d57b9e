"""What is well and what is not, one finding a check, each with what to do: `manage.py doctor`.

What the system checks know (`config.checks`) is asked of them; here is what only shows while Broadsheet runs. Nothing
here raises when a part is away: that is what it is for.
"""

from __future__ import annotations

import os
import platform
import shutil
import stat
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection

from config import health, prerelease, startup
from config.bootstrap import NEWEST, OLDEST
from config.doctor_setup import answering_queues, check_queues, check_redis_is_ours, check_sightings, setup_findings
from config.findings import Finding, FindingLevel, clock, manage_command, ok, problem, run_command, warning
from config.local.paths import account_name
from config.local.programs import BEAT, EMBEDDER, FETCHER, WEB, WORKER, is_answering
from digests.services import mail_setup
from digests.services.mail_setup import MailSetupState
from digests.services.sending_pauses import sending_blocked_reason
from papers.services.embeddings.embedding_status import read_embedding_status
from papers.services.fetching.live_answers import ask_services
from papers.services.operations import status
from papers.services.operations.status import SourceState
from papers.text.counts import counted

MEGABYTE = 1024 * 1024
DISK_WARNING_BYTES = 2000 * MEGABYTE
DISK_PROBLEM_BYTES = 300 * MEGABYTE
CLOCK_WARNING = timedelta(seconds=5)
CLOCK_PROBLEM = timedelta(minutes=2)
SOURCE_PROBLEM = timedelta(days=2)
SHARED_MEMORY_BYTES = 16 * MEGABYTE
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  where Linux has it


def diagnose(*, now: datetime, asks_services: bool = False) -> Iterator[Finding]:
    """One finding after the other about everything; about what is in the database only when it answers.

    With `asks_services` one request goes to each service that papers come from.
    """
    yield check_python()
    yield from check_settings()
    yield check_data_folder()
    yield check_disk()
    redis = check_redis()
    yield redis
    if redis.level is FindingLevel.OK:
        yield from check_redis_is_ours(now=now)
        yield from check_sightings(now=now)
    yield check_web()
    yield from check_this_machine()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version'), clock_timestamp()")
            version, there = cursor.fetchone()
            here = datetime.now(UTC)
    except DatabaseError as error:
        yield database_unreachable(error)
        return
    yield from check_database(version)
    yield check_clock(here=here, there=there)
    if prerelease.is_database_prerelease():
        yield prerelease_tables()
        return
    missing = startup.missing_migrations()
    yield check_tables(missing)
    if not missing:
        yield check_workers(now=now)
        yield from check_queues(now=now)
        yield from setup_findings(now=now)
        yield from check_sources(now=now)
        yield check_embeddings(now=now)
        yield check_days(now=now)
        yield check_mail(now=now)
        if asks_services:
            yield from check_services(now=now)


def check_python() -> Finding:
    version = platform.python_version()
    if OLDEST <= sys.version_info.minor <= NEWEST:
        return ok("python", f"Python {version}.")
    return warning(
        "python",
        f"Python {version} is not one that Broadsheet is tested with (3.{OLDEST} to 3.{NEWEST}).",
        f"Name another: `make PYTHON=python3.{OLDEST} run`.",
    )


def check_settings() -> list[Finding]:
    """What the system checks say that need no database."""
    found = [_of_check(message, "settings") for message in checks.run_checks() if message.level >= checks.WARNING]
    return found or [ok("settings", f"Nothing is wrong with them; the site is {settings.SITE_URL}.")]


def _of_check(message: checks.CheckMessage, subject: str) -> Finding:
    level = FindingLevel.PROBLEM if message.level >= checks.ERROR else FindingLevel.WARNING
    return Finding(level, subject, message.msg, message.hint or "See docs/configuration.md.")


def check_data_folder() -> Finding:
    """Ours, closed to others, and to be written; only the embedded services need it."""
    if not settings.DATABASE_IS_EMBEDDED and not settings.REDIS_IS_EMBEDDED:
        return ok("data", "DATABASE_URL and REDIS_URL are set, so nothing is kept in a data folder.")
    path: Path = settings.DATA_DIR.path
    try:
        found = path.stat()
    except OSError as error:
        return problem("data", f"The data folder {path}: {error.strerror}.", "`make run` makes it.")
    if found.st_uid != os.geteuid():
        owner = account_name(found.st_uid)
        return problem("data", f"The data folder {path} belongs to {owner}.", f"Run Broadsheet as {owner}.")
    if not os.access(path, os.W_OK | os.X_OK):
        return problem("data", f"The data folder {path} cannot be written.", f"`chmod 700 {path}`")
    if stat.S_IMODE(found.st_mode) & 0o066:
        return warning("data", f"Others can look into the data folder {path}.", f"`chmod go-rw {path}`")
    return ok("data", f"The data folder is {path}.")


def check_this_machine() -> Iterator[Finding]:
    """What only is said where it is wrong: static files, shared memory."""
    if not startup.is_static_collected():
        message = "The style sheets and scripts of this version are not collected, so pages look bare or old."
        yield problem("static", message, f"{manage_command('prepare --static-only')}, then restart the web server.")
    try:
        free = shutil.disk_usage(SHARED_MEMORY).free
    except OSError:
        return  # none: the system checks say what that means
    if settings.DATABASE_IS_EMBEDDED and free < SHARED_MEMORY_BYTES:
        message = f"{SHARED_MEMORY} has {free / MEGABYTE:.0f} MB left, and PostgreSQL's parallel queries need some."
        remedy = f"Enlarge it (`mount -o remount,size=256M {SHARED_MEMORY}`; containers: --shm-size 256m)."
        yield warning("memory", message, remedy)


def check_disk() -> Finding:
    path: Path = settings.DATA_DIR.path
    while not path.exists():
        path = path.parent
    free = shutil.disk_usage(path).free
    message = f"{free / 1024 / MEGABYTE:.1f} GB are free where {path} is."
    remedy = f"Make room there, or move the data folder to a larger disk; `du -sh {path}` says what it takes."
    if free < DISK_PROBLEM_BYTES:
        return problem("disk", message, remedy)
    return warning("disk", message, remedy) if free < DISK_WARNING_BYTES else ok("disk", message)


def check_redis() -> Finding:
    if not (wrong := health.redis_problem()):
        return ok("redis", "Redis answers.")
    remedy = f"`make run` starts it; if it runs, see {settings.DATA_DIR.log_dir / 'valkey.log'}."
    if not settings.REDIS_IS_EMBEDDED:
        remedy = "Look whether the server that REDIS_URL names is up, and reached from this machine."
    return problem("redis", f"Redis {wrong}. Pages are served, but nothing is fetched.", remedy)


def check_web() -> Finding:
    where = f"{settings.BIND}, port {settings.PORT}"
    if is_answering(settings.BIND, settings.PORT):
        return ok("web", f"The web server answers at {where}.")
    remedy = "`make run` starts it." if settings.DATABASE_IS_EMBEDDED else f"{run_command(WEB)} starts it."
    return warning("web", f"No web server answers at {where}.", remedy)


def database_unreachable(error: DatabaseError) -> Finding:
    result = " ".join(str(error).split()) or type(error).__name__
    remedy = f"`make run` starts it; if it runs, see {settings.DATA_DIR.log_dir / 'postgres.log'}."
    if not settings.DATABASE_IS_EMBEDDED:
        remedy = (
            'Try `psql "$DATABASE_URL" -c "SELECT 1"` on this machine; the server may be down, or the password wrong.'
        )
    return problem("database", f"PostgreSQL does not answer, so the rest was not looked at: {result}", remedy)


def check_database(version: str) -> list[Finding]:
    """What the system checks say of the server: version, extension, locale."""
    messages = checks.run_checks(tags=[checks.Tags.database], databases=["default"])
    found = [_of_check(message, "database") for message in messages if message.level >= checks.WARNING]
    return found or [ok("database", f"PostgreSQL {version} answers, and has what it needs.")]


def check_clock(*, here: datetime, there: datetime) -> Finding:
    """Two clocks that differ make lateness, sign-in links and lists of "today" wrong."""
    skew = abs(here - there)
    message = f"This machine's clock and the database's differ by {skew.total_seconds():.1f} s."
    remedy = "Let both machines keep time: `timedatectl set-ntp true`."
    if skew > CLOCK_PROBLEM:
        return problem("clock", message, remedy)
    return warning("clock", message, remedy) if skew > CLOCK_WARNING else ok("clock", message)


def check_tables(missing: int) -> Finding:
    if missing:
        return problem(
            "tables", f"{missing} migrations are missing.", f"{manage_command('prepare')}, or start Broadsheet anew."
        )
    return ok("tables", "All migrations are applied.")


def prerelease_tables() -> Finding:
    return problem("tables", prerelease.DATABASE_MESSAGE, "Name another with DATABASE_URL or BROADSHEET_DATA_DIR.")


def check_workers(*, now: datetime) -> Finding:
    workers = status.worker_status(now=now)
    if workers.alive:
        return ok("workers", f"Beat, the queue and a worker were alive at {clock(workers.last_seen_at)}.")
    seen = f"Nobody worked since {clock(workers.last_seen_at)}" if workers.last_seen_at else "Nobody ever worked"
    if answering_queues():
        remedy = f"{run_command(BEAT)}, or `make run`; if it runs, see {BEAT.name}.log in {settings.DATA_DIR.log_dir}."
        return problem("workers", f"{seen}: workers answer, and beat gives them nothing to do.", remedy)
    remedy = (
        f"`make run` starts them; if it runs, see {BEAT.name}.log and {WORKER.name}.log in {settings.DATA_DIR.log_dir}."
    )
    if not settings.DATABASE_IS_EMBEDDED:
        remedy = (
            f"Start {run_command(WORKER)}, {run_command(FETCHER)} and {run_command(BEAT)}, or look at their output."
        )
    return problem("workers", f"{seen}: beat, the queue or the worker is down. Nothing is fetched.", remedy)


def check_services(*, now: datetime) -> Iterator[Finding]:
    """One request to each service that papers come from: does it answer as its reader expects? Only when asked for."""
    for answer in ask_services(now=now):
        if answer.error:
            yield warning("live", f"{answer.service} gave no answer: {answer.error}", "Try again in some minutes.")
        elif answer.missing:
            yield problem(
                "live",
                f"{answer.service} answers without {', '.join(answer.missing)}, which its reader needs.",
                "Look for a newer Broadsheet; report it where there is none.",
            )
        elif answer.is_empty:
            yield ok(
                "live", f"{answer.service} answers, with no paper now. On a day with an announcement it tells more."
            )
        elif answer.new:
            yield ok(
                "live", f"{answer.service} answers as expected, and says more than was known: {', '.join(answer.new)}."
            )
        else:
            yield ok("live", f"{answer.service} answers as expected.")


def check_sources(*, now: datetime) -> list[Finding]:
    """Each source that is on and not well or was never asked, else one line for all."""
    found, well = [], 0
    for each in status.source_states(now=now):
        source, again = each.source, manage_command(f"fetch {each.source.pk}")
        if each.trouble is SourceState.FAILING:
            since = f", since {clock(each.trouble_since)}" if each.trouble_since else ""
            message = f"{source.name} failed {counted(source.error_count, 'time')}{since}: {source.last_error}"
            is_long = each.trouble_since is not None and now - each.trouble_since > SOURCE_PROBLEM
            judged = problem if is_long else warning
            found.append(judged("sources", message, f"It is asked again by itself; now: {again}"))
        elif each.trouble is SourceState.STALE:
            found.append(warning("sources", f"{source.name} served an old batch.", f"To look again now: {again}"))
        elif each.trouble is SourceState.LATE:
            message = f"{source.name} is due since {clock(source.next_fetch_at)}, and was not fetched."
            found.append(warning("sources", message, f"See to the workers; to fetch it from here: {again}"))
        elif each.is_unasked:
            message = f"{source.name} was not asked yet, so nobody knows whether it answers."
            found.append(warning("sources", message, f"It is asked by itself; now: {again}"))
        elif each.state is not SourceState.OFF:
            well += 1
    if found:
        return found
    if not well:
        return [
            warning(
                "sources", "No source is on, so nothing is fetched.", "Choose some on the first-run page or at /admin/."
            )
        ]
    return [ok("sources", f"{counted(well, 'source')} on, and none fails.")]


def check_embeddings(*, now: datetime) -> Finding:
    """Whether papers are embedded, and what is in the way."""
    found = read_embedding_status(now=now)
    if not found.is_on:
        return ok("meaning", f"Search goes by words alone. {found.disabled_reason}")
    more = "more than " if found.has_more_waiting else ""
    name = found.target or "no model yet"
    message = f"{found.embedded:,} papers are embedded with {name}, {more}{found.waiting:,} wait."
    if found.last_error:
        return warning(
            "meaning", f"{message} The model fails: {found.last_error}", f"To try it here: {manage_command('embed')}"
        )
    if not found.is_alive:
        remedy = "`make run` starts it." if settings.DATABASE_IS_EMBEDDED else f"{run_command(EMBEDDER)} starts it."
        return warning("meaning", f"{message} The embedder is not running, so search goes by words.", remedy)
    return ok("meaning", message)


def check_days(*, now: datetime) -> Finding:
    days = status.recent_days(today=now.date())
    gaps = [day for day in days if day.missing]
    if not gaps and all(day.is_complete is None for day in days):
        return ok("days", "No day of the last two weeks was compared with arXiv's announcement yet.")
    if not gaps:
        return ok("days", "No announced paper is known to be missing.")
    named = ", ".join(f"{len(day.missing)} of {day.day}" for day in gaps)
    return warning("days", f"Announced papers are missing: {named}.", "They are asked for again; /status follows it.")


def check_mail(*, now: datetime) -> Finding:
    """Whether visitors can subscribe, and mail leaves."""
    mail = mail_setup.current_mail_setup()
    page = f"{settings.SITE_URL}/setup/mail"
    if reason := sending_blocked_reason(now=now) if mail.works else "":
        return problem("mail", f"No mail leaves: {reason}", f"Put it right, then send a test message at {page}")
    if mail.works:
        return ok("mail", f"It works. {mail.result}")
    if mail.state is MailSetupState.NO_SERVER:
        return warning(
            "mail",
            "No mail server is named, so visitors cannot subscribe.",
            "Set BROADSHEET_SMTP_URL; see docs/mail.md.",
        )
    if mail.state is MailSetupState.LOOPBACK:
        message = f"Nothing leaves: links in mails would lead to {settings.SITE_URL}, which only this machine reaches."
        return warning("mail", message, "Set BROADSHEET_SITE_URL to the address that readers type.")
    if mail.state is MailSetupState.FAILED:
        return problem("mail", mail.result, f"Put it right, then send a test message at {page}")
    return warning("mail", "No test message was sent yet.", f"Send one at {page}; then visitors can subscribe.")
