"""How good search is: the product's own search code on its own Postgres, beside BM25, on questions with answers.

    make bench-search SETS="DIR DIR …" [JSON=result.json] [BEFORE=earlier.json] [CACHE=DIR] [VECTORS=vectors.npy]
    make bench-search SURVIVAL=papers.jsonl.xz [ARGS="--survival-papers 30000 100000"]
    make bench-search ARGS="--page page.jsonl --papers papers.xz [--all]" [VECTORS=vectors.npy]

SETS are folders as `bench.search_sets` reads them; of each set it also makes one of long questions, NAME-docq. BM25 is
bm25s, as it comes, with an English stemmer. Each difference comes with the interval of a paired bootstrap.

With --page, one page of another site's search, in its order, and the papers that it was chosen from (JSON lines as
`import_papers` takes them): how many papers of the page does its question bring into the first so many?
With --all also among all of them; papers of which neither CACHE nor VECTORS has a vector then go by words alone.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

from bench import serve
from bench.intervals import RESAMPLES, paired_difference
from bench.search_sets import Document, QuestionSet, document_questions, read_rows, read_set
from bench.search_survival import measure_survival, some_papers, survival_table
from bench.vector_cache import RealVectors, VectorCache

CUT_NDCG, CUT_RECALL = 10, 50
CUTS = (f"ndcg@{CUT_NDCG}", f"recall@{CUT_RECALL}")
FLOORS = {
    "cranfield": (1.13, 1.05),
    "cranfield-docq": (1.02, 1.03),
    "cacm": (1.12, 0.0),
    "scifact_gold208": (1.03, 0.0),
}
"""Of hybrid over BM25: nDCG@10 and recall@50."""
QUESTION = "continuous tokens"
OTHERS = 1_500
SYSTEMS = ("bm25", "words", "meaning", "hybrid")
MODES = {"words": "bm25", "meaning": "semantic", "hybrid": "hybrid"}
"""The product's among them, each with its `SearchMode`."""
NOW = datetime(2026, 1, 1, tzinfo=UTC)


Ranking = Callable[[str, str], Sequence[str]]
"""The documents found for a question, the best first. The second is a document that is left out."""


def main() -> None:
    options = arguments()
    started = time.monotonic()
    with serve.broadsheet(options.folder):
        from papers.models import SHIPPED_MODEL
        from papers.services.embeddings.shipped import ShippedEmbedder

        vectors = VectorCache(
            options.cache,
            SHIPPED_MODEL,
            _loaded_when_needed(ShippedEmbedder),
            real=RealVectors.read(options.vectors) if options.vectors else None,
        )
        sets = [each for folder in options.sets for each in measure_sets(Path(folder), vectors)]
        page = measure_page(options, vectors) if options.page else []
        survival = [
            measure_survival(some_papers(Path(options.survival), number), vectors)
            for number in (options.survival_papers if options.survival else ())
        ]
    result = {
        "sets": sets,
        "page": page,
        "survival": survival,
        "model": SHIPPED_MODEL,
        "seconds": round(time.monotonic() - started, 1),
    }
    print(table(sets, page))
    if sets:
        print(differences(sets, json.loads(Path(options.before).read_text("utf-8"))["sets"] if options.before else []))
    if survival:
        print(survival_table(survival))
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1), encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", help="folders of sets")
    parser.add_argument("--cache", default="", help="keep vectors there")
    parser.add_argument("--vectors", default="", help="vectors that were made earlier, and their checksums beside it")
    parser.add_argument("--json", default="", help="also write the result there")
    parser.add_argument("--survival", default="", help="JSON lines of papers: what the choice of candidates loses")
    parser.add_argument("--survival-papers", type=int, nargs="*", default=[30_000], help="of so many of them")
    parser.add_argument("--before", default="", help="the JSON of an earlier run, to compare with")
    parser.add_argument("--folder", default="", help="keep the data there")
    parser.add_argument("--page", default="", help="JSON lines: one page of results, in its order")
    parser.add_argument("--papers", default="", help="JSON lines: the papers among which the page is looked for")
    parser.add_argument("--all", action="store_true", help="also among all of them")
    return parser.parse_args()


