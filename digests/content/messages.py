"""What a mail is made of, as JSON that is stored before it is sent.

`build_spec` reads settings, names and papers as they are now. `compose` takes nothing but its result and stored
fragments, so that a second attempt has the same bytes, Message-ID and Date as the first.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, datetime
from email.utils import format_datetime
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

from django.utils.formats import date_format

from digests.content import rendering
from digests.content.composing import JUDGED_PAPERS, about, compose, size_of_acts, size_of_why
from digests.content.fragments import AskedPaper, FragmentCache, Lead
from digests.content.keys import KeyRing, MailKeys, NewKey, row_of_mail
from digests.line import ANY
from digests.models import Subscription
from digests.models.mail_keys import KeyPurpose, message_name
from digests.opened import OpenedPapers, opened_of_schedules
from digests.schedule import WEEKLY
from digests.selection.daily_papers import ReleaseWindow, daily_papers_in, window_of
from digests.wire.mime import EncodedSize, ascii_address, size_of
from papers.text.counts import counted

# Of specifications: one of another form, from before an upgrade, is made anew.
_FORM = 4
_KINDS = {
    **{"daily": "Daily papers", "trending": "Trending", "top": "Most voted", "versions": "New versions"},
    **{"followed": "Authors you follow", "for_you": "Suggested for you"},
}

NOTHING_ABOVE = "nothing above your line"

# Gmail cuts off what is beyond 102 KB of HTML, others count the whole mail as it is on its way. Bytes, of which headers
# and the words of the frame are to have some. Where names, titles and topics are all as long as can be, in scripts of
# three bytes a character, a mail of a few papers may be larger.
_MOST_HTML = 86_000
_MOST_BYTES = 94_000
_FEW = 6
# So many are shown with authors and abstract, the others in brief: a mail is read in a minute.
_WHOLE = 3
# More names than these are counted only.
_ABOUT_NAMED = 20
_WHYS_NAMED = 5


class EmptyMailError(Exception):
    """Nothing is left to send: what was chosen was hidden, withdrawn or removed since."""


@dataclass(frozen=True, slots=True)
class LeasedDelivery:
    """A mail in a worker's hands, with what it says of its reader."""

    id: int
    key_digest: bytes | None
    period_on: date
    due_at: datetime
    attempts: int
    content_spec: str
    paper_ids: Sequence[int]
    causes: Sequence[str]
    more_ids: Sequence[int]
    below_ids: Sequence[int]
    offers_weekly: bool
    version_ids: Sequence[int]
    edition_count: int
    from_release: int
    to_release: int
    floor: datetime
    schedule_id: int
    frequency: str
    schedule_digest: bytes | None
    subscriber_id: int
    email: str
    key_nonce: UUID
    reader_digest: bytes | None
    has_account: bool
    consented_at: datetime

    @property
    def name(self) -> str:
        """What tells it from all other mails; opens nothing."""
        return message_name(schedule_id=self.schedule_id, period_on=self.period_on, nonce=self.key_nonce)


@dataclass(frozen=True, slots=True)
class BatchContext:
    """What the mails of one lease have in common, read with a few statements."""

    fragments: FragmentCache
    labels: Mapping[int, str]
    """By subscription: what it is called in a mail."""
    lost: Collection[int]
    """Subscriptions to shared lists that their readers may no longer read: no paper comes for them alone."""
    about: Mapping[int, Sequence[tuple[str, int]]]
    """By schedule: all that it is about, each with its subscription."""
    keys: Mapping[int, MailKeys]
    """By mail."""
    new_keys: Sequence[NewKey]
    """What is to be stored before one of the mails leaves."""
    lined: Set[int]
    """Schedules of which a subscription has a line or a size of its own."""
    opened: Mapping[int, OpenedPapers]
    """By schedule whose mail says so: how many of its last papers the reader opened."""
    reasons: dict[str, str]
    """By causes: for which topics a paper is there."""
    editions: Mapping[ReleaseWindow, frozenset[int]]
    """The papers of the daily pages in the time of a mail."""
    stored_specs: Mapping[int, dict[str, Any]]
    """By mail that was attempted before: what it was made of, if all its fragments are still kept."""


@dataclass(slots=True)
class _Subscribed:
    """The subscriptions of some schedules."""

    labels: dict[int, str] = field(default_factory=dict)
    """By subscription, as the next."""
    key_digests: dict[int, bytes | None] = field(default_factory=dict)
    about: dict[int, list[tuple[str, int]]] = field(default_factory=dict)
    """By schedule: the label and the key of each, the first made first."""
    lost: set[int] = field(default_factory=set)
    """Those whose list may not be read any more."""
    lined: set[int] = field(default_factory=set)
    """Schedules with a subscription that has a line or a size of its own."""


