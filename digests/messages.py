"""One mail: what it is made of, as JSON that is stored before it is sent, and the bytes that follow from that.

`spec_of` reads settings, names and papers as they are now. `compose` takes nothing but its result and the stored parts,
so that a second attempt has the same bytes, Message-ID and Date as the first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from html import escape
from typing import Any

from django.conf import settings
from django.utils.formats import date_format

from digests import addresses, look
from digests.editions import Window, papers_listed, window_of
from digests.fragments import Parts, Stored
from digests.mime import ascii_address, assemble, encode, encode_open, filled, mailbox, named
from digests.models import Subscription

_KINDS = {
    **{"daily": "daily papers", "trending": "trending", "top": "most voted", "versions": "new versions"},
    **{"followed": "who you follow", "for_you": "suggested to you"},
}

# Gmail cuts off what is beyond 102 KB of HTML, others count the whole mail as it is on its way. Bytes, of which headers
# and the words of the frame are to have some. In scripts of three bytes a letter, which encoded are nine, a mail that
# has only a few papers may be larger.
_MOST_HTML = 86_000
_MOST_BYTES = 94_000
_FEW = 10
_SAVE_SIZE = 160
# So many names; how many others there are is said.
_ABOUT_NAMED = 20
_WHYS_NAMED = 5


class EmptyError(Exception):
    """Nothing is left to send: what was chosen was hidden, withdrawn or removed since."""


@dataclass(frozen=True, slots=True)
class Leased:
    """A mail in a worker's hands, with what it says of its reader."""

    id: int
    key: str
    period_on: date
    due_at: datetime
    attempts: int
    made_of: str
    paper_ids: Sequence[int]
    causes: Sequence[str]
    more_ids: Sequence[int]
    version_ids: Sequence[int]
    edition_count: int
    from_release: int
    to_release: int
    floor: datetime | None
    schedule_id: int
    frequency: str
    unsub_key: str
    email: str
    subscriber_key: str
    has_account: bool
    consented_at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """What the mails of one lease have in common, read with a few statements."""

    parts: Parts
    labels: Mapping[int, str]
    """By subscription: what it is called in a mail."""
    about: Mapping[int, Sequence[tuple[str, str]]]
    """By schedule: all that it is about, each with the key that ends it."""
    whys: dict[str, tuple[str, str]]
    """By causes: how a mail says for which topics a paper is there, encoded."""
    editions: Mapping[Window, frozenset[int]]
    """The papers of the daily pages in the time of a mail."""


def prepare(leased: Sequence[Leased], *, parts: Parts) -> Batch:
    """Read and render what these mails need. Statements: as many for one mail as for two hundred."""
    again = [json.loads(one.made_of) for one in leased if one.made_of]
    parts.stored(pk for spec in again for pk in _part_ids(spec))
    first = [one for one in leased if not one.made_of]
    parts.papers(pk for one in first for pk in one.paper_ids)
    parts.versions(pk for one in first for pk in one.version_ids)
    labels: dict[int, str] = {}
    about: dict[int, list[tuple[str, str]]] = {}
    rows = Subscription.objects.filter(schedule__in=[one.schedule_id for one in first]).order_by("pk")
    for pk, schedule_id, kind, topic, key in rows.values_list("pk", "schedule_id", "kind", "topic__name", "unsub_key"):
        labels[pk] = topic or _KINDS[kind]
        about.setdefault(schedule_id, []).append((labels[pk], key))
    # Of the daily papers a mail only counts the rest; what it offers for topics is named in it.
    windows = [window_of(one) for one in first if one.edition_count and not one.more_ids]
    editions = {window: frozenset(papers) for window, papers in papers_listed(windows).items()}
    return Batch(parts=parts, labels=labels, about=about, whys={}, editions=editions)


def message_of(leased: Leased, batch: Batch, *, now: datetime) -> tuple[str, bytes]:
    """What the mail is made of, and the mail.

    Raises:
        EmptyError: there is nothing left to send.
        ValueError: its address cannot be written to.
    """
    spec = json.loads(leased.made_of) if leased.made_of else spec_of(leased, batch, now=now)
    made_of = leased.made_of or json.dumps(spec, ensure_ascii=False, separators=(",", ":"))
    return made_of, compose(spec, batch.parts.stored(_part_ids(spec)))


def spec_of(leased: Leased, batch: Batch, *, now: datetime) -> dict[str, Any]:
    """Parts and words of a mail, as it is sent for the first time. Words are encoded for the wire, text and HTML.

    It must survive JSON: of a second attempt it is read from there.
    """
    topics = batch.about.get(leased.schedule_id, ())
    about = _encoded(
        look.about([(name, addresses.unsubscribe(key)) for name, key in topics[:_ABOUT_NAMED]], more=len(topics))
    )
    content = _content(leased, batch, about)
    subject = _subject(leased, content.count, [name for name, _ in topics])
    whys = list(dict.fromkeys(why for why, _ in content.papers.values()))
    places = {why: place for place, why in enumerate(whys)}
    papers = [paper for _, paper in content.papers.values()]
    return {
        "frame": batch.parts.frame(leased.frequency).id,
        "headers": _headers(leased, subject, batch.parts.group, now),
        "boundary": f"=_{leased.key}",
        "papers": [(pk, places[why]) for pk, (why, _) in content.papers.items()],
        "save": _save_links(leased, papers) if leased.has_account else None,
        "whys": whys,
        "versions": content.versions,
        # What stands around the versions belongs to the look, too.
        "around": _around_versions() if content.versions else None,
        "words": {"about": about} | {name: _encoded(word) for name, word in _words(leased, content, subject).items()},
    }