def _loaded_when_needed(load: Callable[[], Any]) -> Callable[[Sequence[str]], list[list[float]]]:
    kept: list[Any] = []

    def embed(texts: Sequence[str]) -> list[list[float]]:
        if not kept:
            kept.append(load())
        vectors: list[list[float]] = kept[0].embed(texts)
        return vectors

    return embed


# --- A set ----------------------------------------------------------------------------------------------------------


def measure_sets(folder: Path, vectors: VectorCache) -> list[dict[str, Any]]:
    """A set's own questions, and the long ones made of its documents."""
    own = read_set(folder)
    ids = load(own.documents, vectors, name=own.name)
    systems: dict[str, Ranking] = {"bm25": bm25(own.documents)}
    systems |= {name: product_search(ids, mode, vectors) for name, mode in MODES.items()}
    long = document_questions(own)
    return [measure_set(each, systems) for each in ((own, long) if long.asked else (own,))]


def measure_set(of: QuestionSet, systems: Mapping[str, Ranking]) -> dict[str, Any]:
    """Each system's means and what it scored for every question, and its difference to BM25."""
    scores = {name: _scored(name, ranking, of) for name, ranking in systems.items()}
    return {
        "name": of.name,
        "documents": len(of.documents),
        "queries": len(of.asked),
        "systems": {
            name: {cut: round(fmean(row[place] for row in rows.values()), 4) for place, cut in enumerate(CUTS)}
            for name, rows in scores.items()
        },
        "questions": {query: {name: scores[name][query] for name in scores} for query in of.asked},
    }


def _scored(name: str, ranking: Ranking, of: QuestionSet) -> dict[str, tuple[float, float]]:
    started = time.monotonic()
    ranked = {query: ranking(text, of.left_out.get(query, "")) for query, text in of.asked.items()}
    serve.say(f"{of.name}: {name}, {len(of.asked)} questions in {time.monotonic() - started:.1f} s")
    return {
        query: (round(ndcg(ranked[query], of.answers[query]), 5), round(recall(ranked[query], of.answers[query]), 5))
        for query in of.asked
    }


def ndcg(ranked: Sequence[str], answers: Mapping[str, float], cut: int = CUT_NDCG) -> float:
    """Normalised discounted cumulative gain with linear gains, as pytrec_eval and BEIR reckon it."""
    gained = sum(answers.get(document, 0.0) / math.log2(place + 2) for place, document in enumerate(ranked[:cut]))
    best = sum(gain / math.log2(place + 2) for place, gain in enumerate(sorted(answers.values(), reverse=True)[:cut]))
    return gained / best


def recall(ranked: Sequence[str], answers: Mapping[str, float], cut: int = CUT_RECALL) -> float:
    return len(set(ranked[:cut]) & set(answers)) / len(answers)


# --- Systems --------------------------------------------------------------------------------------------------------


