"""Sends the mails of journal clubs, each once: the rows of `ClubMail` are the truth, a worker may be killed anywhere.

A mail is leased, made and stored, its body handed over; `sending` is committed, and only then its data ends. Until
that commit nothing was delivered. After it, a mail whose reply never came is repeated, the same to the byte and with
the same Message-ID, or with BROADSHEET_MAIL_IN_DOUBT=skip left as perhaps sent: as digests are (docs/mail.md).
"""

from __future__ import annotations

import logging
import secrets
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from digests.content.club_messages import build_club_message, club_key
from digests.models import ClubMail, Suppression
from digests.models.mail_keys import digest_of_key
from digests.models.send_limits import ALL_MAIL
from digests.services.club_mail_plan import facts_of
from digests.services.outbox import suppress_address
from digests.services.send_rate import take_send_tokens
from digests.services.sending import DOMAIN_PAUSED_FOR, STOPPED_FOR
from digests.services.sending_pauses import pause_sending, paused_domains, sending_blocked_reason
from digests.wire.mime import ascii_address
from digests.wire.replies import SmtpOutcome, classify_reply
from digests.wire.smtp import SmtpConnectionLostError, SmtpError
from digests.wire.transports import Transport, open_transport
from papers.models import ClubMember
from papers.retry import RetrySchedule, minutes
from papers.services.accounts.email_addresses import has_confirmed_address

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=3)
SENDING_LEASE = timedelta(minutes=11)
RETRIES = RetrySchedule(minutes(1, 5, 15, 60, 240), gives_up=False)
BUDGET_SECONDS = 45.0
_State = ClubMail.State


class _StopSendingError(Exception):
    """The server is away or refuses us: the others wait for the next run."""


def send_due_club_mail(*, now: datetime, transport: Transport | None = None) -> int:
    """Send the mails that are due; returns how many left. Two workers never send the same.

    `transport` None: as the settings say.
    """
    if sending_blocked_reason(now=now) or not ClubMail.objects.due(now).exists():
        return 0
    over, began, sent = transport or open_transport(), time.monotonic(), 0
    try:
        while time.monotonic() - began < BUDGET_SECONDS and (mail := _take(now)) is not None:
            sent += _deliver(mail, over, now)
    except _StopSendingError as error:
        logger.warning("Mail of journal clubs waits: %s", error)
    finally:
        over.quit()
    return sent


def _take(now: datetime) -> ClubMail | None:
    """Lease the next mail that is still wanted; None where none may be sent now."""
    while True:
        with transaction.atomic():
            due = ClubMail.objects.due(now).select_for_update(skip_locked=True, of=("self",))
            for domain in paused_domains(now=now):
                due = due.exclude(user__email__iendswith=f"@{domain}")
            mail = due.select_related("meeting__club", "user").first()
            if mail is None:
                return None
            if reason := _unwanted(mail, now):
                _settle(mail, _State.CANCELLED, reason)
                continue
            if mail.state == _State.SENDING and settings.MAIL_IN_DOUBT == "skip":
                _settle(mail, _State.UNKNOWN, "its worker ended before the server had answered")
                continue
            if not take_send_tokens(1, now=now):
                return None
            mail.lease, mail.not_before = secrets.token_hex(12), now + LEASE
            # One that was perhaps handed over stays so: it must be repeated as it was.
            mail.state = mail.state if mail.state == _State.SENDING else _State.LEASED
            mail.save(update_fields=["lease", "not_before", "state"])
        return mail


def _unwanted(mail: ClubMail, now: datetime) -> str:
    """Why a mail is not to be sent any more; empty: it is."""
    member = ClubMember.objects.filter(club=mail.meeting.club_id, user=mail.user_id).first()
    if member is None or not member.wants_mail:
        return "left the club or its mails"
    if not mail.user.is_active or not has_confirmed_address(mail.user):
        return "the account is suspended, or its address is not confirmed"
    refused = Suppression.objects.of(mail.user.email).exclude(reason=Suppression.Reason.UNSUBSCRIBED)
    if refused.exists():
        return "no mail to this address"
    return "the meeting is over" if mail.meeting.ends_at <= now else ""


def _deliver(mail: ClubMail, transport: Transport, now: datetime) -> int:
    """The way of one mail; 1 where it was sent."""
    if not mail.message:
        _compose(mail, now)
    try:
        recipient = ascii_address(mail.user.email)
        transport.send_body(recipient=recipient, message=mail.message.encode("ascii"), name=f"club-{mail.uid.hex}")
        if not _mark_sending(mail, now):
            transport.abandon()
            return 0
        transport.end_data()
        transport.read_reply()
    except ValueError as error:  # no server takes this address
        _settle(mail, _State.FAILED, str(error))
        return 0
    except SmtpError as error:
        _refused(mail, error, now)
        return 0
    except SmtpConnectionLostError as error:
        _connection_lost(mail, error, now)
        raise _StopSendingError(str(error)) from error
    return int(_settle(mail, _State.SENT, "", sent_at=now))


