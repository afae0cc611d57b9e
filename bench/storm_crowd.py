"""A thousand sign-ins at once: right passwords, wrong ones for one account, mails for one mailbox; each from its own
address of this machine."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import httpx

from bench.hostile import manage
from tests.e2e.running_site import Site

PEOPLE, GUESSES, MAILS = 300, 400, 300
PASSWORD = "a password of theirs 17"  # noqa: S105  of accounts that are made here
VICTIM = "crowd0@example.org"
MOST_GUESSES, MOST_MAILS = 50, 3
"""What docs/security.md and papers/web/ratelimit.py allow an account and a mailbox."""
WAIT_SECONDS = 240.0
_ACCOUNTS = f"""
from django.contrib.auth.hashers import make_password
from papers.models import User
hash = make_password({PASSWORD!r})
User.objects.bulk_create(
    [User(email=f"crowd{{n}}@example.org", username=f"crowd{{n}}", password=hash) for n in range({PEOPLE} + 1)],
    ignore_conflicts=True,
)
"""
_COUNTED = f"""
import hashlib
from papers.models import AttemptCount, MailAllowance, SecurityEvent
digest = hashlib.sha256("sign-in-account\\0{VICTIM}".encode()).hexdigest()
print(sum(AttemptCount.objects.filter(key_digest=digest).values_list("attempts", flat=True)))
print(max([0, *(len(times) for times in MailAllowance.objects.values_list("sent_at", flat=True))]))
"""


@dataclass(slots=True)
class CrowdResult:
    """How they were answered, by kind and status; `none` where no answer came in time."""

    answers: dict[str, Counter[str]] = field(default_factory=dict)
    guesses_counted: int = 0
    most_mails: int = 0

    def wrong(self) -> Iterator[str]:
        """What is not as it has to be."""
        tried = self.answers["guess"]["200"]  # the form again: the password was looked at
        if tried > MOST_GUESSES or self.guesses_counted > MOST_GUESSES:
            yield f"{tried} wrong passwords were tried for one account ({self.guesses_counted} counted)"
        if self.most_mails > MOST_MAILS:
            yield f"{self.most_mails} mails for one mailbox"
        if not self.answers["person"]["302"]:
            yield "nobody of the crowd came in"

    def __str__(self) -> str:
        return "; ".join(
            f"{kind}: " + ", ".join(f"{count} × {status}" for status, count in sorted(answers.items()))
            for kind, answers in self.answers.items()
        )


def crowd(site: Site, *, people: int = PEOPLE, guesses: int = GUESSES, mails: int = MAILS) -> CrowdResult:
    """All of them at once; how it ended."""
    manage(site.environment, _ACCOUNTS)
    with httpx.Client(base_url=site.url, timeout=60) as browser:
        browser.get("/sign-in")
        token = browser.cookies["broadsheet_csrf"]
    asked: list[tuple[str, str, dict[str, str]]] = [
        ("person", "/sign-in", {"username": f"crowd{number + 1}@example.org", "password": PASSWORD})
        for number in range(people)
    ]
    asked += [("guess", "/sign-in", {"username": VICTIM, "password": f"guess {number}"}) for number in range(guesses)]
    asked += [("mail", "/forgotten", {"email": VICTIM}) for _ in range(mails)]
    result = CrowdResult({kind: Counter() for kind, _, _ in asked})
    with ThreadPoolExecutor(1) as thread:  # where the browser's tests run, too, this one has an event loop already
        answers = thread.submit(asyncio.run, _ask_all(site.url, token, asked)).result()
    for kind, status in answers:
        result.answers[kind][status] += 1
    result.guesses_counted, result.most_mails = map(int, manage(site.environment, _COUNTED))
    return result


async def _ask_all(url: str, token: str, asked: list[tuple[str, str, dict[str, str]]]) -> list[tuple[str, str]]:
    # In an order in which the kinds are mixed, as they come.
    mixed = sorted(enumerate(asked), key=lambda item: item[0] * 7919 % 1000)
    posts = [_post(url, token, number, path, fields) for number, (_, path, fields) in mixed]
    statuses = await asyncio.gather(*posts)
    return [(kind, status) for (_, (kind, _, _)), status in zip(mixed, statuses, strict=True)]


async def _post(url: str, token: str, number: int, path: str, fields: dict[str, str]) -> str:
    """The status of one form; each comes from an address of its own."""
    body = urlencode({**fields, "csrfmiddlewaretoken": token}).encode()
    place = urlsplit(url)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {place.netloc}\r\nConnection: close\r\nCookie: broadsheet_csrf={token}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    own = str(ipaddress.ip_address("127.1.0.1") + number * 256)
    with suppress(OSError, TimeoutError, IndexError):
        async with asyncio.timeout(WAIT_SECONDS):
            reader, writer = await asyncio.open_connection(place.hostname, place.port, local_addr=(own, 0))
            writer.write(head.encode() + body)
            line = await reader.readline()
            await reader.read()
            writer.close()
            return line.split()[1].decode()
    return "none"
