"""What comes to a reader by mail, how often, and when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Annotated, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from ninja import Field
from pydantic import AfterValidator

from digests.line import ANY
from digests.models import Schedule, Subscriber, Subscription
from digests.models.subscriber import MAX_PAPERS
from digests.schedule import FREQUENCIES
from digests.services.double_opt_in import confirm_account, request_sign_up
from digests.services.limits import line_value, set_limits
from digests.services.preferences import (
    get_or_create_subscriber,
    pause_subscriber,
    save_preferences,
    subscribable_topics,
)
from papers.api.v1.base import READ, WRITE, RequestBody, Text, asking, limit_as_pages, new_router, reader_of
from papers.forms.fields import find_time_zone
from papers.models import User
from papers.web.problems import ProblemError

router = new_router("Subscriptions")


def _one_of(names: Iterable[str]) -> Any:
    """A text that is one of these, which stand in a table and not in the type."""
    known: list[Any] = list(names)

    def checked(name: str) -> str:
        if name not in known:
            raise ValueError(f"Input should be one of {', '.join(known)}")
        return name

    return Annotated[str, AfterValidator(checked), Field(json_schema_extra={"enum": known})]


if TYPE_CHECKING:
    SubjectName = str
    FrequencyName = str
else:
    SubjectName = _one_of(kind.value for kind in Subscription.Kind if kind != Subscription.Kind.TOPIC)
    FrequencyName = _one_of(FREQUENCIES)
_EXAMPLE: dict[str, Any] = {
    "schedules": [
        {
            "frequency": "weekly",
            "kinds": ["trending"],
            "topics": ["tides"],
            "limits": [{"kind": "trending", "topic": None, "line": "votes-5", "max_papers": 10}],
        }
    ],
    "local_time": "07:30",
    "time_zone": "Europe/Berlin",
    "weekday": 0,
    "month_day": 1,
    "skips_weekends": False,
    "max_papers": 20,
    "sends_empty": False,
    "paused_until": None,
}


class SubjectLimits(RequestBody):
    """How much of one subject is in a mail."""

    kind: SubjectName | None = Field(None, description="One of the kinds of the mail; null where it is a topic.")
    topic: Text | None = Field(None, max_length=80, description="The slug of one of its topics.")
    line: Text = Field(
        "any",
        pattern=r"^(any|related|close|votes-[1-9][0-9]{0,3})$",
        description="What a paper must be to be in it: `related`, `close`, or have `votes-5`: so many votes.",
    )
    max_papers: int | None = Field(None, ge=1, le=MAX_PAPERS, description="At most; null: as many as fit.")


class MailSchedule(RequestBody):
    """What one regular mail is about."""

    frequency: FrequencyName
    kinds: list[SubjectName] = Field([], max_length=20)
    topics: list[Text] = Field([], max_length=300, description="Slugs of topics for all and of the reader's own.")
    limits: list[SubjectLimits] | None = Field(
        None, max_length=320, description="Of subjects with a line or a number; null: as they were."
    )


class MailChoice(RequestBody):
    """All of a reader's mail: what is not in it, ends."""

    model_config = {"json_schema_extra": {"examples": [_EXAMPLE]}}

    schedules: list[MailSchedule] = Field(max_length=len(FREQUENCIES), description="One a frequency; none: no mail.")
    local_time: Text = Field("07:30", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="In `time_zone`.")
    time_zone: Text | None = Field(None, max_length=64, description="Such as `Europe/Berlin`; null: as it was.")
    weekday: int = Field(0, ge=0, le=6, description="Of weekly mail; 0 is Monday.")
    month_day: int = Field(1, ge=1, le=31, description="Of monthly mail; the last day where a month has fewer.")
    skips_weekends: bool = Field(False, description="No daily mail at weekends; Monday's has their papers.")
    max_papers: int = Field(20, ge=1, le=MAX_PAPERS, description="In one mail.")
    sends_empty: bool | None = Field(
        None, description="A mail also says so where nothing was above its line; null: as it was."
    )
    paused_until: date | None = Field(None, description="The first day with mail again, in `time_zone`.")


class MailRecord(MailChoice):
    """What a reader gets by mail."""

    model_config = {
        "json_schema_extra": {
            "examples": [_EXAMPLE | {"confirmed": True, "next_due_at": "2026-03-09T06:30:00Z"}],
        }
    }

    confirmed: bool = Field(description="The address is confirmed; nothing is sent before.")
    next_due_at: datetime | None = Field(description="When the next mail leaves. UTC.")


@router.get("/subscriptions", response=MailRecord, summary="Your mail", **READ)
def get_subscriptions(request: HttpRequest) -> dict[str, Any]:
    """What comes by mail, how often, and when."""
    return _record(reader_of(request), _group_zone(request))


