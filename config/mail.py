"""What follows from BROADSHEET_SMTP_URL: Django's EMAIL_… settings. Without it, mails are files in the data folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from papers.text.hostnames import ascii_address
from papers.text.mailboxes import AddressError, ascii_domain

# Scheme → the port where the address has none (RFC 6409 for submission, RFC 8314 for TLS from the first byte).
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
# A server that doesn't answer must not hold a reader's request for as long as TCP would.
TIMEOUT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class MailServer:
    """A server that takes our mail."""

    host: str
    port: int
    user: str
    password: str
    scheme: str

    @classmethod
    def from_url(cls, url: str) -> MailServer:
        """Read `smtp+starttls://user:password@mail.example.org:587`; user and password are percent-encoded.

        Raises:
            ImproperlyConfigured: it is none of the three schemes, or has no host. The message never holds the password.
        """
        try:
            parts = urlsplit(ascii_address(url))
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query or port == 0:
            raise ImproperlyConfigured(
                "BROADSHEET_SMTP_URL must look like smtp+starttls://user:password@mail.example.org:587, "
                "smtps://… (TLS from the start) or smtp://… (no TLS); write @ : / % in a password as %40 %3A %2F %25."
            )
        return cls(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            scheme=parts.scheme,
        )


def mail_settings(url: str, *, outbox: Path) -> dict[str, Any]:
    """Django's settings for the server at `url`; where that is empty, for mails written into the folder `outbox`."""
    if not url:
        return {"EMAIL_BACKEND": "config.mail_files.EmailBackend", "EMAIL_FILE_PATH": str(outbox)}
    server = MailServer.from_url(url)
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": server.host,
        "EMAIL_PORT": server.port,
        "EMAIL_HOST_USER": server.user,
        "EMAIL_HOST_PASSWORD": server.password,
        "EMAIL_USE_TLS": server.scheme == "smtp+starttls",
        "EMAIL_USE_SSL": server.scheme == "smtps",
        "EMAIL_TIMEOUT": TIMEOUT_SECONDS,
    }


def mail_domains(name: str, words: Iterable[str]) -> tuple[str, ...]:
    """The domains of mail addresses that the variable `name` has, in ASCII; an @ before one is left out.

    Raises:
        ImproperlyConfigured: one is no domain.
    """
    try:
        return tuple(ascii_domain(word.lstrip("@")) for word in words)
    except AddressError as error:
        raise ImproperlyConfigured(f"{name} must be domains such as lab.example.org: {error}") from error


def default_sender(host: str) -> str:
    """`broadsheet@` the site's host: `localhost` on loopback; another IP address is written as RFC 5321 has it."""
    try:
        found = ip_address(host.strip("[]"))
    except ValueError:
        return f"broadsheet@{host}"
    if found.is_loopback:
        return "broadsheet@localhost"
    return f"broadsheet@[IPv6:{found}]" if found.version == 6 else f"broadsheet@[{found}]"