@dataclass(frozen=True, slots=True)
class _Content:
    """What a mail brings, as far as there is room."""

    papers: Mapping[int, tuple[tuple[str, str], int]]
    """By part: why it is there, and the paper."""
    versions: Sequence[int]
    """Parts."""
    is_cut: bool
    """Papers that were chosen have no room."""
    more: int
    """How many are behind the mail."""
    preheader: str

    @property
    def count(self) -> str:
        return _count(len(self.papers) + self.more, len(self.versions) if not self.papers else 0)


class _Room:
    """The bytes that are left, of the HTML as it is read and of the whole mail as it is sent."""

    def __init__(self) -> None:
        self._html, self._bytes = _MOST_HTML, _MOST_BYTES

    def take(self, text: str, html: str) -> None:
        self._html -= _size(html)
        self._bytes -= len(text) + len(html)

    def is_over(self, *, papers: int) -> bool:
        return self._html < 0 or (self._bytes < 0 and papers >= _FEW)


def _content(leased: Leased, batch: Batch, about: tuple[str, str]) -> _Content:
    """Papers and versions of a mail, as many as there is room for beside its frame and `about`.

    Raises:
        EmptyError: there are none.
    """
    parts = batch.parts
    known, found = parts.papers(leased.paper_ids), parts.versions(leased.version_ids)
    versions = [part for pk in leased.version_ids if (part := found[pk]) is not None]
    room = _Room()
    room.take(*about)
    for part in (parts.frame(leased.frequency), *versions):
        room.take(part.text, part.html)
    papers, left_out = _that_fit(leased, batch, known, room)
    if not papers and not versions:
        raise EmptyError("the papers chosen are gone")
    return _Content(
        papers=papers,
        versions=[part.id for part in versions],
        is_cut=left_out > 0,
        more=left_out + _more(leased, batch),
        preheader=parts.preheader([pk for pk in leased.paper_ids if known[pk] is not None]),
    )


def _words(leased: Leased, content: _Content, subject: str) -> dict[str, str | look.Part]:
    """What is filled in around the papers."""
    rest = addresses.in_browser(leased.key) if content.is_cut else addresses.the_rest(leased.key)
    return {
        "title": subject,
        "preheader": content.preheader,
        "date": _written(leased.period_on, "l j F Y"),
        "count": content.count,
        "view_url": addresses.in_browser(leased.key),
        "more": look.more(content.more, rest),
        "since": f" on {_written(leased.consented_at.date(), 'j F Y')}",
        "preferences_url": addresses.preferences(leased.subscriber_key),
        "unsubscribe_url": addresses.unsubscribe(leased.unsub_key),
        "leave_url": addresses.unsubscribe(leased.subscriber_key),
    }


@lru_cache(maxsize=1_000)
def _written(day: date, how: str) -> str:
    return date_format(day, how)


def compose(spec: Mapping[str, Any], stored: Mapping[int, Stored]) -> bytes:
    """The mail: the same bytes for the same `spec` and parts. No queries."""
    frame, whys = stored[spec["frame"]], spec["whys"]
    parts = []
    for place in (0, 1):  # text, HTML
        words = {name: word[place] for name, word in spec["words"].items()}
        words["items"] = "".join(
            filled(_half(stored[pk], place), {"why": whys[why][place], "save": save})
            for (pk, why), save in zip(spec["papers"], _saves(spec, place), strict=True)
        )
        told = "".join(filled(_half(stored[pk], place), {"why": "", "save": ""}) for pk in spec["versions"])
        words["versions"] = filled(spec["around"][place], {"items": told}) if told else ""
        parts.append(filled(_half(frame, place), words))
    return assemble(
        [(name, value) for name, value in spec["headers"]], text=parts[0], html=parts[1], boundary=spec["boundary"]
    )


def _half(part: Stored, place: int) -> str:
    return part.html if place else part.text


def _encoded(word: str | look.Part) -> tuple[str, str]:
    part = word if isinstance(word, look.Part) else look.Part(word, escape(word))
    return encode(part.text), encode(part.html)


def _around_versions() -> tuple[str, str]:
    part = look.versions([look.Part("\x02items\x03", "\x02items\x03")])
    return encode_open(look.pieces(part.text)), encode_open(look.pieces(part.html))


def _part_ids(spec: Mapping[str, Any]) -> list[int]:
    return [spec["frame"], *(pk for pk, _ in spec["papers"]), *spec["versions"]]


