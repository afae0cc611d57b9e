"""Topics for all and a reader's saved searches: all, one, its papers; and a reader's own made, changed, deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.conf import settings
from django.forms.utils import ErrorDict
from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Status
from ninja.params.functions import Query

from papers.api.v1.base import (
    WRITE,
    ClientId,
    Cursor,
    Limit,
    Record,
    RequestBody,
    Slug,
    Text,
    asking,
    limit_as_pages,
    new_router,
    public,
    reader_of,
    viewer_with_scope,
)
from papers.api.v1.pages import paper_page
from papers.api.v1.paper_schema import PaperPage
from papers.forms.topics import TopicForm
from papers.models import ClientKey, Topic, TopicMatch, User
from papers.models.topic import TopicNewestPosition, TopicVotesPosition
from papers.services.accounts.client_keys import MadeRow, make_once
from papers.services.topics.topic_editor import TopicDraft, create_topic, delete_topic, update_topic
from papers.web.permissions import own_topic, topic_for_read
from papers.web.problems import ProblemError

router = new_router("Topics")
MAX_TOPICS = 1_000
_EXAMPLE: dict[str, Any] = {
    "slug": "tides",
    "url": "https://papers.example.org/topics/tides",
    "name": "Tides",
    "description": "",
    "query": "tide OR tidal",
    "categories": ["physics.*"],
    "closeness": 0.55,
    "is_own": False,
    "created_at": "2026-03-01T09:30:00Z",
}


class TopicRecord(Record):
    """A topic for all, or a search that a reader saved."""

    model_config = {"json_schema_extra": {"examples": [_EXAMPLE]}}

    slug: str = Field(description="Its place in all addresses.")
    url: str
    name: str
    description: str
    query: str = Field(description="In the language of the search box.")
    categories: list[str]
    closeness: float = Field(description="How close to an example its papers are: 1 the same meaning, 0 none of it.")
    is_own: bool = Field(description="A saved search of the reader whose token it is; else a topic for all.")
    created_at: datetime = Field(description="UTC.")


class TopicList(Record):
    """Topics by name, a thousand at most."""

    items: list[TopicRecord]


class TopicWording(RequestBody):
    """What a saved search is called and asks."""

    model_config = {"json_schema_extra": {"examples": [{"name": "Tides", "query": "tide OR tidal"}]}}

    name: Text = Field(min_length=1, max_length=120)
    query: Text = Field("", max_length=4_000, description="In the language of the search box.")
    categories: list[Text] = Field([], max_length=40, description="Such as `cs.CL` or `cs.*`; empty: all.")
    closeness: float | None = Field(None, ge=0.1, le=0.99, description="Only heeded where the query has examples.")


class NewTopic(TopicWording):
    """A saved search to be made."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                {"id": "0d9f7c1e-8a35-4f0c-9a53-3f6d3f0c2b11", "name": "Tides", "query": "tide OR tidal"},
            ]
        }
    }

    id: ClientId


@router.get("/topics", response=TopicList, summary="Topics", **public())
def list_topics(request: HttpRequest) -> dict[str, Any]:
    """The topics for all; with a token that may read, its reader's saved searches, too."""
    viewer = viewer_with_scope(request)
    found = Topic.objects.readable_by(viewer) if viewer else Topic.objects.curated()
    return {"items": [topic_record(topic) for topic in found.order_by("name", "pk")[:MAX_TOPICS]]}


@router.post("/topics", response={201: TopicRecord, 200: TopicRecord}, summary="Save a search", **WRITE)
def create_own_topic(request: HttpRequest, body: NewTopic) -> Status[TopicRecord]:
    """Save a search of one's own; papers of the last 30 days come within minutes. 200: it was saved before."""
    user, draft = reader_of(request), _draft(body, reader_of(request))
    limit_as_pages(request, "topic")
    made, is_new = make_once(
        user=user,
        key=body.id,
        kind=ClientKey.Kind.TOPIC,
        make=lambda: MadeRow(create_topic(draft, owner=user, now=timezone.now()).pk),
    )
    topic = Topic.objects.filter(pk=made.made_id or 0).first()
    if topic is None:
        raise ProblemError(410, "It was made with this id, and is deleted.")
    return Status(201 if is_new else 200, topic_record(topic))