def load(docs: Sequence[Document], vectors: VectorCache, *, name: str, embeds: bool = True) -> dict[int, str]:
    """Put the documents into the emptied tables with their vectors, and count their words; ids by the papers' keys.

    Unless it `embeds`, documents get a vector only where there is one already.
    """
    from django.db import connection

    from papers.models import SHIPPED_DIMENSIONS, SHIPPED_MODEL, EmbeddingModel, Paper, PaperVector
    from papers.services.embeddings.embedder import paper_text
    from papers.services.search.word_statistics import count_words
    from papers.text.names import author_key

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE papers_paper CASCADE")
    papers = [
        Paper(
            public_id=f"p-{number}", title=doc.title, abstract=doc.abstract, listed_at=NOW, changed_at=NOW,
            author_keys=[key for author in doc.authors if (key := author_key(author))],
        )
        for number, doc in enumerate(docs)
    ]  # fmt: skip
    Paper.objects.bulk_create(papers, batch_size=1_000)
    texts = {paper: paper_text(doc.title, doc.abstract) for paper, doc in zip(papers, docs, strict=True)}
    if not embeds:
        texts = {paper: text for paper, text in texts.items() if vectors.has(text)}
    rows = zip(texts, vectors.of(list(texts.values()), name=name), strict=True)
    PaperVector.objects.bulk_create(
        (PaperVector(paper=paper, model=SHIPPED_MODEL, vector=list(vector)) for paper, vector in rows), batch_size=1_000
    )
    EmbeddingModel.objects.update_or_create(
        name=SHIPPED_MODEL, defaults={"dimensions": SHIPPED_DIMENSIONS, "serves": True, "vector_count": len(texts)}
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE papers_paper, papers_papervector")
    count_words(now=NOW)
    return {paper.pk: doc.id for paper, doc in zip(papers, docs, strict=True)}


def product_search(ids: Mapping[int, str], mode: str, vectors: VectorCache) -> Ranking:
    """The product's search, given a vector of each question as the embedding process would give it."""
    from django.db import transaction

    from papers.models import SHIPPED_MODEL, Paper
    from papers.query.parser import parse
    from papers.services.embeddings.query_vectors import QueryVector
    from papers.services.search import hybrid_search
    from papers.services.search.hybrid_search import SearchMode

    def vector_of(text: str) -> Callable[[], QueryVector | None]:
        vector = QueryVector(SHIPPED_MODEL, vectors.of([text], name="questions")[0]) if text else None
        return lambda: vector

    keys = {document: pk for pk, document in ids.items()}

    def ranking(text: str, left_out: str = "") -> list[str]:
        with transaction.atomic():
            if left_out:  # a curator hid it
                Paper.objects.filter(pk=keys[left_out]).update(hidden_at=NOW)
            found = hybrid_search.search_papers(
                parse(text), viewer=None, today=NOW.date(), now=NOW, mode=SearchMode(mode)
            )
            transaction.set_rollback(True)
        return [ids[result.paper_id] for result in found.ranked]

    setattr(hybrid_search, "request_query_vector", vector_of)  # noqa: B010  the process that embeds is not running here
    return ranking


def bm25(docs: Sequence[Document]) -> Ranking:
    import bm25s
    import Stemmer

    stemmer = Stemmer.Stemmer("english")
    texts = [f"{doc.title} {doc.abstract}" for doc in docs]
    index = bm25s.BM25()
    index.index(bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False), show_progress=False)

    def ranking(text: str, left_out: str = "") -> list[str]:
        tokens = bm25s.tokenize([text], stopwords="en", stemmer=stemmer, show_progress=False)
        places, scores = index.retrieve(tokens, k=min(201, len(docs)), show_progress=False)
        found = [docs[place].id for place, score in zip(places[0], scores[0], strict=True) if score > 0]
        return [document for document in found if document != left_out][:200]

    return ranking


# --- The page of another site ---------------------------------------------------------------------------------------


def measure_page(options: argparse.Namespace, vectors: VectorCache) -> list[dict[str, Any]]:
    """How many papers of the page the question brings into the first so many, by each system."""
    page = [_as_stored(row) for row in read_rows(Path(options.page))]
    wanted = {doc.id for doc in page}
    others: dict[str, Document] = {}
    voted: dict[str, Document] = {}
    for row in read_rows(Path(options.papers)):
        doc = _as_stored(row)
        others[doc.id] = doc
        if row.get("submitted_on") or row.get("upvotes"):
            voted[doc.id] = doc
    few = [doc for key, doc in voted.items() if key not in wanted][:OTHERS]
    found = [_page_counts([*page, *few], wanted, vectors, first=len(page), name=f"{len(few):,} others")]
    serve.say(table([], found))
    if options.all:
        every = [doc for key, doc in others.items() if key not in wanted]
        name = f"{len(every):,} others"
        found.append(_page_counts([*page, *every], wanted, vectors, first=100, name=name, embeds=False))
    return found


