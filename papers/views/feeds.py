"""Feeds of what the pages show: days, weeks and months, new and trending, topics, tags, lists, comments, search."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from papers.catalogue import categories
from papers.dates import format_week, parse_day, parse_month, parse_week
from papers.models import Comment, Listing, Paper, PaperCategory, SharedListPaper, TaggedPaper, Topic, TopicMatch, User
from papers.models.comment import CommentPosition
from papers.models.library import TaggedPosition
from papers.models.listing import SpanCursor, StoredCursor
from papers.models.paper import CategoryPosition, NewestPosition, TrendingPosition
from papers.models.shared_list import ListAddedPosition
from papers.models.topic import TopicNewestPosition
from papers.query.parser import parse
from papers.services.editions.spans import Span, day_span, month_span, newest_span, week_span
from papers.services.lists.trending import trending_floor
from papers.services.reading.comments import mentioned_in
from papers.services.search.timeouts import SearchTimeout, statement_timeout
from papers.text.html import markdown
from papers.views.feed_lists import FeedOf, FeedRows, list_feed, rows_feed, tag_uri
from papers.web.feeds import MAX_ENTRIES, FeedEntry
from papers.web.http import Request
from papers.web.page_cache import cache_for_anonymous
from papers.web.paging import decode_cursor, encode_cursor
from papers.web.permissions import list_for_read, tag_for_read, topic_for_read
from papers.web.ratelimit import rate_limited

FORMS = ("atom", "json")


@require_safe
@cache_for_anonymous
def edition(request: Request, form: str) -> HttpResponse:
    """The newest edition; with a question, the newest papers that answer it."""
    if "q" in request.GET:
        return search(request, form, viewer=request.user)
    return newest_edition(request, form)


def newest_edition(request: Request, form: str) -> HttpResponse:
    """The newest edition, which goes on with the days before it."""
    return _day_feed(request, form, newest_span(day_span, today=timezone.localdate()), is_newest=True)


@require_safe
@cache_for_anonymous
def day(request: Request, day: str, form: str) -> HttpResponse:
    """A day's edition, an archive once the day is over."""
    found = parse_day(day)
    if found is None:
        raise Http404("There is no such day.")
    return _day_feed(request, form, day_span(found), is_newest=False)


def _day_feed(request: Request, form: str, span: Span, *, is_newest: bool) -> HttpResponse:
    about = FeedOf(
        "edition",
        "Daily Papers",
        reverse("papers:papers") if is_newest else reverse("papers:day", args=[span.first]),
        keeps_order=True,
        is_archive=not is_newest and span.first < timezone.localdate(),
        older=_at("papers:day-feed", day=span.previous) if span.previous else {},
        newer=_at("papers:day-feed", day=span.next) if span.next and not is_newest else {},
        current={} if is_newest else _at("papers:feed"),
    )
    # By the key: votes move no paper from one document into another.
    return list_feed(
        request, form, about, StoredCursor, lambda after: Listing.objects.newest_of_day(span.first, after=after)
    )


@require_safe
@cache_for_anonymous
def week(request: Request, form: str, week: str | None = None) -> HttpResponse:
    """A week, most voted first; without one, the newest that has papers."""
    span = _span(week, parse_week, week_span)
    address = reverse("papers:week", args=[format_week(span.first)])
    about = FeedOf(f"week:{span.first:%Y%m%d}" if week else "week", "Weekly Papers", address)
    return list_feed(
        request, form, about, SpanCursor, lambda after: Listing.objects.best_of_week(span.first, after=after)
    )


@require_safe
@cache_for_anonymous
def month(request: Request, form: str, month: str | None = None) -> HttpResponse:
    """A month, most voted first; without one, the newest that has papers."""
    span = _span(month, parse_month, month_span)
    address = reverse("papers:month", args=[f"{span.first:%Y-%m}"])
    about = FeedOf(f"month:{span.first:%Y%m}" if month else "month", "Monthly Papers", address)
    return list_feed(
        request, form, about, SpanCursor, lambda after: Listing.objects.best_of_month(span.first, after=after)
    )


def _span(name: str | None, read: Callable[[str], date | None], make_span: Callable[[date], Span]) -> Span:
    if not name:
        return newest_span(make_span, today=timezone.localdate())
    first = read(name)
    if first is None:
        raise Http404("There is no such week or month.")
    return make_span(first)


@rate_limited("search")
def search(request: Request, form: str, *, viewer: User | AnonymousUser) -> HttpResponse:
    """The newest papers that answer a question, as `viewer` would find them."""
    typed = request.GET["q"].strip()
    query = parse(typed)
    found = Paper.objects.visible().matching(query, viewer=viewer, today=timezone.localdate())
    address = f"{reverse('papers:papers')}?{urlencode({'q': typed, 'sort': 'newest'})}"
    about = FeedOf(f"search:{query}", f"{typed[:80] or 'Nothing'} · Search", address, query={"q": typed})
    try:
        with statement_timeout():
            return list_feed(request, form, about, NewestPosition, lambda after: found.newest(after=after))
    except SearchTimeout:
        return HttpResponse("This search took too long.", status=503, headers={"Retry-After": "600"})


