"""Show the mail that a reader would get, or got, without sending or changing anything; or have it sent now."""

from __future__ import annotations

import email
import email.policy
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from digests.models import Schedule, Subscriber
from digests.schedule import FREQUENCIES
from digests.services.planning import plan_due
from digests.services.preview import preview_digest
from papers.management import arguments


class Command(BaseCommand):
    help = "Print the mail that --to would get next, or with --at at that moment. Nothing is sent without --now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", required=True, metavar="ADDRESS", help="the subscriber's address")
        parser.add_argument("--frequency", choices=list(FREQUENCIES), help="one of the reader's schedules")
        parser.add_argument(
            "--since",
            type=arguments.date_argument,
            metavar="YYYY-MM-DD",
            help="also what was released from this day on",
        )
        parser.add_argument(
            "--at", type=arguments.datetime_argument, metavar="YYYY-MM-DDTHH:MM", help="as if it were then (UTC)"
        )
        parser.add_argument("--dry-run", action="store_true", help="what happens anyway, unless --now is given")
        parser.add_argument("--eml", metavar="DIR", type=Path, help="write .eml files there instead of printing")
        parser.add_argument("--now", action="store_true", help="plan the mail now; a worker sends it within a minute")

    def handle(self, *args: Any, **options: Any) -> None:
        reader = Subscriber.objects.with_address(options["to"]).first()
        if reader is None:
            raise CommandError(f"Nobody is subscribed as {options['to']}.")
        schedules = reader.schedules.filter(ended_at=None).order_by("frequency")
        if options["frequency"]:
            schedules = schedules.filter(frequency=options["frequency"])
        if not schedules:
            raise CommandError(f"{reader.email} has no such mail.")
        for schedule in schedules:
            self._one(schedule, options)

    def _one(self, schedule: Schedule, options: dict[str, Any]) -> None:
        now = options["at"] or timezone.now()
        if options["now"] and not options["dry_run"]:
            today = timezone.localdate(now)
            Schedule.objects.filter(pk=schedule.pk).update(next_on=today, next_due_at=now)
            done = plan_due(now=now)
            self.stdout.write(f"{schedule.frequency}: {done.planned} planned, {done.skipped} skipped")
            return
        found = preview_digest(schedule, now=now, since=options["since"])
        self.stdout.write(f"{schedule.frequency} mail to {schedule.subscriber.email}, for {found.choice.period_on}")
        if found.message is None:
            self.stdout.write(f"  nothing is sent: {found.choice.reason}")
            return
        if options["eml"]:
            options["eml"].mkdir(parents=True, exist_ok=True)
            file = options["eml"] / f"{schedule.frequency}-{found.choice.period_on}.eml"
            file.write_bytes(found.message)
            self.stdout.write(f"  {file}")
            return
        mail = email.message_from_bytes(found.message, policy=email.policy.default)
        for name, value in mail.items():
            self.stdout.write(f"{name}: {value}")
        text = next(iter(mail.iter_parts()))
        self.stdout.write("\n" + text.get_content().replace("\r\n", "\n"))