def _read_subscriptions(schedule_ids: Sequence[int]) -> _Subscribed:
    """One statement."""
    found = _Subscribed()
    rows = Subscription.objects.filter(schedule__in=schedule_ids).with_rights().order_by("pk")
    columns = ("pk", "schedule_id", "kind", "topic__name", "shared_list__name", "key_digest", "line", "max_papers")
    for pk, schedule_id, kind, topic, shared_list, stored, line, size, may_read in rows.values_list(
        *columns, "may_read"
    ):
        if not may_read:
            found.lost.add(pk)
            continue
        if line != ANY or size is not None:
            found.lined.add(schedule_id)
        found.labels[pk], found.key_digests[pk] = topic or shared_list or _KINDS[kind], stored
        found.about.setdefault(schedule_id, []).append((found.labels[pk], pk))
    return found


def load_batch_context(leased: Sequence[LeasedDelivery], *, fragments: FragmentCache) -> BatchContext:
    """Read and render what these mails need. Statements: as many for one mail as for two hundred."""
    tried = {one.id: spec for one in leased if (spec := stored_spec(one))}
    kept = fragments.stored(pk for spec in tried.values() for pk in _fragment_ids(spec))
    stored_specs = {pk: spec for pk, spec in tried.items() if all(part in kept for part in _fragment_ids(spec))}
    first = [one for one in leased if one.id not in stored_specs]
    # All that is read is read here: while a mail is made, the statement that marks another may be on its way.
    for frequency in {one.frequency for one in first}:
        fragments.frame_pieces(frequency)
    fragments.papers(asked for one in first for asked in _asked_papers(one.paper_ids))
    fragments.versions(pk for one in first for pk in one.version_ids)
    subscribed = _read_subscriptions([one.schedule_id for one in leased])
    ring = KeyRing()
    keys = {
        one.id: _keys(one, _named(one, subscribed.about, stored_specs), subscribed.key_digests, ring) for one in leased
    }
    # Of the daily papers a mail only counts the rest; what it offers for topics is named in it.
    windows = [window_of(one) for one in first if one.edition_count and not one.more_ids]
    editions = {window: frozenset(papers) for window, papers in daily_papers_in(windows).items()}
    return BatchContext(
        fragments=fragments,
        labels=subscribed.labels,
        lost=subscribed.lost,
        about=subscribed.about,
        keys=keys,
        new_keys=ring.new,
        lined=subscribed.lined,
        opened=opened_of_schedules([one.schedule_id for one in first if one.frequency == WEEKLY.name]),
        reasons={},
        editions=editions,
        stored_specs=stored_specs,
    )


def _named(
    leased: LeasedDelivery, about: Mapping[int, Sequence[tuple[str, int]]], specs: Mapping[int, dict[str, Any]]
) -> list[int]:
    """The subscriptions that a mail names, each with the link that ends it."""
    spec = specs.get(leased.id)
    named = about.get(leased.schedule_id, ())[:_ABOUT_NAMED] if spec is None else spec["about"]
    return [pk for _, pk in named]


def _keys(leased: LeasedDelivery, named: Sequence[int], digests: Mapping[int, bytes | None], ring: KeyRing) -> MailKeys:
    """What a mail's links have. A subscription that ended since has one, too, which opens nothing."""
    reader = leased.subscriber_id
    key = partial(ring.key, subscriber_id=reader, nonce=leased.key_nonce)
    row = row_of_mail(leased.schedule_id, leased.period_on)
    return MailKeys(
        mail=key(KeyPurpose.MAIL, leased.id, stored=leased.key_digest, row=row),
        reader=key(KeyPurpose.READER, reader, stored=leased.reader_digest),
        schedule=key(KeyPurpose.SCHEDULE, leased.schedule_id, stored=leased.schedule_digest),
        subscriptions={pk: key(KeyPurpose.SUBSCRIPTION, pk, stored=digests.get(pk)) for pk in named},
    )


def build_message(leased: LeasedDelivery, batch: BatchContext, *, now: datetime) -> tuple[str, bytes]:
    """What the mail is made of, and the mail.

    Raises:
        EmptyMailError: there is nothing left to send.
        ValueError: its address cannot be written to.
    """
    spec = batch.stored_specs.get(leased.id) or build_spec(leased, batch, now=now)
    content_spec = json.dumps(spec, ensure_ascii=False, separators=(",", ":"))
    return content_spec, compose(spec, batch.fragments.stored(_fragment_ids(spec)), batch.keys[leased.id])


