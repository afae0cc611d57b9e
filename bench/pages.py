"""Times every kind of page through the running web server, beside an empty Django view in the same run.

    make bench-pages PAPERS=100000 [FILE=papers.jsonl.xz] [JSON=result.json] [ARGS="--readers 200 --folder DIR"]

With --folder the filled database stays there, and the next run with it needs not fill it again.
"""

from __future__ import annotations

import argparse
import html
import json
import os
import platform
import re
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from bench import clock, serve
from bench.budgets import REQUESTS_A_SECOND, page_budget
from bench.catalogue import READERS
from bench.filled_site import fill_once

TIMES = 200
SEARCHES = 120
"""So many the limit of searches lets one reader ask in a minute, and some to warm up."""
WARM_UP = 30
CLIENTS = (8, 32, 128)
CLIENT_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of page, asked for by one kind of reader."""

    page: str
    who: str
    p50: float
    p95: float
    kilobytes: float
    budget: float | None

    @property
    def is_kept(self) -> bool:
        return self.budget is None or self.p95 <= self.budget


def main() -> None:
    options = arguments()
    with serve.broadsheet(options.folder) as supervisor:
        fill_once(options.folder, papers=options.papers, file=options.file, readers=options.readers)
        cookies = sessions(min(CLIENTS))
        make_topic()
        empty, web = serve.start_empty(supervisor), serve.start_web(supervisor)
        pages = addresses() | later_pages(web)
        base = clock.measure(empty, ["/"], times=TIMES, warm_up=WARM_UP)
        lines = [Line("empty Django view", "", base.percentile(0.5), base.percentile(0.95), 0, None)]
        for page, paths in pages.items():
            for who, cookie in (("visitor", ""), ("reader", cookies[0])):
                lines.append(time_page(web, page, who, paths, cookie, options.papers))
                serve.say(f"{page}, {who}: {lines[-1].p95:.1f} ms")
        for page, paths, cookie in own_pages(cookies, pages["day"][0]):
            lines.append(time_page(web, page, "reader", paths, cookie, options.papers))
            serve.say(f"{page}: {lines[-1].p95:.1f} ms")
        for page, paths in api_addresses().items():
            lines.append(time_page(web, page, "token", paths, "", options.papers, token=new_token()))
            serve.say(f"{page}: {lines[-1].p95:.1f} ms")
        for page, paths in feed_addresses().items():
            lines.append(time_page(web, page, "visitor", paths, "", options.papers))
            serve.say(f"{page}: {lines[-1].p95:.1f} ms")
        crowds = ask_in_crowds(web, empty, pages["day"], cookies)
        plans = explained() if options.explain else ""
    print(table(lines, crowds, papers=options.papers))
    if plans:
        print(f"\n{plans}")
    if options.json:
        result = {"papers": options.papers, "pages": [asdict(line) for line in lines], "crowds": crowds_as_json(crowds)}
        Path(options.json).write_text(json.dumps(result, indent=1), encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=int, default=20_000)
    parser.add_argument("--file", default="", help="JSON lines of real papers; else they are made up")
    parser.add_argument("--readers", type=int, default=READERS)
    parser.add_argument("--folder", default="", help="keep the data there")
    parser.add_argument("--explain", action="store_true", help="also print the plan of each page's main query")
    parser.add_argument("--json", default="", help="also write the result there")
    return parser.parse_args()


def explained() -> str:
    from bench import query_plans

    return query_plans.explained()


def sessions(count: int) -> list[str]:
    """The cookies of so many readers who are signed in."""
    from django.conf import settings
    from django.test import Client

    from papers.models import User

    cookies = []
    for user in User.objects.order_by("pk")[:count]:
        client = Client()
        client.force_login(user)
        name = settings.SESSION_COOKIE_NAME
        cookies.append(f"{name}={client.cookies[name].value}")
    return cookies


def own_pages(cookies: list[str], day: str) -> list[tuple[str, list[str], str]]:
    """Pages of three readers: one with tags and a shelf, one who hides 10,000 seen papers, one who mutes."""
    from papers.models import MutedQuery, User

    _, hiding, muting = User.objects.order_by("pk")[:3]
    User.objects.filter(pk=hiding.pk).update(hides_seen=True)
    questions = ("cat:cs.RO", '"large language"', "author:wang -cat:cs.CV", "org:google", "title:survey")
    MutedQuery.objects.bulk_create((MutedQuery(user=muting, query=text) for text in questions), ignore_conflicts=True)
    return [
        ("library", ["/library"], cookies[0]),
        ("library, searched", ["/library?q=model"], cookies[0]),
        ("since, a month", ["/papers/since?day=2001-01-01"], cookies[0]),
        ("day, seen hidden", [day], cookies[1]),
        ("new, 10,000 seen hidden", ["/papers/new"], cookies[1]),
        ("new in cs.LG, seen hidden", ["/papers/new?category=cs.LG"], cookies[1]),
        ("month, seen hidden", ["/papers/month"], cookies[1]),
        ("day, five questions muted", [day], cookies[2]),
    ]


def addresses() -> dict[str, list[str]]:
    """The pages to ask for, by kind; several of a kind where a reader would see different ones."""
    from django.db.models import Count

    from papers.dates import format_month, format_week
    from papers.models import Edition, Paper, PaperCategory

    days = list(Edition.objects.newest().values_list("day", flat=True)[:60])
    papers = list(Paper.objects.visible().newest().values_list("public_id", flat=True)[:2000:40])
    counted = PaperCategory.objects.values_list("category").annotate(count=Count("paper_id")).order_by("count")
    categories = [category for category, _ in counted]
    return {
        "home": ["/"],
        "day": [f"/papers/date/{days[0]}"],
        # Kept pages have known parameters only: these are made anew each time.
        "day, made anew": [f"/papers/date/{days[0]}?seen={number}" for number in range(10)],
        "day, any of 60": [f"/papers/date/{day}" for day in days],
        "day, newest first": [f"/papers/date/{days[0]}?sort=newest"],
        "week": [f"/papers/week/{format_week(days[0])}"],
        "month": [f"/papers/month/{format_month(days[5])}"],
        "trending": ["/papers/trending"],
        "topic": [f"/topics/{TOPIC}"],
        "new": ["/papers/new"],
        f"new in {categories[-1]} (common)": [f"/papers/new?category={categories[-1]}"],
        f"new in {categories[0]} (rare)": [f"/papers/new?category={categories[0]}"],
        "paper": [f"/papers/{public_id}" for public_id in papers],
        "empty day": [f"/papers/date/{days[0] + timedelta(days=400)}"],
        "status": ["/status"],
    }


def later_pages(port: int) -> dict[str, list[str]]:
    """Pages that are reached by "More papers"."""
    from papers.dates import format_month
    from papers.models import Edition

    days = list(Edition.objects.newest().values_list("day", flat=True)[:40])
    starts = {
        "day, page 3": (f"/papers/date/{days[0]}", 2),
        "month, page 20": (f"/papers/month/{format_month(days[-1])}", 19),
        "new, page 20": ("/papers/new", 19),
    }
    return {name: [follow(port, path, steps)] for name, (path, steps) in starts.items()}


def follow(port: int, path: str, steps: int, *, cookies: str = "") -> str:
    """The address that pressing "More papers" so often leads to, or as far as there is more."""
    here = path
    with clock.Connection(port, cookies=cookies) as connection:
        for _ in range(steps):
            found = re.search(r'href="(\?[^"]*after=[^"]+)" hx-get', connection.get(here).body.decode())
            if found is None:
                break
            here = path + html.unescape(found[1])
    return here


def new_token() -> str:
    """The key of a token that has all its requests left: each row of the API takes one."""
    from django.utils import timezone

    from papers.models import User
    from papers.services.accounts.api_tokens import create_token

    user = User.objects.order_by("pk")[0]
    return create_token(user=user, name="bench", scopes=["read"], now=timezone.now())[1]


TOPIC = "bench"
TOPIC_CATEGORY = "cs.LG"


def make_topic() -> None:
    """A topic that has every paper of a common category, as its own matching would have written them."""
    from django.db import connection

    from papers.models import Topic

    topic, is_new = Topic.objects.get_or_create(
        slug=TOPIC, defaults={"name": "Learning", "query": f"cat:{TOPIC_CATEGORY}", "pending_since": None}
    )
    if is_new:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO papers_topicmatch (topic_id, paper_id, score, matched_at, release, listed_at, vote_count) "
                "SELECT %s, id, 1, listed_at, 1, listed_at, vote_count FROM papers_paper WHERE categories @> ARRAY[%s]",
                [topic.pk, TOPIC_CATEGORY],
            )
            cursor.execute("VACUUM ANALYZE papers_topicmatch")


def feed_addresses() -> dict[str, list[str]]:
    """Feeds, which are kept a while: the seen figure is of what is kept for days that were asked for before."""
    from papers.models import Edition

    days = list(Edition.objects.newest().values_list("day", flat=True)[:20])
    return {
        "feed of a day": [f"/papers/date/{day}/feed.atom" for day in days],
        "feed of new papers": ["/papers/new.atom"],
        "feed of a topic": [f"/topics/{TOPIC}.atom"],
    }


def api_addresses() -> dict[str, list[str]]:
    """What programs ask for, of our API and of the papers contract. With a token, so no answer is a kept one."""
    from django.utils import timezone

    from papers.dates import format_month
    from papers.models import Edition, Paper
    from papers.models.change import ChangePosition
    from papers.services.changes.numbering import newest_position, number_waiting_changes
    from papers.web.paging import encode_cursor

    days = list(Edition.objects.newest().values_list("day", flat=True)[:60])
    ids = list(Paper.objects.visible().newest().values_list("public_id", flat=True)[:2000:40])
    number_waiting_changes(now=timezone.now(), seconds=3600)
    late = encode_cursor(ChangePosition(max(newest_position() - 200, 0)))
    month = format_month(days[5])
    return {
        "API, day": [f"/api/v1/editions/{day}/papers" for day in days],
        "API, newest": ["/api/v1/papers"],
        "API, trending": ["/api/v1/trending"],
        "API, paper": [f"/api/v1/papers/{public_id}" for public_id in ids],
        "API, search": [f"/api/v1/search?q={word}" for word in ("model", "graph+neural", "cat:cs.CL+language")],
        "API, changes, 100 newest": [f"/api/v1/changes?limit=100&since={late}"],
        "HF daily_papers": [f"/api/daily_papers?date={day}&limit=50" for day in days],
        "HF month by trending": [
            f"/api/daily_papers?month={month}&sort=trending&limit=50&p={page}" for page in range(5)
        ],
    }


def time_page(port: int, page: str, who: str, paths: list[str], cookie: str, papers: int, *, token: str = "") -> Line:
    warm_up = max(WARM_UP, len(paths))
    count = SEARCHES if page == "API, search" else TIMES
    times = clock.measure(port, paths, times=count, warm_up=warm_up, cookies=cookie, token=token)
    return Line(
        page=page,
        who=who,
        p50=times.percentile(0.5),
        p95=times.percentile(0.95),
        kilobytes=times.bytes_each / 1024,
        budget=page_budget(page, who).at(papers),
    )


Crowds = dict[str, list[clock.CrowdTimes]]


def ask_in_crowds(web: int, empty: int, paths: list[str], cookies: list[str]) -> Crowds:
    """The day's page by so many clients at once, and the empty view."""
    asked: dict[str, tuple[int, list[str], list[str]]] = {
        "empty": (empty, ["/"], [""]),
        "visitors": (web, paths, [""]),
        "readers": (web, paths, cookies),
    }
    found: Crowds = {}
    for who, (port, asked_for, own) in asked.items():
        found[who] = [
            clock.ask_at_once(port, asked_for, clients=clients, seconds=CLIENT_SECONDS, cookies=own)
            for clients in CLIENTS
        ]
        serve.say(f"{who}: " + ", ".join(f"{crowd.a_second:.0f} a second" for crowd in found[who]))
    return found


