"""How much mail strangers may have sent to one mailbox: three in 24 hours, from all forms together.

Counted in Postgres, in the statement that decides, so it holds without a cache and for many at once. Two of the three
are for whatever was asked for; the third only for a link to a new password. So nobody shuts the owner of an account
out by filling in forms: one such mail gets through each day, and its link works whoever asked for it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from django.db import connection
from django.utils.crypto import salted_hmac

from papers.models import MailAllowance
from papers.text.mailboxes import mailbox_key

PERIOD = timedelta(days=1)
MOST = 3
"""Mails to one mailbox in a period."""
MOST_OF_OTHERS = 2
"""How many of them may be other than links to a new password."""

_TAKE = """
    INSERT INTO papers_mailallowance AS known (mailbox_digest, sent_at, last_at)
    VALUES (%(mailbox)s, ARRAY[%(now)s::timestamptz], %(now)s)
    ON CONFLICT (mailbox_digest) DO UPDATE SET
        sent_at = ARRAY(SELECT at FROM unnest(known.sent_at) AS at WHERE at > %(since)s) || excluded.sent_at,
        last_at = excluded.last_at
    WHERE (SELECT count(*) FROM unnest(known.sent_at) AS at WHERE at > %(since)s) < %(most)s
    RETURNING 1
"""
_GIVE_BACK = "UPDATE papers_mailallowance SET sent_at = array_remove(sent_at, %s) WHERE mailbox_digest = %s"


class MailKind(StrEnum):
    """Who has a mail sent, and for what."""

    RESET = "reset"
    """A stranger's, with a link to a new password."""
    OTHER = "other"
    """Any other that a stranger has sent."""
    INVITATION = "invitation"
    """A curator's, counted apart: no stranger's forms hold it up."""
    NEW_DEVICE = "new device"
    """Tells an account of a sign-in; counted apart, so that neither forms nor sign-ins hold up the other."""


_COUNTED_BY = {MailKind.INVITATION: "curators", MailKind.NEW_DEVICE: "devices"}


def take_allowance(*, address: str, now: datetime, kind: MailKind = MailKind.OTHER) -> bool:
    """Whether one more mail may be sent to `address`; if so, it is counted. One statement."""
    most = MOST_OF_OTHERS if kind is MailKind.OTHER else MOST
    values: dict[str, str | int | datetime] = {"mailbox": _digest(address, kind), "most": most}
    values |= {"now": now, "since": now - PERIOD}
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
        return cursor.fetchone() is not None


def give_back_allowance(*, address: str, taken_at: datetime, kind: MailKind = MailKind.OTHER) -> None:
    """Uncount a mail that did not leave."""
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_BACK, [taken_at, _digest(address, kind)])


def delete_old_allowances(*, now: datetime) -> int:
    """Delete what no longer counts; how many rows."""
    return MailAllowance.objects.filter(last_at__lt=now - PERIOD).delete()[0]


def _digest(address: str, kind: MailKind) -> str:
    by = _COUNTED_BY.get(kind, "strangers")
    return salted_hmac(f"papers.mail-allowance.{by}", mailbox_key(address), algorithm="sha256").hexdigest()
