"""What the choice of candidates loses: of unlimited BM25's best papers, how many are ranked at all. Without judgements.

Questions are cut from papers of the catalogue itself, each of which is left out of its own results: the title, the
first 20 and 40 words of the abstract, title and abstract.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
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
FLOORS = {"title": (0.8, 0.8), "whole abstract": (0.6, 0.45)}
"""At 30,000 papers and at 100,000."""
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
    found: dict[str, Any] = {}
    for kind, question in KINDS.items():
        shares, ranked = [], []
        for paper in asked:
            best = set(unlimited(question(paper), paper.id)[:BEST])
            chosen = {ids[pk] for pk in _candidates(question(paper))} - {paper.id}
            ranked.append(len(chosen))
            shares.append(len(best & chosen) / max(len(best), 1))
        found[kind] = {"survive": round(fmean(shares), 4), "ranked": round(fmean(ranked))}
        serve.say(f"{len(papers):,} papers, {kind}: {found[kind]}")
    return {"papers": len(papers), "questions": len(asked), "kinds": found}


def _candidates(text: str) -> list[int]:
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
        return list(candidates(wanted, Paper.objects.visible(), None).values_list("pk", flat=True))


def survival_table(tables: Sequence[Mapping[str, Any]]) -> str:
    """What was measured, as it is printed."""
    shown = [f"Of unlimited BM25’s best {BEST} papers, the share that is among the candidates (papers ranked)"]
    shown.append(f"{'papers':>10}  " + "".join(f"{kind:>22}" for kind in KINDS))
    for each in tables:
        cells = "".join(f"{_cell(kind, each):>22}" for kind in KINDS)
        shown.append(f"{each['papers']:>10,}  {cells}")
    return "\n".join(["", *shown])


def _cell(kind: str, each: Mapping[str, Any]) -> str:
    measured = each["kinds"][kind]
    text = f"{measured['survive']:.2f} ({measured['ranked']:,})"
    if kind not in FLOORS:
        return text
    floor = FLOORS[kind][each["papers"] > 50_000]
    return f"{text} {'ok' if measured['survive'] >= floor else 'UNDER'}"
