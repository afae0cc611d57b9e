"""manage.py embed: make the vectors that search by meaning needs, here and now; or serve them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils import timezone
from tqdm import tqdm

from papers.management import arguments
from papers.models import EmbeddingBacklog, EmbeddingModel
from papers.services.embeddings import backlog, model_switch, worker
from papers.services.embeddings.embedder import Embedder, EmbeddingError
from papers.services.embeddings.embedding_status import embedding_disabled_reason, read_embedding_status
from papers.services.embeddings.forecast import forecast_embedding
from papers.services.embeddings.on_demand import EmbeddingWatch
from papers.services.embeddings.server import EmbeddingServer


class Command(BaseCommand):
    help = (
        "Embed the papers that wait, the newest first, with a bar, a rate and the time left. A running Broadsheet does "
        "it by itself; this is for doing it now. Stop it with Ctrl-C and start it again as you like. Ends with 0 when "
        "nothing waits any more or the limit is reached, with 1 when the model is out of order, with 130 after Ctrl-C."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--status", action="store_true", help="say how far it is, and do nothing")
        parser.add_argument("--limit", type=arguments.positive_int, metavar="N", help="at most this many papers")
        parser.add_argument(
            "--all", action="store_true", dest="all_papers", help="every paper anew, with a vector or not"
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="embed a few papers, store nothing, and say how long all would take and how much disk",
        )
        parser.add_argument(
            "--threads", type=arguments.positive_int, default=1, metavar="N", help="papers at once; one for each core"
        )
        parser.add_argument("--serve", action="store_true", help="keep running: answer queries and embed what comes in")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["serve"]:
            self._serve()
            return
        if options["dry_run"]:
            self._forecast(options["threads"], all_papers=options["all_papers"])
            return
        if not options["status"]:
            self._embed(options["limit"], options["threads"], all_papers=options["all_papers"])
        self._tell()

    def _serve(self) -> None:
        def make_server() -> EmbeddingServer:
            return EmbeddingServer(
                clock=timezone.now, threads=settings.EMBEDDER_THREADS, ends_after_seconds=settings.EMBEDDER_IDLE_SECONDS
            )

        EmbeddingWatch(make_server, clock=timezone.now).run()

    def _embed(self, limit: int | None, threads: int, *, all_papers: bool) -> None:
        row = model_switch.ensure_target_model(model_switch.target_model())
        if row is None:
            raise CommandError(f"{embedding_disabled_reason()} Search goes by words alone.")
        backlog.enqueue_missing(row.name, all_papers=all_papers)
        waiting = EmbeddingBacklog.objects.filter(not_before__lte=timezone.now()).count()
        try:
            model = worker.load_embedder(row.name)
            with tqdm(total=min(waiting, limit or waiting), unit=" papers", desc=row.name) as bar:
                _Run(model, row, bar, limit).go(threads)
        except EmbeddingError as error:
            raise CommandError(f"{error} What was embedded is kept; `manage.py embed` goes on from there.") from error
        except KeyboardInterrupt:
            self.stderr.write("Stopped. What was embedded is kept; `manage.py embed` goes on from there.")
            raise SystemExit(130) from None
        if model_switch.promote_when_ready(now=timezone.now()):
            self.stdout.write(f"Search uses {row.name} from now on.")

    def _forecast(self, threads: int, *, all_papers: bool) -> None:
        target = model_switch.target_model()
        if target is None:
            raise CommandError(f"{embedding_disabled_reason()} Search goes by words alone.")
        try:
            model = worker.load_embedder(target.name)
            found = forecast_embedding(model, EmbeddingModel(name=target.name), all_papers=all_papers)
        except EmbeddingError as error:
            raise CommandError(f"{error} Nothing was stored.") from error
        if found is None:
            self.stdout.write("There are no papers yet.")
            return
        hours = found.seconds(threads) / 3600
        self.stdout.write(
            f"{target.name}: {found.papers:,} papers to embed. {found.sampled} of them took {found.seconds_each:.3f} s "
            f"each ({found.characters_each:,} characters), so all take about {hours:,.1f} hours with "
            f"{threads} thread{'s' * (threads > 1)}."
        )
        self.stdout.write(
            f"Its vectors have {found.dimensions:,} dimensions: about {found.bytes / 1e6:,.0f} MB of disk with their "
            "index, beside those of the model that serves until then. Nothing was stored."
        )

    def _tell(self) -> None:
        progress = read_embedding_status(now=timezone.now())
        if not progress.is_on:
            self.stdout.write(f"{progress.disabled_reason} Search goes by words alone.")
            return
        waiting = f"more than {progress.waiting:,}" if progress.has_more_waiting else f"{progress.waiting:,}"
        name = progress.target or "No model yet"
        self.stdout.write(f"{name}: {progress.embedded:,} papers embedded, {waiting} waiting.")
        if progress.is_changing:
            self.stdout.write(f"Search uses {progress.serving} until 95 % of the last year's papers are embedded anew.")
        if progress.last_error:
            self.stdout.write(f"Last trouble: {progress.last_error}")
        if not progress.is_complete:
            goes_on = "The running Broadsheet goes on" if progress.is_alive else "Broadsheet goes on when it is started"
            self.stdout.write(f"{goes_on}; `manage.py embed` does it now.")


class _Run:
    """Some threads at the backlog, until it is empty, the limit is reached or one of them fails."""

    def __init__(self, model: Embedder, row: EmbeddingModel, bar: Any, limit: int | None) -> None:
        self._model = model
        self._row = row
        self._bar = bar
        self._left = limit
        self._lock = threading.Lock()
        self._stopped = False

    def go(self, threads: int) -> None:
        """Raises EmbeddingError when the model is out of order."""
        with ThreadPoolExecutor(threads) as pool:
            try:
                for ended in [pool.submit(self._work) for _ in range(threads)]:
                    ended.result()
            finally:
                self._stopped = True

    def _work(self) -> None:
        try:
            while not self._stopped and (share := self._share()):
                done = worker.embed_batch(self._model, self._row.name, clock=timezone.now, limit=share)
                if not done.taken:
                    break
                with self._lock:
                    self._bar.update(done.taken)
        finally:
            connection.close()

    def _share(self) -> int:
        """How many papers the next batch may have."""
        with self._lock:
            if self._left is None:
                return self._model.batch_size
            share = min(self._left, self._model.batch_size)
            self._left -= share
            return share
