"""Sends what is waiting: leases some mails, makes them, hands them over, and notes how each of them went.

For each mail: offer all but the final dot, commit `sending` with the lease's owner as a fence, the dot, commit `sent`.
A worker may be killed anywhere. Before `sending` is committed nothing was delivered, and the lease runs out; after it,
only the mail whose answer had not come is in doubt.
"""

from __future__ import annotations

import logging
import random
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from digests.fragments import Parts
from digests.messages import Batch, EmptyError, Leased, message_of, prepare
from digests.mime import ascii_address
from digests.models import Brake, Suppression
from digests.models.delivery import State
from digests.models.line import LINE
from digests.replies import GIVEN_UP_AFTER, Outcome, Verb, judge, wait_after
from digests.services import outbox
from digests.services.allowance import allowed_now
from digests.smtp import LostError, SmtpError
from digests.transports import Transport, open_transport
from papers.services.installation import current_group

logger = logging.getLogger(__name__)

RUN_SECONDS = 50.0
STOPPED_FOR = timedelta(hours=1)
DOMAIN_PAUSED_FOR = timedelta(minutes=15)
UNREACHABLE_FOR = timedelta(minutes=1)
# A server that refuses so many mails in a row, for whatever reason, means us.
REFUSALS_IN_A_ROW = 5


@dataclass(frozen=True, slots=True)
class Sent:
    """How a run went: outcome → mails."""

    counts: Counter[str]
    stopped: str = ""
    """Why nothing is sent at the moment; empty: all that was waiting is done, or time was up."""


class StopError(Exception):
    """Nothing more is to be sent now."""


def why_not_now(*, now: datetime) -> str:
    """What keeps all mail back, in words for the operator; empty: nothing. One query."""
    if settings.MAIL_IS_SENT and settings.SITE.is_loopback:
        return "The links in mails would lead nowhere: set BROADSHEET_SITE_URL to the address that readers type."
    brake = Brake.objects.on(now).filter(name=LINE).first()
    return brake.reason if brake else ""


def send_waiting(
    *,
    clock: Callable[[], datetime] = timezone.now,
    transport: Transport | None = None,
    seconds: float = RUN_SECONDS,
    call_another: Callable[[], None] = lambda: None,
) -> Sent:
    """Send until nothing is waiting, something stops it, or `seconds` are over.

    `call_another` is called whenever there is more to do than this sender has taken.
    """
    run = _Run(clock, transport, seconds, call_another)
    with _commits_as_asked():
        return run.go()


@contextmanager
def _commits_as_asked() -> Iterator[None]:
    """With `resend` a commit need not wait for the disk: a mail lost track of by a hard kill of Postgres is repeated.

    With `skip` it waits, or a mail could be repeated after all.
    """
    if settings.MAIL_IN_DOUBT == "skip" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")
    try:
        yield
    finally:
        if connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("RESET synchronous_commit")


