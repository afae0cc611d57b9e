"""How each kind of channel is written to: what is posted, how it is signed, and what its answer means."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings

from digests.content.transactional import (
    MailInDoubtError,
    MailNotSentError,
    MailServerUnreachableError,
    MessageIdentity,
    send_transactional_mail,
)
from digests.models import Channel
from papers.outbound.errors import (
    ConnectionLostError,
    DeadlineError,
    FetchError,
    HostBusyError,
    HttpStatusError,
    RefusedError,
    TooLargeError,
)
from papers.outbound.host_rate_limit import page_host_group_of
from papers.outbound.request import FetchRequest
from papers.services.fetching.rate_limiter import build_outbound_client

_CLOSES_TWINS = frozenset({Channel.Kind.MATRIX, Channel.Kind.WEBHOOK})

DEADLINE_SECONDS = 20.0
# Answers that another attempt may better; all others of 400 and above are for good.
_PASSING = frozenset({408, 409, 425, 429})


def is_safe_to_repeat(channel: Channel) -> bool:
    """Whether what perhaps arrived is sent again by itself, as its receiver can tell two copies from two notices.

    A mail has the same Message-ID again; whether that will do, BROADSHEET_MAIL_IN_DOUBT says, as for digests.
    """
    if channel.kind == Channel.Kind.MAIL:
        return bool(settings.MAIL_IN_DOUBT == "resend")
    return channel.kind in _CLOSES_TWINS


class ChannelPostError(Exception):
    """A notice was not taken; says why, without the address, which is a secret."""

    def __init__(
        self,
        message: str,
        *,
        is_final: bool = False,
        is_unclear: bool = False,
        wait: timedelta | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.is_final = is_final
        self.is_unclear = is_unclear
        """It may have arrived."""
        self.wait = wait


@dataclass(frozen=True, slots=True)
class NoticeContent:
    """What a notice says: a title, and lines that may be links."""

    about: str
    """queue, edition, topic, list, source, mail, channel or test."""
    title: str
    lines: list[tuple[str, str]] = field(default_factory=list)
    """Text and address, which may be empty."""
    url: str = ""
    papers: list[dict[str, str]] = field(default_factory=list)
    """Id, title, address and line of each paper that it is about; for programs."""

    def under(self, url: str) -> str:
        """What the paper does that a line leads to; empty where that is not known."""
        return next((paper.get("line", "") for paper in self.papers if url and paper["url"] == url), "")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, stored: dict[str, Any]) -> NoticeContent:
        lines = [(text, url) for text, url in stored.get("lines", [])]
        return cls(stored["about"], stored["title"], lines, stored.get("url", ""), stored.get("papers", []))


@dataclass(frozen=True, slots=True)
class PostAnswer:
    """What the other side said to a post that it took."""

    words: str
    status: int | None = None
    """Of HTTP; None for a mail."""


def post(channel: Channel, content: NoticeContent, *, uid: str, happened_at: datetime, now: datetime) -> PostAnswer:
    """Post to a channel what happened at a moment (UTC); returns what it answered.

    Raises:
        ChannelPostError: it was not taken, or nobody knows.
    """
    if channel.is_unreadable:
        raise ChannelPostError("Enter its address and token again: SECRET_KEY has changed.", is_final=True)
    if channel.kind == Channel.Kind.MAIL:
        return PostAnswer(_mail(channel, content, uid=uid, happened_at=happened_at))
    try:
        request = build_request(channel, content, uid=uid, happened_at=happened_at, now=now)
        answer = build_outbound_client().fetch(request)
    except FetchError as error:
        raise _post_error(error, channel) from error
    return PostAnswer(f"It answered {answer.status}.", answer.status)


def _mail(channel: Channel, content: NoticeContent, *, uid: str, happened_at: datetime) -> str:
    try:
        send_transactional_mail(
            "notice",
            to=channel.address,
            context={"content": content},
            identity=MessageIdentity(f"n.{uid}", happened_at),
        )
    except MailInDoubtError as error:
        raise ChannelPostError(f"The mail server went away: {error}", is_unclear=True) from error
    except MailServerUnreachableError as error:
        raise ChannelPostError(f"The mail server can’t be reached: {error}") from error
    except MailNotSentError as error:
        raise ChannelPostError(f"The mail server refused it: {error}") from error
    return "Handed to the mail server."


def build_request(
    channel: Channel, content: NoticeContent, *, uid: str, happened_at: datetime, now: datetime
) -> FetchRequest:
    """What is posted.

    Raises:
        RefusedError: the channel's address is not one that can be asked.
    """
    url, headers, method = channel.address, {}, "POST"
    if channel.kind == Channel.Kind.MATRIX:
        room = quote(channel.room, safe="")
        url = f"{url.rstrip('/')}/_matrix/client/v3/rooms/{room}/send/m.room.message/{uid}"
        headers, method = {"Authorization": f"Bearer {channel.secret}"}, "PUT"
    body = _body(channel, content, happened_at=happened_at)
    payload = json.dumps(body, ensure_ascii=False, sort_keys=True).encode()
    if channel.kind == Channel.Kind.WEBHOOK:
        headers = signature(channel.secret, payload, uid=uid, now=now)
    return FetchRequest(
        url=url,
        group=page_host_group_of(url),
        headers=headers,
        accept="*/*",
        body=payload,
        method=method,
        content_type="application/json",
        is_private=True,
        max_bytes=100_000,
        deadline_seconds=DEADLINE_SECONDS,
        idle_seconds=DEADLINE_SECONDS,
        wait_seconds=10.0,
    )


def _body(channel: Channel, content: NoticeContent, *, happened_at: datetime) -> dict[str, Any]:
    """What is posted, as JSON, in the form that this kind of channel takes."""
    if channel.kind == Channel.Kind.SLACK:
        return {"text": slack_text(content), "unfurl_links": False}
    if channel.kind == Channel.Kind.MATTERMOST:
        return {"text": markdown_text(content)}
    if channel.kind == Channel.Kind.MATRIX:
        return {"msgtype": "m.notice", "body": plain_text(content)}
    return {"type": content.about, "timestamp": happened_at.isoformat(), "data": content.as_json()}


def signature(secret: str, payload: bytes, *, uid: str, now: datetime) -> dict[str, str]:
    """The headers that sign a post: HMAC-SHA256 of id, time and body, as standardwebhooks.com has it."""
    stamp = str(int(now.timestamp()))
    signed = f"{uid}.{stamp}.".encode() + payload
    made = hmac.new(signing_key(secret), signed, hashlib.sha256).digest()
    return {
        "webhook-id": uid,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(made).decode()}",
    }


def signing_key(secret: str) -> bytes:
    """The bytes of a secret: what stands behind `whsec_`, in base 64; where that is no base 64, as it is."""
    text = secret.removeprefix("whsec_")
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return secret.encode()


def slack_text(content: NoticeContent) -> str:
    """Slack's own marks; what a title brings of them is taken out: https://api.slack.com/reference/surfaces/formatting"""

    def safe(text: str) -> str:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    rows = []
    for text, url in content.lines:
        rows.append(f"• <{url}|{safe(text).replace('|', '¦')}>" if url else f"• {safe(text)}")
        if does := content.under(url):
            rows.append(f"    {safe(does)}")
    head = f"*<{content.url}|{safe(content.title).replace('|', '¦')}>*" if content.url else f"*{safe(content.title)}*"
    return "\n".join([head, *rows])