@router.get("/topics/{slug}", response=TopicRecord, summary="One topic", **public())
def get_topic(request: HttpRequest, slug: str = Slug) -> TopicRecord:
    """A topic for all, or a saved search of the reader whose token it is."""
    return topic_record(_readable_topic(request, slug))


@router.put("/topics/{slug}", response=TopicRecord, summary="Change a saved search", **WRITE)
def change_own_topic(request: HttpRequest, body: TopicWording, slug: str = Slug) -> TopicRecord:
    """Word a saved search of one's own anew; for curators, with their scope, a topic for all."""
    user = reader_of(request)
    topic = own_topic(user, slug)
    limit_as_pages(request, "topic")
    update_topic(topic, _draft(body, user), now=timezone.now())
    topic.refresh_from_db()
    return topic_record(topic)


@router.delete("/topics/{slug}", response={204: None}, summary="Delete a saved search", **WRITE)
def delete_own_topic(request: HttpRequest, slug: str = Slug) -> Status[None]:
    """Delete a saved search of one's own; for curators, with their scope, a topic for all. The papers stay."""
    topic = own_topic(reader_of(request), slug)
    limit_as_pages(request, "topic")
    delete_topic(topic)
    return Status(204, None)


@router.get("/topics/{slug}/papers", response=PaperPage, summary="The papers of a topic", **public())
def list_topic_papers(
    request: HttpRequest,
    slug: str = Slug,
    sort: Literal["newest", "votes"] = Query("newest", description="`votes`: only those that have any."),
    cursor: str = Cursor,
    limit: int = Limit,
) -> dict[str, Any]:
    """What a topic has found."""
    topic = _readable_topic(request, slug)
    if sort == "votes":
        return paper_page(
            request,
            TopicVotesPosition,
            lambda at: TopicMatch.objects.most_voted(topic, after=at),
            cursor=cursor,
            limit=limit,
        )
    return paper_page(
        request,
        TopicNewestPosition,
        lambda at: TopicMatch.objects.newest(topic, after=at),
        cursor=cursor,
        limit=limit,
    )


def _readable_topic(request: HttpRequest, slug: str) -> Topic:
    """A topic that whoever asks may see: one's own only with a token that may read.

    Raises:
        Http404: there is none.
    """
    topic = topic_for_read(asking(request).user, slug)
    if topic.owner_id is not None and viewer_with_scope(request) is None:
        raise ProblemError(404, "There is no such topic.")
    return topic


def _draft(body: TopicWording, user: User) -> TopicDraft:
    """The wording, held to what the form of pages takes.

    Raises:
        ProblemError: 422.
    """
    given = {**body.dict(), "categories": ", ".join(body.categories)}
    form = TopicForm(given, viewer=user, is_new=False)
    if not form.is_valid():
        raise ProblemError(422, "The wording is not right.", errors=form_errors(form.errors))
    return form.wording()


def form_errors(errors: ErrorDict) -> list[dict[str, str]]:
    """What a form of pages says of a body, by JSON Pointer."""
    return [
        {"pointer": f"#/{name}" if name != "__all__" else "#", "detail": str(said)}
        for name, every in errors.items()
        for said in every
    ]


def topic_record(topic: Topic) -> TopicRecord:
    """A topic as answers have it. No queries."""
    return TopicRecord(
        slug=topic.slug,
        url=settings.SITE.origin + topic.get_absolute_url(),
        name=topic.name,
        description=topic.description,
        query=topic.query,
        categories=topic.categories,
        closeness=topic.closeness,
        is_own=topic.owner_id is not None,
        created_at=topic.created_at,
    )
