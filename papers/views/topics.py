"""Topics: all of them, one with its papers, and a reader's saved searches: made, tried, changed, deleted."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from papers.forms.topics import TopicForm
from papers.models import Topic, TopicMatch
from papers.models.topic import TopicNewestPosition, TopicVotesPosition
from papers.models.user import can_curate
from papers.services.curation.assign_topics import offer_search
from papers.services.operations.statistics_page import topic_year_chart
from papers.services.topics.topic_editor import TopicError, create_topic, delete_topic, preview_topic, update_topic
from papers.views.paper_lists import BarOf, card_page, show_list
from papers.web.http import Request, UserRequest
from papers.web.list_bar import Order
from papers.web.page_cache import cache_for_anonymous
from papers.web.permissions import can_edit_topic, own_topic, sign_in_required, topic_for_read
from papers.web.ratelimit import rate_limited

TOPIC_ORDERS = (Order("", "Newest"), Order("votes", "Most voted"))


@require_safe
def topics(request: Request) -> HttpResponse:
    """The curated topics, and the reader's own."""
    found = list(Topic.objects.readable_by(request.user).order_by("name", "pk")[:1000])
    own = [topic for topic in found if topic.owner_id is not None]
    curated = [topic for topic in found if topic.owner_id is None]
    return render(
        request, "papers/topics.html", {"own": own, "curated": curated, "may_curate": can_curate(request.user)}
    )


@require_safe
@cache_for_anonymous
def topic(request: Request, slug: str) -> HttpResponse:
    """The papers of a topic, newest first or those with the most votes."""
    found = topic_for_read(request.user, slug)
    is_voted = request.GET.get("sort") == "votes"
    kind = "topic" if found.owner_id is None else "own-topic"
    bar = BarOf(f"{kind}:{found.slug}", TOPIC_ORDERS, is_part=is_voted)
    if is_voted:
        page = card_page(
            request,
            TopicVotesPosition,
            lambda after: TopicMatch.objects.most_voted(found, after=after),
            topic=found,
            bar=bar,
        )
    else:
        page = card_page(
            request,
            TopicNewestPosition,
            lambda after: TopicMatch.objects.newest(found, after=after),
            topic=found,
            bar=bar,
        )
    year = topic_year_chart(found, today=timezone.localdate()) if page.is_first else None
    context = {"topic": found, "is_voted": is_voted, "may_edit": can_edit_topic(request.user, found), "year": year}
    return show_list(request, "papers/topic.html", page, context)


@never_cache
@sign_in_required
@rate_limited("topic", methods=frozenset({"POST"}))
def new_topic(request: UserRequest) -> HttpResponse:
    """Save a search; curators may make it a topic for all."""
    form = TopicForm(_typed(request), initial={"query": request.GET.get("q", "")[:4000]}, viewer=request.user)
    if request.method != "POST":
        return _show_form(request, form, None)
    if form.is_valid() and "try" not in request.POST:
        try:
            owner = None if form.cleaned_data.get("for_all") else request.user
            made = create_topic(form.wording(), owner=owner, now=timezone.now())
        except TopicError as error:
            form.add_error("query", str(error))
        else:
            messages.success(request, "Saved. Papers of the last 30 days are being added.")
            return redirect(made)
    return _show_form(request, form, None)


@never_cache
@sign_in_required
@rate_limited("topic", methods=frozenset({"POST"}))
def edit_topic(request: UserRequest, slug: str) -> HttpResponse:
    """Word a topic anew."""
    found = own_topic(request.user, slug)
    form = TopicForm(_typed(request), initial=TopicForm.initial_of(found), viewer=request.user, is_new=False)
    if request.method == "POST" and form.is_valid() and "try" not in request.POST:
        try:
            update_topic(found, form.wording(), now=timezone.now())
        except TopicError as error:
            form.add_error("query", str(error))
        else:
            messages.success(request, "Saved.")
            return redirect(found)
    return _show_form(request, form, found)


@require_POST
@sign_in_required
@rate_limited("topic")
def try_topic(request: UserRequest) -> HttpResponse:
    """What a wording would have brought last week, while it is being typed."""
    form = TopicForm(request.POST, viewer=request.user)
    return render(request, "papers/_topic_preview.html", _tried(request, form))


@require_POST
@sign_in_required
def offer_topic(request: UserRequest, slug: str) -> HttpResponse:
    """Offer a saved search of one's own to the curators, as a topic for all; or take the offer back."""
    found = own_topic(request.user, slug)
    is_on = request.POST.get("on") == "1"
    offer_search(topic=found, on=is_on, now=timezone.now())
    messages.success(
        request, "Sent to the curators for review." if is_on else "Suggestion withdrawn. Only you see this search."
    )
    return redirect(found)


@require_POST
@sign_in_required
def remove_topic(request: UserRequest, slug: str) -> HttpResponse:
    """Delete a topic. The papers stay."""
    found = own_topic(request.user, slug)
    delete_topic(found)
    messages.success(request, f"“{found.name}” was deleted.")
    return redirect("papers:topics")


def _typed(request: UserRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _show_form(request: UserRequest, form: TopicForm, topic: Topic | None) -> HttpResponse:
    tried = _tried(request, form) if form.is_bound or form.initial.get("query") else {}
    context = {"form": form, "topic": topic, "may_curate": can_curate(request.user), **tried}
    return render(request, "papers/topic_form.html", context, status=422 if form.errors else 200)


def _tried(request: UserRequest, form: TopicForm) -> dict[str, object]:
    """The preview, or why there is none."""
    try:
        wording = form.preview_wording()
        return {"preview": preview_topic(wording, owner=request.user, now=timezone.now()), "problems": form.problems()}
    except TopicError as error:
        return {"preview_error": str(error)}
