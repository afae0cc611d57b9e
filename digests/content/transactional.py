"""Mails to one reader that are no digests: a link to confirm, a test, a notice to an old address."""

from __future__ import annotations

import smtplib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, make_msgid
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.utils import timezone

from digests.content import rendering
from digests.content.urls import privacy_url
from papers.services.operations.installation import group_settings
from papers.text.mailboxes import read_mailbox

_FILES = "config.mail_files.EmailBackend"

_BUTTONS = {
    "confirm": "Confirm subscription",
    "move": "Confirm new address",
    "already_subscribed": "E-mail preferences",
    "mentioned": "Read and reply",
    "security": "Review activity",
}


class MailNotSentError(Exception):
    """A mail did not leave; says why, in words for the operator."""


class MailServerUnreachableError(MailNotSentError):
    """No server answered: others would not leave either, and each would be waited for as long."""


class MailInDoubtError(MailServerUnreachableError):
    """The server went away before it had answered: the mail may have left."""


@dataclass(frozen=True, slots=True)
class MessageIdentity:
    """What makes a mail that is handed over twice one mail for its reader's program (RFC 5322, 3.6.4)."""

    name: str
    """The left side of its Message-ID."""
    at: datetime


def can_send_mail() -> bool:
    """Whether mails go to a server. Links to a loopback address would lead nowhere, so then none does."""
    return bool(settings.MAIL_IS_SENT) and not settings.SITE.is_loopback


def send_transactional_mail(
    name: str, *, to: str, context: Mapping[str, Any], identity: MessageIdentity | None = None
) -> None:
    """Hand a mail of the templates `emails/<name>…` to the server; where none may leave, into the outbox.

    With `identity`, a mail that is handed over once more has the same Message-ID and Date.

    Raises:
        MailNotSentError: it was refused.
        MailServerUnreachableError: the server could not be reached.
        MailInDoubtError: it may have left.
    """
    mail = _build(name, to=to, context=context, identity=identity)
    try:
        mail.send()
    except (smtplib.SMTPServerDisconnected, TimeoutError) as error:
        raise MailInDoubtError(str(error) or "it did not answer in time") from error
    except smtplib.SMTPException as error:
        raise MailNotSentError(_words(error)) from error
    except ValueError as error:  # no server takes this address
        raise MailNotSentError(str(error)) from error
    except OSError as error:
        raise MailServerUnreachableError(error.strerror or str(error) or type(error).__name__) from error


def _build(
    name: str, *, to: str, context: Mapping[str, Any], identity: MessageIdentity | None
) -> EmailMultiAlternatives:
    """The mail of the templates `emails/<name>…`, with a connection into the outbox where none may leave."""
    whole = {
        **context,
        "group_name": group_settings().name,
        "site_url": settings.SITE_URL,
        "origin": settings.SITE.origin,
        "privacy_url": privacy_url(),
    }
    subject = " ".join(render_to_string(f"emails/{name}_subject.txt", whole).split())
    text = render_to_string(f"emails/{name}.txt", whole)
    mail = EmailMultiAlternatives(
        subject=subject,
        body=text,
        to=[to],
        headers={"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All", **_headers_of(identity)},
        connection=None if can_send_mail() else get_connection(_FILES, file_path=settings.OUTBOX_DIR),
    )
    mail.attach_alternative(
        rendering.render_transactional({**whole, **_as_html(name, text), "subject": subject}), "text/html"
    )
    return mail


def _headers_of(identity: MessageIdentity | None) -> dict[str, str]:
    host = read_mailbox(settings.DEFAULT_FROM_EMAIL).address.rpartition("@")[2]
    if identity is None:  # what Django writes names the machine, and a time zone that nobody knows
        return {"Message-ID": make_msgid(domain=host), "Date": format_datetime(timezone.now())}
    return {"Message-ID": f"<{identity.name}@{host}>", "Date": format_datetime(identity.at)}


def _as_html(name: str, text: str) -> dict[str, Any]:
    """The same for HTML: the paragraphs, and the address that stands alone in one as a button."""
    parts = [" ".join(part.split()) for part in text.partition("\n-- \n")[0].split("\n\n") if part.strip()]
    place = next((place for place, part in enumerate(parts) if part.startswith(("http://", "https://"))), None)
    if place is None:
        return {"paragraphs": parts}
    return {
        "paragraphs": parts[:place],
        "link": parts[place],
        "button": _BUTTONS.get(name, "Open"),
        "after": parts[place + 1 :],
    }


def _words(error: smtplib.SMTPException) -> str:
    """What the server said."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{code} {_text(said)}" for code, said in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return str(error) or type(error).__name__


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said
