"""How good the suggestions of For you are, beside TF-IDF with a linear SVM, on readers made of real keywords.

    make bench-recommend FILE=papers.jsonl.xz [VECTORS=vectors.npy] [CACHE=DIR] [JSON=result.json]

The file has JSON lines as `import_papers` takes them, with `hf_ai_keywords`, `submitted_on` and `upvotes`. A keyword of
30 to 300 papers is a reader who likes these papers and no others; the ranker is never shown a keyword. At four moments
of its time a reader has liked the last 3, 5 or 10 of them; those that come in the 30 days from then on, among all that
come with keywords, are to be ranked first: nDCG@20. The five papers put aside are those that the ranker itself put
first in the 30 days before and that the reader does not like. With two tastes, a reader likes what two keywords have;
with an exception, what has a keyword and not a certain other one, and has put aside five papers that have both.

The settings were chosen on the readers of one half, which a checksum of the keyword decides; the other half is reported
apart. The other systems: newest first, most voted first, and for each reader a linear SVM on TF-IDF of words and pairs,
trained on all papers up to the end of the 30 days, as arxiv-sanity-lite does it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import serve
from bench.catalogue import open_lines
from bench.vector_cache import RealVectors, VectorCache
from papers.ranking.recommend import RankerSettings, ReaderProfile, scores_for
from papers.ranking.stream import Example, PaperStream, term_hashes

MIN_PAPERS, MAX_PAPERS = 30, 300
LIKED = (3, 5, 10)
DISLIKED = 5
DAYS = 30
BEFORE = 60
"""Days before the moment whose papers the ranker knows as well: how common a word is."""
MOMENTS = (0.35, 0.5, 0.65, 0.8)
CUT = 20
FLOOR = 1.05
MIN_DISLIKED, MAX_DISLIKED_SHARE = 12, 0.5
"""How many papers of a keyword an exception has, at least, and at most as a part of them."""
TASTES = ("one", "two", "exception")
CHOSEN_ON, HELD_OUT = "chosen on", "held out"
SYSTEMS = ("newest", "most voted", "svm", "for you", "with 5 disliked")


@dataclass(frozen=True, slots=True)
class Paper:
    text: str
    day: int
    votes: int
    keywords: frozenset[str]


@dataclass(frozen=True, slots=True)
class Moment:
    """A reader at a moment: the papers of the 30 days from then on, and those of them that the reader likes."""

    reader: str
    day: int
    candidates: NDArray[np.int64]
    likes: NDArray[np.bool_]
    """Of all papers, which the reader likes."""
    past: tuple[NDArray[np.int64], ...]
    """By keyword: what came before, the newest last."""
    disliked: tuple[int, ...] = ()
    """What was put disliked; empty: the best that the reader was shown and did not like."""

    def liked(self, count: int) -> NDArray[np.int64]:
        return np.concatenate([papers[-count:] for papers in self.past])


@dataclass(frozen=True, slots=True)
class Cell:
    """Of which a mean is told."""

    tastes: str
    half: str
    liked: int
    system: str


Ranking = Callable[[Moment, int], NDArray[np.floating[Any]]]
"""Scores of a moment's candidates for a reader who liked so many papers."""


def main() -> None:
    options = arguments()
    with serve.broadsheet():
        papers = read_papers(options.file)
        vectors = vectors_of(papers, options)
    result = measure(papers, vectors, RankerSettings())
    print(table(result))
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1), encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", required=True, help="JSON lines, perhaps compressed with xz")
    parser.add_argument("--vectors", default="", help="vectors that were made earlier, and their checksums beside it")
    parser.add_argument("--cache", default="", help="keep vectors there")
    parser.add_argument("--json", default="", help="also write the result there")
    return parser.parse_args()


