"""Take the sample catalogue from the pages."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from papers.services.operations.sample import has_sample, remove_sample
from papers.text.counts import counted


class Command(BaseCommand):
    help = (
        "Remove the sample catalogue, as the button on the first-run page does; a new start does not bring it back. "
        "Papers that a reader voted for, commented on, tagged, saved or submitted stay. Ends with 0, also when there "
        "is no sample."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        was_present = has_sample()
        done = remove_sample()
        if not was_present:
            self.stdout.write("There is no sample; nothing was removed.")
            return
        self.stdout.write(f"Removed the sample: {counted(done.removed, 'paper')}.")
        if done.kept:
            self.stdout.write(f"{done.kept:,} that readers marked stay; they are on no edition.")
