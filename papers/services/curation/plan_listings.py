"""Editions ahead: what is to stand on a day that is still to come, and its publishing at the moment that was set."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.db.models import F

from papers.models import CurationEvent, Edition, Listing, Paper, PlannedListing
from papers.services.curation.audit_actions import CurationAction
from papers.services.curation.audit_log import Actor, CurationError, record_action
from papers.services.curation.place_paper import add_to_day, take_off_day
from papers.services.curation.row_diff import ActionScope
from papers.services.curation.subjects import day_subject, paper_subject
from papers.services.editions.listing import ListingEntry, ListingRule, add_listings
from papers.services.operations.installation import group_settings, group_today

MAX_DAYS_AHEAD = timedelta(days=366)
BATCH_SIZE = 500


def plan_listing(*, paper_id: int, day: date, actor: Actor) -> CurationEvent | None:
    """Put a paper on an edition that is still to come. Idempotent.

    Raises:
        CurationError: the day is more than a year ahead.
    """
    if day > actor.now.date() + MAX_DAYS_AHEAD:
        raise CurationError("Choose a day within the next year.")
    with record_action(
        actor, CurationAction.PLAN, subject=paper_subject(paper_id), scope=ActionScope(papers=(paper_id,)), day=day
    ) as entry:
        PlannedListing.objects.get_or_create(
            day=day, paper_id=paper_id, defaults={"user": actor.curator, "publish_at": publish_time(day)}
        )
    return entry.event


def unplan_listing(*, paper_id: int, day: date, actor: Actor) -> CurationEvent | None:
    """Take a paper off an edition that is still to come. Idempotent."""
    with record_action(
        actor, CurationAction.UNPLAN, subject=paper_subject(paper_id), scope=ActionScope(papers=(paper_id,)), day=day
    ) as entry:
        PlannedListing.objects.filter(day=day, paper=paper_id).delete()
    return entry.event


def put_on_day(*, paper_id: int, day: date, actor: Actor) -> CurationEvent | None:
    """Put a paper on a day, or, when that is still to come, on what is planned for it. Idempotent.

    Raises:
        CurationError: the day is more than a year ahead.
    """
    if day > group_today(actor.now):
        return plan_listing(paper_id=paper_id, day=day, actor=actor)
    return add_to_day(paper_id=paper_id, day=day, actor=actor)


def take_from_day(*, paper_id: int, day: date, actor: Actor) -> CurationEvent | None:
    """Take a paper off a day, or, when that is still to come, off what is planned for it. Idempotent."""
    if day > group_today(actor.now):
        return unplan_listing(paper_id=paper_id, day=day, actor=actor)
    return take_off_day(paper_id=paper_id, day=day, on=True, actor=actor)


def set_publish_time(*, day: date, at: datetime | None, actor: Actor) -> CurationEvent | None:
    """Say when what is planned for a day is published; None: as the day begins. Idempotent."""
    planned = list(PlannedListing.objects.filter(day=day).values_list("pk", flat=True))
    scope = ActionScope(days=(day,), rows={PlannedListing: planned})
    with record_action(actor, CurationAction.SCHEDULE, subject=day_subject(day), scope=scope, day=day) as entry:
        if at is not None or Edition.objects.filter(day=day).exists():
            Edition.objects.update_or_create(day=day, defaults={"publish_at": at})
        PlannedListing.objects.filter(day=day).update(publish_at=publish_time(day))
        entry.after = {"at": publish_time(day).isoformat()}
    return entry.event


def publish_time(day: date) -> datetime:
    """When what is planned for a day is published. One query."""
    chosen = Edition.objects.filter(day=day).values_list("publish_at", flat=True).first()
    return chosen or datetime.combine(day, time(), group_settings().zone)


def publish_due_listings(*, now: datetime) -> int:
    """Put on their days the papers whose moment has come; how many. Idempotent: one worker publishes each."""
    published = 0
    with transaction.atomic():
        due = PlannedListing.objects.select_for_update(skip_locked=True).filter(publish_at__lte=now)
        rows = list(due.order_by("publish_at", "pk")[:BATCH_SIZE])
        papers = sorted({row.paper_id for row in rows})
        list(Paper.objects.select_for_update(no_key=True).filter(pk__in=papers).order_by("pk").values_list("pk"))
        by_user: dict[int | None, list[PlannedListing]] = defaultdict(list)
        for row in rows:
            by_user[row.user_id].append(row)
        for user_id, some in by_user.items():
            entries = [ListingEntry(row.paper_id, row.day, position=place) for place, row in enumerate(some)]
            published += add_listings(entries, ListingRule(by=Listing.By.CURATOR, user_id=user_id), now=now)
        PlannedListing.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return published


def planned_listings_of(day: date) -> list[PlannedListing]:
    """What is to stand on a day. One query."""
    found = PlannedListing.objects.filter(day=day).select_related("paper", "user").order_by(F("pk"))
    return list(found[:200])
