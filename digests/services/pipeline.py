"""Sends mails one behind the other over two connections, so that nobody waits where something can be done.

What goes on at once, for each mail and the one before it:

    this mail                                   the mail before
    it is made                                  Postgres commits `sending`
                                                the end of its data is sent
    its body goes over the other connection     the server takes it in
                                                the server's reply is read
    `sending` begins, and carries …             … `sent`

There is never more than one mail between the end of its data and the server's reply. With a single connection a mail
is over before the next one's body is sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from enum import Enum, auto
from typing import TypeAlias

from digests.wire.transports import Transport, open_transport


class Step(Enum):
    """What a mail's way has reached when it yields: a point at which another mail may be worked on."""

    BUILT = auto()
    BODY_SENT = auto()
    """Without the end of the data: the server forgets it when the connection ends."""
    SENDING = auto()
    """Postgres is committing the state `sending`; no other statement may be run."""
    DATA_ENDED = auto()
    """The server's reply is not read yet."""
    ALONE = auto()
    """It is not handed over, and the mail before has to be over when that is written."""


MailSteps: TypeAlias = Generator[Step, None, None]
"""The way of one mail, written as if there were no other; each `yield` is a moment at which it would only wait."""


class Pipeline:
    """Two connections, and the mail that is on its way over one of them while the next goes over the other.

    Args:
        transport: the only connection; None: two are opened as the settings say, when the first mail needs them.
        write_sent: writes the `sent` that waits for the next mail's `sending`; called where no such mail follows.
    """

    def __init__(self, transport: Transport | None, *, write_sent: Callable[[], None]) -> None:
        self._connections = deque([transport] if transport is not None else [])
        self._write_sent = write_sent
        self._previous: MailSteps | None = None

    def run(self, mails: Iterable[MailSteps]) -> None:
        """Send mails. When one of them raises, the others are closed where they stand."""
        mail = None
        try:
            for mail in mails:
                self._overlap(mail)
                self._previous = mail
            self._finish_previous()
        finally:
            for unfinished in (mail, self._previous):
                if unfinished is not None:
                    unfinished.close()
            self._previous = None

    def connection(self) -> Transport:
        """The connection for the next body: where there are two, not the one of the mail before."""
        if not self._connections:
            self._connections.extend([open_transport(), open_transport()])
        self._connections.rotate()
        return self._connections[0]

    def drop(self, connection: Transport) -> bool:
        """Go on without a connection that the server refused; False: it is the only one."""
        if len(self._connections) < 2:
            return False
        self._connections.remove(connection)
        return True

    def quit(self) -> None:
        """Close all connections to the mail server, with QUIT."""
        for connection in self._connections:
            connection.quit()

    def _overlap(self, mail: MailSteps) -> None:
        """Bring a mail to SENDING, or to its end, and see the one before through meanwhile."""
        step = next(mail, None)
        if self._previous is not None:
            next(self._previous, None)  # its `sending` is committed: the end of its data
        if len(self._connections) < 2:
            self._finish_previous()
        while step is not None and step is not Step.SENDING:
            if step is Step.BODY_SENT:
                self._read_reply_of_previous()
            elif step is Step.ALONE:
                self._finish_previous()
            step = next(mail, None)
        if step is None:
            self._finish_previous()

    def _read_reply_of_previous(self) -> None:
        for _ in self._previous or ():
            pass
        self._previous = None

    def _finish_previous(self) -> None:
        """See the mail before through, and have it written that it was sent."""
        self._read_reply_of_previous()
        self._write_sent()