@router.put("/subscriptions", response=MailRecord, summary="Choose your mail", **WRITE)
def put_subscriptions(request: HttpRequest, body: MailChoice) -> dict[str, Any]:
    """Have mail be exactly so. An address that is not confirmed yet gets a mail with a link."""
    user, now = reader_of(request), timezone.now()
    kinds, topics = _chosen(body, user)
    zone = _zone(body.time_zone) if body.time_zone else _record(user, _group_zone(request))["time_zone"]
    when = {
        "local_time": time.fromisoformat(body.local_time),
        "time_zone": zone,
        "weekday": body.weekday,
        "month_day": body.month_day,
        "skips_weekends": body.skips_weekends,
        "max_papers": body.max_papers,
        **({} if body.sends_empty is None else {"sends_empty": body.sends_empty}),
    }
    until = body.paused_until if body.paused_until and body.paused_until > timezone.localdate(now) else None
    if until is not None and (until - timezone.localdate(now)).days > 366 * 2:
        raise ProblemError(
            422,
            "Choose a date within the next two years.",
            errors=[{"pointer": "#/paused_until", "detail": "Too far."}],
        )
    limit_as_pages(request, "library")
    subscriber = get_or_create_subscriber(user)
    with transaction.atomic():
        save_preferences(subscriber=subscriber, kinds=kinds, topics=topics, when=when, now=now)
        _set_limits(body, subscriber, now=now)
    pause_subscriber(subscriber=subscriber, until=until, keeps_papers=True, now=now)
    if subscriber.confirmed_at is None and not confirm_account(subscriber=subscriber, now=now):
        limit_as_pages(request, "subscribe")
        request_sign_up(email=subscriber.email, now=now)
    return _record(user, _group_zone(request))


def _chosen(body: MailChoice, user: User) -> tuple[dict[str, list[str]], dict[str, list[int]]]:
    """Frequency → kinds, frequency → topics.

    Raises:
        ProblemError: 422, a frequency twice, or a topic that can't be subscribed to.
    """
    named = {slug for one in body.schedules for slug in one.topics}
    keys = dict(subscribable_topics(user).filter(slug__in=named).values_list("slug", "pk"))
    if unknown := sorted(named - keys.keys()):
        raise ProblemError(422, f"There is no topic {unknown[0][:80]!r}.")
    if len({one.frequency for one in body.schedules}) < len(body.schedules):
        raise ProblemError(422, "Each frequency can be named once.")
    kinds = {one.frequency: list(dict.fromkeys(one.kinds)) for one in body.schedules}
    return kinds, {one.frequency: [keys[slug] for slug in dict.fromkeys(one.topics)] for one in body.schedules}


def _set_limits(body: MailChoice, subscriber: Subscriber, *, now: datetime) -> None:
    """Draw the lines of the mails that say any.

    Raises:
        ProblemError: 422, a subject that is not in the mail, or a line that can't be measured for it.
    """
    asked = {one.frequency: one.limits for one in body.schedules if one.limits is not None}
    rows = Subscription.objects.filter(
        schedule__subscriber=subscriber, schedule__frequency__in=asked, schedule__ended_at=None
    ).select_related("topic", "schedule__subscriber")
    found = {(row.schedule.frequency, *_named(row)): row for row in rows}
    wanted = {
        (often, None if one.topic else one.kind, one.topic): one for often, limits in asked.items() for one in limits
    }
    if unknown := [kind or topic for often, kind, topic in wanted if (often, kind, topic) not in found]:
        raise ProblemError(422, f"The mail is not about {str(unknown[0])[:80]!r}.")
    for subject, row in found.items():
        one = wanted.get(subject)
        line, most = (one.line, one.max_papers) if one is not None else (ANY, None)
        try:
            set_limits(subscription=row, value=line, max_papers=most, now=now)
        except ValueError as error:
            raise ProblemError(422, str(error)) from error


def _zone(name: str) -> str:
    try:
        return find_time_zone(name)
    except ValidationError as error:
        raise ProblemError(
            422, " ".join(error.messages), errors=[{"pointer": "#/time_zone", "detail": "Unknown."}]
        ) from error


def _group_zone(request: HttpRequest) -> str:
    return asking(request).group.time_zone


def _record(user: User, group_zone: str) -> dict[str, Any]:
    """What is chosen at the moment; of hours that differ the first counts. Two queries."""
    rows = list(
        Schedule.objects.filter(subscriber__user=user, ended_at=None)
        .select_related("subscriber")
        .prefetch_related("subscriptions__topic")
        .order_by("pk")
    )
    model = rows[0] if rows else Schedule(time_zone=user.time_zone or group_zone)
    return {
        "schedules": [_schedule(row) for row in sorted(rows, key=lambda row: list(FREQUENCIES).index(row.frequency))],
        "local_time": f"{model.local_time:%H:%M}",
        **{
            name: getattr(model, name) for name in ("time_zone", "weekday", "month_day", "skips_weekends", "max_papers")
        },
        "sends_empty": model.sends_empty,
        "paused_until": model.paused_until,
        "confirmed": bool(rows) and model.subscriber.confirmed_at is not None,
        "next_due_at": min((row.next_due_at for row in rows if row.next_due_at), default=None),
    }


def _schedule(row: Schedule) -> dict[str, Any]:
    every: list[Subscription] = sorted(row.subscriptions.all(), key=lambda one: one.pk)
    return {
        "frequency": row.frequency,
        "kinds": [one.kind for one in every if one.topic is None],
        "topics": [one.topic.slug for one in every if one.topic is not None],
        "limits": [
            dict(zip(("kind", "topic"), _named(one), strict=True))
            | {"line": line_value(one), "max_papers": one.max_papers}
            for one in every
            if one.line != ANY or one.max_papers is not None
        ],
    }


def _named(one: Subscription) -> tuple[str | None, str | None]:
    """Its kind, or the slug of its topic."""
    return (None, one.topic.slug) if one.topic is not None else (one.kind, None)
