"""The cards of a list: rendered once per change of a paper, cached, and joined with what is the viewer's own.

`_card.html` has slots, by name, for what is the viewer's or the list's: `{% slot 'vote' %}`. What stands in a slot is
the same on all cards but for a paper's key, address and count, and is rendered once a process. So a page of fifty
costs one query for the viewer's state, no template, and its counts are always the newest. Cards that this process had
in its hands lately are in its memory, under the same keys, in which the paper's last change stands; the others in the
cache.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from functools import cache as remember
from functools import lru_cache
from html import escape
from itertools import count
from sys import getsizeof
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.conf import settings
from django.core.cache import cache
from django.template.loader import get_template, render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from papers.models import CardLead, LibraryItem, Paper, PaperExternalCounts
from papers.models.addresses import address_of
from papers.process_memory import ProcessMemory
from papers.services.fetching.thumbnails import ShownThumbnail
from papers.services.lists.rows import CardNote, ListPlace, ListRow, RecommendationReason, format_voters
from papers.services.lists.viewer_state import ViewerState
from papers.services.topics.labels import TopicName, TopicNamesByPaper
from papers.text.html import markdown
from papers.web.card_parts import card_html
from papers.web.card_slots import SLOT, SLOTS, SlotError

CARD_SECONDS = 7 * 24 * 60 * 60
MOST_BYTES_HERE = 8_000_000
"""Of cards in the memory of a process: about a thousand."""
# Control characters, which no text of a paper has: for its count, key and address in what is the same on all cards.
_COUNT = "\x01"
_KEY = "\x02"
_ADDRESS = "\x03"
_NAMES = {_COUNT: "count", _KEY: "key", _ADDRESS: "address"}

_LIBRARY_ICONS = {"": "save", "read": "check", "not_interested": "cross", "reading": "book"}
MOST_TAGS_SHOWN = 12
"""Of a reader's tags on a paper; the rest is counted."""
_EMPTY_SLOTS = dict.fromkeys(SLOTS, "")


class Places(NamedTuple):
    """Which of a list the papers on a page are, to be said to those who do not see the list."""

    numbers: Mapping[int, int] = MappingProxyType({})
    """From 1, by paper; empty where it is not known how many stand before them."""
    total: int = 0
    """Of the whole list; 0 where nobody has counted."""

    @classmethod
    def of(cls, paper_ids: Iterable[int], *, before: int | None = 0, total: int = 0) -> Places:
        """Those of papers in the order of the list, behind `before` others; None: nobody knows how many."""
        return cls() if before is None else cls(dict(zip(paper_ids, count(before + 1), strict=False)), total)


_NO_PLACES = Places()


class CardsBehind(NamedTuple):
    """Cards that open below another one."""

    words: str
    """What the line says that they are behind."""
    rows: Sequence[ListRow]


def render_cards(
    rows: Sequence[ListRow],
    *,
    viewer: ViewerState | None,
    this_year: int,
    selected: Container[int] | None = None,
    notes: Mapping[int, CardNote] = MappingProxyType({}),
    topics: TopicNamesByPaper = MappingProxyType({}),
    places: Places = _NO_PLACES,
    thumbnails: Mapping[int, ShownThumbnail] = MappingProxyType({}),
    behind: Mapping[int, CardsBehind] = MappingProxyType({}),
) -> SafeString:
    """The cards of `rows` as HTML for a reader, or for a visitor where `viewer` is None.

    Two queries for all cards that the cache lacks. With `selected` each card has a check box, which is on for those in
    it. `notes` say more of a paper, `topics` are named on it, and `places` say which of the list it is.
    `thumbnails` are the pictures that stand beside it. What is `behind` a card opens below it.
    """

    def fill(row: ListRow, address: str) -> dict[str, str]:
        pk = row.paper_id
        slots = _viewer_slots(row, address, viewer)
        slots["position"], slots["place"] = _place(places.numbers.get(pk, 0), places.total)
        slots["listing"] = _listing_marks(row)
        if selected is not None:
            slots["select"] = _select(pk, is_on=pk in selected)
        if note := notes.get(pk):
            slots["update"], slots["note"] = _note(note)
        if names := topics.get(pk):
            slots["topics"] = _topics(names)
        if picture := thumbnails.get(pk):
            slots["thumbnail"] = _thumbnail(address, picture)
        return slots

    lead = CardLead.LINE if viewer is None else viewer.card_lead
    return _joined(rows, fill, this_year=this_year, lead=lead, behind=behind)


