"""How well a ranking on one day foretells the votes of the next: the trending formula beside simpler ones.

    make bench-trending FILE=papers.jsonl.xz

The file has papers with `submitted_on` and `upvotes_series` ([[day, count], …]), one JSON object a line. For every day
on which enough papers were counted, and counted again the day after, each ranking orders them by what was known that
day. A ranking is good when the papers that get the votes of the next day stand on top: NDCG of the first ten and
twenty, and the share of all new votes that goes to the first ten, averaged over the days.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from bench.catalogue import open_lines
from papers.ranking.trending import decayed_votes_after, trending_score

ONE_DAY = timedelta(days=1)
MIN_PAPERS = 30
HALF_LIVES_HOURS = (6, 12, 24, 36, 48, 72, 168)


@dataclass(frozen=True, slots=True)
class Series:
    """The votes of one paper as they were counted."""

    listed_on: date
    counts: dict[date, int]

    def until(self, day: date) -> list[tuple[date, int]]:
        return sorted((seen, count) for seen, count in self.counts.items() if seen <= day)


Ranking = Callable[[Series, date], float]


def newest_first(paper: Series, day: date) -> float:
    return paper.listed_on.toordinal()


def most_votes(paper: Series, day: date) -> float:
    return paper.counts[day]


def gravity(paper: Series, day: date) -> float:
    """As on Hacker News: votes over a power of the age."""
    hours = 24 * max((day - paper.listed_on).days, 0) + 12
    return (paper.counts[day] - 1) / math.pow(hours + 2, 1.8)


def last_gain(paper: Series, day: date) -> float:
    """The votes of the last day alone."""
    return paper.counts[day] - paper.counts.get(day - ONE_DAY, 0)


def decayed(half_life_hours: int) -> Ranking:
    """The formula of papers/ranking/trending.py, fed as ingest feeds it."""

    def score(paper: Series, day: date) -> float:
        figure, before = None, 0
        for seen, count in paper.until(day):
            at = datetime.combine(seen if before else min(seen, paper.listed_on), time(12), UTC)
            figure = decayed_votes_after(
                figure, votes_before=before, votes=count, seen_at=at, half_life_seconds=half_life_hours * 3600
            )
            before = count
        figures = [] if figure is None else [figure]
        found = trending_score([], figures, half_life_seconds=half_life_hours * 3600, source_weight=1.0)
        return -math.inf if found is None else found

    return score


def read(file: Path) -> tuple[list[Series], list[int]]:
    """The papers that were counted more than once, and the last count of every paper."""
    papers: list[Series] = []
    votes: list[int] = []
    with open_lines(file) as lines:
        for line in lines:
            row = json.loads(line)
            if row.get("upvotes") is not None:
                votes.append(row["upvotes"])
            counts = {date.fromisoformat(day[:10]): count for day, count in row.get("upvotes_series") or []}
            if len(counts) > 1:
                listed = row.get("submitted_on")
                papers.append(Series(date.fromisoformat(listed) if listed else min(counts), counts))
    return papers, sorted(votes)


def pools(papers: Iterable[Series]) -> dict[date, list[tuple[Series, int]]]:
    """By day: the papers counted then and a day later, and the votes they got between."""
    found: dict[date, list[tuple[Series, int]]] = defaultdict(list)
    for paper in papers:
        for day, count in paper.counts.items():
            if (later := paper.counts.get(day + ONE_DAY)) is not None:
                found[day].append((paper, max(later - count, 0)))
    return {day: pool for day, pool in found.items() if len(pool) >= MIN_PAPERS and any(gain for _, gain in pool)}


def ndcg(gains: Sequence[int], first: int) -> float:
    """How close the order of `gains` is to the best one, looking at the first few; 1 is the best."""

    def discounted(ordered: Sequence[int]) -> float:
        return sum(gain / math.log2(place + 2) for place, gain in enumerate(ordered[:first]))

    return discounted(gains) / discounted(sorted(gains, reverse=True))


def judge(ranking: Ranking, days: dict[date, list[tuple[Series, int]]]) -> tuple[float, float, float]:
    """NDCG of the first ten and twenty, and the share of the new votes in the first ten; averages over the days."""
    results = []
    for day, pool in days.items():
        ordered = sorted(pool, key=lambda found: (ranking(found[0], day), found[0].listed_on), reverse=True)
        gains = [gain for _, gain in ordered]
        results.append((ndcg(gains, 10), ndcg(gains, 20), sum(gains[:10]) / sum(gains)))
    ten, twenty, share = (sum(column) / len(results) for column in zip(*results, strict=True))
    return ten, twenty, share


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, required=True)
    papers, votes = read(parser.parse_args().file)
    days = pools(papers)
    print(f"{len(days)} days, {sum(map(len, days.values())):,} papers counted on a day and on the next\n")
    print(f"{'ranking':28}{'NDCG@10':>9}{'NDCG@20':>9}{'share of new votes in the first 10':>37}")
    rankings: dict[str, Ranking] = {
        "newest": newest_first,
        "total": most_votes,
        "gravity 1.8": gravity,
        "last day's": last_gain,
    }
    rankings |= {f"decayed, half-life {hours} h": decayed(hours) for hours in HALF_LIVES_HOURS}
    for name, ranking in rankings.items():
        ten, twenty, share = judge(ranking, days)
        print(f"{name:28}{ten:9.3f}{twenty:9.3f}{share:37.3f}")
    print("\nvotes of the source that outweigh one vote of the group, and the papers that have as many")
    for weight in (0.005, 0.01, 0.02, 0.05, 0.1):
        wanted = 1 / weight
        part = sum(count >= wanted for count in votes) / len(votes)
        print(f"weight {weight:<6} {wanted:5.0f} votes {part:8.1%} of papers")


if __name__ == "__main__":
    main()
