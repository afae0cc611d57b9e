"""Hands mails to a server, one after the other over one connection, and stops before the end of data and behind it.

Between the body and the end of data (a line with a dot) the caller commits that the mail is being sent. Until then the
server has to drop the mail when the connection ends (RFC 5321, 4.1.1.4), so only a death between the end of data and
the reply leaves a doubt. Between them the caller may make the next mail, and send its body over another connection.

The standard library connects, encrypts and signs in; MAIL, RCPT and DATA are sent here, together where the server
allows (RFC 2920).
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import time
from dataclasses import dataclass

from digests.wire.replies import SmtpReply, SmtpStep

# RFC 5321, 4.5.3.2, asks to wait long for this reply: a client that hangs up too early has the mail sent twice.
COMMAND_SECONDS = 120.0
END_OF_DATA_SECONDS = 600.0
# Servers count mails a connection, and dislike idle ones.
MAX_MAILS_PER_CONNECTION = 100
IDLE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail goes; `scheme` smtps is TLS from the start, smtp+starttls after a greeting, smtp none at all."""

    host: str
    port: int
    scheme: str = "smtp"
    user: str = ""
    password: str = ""
    local_name: str = ""


class SmtpError(Exception):
    """The server answered a step with a refusal: 4xx for now, 5xx for good."""

    def __init__(self, reply: SmtpReply, step: SmtpStep) -> None:
        super().__init__(f"{step}: {reply}")
        self.reply = reply
        self.step = step

    @property
    def at_connect(self) -> bool:
        """Whether the connection was refused, before any mail was named."""
        return self.step is SmtpStep.CONNECT


class SmtpConnectionLostError(Exception):
    """The connection ended, or never came to be (`at_connect`); `in_doubt`: the data had ended, so it may arrive."""

    def __init__(self, message: str, *, in_doubt: bool = False, at_connect: bool = False) -> None:
        super().__init__(message)
        self.in_doubt = in_doubt
        self.at_connect = at_connect


