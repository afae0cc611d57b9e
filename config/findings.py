"""What a check found, and the words that all of them use: levels, commands as the operator types them, times."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from config.local.paths import PROJECT
from config.local.programs import Part


class FindingLevel(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, in sentences for an operator."""

    level: FindingLevel
    subject: str
    message: str
    remedy: str = ""
    """What to do, with the command where there is one; empty when all is well."""


def ok(subject: str, message: str) -> Finding:
    return Finding(FindingLevel.OK, subject, message)


def warning(subject: str, message: str, remedy: str) -> Finding:
    return Finding(FindingLevel.WARNING, subject, message, remedy)


def problem(subject: str, message: str, remedy: str) -> Finding:
    return Finding(FindingLevel.PROBLEM, subject, message, remedy)


def manage_command(arguments: str) -> str:
    """A command as the operator types it here."""
    python = Path(sys.executable)
    shown = str(python.relative_to(PROJECT)) if python.is_relative_to(PROJECT) else python.name
    return f"`{shown} manage.py {arguments}`"


def run_command(part: Part) -> str:
    """The command that starts one part, as the operator types it here."""
    return manage_command(f"run {part.name}")


def clock(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at else "?"
