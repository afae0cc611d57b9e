"""Whose key it is, and the keys to give out: digests are stored before a key leaves, and old ones are kept.

`digests.models.mail_keys` says how keys are made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import Model, QuerySet

from digests.content.keys import KeyRing, NewKey, row_of_mail
from digests.models import Delivery, FormerKey, Schedule, Subscriber, Subscription
from digests.models.delivery import DELIVERY_RETENTION
from digests.models.mail_keys import KeyPurpose, digest_of_key

Row = TypeVar("Row", bound=Model)

_PURPOSES: dict[type[Model], tuple[KeyPurpose, str]] = {
    Subscriber: (KeyPurpose.READER, "pk"),
    Schedule: (KeyPurpose.SCHEDULE, "subscriber"),
    Subscription: (KeyPurpose.SUBSCRIPTION, "schedule__subscriber"),
    Delivery: (KeyPurpose.MAIL, "subscriber"),
}
"""What the key of a row opens, and the way from it to its reader."""


def find_by_key(found: QuerySet[Row], key: str) -> Row | None:
    """The row among `found` that a key belongs to, also one from an earlier mail; None for others.

    One query, and two more for a key that was not in the last mail.
    """
    purpose, reader = _PURPOSES[found.model]
    digest = digest_of_key(key)
    row = found.filter(key_digest=digest).first()
    if row is None:
        former = FormerKey.objects.filter(digest=digest, purpose=purpose).first()
        if former is not None:
            row = found.filter(pk=former.row_id).filter(**{reader: former.subscriber_id}).first()
    return row


def key_of_reader(subscriber: Subscriber) -> str:
    """The key to a reader's preferences, to be shown to that reader. No query, but when it is given the first time."""
    ring = KeyRing()
    key = ring.key(
        KeyPurpose.READER, subscriber.pk, subscriber_id=subscriber.pk, nonce=subscriber.key_nonce,
        stored=subscriber.key_digest,
    )  # fmt: skip
    store_new_keys(ring.new)
    return key


def keys_of_mails(mails: Sequence[Delivery], *, reader: Subscriber) -> list[str]:
    """The keys to the pages of mails of one reader. No query, but for mails whose keys were another SECRET_KEY's."""
    ring = KeyRing()
    keys = [
        ring.key(
            KeyPurpose.MAIL, mail.pk, subscriber_id=reader.pk, nonce=reader.key_nonce, stored=mail.key_digest,
            row=row_of_mail(mail.schedule_id, mail.period_on),
        )
        for mail in mails
    ]  # fmt: skip
    store_new_keys(ring.new)
    return keys


# The rows are locked in order, and looked at again once they are ours: two senders may store the same.
_STORE = """
    WITH asked AS (
        SELECT * FROM unnest(%(ids)s::bigint[], %(readers)s::bigint[], %(digests)s::bytea[])
            AS asked (id, subscriber_id, digest)
    ), old AS MATERIALIZED (
        SELECT known.id, known.key_digest, asked.subscriber_id, asked.digest
        FROM {table} known JOIN asked ON asked.id = known.id
        WHERE known.key_digest IS DISTINCT FROM asked.digest
        ORDER BY known.id FOR NO KEY UPDATE OF known
    ), kept AS (
        INSERT INTO digests_formerkey (digest, subscriber_id, purpose, row_id)
        SELECT key_digest, subscriber_id, %(purpose)s, id FROM old WHERE key_digest IS NOT NULL
        ON CONFLICT DO NOTHING
    )
    UPDATE {table} known SET key_digest = old.digest FROM old WHERE known.id = old.id
"""


def store_new_keys(keys: Iterable[NewKey]) -> None:
    """Have keys open their rows from now on, beside those that open them already. Idempotent.

    One statement for each kind of rows, none for none. On the disk before it returns, whatever the connection says of
    other commits: the mail that has the key can't be taken back.
    """
    wanted: dict[KeyPurpose, dict[int, NewKey]] = {}
    for one in keys:
        wanted.setdefault(one.purpose, {})[one.row_id] = one
    for model, (purpose, _) in _PURPOSES.items():
        if rows := wanted.get(purpose, {}).values():
            parameters: dict[str, Any] = {
                "purpose": purpose.value,
                "ids": [one.row_id for one in rows],
                "readers": [one.subscriber_id for one in rows],
                "digests": [one.digest for one in rows],
            }
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit TO on")
                cursor.execute(_STORE.format(table=model._meta.db_table), parameters)


def delete_expired_mail_keys(*, now: datetime) -> int:
    """Delete former keys of mails that are past their retention, and are gone with it; returns how many."""
    old = FormerKey.objects.filter(purpose=KeyPurpose.MAIL, created_at__lt=now - DELIVERY_RETENTION)
    return old.delete()[0]