def markdown_text(content: NoticeContent) -> str:
    """Markdown in which a title can make no link, no mention and no mark of its own."""

    def safe(text: str) -> str:
        escaped = "".join(f"\\{char}" if char in "\\`*_{}[]()<>#+-.!|~" else char for char in text)
        return escaped.replace("@", "@\u200b")

    rows = []
    for text, url in content.lines:
        rows.append(f"- [{safe(text)}]({url})" if url else f"- {safe(text)}")
        if does := content.under(url):
            rows.append(f"  {safe(does)}")
    head = f"**[{safe(content.title)}]({content.url})**" if content.url else f"**{safe(content.title)}**"
    return "\n".join([head, "", *rows])


def plain_text(content: NoticeContent) -> str:
    rows = []
    for text, url in content.lines:
        rows.append(f"- {text} {url}".rstrip())
        if does := content.under(url):
            rows.append(f"  {does}")
    return "\n".join([f"{content.title} {content.url}".rstrip(), *rows])


def _post_error(error: FetchError, channel: Channel) -> ChannelPostError:
    words = _without_address(str(error), channel)
    if isinstance(error, HttpStatusError):
        wait = timedelta(seconds=error.retry_after_seconds) if error.retry_after_seconds else None
        is_final = error.status < 500 and error.status not in _PASSING
        said = f"It answered {error.status}. {words}"[:500]
        return ChannelPostError(said, is_final=is_final, wait=wait, status=error.status)
    if isinstance(error, RefusedError):
        return ChannelPostError(words[:500], is_final=True)
    if isinstance(error, HostBusyError):
        return ChannelPostError("Other posts to the same place go first.")
    return ChannelPostError(
        words[:500], is_unclear=isinstance(error, ConnectionLostError | DeadlineError | TooLargeError)
    )


def _without_address(words: str, channel: Channel) -> str:
    """An error's words, from which nobody learns how to write to the channel."""
    parts = urlsplit(channel.address)
    for secret in (channel.address, parts.path, parts.query, channel.secret):
        if len(secret) > 1:
            words = words.replace(secret, "…")
    return words