def read_papers(file: str) -> list[Paper]:
    """Those with keywords, in the order of their days."""
    from papers.services.embeddings.embedder import paper_text
    from papers.text.cleaning import clean_abstract, clean_title

    found = []
    with open_lines(Path(file)) as lines:
        for line in lines:
            row = json.loads(line)
            if (words := row.get("hf_ai_keywords")) and (day := row.get("submitted_on")):
                text = paper_text(clean_title(row["title"]), clean_abstract(row.get("abstract") or ""))
                keywords = frozenset(word.strip().lower() for word in words)
                found.append(Paper(text, date.fromisoformat(day[:10]).toordinal(), row.get("upvotes") or 0, keywords))
    return sorted(found, key=lambda paper: paper.day)


def vectors_of(papers: Sequence[Paper], options: argparse.Namespace) -> NDArray[np.float32]:
    from papers.models import SHIPPED_MODEL
    from papers.services.embeddings.shipped import ShippedEmbedder

    real = RealVectors.read(options.vectors) if options.vectors else None
    model: list[ShippedEmbedder] = []

    def embed(texts: Sequence[str]) -> list[list[float]]:
        if not model:
            model.append(ShippedEmbedder())
        return model[0].embed(texts)

    kept = VectorCache(options.cache, SHIPPED_MODEL, embed, real=real)
    return np.array(kept.of([paper.text for paper in papers], name="papers"), dtype=np.float32)


# --- Readers --------------------------------------------------------------------------------------------------------


def readers_of(papers: Sequence[Paper]) -> list[str]:
    counts = Counter(keyword for paper in papers for keyword in paper.keywords)
    return sorted(keyword for keyword, count in counts.items() if MIN_PAPERS <= count <= MAX_PAPERS)


def is_held_out(reader: str) -> bool:
    return hashlib.sha256(reader.encode()).digest()[-1] % 2 == 1


def moments(papers: Sequence[Paper], *, two: bool = False) -> list[Moment]:
    """Four of each reader, as far as enough came before and something they like comes after."""
    days = np.array([paper.day for paper in papers])
    likes = {
        reader: np.array([reader in paper.keywords for paper in papers], dtype=bool) for reader in readers_of(papers)
    }
    found = []
    for reader, own in likes.items():
        for part in MOMENTS:
            places = np.flatnonzero(own)
            day = int(days[places[max(int(len(places) * part), max(LIKED))]])
            tastes = [reader, _other(reader, part, likes)] if two else [reader]
            past = tuple(np.flatnonzero(likes[taste] & (days < day)) for taste in tastes)
            candidates = np.flatnonzero((days >= day) & (days < day + DAYS))
            liked = np.any([likes[taste] for taste in tastes], axis=0)
            if min(map(len, past)) >= max(LIKED) and liked[candidates].any():
                found.append(Moment(reader, day, candidates, liked, past))
    return found


def exceptions(papers: Sequence[Paper]) -> list[Moment]:
    """Moments of readers who like a keyword without another that up to half of its papers have."""
    days = np.array([paper.day for paper in papers])
    found = []
    for reader in readers_of(papers):
        own = np.array([reader in paper.keywords for paper in papers])
        often = Counter(word for paper in papers if reader in paper.keywords for word in paper.keywords)
        others = [word for word, count in often.items() if MAX_DISLIKED_SHARE * own.sum() >= count >= MIN_DISLIKED]
        others = sorted(word for word in others if word not in reader and reader not in word)
        for other in sorted(others, key=lambda word: -often[word])[:2]:
            both = own & np.array([other in paper.keywords for paper in papers])
            for part in MOMENTS:
                places = np.flatnonzero(own)
                day = int(days[places[max(int(len(places) * part), max(LIKED))]])
                past, disliked = (
                    np.flatnonzero(own & ~both & (days < day)),
                    np.flatnonzero(both & (days < day))[-DISLIKED:],
                )
                candidates = np.flatnonzero((days >= day) & (days < day + DAYS))
                if len(past) >= max(LIKED) and len(disliked) >= 3 and (own & ~both)[candidates].any():
                    found.append(Moment(reader, day, candidates, own & ~both, (past,), tuple(map(int, disliked))))
    return found


def _other(reader: str, part: float, readers: Mapping[str, Any]) -> str:
    """A second taste, of the same half where there is one."""
    others = [other for other in readers if other != reader]
    others = [other for other in others if is_held_out(other) == is_held_out(reader)] or others
    return others[int(hashlib.sha256(f"{reader} {part}".encode()).hexdigest(), 16) % len(others)]


