"""Fetch from sources by hand, in this process: no worker and no broker is needed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q
from django.utils import timezone
from django.utils.timesince import timesince

from papers.management import arguments
from papers.models import FetchRun, Source
from papers.services.fetching.fetch_runner import FetchPreview, fetch_source, preview_source
from papers.services.fetching.source_config import base_url_of
from papers.sources.registry import since_kinds
from papers.text.counts import counted

_GOOD = {FetchRun.State.DONE, FetchRun.State.PARTIAL}


class Command(BaseCommand):
    help = (
        "Fetch papers from SOURCE (its number, its kind such as arxiv_rss, or its name), or from all sources that are "
        "due. Ends with 0 when all went well, with 1 when a source failed or served an old batch."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", nargs="?", metavar="SOURCE", help="without it: all that are due")
        parser.add_argument(
            "--since",
            type=arguments.date_argument,
            metavar="YYYY-MM-DD",
            help=f"go back to this day ({', '.join(since_kinds())}; other kinds have only what they show now)",
        )
        parser.add_argument("--dry-run", action="store_true", help="ask, show what would come, and store nothing")
        parser.add_argument("--list", action="store_true", dest="only_list", help="show the sources and ask nobody")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["only_list"]:
            self._list()
            return
        sources = _find(options["source"]) if options["source"] else list(Source.objects.due(timezone.now()))
        if not sources:
            self.stdout.write("No source is due. `manage.py fetch --list` shows when they are.")
        failed = [source.name for source in sources if not self._visit(source, options)]
        if failed:
            raise CommandError(f"Not well: {', '.join(failed)}. What went wrong is said above; nothing stored is lost.")

    def _list(self) -> None:
        if not Source.objects.exists():
            self.stdout.write("There are no sources yet. `manage.py up` makes the first ones; /admin/ makes others.")
        now = timezone.now()
        for source in Source.objects.order_by("pk"):
            when = "off"
            if source.is_enabled:
                is_later = source.next_fetch_at and source.next_fetch_at > now
                when = f"in {timesince(now, source.next_fetch_at)}" if is_later else "due now"
            self.stdout.write(f"{source.pk:>3}  {source.kind:<12} {source.name}: {when}")
            self.stdout.write(f"     {base_url_of(source)}  {' '.join(source.categories)}{source.query}".rstrip())
            if source.last_error:
                self.stdout.write(f"     failed {counted(source.error_count, 'time')}: {source.last_error}")

    def _visit(self, source: Source, options: dict[str, Any]) -> bool:
        self.stdout.write(f"{source.name} ({source.kind})")
        if options["dry_run"]:
            return self._show(
                preview_source(source, now=timezone.now(), since=options["since"], report_progress=self._say)
            )
        run = fetch_source(source.pk, now=timezone.now(), since=options["since"], report_progress=self._say)
        if run is None:
            self.stderr.write("  Another fetch is going on, or its hosts may not be asked yet. Look at /status.")
            return False
        return self._report(source, run)

    def _report(self, source: Source, run: FetchRun) -> bool:
        announced = "" if run.announced is None else f"{run.announced:,} announced, "
        self.stdout.write(
            f"  {run.get_state_display()}: {announced}{run.fetched:,} received, {run.new:,} new, {run.updated:,} "
            f"updated, {run.listed:,} listed, {run.failed:,} could not be read"
        )
        if run.error:
            self.stderr.write(f"  {run.error}")
        source.refresh_from_db()
        if source.is_enabled and source.next_fetch_at:
            self.stdout.write(f"  Next fetch: {source.next_fetch_at:%Y-%m-%d %H:%M} UTC")
        return run.state in _GOOD

    def _show(self, preview: FetchPreview) -> bool:
        for batch in preview.batches:
            for paper in batch.papers[:5]:
                self.stdout.write(
                    f"    {paper.arxiv_id or paper.doi or paper.url or '':<14} {' '.join(paper.title.split())}"
                )
            if len(batch.papers) > 5:
                self.stdout.write(f"    … and {len(batch.papers) - 5:,} more")
        rejected = sum(len(batch.rejected) for batch in preview.batches)
        self.stdout.write(f"  {preview.paper_count:,} papers, {rejected:,} that could not be read; nothing was stored")
        if preview.error:
            self.stderr.write(f"  {preview.error}")
        return not preview.error

    def _say(self, text: str) -> None:
        self.stdout.write(f"  {text}")
        self.stdout.flush()


def _find(words: str) -> list[Source]:
    """The sources that somebody means by a number, a kind or a name.

    Raises:
        CommandError: none, or several of that name.
    """
    if words.isdecimal():
        found = list(Source.objects.filter(pk=int(words)))
    else:
        found = list(Source.objects.filter(Q(kind=words) | Q(name__iexact=words)).order_by("pk"))
    if not found:
        known = ", ".join(f"{pk} ({kind})" for pk, kind in Source.objects.order_by("pk").values_list("pk", "kind"))
        raise CommandError(f"There is no source {words!r}. There are: {known or 'none yet; manage.py up makes them'}.")
    return found
