"""Sends what is waiting: leases some mails, makes them, hands them over, and notes how each of them went.

For each mail: offer all but the final dot, commit `sending` with the lease's owner as a fence, the dot, commit `sent`.
A worker may be killed anywhere. Before `sending` is committed nothing was delivered, and the lease runs out; after it,
only the mail whose answer had not come is in doubt.

Nobody waits where something can be done: while the server takes in one mail, the next is offered over a second
connection, and while Postgres commits that the one was taken and the other may go, the one after it is made. There is
never more than one mail between its dot and its answer.
"""

from __future__ import annotations

import logging
import random
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from digests.content.fragments import FragmentCache
from digests.content.messages import BatchContext, EmptyMailError, LeasedDelivery, build_message, load_batch_context
from digests.models import SendingPause, Suppression
from digests.models.delivery import DeliveryState
from digests.models.send_limits import ALL_MAIL
from digests.services import outbox
from digests.services.send_rate import take_send_tokens
from digests.wire.mime import ascii_address
from digests.wire.replies import GIVE_UP_AFTER, SmtpOutcome, SmtpStep, classify_reply, retry_delay
from digests.wire.smtp import SmtpConnectionLostError, SmtpError
from digests.wire.transports import Transport, open_transport
from papers.services.operations.installation import group_settings

logger = logging.getLogger(__name__)

RUN_SECONDS = 50.0
STOPPED_FOR = timedelta(hours=1)
DOMAIN_PAUSED_FOR = timedelta(minutes=15)
UNREACHABLE_FOR = timedelta(minutes=1)
# A server that refuses so many mails in a row, for whatever reason, means us.
REFUSALS_IN_A_ROW = 5


@dataclass(frozen=True, slots=True)
class SendingResult:
    """How a run went: outcome → mails."""

    counts: Counter[str]
    stopped: str = ""
    """Why nothing is sent at the moment; empty: all that was waiting is done, or time was up."""


class SendingStoppedError(Exception):
    """Nothing more is to be sent now."""


def sending_blocked_reason(*, now: datetime) -> str:
    """What keeps all mail back, in words for the operator; empty: nothing. One query."""
    if settings.MAIL_IS_SENT and settings.SITE.is_loopback:
        return "The links in mails would lead nowhere: set BROADSHEET_SITE_URL to the address that readers type."
    brake = SendingPause.objects.on(now).filter(name=ALL_MAIL).first()
    return brake.reason if brake else ""


def send_waiting(
    *,
    clock: Callable[[], datetime] = timezone.now,
    transport: Transport | None = None,
    seconds: float = RUN_SECONDS,
    enqueue_another: Callable[[], None] = lambda: None,
) -> SendingResult:
    """Send until nothing is waiting, something stops it, or `seconds` are over.

    `call_another` is called whenever there is more to do than this sender has taken.
    """
    run = _Run(clock, transport, seconds, enqueue_another)
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


@dataclass(slots=True)
class _UnderWay:
    """A mail that was offered, and whose mark is on its way to Postgres."""

    one: LeasedDelivery
    transport: Transport
    mark: outbox.Mark
    has_dot: bool = False