def render_kept_cards(rows: Sequence[ListRow], *, this_year: int) -> SafeString:
    """The cards of a whole list as HTML to be read without a connection: with their votes, and nothing to press."""
    places = Places.of((row.paper_id for row in rows), total=len(rows))

    def fill(row: ListRow, _address: str) -> dict[str, str]:
        position, place = _place(places.numbers[row.paper_id], places.total)
        vote = _kept_vote() % _about(row.paper_id, "", row.vote_count)
        return {**_EMPTY_SLOTS, "position": position, "place": place, "vote": vote, "listing": _listing_marks(row)}

    return _joined(rows, fill, this_year=this_year, lead=CardLead.LINE)


def _joined(
    rows: Sequence[ListRow],
    fill: Callable[[ListRow, str], Mapping[str, str]],
    *,
    this_year: int,
    lead: str,
    behind: Mapping[int, CardsBehind] = MappingProxyType({}),
) -> SafeString:
    """The cards of `rows`; `fill` gives what stands in the slots of a row's, by the address of its paper.

    `lead` is what they show of the abstract, a value of `CardLead`. Some stand `behind` others, by the key of these.
    """
    folded = (row for row in rows if row.paper_id in behind)
    every = [*rows, *(other for row in folded for other in behind[row.paper_id].rows)]
    cards = _cached_cards(every, this_year=this_year, lead=lead)

    def pieces_of(some: Sequence[ListRow]) -> list[str]:
        joined: list[str] = []
        for row in some:
            card = cards.get(row.paper_id)
            if card is None:  # removed since the list was read
                continue
            slots, pieces = fill(row, card.address), list(card.pieces)
            pieces[1::2] = [slots[name] for name in pieces[1::2]]
            joined += pieces
            if more := behind.get(row.paper_id):
                summary = format_html('<details class="muted-fold"><summary>{}</summary>', more.words)
                joined += (summary, *pieces_of(more.rows), "</details>")
        return joined

    return mark_safe("".join(pieces_of(rows)))  # noqa: S308  joined from what templates rendered


class _Card(NamedTuple):
    """A card as it is cached: its HTML in pieces, every second one the name of a slot, and the paper's address."""

    pieces: tuple[str, ...]
    address: str


_here: ProcessMemory[str, _Card] = ProcessMemory(MOST_BYTES_HERE)


def _viewer_slots(row: ListRow, address: str, viewer: ViewerState | None) -> dict[str, str]:
    """All slots of one card, with what is the viewer's own in those that are for it."""
    pk, votes = row.paper_id, row.vote_count
    if viewer is None:
        return _untouched_slots(pk, address, votes, is_reader=False).copy()
    slots = _untouched_slots(pk, address, votes, is_reader=True).copy()
    if pk in viewer.seen:
        slots["seen"] = " seen"
        slots["annotations"] = _beside_card(_about(pk, address), is_seen=True)
    if pk in viewer.voted:
        slots["vote"] = _readers_vote(True) % _about(pk, address, votes)
    if state := viewer.library_states.get(pk):
        slots["save"] = _save_button(state) % _about(pk, address)
    if names := viewer.voters.get(pk):
        slots["voters"] = _voters(address, votes, tuple(names))
    if tags := viewer.tags.get(pk):
        slots["tags"] = render_own_tags(pk, tags, owner=viewer.owner)
    return slots


