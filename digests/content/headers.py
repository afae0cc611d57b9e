"""The header lines of digests: of each kind of mail once, with placeholders where each mail has words of its own."""

from __future__ import annotations

from django.conf import settings

from digests.content import urls
from digests.wire.mime import PLACEHOLDER, header, mailbox, parse_sender, with_display_name


def digest_headers(frequency: str, *, group: str) -> str:
    """Each header once, for `mime.fill_placeholders`. List-Unsubscribe-Post only with https, as RFC 8058 has it.

    Placeholders: to, subject (the whole line), sent, number, name, key, reader, schedule, day.
    """
    site = settings.SITE
    name, sender = parse_sender(settings.DEFAULT_FROM_EMAIL)
    host = str(site.host).strip("[]").replace(":", ".")
    titled = f"{frequency.capitalize()} papers of {group}" if group else f"{frequency.capitalize()} papers"
    key, schedule, reader = _mark("key"), _mark("schedule"), _mark("reader")
    lines = [
        header("From", mailbox(name or group or "Daily Papers", sender)),
        # None of these has a blank where it could be folded.
        f"To: {_mark('to')}\r\n",
        _mark("subject"),
        f"Date: {_mark('sent')}\r\n",
        f"Message-ID: <d.{_mark('number')}.{_mark('name')}@{sender.rpartition('@')[2]}>\r\n",
        header("Reply-To", sender),
        header("List-Id", with_display_name(titled, f"{frequency}.papers.{host}")),
        f"List-Unsubscribe: <{urls.unsubscribe_url(schedule)}>\r\n",
        f"List-Archive: <{urls.mail_page_url(key)}>\r\n",
        f"List-Help: <{urls.preferences_url(reader)}>\r\n",
        header("Auto-Submitted", "auto-generated"),
        header("Precedence", "bulk"),
        header("X-Auto-Response-Suppress", "All"),
        f"Feedback-ID: {frequency}:{_mark('day')}:{host.replace(':', '.')}:broadsheet\r\n",
    ]
    if site.is_https:
        lines.append(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    return "".join(lines)


def _mark(name: str) -> str:
    return f"{PLACEHOLDER}{name}{PLACEHOLDER}"
