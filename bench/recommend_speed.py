"""How long it takes to work out what is suggested to changed readers, and how that grows.

    make bench-recommend PAPERS=165073 [READERS=1000] [FILE=papers.jsonl.xz] [VECTORS=vectors.npy] [JSON=result.json]

Readers have 20 liked papers each, every one a vote or a tag on a recent paper. Measured is the worker's own function,
from finding who is due to the last commit: with the readers, with half of them, and with half of the recent papers.
Growth is that of the worker's own time on a processor, which other programs on the machine do not change.
Only papers of the last 30 days are candidates, at most 20,000: so a catalogue of twice the age costs the same.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench import serve
from bench.catalogue import fill

LIKED = 20
MOST_GROWTH = 2.2


def main() -> None:
    options = arguments()
    with serve.broadsheet(options.folder):
        result = measure(options)
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

    from bench.filled_vectors import fill_vectors
    from papers.services.embeddings import state

    serve.say(f"Making {options.papers:,} papers …")
    fill(options.papers, file=options.file, readers=0, different=options.papers)
    vectors = fill_vectors(options.vectors)
    state.ensure_wanted(state.wanted_model())
    state.recount()
    now = timezone.now()
    make_readers(options.readers, recent=options.recent, now=now)
    runs = []
    for recent, readers in ((options.recent, 1.0), (options.recent, 0.5), (options.recent // 2, 1.0)):
        spread(recent, now=now)
        due = make_stale(readers, now=now)
        runs.append(timed(recent, due, now=now))
        serve.say(f"{recent:,} recent papers, {due:,} readers: {runs[-1]['seconds']:.1f} s")
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"papers": options.papers, "vectors": vectors, "runs": runs, "megabytes": round(megabytes)}


def make_readers(count: int, *, recent: int, now: Any) -> None:
    """Accounts with liked papers, one of each reader's behind another of the recent ones."""
    from django.db import connection

    from papers.models import User

    users = User.objects.bulk_create(
        User(email=f"r{number}@example.org", username=f"r{number}") for number in range(count)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO papers_vote (user_id, paper_id, is_unnamed, created_at)
            SELECT reader.id, paper.id, false, %(now)s
            FROM unnest(%(users)s::bigint[]) WITH ORDINALITY AS reader (id, number)
            CROSS JOIN generate_series(1, %(liked)s) AS step
            JOIN LATERAL (SELECT id FROM papers_paper ORDER BY id
                OFFSET (reader.number * 37 + step * 211) %% %(recent)s LIMIT 1) AS paper ON true
            ON CONFLICT DO NOTHING
            """,
            {"now": now, "users": [user.pk for user in users], "liked": LIKED, "recent": min(recent, 2_000)},
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
    from papers.models import Taste, User

    users = list(User.objects.order_by("pk"))
    Taste.objects.all().delete()
    due = users[: int(len(users) * part)]
    Taste.objects.bulk_create(Taste(user=user, stale_at=now - timedelta(minutes=1)) for user in due)
    return len(due)


def timed(recent: int, readers: int, *, now: Any) -> dict[str, Any]:
    from papers.services.recommend.computing import recompute_due

    started = time.perf_counter()
    done = recompute_due(now=now)
    seconds = time.perf_counter() - started
    assert done.readers == readers
    return {"recent": recent, "readers": readers, "suggestions": done.suggestions, "seconds": round(seconds, 2)}


def table(result: dict[str, Any]) -> str:
    lines = [f"{result['papers']:,} papers, vectors {result['vectors']}; {result['megabytes']} MB at most"]
    lines += [
        f"{run['recent']:>8,} recent papers {run['readers']:>6,} readers {run['suggestions']:>8,} suggestions "
        f"{run['seconds']:>8.2f} s, of which the worker's own {run['worker_cpu_seconds']:.2f} s"
        for run in result["runs"]
    ]
    whole, fewer_readers, fewer_papers = (run["worker_cpu_seconds"] for run in result["runs"])
    for name, half in (("readers", fewer_readers), ("recent papers", fewer_papers)):
        growth = whole / half
        lines.append(f"twice the {name}: {growth:.2f} times {'ok' if growth <= MOST_GROWTH else 'OVER'}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