@lru_cache(maxsize=500)
def _untouched_slots(paper_id: int, address: str, vote_count: int, *, is_reader: bool) -> dict[str, str]:
    """The slots of a card for who has done nothing with the paper; to be copied. Most papers of a day are such."""
    about = _about(paper_id, address, vote_count)
    if not is_reader:
        return _EMPTY_SLOTS | {"vote": _visitors_vote() % about, "save": _visitors_save() % about}
    return _EMPTY_SLOTS | {
        "vote": _readers_vote(False) % about,
        "save": _save_button("") % about,
        "annotations": _beside_card(about, is_seen=False),
        "tags": render_own_tags(paper_id, (), owner=""),
    }


def _beside_card(about: Mapping[str, int | str], *, is_seen: bool) -> str:
    return _seen_button(is_seen) % about + _annotations_link() % about


def _place(number: int, total: int) -> tuple[str, str]:
    """What an article says of its place among others (WAI-ARIA 1.2), and the same in words; nothing where it is 0."""
    if not number:
        return "", ""
    if number > total:  # not counted, or there are more since
        return f' aria-posinset="{number}" aria-setsize="-1"', f"Paper {number:,}"
    return f' aria-posinset="{number}" aria-setsize="{total}"', f"{number:,} of {total:,}"


def _note(note: CardNote) -> tuple[str, str]:
    """What stands among the facts, and what stands under them."""
    text = _reason(note.reason) if note.reason else markdown(note.markdown) if note.markdown else ""
    if note.place:
        text = _list_place(note.place)
    return (
        format_html('<li class="news">{}</li>', note.update) if note.update else "",
        format_html('<div class="note">{}</div>', mark_safe(text)) if text else "",  # noqa: S308  a template's, nh3's
    )


def _reason(reason: RecommendationReason) -> str:
    return _render_template("papers/_reason.html", {"reason": reason})


def _list_place(place: ListPlace) -> str:
    return _render_template("papers/_list_place.html", {"place": place, "note": markdown(place.note)})


def render_save_button(paper_id: int, address: str, *, state: str) -> SafeString:
    """A reader's button that adds a paper to the library or removes it. No queries."""
    return mark_safe(_save_button(state) % _about(paper_id, address))  # noqa: S308  a template's


def render_seen_button(paper_id: int, address: str, *, is_seen: bool) -> SafeString:
    """A reader's button that marks a paper as seen or not. No queries."""
    return mark_safe(_seen_button(is_seen) % _about(paper_id, address))  # noqa: S308  a template's


def render_card_buttons(paper: Paper, *, viewer: ViewerState | None) -> dict[str, str]:
    """A reader's vote, save and seen button of a card, and the tags, by name; nothing for a visitor. No queries."""
    if viewer is None:
        return {}
    pk, about = paper.pk, _about(paper.pk, paper.get_absolute_url(), paper.vote_count)
    return {
        "vote": _readers_vote(pk in viewer.voted) % about,
        "save": _save_button(viewer.library_states.get(pk, "")) % about,
        "seen": _seen_button(pk in viewer.seen) % about,
        "tags": render_own_tags(pk, viewer.tags.get(pk, ()), owner=viewer.owner),
    }


@remember
def _seen_button(is_seen: bool) -> str:
    return _pattern("papers/_seen.html", {"is_seen": is_seen, "key": _KEY, "address": _ADDRESS})


@remember
def _save_button(state: str) -> str:
    label = LibraryItem.State(state).label if state else ""
    icon = _LIBRARY_ICONS.get(state, "saved")
    context = {"state": state, "label": label, "icon": icon, "key": _KEY, "address": _ADDRESS}
    return _pattern("papers/_save.html", context)


@remember
def _annotations_link() -> str:
    return _pattern("papers/_annotations_link.html", {"key": _KEY, "address": _ADDRESS})


@remember
def _visitors_vote() -> str:
    return _vote({"later_url": f"{_ADDRESS}/after-sign-in"})


