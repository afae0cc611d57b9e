"""Times planning and sending of digests, beside a plain loop of Django mails and a bare loop of prepared messages.

    make bench-digests [JSON=result.json] [ARGS="--readers 100000 --mails 3000"]

Each figure has the seconds of the clock and of the processor (of this process; for planning of Postgres's too): on a
machine that others use as well, only the second tells what the work costs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from bench import serve

TOPICS = 5_000
PAPERS = 2_000
TOPICS_EACH = 10
MATCHES_EACH = 5
NAIVE_MAILS = 60
BUDGET_RATE = 1_000
BUDGET_TIMES_NAIVE = 15
BUDGET_PLAN_SECONDS = 10
BUDGET_DOUBLING = 2.2


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement."""

    what: str
    count: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        return self.count / self.seconds


class Stopwatch:
    """Seconds of the clock and of the processor."""

    def __init__(self, pid: int | None = None) -> None:
        self._pid = pid
        self.seconds = self.cpu_seconds = 0.0

    def __enter__(self) -> Stopwatch:
        self._started, self._cpu = time.perf_counter(), self._spent()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._started
        self.cpu_seconds = self._spent() - self._cpu

    def _spent(self) -> float:
        spent = time.process_time()
        if self._pid is not None and sys.platform == "linux":
            fields = Path(f"/proc/{self._pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            spent += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=100_000)
    parser.add_argument("--mails", type=int, default=3_000)
    parser.add_argument("--json", default="", help="also write the result there")
    options = parser.parse_args()
    with serve.broadsheet():
        lines = [*measure_planning(options.readers), *measure_sending(options.mails)]
    print(table(lines))
    if options.json:
        Path(options.json).write_text(json.dumps([asdict(line) for line in lines], indent=1), encoding="utf-8")


def measure_planning(readers: int) -> list[Measurement]:
    """As many readers as asked for; then the half of them, of their topics, and of the papers."""
    half = readers // 2
    return [
        plan("plan", readers=readers),
        plan("plan, half the readers", readers=half),
        plan("plan, half the topics a reader", readers=readers, topics_each=TOPICS_EACH // 2),
        plan("plan, half the papers", readers=readers, papers=PAPERS // 2),
    ]


def plan(what: str, *, readers: int, topics_each: int = TOPICS_EACH, papers: int = PAPERS) -> Measurement:
    from django.db import connection
    from django.utils import timezone

    from bench.mail_catalogue import fill
    from digests.services.planning import plan_due

    serve.say(f"{what}: {readers:,} readers …")
    fill(readers=readers, topics=TOPICS, papers=papers, topics_a_reader=topics_each, matches_a_paper=MATCHES_EACH)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = int(cursor.fetchone()[0])
    with Stopwatch(backend) as watch:
        done = plan_due(now=timezone.now())
    assert done.planned + done.skipped == readers, done
    return Measurement(what, readers, watch.seconds, watch.cpu_seconds)


@contextmanager
def sink() -> Iterator[int]:
    """A server in a process of its own; its port."""
    port = serve.free_port()
    command = [sys.executable, "-m", "bench.null_smtp_server", str(port)]
    process = subprocess.Popen(command, cwd=Path(__file__).parent.parent)
    try:
        for _ in range(100):
            try:
                smtplib.SMTP("127.0.0.1", port).quit()
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        process.kill()
        process.wait()


def measure_sending(mails: int) -> list[Measurement]:
    """20 papers each, safe marks, one process; the plain loop; prepared messages over one connection."""
    from django.utils import timezone

    from bench.mail_catalogue import fill, use_server
    from digests.models import Delivery
    from digests.services.planning import plan_due
    from digests.services.sending import send_waiting

    serve.say(f"send: {mails:,} mails …")
    fill(readers=mails, topics=50, papers=PAPERS, topics_a_reader=TOPICS_EACH, matches_a_paper=1)
    plan_due(now=timezone.now())
    assert Delivery.objects.filter(state="planned", paper_ids__len=20).count() == mails
    with sink() as port:
        use_server(port)
        prepared = prepare_messages(200)
        with Stopwatch() as watch:
            done = send_waiting(max_seconds=600)
        assert done.counts["sent"] == mails, done
        sent = Measurement("build and send, safe marks", mails, watch.seconds, watch.cpu_seconds)
        with Stopwatch() as watch:
            send_plainly(NAIVE_MAILS)
        naive = Measurement("a plain loop of Django mails", NAIVE_MAILS, watch.seconds, watch.cpu_seconds)
        with Stopwatch() as watch:
            send_prepared(prepared * 10, port)
        bare = Measurement("smtplib, prepared messages", len(prepared) * 10, watch.seconds, watch.cpu_seconds)
    return [sent, naive, bare]


def prepare_messages(count: int) -> list[bytes]:
    from django.utils import timezone

    from digests.content.fragments import FragmentCache
    from digests.content.messages import build_message, load_batch_context
    from digests.services import outbox

    leased = outbox.lease(owner="bench", count=count, now=timezone.now())
    batch = load_batch_context(leased, fragments=FragmentCache(group="", now=timezone.now()))
    messages = [build_message(one, batch, now=timezone.now())[1] for one in leased]
    outbox.release_leases(owner="bench")
    return messages


def send_plainly(count: int) -> None:
    """What one writes first: for each reader a template, styles inlined, Django's mail, a connection."""
    from django.core.mail import EmailMultiAlternatives

    from digests.content import rendering
    from digests.models import Delivery
    from papers.models import Paper

    for delivery in Delivery.objects.select_related("subscriber").order_by("pk")[:count]:
        papers = Paper.objects.filter(pk__in=delivery.paper_ids)
        made = rendering.MailRenderer(origin="https://papers.example.org", group_name="", this_year=2026)
        parts = [made.paper(paper).filled({"why": "", "save": ""}) for paper in papers]
        items = rendering.RenderedPart("".join(part.text for part in parts), "".join(part.html for part in parts))
        names = ("title", "preheader", "date", "count", "view_url", "more", "versions", "since", "about",
                 "preferences_url", "unsubscribe_url", "leave_url")  # fmt: skip
        whole = made.frame(frequency="daily").filled({**dict.fromkeys(names, ""), "items": items})
        mail = EmailMultiAlternatives("New papers", whole.text, to=[delivery.subscriber.email])
        mail.attach_alternative(whole.html, "text/html")
        mail.send()
        Delivery.objects.filter(pk=delivery.pk).update(sent_at=delivery.planned_at + timedelta(minutes=1))


def send_prepared(messages: list[bytes], port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port) as server:
        for message in messages:
            server.sendmail("papers@example.org", ["reader@example.org"], message)


def table(lines: list[Measurement]) -> str:
    """What was measured, as it is printed."""
    shown = [
        f"Python {platform.python_version()}, {os.cpu_count()} cores; {TOPICS:,} topics, {PAPERS:,} new papers, "
        f"{TOPICS_EACH} topics a reader, 20 papers a mail",
        "",
        f"{'what':34}{'count':>9}{'seconds':>9}{'a second':>10}{'CPU s':>8}",
    ]
    shown += [f"{o.what:34}{o.count:9,}{o.seconds:9.2f}{o.rate:10,.0f}{o.cpu_seconds:8.2f}" for o in lines]
    of = {line.what: line for line in lines}
    whole, sent, naive = of["plan"], of["build and send, safe marks"], of["a plain loop of Django mails"]
    times = sent.rate / naive.rate
    verdicts = [
        (f"plan {whole.count:,} readers: {whole.seconds:.1f} s", whole.seconds <= BUDGET_PLAN_SECONDS),
        (f"send {sent.rate:,.0f} mails a second", sent.rate >= BUDGET_RATE),
        (f"{times:.1f} times the plain loop", times >= BUDGET_TIMES_NAIVE),
    ]
    for half in (line for line in lines if line.what.startswith("plan, half")):
        growth = whole.cpu_seconds / half.cpu_seconds
        said = f"{half.what.removeprefix('plan, half ')} doubled: {growth:.2f} times"
        verdicts.append((said, growth <= BUDGET_DOUBLING))
    return "\n".join([*shown, "", *(f"{said:50}{'ok' if good else 'MISSED'}" for said, good in verdicts)])


if __name__ == "__main__":
    main()
