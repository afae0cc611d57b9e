"""What an operator can put right, found before it hurts: `manage.py check`, and at every start.

What a single variable gets wrong is said by `config.env` already; here is what only shows together, or in the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.mail.message import sanitize_address
from django.db import connections

from config.backup.archive import BackupError
from config.backup.encryption import read_recipients
from papers.catalogue.categories import expand_pattern
from papers.outbound.address_guard import AllowList
from papers.services.operations.semaphores import has_semaphores
from papers.text.mailboxes import AddressError, read_mailbox

MIN_POSTGRES = 16
TESTED_POSTGRES = 18
MIN_PGVECTOR = (0, 8)  # the first with iterative scans
MIN_SECRET_KEY_LENGTH = 32
MIN_METRICS_TOKEN_LENGTH = 16
RECREATE_DATABASE_HINT = (
    "Make it anew: CREATE DATABASE broadsheet TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin "
    "BUILTIN_LOCALE 'C.UTF-8'."
)


@register(Tags.security)
def check_secret_key(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    if len(settings.SECRET_KEY) >= MIN_SECRET_KEY_LENGTH:
        return []
    return [
        Error(
            f"SECRET_KEY has {len(settings.SECRET_KEY)} characters; whoever guesses it signs in as anybody.",
            hint="Remove it, and Broadsheet keeps a random one in its data folder; or make one with "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'.",
            id="broadsheet.E001",
        )
    ]


@register(Tags.security)
def check_guessable_key(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """A key from an example is long, and known to everybody."""
    key = settings.SECRET_KEY.lower()
    known = ("django-insecure", "changeme", "change-me", "change_me", "secret-key", "secret_key", "your-", "example")
    if len(settings.SECRET_KEY) < MIN_SECRET_KEY_LENGTH or (len(set(key)) > 9 and not any(w in key for w in known)):
        return []
    return [
        Error(
            "SECRET_KEY looks like one from an example; whoever knows it signs in as anybody.",
            hint="Make one with python3 -c 'import secrets; print(secrets.token_urlsafe(48))'.",
            id="broadsheet.E006",
        )
    ]


@register(Tags.security)
def check_metrics_token(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    if not settings.METRICS_TOKEN or len(settings.METRICS_TOKEN) >= MIN_METRICS_TOKEN_LENGTH:
        return []
    return [
        Error(
            f"BROADSHEET_METRICS_TOKEN has {len(settings.METRICS_TOKEN)} characters, and can be guessed.",
            hint="Make one with python3 -c 'import secrets; print(secrets.token_urlsafe(32))'.",
            id="broadsheet.E014",
        )
    ]


@register(Tags.security)
def check_debug(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Nothing here turns it on but somebody who changed config/settings.py."""
    if not settings.DEBUG:
        return []
    return [
        Error(
            "DEBUG is on: strangers see settings and queries with each error, and memory grows.",
            hint="Set DEBUG = False in config/settings.py.",
            id="broadsheet.E007",
        )
    ]