class SmtpConnection:
    """A kept-open connection. Opened when it is needed, and again when the server has ended it."""

    def __init__(self, server: SmtpServer, *, context: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._context = context
        self._smtp: smtplib.SMTP | None = None
        self._pipelines = False
        self._is_in_data = False
        """Whether the server waits for the rest of a mail, and would take QUIT for a line of it."""
        self._count = 0
        self._used_at = 0.0

    def send_body(self, *, sender: str, recipient: str, message: bytes) -> None:
        """Send all of a mail but the end of its data.

        Raises:
            SmtpError: it was refused; the connection goes on.
            SmtpConnectionLostError: it was not handed over, for sure.
        """
        smtp = self._open()
        commands = (f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA")
        try:
            if self._pipelines:
                smtp.send("".join(f"{command}\r\n" for command in commands))
                replies = [self._reply(smtp) for _ in commands]
            else:
                replies = []
                for command in commands:
                    smtp.send(f"{command}\r\n")
                    replies.append(self._reply(smtp))
                    if replies[-1].code >= 400:
                        break
            self._refuse(smtp, replies)
            self._is_in_data = True
            # A line that begins with a dot gets a second one (RFC 5321, 4.5.2).
            smtp.send(message.replace(b"\r\n.", b"\r\n.."))
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise SmtpConnectionLostError(f"{type(error).__name__}: {error}") from error

    def end_data(self) -> None:
        """Send the line that ends the data: from here on nobody can take the mail back.

        Raises:
            SmtpConnectionLostError: the connection ended, perhaps behind it.
        """
        smtp = self._smtp
        if smtp is None or smtp.sock is None:
            raise SmtpConnectionLostError("There is no connection.")
        try:
            smtp.sock.settimeout(END_OF_DATA_SECONDS)
            smtp.send(".\r\n")
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise SmtpConnectionLostError(f"{type(error).__name__}: {error}", in_doubt=True) from error

    def read_reply(self) -> None:
        """Wait for the server's reply to the end of data: without an error it has the mail.

        Raises:
            SmtpError: it did not take the mail.
            SmtpConnectionLostError: no answer came.
        """
        smtp = self._smtp
        if smtp is None or smtp.sock is None:
            raise SmtpConnectionLostError("There is no connection.", in_doubt=True)
        try:
            reply = self._reply(smtp)
            smtp.sock.settimeout(COMMAND_SECONDS)
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise SmtpConnectionLostError(f"{type(error).__name__}: {error}", in_doubt=True) from error
        self._is_in_data = False
        self._count += 1
        self._used_at = time.monotonic()
        if reply.code != 250:
            if reply.code == 421:
                self.close()
            raise SmtpError(reply, SmtpStep.END_OF_DATA)

    def abandon(self) -> None:
        """Hang up before the end of data: the mail is not delivered."""
        self.close()

    def close(self) -> None:
        """Close the connection without QUIT. Does nothing where there is none."""
        smtp, self._smtp = self._smtp, None
        self._is_in_data = False
        if smtp is not None:
            smtp.close()

    def quit(self) -> None:
        """Say QUIT and hang up; a mail whose data has not ended is not delivered."""
        if self._smtp is not None and not self._is_in_data:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._smtp.quit()
        self.close()

    def _refuse(self, smtp: smtplib.SMTP, replies: list[SmtpReply]) -> None:
        """Raise the first refusal, with the connection ready for the next mail."""
        verbs = (SmtpStep.MAIL, SmtpStep.RCPT, SmtpStep.DATA)
        refusal = next(((reply, step) for reply, step in zip(replies, verbs, strict=False) if reply.code >= 400), None)
        if refusal is None:
            return
        if any(reply.code == 421 for reply in replies):
            self.close()
        elif replies[-1].code == 354:
            # It wants the mail although nobody is to get it: an empty one, which it refuses (RFC 2920, 3.1).
            smtp.send(".\r\n")
            self._reply(smtp)
        if self._smtp is not None:
            smtp.send("RSET\r\n")
            self._reply(smtp)
        raise SmtpError(*refusal)

    @staticmethod
    def _reply(smtp: smtplib.SMTP) -> SmtpReply:
        code, text = smtp.getreply()
        return SmtpReply(code, text.decode("utf-8", "replace"))

    def _open(self) -> smtplib.SMTP:
        idle = time.monotonic() - self._used_at
        if self._smtp is not None and (self._count >= MAX_MAILS_PER_CONNECTION or idle > IDLE_SECONDS):
            self.quit()
        if self._smtp is None:
            self._smtp = self._connect()
            self._count, self._used_at = 0, time.monotonic()
        return self._smtp

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        try:
            smtp = self._greet()
            if server.scheme == "smtp+starttls":
                smtp.starttls(context=self._context or ssl.create_default_context())
                smtp.ehlo()
            if server.user:
                smtp.login(server.user, server.password)
        except smtplib.SMTPResponseException as error:
            text = (
                error.smtp_error if isinstance(error.smtp_error, str) else error.smtp_error.decode("utf-8", "replace")
            )
            raise SmtpError(SmtpReply(error.smtp_code, text), SmtpStep.CONNECT) from error
        except smtplib.SMTPNotSupportedError as error:
            # No STARTTLS where it was asked for: nothing is sent in the clear instead.
            raise SmtpError(SmtpReply(530, f"{error}"), SmtpStep.CONNECT) from error
        except (OSError, smtplib.SMTPException) as error:
            reason = f"{server.host}:{server.port}: {type(error).__name__}: {error}"
            raise SmtpConnectionLostError(reason, at_connect=True) from error
        self._pipelines = smtp.has_extn("pipelining")
        return smtp

    def _greet(self) -> smtplib.SMTP:
        server = self._server
        name = server.local_name or None
        if server.scheme == "smtps":
            context = self._context or ssl.create_default_context()
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, local_hostname=name, timeout=COMMAND_SECONDS, context=context
            )
        else:
            smtp = smtplib.SMTP(server.host, server.port, local_hostname=name, timeout=COMMAND_SECONDS)
        if smtp.sock is not None:
            # The end of data goes alone: without this it would wait for the receiver's delayed acknowledgement.
            smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        smtp.ehlo_or_helo_if_needed()
        return smtp