class _Run:
    """One worker's turn."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        transport: Transport | None,
        seconds: float,
        enqueue_another: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._transports = deque([transport] if transport is not None else [])
        self._under_way: _UnderWay | None = None
        self._call_another = enqueue_another
        self._ends_at = time.monotonic() + seconds
        self._owner = secrets.token_hex(12)
        self._parts = FragmentCache(group=group_settings().name, now=clock())
        self._counts: Counter[str] = Counter()
        self._refusals = 0

    def go(self) -> SendingResult:
        stopped = ""
        try:
            while not stopped and time.monotonic() < self._ends_at:
                stopped = sending_blocked_reason(now=self._clock())
                if stopped or not self._send_some():
                    break
        except SendingStoppedError as error:
            stopped = str(error)
        finally:
            self._take_back()
            for transport in self._transports:
                transport.quit()
            outbox.release_leases(owner=self._owner)
        return SendingResult(self._counts, stopped)

    def _send_some(self) -> bool:
        """Send one lease; False when nothing is waiting."""
        now = self._clock()
        paused_domains = SendingPause.objects.on(now).exclude(name=ALL_MAIL).values_list("name", flat=True)
        count = take_send_tokens(outbox.BATCH, now=now)
        leased = (
            outbox.lease(owner=self._owner, count=count, now=now, paused_domains=list(paused_domains)) if count else []
        )
        if not leased:
            return False
        if len(leased) == outbox.BATCH:
            self._call_another()
        batch = load_batch_context(leased, parts=self._parts)
        renewed_at = time.monotonic()
        for one in leased:
            if time.monotonic() > self._ends_at:
                break
            if time.monotonic() - renewed_at > outbox.LEASE.total_seconds() / 3:
                self._end()
                outbox.renew_leases(owner=self._owner, now=self._clock())
                renewed_at = time.monotonic()
            self._send(one, batch)
        self._end()
        return True

    def _send(self, one: LeasedDelivery, batch: BatchContext) -> None:
        """Offer a mail, and begin to mark it; the one before it gets its dot meanwhile, and is heard of."""
        made, failure = None, (DeliveryState.FAILED, "")
        try:
            made = build_message(one, batch, now=self._clock())
        except EmptyMailError as error:
            failure = DeliveryState.SKIPPED, str(error)
        except ValueError as error:
            failure = DeliveryState.FAILED, str(error)
        self._dot()
        if made is None:
            self._end()
            self._settle(one, *failure)
            return
        self._hand_over(one, *made)

    def _hand_over(self, one: LeasedDelivery, content_spec: str, message: bytes) -> None:
        transport = self._next_transport()
        if self._under_way is not None and self._under_way.transport is transport:
            self._end()
        try:
            transport.offer(recipient=ascii_address(one.email), message=message, key=one.key)
        except (SmtpError, SmtpConnectionLostError) as error:
            self._end()
            at_connect = (
                error.at_connect if isinstance(error, SmtpConnectionLostError) else error.step is SmtpStep.CONNECT
            )
            if at_connect and len(self._transports) > 1:
                # There are servers that take one connection from one machine.
                self._transports.remove(transport)
                self._hand_over(one, content_spec, message)
            else:
                self._not_offered(one, error)
        else:
            before = self._taken()
            sent = before.id if before is not None else None
            mark = outbox.mark_sending(
                one.id, owner=self._owner, content_spec=content_spec, now=self._clock(), sent=sent
            )
            self._under_way = _UnderWay(one, transport, mark)

    def _not_offered(self, one: LeasedDelivery, error: SmtpError | SmtpConnectionLostError) -> None:
        if isinstance(error, SmtpError):
            self._refused(one, error)
        else:
            self._lost(one, error)

    def _next_transport(self) -> Transport:
        """Where there are two, not the one over which a mail is under way. Opened when the first mail needs them."""
        if not self._transports:
            self._transports.extend([open_transport(), open_transport()])
        self._transports.rotate()
        return self._transports[0]

    def _dot(self) -> None:
        """Send the dot of the mail under way, if its mark holds."""
        mail = self._under_way
        if mail is None or mail.has_dot:
            return
        if not mail.mark.holds():
            self._under_way = None
            mail.transport.abandon()
            self._counts["taken over"] += 1
            return
        mail.has_dot = True
        try:
            mail.transport.dot()
        except SmtpConnectionLostError as error:
            self._under_way = None
            self._lost(mail.one, error)

    def _taken(self) -> LeasedDelivery | None:
        """The mail under way once the server has it; what it did not take is put off or settled."""
        mail, self._under_way = self._under_way, None
        if mail is None:
            return None
        try:
            mail.transport.answer()
        except SmtpError as error:
            self._refused(mail.one, error)
        except SmtpConnectionLostError as error:
            self._lost(mail.one, error)
        else:
            self._counts["sent"] += 1
            self._refusals = 0
            return mail.one
        return None

    def _take_back(self) -> None:
        """When something else fails: the mail under way was not handed over, if it has no dot."""
        mail = self._under_way
        if mail is not None and not mail.has_dot and mail.mark.holds():
            reason = "the worker ended before it was handed over"
            outbox.schedule_retry(mail.one.id, owner=self._owner, reason=reason, until=self._clock())

    def _end(self) -> None:
        """See the mail under way through, and mark it."""
        self._dot()
        if (mail := self._taken()) is not None:
            outbox.mark_sent(mail.id, owner=self._owner, now=self._clock())

    def _refused(self, one: LeasedDelivery, error: SmtpError) -> None:
        outcome = classify_reply(error.reply, error.step)
        reason = f"{error.step}: {error.reply}"
        if outcome is SmtpOutcome.REFUSED:
            self._refusals += 1
            if self._refusals >= REFUSALS_IN_A_ROW:
                outcome = SmtpOutcome.STOP
        if outcome is SmtpOutcome.GONE:
            outbox.suppress_address(one.email, reason=Suppression.Reason.BOUNCED, detail=reason)
        if outcome in (SmtpOutcome.GONE, SmtpOutcome.REFUSED):
            self._settle(one, DeliveryState.FAILED, reason)
            return
        if outcome is SmtpOutcome.PAUSE_DOMAIN:
            _brake(one.email.rpartition("@")[2].lower(), reason, self._clock(), DOMAIN_PAUSED_FOR)
        self._put_off(one, reason)
        if outcome is SmtpOutcome.STOP:
            _brake(ALL_MAIL, f"The mail server refuses us: {reason}", self._clock(), STOPPED_FOR)
            logger.error("Stopped sending for an hour: %s", reason)
            raise SendingStoppedError(reason)
        if error.step is SmtpStep.CONNECT or error.reply.code == 421:
            raise SendingStoppedError(reason)

    def _lost(self, one: LeasedDelivery, error: SmtpConnectionLostError) -> None:
        reason = str(error)
        if error.in_doubt and settings.MAIL_IN_DOUBT == "skip":
            self._settle(one, DeliveryState.UNKNOWN, f"the server did not answer: {reason}")
            return
        self._put_off(one, reason, soon=error.in_doubt)
        if not error.in_doubt:
            self._connection_failures()

    def _connection_failures(self) -> None:
        """One lost connection is opened again; a server that is away is left in peace until the next run."""
        self._counts["lost connections"] += 1
        if self._counts["lost connections"] >= REFUSALS_IN_A_ROW:
            raise SendingStoppedError("the mail server can't be reached")

    def _put_off(self, one: LeasedDelivery, reason: str, *, soon: bool = False) -> None:
        now = self._clock()
        if now - one.due_at > GIVE_UP_AFTER:
            self._settle(one, DeliveryState.FAILED, f"not accepted within a day: {reason}")
            return
        wait = UNREACHABLE_FOR if soon else retry_delay(one.attempts + 1, spread=random.random())  # noqa: S311
        outbox.schedule_retry(one.id, owner=self._owner, reason=reason, until=now + wait)
        self._counts["put off"] += 1

    def _settle(self, one: LeasedDelivery, state: DeliveryState, reason: str) -> None:
        outbox.end_unsent(one.id, owner=self._owner, state=state, reason=reason)
        self._counts[str(state)] += 1


def _brake(name: str, reason: str, now: datetime, duration: timedelta) -> None:
    SendingPause.objects.update_or_create(name=name, defaults={"since": now, "until": now + duration, "reason": reason})


def release_brake(*, name: str = ALL_MAIL) -> None:
    """Let mail go again. Idempotent."""
    SendingPause.objects.filter(name=name).delete()
