"""The embedder with a model of letters, which looks often and sleeps soon: python -m tests.support.small_embedder."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def main() -> None:
    django.setup()
    from django.utils import timezone

    from papers.services.embeddings import server
    from papers.services.embeddings.on_demand import EmbeddingWatch
    from tests.support.letter_model import LetterModel

    server.MAINTENANCE_SECONDS = 1.0

    def make_server() -> server.EmbeddingServer:
        models = server.EmbedderCache(lambda name: LetterModel())
        return server.EmbeddingServer(
            clock=timezone.now, threads=1, models=models, idle_seconds=0.2, ends_after_seconds=2.0
        )

    EmbeddingWatch(make_server, clock=timezone.now, poll_seconds=0.2).run()


if __name__ == "__main__":
    main()
