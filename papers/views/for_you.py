"""For you: what is suggested to a reader, in general, for one tag, and as a feed. Workers computed it before."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

from papers.models import Paper, Recommendation, Tag
from papers.models.paper import TrendingPosition
from papers.models.recommendation import RankPosition
from papers.services.accounts.feed_keys import feed_key_of, user_of_feed_key
from papers.services.lists.trending import trending_floor
from papers.services.recommend.display import USEFUL_LIKES, recommendation_reasons, recommendation_status, record_shown
from papers.views.feed_lists import FeedOf, list_feed
from papers.views.paper_lists import CardPage, card_page, paper_ids_of, show_list
from papers.web.http import Request, UserRequest
from papers.web.permissions import own_tag, sign_in_required


@require_safe
@never_cache
@sign_in_required
def for_you(request: UserRequest) -> HttpResponse:
    """What is suggested; to a reader of whom nothing is known yet, what is trending."""
    state = recommendation_status(request.user)
    page = _suggestions(request, None)
    context = {"state": state, "useful_from": USEFUL_LIKES, "tag": None}
    if page.is_empty and not state.liked_count:
        floor = trending_floor(now=timezone.now())
        page = card_page(
            request, TrendingPosition, lambda after: Paper.objects.visible().trending(min_score=floor, after=after)
        )
        return show_list(request, "papers/for_you.html", page, {**context, "is_trending": True})
    return show_list(request, "papers/for_you.html", page, {**context, "feed_key": feed_key_of(request.user)})


@require_safe
@never_cache
@sign_in_required
def for_tag(request: UserRequest, owner: str, name: str) -> HttpResponse:
    """More papers like those of a tag, for its owner alone."""
    tag = own_tag(request.user, owner, name)
    context = {"state": recommendation_status(request.user), "useful_from": USEFUL_LIKES, "tag": tag}
    return show_list(request, "papers/for_you.html", _suggestions(request, tag), context)


def _suggestions(request: UserRequest, tag: Tag | None) -> CardPage:
    """A page of them, which is recorded: from now on each is shown for a week."""
    user, now = request.user, timezone.now()
    page = card_page(
        request,
        RankPosition,
        lambda after: Recommendation.objects.current_for(user, now=now, tag=tag, after=after),
        notes=lambda rows: recommendation_reasons(user=user, tag=tag, paper_ids=paper_ids_of(rows)),
    )
    record_shown(user=user, paper_ids=page.paper_ids, now=now)
    return page


@require_safe
@cache_control(private=True)
def for_you_feed(request: Request, key: str, form: str) -> HttpResponse:
    """The same as a feed, for anybody who has the address: feed readers don't sign in."""
    user = user_of_feed_key(key)
    if user is None:
        raise Http404("There is no such feed.")
    about, now = FeedOf(f"foryou:{user.pk}", "For you", reverse("papers:for-you")), timezone.now()
    return list_feed(
        request,
        form,
        about,
        RankPosition,
        lambda after: Recommendation.objects.current_for(user, now=now, after=after),
    )
