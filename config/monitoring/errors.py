"""Reports errors to Sentry, or to a service with its protocol, where a DSN is set; otherwise it imports nothing.

What leaves: the exception's type and message, the files and lines of its traceback, the name of the page or task. No
bodies, cookies, headers, addresses of people or variables. All of it is redacted as log lines are.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from config.log_redaction import redact
from config.monitoring import log_context
from config.monitoring.optional import needed
from papers.hooks import OutsideService

_KEPT_OF_REQUEST = ("method", "url")
_DEEPEST = 12


def start_error_reports() -> None:
    """Report the errors of this process from now on. Idempotent.

    Raises:
        ImproperlyConfigured: the package is not installed, or the DSN is not valid.
    """
    if not settings.SENTRY_DSN:
        return
    needed("sentry_sdk", "BROADSHEET_SENTRY_DSN")
    import sentry_sdk
    from django.core.exceptions import ImproperlyConfigured
    from sentry_sdk.integrations.celery import CeleryIntegration
    from sentry_sdk.integrations.django import DjangoIntegration

    try:
        sentry_sdk.init(
            dsn=settings.SENTRY_DSN,
            release=f"broadsheet@{settings.VERSION}",
            server_name="broadsheet",
            send_default_pii=False,
            include_local_variables=False,
            max_request_body_size="never",
            max_breadcrumbs=0,
            traces_sample_rate=None,
            auto_session_tracking=False,
            auto_enabling_integrations=False,
            integrations=[DjangoIntegration(middleware_spans=False), CeleryIntegration()],
            before_send=scrub,
        )
    except sentry_sdk.utils.BadDsn as error:
        raise ImproperlyConfigured(f"BROADSHEET_SENTRY_DSN is not the address of a Sentry project: {error}.") from error


def outside_services(now: datetime) -> list[OutsideService]:
    """For /privacy: who is told of errors. Takes nothing of the address but its host."""
    host = urlsplit(settings.SENTRY_DSN).hostname
    return [OutsideService(host, "that an error happened, and where in the program; not to whom")] if host else []


def scrub(event: Any, hint: Any) -> Any:
    """The event without what is not for others."""
    request = event.get("request") or {}
    kept = {name: request[name] for name in _KEPT_OF_REQUEST if name in request}
    if "url" in kept:
        kept["url"] = str(kept["url"]).partition("?")[0]
    event["request"] = kept
    event.pop("user", None)
    event.pop("breadcrumbs", None)
    event.pop("extra", None)
    event.pop("modules", None)
    event["tags"] = {**(event.get("tags") or {}), **log_context.current_ids()}
    return _redacted(event, _DEEPEST)


def _redacted(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return redact(value)
    if depth == 0:
        return None if isinstance(value, dict | list | tuple) else value
    if isinstance(value, dict):
        return {key: _redacted(one, depth - 1) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(one, depth - 1) for one in value]
    return value
