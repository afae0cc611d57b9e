"""Show the sample catalogue, also after it was removed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from papers.services.operations.sample import add_sample, has_real_edition, has_sample


class Command(BaseCommand):
    help = (
        "Show the sample catalogue again, for a demonstration or after it was removed; a new database has it by "
        "itself. It goes at the first real edition. Ends with 1 where there is one already."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if has_sample():
            self.stdout.write("The sample is there already; nothing was changed.")
            return
        if has_real_edition():
            raise CommandError(
                "There are real editions here, and the sample would stand among them. Nothing was changed."
            )
        stored = add_sample()
        self.stdout.write(
            f"Added the sample: {stored.listed:,} papers are listed. `manage.py remove_sample` takes it away."
        )
