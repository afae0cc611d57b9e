"""How long it takes to work out what is suggested to changed readers, how that grows, and how long their page takes.

    make bench-recommend PAPERS=165073 [READERS=1000] [FILE=papers.jsonl.xz] [VECTORS=vectors.npy] [JSON=result.json]

Readers have voted for 20 papers each, half of them of the last 30 days. Measured is the worker's own function, from
finding who is due to the last commit: by a worker that has just begun, by one that has done it before, with half of the
readers, and with half of the recent papers. Growth is that of the worker's own time on a processor, which other
programs on the machine do not change.
Only papers of the last 30 days are candidates, at most 20,000: so a catalogue of twice the age costs the same.

The page is asked for through the web server, as a reader does who has tagged 200 papers. With --folder the papers stay
there, and the next run with it needs not make them again.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench import clock, serve
from bench.filled_site import fill_once

LIKED = 20
TAGGED = 200
"""Papers that the reader whose page is timed has tagged."""
MAX_GROWTH = 2.2
BUDGET_SECONDS = 10.0
"""For 1,000 readers; "seconds", whatever else the machine does."""
BUDGET_PAGE = 60.0
"""Milliseconds of a whole request, 95 of 100."""
TIMES, WARM_UP = 200, 30


def main() -> None:
    options = arguments()
    with serve.broadsheet(options.folder) as supervisor:
        result = measure(options)
        result["pages"] = time_pages(supervisor)
    print(table(result))
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1), encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=int, default=20_000)
    parser.add_argument("--readers", type=int, default=1_000)
    parser.add_argument("--recent", type=int, default=10_000, help="papers of the last 30 days")
    parser.add_argument("--file", default="", help="JSON lines of real papers; else they are made up")
    parser.add_argument("--vectors", default="", help="real vectors to make those of the papers from")
    parser.add_argument("--folder", default="", help="keep the data there")
    parser.add_argument("--json", default="", help="also write the result there")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, Any]:
    from django.utils import timezone

    import papers.ranking  # noqa: F401  before numpy, as in a worker

    vectors = fill_once(options.folder, papers=options.papers, file=options.file, vectors=options.vectors, readers=0)
    now = timezone.now()
    make_readers(options.readers, recent=options.recent, now=now)
    runs = []
    for what, recent, part in (
        ("begun", options.recent, 1.0),
        ("again", options.recent, 1.0),
        ("half the readers", options.recent, 0.5),
        ("half the papers", options.recent // 2, 1.0),
    ):
        spread(recent, now=now)
        due = make_stale(part, now=now)
        runs.append({"what": what, **timed(recent, due, now=now)})
        serve.say(f"{what}: {recent:,} recent papers, {due:,} readers: {runs[-1]['seconds']:.1f} s")
    spread(options.recent, now=now)
    tag_many(now=now)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"papers": options.papers, "vectors": vectors, "runs": runs, "megabytes": round(megabytes)}


def make_readers(count: int, *, recent: int, now: Any) -> None:
    """Accounts with liked papers, hardly two of them the same; every second one is older than a month."""
    from django.db import connection

    from papers.models import RecommendationState, User

    User.objects.all().delete()
    users = User.objects.bulk_create(
        User(email=f"r{number}@example.org", username=f"r{number}") for number in range(count)
    )
    RecommendationState.objects.bulk_create(
        RecommendationState(user=user, stale_at=now - timedelta(minutes=1)) for user in users
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO papers_vote (user_id, paper_id, is_unnamed, created_at)
            SELECT reader.id, newest.id - (reader.number * 37 + step * 211) %% (2 * %(recent)s), false, %(now)s
            FROM unnest(%(users)s::bigint[]) WITH ORDINALITY AS reader (id, number)
            CROSS JOIN generate_series(1, %(liked)s) AS step
            CROSS JOIN (SELECT max(id) AS id FROM papers_paper) AS newest
            JOIN papers_paper paper ON paper.id = newest.id - (reader.number * 37 + step * 211) %% (2 * %(recent)s)
            ON CONFLICT DO NOTHING
            """,
            {"now": now, "users": [user.pk for user in users], "liked": LIKED, "recent": recent},
        )


def spread(recent: int, *, now: Any) -> None:
    """Have so many papers be of the last 30 days, and all others older."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE papers_paper paper SET listed_at = %(now)s - CASE WHEN ranked.place <= %(recent)s
                THEN interval '29 days' * ranked.place / %(recent)s ELSE interval '60 days' END
            FROM (SELECT id, row_number() OVER (ORDER BY id DESC) AS place FROM papers_paper) ranked
            WHERE ranked.id = paper.id AND (ranked.place <= %(recent)s OR listed_at > %(now)s - interval '31 days')
            """,
            {"now": now, "recent": recent},
        )
        cursor.execute("VACUUM ANALYZE papers_paper")