def _as_stored(row: Mapping[str, Any]) -> Document:
    from papers.text.cleaning import clean_abstract, clean_title

    title = clean_title(row["title"])
    return Document(_key(title), title, clean_abstract(row.get("abstract") or ""))


def _page_counts(
    docs: Sequence[Document], wanted: set[str], vectors: VectorCache, *, first: int, name: str, embeds: bool = True
) -> dict[str, Any]:
    from papers.models import PaperVector

    ids = load(docs, vectors, name=name, embeds=embeds)
    embedded = PaperVector.objects.count()
    systems: dict[str, Ranking] = {"bm25": bm25(docs)}
    systems |= {each: product_search(ids, mode, vectors) for each, mode in MODES.items()}
    counts = {each: len(set(ranking(QUESTION, "")[:first]) & wanted) for each, ranking in systems.items()}
    return {"among": name, "embedded": embedded, "first": first, "of": len(wanted), "found": counts}


def _key(title: str) -> str:
    return " ".join(title.casefold().split())


# --- What is printed ------------------------------------------------------------------------------------------------


def table(sets: Sequence[Mapping[str, Any]], page: Sequence[Mapping[str, Any]]) -> str:
    heads = "".join(f"{name:>17} " for name in SYSTEMS)
    shown = [f"{'set':22}{'documents':>10}{'questions':>10}  {heads}   hybrid / bm25"]
    for each in sets:
        systems = each["systems"]
        cells = "".join(f"{systems[name]['ndcg@10']:>10.3f} /{systems[name]['recall@50']:.3f} " for name in SYSTEMS)
        shown.append(f"{each['name']:22}{each['documents']:>10,}{each['queries']:>10}  {cells}   {_judged(each)}")
    for counts in page:
        found = ", ".join(f"{name} {count}" for name, count in counts["found"].items())
        shown.append(
            f"of a page of {counts['of']}, in the first {counts['first']} among {counts['among']} "
            f"({counts['embedded']:,} with vectors): {found}"
        )
    return "\n".join(["nDCG@10 / recall@50", *shown])


def differences(sets: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]) -> str:
    """What the product's rankings are above BM25, and above those of an earlier run, with intervals."""
    shown = [f"Difference [95 % of {RESAMPLES:,} resamples], * where 0 is not within (ratio, and the same of it)"]
    earlier = {each["name"]: each["questions"] for each in before}
    for each in sets:
        rows, old = each["questions"], earlier.get(each["name"])
        compared = [(f"{name} - bm25", name, rows, "bm25") for name in ("words", "hybrid")]
        compared += [(f"{name} - before", name, old, name) for name in SYSTEMS[1:] if old]
        for label, name, others, other in compared:
            shown.append(f"{each['name']:22}{label:18}{_difference(rows, name, others, other)}")
    return "\n".join(["", *shown])


def _difference(rows: Mapping[str, Any], name: str, others: Mapping[str, Any], other: str) -> str:
    queries = [query for query in rows if query in others]
    cells = []
    for place, cut in enumerate(CUTS):
        found = paired_difference(
            [rows[query][name][place] for query in queries], [others[query][other][place] for query in queries]
        )
        cells.append(f"{cut} {found} ({found.ratio:.3f} [{found.ratio_low:.3f} {found.ratio_high:.3f}])")
    return "   ".join(cells)


def _judged(each: Mapping[str, Any]) -> str:
    systems = each["systems"]
    ratios = [systems["hybrid"][cut] / max(systems["bm25"][cut], 1e-9) for cut in ("ndcg@10", "recall@50")]
    text = " / ".join(f"{ratio:.3f}" for ratio in ratios)
    floors = FLOORS.get(each["name"])
    if floors is None:
        return text
    return f"{text} {'ok' if all(ratio >= floor for ratio, floor in zip(ratios, floors, strict=True)) else 'UNDER'}"


if __name__ == "__main__":
    main()
