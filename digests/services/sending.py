"""Sends what is waiting: leases some mails, makes them, hands them over, and writes how each of them went.

For each mail, in `_deliver`: its body is sent, `sending` is committed with the lease's owner as a fence, the end of the
data is sent, the server's reply is read, `sent` is committed. A worker may be killed anywhere. Before `sending` is
committed nothing was delivered, and the lease runs out; after it, only the mail whose reply had not come is in doubt.

That this goes over two connections at once is `digests.services.pipeline`'s affair.
"""

from __future__ import annotations

import logging
import random
import secrets
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from digests.content.fragments import FragmentCache
from digests.content.messages import BatchContext, EmptyMailError, LeasedDelivery, build_message, load_batch_context
from digests.models import Suppression
from digests.models.delivery import DeliveryState
from digests.models.send_limits import ALL_MAIL
from digests.services import outbox
from digests.services.delivery_marks import DeliveryMarks
from digests.services.mail_keys import store_new_keys
from digests.services.pipeline import MailSteps, Pipeline, Step
from digests.services.send_rate import take_send_tokens
from digests.services.sending_pauses import pause_sending, paused_domains, sending_blocked_reason
from digests.wire.mime import ascii_address
from digests.wire.replies import SmtpOutcome, classify_reply
from digests.wire.smtp import SmtpConnectionLostError, SmtpError
from digests.wire.transports import Transport
from papers.retry import RetrySchedule, minutes
from papers.services.operations.installation import group_settings

logger = logging.getLogger(__name__)

RUN_SECONDS = 50.0
STOPPED_FOR = timedelta(hours=1)
DOMAIN_PAUSED_FOR = timedelta(minutes=15)
IN_DOUBT_PAUSE = timedelta(minutes=1)
RETRIES = RetrySchedule(minutes(1, 5, 15, 60, 240), gives_up=False, jitter=(0.8, 1.2))
GIVE_UP_AFTER = timedelta(hours=24)
# A server that refuses this many mails in a row, for whatever reason, means us; and one that hangs up as often is away.
MAX_REFUSALS_IN_A_ROW = 5


@dataclass(frozen=True, slots=True)
class SendingResult:
    """How a run went."""

    counts: Counter[str]
    """Outcome (`sent`, `put off`, `taken over`, `lost connections` or an end state) → mails."""
    stopped: str = ""
    """Why nothing is sent at the moment; empty: all that was waiting is done, or time was up."""


class SendingStoppedError(Exception):
    """Nothing more is to be sent in this run; says why."""


def send_waiting(
    *,
    clock: Callable[[], datetime] = timezone.now,
    transport: Transport | None = None,
    max_seconds: float = RUN_SECONDS,
    enqueue_another: Callable[[], None] = lambda: None,
) -> SendingResult:
    """Send until nothing is waiting, something stops it, or `max_seconds` are over; how many mails went how.

    Args:
        clock: gives the present, in UTC.
        transport: the only connection; None: as the settings say.
        max_seconds: less than a lease, which is not renewed.
        enqueue_another: called whenever there is more to do than this sender has taken.
    """
    run = _Run(clock, transport, max_seconds, enqueue_another)
    with _commits_as_policy_allows():
        return run.send_all()