def _compose(mail: ClubMail, now: datetime) -> None:
    """Make the mail of what holds now, and store it before anybody can have it."""
    facts, earlier = facts_of(mail.meeting), _told_before(mail)
    key = club_key(mail)
    message = build_club_message(mail, told=earlier, key=key, now=now).decode("ascii")
    mail.facts, mail.message, mail.key_digest = facts, message, digest_of_key(key)
    ClubMail.objects.filter(pk=mail.pk, lease=mail.lease).update(
        facts=facts, message=message, key_digest=mail.key_digest
    )


def _told_before(mail: ClubMail) -> dict[str, object]:
    """What the last mail about this meeting told its reader; empty: none did."""
    told = ClubMail.objects.filter(meeting=mail.meeting_id, user=mail.user_id, state__in=ClubMail.TOLD)
    last = told.exclude(pk=mail.pk).order_by("-pk").first()
    return last.facts if last else {}


def _mark_sending(mail: ClubMail, now: datetime) -> bool:
    """Commit that the server is about to have it. False: the lease ran out, and it is another worker's."""
    mine = ClubMail.objects.filter(pk=mail.pk, lease=mail.lease, state__in=ClubMail.OPEN)
    mail.attempts += 1
    return bool(mine.update(state=_State.SENDING, attempts=mail.attempts, not_before=now + SENDING_LEASE))


def _settle(mail: ClubMail, state: ClubMail.State, reason: str, **changes: object) -> bool:
    """Write how it went, unless another worker has taken over since. What it was made of goes, but of one in doubt."""
    mine = ClubMail.objects.filter(pk=mail.pk, lease=mail.lease)
    if state != _State.UNKNOWN:
        changes = {"message": "", **changes}
    return bool(mine.update(state=state, reason=reason, lease="", **changes))


def _put_off(mail: ClubMail, reason: str, now: datetime, *, in_doubt: bool = False) -> None:
    """Try again later: the same mail where it may have arrived, else one of what holds then."""
    pause = RETRIES.pause_after(mail.attempts + 1) or timedelta(hours=4)
    kept = {"message": mail.message} if in_doubt else {}
    _settle(mail, _State.WAITING, reason, not_before=now + pause, attempts=mail.attempts + 1, **kept)


def _refused(mail: ClubMail, error: SmtpError, now: datetime) -> None:
    """Do what the server's refusal asks for.

    Raises:
        _StopSendingError: it is about more than this mail.
    """
    reason, outcome = str(error), classify_reply(error.reply, error.step)
    if outcome in (SmtpOutcome.GONE, SmtpOutcome.REFUSED):
        if outcome is SmtpOutcome.GONE:
            suppress_address(mail.user.email, reason=Suppression.Reason.BOUNCED, detail=reason)
        _settle(mail, _State.FAILED, reason)
        return
    if outcome is SmtpOutcome.PAUSE_DOMAIN:
        domain = mail.user.email.rpartition("@")[2].lower()
        pause_sending(domain, reason=reason, now=now, duration=DOMAIN_PAUSED_FOR)
    _put_off(mail, reason, now)
    if outcome is SmtpOutcome.STOP:
        refusal = f"The mail server refuses us: {reason}"
        pause_sending(ALL_MAIL, reason=refusal, now=now, duration=STOPPED_FOR)
    if outcome is SmtpOutcome.STOP or error.at_connect or error.reply.code == 421:
        raise _StopSendingError(reason)


def _connection_lost(mail: ClubMail, error: SmtpConnectionLostError, now: datetime) -> None:
    if error.in_doubt and settings.MAIL_IN_DOUBT == "skip":
        _settle(mail, _State.UNKNOWN, f"the server did not answer: {error}")
    else:
        _put_off(mail, str(error), now, in_doubt=error.in_doubt)


def member_of_key(key: str) -> ClubMember | None:
    """Whose way out of a club's mail a key is; None where it is nobody's, or they have left the club. Two queries."""
    mail = ClubMail.objects.select_related("meeting").filter(key_digest=digest_of_key(key)).first()
    if mail is None:
        return None
    found = ClubMember.objects.select_related("club", "user").filter(club=mail.meeting.club_id, user=mail.user_id)
    return found.first()
