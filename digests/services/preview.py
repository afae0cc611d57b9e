"""The mail that a schedule would send, without planning, storing or sending it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

from django.db import transaction

from digests.content.fragments import FragmentCache
from digests.content.messages import LeasedDelivery, build_message, load_batch_context
from digests.models import Schedule
from digests.models.delivery import DeliveryState
from digests.schedule import Slot, next_slot
from digests.selection.choose_papers import SelectedPapers, select_papers
from digests.services.planning import batch_for_slot
from papers.services.ingest.releases import current_release
from papers.services.operations.installation import group_settings


@dataclass(frozen=True, slots=True)
class DigestPreview:
    """What would be chosen, and the mail; None where nothing is sent."""

    choice: SelectedPapers
    message: bytes | None


def preview_digest(schedule: Schedule, *, now: datetime, since: date | None = None) -> DigestPreview:
    """The next mail of `schedule` with what is there now; with `since`, also what was released from that day on."""
    slot = next_slot(schedule.rule, after=now, last_on=schedule.last_on)
    batch = batch_for_slot([schedule.pk], schedule.rule, Slot(slot.on, min(slot.due_at, now)))
    if since is not None:
        batch = replace(batch, since=0, floor=datetime.combine(since, time(), UTC))
    with transaction.atomic():
        (choice,) = select_papers([batch], upto=current_release(), now=now)
        message = _message(schedule, choice, now) if choice.state == DeliveryState.PLANNED else None
        # What was rendered for it is not kept.
        transaction.set_rollback(True)
    return DigestPreview(choice, message)


def _message(schedule: Schedule, choice: SelectedPapers, now: datetime) -> bytes:
    reader = schedule.subscriber
    leased = LeasedDelivery(
        id=0,
        key_digest=None,
        period_on=choice.period_on,
        due_at=choice.due_at,
        attempts=0,
        content_spec="",
        paper_ids=choice.paper_ids,
        causes=choice.causes,
        more_ids=choice.more_ids,
        below_ids=choice.below_ids,
        offers_weekly=False,
        version_ids=choice.version_ids,
        edition_count=choice.edition_count,
        from_release=choice.from_release,
        to_release=choice.to_release,
        floor=choice.floor,
        schedule_id=schedule.pk,
        frequency=schedule.frequency,
        schedule_digest=schedule.key_digest,
        subscriber_id=reader.pk,
        email=reader.email,
        key_nonce=reader.key_nonce,
        reader_digest=reader.key_digest,
        has_account=reader.user_id is not None,
        consented_at=reader.confirmed_at or now,
    )
    batch = load_batch_context([leased], fragments=FragmentCache(group=group_settings().name, now=now))
    return build_message(leased, batch, now=now)[1]