def crowds_as_json(crowds: Crowds) -> dict[str, list[dict[str, float]]]:
    return {who: [asdict(crowd) for crowd in found] for who, found in crowds.items()}


def table(lines: list[Line], crowds: Crowds, *, papers: int) -> str:
    """What was measured, as it is printed."""
    empty = lines[0]
    shown = [
        f"{papers:,} papers, Python {platform.python_version()}, {os.cpu_count()} cores; "
        f"{TIMES} requests each, one at a time, milliseconds",
        "",
        f"{'page':32}{'who':9}{'p50':>7}{'p95':>7}{'x empty':>9}{'KB':>7}{'budget':>8}",
    ]
    for line in lines:
        budget = "" if line.budget is None else f"{line.budget:6.0f} {'ok' if line.is_kept else 'OVER'}"
        ratio = line.p50 / empty.p50
        shown.append(
            f"{line.page:32}{line.who:9}{line.p50:7.1f}{line.p95:7.1f}{ratio:9.1f}{line.kilobytes:7.0f}  {budget}"
        )
    shown += ["", f"{'the day at once':16}{'clients':>8}{'a second':>10}{'p50':>8}{'p95':>8}{'p99':>8}{'errors':>8}"]
    for who, found in crowds.items():
        for crowd in found:
            wanted = REQUESTS_A_SECOND.get(who) if crowd.clients == min(CLIENTS) else None
            judged = "" if wanted is None else f"   budget {wanted:.0f} {'ok' if crowd.a_second >= wanted else 'UNDER'}"
            shown.append(
                f"{who:16}{crowd.clients:8}{crowd.a_second:10.0f}{crowd.p50:8.1f}{crowd.p95:8.1f}{crowd.p99:8.1f}"
                f"{crowd.errors:8}{judged}"
            )
    return "\n".join(shown)


if __name__ == "__main__":
    main()