class _Run:
    """One worker's turn."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        transport: Transport | None,
        seconds: float,
        call_another: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._transport = transport
        self._call_another = call_another
        self._ends_at = time.monotonic() + seconds
        self._owner = secrets.token_hex(12)
        self._parts = Parts(group=current_group().name, now=clock())
        self._counts: Counter[str] = Counter()
        self._refusals = 0

    def go(self) -> Sent:
        stopped = ""
        try:
            while not stopped and time.monotonic() < self._ends_at:
                stopped = why_not_now(now=self._clock())
                if stopped or not self._send_some():
                    break
        except StopError as error:
            stopped = str(error)
        finally:
            outbox.give_back(owner=self._owner)
            if self._transport is not None:
                self._transport.quit()
        return Sent(self._counts, stopped)

    def _send_some(self) -> bool:
        """Send one lease; False when nothing is waiting."""
        now = self._clock()
        braked = Brake.objects.on(now).exclude(name=LINE).values_list("name", flat=True)
        count = allowed_now(outbox.BATCH, now=now)
        leased = outbox.lease(owner=self._owner, count=count, now=now, braked=list(braked)) if count else []
        if not leased:
            return False
        if len(leased) == outbox.BATCH:
            self._call_another()
        batch = prepare(leased, parts=self._parts)
        renewed_at = time.monotonic()
        for one in leased:
            if time.monotonic() > self._ends_at:
                break
            if time.monotonic() - renewed_at > outbox.LEASE.total_seconds() / 3:
                outbox.renew(owner=self._owner, now=self._clock())
                renewed_at = time.monotonic()
            self._send(one, batch)
        return True

    def _send(self, one: Leased, batch: Batch) -> None:
        now = self._clock()
        try:
            made_of, message = message_of(one, batch, now=now)
        except EmptyError as error:
            self._settle(one, State.SKIPPED, str(error))
            return
        except ValueError as error:
            self._settle(one, State.FAILED, str(error))
            return
        if self._transport is None:
            self._transport = open_transport()
        try:
            self._hand_over(self._transport, one, made_of, message)
        except SmtpError as error:
            self._refused(one, error)
        except LostError as error:
            self._lost(one, error)

    def _hand_over(self, transport: Transport, one: Leased, made_of: str, message: bytes) -> None:
        transport.offer(recipient=ascii_address(one.email), message=message, key=one.key)
        if not outbox.mark_sending(one.id, owner=self._owner, made_of=made_of, now=self._clock()):
            transport.abandon()
            self._counts["taken over"] += 1
            return
        transport.finish()
        outbox.mark_sent(one.id, owner=self._owner, now=self._clock())
        self._counts["sent"] += 1
        self._refusals = 0

    def _refused(self, one: Leased, error: SmtpError) -> None:
        outcome = judge(error.reply, error.verb)
        reason = f"{error.verb}: {error.reply}"
        if outcome is Outcome.REFUSED:
            self._refusals += 1
            if self._refusals >= REFUSALS_IN_A_ROW:
                outcome = Outcome.STOP
        if outcome is Outcome.GONE:
            outbox.suppress(one.email, reason=Suppression.Reason.BOUNCED, detail=reason)
        if outcome in (Outcome.GONE, Outcome.REFUSED):
            self._settle(one, State.FAILED, reason)
            return
        if outcome is Outcome.PAUSE_DOMAIN:
            _brake(one.email.rpartition("@")[2].lower(), reason, self._clock(), DOMAIN_PAUSED_FOR)
        self._put_off(one, reason)
        if outcome is Outcome.STOP:
            _brake(LINE, f"The mail server refuses us: {reason}", self._clock(), STOPPED_FOR)
            logger.error("Stopped sending for an hour: %s", reason)
            raise StopError(reason)
        if error.verb is Verb.CONNECT or error.reply.code == 421:
            raise StopError(reason)

    def _lost(self, one: Leased, error: LostError) -> None:
        reason = str(error)
        if error.in_doubt and settings.MAIL_IN_DOUBT == "skip":
            self._settle(one, State.UNKNOWN, f"the server did not answer: {reason}")
            return
        self._put_off(one, reason, soon=error.in_doubt)
        if not error.in_doubt:
            self._connection_failures()

    def _connection_failures(self) -> None:
        """One lost connection is opened again; a server that is away is left in peace until the next run."""
        self._counts["lost connections"] += 1
        if self._counts["lost connections"] >= REFUSALS_IN_A_ROW:
            raise StopError("the mail server can't be reached")

    def _put_off(self, one: Leased, reason: str, *, soon: bool = False) -> None:
        now = self._clock()
        if now - one.due_at > GIVEN_UP_AFTER:
            self._settle(one, State.FAILED, f"not accepted within a day: {reason}")
            return
        wait = UNREACHABLE_FOR if soon else wait_after(one.attempts + 1, spread=random.random())  # noqa: S311
        outbox.put_off(one.id, owner=self._owner, reason=reason, until=now + wait)
        self._counts["put off"] += 1

    def _settle(self, one: Leased, state: State, reason: str) -> None:
        outbox.settle(one.id, owner=self._owner, state=state, reason=reason)
        self._counts[str(state)] += 1


def _brake(name: str, reason: str, now: datetime, duration: timedelta) -> None:
    Brake.objects.update_or_create(name=name, defaults={"since": now, "until": now + duration, "reason": reason})


def release_brake(*, name: str = LINE) -> None:
    """Let mail go again. Idempotent."""
    Brake.objects.filter(name=name).delete()
