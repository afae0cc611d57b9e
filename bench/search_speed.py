"""How long a search takes: whole requests through the web server, beside an empty Django view in the same run.

    make bench-search PAPERS=165073 [FILE=papers.jsonl.xz] [VECTORS=vectors.npy] [JSON=result.json] [ARGS=…]

Every request asks something new, of an emptied cache: the vector of the question, the results and the cards are made
while the reader waits. VECTORS names real vectors (float16, a row each) with their checksums in the JSON beside it,
from which those of the papers are made; else they are made up. With ARGS="--folder DIR" the filled database stays there
for the next run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from bench import clock, serve
from bench.budgets import SEARCHES_A_SECOND, search_budget
from bench.filled_site import fill_once
from bench.search_questions import QUESTION_KINDS, hostile, questions

TIMES, HOSTILE_TIMES = 60, 15
WARM_UP = 5
BEFORE = 100
"""Searches of each common kind that nobody times, before all others: the site has been in use since it was started."""
CLIENTS, EACH = 8, 24
"""They come from one address, which may search 200 times a minute."""
CLIENT_KINDS = ("one rare word", "three words", "a question of 20 words", "words in a category")
EMBEDDER_SECONDS = 90.0
TOO_LONG = b"This search took too long"
BY_WORDS_ALONE = b"Matched by words only"


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of question. Times in milliseconds."""

    asked: str
    p50: float
    p95: float
    slowest: float
    budget: float | None = None
    statuses: str = "200"
    stopped: int = 0
    """Answered that it took too long."""

    @property
    def is_kept(self) -> bool:
        return self.budget is None or (
            self.p95 <= self.budget and "5" not in {part[0] for part in self.statuses.split()}
        )


@dataclass(frozen=True, slots=True)
class Crowd:
    """Many clients at once, each asking what nobody else asks. Times in milliseconds."""

    clients: int
    searches: int
    a_second: float
    p50: float
    p95: float
    p99: float
    by_words_alone: int
    """Answered without a vector of the question, which did not come in time."""

    def __str__(self) -> str:
        return (
            f"{self.clients} clients at once, {self.searches} different questions: {self.a_second:.1f} a second (floor "
            f"{SEARCHES_A_SECOND:.0f} on 2 cores), p50 {self.p50:.0f}, p95 {self.p95:.0f}, p99 {self.p99:.0f} ms; "
            f"{self.by_words_alone} by words alone"
        )


def main() -> None:
    options = arguments()
    started = time.monotonic()
    with serve.broadsheet(options.folder) as supervisor:
        vectors = fill_once(options.folder, papers=options.papers, file=options.file, vectors=options.vectors)
        serve.start_embedder(supervisor, seconds=EMBEDDER_SECONDS)
        empty, web = serve.start_empty(supervisor), serve.start_web(supervisor)
        base = clock.measure(empty, ["/"], times=200, warm_up=30)
        lines = [Line("empty Django view", base.percentile(0.5), base.percentile(0.95), base.percentile(1))]
        serve.say("Searching for a while, as others have before …")
        use_for_a_while(web)
        asked = {kind: (questions(kind, TIMES + WARM_UP), TIMES) for kind in QUESTION_KINDS}
        asked |= {kind: (paths, HOSTILE_TIMES) for kind, paths in hostile(HOSTILE_TIMES + WARM_UP).items()}
        for kind, (paths, times) in asked.items():
            budget = search_budget(kind, is_hostile=kind not in QUESTION_KINDS).at(options.papers)
            lines.append(time_kind(web, kind, paths, times=times, budget=budget))
            serve.say(f"{kind}: p50 {lines[-1].p50:.0f}, p95 {lines[-1].p95:.0f} ms")
        crowd = time_crowd(web)
    print(table(lines, papers=options.papers, vectors=vectors), crowd, sep="\n\n")
    if options.json:
        result = {
            "papers": options.papers, "vectors": vectors, "seconds": round(time.monotonic() - started, 1),
            "requests": [asdict(line) for line in lines], "crowd": asdict(crowd),
        }  # fmt: skip
        Path(options.json).write_text(json.dumps(result, indent=1), encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=int, default=20_000)
    parser.add_argument("--file", default="", help="JSON lines of real papers; else they are made up")
    parser.add_argument("--vectors", default="", help="real vectors to make those of the papers from")
    parser.add_argument("--folder", default="", help="keep the data there")
    parser.add_argument("--json", default="", help="also write the result there")
    return parser.parse_args()