def stored_spec(leased: LeasedDelivery) -> dict[str, Any] | None:
    """What a mail was made of at its first attempt; None at the first, or when its form is of an older version."""
    spec: dict[str, Any] | None = json.loads(leased.content_spec) if leased.content_spec else None
    return spec if spec and spec.get("form") == _FORM else None


def build_spec(leased: LeasedDelivery, batch: BatchContext, *, now: datetime) -> dict[str, Any]:
    """Parts and words of a mail, as it is sent for the first time.

    It must survive JSON: of a second attempt it is read from there.
    """
    topics = batch.about.get(leased.schedule_id, ())
    content = _content(leased, batch, topics)
    whys = list(dict.fromkeys(names for names, _ in content.papers.values()))
    places = {names: place for place, names in enumerate(whys)}
    frame_pieces = batch.fragments.frame_pieces(leased.frequency)
    return {
        "form": _FORM,
        "pieces": {name: part.id for name, part in frame_pieces.items()},
        "papers": [(part, places[names]) for part, (names, _) in content.papers.items()],
        "saves": [paper for _, paper in content.papers.values()] if leased.has_account else [],
        "whys": whys,
        "versions": content.versions,
        "about": topics[:_ABOUT_NAMED],
        "about_more": max(len(topics) - _ABOUT_NAMED, 0),
        "more": content.more,
        "more_is": "cut" if content.is_cut else "above" if leased.schedule_id in batch.lined else "more",
        "below": len(leased.below_ids),
        "weekly": leased.offers_weekly,
        "opened": _opened(batch.opened.get(leased.schedule_id)),
        "words": _words(leased, content, [name for name, _ in topics], now),
    }


@dataclass(frozen=True, slots=True)
class _Content:
    """What a mail brings, as far as there is room."""

    papers: Mapping[int, tuple[str, int]]
    """By part: why it is there, and the paper."""
    versions: Sequence[int]
    """Parts."""
    is_cut: bool
    """Papers that were chosen have no room."""
    more: int
    """How many are behind the mail."""
    leads: Sequence[Lead]
    """Of the papers, and where there are none of the versions."""

    @property
    def count(self) -> str:
        if not self.leads:
            return NOTHING_ABOVE
        return _count(len(self.papers) + self.more, len(self.versions) if not self.papers else 0)


class _SizeBudget:
    """The bytes that are left, of the HTML as it is read and of the whole mail as it is sent."""

    def __init__(self) -> None:
        self._html, self._quoted, self._base64 = _MOST_HTML, _MOST_BYTES, _MOST_BYTES

    def take(self, part: EncodedSize) -> None:
        self._html -= part.html
        self._quoted -= part.quoted
        self._base64 -= part.base64

    def is_over(self, *, papers: int) -> bool:
        """A mail is in the shorter of the two encodings."""
        return self._html < 0 or (max(self._quoted, self._base64) < 0 and papers >= _FEW)


def _content(leased: LeasedDelivery, batch: BatchContext, topics: Sequence[tuple[str, int]]) -> _Content:
    """Papers and versions of a mail, as many as there is room for beside its frame and what it is about.

    A mail that is sent to say that there are no papers has none.

    Raises:
        EmptyMailError: papers were chosen, and none of them is left.
    """
    fragments = batch.fragments
    frame_pieces = fragments.frame_pieces(leased.frequency)
    found = fragments.versions(leased.version_ids)
    versions = [part for pk in leased.version_ids if (part := found[pk]) is not None]
    room = _SizeBudget()
    keys = batch.keys[leased.id].subscriptions
    subjects = tuple((name, keys[pk]) for name, pk in topics[:_ABOUT_NAMED])
    room.take(size_of(*about(frame_pieces["about"], subjects, max(len(topics) - _ABOUT_NAMED, 0))))
    for part in (frame_pieces["frame"], *versions):
        room.take(part.size)
    papers, left_out = _that_fit(leased, batch, room)
    says_none = bool(leased.below_ids) and not leased.paper_ids and not leased.version_ids
    if not papers and not versions and not says_none:
        raise EmptyMailError("the papers chosen are gone")
    return _Content(
        papers=papers,
        versions=[part.id for part in versions],
        is_cut=left_out > 0,
        more=left_out + _more(leased, batch),
        leads=[fragments.lead(pk) for _, pk in papers.values()]
        or [fragments.version_lead(pk) for pk in leased.version_ids if found[pk] is not None],
    )