def make_stale(part: float, *, now: Any) -> int:
    """Have a part of the readers be due; how many that are."""
    from papers.models import RecommendationState

    RecommendationState.objects.update(stale_at=None, computed_at=now + timedelta(days=1))
    readers = list(RecommendationState.objects.order_by("pk").values_list("pk", flat=True))
    due = readers[: int(len(readers) * part)]
    return RecommendationState.objects.filter(pk__in=due).update(stale_at=now - timedelta(minutes=1))


def timed(recent: int, readers: int, *, now: Any) -> dict[str, Any]:
    from papers.services.recommend.recommender import recompute_due

    started, own = time.perf_counter(), time.process_time()
    done = recompute_due(now=now)
    seconds, own = time.perf_counter() - started, time.process_time() - own
    assert done.readers == readers
    return {
        "recent": recent, "readers": readers, "suggestions": done.suggestions,
        "seconds": round(seconds, 2), "worker_cpu_seconds": round(own, 2),
    }  # fmt: skip


# --- The page -------------------------------------------------------------------------------------------------------


def tag_many(*, now: Any) -> None:
    """Have one reader tag 200 papers of the last two months with ten tags, and work out what is suggested."""
    from papers.models import Paper, User
    from papers.services.reading.tags import add_tags
    from papers.services.recommend.recommender import recompute_due

    user = User.objects.order_by("pk")[0]
    papers = list(Paper.objects.order_by("-pk").values_list("pk", flat=True)[: TAGGED * 100 : 100])
    for number in range(10):
        add_tags(user=user, paper_ids=papers[number::10], names=[f"tag {number}"])
    make_stale(1 / User.objects.count(), now=now)
    recompute_due(now=now)


def time_pages(supervisor: Any) -> list[dict[str, Any]]:
    """Milliseconds of that reader's pages, beside an empty view in the same run."""
    from bench.pages import follow, sessions
    from papers.models import Recommendation, Tag, User

    user = User.objects.order_by("pk")[0]
    assert Recommendation.objects.filter(user=user, tag=None).count()
    (cookie,) = sessions(1)
    empty, web = serve.start_empty(supervisor), serve.start_web(supervisor)
    paths = {
        "For you": "/papers/for-you",
        "More papers": follow(web, "/papers/for-you", 1, cookies=cookie),
        "More for a tag": f"{Tag.objects.filter(user=user)[0].get_absolute_url()}/for-you",
    }
    found = [("empty Django view", clock.measure(empty, ["/"], times=TIMES, warm_up=WARM_UP))]
    for name, path in paths.items():
        found.append((name, clock.measure(web, [path], times=TIMES, warm_up=WARM_UP, cookies=cookie)))
    return [
        {"page": name, "p50": times.percentile(0.5), "p95": times.percentile(0.95), "bytes": times.bytes_each}
        for name, times in found
    ]


# --- What is printed ------------------------------------------------------------------------------------------------


def table(result: dict[str, Any]) -> str:
    lines = [f"{result['papers']:,} papers, vectors {result['vectors']}; {result['megabytes']} MB at most"]
    lines += [
        f"{run['what']:18}{run['recent']:>8,} recent papers {run['readers']:>6,} readers "
        f"{run['suggestions']:>8,} suggestions {run['seconds']:>8.2f} s, its own {run['worker_cpu_seconds']:.2f} s"
        for run in result["runs"]
    ]
    begun, whole, fewer_readers, fewer_papers = result["runs"]
    judged = "ok" if begun["seconds"] <= BUDGET_SECONDS * max(begun["readers"], 1_000) / 1_000 else "OVER"
    lines.append(f"budget {BUDGET_SECONDS:.0f} s for 1,000 readers: {judged}")
    for name, half in (("readers", fewer_readers), ("recent papers", fewer_papers)):
        growth = whole["worker_cpu_seconds"] / half["worker_cpu_seconds"]
        lines.append(f"twice the {name}: {growth:.2f} times {'ok' if growth <= MAX_GROWTH else 'OVER'}")
    lines += ["", f"A reader who has tagged {TAGGED} papers; {TIMES} requests each, one at a time, milliseconds"]
    for page in result["pages"]:
        judged = "" if page["page"].startswith("empty") else f"   budget {BUDGET_PAGE:.0f} "
        judged += ("ok" if page["p95"] <= BUDGET_PAGE else "OVER") if judged else ""
        times = f"p50 {page['p50']:6.1f}  p95 {page['p95']:6.1f}"
        lines.append(f"{page['page']:20}{times}{page['bytes'] / 1024:7.0f} KB{judged}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