@remember
def _visitors_save() -> str:
    return _pattern("papers/_save_later.html", {"key": _KEY, "later_url": f"{_ADDRESS}/after-sign-in"})


@remember
def _readers_vote(is_on: bool) -> str:
    return _vote({"is_signed_in": True, "is_on": is_on})


@remember
def _kept_vote() -> str:
    return _pattern("papers/_kept_vote.html", {"vote_count": _COUNT})


def _vote(viewer: Mapping[str, Any]) -> str:
    context = {"paper": {"pk": _KEY, "vote_count": _COUNT}, "vote_url": f"{_ADDRESS}/vote"}
    return _pattern("papers/_vote.html", {**context, **viewer})


def _pattern(template: str, context: Mapping[str, Any]) -> str:
    """What is the same on all cards, to be filled by `%` with what `_about` says of a paper."""
    html = _render_template(template, context).replace("%", "%%")
    for mark, name in _NAMES.items():
        html = html.replace(mark, f"%({name})s")
    return html


def _about(paper_id: int, address: str, vote_count: int = 0) -> dict[str, int | str]:
    return {"key": paper_id, "count": vote_count, "address": escape(address)}


def render_own_tags(paper_id: int, tags: Sequence[str], *, owner: str) -> SafeString:
    """A reader's tags on a paper, in an element that is there without any, too, for htmx to fill. No queries."""
    shown = tags[:MOST_TAGS_SHOWN]
    chips = " ".join(_link(address_of("papers:tag", owner, tag), tag, attributes=' class="tag"') for tag in shown)
    others = len(tags) - len(shown)
    more = f' <span class="muted">and {others} more</span>' if others else ""
    return mark_safe(f'<div class="own" id="own-{paper_id}">{chips}{more}</div>')  # noqa: S308  escaped


def _link(address: str, words: str, *, attributes: str = "") -> str:
    """A link as plain text: a list has hundreds, and `format_html` takes many times as long over each."""
    return f'<a{attributes} href="{escape(address)}">{escape(words)}</a>'


@lru_cache(maxsize=500)
def _voters(address: str, vote_count: int, names: tuple[str, ...]) -> str:
    """Who voted for a paper; nothing where its last vote was taken back since they were read."""
    if not vote_count:
        return ""
    return f'<li class="voters">voted for by {_link(f"{address}#voters", format_voters(names, vote_count))}</li>'


def _select(paper_id: int, *, is_on: bool) -> str:
    checked = mark_safe(" checked") if is_on else ""
    return format_html(
        '<label class="pick"><input type="checkbox" form="bulk" name="paper" value="{0}"{1}'
        ' aria-labelledby="pick-{0} title-{0}"><span class="unseen" id="pick-{0}">Select this paper:</span></label>',
        paper_id,
        checked,
    )


def _listing_marks(row: ListRow) -> str:
    words, address = row.related
    related = format_html('<li><a href="{}" rel="nofollow">{}</a></li>', address, words) if words else ""
    if not row.is_pinned and not row.submitted_by and not row.reasons:
        return related
    marks = _marks_like(row.is_pinned, row.submitted_by, row.reasons, has_more=bool(row.similar_search_url))
    return marks.replace(_ADDRESS, escape(row.similar_search_url)) + related


@lru_cache(maxsize=1_000)
def _marks_like(is_pinned: bool, submitted_by: str, reasons: tuple[str, ...], *, has_more: bool) -> str:
    row = {"is_pinned": is_pinned, "submitted_by": submitted_by, "reasons": reasons}
    more = {"similar_search_url": _ADDRESS if has_more else ""}
    return _render_template("papers/_listing_marks.html", {"row": row | more})


def _thumbnail(address: str, picture: ShownThumbnail) -> str:
    """A picture that says nothing more than the card; its room is kept, and it is loaded when it is near."""
    return format_html(
        '<img class="thumbnail" src="{}/first-page?v={}" width="{}" height="{}" alt="" loading="lazy">',
        address, picture.version, picture.width // 2, picture.height // 2,
    )  # fmt: skip


