"""manage.py recount_votes: count the votes anew from their rows."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from papers.services.trending import recompute_all
from papers.services.votes import recount_votes


class Command(BaseCommand):
    help = "Count the votes of all papers anew from their rows, and say how many were wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--trending",
            action="store_true",
            help="also compute the trending figures anew; for after BROADSHEET_TRENDING_… was changed",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = recount_votes()
        self.stdout.write(f"Counted the votes; {wrong:,} paper{'' if wrong == 1 else 's'} had a wrong count.")
        if options["trending"]:
            self.stdout.write(f"Computed the trending figures of {recompute_all():,} papers.")
