"""A storm of `kill -9` over the processes that send mail: is any mail lost, or sent twice without need?

    python -m bench.storm --readers 12000 --kills 40 --policy resend [--upheaval] [--faults 0.01] [--file PAPERS]

Three of the product's mail workers, its worker and its beat run on a day's papers in fifty topics. They are killed at
random moments, a sender alone or the whole worker, and started again, until all is sent. `--upheaval` empties Redis and
restarts Postgres in the middle of it. `--faults` has the mail server answer this share of all commands with 421, 450,
451, 550 5.7.26 or by hanging up, take some mails without saying so, and know some addresses not at all.

The mail server of tests/support/mail_sink.py records every mail. What may be, by policy: `resend`, no mail lost, no
more second copies than kills and lost answers, each the same to the byte; `skip`, no second copy, and nothing lost but
what is listed as unknown. An address refused with 550 5.1.1 is sent nothing more, and no other is suppressed.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import serve
from bench.storm_senders import CelerySenders, ForkedSenders, Senders

if TYPE_CHECKING:
    from config.local.supervisor import Supervisor
    from tests.support.mail_sink import MailSink

TOPICS = 50
PAPERS = 900
TOPICS_A_READER = 5
# With longer answers the storm lasts as long as its kills.
REPLY_SECONDS = 0.001
LOST_ANSWERS = 0.001


@dataclass(frozen=True, slots=True)
class StormResult:
    """What a storm left behind."""

    readers: int
    """Who had a mail due."""
    planned: int
    skipped: int
    """Of them; nothing was new for them."""
    refused: int
    """The server knows no such address."""
    kills: int
    answers_lost: int
    """Mails that the server took and hung up."""
    lost: int
    unknown: int
    lost_and_not_unknown: int
    duplicates: int
    different: int
    """Second copies that are not the same to the byte."""
    struck_off_wrongly: int
    seconds: float
    mails_a_second: float

    def is_good(self, policy: str) -> bool:
        """Whether it is what `policy` promises."""
        if self.planned + self.skipped != self.readers or self.different or self.struck_off_wrongly:
            return False
        if policy == "resend":
            return self.lost == 0 and self.duplicates <= self.kills + self.answers_lost
        return self.duplicates == 0 and self.lost_and_not_unknown == 0


def storm(
    *,
    sink: MailSink,
    kills: int,
    senders: Senders | None = None,
    seed: int = 1,
    pause: tuple[float, float] = (0.05, 0.5),
    faults: float = 0.0,
    upheaval: Callable[[], None] | None = None,
) -> StormResult:
    """Have all that is due sent while senders are killed. The database must be one that other processes can reach.

    `pause`: seconds between two kills, at least and at most. `upheaval` is called when half of them are done.
    """
    senders = senders or ForkedSenders()
    started, rng, killed = time.monotonic(), random.Random(seed), 0
    senders.start()
    while killed < kills or _is_undone():
        time.sleep(rng.uniform(*pause))
        if killed < kills and senders.kill(rng):
            killed += 1
            if upheaval is not None and killed == kills // 2:
                upheaval()
    seconds = time.monotonic() - started
    senders.stop()
    return _judge(sink, killed, seconds, faults)


def _is_undone() -> bool:
    from django.db import connections
    from django.utils import timezone

    from digests.models import Delivery, Schedule

    try:
        return Delivery.objects.open().exists() or Schedule.objects.filter(next_due_at__lte=timezone.now()).exists()
    finally:
        connections.close_all()  # forked processes are to have connections of their own


def _judge(sink: MailSink, kills: int, seconds: float, faults: float) -> StormResult:
    from digests.models import Delivery, Schedule, Suppression
    from tests.support.mail_sink import is_unknown_recipient

    copies: dict[int, list[str]] = {}
    for one in sink.taken:
        copies.setdefault(int(one.message_id.split(".")[1]), []).append(one.digest)
    rows = Delivery.objects.exclude(state="skipped").values_list("pk", "state", "subscriber__email")
    states = {key: state for key, state, _ in rows}
    refused = {key for key, state, address in rows if state == "failed" and is_unknown_recipient(address, rate=faults)}
    unknown = {key for key, state in states.items() if state == "unknown"}
    lost = states.keys() - copies.keys() - refused
    struck_off = Suppression.objects.values_list("address", flat=True)
    return StormResult(
        readers=Schedule.objects.count(),
        planned=len(states),
        skipped=Delivery.objects.filter(state="skipped").count(),
        refused=len(refused),
        kills=kills,
        answers_lost=sink.answers_lost,
        lost=len(lost),
        unknown=len(unknown),
        lost_and_not_unknown=len(lost - unknown),
        duplicates=sum(len(digests) - 1 for digests in copies.values()),
        different=sum(len(set(digests)) > 1 for digests in copies.values()),
        struck_off_wrongly=sum(not is_unknown_recipient(address, rate=faults) for address in struck_off),
        seconds=round(seconds, 1),
        mails_a_second=round(len(sink.taken) / seconds, 1),
    )


def plan_deliveries(readers: int, *, topics: int = TOPICS, papers: int = 200) -> None:
    """So many readers of some of the topics, and one mail planned for each; made in a moment, for tests."""
    from django.utils import timezone

    from bench.mail_catalogue import fill
    from digests.services.planning import plan_due

    fill(readers=readers, topics=topics, papers=papers, topics_a_reader=TOPICS_A_READER, matches_a_paper=3)
    plan_due(now=timezone.now())


def fill_one_day(readers: int, *, file: str) -> None:
    """A day's papers in fifty topics, matched as always, and as many readers who have a mail due now."""
    from django.utils import timezone

    from bench.catalogue import fill
    from bench.mail_catalogue import fill_readers
    from bench.topics import vocabulary
    from papers.models import Topic
    from papers.services.topics.matcher import match_waiting

    fill(PAPERS, file=file, readers=5, words=vocabulary())
    Topic.objects.all().delete()
    Topic.objects.bulk_create(
        Topic(slug=f"t{number}", name=name, query=query, pending_since=None)
        for number, (name, query) in enumerate(topic_queries(TOPICS))
    )
    done = match_waiting(now=timezone.now(), batch_size=PAPERS)
    serve.say(f"{done.papers} papers, {done.added:,} matches in {TOPICS} topics")
    fill_readers(readers=readers, topics=TOPICS, topics_a_reader=TOPICS_A_READER)


