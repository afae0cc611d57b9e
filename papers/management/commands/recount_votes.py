"""manage.py recount_votes: count the votes and the comments anew from their rows."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from papers.services.lists.trending import recompute_trending_scores
from papers.services.reading.comments import recount_comments
from papers.services.reading.votes import recount_votes
from papers.text.counts import counted


class Command(BaseCommand):
    help = "Count the votes and comments of all papers anew from their rows, and say how many were wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--trending",
            action="store_true",
            help="also compute the trending figures anew; for after BROADSHEET_TRENDING_… was changed",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for what, wrong in (("votes", recount_votes()), ("comments", recount_comments())):
            self.stdout.write(f"Counted the {what}; {counted(wrong, 'paper')} had a wrong count.")
        if options["trending"]:
            self.stdout.write(f"Computed the trending figures of {counted(recompute_trending_scores(), 'paper')}.")
