"""A list of papers as a page: the rows behind a cursor, the viewer's marks, the cards."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.safestring import SafeString

from papers.forms.library import BulkActionForm
from papers.models import Paper, Tag, Topic
from papers.models.reading import exclude_seen
from papers.services.editions.masthead import curator_names
from papers.services.editions.related import RelatedPapers, folds_of, related_to
from papers.services.fetching.thumbnails import shown_thumbnails
from papers.services.lists.overview import ListOverview, read_overview
from papers.services.lists.rows import PER_PAGE, CardNote, DatedList, ListRow, read_list_rows
from papers.services.lists.viewer_state import ViewerState, read_viewer_state
from papers.services.reading.muted_queries import find_muted
from papers.services.reading.visits import record_visit
from papers.services.topics.labels import topic_names
from papers.web.cards import CardsBehind, Places, render_cards
from papers.web.http import Request, parse_key
from papers.web.large_parts import LargeParts
from papers.web.list_bar import FOR_ME, ListBar, Order, make_bar
from papers.web.paging import add_count, decode_cursor, encode_cursor, split_count

P = TypeVar("P", bound=tuple[Any, ...])

# What an address says of a list, and the next page must say, too.
_KEPT = ("sort", "category", "related", "state", "tag", "news", "pick", "q", "day")
# A reader who comes back to a list finds as many cards as were there; in steps of a page, and at most so many.
MAX_SHOWN = 400


@dataclass(frozen=True, slots=True)
class BarOf:
    """The list that a bar stands over."""

    name: str
    """As in papers/services/lists/overview.py."""
    orders: tuple[Order, ...]
    size: int | None = None
    """Its number of listings, where that is known."""
    days: tuple[date, ...] = ()
    """Its days with papers, which a reader may be done with."""
    is_part: bool = False
    """In this order not all of its papers are shown."""
    related: tuple[RelatedPapers, ...] = ()
    """Which of its papers are about the same."""


@dataclass(frozen=True, slots=True)
class CardPage:
    """One page of a list."""

    cards: SafeString
    is_first: bool
    more: str
    """The cursor of the next page, empty on the last."""
    marks: ViewerState | None = None
    """The reader's; None a visitor's."""
    paper_ids: tuple[int, ...] = ()
    """Of the papers on it."""
    muted_cards: SafeString | None = None
    """Those that the reader's muted questions find; None where there are none."""
    muted_count: int = 0
    hides_seen_papers: bool = False
    is_selecting: bool = False
    """Each card has a check box."""
    bar: ListBar | None = None
    """None on lists that have none."""
    start: int = 0
    """How many cards stood on the pages before."""
    is_part: bool = False
    """It begins somewhere inside the list, or the order leaves some papers out."""
    only: RelatedPapers | None = None
    """The papers that it shows of a list, which are about the same; None: all."""

    @property
    def end(self) -> int:
        """How many cards there are to the end of this page."""
        return self.start + len(self.paper_ids)

    @property
    def is_whole_known(self) -> bool:
        """Whether it can be said how many of how many are shown."""
        return self.bar is not None and not self.is_part and self.end <= self.bar.total

    @property
    def is_empty(self) -> bool:
        """The whole list is."""
        return self.is_first and not self.paper_ids

    @property
    def is_past_end(self) -> bool:
        """It got shorter since its last page was read."""
        return not self.is_first and not self.paper_ids

    @property
    def is_all_seen(self) -> bool:
        """There is nothing left, and papers that were seen are left out."""
        return self.is_empty and self.hides_seen_papers


