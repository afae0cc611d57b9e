"""A storm of `kill -9` over the processes that send mail: is any mail lost, or sent twice without need?

    python -m bench.storm --readers 12000 --kills 40 --policy resend [--faults 0.01]

One process forks the senders, kills them at random moments and forks new ones, until all is sent. The mail server of
tests/mail_sink.py remembers every byte. What may be, by policy: `resend`, no mail lost, no more second copies than
kills, each the same to the byte; `skip`, no second copy, and nothing lost but what is listed as unknown.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

SENDERS = 3
# Short, so that what a killed sender held is soon taken over; long enough that a living one is never thought dead.
LEASE = timedelta(seconds=4)
SENDING_LEASE = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a storm left behind."""

    planned: int
    kills: int
    lost: int
    unknown: int
    lost_and_not_unknown: int
    duplicates: int
    different: int
    """Second copies that are not the same to the byte."""
    seconds: float


def storm(*, sink: object, kills: int, seed: int = 1, quickest: float = 0.05, slowest: float = 0.5) -> Outcome:
    """Send all that is planned while senders are killed. The database must be one that forked processes can reach."""
    from django.db import connections

    from digests import replies
    from digests.models import Delivery
    from digests.services import outbox

    outbox.LEASE, outbox.SENDING_LEASE = LEASE, SENDING_LEASE
    replies.BACKOFF = (timedelta(seconds=1),)
    planned = dict(Delivery.objects.filter(state="planned").values_list("key", "pk"))
    connections.close_all()
    started, chance, killed = time.monotonic(), random.Random(seed), 0
    senders = [_fork(_send) for _ in range(SENDERS)]
    while killed < kills or _is_open():
        time.sleep(chance.uniform(quickest, slowest))
        if killed < kills:
            place = chance.randrange(SENDERS)
            os.kill(senders[place], signal.SIGKILL)
            os.waitpid(senders[place], 0)
            killed += 1
            senders[place] = _fork(_send)
    for pid in senders:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
    return _judge(sink, planned, killed, time.monotonic() - started)


def _fork(work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
            work()
            code = 0
        finally:
            os._exit(code)
    return pid


def _send() -> None:
    """One sender: takes over from the dead, and sends what is waiting, for ever."""
    from django.conf import settings
    from django.db import InterfaceError, OperationalError, close_old_connections
    from django.utils import timezone

    from digests.services import outbox
    from digests.services.sending import send_waiting

    while True:
        try:
            outbox.sweep(now=timezone.now(), leaves_doubtful=settings.MAIL_IN_DOUBT == "skip")
            if not send_waiting().counts:
                time.sleep(0.1)
        except (OperationalError, InterfaceError):  # Postgres is started anew
            close_old_connections()
            time.sleep(0.2)


def _is_open() -> bool:
    from django.db import connections

    from digests.models import Delivery

    try:
        return Delivery.objects.open().exists()
    finally:
        connections.close_all()


def _judge(sink: object, planned: dict[str, int], kills: int, seconds: float) -> Outcome:
    from digests.models import Delivery

    taken = sink.taken  # type: ignore[attr-defined]
    by_id: dict[str, list[str]] = {}
    for one in taken:
        by_id.setdefault(one.message_id.split(".")[2].partition("@")[0], []).append(one.digest)
    unknown = set(Delivery.objects.filter(state="unknown").values_list("key", flat=True))
    lost = set(planned) - set(by_id)
    return Outcome(
        planned=len(planned),
        kills=kills,
        lost=len(lost),
        unknown=len(unknown),
        lost_and_not_unknown=len(lost - unknown),
        duplicates=sum(len(digests) - 1 for digests in by_id.values()),
        different=sum(len(set(digests)) > 1 for digests in by_id.values()),
        seconds=round(seconds, 1),
    )


def plan(readers: int, *, topics: int = 50, papers: int = 200) -> None:
    """So many readers of some of the topics, and one mail for each, due now."""
    from django.utils import timezone

    from bench.mail_catalogue import fill
    from digests.services.planning import plan_due

    fill(readers=readers, topics=topics, papers=papers, topics_a_reader=5, matches_a_paper=3)
    plan_due(now=timezone.now())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=12_000)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--policy", choices=("resend", "skip"), default="resend")
    parser.add_argument("--faults", type=float, default=0.0, help="share of answers that are 421, 450, 451 or none")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    from bench import serve
    from tests.mail_sink import faults, mail_sink

    with serve.broadsheet():
        from bench.mail_catalogue import use_server

        plan(options.readers)
        serve.say("The mails are planned; here comes the storm …")
        told = {"script": faults(options.seed, rate=options.faults)} if options.faults else {}
        with mail_sink(**told) as sink:
            use_server(sink.port, in_doubt=options.policy)
            found = storm(sink=sink, kills=options.kills, seed=options.seed)
    print(Counter({name: getattr(found, name) for name in found.__slots__}))
    if options.policy == "resend":
        sys.exit(bool(found.lost or found.different or found.duplicates > found.kills))
    sys.exit(bool(found.duplicates or found.lost_and_not_unknown))


if __name__ == "__main__":
    main()
