"""Log lines as JSON, one object a line, for programs that collect them: BROADSHEET_LOG_FORMAT=json.

`time` (UTC, RFC 3339), `level`, `logger`, `message`; `request_id` and `task_id` where there is one; `trace` after an
error. Secrets are taken out of each text before it becomes JSON, as from lines of text.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from config.log_redaction import RedactingFormatter, redact
from config.monitoring.log_context import current_ids


class JsonFormatter(RedactingFormatter):
    """A formatter whose lines are JSON without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
            **current_ids(),
        }
        if record.exc_info:
            line["trace"] = redact(self.formatException(record.exc_info))
        if record.stack_info:
            line["stack"] = redact(self.formatStack(record.stack_info))
        return json.dumps(line, ensure_ascii=False)
