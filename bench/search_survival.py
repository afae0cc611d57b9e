"""What the choice of candidates loses: of unlimited BM25's best papers, how many are ranked at all. Without judgements.

Questions are cut from papers of the catalogue itself, each of which is left out of its own results: the title, the
first 20 and 40 words of the abstract, title and abstract.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from bench import serve
from bench.search_sets import Document, read_rows
from bench.vector_cache import VectorCache

BEST = 50
QUESTIONS = 100
KINDS: Mapping[str, Callable[[Document], str]] = {
    "title": lambda paper: paper.title,
    "20 words": lambda paper: " ".join(paper.abstract.split()[:20]),
    "40 words": lambda paper: " ".join(paper.abstract.split()[:40]),
    "whole abstract": lambda paper: paper.text,
}
WAYS = {"words alone": False, "beside meaning": True}
"""How a search goes; where meaning finds papers too, words look at fewer."""
FLOORS = {"title": (0.8, 0.8), "whole abstract": (0.6, 0.45)}
"""Of words alone, at 30,000 papers and at 100,000."""
_SEED = 23


def some_papers(file: Path, number: int) -> list[Document]:
    """So many papers of a file of JSON lines, as they are stored; the same each time."""
    from papers.text.cleaning import clean_abstract, clean_title

    rows = [row for row in read_rows(file) if row.get("abstract")]
    random.Random(_SEED).shuffle(rows)
    return [
        Document(str(place), clean_title(row["title"]), clean_abstract(row["abstract"]))
        for place, row in enumerate(rows[:number])
    ]


def measure_survival(papers: Sequence[Document], vectors: VectorCache) -> dict[str, Any]:
    """The share that survives for each length of question, and how many papers were ranked for it."""
    from bench.search import bm25, load

    ids = load(papers, vectors, name=f"{len(papers):,} papers", embeds=False)
    unlimited = bm25(papers)
    asked = random.Random(_SEED).sample(list(papers), min(QUESTIONS, len(papers)))
    found: dict[str, Any] = {way: {} for way in WAYS}
    for kind, question in KINDS.items():
        best = {paper.id: set(unlimited(question(paper), paper.id)[:BEST]) for paper in asked}
        for way, beside_meaning in WAYS.items():
            shares, ranked = [], []
            for paper in asked:
                chosen = {ids[pk] for pk in _candidates(question(paper), beside_meaning=beside_meaning)} - {paper.id}
                ranked.append(len(chosen))
                shares.append(len(best[paper.id] & chosen) / max(len(best[paper.id]), 1))
            found[way][kind] = {"survive": round(fmean(shares), 4), "ranked": round(fmean(ranked))}
            serve.say(f"{len(papers):,} papers, {kind}, {way}: {found[way][kind]}")
    return {"papers": len(papers), "questions": len(asked), "ways": found}


def _candidates(text: str, *, beside_meaning: bool) -> list[int]:
    """The papers that the product would rank by words."""
    from papers.models import Paper
    from papers.query.parser import parse
    from papers.services.search.bm25 import build_bm25_query, candidates
    from papers.services.search.hybrid_search import ranking_texts
    from papers.services.search.timeouts import statement_timeout

    query = parse(text)
    wanted = build_bm25_query(ranking_texts(query), repetitions=dict(query.repeated))
    if not wanted.terms:
        return []
    with statement_timeout():
        wanted = replace(wanted, beside_meaning=beside_meaning)
        return list(candidates(wanted, Paper.objects.visible(), None).values_list("pk", flat=True))


def survival_table(tables: Sequence[Mapping[str, Any]]) -> str:
    """What was measured, as it is printed."""
    shown = [f"Of unlimited BM25’s best {BEST} papers, the share that is among the candidates (papers ranked)"]
    shown.append(f"{'papers':>10}  {'':16}" + "".join(f"{kind:>22}" for kind in KINDS))
    for each in tables:
        for way in WAYS:
            cells = "".join(f"{_cell(kind, way, each):>22}" for kind in KINDS)
            shown.append(f"{each['papers']:>10,}  {way:16}{cells}")
    return "\n".join(["", *shown])


def _cell(kind: str, way: str, each: Mapping[str, Any]) -> str:
    measured = each["ways"][way][kind]
    text = f"{measured['survive']:.2f} ({measured['ranked']:,})"
    if kind not in FLOORS or WAYS[way]:
        return text
    floor = FLOORS[kind][each["papers"] > 50_000]
    return f"{text} {'ok' if measured['survive'] >= floor else 'UNDER'}"