def use_for_a_while(port: int) -> None:
    """Ask what is not asked again, so that PostgreSQL's memory holds what searches read, not what filled the site."""
    from django.core.cache import cache

    behind = TIMES + WARM_UP + CLIENTS * EACH
    with clock.Connection(port) as connection:
        for kind in CLIENT_KINDS:
            cache.clear()  # also what was counted against one address's limit
            for path in questions(kind, behind + BEFORE)[behind:]:
                connection.get(path)


def time_kind(port: int, kind: str, paths: Sequence[str], *, times: int, budget: float) -> Line:
    """Ask each path once; the first few only warm up. Whatever is answered counts, and is said."""
    from django.core.cache import cache

    cache.clear()  # also what was counted against one address's limit
    statuses: Counter[str] = Counter()
    seconds: list[float] = []
    stopped = alone = 0
    with clock.Connection(port) as connection:
        for path in paths[: WARM_UP + times]:
            try:
                answer = connection.get(path)
            except (ConnectionError, EOFError):  # the server does not read an address of any length
                statuses["refused"] += 1
                continue
            statuses[str(answer.status)] += 1
            stopped += TOO_LONG in answer.body
            alone += BY_WORDS_ALONE in answer.body
            seconds.append(answer.seconds)
    if alone:
        serve.say(f"{kind}: {alone} of {len(seconds)} without a vector of the question")
    taken = clock.Times(seconds[WARM_UP:] or seconds or [0.0], 0)
    return Line(
        kind, taken.percentile(0.5), taken.percentile(0.95), taken.percentile(1), budget,
        " ".join(sorted(statuses)), stopped,
    )  # fmt: skip


def time_crowd(port: int, *, clients: int = CLIENTS, each: int = EACH) -> Crowd:
    """Some clients that ask at once, each one question after the other."""
    from django.core.cache import cache

    # Behind those that were asked before: nothing of them is remembered.
    kinds = [questions(kind, TIMES + WARM_UP + clients * each)[TIMES + WARM_UP :] for kind in CLIENT_KINDS]
    asked = [kinds[turn % len(kinds)][turn] for turn in range(clients * each)]
    cache.clear()
    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        shares = [asked[number::clients] for number in range(clients)]
        answers = [answer for found in threads.map(partial(_ask_all, port), shares) for answer in found]
    seconds = time.perf_counter() - began
    times = clock.Times([answer.seconds for answer in answers], 0)
    return Crowd(
        clients, len(answers), len(answers) / seconds,
        times.percentile(0.5), times.percentile(0.95), times.percentile(0.99),
        sum(BY_WORDS_ALONE in answer.body for answer in answers),
    )  # fmt: skip


def _ask_all(port: int, paths: Sequence[str]) -> list[clock.Answer]:
    with clock.Connection(port) as connection:
        return [connection.get(path) for path in paths]


def table(lines: Sequence[Line], *, papers: int, vectors: str) -> str:
    """What was measured, as it is printed."""
    shown = [
        f"{papers:,} papers, vectors {vectors}; Python {platform.python_version()}, {os.cpu_count()} cores; "
        f"{TIMES} requests each, one at a time, each of them new, milliseconds",
        "",
        f"{'asked':34}{'p50':>8}{'p95':>8}{'slowest':>9}{'x empty':>9}{'budget':>8}       answers",
    ]
    for line in lines:
        budget = "" if line.budget is None else f"{line.budget:6.0f} {'ok' if line.is_kept else 'OVER'}"
        stopped = f", {line.stopped} stopped" if line.stopped else ""
        shown.append(
            f"{line.asked:34}{line.p50:8.1f}{line.p95:8.1f}{line.slowest:9.1f}{line.p50 / lines[0].p50:9.1f}"
            f"  {budget:13}{line.statuses}{stopped}"
        )
    return "\n".join(shown)


if __name__ == "__main__":
    main()
