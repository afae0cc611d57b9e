"""The cards of a list: rendered once per change of a paper, kept in the cache, joined with what is the viewer's own.

A cached card has gaps where the viewer's own goes: the vote, with its count, the buttons, the tags. What stands there
is the same on all cards but for a paper's key, address and count, and is rendered once a process. So a page of fifty
costs one read of the cache and one query for the viewer's marks, no template, and its counts are always the newest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from functools import cache as remember
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote_plus, urlencode

from django.conf import settings
from django.core.cache import cache
from django.db.models import Prefetch, QuerySet
from django.template.loader import get_template, render_to_string
from django.urls import reverse
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from papers.models import LibraryItem, Paper, PaperExternalCounts
from papers.services.lists.rows import CardNote, ListRow, RecommendationReason, format_voters
from papers.services.lists.viewer_state import ViewerState
from papers.services.topics.labels import TopicName, TopicNamesByPaper
from papers.text.html import markdown

CARD_SECONDS = 7 * 24 * 60 * 60
# Control characters, which no text of a paper has: between the parts of a cached card, and where the paper's count, key
# and address go in what is the same on all cards.
_GAP = "\x00"
_COUNT = "\x01"
_KEY = "\x02"
_ADDRESS = "\x03"
_QUOTED_ADDRESS = quote_plus(_ADDRESS)


_NO_NOTE = CardNote()


def render_cards(
    rows: Sequence[ListRow],
    *,
    marks: ViewerState | None,
    this_year: int,
    picking: Container[int] | None = None,
    notes: Mapping[int, CardNote] = MappingProxyType({}),
    topics: TopicNamesByPaper = MappingProxyType({}),
) -> SafeString:
    """The cards of `rows` as HTML; `marks` are a reader's, None a visitor's. One query for all that the cache lacks.

    With `picking` each card has a check box, which is on for the papers in it. `notes` say more of a paper, and
    `topics` are named on it.
    """
    cards = _cached_cards(rows, this_year=this_year)
    parts: list[str] = []
    for row in rows:
        card = cards.get(row.paper_id)
        if card is None:  # removed since the list was read
            continue
        if marks is None:
            own = _Own("", _filled(_visitors_vote(), row, card.address), "", "")
        else:
            own = _own(row, card, marks)
        pick = "" if picking is None else _pick(row.paper_id, is_on=row.paper_id in picking)
        parts += (card.opening, own.state, card.after_state, pick, own.side, card.after_side)
        update, note = _note(notes.get(row.paper_id, _NO_NOTE))
        parts += (update, own.voters, _listing_marks(row), _topics(topics.get(row.paper_id, ())))
        parts += (card.after_facts, own.tags, note, card.closing)
    return mark_safe("".join(parts))  # noqa: S308  joined from what templates rendered


def _note(note: CardNote) -> tuple[str, str]:
    """What stands among the facts, and what stands under them."""
    text = _reason(note.reason) if note.reason else markdown(note.markdown) if note.markdown else ""
    return (
        format_html('<li class="news">{}</li>', note.update) if note.update else "",
        format_html('<div class="note">{}</div>', mark_safe(text)) if text else "",  # noqa: S308  a template's, nh3's
    )


def _reason(reason: RecommendationReason) -> str:
    return render_to_string("papers/_reason.html", {"reason": reason})


class _Card(NamedTuple):
    """What is kept of a card: the pieces between which a page puts what is the viewer's, and the paper's address."""

    opening: str
    after_state: str
    after_side: str
    after_facts: str
    closing: str
    address: str


class _Own(NamedTuple):
    """What is the viewer's own on one card."""

    state: str
    side: str
    voters: str
    tags: str


def _own(row: ListRow, card: _Card, marks: ViewerState) -> _Own:
    side = (
        _readers_vote(row.paper_id in marks.voted)
        + _save_button(marks.library_states.get(row.paper_id, ""))
        + _own_link()
    )
    return _Own(
        state=" seen" if row.paper_id in marks.seen else "",
        side=_filled(side, row, card.address),
        voters=_voters(row, card.address, marks.voters.get(row.paper_id, ())),
        tags=render_own_tags(row.paper_id, marks.tags.get(row.paper_id, ()), owner=marks.owner),
    )


def render_save_button(paper_id: int, address: str, *, state: str) -> SafeString:
    """A reader's button that saves a paper or takes it off the shelf. No queries."""
    return _with_paper(_save_button(state), paper_id, address)


@remember
def _save_button(state: str) -> str:
    label = LibraryItem.State(state).label if state else ""
    context = {"state": state, "label": label, "key": _KEY, "address": _ADDRESS}
    return render_to_string("papers/_save.html", context)


@remember
def _own_link() -> str:
    return render_to_string("papers/_annotations_link.html", {"key": _KEY, "address": _ADDRESS})


@remember
def _visitors_vote() -> str:
    return _vote({"sign_in_url": sign_in_url_for(f"{_ADDRESS}/vote")})


