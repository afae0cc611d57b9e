"""Runs all measurements at growing sizes and writes them down: docs/benchmarks.md and its picture of growth.

    make bench [FILE=papers.jsonl.xz] [SIZES="10000 100000 1000000"] [FOLDER=data/bench] [ARGS=--only-write]

Each size is filled once, in a folder that stays (about 14 kB a paper): the first run takes an hour or more, later ones
some minutes a size. What was measured is kept beside it; --only-write writes the page again from that.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import growth_chart
from bench.budgets import SEARCHES_A_SECOND, page_budget, search_budget
from bench.search_questions import QUESTION_KINDS

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
PICTURE = ROOT / "docs" / "images" / "growth.svg"
SIZES = (10_000, 100_000, 1_000_000)
TOPICS = 10_000
DRAWN = (
    ("day", "visitor"), ("day", "reader"), ("paper", "visitor"), ("API, day", "token"),
    ("three words", ""), ("a question of 20 words", ""), ("a phrase", ""),
)  # fmt: skip

Results = dict[str, Any]


def main() -> int:
    options = arguments()
    folder = Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    if not options.only_write:
        for name, words in measurements(options):
            target = folder / f"{name}.json"
            print(f"--- {name}", file=sys.stderr, flush=True)
            ended = subprocess.run([sys.executable, "-m", *words, "--json", str(target)], cwd=ROOT, check=False)
            if ended.returncode:
                print(f"{name} ended with {ended.returncode}; run `make bench` again to go on.", file=sys.stderr)
                return ended.returncode
        machine = {"cores": os.cpu_count(), "python": platform.python_version(), "measured": f"{datetime.now(UTC):%F}"}
        (folder / "machine.json").write_text(json.dumps(machine), encoding="utf-8")
    results = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")}
    sizes = [size for size in options.sizes if f"pages-{size}" in results]
    if not sizes:
        print(f"Nothing was measured in {folder} yet: leave out --only-write.", file=sys.stderr)
        return 1
    PICTURE.write_text(growth_chart.draw(curves(results, sizes), sizes), encoding="utf-8")
    PAGE.write_text(page(results, sizes), encoding="utf-8")
    print(f"Wrote {PAGE.relative_to(ROOT)} and {PICTURE.relative_to(ROOT)}.")
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", default="", help="JSON lines of real papers; else they are made up")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="of papers")
    parser.add_argument("--folder", default=str(ROOT / "data" / "bench"), help="where the filled sites stay")
    parser.add_argument("--only-write", action="store_true", help="measure nothing, write what was measured last")
    return parser.parse_args()


def measurements(options: argparse.Namespace) -> list[tuple[str, list[str]]]:
    """The name of each result, and the module with its arguments."""
    file = ["--file", options.file] if options.file else []
    found = []
    for size in options.sizes:
        there = ["--papers", str(size), "--folder", str(Path(options.folder) / f"papers-{size}"), *file]
        found += [(f"pages-{size}", ["bench.pages", *there]), (f"search-{size}", ["bench.search_speed", *there])]
    found.append(("import", ["bench.import_papers", "--papers", "50000", *file]))
    found.append(("topics", ["bench.topics", "--topics", str(TOPICS), *file]))
    found.append(("digests", ["bench.digests"]))
    return found


def curves(results: Results, sizes: Sequence[int]) -> dict[str, list[float]]:
    """What 95 of 100 requests took at each size, by what was asked."""
    by_size = [times(results, size) for size in sizes]
    return {
        ", ".join(filter(None, key)): [found[key][1] for found in by_size]
        for key in DRAWN
        if all(key in found for found in by_size)
    }


def times(results: Results, size: int) -> dict[tuple[str, str], tuple[float, float, float]]:
    """By what was asked and by whom: p50, p95 and the budget, in milliseconds."""
    found = {}
    for line in results[f"pages-{size}"]["pages"][1:]:
        budget = page_budget(line["page"], line["who"]).at(size)
        found[without_examples(line["page"]), line["who"]] = line["p50"], line["p95"], budget
    for line in results.get(f"search-{size}", {"requests": []})["requests"][1:]:
        budget = search_budget(line["asked"], is_hostile=line["asked"] not in QUESTION_KINDS).at(size)
        found[line["asked"], ""] = line["p50"], line["p95"], budget
    return found


def without_examples(page: str) -> str:
    """Which category is the rare one differs by size."""
    return "new in a rare category" if page.endswith("(rare)") else page


def page(results: Results, sizes: Sequence[int]) -> str:
    """docs/benchmarks.md."""
    machine = results["machine"]
    parts = [
        "# How fast it is\n",
        "Written by `make bench`, which fills a site of each size once, with real papers repeated under other ids\n"
        "where there are not enough, and with readers, votes, tags and vectors; then whole requests go through the\n"
        f"running server, on {machine['cores']} cores, with data in memory, Python {machine['python']}, "
        f"{machine['measured']}, searches after 400 others; what else runs beside it makes figures worse.\n"
        "Milliseconds, median / 95 of 100; **bold** is over the budget, which stands in brackets.\n",
        "![What 95 of 100 requests take, by the number of papers](images/growth.svg)\n",
        "## Pages, feeds, API and searches\n",
        grid(results, sizes),
        "\n`×` is the median at the largest size over that of an empty Django view through the same server in the\n"
        f"same run, which took {results[f'pages-{sizes[-1]}']['pages'][0]['p50']:.2f} ms.\n",
        "## Many at once\n",
        crowds(results, sizes),
        "\n## Work behind the pages\n",
        behind(results),
    ]
    return "\n".join(parts)


def grid(results: Results, sizes: Sequence[int]) -> str:
    by_size = [times(results, size) for size in sizes]
    empty = results[f"pages-{sizes[-1]}"]["pages"][0]["p50"]
    lines = [
        "| asked | by | " + " | ".join(f"{size:,} papers" for size in sizes) + " | × |",
        "|---|---|" + "---|" * len(sizes) + "---|",
    ]
    for what, who in by_size[-1]:
        cells = [cell(found.get((what, who))) for found in by_size]
        lines.append(f"| {what} | {who} | {' | '.join(cells)} | {by_size[-1][what, who][0] / empty:.0f} |")
    return "\n".join(lines)


def cell(found: tuple[float, float, float] | None) -> str:
    if found is None:
        return ""
    p50, p95, budget = found
    late = f"**{p95:.0f}**" if p95 > budget else f"{p95:.0f}"
    return f"{p50:.0f} / {late} ({budget:.0f})"


def crowds(results: Results, sizes: Sequence[int]) -> str:
    lines = [
        "The day's page by clients that ask one request after the other, for eight seconds:\n",
        "| papers | by | clients | a second | p50 | p95 | p99 | errors |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for size in sizes:
        for who, found in results[f"pages-{size}"]["crowds"].items():
            lines += [
                f"| {size:,} | {who} | {crowd['clients']} | {crowd['a_second']:.0f} | {crowd['p50']:.0f} | "
                f"{crowd['p95']:.0f} | {crowd['p99']:.0f} | {crowd['errors']} |"
                for crowd in found
            ]
    lines.append("\nEight clients that ask searches which nobody asked before:\n")
    lines += ["| papers | a second | p50 | p95 | p99 | by words alone |", "|---|---|---|---|---|---|"]
    for size in sizes:
        if crowd := results.get(f"search-{size}", {}).get("crowd"):
            rate = f"{crowd['a_second']:.0f}"
            rate = rate if crowd["a_second"] >= SEARCHES_A_SECOND else f"**{rate}**"
            lines.append(
                f"| {size:,} | {rate} ({SEARCHES_A_SECOND:.0f}) | {crowd['p50']:.0f} | {crowd['p95']:.0f} | "
                f"{crowd['p99']:.0f} | {crowd['by_words_alone']} of {crowd['searches']} |"
            )
    return "\n".join(lines)


def behind(results: Results) -> str:
    lines = ["| work | measured | beside it |", "|---|---|---|"]
    if stored := results.get("import"):
        lines.append(
            f"| store {stored['rows']:,} fetched papers, {stored['processes']} processes "
            f"| {stored['rate']:.0f} a second | {stored['ratio']:.2f} times COPY and one bare upsert of the same rows |"
        )
    for run in results.get("topics", {"results": []})["results"]:
        lines.append(
            f"| match {run['papers']:,} new papers to {run['topics']:,} topics | {run['seconds']:.2f} s, "
            f"{run['first_seconds']:.2f} s the first time of a process "
            f"| {run['copy_seconds']:.2f} s: a bare COPY of the {run['matches']:,} matches |"
        )
    for measured in results.get("digests") or []:
        lines.append(
            f"| {measured['what']} | {measured['count']:,} in {measured['seconds']:.1f} s "
            f"| {measured['cpu_seconds']:.1f} s of processor |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