@require_safe
@cache_for_anonymous
def trending(request: Request, form: str) -> HttpResponse:
    """What readers vote for now."""
    return trending_feed(request, form)


def trending_feed(request: Request, form: str) -> HttpResponse:
    floor = trending_floor(now=timezone.now())
    about = FeedOf("trending", "Trending Papers", reverse("papers:trending"))
    papers = Paper.objects.visible()
    return list_feed(
        request, form, about, TrendingPosition, lambda after: papers.trending(min_score=floor, after=after)
    )


@require_safe
@cache_for_anonymous
def new(request: Request, form: str) -> HttpResponse:
    """Everything fetched, newest first; all of it, or one category."""
    return new_feed(request, form)


def new_feed(request: Request, form: str) -> HttpResponse:
    asked, page = request.GET.get("category", "").strip(), reverse("papers:new")
    if not asked:
        about = FeedOf("new", "New Papers", page, keeps_order=True)
        papers = Paper.objects.visible()
        return list_feed(request, form, about, NewestPosition, lambda after: papers.newest(after=after))
    category = categories.find_category(asked)
    if category is None:
        raise Http404("There is no such category.")
    code = category.code
    about = FeedOf(
        f"category:{code}",
        f"{category.name} ({code})",
        f"{page}?{urlencode({'category': code})}",
        query={"category": code},
        keeps_order=True,
    )
    return list_feed(
        request, form, about, CategoryPosition, lambda after: PaperCategory.objects.newest(code, after=after)
    )


@require_safe
@cache_for_anonymous
def topic(request: Request, slug: str, form: str) -> HttpResponse:
    """A topic's newest papers; a reader's own only for that reader."""
    return topic_feed(request, form, topic_for_read(request.user, slug))


def topic_feed(request: Request, form: str, found: Topic) -> HttpResponse:
    about = FeedOf(f"topic:{found.pk}", found.name, found.get_absolute_url(), keeps_order=True)
    return list_feed(
        request, form, about, TopicNewestPosition, lambda after: TopicMatch.objects.newest(found, after=after)
    )


@require_safe
def tag(request: Request, owner: str, name: str, form: str) -> HttpResponse:
    """The papers of a tag, last tagged first: of one that is shared, or the reader's own."""
    return tag_feed(request, form, request.user, owner, name)


def tag_feed(request: Request, form: str, viewer: User | AnonymousUser, owner: str, name: str) -> HttpResponse:
    found = tag_for_read(viewer, owner, name)
    about = FeedOf(f"tag:{found.pk}", f"{found.name} · {found.user.username}", found.get_absolute_url())
    return list_feed(
        request, form, about, TaggedPosition, lambda after: TaggedPaper.objects.newest_of(found, after=after)
    )


@require_safe
def shared_list(request: Request, slug: str, form: str) -> HttpResponse:
    """The papers of a shared list, last added first."""
    return list_feed_of(request, form, request.user, slug)


def list_feed_of(request: Request, form: str, viewer: User | AnonymousUser, slug: str) -> HttpResponse:
    found, _ = list_for_read(viewer, slug)
    about = FeedOf(f"list:{found.pk}", found.name, found.get_absolute_url())
    rows = SharedListPaper.objects.visible_of(found)
    return list_feed(
        request, form, about, ListAddedPosition, lambda after: rows.sorted_by(ListAddedPosition, after=after)
    )


@require_safe
@cache_for_anonymous
def comments(request: Request, form: str) -> HttpResponse:
    """What readers wrote last, on any paper."""
    return comments_feed(request, form)


def comments_feed(request: Request, form: str) -> HttpResponse:
    after = decode_cursor(request.GET.get("after", ""), CommentPosition)
    rows = list(Comment.objects.newest(after=after)[: MAX_ENTRIES + 1])
    named = mentioned_in(rows)
    return rows_feed(
        request,
        form,
        FeedOf("comments", "Comments", reverse("papers:feeds"), keeps_order=True),
        FeedRows(
            entries=[_comment_entry(row, named.get(row.pk, frozenset())) for row in rows],
            cursors=[encode_cursor(CommentPosition(row.pk)) for row in rows],
            changed=max((row.edited_at or row.created_at for row in rows), default=None),
        ),
    )


def _comment_entry(comment: Comment, mentioned: frozenset[str]) -> FeedEntry:
    who = comment.user.username if comment.user else "a former member"
    return FeedEntry(
        id=tag_uri(f"comment:{comment.pk}"),
        address=settings.SITE.origin + comment.get_absolute_url(),
        title=f"{who} on “{comment.paper.title}”",
        abstract="",
        authors=(who,),
        categories=(),
        published=comment.created_at,
        updated=comment.edited_at or comment.created_at,
        content=markdown(comment.body, mentioned) or "<p></p>",
    )


def _at(view: str, **arguments: object) -> dict[str, str]:
    """Form → path of a feed."""
    return {form: reverse(view, kwargs={**arguments, "form": form}) for form in FORMS}
