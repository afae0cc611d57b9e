"""The marks `sending` and `sent` of one worker's mails: two of them in one statement, under way while others work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from digests.services import outbox
from digests.services.async_statement import AsyncStatement

# `$5` is the mail before this one, which the server has taken; NULL where there is none.
_SENDING = """
    WITH before AS (
        UPDATE digests_delivery SET state = 'sent', sent_at = $4, owner = '', leased_until = NULL, content_spec = '',
            reason = ''
        WHERE id = $5 AND owner = $2 AND state = 'sending'
    )
    UPDATE digests_delivery SET state = 'sending', leased_until = $4::timestamptz + $6::interval, content_spec = $3,
        attempts = attempts + 1
    WHERE id = $1 AND owner = $2 AND state = 'leased'
"""


class SendingMark:
    """That a mail is about to be handed over, on its way into the table."""

    def __init__(self, statement: AsyncStatement) -> None:
        self._statement = statement

    def holds(self) -> bool:
        """Wait until it is committed. False: the lease ran out, and the mail is another worker's."""
        return self._statement.rows() == 1


class DeliveryMarks:
    """Writes `sending` and `sent` for the mails that `owner` has leased.

    `sent` waits for the next `sending`, to be committed with it: two commits one after the other were most of what a
    mail costs. Until a mark was asked whether it holds, no other statement may be run.
    """

    def __init__(self, *, owner: str, clock: Callable[[], datetime]) -> None:
        self._owner = owner
        self._clock = clock
        self._sent: int | None = None

    def sending(self, pk: int, *, content_spec: str) -> SendingMark:
        """Begin to commit that a leased mail is about to be handed over, and what it is made of."""
        sent, self._sent = self._sent, None
        return SendingMark(
            AsyncStatement(
                _SENDING,
                str(pk),
                self._owner,
                content_spec,
                self._clock().isoformat(),
                None if sent is None else str(sent),
                str(outbox.SENDING_LEASE),
            )
        )

    def sent(self, pk: int) -> None:
        """Remember that the server has taken a mail; committed with the next `sending`, or by `flush`."""
        self._sent = pk

    def flush(self) -> None:
        """Commit what is remembered. One statement, or none."""
        sent, self._sent = self._sent, None
        if sent is not None:
            outbox.mark_sent(sent, owner=self._owner, now=self._clock())