def _topics(names: Collection[TopicName]) -> str:
    links = "".join(_link(address_of("papers:topic", topic.slug), topic.name) for topic in names)
    return f'<li class="topics">{links}</li>'


def sign_in_url_for(target: str) -> str:
    """The way in that leads on to `target`."""
    return f"{reverse('papers:sign-in')}?{urlencode({'next': target})}"


def _cached_cards(rows: Sequence[ListRow], *, this_year: int, lead: str) -> dict[int, _Card]:
    """The cards by paper, from this process's memory, else from the cache; those that neither has are rendered.

    One read of the cache and two queries at most.
    """
    stamp = f"{_template_stamp()}:{this_year}:{lead}"
    keys = {f"card:{stamp}:{row.paper_id}:{row.changed_at.timestamp()}": row.paper_id for row in rows}
    here = {paper_id: card for key, paper_id in keys.items() if (card := _here.get(key)) is not None}
    others = {key: paper_id for key, paper_id in keys.items() if paper_id not in here}
    return here | (_cards_from_cache(others, this_year=this_year, lead=lead) if others else {})


def _cards_from_cache(keys: Mapping[str, int], *, this_year: int, lead: str) -> dict[int, _Card]:
    """The cards of these keys by paper; what the cache lacks is rendered and cached, and all of it remembered."""
    found: dict[str, tuple[str, str]] = cache.get_many(keys)
    missing = {paper_id: key for key, paper_id in keys.items() if key not in found}
    if missing:
        counts = _counts_of_other_sites(missing)
        fresh = {
            missing[paper.pk]: _render(paper, counts[paper.pk], this_year=this_year, lead=lead)
            for paper in Paper.objects.for_cards().filter(pk__in=missing)
        }
        cache.set_many(fresh, CARD_SECONDS)
        found |= fresh
    cards = {key: _Card(tuple(html.split(SLOT)), address) for key, (html, address) in found.items()}
    for key, card in cards.items():
        _here.put(key, card, sum(map(getsizeof, card.pieces)) + getsizeof(key) + getsizeof(card.address))
    return {keys[key]: card for key, card in cards.items()}


def _counts_of_other_sites(paper_ids: Iterable[int]) -> dict[int, list[PaperExternalCounts]]:
    """By paper, in the order of their names. One query."""
    found: dict[int, list[PaperExternalCounts]] = defaultdict(list)
    for counts in PaperExternalCounts.objects.filter(paper__in=paper_ids).order_by("source"):
        found[counts.paper_id].append(counts)
    return found


def _render(
    paper: Paper, counts: Sequence[PaperExternalCounts] = (), *, this_year: int, lead: str = CardLead.LINE
) -> tuple[str, str]:
    """A card with the marks of its slots, and the paper's address.

    Raises:
        SlotError: the template has not each slot once.
    """
    address = paper.get_absolute_url()
    html = card_html(paper, counts, address=address, this_year=this_year, lead=lead)
    names = html.split(SLOT)[1::2]
    if sorted(names) != sorted(SLOTS):
        raise SlotError(f"Each slot stands once in papers/_card.html: {sorted(SLOTS)}, not {sorted(names)}.")
    return html, address


def _render_template(template: str, context: Mapping[str, Any]) -> str:
    """A template without its indents and empty lines, which no browser shows."""
    lines = render_to_string(template, dict(context)).split("\n")
    return "\n".join(filter(None, (line.strip(" ") for line in lines)))


@remember
def _template_stamp() -> str:
    """Part of the cache's keys: another when a release changes how a card looks, or the site's sub-path changes."""
    template: Any = get_template("papers/_card.html")
    stamp = f"{settings.VERSION} {settings.SITE.path} {template.template.source}"
    return hashlib.sha256(stamp.encode()).hexdigest()[:10]