@remember
def _readers_vote(is_on: bool) -> str:
    return _vote({"is_signed_in": True, "is_on": is_on})


def _vote(viewer: Mapping[str, Any]) -> str:
    context = {"paper": {"pk": _KEY, "vote_count": _COUNT}, "vote_url": f"{_ADDRESS}/vote"}
    return render_to_string("papers/_vote.html", {**context, **viewer})


def _filled(html: str, row: ListRow, address: str) -> SafeString:
    """What is the same on all cards, for the one of this row."""
    return _with_paper(html.replace(_COUNT, str(row.vote_count)), row.paper_id, address)


def _with_paper(html: str, paper_id: int, address: str) -> SafeString:
    quoted = quote_plus(address)
    filled = html.replace(_KEY, str(paper_id)).replace(_ADDRESS, escape(address)).replace(_QUOTED_ADDRESS, quoted)
    return mark_safe(filled)  # noqa: S308  of templates, numbers and an escaped address


def render_own_tags(paper_id: int, tags: Sequence[str], *, owner: str) -> SafeString:
    """A reader's tags on a paper; the place where they stand is there without any, for htmx to fill. No queries."""
    addresses = ((reverse("papers:tag", args=[owner, tag]), tag) for tag in tags)
    chips = format_html_join(" ", '<a class="tag" href="{}">{}</a>', addresses)
    return format_html('<div class="own" id="own-{}">{}</div>', paper_id, chips)


def _voters(row: ListRow, address: str, names: Sequence[str]) -> str:
    if not row.vote_count or not names:
        return ""
    line = format_voters(names, row.vote_count)
    return format_html('<li class="voters">voted for by <a href="{}#voters">{}</a></li>', address, line)


def _pick(paper_id: int, *, is_on: bool) -> str:
    checked = mark_safe(" checked") if is_on else ""
    return format_html(
        '<label class="pick"><input type="checkbox" form="bulk" name="paper" value="{}"{}>'
        '<span class="unseen">Choose this paper</span></label>',
        paper_id,
        checked,
    )


def _listing_marks(row: ListRow) -> str:
    if not row.is_pinned and not row.submitted_by and not row.reasons:
        return ""
    marks = _marks_like(row.is_pinned, row.submitted_by, row.reasons, has_more=bool(row.similar_search_url))
    return marks.replace(_ADDRESS, escape(row.similar_search_url))


@lru_cache(maxsize=1_000)
def _marks_like(is_pinned: bool, submitted_by: str, reasons: tuple[str, ...], *, has_more: bool) -> str:
    row = {"is_pinned": is_pinned, "submitted_by": submitted_by, "reasons": reasons}
    more = {"similar_search_url": _ADDRESS if has_more else ""}
    return render_to_string("papers/_listing_marks.html", {"row": row | more})


def _topics(names: Collection[TopicName]) -> str:
    if not names:
        return ""
    links = ((reverse("papers:topic", args=[topic.slug]), topic.name) for topic in names)
    return format_html('<li class="topics">{}</li>', format_html_join("", '<a href="{}">{}</a>', links))


def sign_in_url_for(target: str) -> str:
    """The way in that leads on to `target`."""
    return f"{reverse('papers:sign-in')}?{urlencode({'next': target})}"


def _cached_cards(rows: Sequence[ListRow], *, this_year: int) -> dict[int, _Card]:
    """By paper."""
    stamp = f"{_template_stamp()}:{this_year}"
    keys = {f"card:{stamp}:{row.paper_id}:{row.changed_at.timestamp()}": row.paper_id for row in rows}
    found: dict[str, str] = cache.get_many(keys)
    missing = {paper_id: key for key, paper_id in keys.items() if key not in found}
    if missing:
        fresh = {missing[paper.pk]: _render(paper, this_year=this_year) for paper in _papers(missing)}
        cache.set_many(fresh, CARD_SECONDS)
        found |= fresh
    return {keys[key]: _Card(*html.split(_GAP)) for key, html in found.items()}


def _papers(pks: Iterable[int]) -> QuerySet[Paper]:
    figures = PaperExternalCounts.objects.order_by("source")
    return Paper.objects.for_cards().filter(pk__in=pks).prefetch_related(Prefetch("external_counts", figures))


def _render(paper: Paper, *, this_year: int) -> str:
    """The pieces of a card, in the order of `_Card`."""
    address = paper.get_absolute_url()
    card = {
        "paper": paper, "address": address, "figures": paper.external_counts.all(), "this_year": this_year, "gap": _GAP
    }  # fmt: skip
    return _GAP.join((render_to_string("papers/_card.html", card), address))


@remember
def _template_stamp() -> str:
    """Changes whenever a release changes how a card looks, or the site moves to another address."""
    template: Any = get_template("papers/_card.html")
    stamp = f"{settings.VERSION} {settings.SITE.path} {template.template.source}"
    return hashlib.sha256(stamp.encode()).hexdigest()[:10]
