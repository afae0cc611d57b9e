"""The log of the web server."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from gunicorn.glogging import Logger

from config.log_redaction import redact_handlers


class WebServerLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's log of errors, and of requests where an operator turns that on: both name addresses, ours redacted."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        as_json = settings.LOG_FORMAT == "json"
        redact_handlers(self.error_log, as_json=as_json)
        redact_handlers(self.access_log, as_json=as_json)