def _that_fit(
    leased: Leased, batch: Batch, known: Mapping[int, Stored | None], room: _Room
) -> tuple[dict[int, tuple[tuple[str, str], int]], int]:
    """By part: why it is there, and the paper; as many as there is room for. And how many more there are."""
    found: dict[int, tuple[tuple[str, str], int]] = {}
    left_out: set[int] = set()
    save = " " * (_SAVE_SIZE * leased.has_account)
    for pk, causes in zip(leased.paper_ids, leased.causes, strict=True):
        part = known[pk]
        if part is None or part.id in found:
            continue
        why = _why(causes, batch)
        room.take(part.text + why[0] + save, part.html + why[1] + save)
        if found and room.is_over(papers=len(found)):
            left_out.add(part.id)
        else:
            found[part.id] = why, pk
    return found, len(left_out)


def _size(encoded: str) -> int:
    """About how many bytes it is once it is decoded."""
    return len(encoded) - 2 * encoded.count("=")


def _save_links(leased: Leased, papers: Sequence[int]) -> dict[str, Any]:
    """What stands around the numbers of papers in the links that save them, and the numbers."""
    part = look.save(addresses.save(leased.subscriber_key, "\x02paper\x03"))
    return {
        "around": (encode_open(look.pieces(part.text)), encode_open(look.pieces(part.html))),
        "papers": list(papers),
    }


def _saves(spec: Mapping[str, Any], place: int) -> list[str]:
    """The link for each paper; nothing for a reader without an account, and in mails of an older version."""
    save = spec.get("save")
    if not save:
        return [""] * len(spec["papers"])
    return [filled(save["around"][place], {"paper": str(paper)}) for paper in save["papers"]]


def _why(causes: str, batch: Batch) -> tuple[str, str]:
    """The names of what a paper is there for; what was unsubscribed since has none."""
    if causes not in batch.whys:
        keys = [int(pk) for pk in causes.split(",") if pk]
        names = list(dict.fromkeys(batch.labels[pk] for pk in keys if pk in batch.labels))
        others = len(names) - _WHYS_NAMED
        if others > 0:
            names = [*names[:_WHYS_NAMED], f"and {others} more"]
        batch.whys[causes] = _said(tuple(names))
    return batch.whys[causes]


@lru_cache(maxsize=5_000)
def _said(names: tuple[str, ...]) -> tuple[str, str]:
    return _encoded(look.why(names) if names else look.Part())


def _count(papers: int, versions: int) -> str:
    """`12 new papers`."""
    count, noun = (papers, "new paper") if papers else (versions, "new version")
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _subject(leased: Leased, count: str, about: Sequence[str]) -> str:
    """`12 new papers · Mon 23 Nov · LLM agents, RAG`. With the date in it, no program takes two days for one thread."""
    names = ", ".join(about[:3]) + ("…" if len(about) > 3 else "")
    return " · ".join(filter(None, (count, _written(leased.period_on, "D j M"), names)))[:200]


def _more(leased: Leased, batch: Batch) -> int:
    """How many there are behind the mail: exactly those that its page of the rest shows."""
    if leased.more_ids:
        return len(leased.more_ids)
    return len(batch.editions.get(window_of(leased), frozenset()).difference(leased.paper_ids))


def _headers(leased: Leased, subject: str, group: str, now: datetime) -> list[tuple[str, str]]:
    """Each once. List-Unsubscribe-Post only with https, as RFC 8058 has it."""
    site = settings.SITE
    name, sender = sender_of(settings.DEFAULT_FROM_EMAIL)
    host = str(site.host).strip("[]").replace(":", ".")
    list_name = (
        f"{leased.frequency.capitalize()} papers of {group}" if group else f"{leased.frequency.capitalize()} papers"
    )
    one_click = addresses.unsubscribe(leased.unsub_key)
    headers = [
        ("From", mailbox(name or group or "Daily Papers", sender)),
        ("To", ascii_address(leased.email)),
        ("Subject", subject),
        ("Date", format_datetime(now)),
        ("Message-ID", f"<d.{leased.id}.{leased.key}@{sender.rpartition('@')[2]}>"),
        ("Reply-To", sender),
        ("List-Id", named(list_name, f"{leased.frequency}.papers.{host}")),
        ("List-Unsubscribe", f"<{one_click}>"),
        ("List-Archive", f"<{addresses.in_browser(leased.key)}>"),
        ("List-Help", f"<{addresses.preferences(leased.subscriber_key)}>"),
        ("Auto-Submitted", "auto-generated"),
        ("Precedence", "bulk"),
        ("X-Auto-Response-Suppress", "All"),
        ("Feedback-ID", f"{leased.frequency}:{leased.period_on:%Y%m%d}:{host.replace(':', '.')}:broadsheet"),
    ]
    if site.is_https:
        headers.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    return headers


@lru_cache(maxsize=10)
def sender_of(setting: str) -> tuple[str, str]:
    """Name and address in BROADSHEET_MAIL_FROM."""
    name, address = parseaddr(setting)
    return name, address