def _words(leased: LeasedDelivery, content: _Content, about: Sequence[str], now: datetime) -> dict[str, str]:
    """What is filled in around the papers. Of the mail itself, not of its templates.

    Raises:
        ValueError: its address cannot be written to.
    """
    opening = content.leads[0].opening if content.leads else ""
    return {
        "to": ascii_address(leased.email),
        "title": _subject(leased, content),
        "date": _written(leased.period_on, "l j F Y"),
        "sent": format_datetime(now),
        "day": f"{leased.period_on:%Y%m%d}",
        "preheader": rendering.preheader([lead.title for lead in content.leads], opening or ", ".join(about[:3])),
        "count": content.count,
        "since": f" on {_written(leased.consented_at.date(), 'j F Y')}",
        "number": str(leased.id),
        "name": leased.name,
    }


@lru_cache(maxsize=1_000)
def _written(day: date, how: str) -> str:
    return date_format(day, how)


def _fragment_ids(spec: Mapping[str, Any]) -> list[int]:
    return [*spec["pieces"].values(), *(pk for pk, _ in spec["papers"]), *spec["versions"]]


def _asked_papers(paper_ids: Sequence[int]) -> list[AskedPaper]:
    return [(pk, place >= _WHOLE) for place, pk in enumerate(paper_ids)]


def _that_fit(leased: LeasedDelivery, batch: BatchContext, room: _SizeBudget) -> tuple[dict[int, tuple[str, int]], int]:
    """By part: why it is there, and the paper; as many as there is room for. And how many more there are."""
    found: dict[int, tuple[str, int]] = {}
    seen: set[int] = set()
    left_out = 0
    fragments, pieces = batch.fragments, batch.fragments.frame_pieces(leased.frequency)
    asked = _asked_papers(leased.paper_ids)
    known = fragments.papers(asked)
    reader = batch.keys[leased.id].reader
    acts = [size_of_acts(pieces[name], reader) for name in ("save", "like")] if leased.has_account else []
    for one, causes in zip(asked, leased.causes, strict=True):
        part, paper = known[one], fragments.current_id(one[0])
        if part is None or paper in seen or _is_lost(causes, batch):
            continue
        seen.add(paper)
        names = _names(causes, batch)
        room.take(part.size)
        room.take(size_of_why(pieces["why"], names))
        for links in acts if len(found) < JUDGED_PAPERS else acts[:1]:
            room.take(links)
        if found and room.is_over(papers=len(found)):
            left_out += 1
        else:
            found[part.id] = names, one[0]
    return found, left_out


def _is_lost(causes: str, batch: BatchContext) -> bool:
    """Whether a paper was chosen for nothing but lists that its reader may no longer read."""
    return bool(batch.lost and causes) and all(int(pk) in batch.lost for pk in causes.split(",") if pk)


def _names(causes: str, batch: BatchContext) -> str:
    """The names of what a paper is there for; what was unsubscribed since has none."""
    if causes not in batch.reasons:
        keys = [int(pk) for pk in causes.split(",") if pk]
        names = list(dict.fromkeys(batch.labels[pk] for pk in keys if pk in batch.labels))
        others = len(names) - _WHYS_NAMED
        batch.reasons[causes] = ", ".join([*names[:_WHYS_NAMED], f"and {others} more"] if others > 0 else names)
    return batch.reasons[causes]


def _count(papers: int, versions: int) -> str:
    """How many papers a mail brings, or versions where it brings none: `12 new papers`."""
    count, noun = (papers, "new paper") if papers else (versions, "new version")
    return counted(count, noun)


def _opened(found: OpenedPapers | None) -> tuple[int, int]:
    """How many of how many; nothing where there is nothing to say."""
    return (found.opened, found.total) if found is not None and found.total else (0, 0)


def _subject(leased: LeasedDelivery, content: _Content) -> str:
    """Named after the best paper; the date stands in the mail. A mail without papers is named after its date."""
    if not content.leads:
        return f"{NOTHING_ABOVE.capitalize()}, {_written(leased.period_on, 'j F')}"
    others = (len(content.papers) + content.more or len(content.versions)) - 1
    return rendering.subject(content.leads[0].title, others=others, is_version=not content.papers)


def _more(leased: LeasedDelivery, batch: BatchContext) -> int:
    """How many there are behind the mail: exactly those that its page of the rest shows."""
    if leased.more_ids:
        return len(leased.more_ids)
    return len(batch.editions.get(window_of(leased), frozenset()).difference(leased.paper_ids))