@contextmanager
def _commits_as_policy_allows() -> Iterator[None]:
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
    """One worker's run."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        transport: Transport | None,
        max_seconds: float,
        enqueue_another: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._enqueue_another = enqueue_another
        self._ends_at = time.monotonic() + max_seconds
        self._owner = secrets.token_hex(12)
        self._marks = DeliveryMarks(owner=self._owner, clock=clock)
        self._pipeline = Pipeline(transport, write_sent=self._marks.flush)
        self._fragments = FragmentCache(group=group_settings().name, now=clock())
        self._counts: Counter[str] = Counter()
        self._refusals = 0

    def send_all(self) -> SendingResult:
        stopped = ""
        try:
            while not stopped and time.monotonic() < self._ends_at:
                stopped = sending_blocked_reason(now=self._clock())
                if stopped or not self._send_batch():
                    break
        except SendingStoppedError as error:
            stopped = str(error)
        finally:
            self._pipeline.quit()
            outbox.release_leases(owner=self._owner)
        return SendingResult(self._counts, stopped)

    def _send_batch(self) -> bool:
        """Lease some mails and send them; False when nothing is waiting."""
        leased = self._lease()
        if len(leased) == outbox.BATCH:
            self._enqueue_another()
        if leased:
            batch = load_batch_context(leased, fragments=self._fragments)
            store_new_keys(batch.new_keys)
            self._pipeline.run(self._deliver(one, batch) for one in self._while_time_is_left(leased))
        return bool(leased)

    def _lease(self) -> list[LeasedDelivery]:
        now = self._clock()
        paused = paused_domains(now=now)
        count = take_send_tokens(outbox.BATCH, now=now)
        return outbox.lease(owner=self._owner, count=count, now=now, paused_domains=paused) if count else []

    def _while_time_is_left(self, leased: Sequence[LeasedDelivery]) -> Iterator[LeasedDelivery]:
        for one in leased:
            if time.monotonic() > self._ends_at:
                return
            yield one

    def _deliver(self, one: LeasedDelivery, batch: BatchContext) -> MailSteps:
        """The way of one mail. Where it would wait it yields, and `Pipeline` goes on with another meanwhile."""
        try:
            content_spec, message = build_message(one, batch, now=self._clock())
        except (EmptyMailError, ValueError) as error:
            yield Step.ALONE
            state = DeliveryState.SKIPPED if isinstance(error, EmptyMailError) else DeliveryState.FAILED
            self._end_unsent(one, state, str(error))
            return
        yield Step.BUILT
        transport = yield from self._send_body(one, message)
        if transport is None:
            return
        yield Step.BODY_SENT
        mark = self._marks.sending(one.id, content_spec=content_spec)
        try:
            yield Step.SENDING
        except GeneratorExit:  # something else has failed
            if mark.holds():
                self._schedule_retry_now(one, "the worker ended before it was handed over")
            raise
        if not mark.holds():
            transport.abandon()
            self._counts["taken over"] += 1
            return
        try:
            transport.end_data()
            yield Step.DATA_ENDED
            transport.read_reply()
        except (SmtpError, SmtpConnectionLostError) as error:
            self._not_sent(one, error)
            return
        self._marks.sent(one.id)
        self._counts["sent"] += 1
        self._refusals = 0

    def _send_body(self, one: LeasedDelivery, message: bytes) -> Generator[Step, None, Transport | None]:
        """Send all of a mail but the end of its data; the connection over which it went, None where it was refused."""
        while True:
            transport = self._pipeline.connection()
            try:
                transport.send_body(recipient=ascii_address(one.email), message=message, name=one.name)
            except (SmtpError, SmtpConnectionLostError) as error:
                yield Step.ALONE
                # There are servers that take one connection from one machine.
                if not (error.at_connect and self._pipeline.drop(transport)):
                    self._not_sent(one, error)
                    return None
            else:
                return transport

    def _not_sent(self, one: LeasedDelivery, error: SmtpError | SmtpConnectionLostError) -> None:
        if isinstance(error, SmtpError):
            self._refused(one, error)
        else:
            self._connection_lost(one, error)

    def _refused(self, one: LeasedDelivery, error: SmtpError) -> None:
        """Do what the server's refusal asks for; raises SendingStoppedError where it is about more than this mail."""
        reason = str(error)
        outcome = self._outcome(error)
        if outcome is SmtpOutcome.GONE:
            outbox.suppress_address(one.email, reason=Suppression.Reason.BOUNCED, detail=reason)
        if outcome in (SmtpOutcome.GONE, SmtpOutcome.REFUSED):
            self._end_unsent(one, DeliveryState.FAILED, reason)
            return
        if outcome is SmtpOutcome.PAUSE_DOMAIN:
            domain = one.email.rpartition("@")[2].lower()
            pause_sending(domain, reason=reason, now=self._clock(), duration=DOMAIN_PAUSED_FOR)
        is_about_us = outcome is SmtpOutcome.STOP or error.at_connect or error.reply.code == 421
        self._schedule_retry(one, reason, counts=not is_about_us)
        if outcome is SmtpOutcome.STOP:
            refusal = f"The mail server refuses us: {reason}"
            pause_sending(ALL_MAIL, reason=refusal, now=self._clock(), duration=STOPPED_FOR)
            logger.error("Stopped sending for an hour: %s", reason)
        if is_about_us:
            raise SendingStoppedError(reason)

    def _outcome(self, error: SmtpError) -> SmtpOutcome:
        outcome = classify_reply(error.reply, error.step)
        if outcome is not SmtpOutcome.REFUSED:
            return outcome
        self._refusals += 1
        return SmtpOutcome.STOP if self._refusals >= MAX_REFUSALS_IN_A_ROW else outcome

    def _connection_lost(self, one: LeasedDelivery, error: SmtpConnectionLostError) -> None:
        """Have the mail sent again, unless it may have arrived and must not arrive twice.

        One lost connection is opened again; a server that is away is left in peace until the next run.
        """
        reason = str(error)
        if error.in_doubt and settings.MAIL_IN_DOUBT == "skip":
            self._end_unsent(one, DeliveryState.UNKNOWN, f"the server did not answer: {reason}")
        elif error.in_doubt:
            self._schedule_retry(one, reason, pause=IN_DOUBT_PAUSE)
        else:
            self._schedule_retry(one, reason)
            self._counts["lost connections"] += 1
            if self._counts["lost connections"] >= MAX_REFUSALS_IN_A_ROW:
                raise SendingStoppedError("the mail server can't be reached")

    def _schedule_retry(
        self, one: LeasedDelivery, reason: str, *, pause: timedelta | None = None, counts: bool = False
    ) -> None:
        """Try again after `pause`, or as long as its attempts ask for; a day after it was due it has failed.

        `counts`: the server has answered about this mail, so it was an attempt, wherever it ended.
        """
        now = self._clock()
        pause = pause or RETRIES.pause_after(one.attempts + 1, spread=random.random())  # noqa: S311
        if pause is None or now - one.due_at > GIVE_UP_AFTER:
            self._end_unsent(one, DeliveryState.FAILED, f"not accepted within a day: {reason}")
            return
        outbox.schedule_retry(one.id, owner=self._owner, reason=reason, until=now + pause, counts=counts)
        self._counts["put off"] += 1

    def _schedule_retry_now(self, one: LeasedDelivery, reason: str) -> None:
        outbox.schedule_retry(one.id, owner=self._owner, reason=reason, until=self._clock())

    def _end_unsent(self, one: LeasedDelivery, state: DeliveryState, reason: str) -> None:
        outbox.end_unsent(one.id, owner=self._owner, state=state, reason=reason)
        self._counts[str(state)] += 1