def topic_queries(number: int) -> list[tuple[str, str]]:
    """Names and queries of topics: longer words of the titles, without the commonest, which would have every paper."""
    from papers.models import Paper

    words: Counter[str] = Counter()
    for title in Paper.objects.values_list("title", flat=True):
        words.update({word.lower() for word in title.split() if word.isalpha() and len(word) > 5})
    return [(word.capitalize(), f"title:{word}") for word, _ in words.most_common(2 * number)[-number:]]


def upheaval(supervisor: Supervisor) -> None:
    """Empty Redis, and restart Postgres in its own orderly way."""
    import redis
    from django.conf import settings

    from config.local.postgres import PostgresServer

    serve.say("Redis is emptied, Postgres restarted …")
    redis.Redis.from_url(settings.REDIS_URL).flushall()
    postgres = PostgresServer(supervisor.data)
    postgres.prepare()  # stops the one that runs
    supervisor.start(postgres)
    supervisor.wait_for(postgres, seconds=60)


def _run(options: argparse.Namespace) -> StormResult:
    from tests.support.mail_sink import mail_sink, random_faults

    options_of_sink: dict[str, Any] = {"keeps_messages": False, "delay": REPLY_SECONDS}
    if options.faults:
        chance = random.Random(options.seed)
        options_of_sink["script"] = random_faults(options.seed, rate=options.faults, refuses_us=True)
        options_of_sink["lose_answer"] = lambda recipient: chance.random() < LOST_ANSWERS
    with serve.broadsheet() as supervisor:
        fill_one_day(options.readers, file=options.file)
        serve.say("The readers are there; here comes the storm …")
        with mail_sink(**options_of_sink) as sink:
            workers = CelerySenders(port=sink.port, in_doubt=options.policy, logs=supervisor.data.log_dir)
            try:
                return storm(
                    sink=sink, kills=options.kills, senders=workers, seed=options.seed, pause=(0.3, 1.2),
                    faults=options.faults, upheaval=(lambda: upheaval(supervisor)) if options.upheaval else None,
                )  # fmt: skip
            finally:
                workers.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=12_000)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--policy", choices=("resend", "skip"), default="resend")
    parser.add_argument("--upheaval", action="store_true", help="empty Redis and restart Postgres in the middle")
    parser.add_argument("--faults", type=float, default=0.0, help="share of answers that are trouble")
    parser.add_argument("--file", default="", help="JSON lines, as import_papers takes them; without, words at random")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the result there")
    options = parser.parse_args()
    found = _run(options)
    for name, value in asdict(found).items():
        print(f"{name.replace('_', ' '):22}{value:>10,}")
    is_good = found.is_good(options.policy)
    print(f"{options.policy}: {'ok' if is_good else 'BROKEN'}")
    if options.json:
        options.json.write_text(json.dumps(asdict(found), indent=1), encoding="utf-8")
    sys.exit(not is_good)


if __name__ == "__main__":
    main()