def card_page(
    request: Request,
    kind: type[P],
    list_after: Callable[[P | None], QuerySet[Any]],
    *,
    bar: BarOf | None = None,
    is_own: bool = False,
    notes: Callable[[list[ListRow]], dict[int, CardNote]] | None = None,
    topic: Topic | None = None,
) -> CardPage:
    """The page that the address asks for of a list that is sorted by `kind`, with the bar over it where it has one.

    A list that is the reader's own is shown whole: nothing seen is left out, nothing muted is folded away. `notes` may
    say more of the papers on it, by key. The `topic` that a list is of is not named on its cards.
    """
    record_visit(request.user, now=timezone.now())
    hides_seen = not is_own and request.user.is_authenticated and request.user.hides_seen
    only = _asked_related(request, bar)
    if bar and only:
        bar = replace(bar, is_part=True)
    narrowed: Callable[[P | None], QuerySet[Any]] = _narrowed(
        request, list_after, has_bar=bar is not None, only=only, hides_seen=hides_seen
    )
    part = _read_part(request, kind, list_after, narrowed, has_bar=bar is not None)
    folding = _read_folding(request, part, narrowed(None), bar=bar) if bar and bar.related and not only else _NO_FOLDING
    overview = read_overview(bar.name, viewer=request.user, now=timezone.now(), size=bar.size) if bar else None
    rows = [*part.rows, *folding.rows]
    marks = _marks(request, rows, bar=bar, overview=overview, is_own=is_own)
    list_bar = _bar(request, bar, overview, marks, hides_seen=hides_seen) if bar and overview else None
    total = list_bar.total if bar and list_bar and not bar.is_part else 0
    render = _card_renderer(request, part, folding.rows, marks, total=total, notes=notes, topic=topic)
    muted = _muted(request, rows, marks)
    shown, behind = _folded(part.rows, folding, muted, is_today=bar is not None and timezone.localdate() in bar.days)
    muted_rows = [row for row in part.rows if row.paper_id in muted]
    return CardPage(
        cards=render(shown, behind),
        paper_ids=tuple(paper_ids_of(part.rows)),
        muted_cards=render(muted_rows, {}) if muted_rows else None,
        muted_count=len(muted_rows),
        is_first=part.is_first,
        more=part.more,
        marks=marks,
        hides_seen_papers=hides_seen,
        is_selecting=marks is not None and bool(request.GET.get("pick")),
        bar=list_bar,
        start=part.before or 0,
        is_part=part.before is None or (bar is not None and bar.is_part),
        only=only,
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows of one page."""

    kind: type[tuple[Any, ...]]
    """What they are sorted by, a named tuple."""
    rows: list[ListRow]
    before: int | None
    """How many stand before them; None where that is not known."""
    is_first: bool
    is_last: bool

    @property
    def more(self) -> str:
        """The cursor of the page behind these rows; empty on the last."""
        if self.is_last:
            return ""
        count = None if self.before is None else self.before + len(self.rows)
        return add_count(encode_cursor(self.rows[-1].position, self.kind), before=count)


def _read_part(
    request: Request,
    kind: type[P],
    list_after: Callable[[P | None], QuerySet[Any]],
    narrowed: Callable[[P | None], QuerySet[Any]],
    *,
    has_bar: bool,
) -> _Part:
    """The rows that the address asks for: behind a cursor or a paper, of a category. Two queries at most."""
    cursor, before = split_count(request.GET.get("after", ""))
    after = decode_cursor(cursor, kind)
    if after is None:
        after = _position_of(request, kind, list_after) if has_bar else None
        before = 0 if after is None else None
    per_page = _asked_number(request)
    columns: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]  # a named tuple
    if after is None and narrowed is list_after and isinstance(list_after, DatedList):
        rows = list_after.read_first_rows(columns, per_page=per_page)
    else:
        rows = read_list_rows(narrowed(after), columns, per_page=per_page)
    return _Part(kind, rows[:per_page], before, is_first=after is None, is_last=len(rows) <= per_page)


def _narrowed(
    request: Request,
    list_after: Callable[[P | None], QuerySet[Any]],
    *,
    has_bar: bool,
    only: RelatedPapers | None,
    hides_seen: bool,
) -> Callable[[P | None], QuerySet[Any]]:
    """A list behind a position, without what the reader leaves out and what the address does not ask for.

    The list itself, where nothing is left out.
    """
    if not hides_seen and not only and not (has_bar and request.GET.get("category")):
        return list_after

    def behind(after: P | None) -> QuerySet[Any]:
        found = list_after(after)
        if hides_seen:
            found = exclude_seen(found, request.user)  # type: ignore[arg-type]  # only readers hide what they have seen
        if has_bar and request.GET.get("category"):
            found = _of_category(found, request.GET["category"])
        return found.filter(paper_id__in=only.paper_ids) if only else found

    return behind


def _marks(
    request: Request, rows: list[ListRow], *, bar: BarOf | None, overview: ListOverview | None, is_own: bool
) -> ViewerState | None:
    marks = read_viewer_state(
        request.user,
        paper_ids_of(rows),
        voters_of=paper_ids_of(row for row in rows if row.vote_count),
        days=bar.days if bar else (),
        whole_list=overview.papers if overview else (),
    )
    if marks is not None and is_own:
        marks.seen.clear()
        marks.muted.clear()
    return marks


def _card_renderer(
    request: Request,
    part: _Part,
    more_rows: Sequence[ListRow],
    marks: ViewerState | None,
    *,
    total: int,
    notes: Callable[[list[ListRow]], dict[int, CardNote]] | None,
    topic: Topic | None,
) -> Callable[[list[ListRow], Mapping[int, CardsBehind]], SafeString]:
    """What makes the cards of some of the rows, and of those behind them."""
    keys = paper_ids_of([*part.rows, *more_rows])
    pick = request.GET.get("pick") if marks is not None else None
    selected = set(keys if pick == "all" else ()) if pick else None
    topics = topic_names(keys, viewer=request.user, exclude=topic)
    places = Places.of(paper_ids_of(part.rows), before=part.before, total=total)
    pictures = shown_thumbnails(keys) if request.group.shows_thumbnails else {}
    year = timezone.localdate().year

    def render(rows: list[ListRow], behind: Mapping[int, CardsBehind]) -> SafeString:
        more = notes(rows) if notes else {}
        return render_cards(
            rows,
            viewer=marks,
            this_year=year,
            notes=more,
            selected=selected,
            topics=topics,
            places=places,
            thumbnails=pictures,
            behind=behind,
        )

    return render


class _Folding(NamedTuple):
    """What a page of a day says of papers that are about the same."""

    rows: Sequence[ListRow] = ()
    """Those of other pages, which stand behind a paper of this one."""
    order: Sequence[int] = ()
    """All that may lead or stand behind, in the order of the day; empty where nothing is folded."""
    related: Sequence[RelatedPapers] = ()
    """Those with a paper on this page."""


_NO_FOLDING = _Folding()


def _asked_related(request: Request, bar: BarOf | None) -> RelatedPapers | None:
    """The papers of a day that an address asks for by one of them; None: all."""
    asked = parse_key(request.GET.get("related", "")) if bar and bar.related else None
    return related_to(asked, bar.related) if bar and asked is not None else None


def _read_folding(request: Request, part: _Part, whole_list: QuerySet[Any], *, bar: BarOf) -> _Folding:
    """The related papers of a page. One query where a reader has them folded and there are some."""
    here = frozenset(paper_ids_of(part.rows))
    related = [each for each in bar.related if each.paper_ids & here]
    if not related or not request.user.is_authenticated or not request.user.folds_related:
        return _Folding(related=related)
    keys = frozenset[int]().union(*(each.paper_ids for each in related))
    rows = read_list_rows(whole_list.filter(paper_id__in=keys), (), per_page=len(keys))
    others = [row for row in rows if row.paper_id not in here]
    return _Folding(others, paper_ids_of(rows), related)


def _folded(
    rows: Sequence[ListRow], folding: _Folding, muted: Container[int], *, is_today: bool
) -> tuple[list[ListRow], dict[int, CardsBehind]]:
    """The cards of a page that stand in the list, and those behind them; with a word on each that has related ones."""
    if not folding.order:
        return [_with_related(row, folding.related, is_today) for row in rows if row.paper_id not in muted], {}
    folds = folds_of([paper_id for paper_id in folding.order if paper_id not in muted], folding.related)
    hidden = {paper_id for fold in folds.values() for paper_id in fold.paper_ids}
    known = {row.paper_id: row for row in (*rows, *folding.rows)}
    behind = {
        leader: CardsBehind(
            fold.related.words(len(fold.paper_ids), is_today=is_today), [known[key] for key in fold.paper_ids]
        )
        for leader, fold in folds.items()
    }
    return [row for row in rows if row.paper_id not in hidden and row.paper_id not in muted], behind


def _with_related(row: ListRow, related: Iterable[RelatedPapers], is_today: bool) -> ListRow:
    found = related_to(row.paper_id, related)
    if found is None:
        return row
    words = found.words(len(found.paper_ids) - 1, is_today=is_today)
    return replace(row, related=(words, f"?related={row.paper_id}"))


def _position_of(request: Request, kind: type[P], list_after: Callable[[P | None], QuerySet[Any]]) -> P | None:
    """The place behind the paper of `at`, from where a reader goes on. One query where there is one."""
    paper_id = parse_key(request.GET.get("at", ""))
    if paper_id is None:
        return None
    found = list_after(None)
    key = "pk" if found.model is Paper else "paper_id"
    row = found.filter(**{key: paper_id}).values_list(*kind._fields).first()  # type: ignore[attr-defined]
    return None if row is None else kind(*row)


def _of_category(found: QuerySet[Any], code: str) -> QuerySet[Any]:
    if "\0" in code:  # Postgres refuses to look for one
        return found.none()
    column = "categories" if found.model is Paper else "paper__categories"
    return found.filter(**{f"{column}__contains": [code]})


def _asked_number(request: Request) -> int:
    """How many cards a page has: as many as were there when the reader left, where the address says so."""
    asked = parse_key(request.GET.get("show", ""), digits=4)
    return min(-(-asked // PER_PAGE) * PER_PAGE, MAX_SHOWN) if asked else PER_PAGE


def _bar(
    request: Request, bar: BarOf, overview: ListOverview, marks: ViewerState | None, *, hides_seen: bool
) -> ListBar:
    query = {name: request.GET[name] for name in ("sort", "category", "pick") if request.GET.get(name)}
    return make_bar(
        bar.name,
        overview,
        seen=frozenset(marks.seen if marks else ()),
        hides_seen=hides_seen,
        orders=bar.orders if marks else [order for order in bar.orders if order.name != FOR_ME],
        query=query,
        place=marks.last_seen if marks else None,
    )


def _muted(request: Request, rows: list[ListRow], marks: ViewerState | None) -> set[int]:
    """The papers on a page that the reader's muted questions find. Two queries at most; none without such questions."""
    if marks is None or not marks.muted or not request.user.is_authenticated:
        return set()
    return find_muted(paper_ids_of(rows), user=request.user, queries=marks.muted, today=timezone.localdate())


def paper_ids_of(rows: Iterable[ListRow]) -> list[int]:
    return [row.paper_id for row in rows]


def _with_marks(page: CardPage, parts: LargeParts) -> CardPage:
    """A page whose cards are joined with it at the end."""
    muted = page.muted_cards
    return replace(page, cards=parts.add(page.cards), muted_cards=None if muted is None else parts.add(muted))


def show_list(request: Request, template: str, page: CardPage, context: dict[str, Any]) -> HttpResponse:
    """A whole page; for htmx that asks for more, the next cards alone."""
    query = {name: request.GET[name] for name in _KEPT if name in request.GET}
    parts = LargeParts()
    context |= {
        "page": _with_marks(page, parts),
        "first_query": urlencode(query),
        "more_query": urlencode(query | {"after": page.more}),
        "select_query": urlencode({**query, "pick": "1"}),
        "select_all_query": urlencode({**query, "pick": "all"}),
        "unselect_query": urlencode({name: value for name, value in query.items() if name != "pick"}),
        "today": timezone.localdate(),
    }
    if page.is_selecting:
        names = Tag.objects.of(request.user).values_list("name", flat=True)  # type: ignore[arg-type]  # signed in
        context |= {"bulk_form": BulkActionForm(), "own_tag_names": list(names)}
    if request.htmx and "after" in request.GET and not page.is_first:
        html = render_to_string("papers/_cards.html", context, request)
    else:
        html = render_to_string(template, {**context, "curators": curator_names()}, request)
    response = HttpResponse(parts.joined(html))
    # One address, two answers: a cache must not take one for the other.
    patch_vary_headers(response, ["Cookie", "HX-Request"])
    return response
