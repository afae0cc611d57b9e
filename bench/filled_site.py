"""The site that pages and searches are timed on: papers, readers, vectors and the words' counts, made once a folder."""

from __future__ import annotations

from pathlib import Path

from bench import serve
from bench.catalogue import READERS, fill


def fill_once(folder: str, *, papers: int, file: str = "", vectors: str = "", readers: int = READERS) -> str:
    """Fill the running site, unless its folder was filled with as many before; what its vectors are, in a few words."""
    from django.utils import timezone

    from bench.vector_fill import fill_vectors
    from papers.services.embeddings import model_switch
    from papers.services.search.word_statistics import count_words

    filled = Path(folder) / f".filled-{papers}-{readers}"
    if folder and filled.exists():
        return filled.read_text(encoding="utf-8")
    serve.say(f"Making {papers:,} papers …")
    fill(papers, file=file, readers=readers, different=papers)
    serve.say("Giving them vectors, and building their index …")
    made = fill_vectors(vectors)
    serve.say("Counting words …")
    count_words(now=timezone.now())
    model_switch.ensure_target_model(model_switch.target_model())
    model_switch.recount_vectors()
    if folder:
        filled.write_text(made, encoding="utf-8")
    return made