# --- Systems --------------------------------------------------------------------------------------------------------


class ForYou:
    """The product's ranker."""

    def __init__(self, papers: Sequence[Paper], vectors: NDArray[np.float32], settings: RankerSettings) -> None:
        self._days = np.array([paper.day for paper in papers])
        self._examples = [
            Example(place, term_hashes(paper.text), vector)
            for place, (paper, vector) in enumerate(zip(papers, vectors, strict=True))
        ]
        self._settings = settings
        self._dimensions = vectors.shape[1]
        self._streams: dict[int, PaperStream] = {}

    def __call__(self, moment: Moment, count: int) -> NDArray[np.floating[Any]]:
        return self._scores(moment.day, moment.liked(count), moment.candidates, ())

    def with_aside(self, moment: Moment, count: int) -> NDArray[np.floating[Any]]:
        liked = moment.liked(count)
        if moment.disliked:
            return self._scores(moment.day, liked, moment.candidates, moment.disliked)
        shown = np.flatnonzero((self._days >= moment.day - DAYS) & (self._days < moment.day))
        order = np.argsort(-self._scores(moment.day - DAYS, liked, shown, ()), kind="stable")
        disliked = [int(place) for place in shown[order] if not moment.likes[place]][:DISLIKED]
        return self._scores(moment.day, liked, moment.candidates, disliked)

    def _scores(
        self, day: int, liked: Iterable[int], candidates: NDArray[np.int64], disliked: Iterable[int]
    ) -> NDArray[np.floating[Any]]:
        stream = self._stream(day)
        taste = ReaderProfile([self._examples[one] for one in liked], [self._examples[one] for one in disliked])
        return scores_for(stream, taste, self._settings)[[stream.index_of[int(paper_id)] for paper_id in candidates]]

    def _stream(self, day: int) -> PaperStream:
        """The papers of the 30 days from then on, and of the days before."""
        if day not in self._streams:
            places = np.flatnonzero((self._days >= day - BEFORE) & (self._days < day + DAYS))
            examples = [self._examples[place] for place in places]
            self._streams[day] = PaperStream(examples, ages=np.zeros(len(places)), dimensions=self._dimensions)
        return self._streams[day]


_WORDS = r"(?u)\b[a-zA-Z_][a-zA-Z0-9_]+\b"


