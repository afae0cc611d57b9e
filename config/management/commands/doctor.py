"""Look at everything that can be wrong, and say what to do."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from config.doctor import diagnose
from config.findings import Finding, FindingLevel
from papers.text.counts import counted


class Command(BaseCommand):
    help = (
        "Look at settings, data folder, disk, database, Redis, workers, clocks and sources: one line each, and what "
        "to do where something is wrong. Ends with 1 when there is a problem. Works while the database is down."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--live",
            action="store_true",
            help="also ask each service that papers come from once, and compare the answer with what is expected",
        )

        parser.add_argument("--json", action="store_true", help="print a JSON list instead, for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["json"]:
            self._write_json(list(diagnose(now=timezone.now(), asks_services=options["live"])))
            return
        levels = []
        for finding in diagnose(now=timezone.now(), asks_services=options["live"]):
            self._write(finding)
            levels.append(finding.level)
        problems, warnings = levels.count(FindingLevel.PROBLEM), levels.count(FindingLevel.WARNING)
        self.stdout.write(f"{_of(problems, 'problem')}, {_of(warnings, 'warning')}.")
        if problems:
            sys.exit(1)

    def _write_json(self, findings: list[Finding]) -> None:
        self.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=1, ensure_ascii=False))
        if any(finding.level is FindingLevel.PROBLEM for finding in findings):
            sys.exit(1)

    def _write(self, finding: Finding) -> None:
        style = {
            FindingLevel.OK: self.style.SUCCESS,
            FindingLevel.WARNING: self.style.WARNING,
            FindingLevel.PROBLEM: self.style.ERROR,
        }
        self.stdout.write(f"{style[finding.level](f'{finding.level:<8}')} {finding.subject:<9} {finding.message}")
        if finding.remedy:
            self.stdout.write(f"{'':18} → {finding.remedy}")


def _of(number: int, noun: str) -> str:
    return counted(number, noun) if number else f"No {noun}s"