@register(Tags.security)
def check_trusted_proxies(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Whoever is trusted says who asks; networks as large as these are not of anybody's own servers."""
    wide = [network for network in settings.TRUSTED_PROXIES if network.prefixlen < (8 if network.version == 4 else 16)]
    if not wide:
        return []
    return [
        Error(
            f"BROADSHEET_TRUSTED_PROXIES has {', '.join(map(str, wide))}: anybody may say where a request comes from, "
            "and guess passwords without end.",
            hint="Name the web servers in front alone, such as 127.0.0.1 or 10.0.0.5.",
            id="broadsheet.E008",
        )
    ]


@register()
def check_sender_domain(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """A mail from a name that no server on the internet can look up is refused, or takes itself for spam."""
    domain = read_mailbox(settings.DEFAULT_FROM_EMAIL).address.rpartition("@")[2] if settings.MAIL_IS_SENT else ""
    is_bare = domain.startswith("[") or "." not in domain or domain.endswith((".local", ".localhost", ".internal"))
    if not domain or settings.SITE.is_loopback or not is_bare:
        return []
    return [
        Warning(
            f"Mails come from {settings.DEFAULT_FROM_EMAIL}, a domain that has no address on the internet.",
            hint="Set BROADSHEET_MAIL_FROM to an address of a domain of yours, such as papers@lab.example.org.",
            id="broadsheet.W006",
        )
    ]


@register()
def check_backup_recipients(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Found now, and not at two in the morning."""
    if settings.BACKUP_DIR is None or not settings.BACKUP_RECIPIENTS:
        return []
    try:
        read_recipients(settings.BACKUP_RECIPIENTS)
    except BackupError as error:
        return [
            Error(str(error), hint="See BROADSHEET_BACKUP_RECIPIENTS in docs/configuration.md.", id="broadsheet.E009")
        ]
    return []


@register()
def check_embeddings(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """An endpoint needs a model's name; the address alone says nothing."""
    if not settings.EMBEDDINGS_URL or settings.EMBEDDINGS_MODEL:
        return []
    return [
        Error(
            "BROADSHEET_EMBEDDINGS_URL is set, and no model is named.",
            hint="Set BROADSHEET_EMBEDDINGS_MODEL to the name that the API knows.",
            id="broadsheet.E004",
        )
    ]


@register(Tags.security)
def check_site(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """The address that browsers use, and the one that is listened on."""
    found: list[CheckMessage] = []
    site = settings.SITE
    if not settings.SITE_URL_IS_SET and not _is_loopback(settings.BIND):
        found.append(
            Warning(
                f"Broadsheet listens on {settings.BIND}, and answers only to the names of this machine itself.",
                hint="Set BROADSHEET_SITE_URL to the address that readers type.",
                id="broadsheet.W001",
            )
        )
    if not site.is_https and not site.is_loopback:
        found.append(
            Warning(
                f"{site.url} is not https: passwords and sessions can be read on their way.",
                hint="Put a web server with a certificate in front, and begin BROADSHEET_SITE_URL with https://.",
                id="broadsheet.W002",
            )
        )
    if site.is_https and not settings.TRUSTED_PROXIES:
        found.append(
            Warning(
                "The web server in front is not known, so all readers share one limit on wrong passwords.",
                hint="Set BROADSHEET_TRUSTED_PROXIES to its address, such as 127.0.0.1.",
                id="broadsheet.W003",
            )
        )
    return found


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.startswith(("/", "unix:"))


@register()
def check_names(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Names that nothing reads: whoever mistyped one believes that it is set."""
    return [
        Warning(
            f"{name} is set, and no setting has that name.",
            hint=f"Is {meant} meant?" if meant else "See docs/configuration.md for those there are.",
            id="broadsheet.W007",
        )
        for name, meant in settings.UNKNOWN_VARIABLES.items()
    ]


@register()
def check_mail(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    if settings.MAIL_IS_SENT or settings.SITE.is_loopback:
        return []
    return [
        Warning(
            f"No mail is sent: each is a file in {settings.OUTBOX_DIR}.",
            hint="Set BROADSHEET_SMTP_URL to the server that takes your mail.",
            id="broadsheet.W004",
        )
    ]


@register()
def check_sender(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Whom mails come from: what no mail could be sent from is found now, and not when one is due.

    Django reads the sender too, by a parser that differs between releases of Python.
    """
    found: list[CheckMessage] = []
    for sender in dict.fromkeys((settings.DEFAULT_FROM_EMAIL, settings.SERVER_EMAIL)):
        try:
            sanitize_address(str(read_mailbox(sender)), "utf-8")
        except (AddressError, ValueError) as error:
            found.append(
                Error(
                    f"No mail can be sent from {sender!r}: {error}",
                    hint="Set BROADSHEET_MAIL_FROM to an address that people can answer to, such as "
                    "Daily Papers <papers@lab.example.org>.",
                    id="broadsheet.E005",
                )
            )
    return found


@register()
def check_semaphores(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Whether imports, and workers that run alone, can be several processes."""
    if has_semaphores():
        return []
    return [
        Warning(
            "No lock can be shared between processes: imports, and workers that run alone (`manage.py run`), do one "
            "thing at a time.",
            hint="Have /dev/shm mounted, open to all: mount -t tmpfs -o mode=1777 tmpfs /dev/shm.",
            id="broadsheet.W005",
        )
    ]


@register()
def check_fetching(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if unknown := [code for code in settings.ARXIV_CATEGORIES if not expand_pattern(code)]:
        found.append(
            Error(
                f"BROADSHEET_ARXIV_CATEGORIES names what arXiv does not have: {', '.join(unknown)}.",
                hint="Categories look like cs.CL, whole archives like cs.*; see https://arxiv.org/category_taxonomy.",
                id="broadsheet.E002",
            )
        )
    try:
        AllowList.parse(settings.FETCH_ALLOW)
    except ValueError as error:
        found.append(Error(f"BROADSHEET_FETCH_ALLOW: {error}", id="broadsheet.E003"))
    return found


@register(Tags.database)
def check_postgres(
    app_configs: Sequence[AppConfig] | None, databases: Iterable[str] | None = None, **options: Any
) -> list[CheckMessage]:
    """Version, extension and locale of the server. Run by `migrate`, and by `check --database default`."""
    if "default" not in (databases or ()):
        return []
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version_num')::int / 10000,"
            " (SELECT coalesce(installed_version, default_version) FROM pg_available_extensions WHERE name = 'vector'),"
            " current_setting('server_encoding'), lower('Ö') = 'ö'"
        )
        version, vector, encoding, folds = cursor.fetchone()
    return [*_check_version(version), *_check_pgvector(vector), *_check_text(encoding, folds=folds)]


def _check_version(version: int) -> list[CheckMessage]:
    if version < MIN_POSTGRES:
        return [
            Error(
                f"This is PostgreSQL {version}; Broadsheet needs {MIN_POSTGRES} or newer.",
                hint=f"Point DATABASE_URL to a newer server; {TESTED_POSTGRES} is what it is tested with.",
                id="broadsheet.E010",
            )
        ]
    if version < TESTED_POSTGRES:
        return [
            Warning(
                f"This is PostgreSQL {version}; Broadsheet is tested with {TESTED_POSTGRES} only.",
                id="broadsheet.W010",
            )
        ]
    return []


def _check_pgvector(version: str | None) -> list[CheckMessage]:
    if version and tuple(int(part) for part in version.split(".")[:2]) >= MIN_PGVECTOR:
        return []
    wanted = ".".join(map(str, MIN_PGVECTOR))
    return [
        Error(
            f"The database server has pgvector {version}; {wanted} or newer is needed."
            if version
            else "The database server has no pgvector.",
            hint="Install it on that server (Debian: the package postgresql-18-pgvector), or use the image "
            "pgvector/pgvector:pg18.",
            id="broadsheet.E011",
        )
    ]


def _check_text(encoding: str, *, folds: bool) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if encoding != "UTF8":
        found.append(
            Error(
                f"The database is encoded in {encoding}; names and formulas of papers need UTF8.",
                hint=RECREATE_DATABASE_HINT,
                id="broadsheet.E012",
            )
        )
    elif not folds:
        found.append(
            Error(
                "The database's locale leaves lower('Ö') as it is, so search misses words, and accounts double.",
                hint=RECREATE_DATABASE_HINT,
                id="broadsheet.E013",
            )
        )
    return found
