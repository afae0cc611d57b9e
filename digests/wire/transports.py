"""The ways a mail can leave: over SMTP, through a backend of Django's such as anymail's, or into a folder.

All have three steps. `send_body` does what can be taken back; then the caller commits that the mail is being sent;
`end_data` and `read_reply` do what cannot. Where there is no end of data, all of that is in `read_reply`.
"""

from __future__ import annotations

import os
from email import message_from_bytes
from email.policy import default as modern
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

from digests.wire.mime import parse_sender
from digests.wire.replies import SmtpReply, SmtpStep
from digests.wire.smtp import SmtpConnection, SmtpConnectionLostError, SmtpError, SmtpServer

_SMTP_BACKEND = "django.core.mail.backends.smtp.EmailBackend"


class Transport(Protocol):
    """Takes one mail at a time."""

    def send_body(self, *, recipient: str, message: bytes, name: str) -> None:
        """Everything before the point of no return. Raises SmtpError or SmtpConnectionLostError."""

    def end_data(self) -> None:
        """The point of no return. Does not wait. Raises SmtpConnectionLostError with `in_doubt`."""

    def read_reply(self) -> None:
        """Wait until it is sent. Raises SmtpError, or SmtpConnectionLostError with `in_doubt`."""

    def abandon(self) -> None:
        """Drop the mail whose body was sent."""

    def quit(self) -> None:
        """Close what is open; nothing more is sent over it."""


class SmtpTransport:
    """Over one kept-open connection."""

    def __init__(self, connection: SmtpConnection, *, sender: str) -> None:
        self._connection = connection
        self._sender = sender
        self.end_data, self.read_reply = connection.end_data, connection.read_reply
        self.abandon, self.quit = connection.abandon, connection.quit

    def send_body(self, *, recipient: str, message: bytes, name: str) -> None:
        self._connection.send_body(sender=self._sender, recipient=recipient, message=message)


class FolderTransport:
    """Files that any mail program opens, named after the mail: written twice, it is one file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pending: tuple[Path, Path] | None = None

    def send_body(self, *, recipient: str, message: bytes, name: str) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            pending = self._folder / f".{name}.{os.getpid()}.part"
            pending.write_bytes(message)
        except OSError as error:
            raise SmtpConnectionLostError(f"{self._folder}: {error.strerror}") from error
        self._pending = pending, self._folder / f"{name}.eml"

    def end_data(self) -> None:
        """Does nothing: the whole mail leaves in `read_reply`."""

    def read_reply(self) -> None:
        if self._pending is not None:
            pending, final = self._pending
            pending.replace(final)

    def abandon(self) -> None:
        if self._pending is not None:
            self._pending[0].unlink(missing_ok=True)

    def quit(self) -> None:
        """Do nothing: no file stays open."""


class BackendTransport:
    """Through a backend of Django's. A provider's API has no end of data: what is in doubt may arrive twice."""

    def __init__(self) -> None:
        self._connection = get_connection()
        self._message: EmailMultiAlternatives | None = None

    def send_body(self, *, recipient: str, message: bytes, name: str) -> None:
        self._message = to_django_message(message)
        self._message.connection = self._connection

    def end_data(self) -> None:
        """Does nothing: the whole mail leaves in `read_reply`."""

    def read_reply(self) -> None:
        assert self._message is not None  # noqa: S101  send_body() came before
        try:
            self._message.send()
        except OSError as error:
            raise SmtpConnectionLostError(f"{type(error).__name__}: {error}", in_doubt=True) from error
        except Exception as error:
            status = getattr(error, "status_code", None)
            if status is None:
                raise SmtpConnectionLostError(f"{type(error).__name__}: {error}", in_doubt=True) from error
            # 401 and 403: the key is wrong. 429 and 5xx: later. All else is about this mail.
            code = 535 if status in (401, 403) else 451 if status == 429 or status >= 500 else 554
            raise SmtpError(SmtpReply(code, f"the provider answered {status}"), SmtpStep.END_OF_DATA) from error

    def abandon(self) -> None:
        self._message = None

    def quit(self) -> None:
        self._connection.close()


def to_django_message(message: bytes) -> EmailMultiAlternatives:
    """A mail of ours as Django's, for backends that take nothing else."""
    parsed = message_from_bytes(message, policy=modern)
    text, html = (part.get_content() for part in parsed.iter_parts())
    own = {"from", "to", "subject", "mime-version", "content-type", "reply-to"}
    mail = EmailMultiAlternatives(
        subject=str(parsed["Subject"]),
        body=text,
        from_email=str(parsed["From"]),
        to=[str(parsed["To"])],
        reply_to=[str(parsed["Reply-To"])],
        headers={name: str(value) for name, value in parsed.items() if name.lower() not in own},
    )
    mail.attach_alternative(html, "text/html")
    return mail


def open_transport() -> Transport:
    """The transport that the settings name, not connected yet."""
    if not settings.MAIL_IS_SENT:
        return FolderTransport(settings.OUTBOX_DIR)
    if settings.EMAIL_BACKEND != _SMTP_BACKEND:
        return BackendTransport()
    scheme = "smtps" if settings.EMAIL_USE_SSL else "smtp+starttls" if settings.EMAIL_USE_TLS else "smtp"
    server = SmtpServer(
        host=settings.EMAIL_HOST,
        port=settings.EMAIL_PORT,
        scheme=scheme,
        user=settings.EMAIL_HOST_USER,
        password=settings.EMAIL_HOST_PASSWORD,
        local_name=str(settings.SITE.host).strip("[]") if not settings.SITE.is_loopback else "",
    )
    return SmtpTransport(SmtpConnection(server), sender=parse_sender(settings.DEFAULT_FROM_EMAIL)[1])