def svm(papers: Sequence[Paper]) -> Ranking:
    """https://github.com/karpathy/arxiv-sanity-lite: compute.py makes the features, serve.py trains."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    features = TfidfVectorizer(
        strip_accents="unicode", stop_words="english", token_pattern=_WORDS,
        ngram_range=(1, 2), max_features=20_000, sublinear_tf=True, max_df=0.1, min_df=5,
    ).fit_transform([paper.text for paper in papers]).tocsr()  # fmt: skip

    def ranking(moment: Moment, count: int) -> NDArray[np.floating[Any]]:
        until = int(moment.candidates[-1]) + 1
        liked = np.zeros(until)
        liked[moment.liked(count)] = 1
        model = LinearSVC(class_weight="balanced", C=0.01, max_iter=10_000, random_state=0)
        model.fit(features[:until], liked)
        found: NDArray[np.floating[Any]] = model.decision_function(features[moment.candidates])
        return found

    return ranking


# --- Measuring ------------------------------------------------------------------------------------------------------


def measure(papers: Sequence[Paper], vectors: NDArray[np.float32], settings: RankerSettings) -> dict[str, Any]:
    started = time.monotonic()
    ours = ForYou(papers, vectors, settings)
    days, votes = np.array([paper.day for paper in papers]), np.array([paper.votes for paper in papers])
    systems: dict[str, Ranking] = {
        "newest": lambda moment, _: days[moment.candidates],
        "most voted": lambda moment, _: votes[moment.candidates],
        "svm": svm(papers),
        "for you": ours,
        "with 5 disliked": ours.with_aside,
    }
    found: dict[Cell, list[float]] = {}
    for tastes in TASTES:
        at = exceptions(papers) if tastes == "exception" else moments(papers, two=tastes == "two")
        for name, ranking in systems.items():
            found |= scored(name, ranking, at, tastes)
            serve.say(f"{tastes}: {name}, {len(at)} moments")
    return {
        "papers": len(papers),
        "readers": len(readers_of(papers)),
        "scores": [
            {**asdict(cell), "moments": len(values), f"ndcg@{CUT}": round(float(np.mean(values)), 4)}
            for cell, values in found.items()
        ],
        "disliked": changes(found),
        "seconds": round(time.monotonic() - started, 1),
    }


def scored(name: str, ranking: Ranking, at: Sequence[Moment], tastes: str) -> dict[Cell, list[float]]:
    """The nDCG of each moment."""
    found: dict[Cell, list[float]] = defaultdict(list)
    for count in LIKED:
        for moment in at:
            half = HELD_OUT if is_held_out(moment.reader) else CHOSEN_ON
            value = ndcg(ranking(moment, count), moment.likes[moment.candidates])
            found[Cell(tastes, half, count, name)].append(value)
    return found


def changes(found: Mapping[Cell, list[float]]) -> list[dict[str, Any]]:
    """What putting five papers aside changes, by half and taste and over all: the mean, and its standard error."""
    rows = []
    for half in (CHOSEN_ON, HELD_OUT):
        for tastes in (*TASTES, ""):
            cells = [cell for cell in found if cell.half == half and tastes in ("", cell.tastes)]
            before, after = (
                np.concatenate([found[cell] for cell in cells if cell.system == system])
                for system in ("for you", "with 5 disliked")
            )
            error = float((after - before).std() / len(before) ** 0.5)
            rows.append(
                {"half": half, "tastes": tastes or "all", "without": float(before.mean()),
                 "with": float(after.mean()), "error": error}
            )  # fmt: skip
    return rows


def ndcg(scores: NDArray[np.floating[Any]], relevant: NDArray[np.bool_]) -> float:
    """Normalised discounted cumulative gain; a paper is liked or not. Equal scores stay in the order of their days."""
    best = np.argsort(-scores, kind="stable")[:CUT]
    discounts = 1 / np.log2(np.arange(2, CUT + 2))
    gained = (relevant[best] * discounts[: len(best)]).sum()
    return float(gained / discounts[: min(int(relevant.sum()), CUT)].sum())


# --- What is printed ------------------------------------------------------------------------------------------------


def table(result: Mapping[str, Any]) -> str:
    cells = {(row["tastes"], row["half"], row["liked"], row["system"]): row[f"ndcg@{CUT}"] for row in result["scores"]}
    shown = [f"{result['papers']:,} papers, {result['readers']} readers; nDCG@{CUT} of the following {DAYS} days"]
    shown.append(f"{'taste':9} {'half':10}{'liked':>6}" + "".join(f"{name:>14}" for name in SYSTEMS) + "   / svm")
    for tastes, half, liked in dict.fromkeys(key[:3] for key in cells):
        own = {name: cells[tastes, half, liked, name] for name in SYSTEMS}
        row = "".join(f"{own[name]:>14.4f}" for name in SYSTEMS)
        shown.append(f"{tastes:9} {half:10}{liked:>6}{row}   {_judged(own)}")
    shown += ["", f"What {DISLIKED} papers put disliked change, over 3, 5 and 10 liked ones"]
    for row in result["disliked"]:
        change = row["with"] - row["without"]
        shown.append(
            f"{row['tastes']:9} {row['half']:10}{row['without']:>9.4f} to {row['with']:.4f}"
            f"  {change:+.4f} ± {row['error']:.4f}   {'ok' if change >= 0 else 'LOWER'}"
        )
    return "\n".join(shown)


def _judged(own: Mapping[str, float]) -> str:
    ratio = own["for you"] / own["svm"]
    return f"{ratio:.3f} {'ok' if ratio >= FLOOR else 'UNDER'}"


if __name__ == "__main__":
    main()
