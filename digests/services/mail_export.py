"""A reader's mail, for the export of an account."""

from __future__ import annotations

from typing import Any

from digests.models import Delivery, Subscriber, Subscription
from papers.models import User


def export_mail(user: User, parts: dict[str, Any]) -> None:
    """Add to an account's export: the address and what was agreed to, what comes when, and what was sent."""
    subscriber = Subscriber.objects.filter(user=user).first()
    if subscriber is None:
        return
    about: dict[int, list[str]] = {}
    for one in Subscription.objects.filter(schedule__subscriber=subscriber).select_related("topic").order_by("pk"):
        about.setdefault(one.schedule_id, []).append(one.label)
    parts["mail_address"] = [
        {"email": subscriber.email, "confirmed_at": _iso(subscriber.confirmed_at), "consent": subscriber.consent}
    ]
    parts["mail_schedules"] = [
        {
            "frequency": one.frequency,
            "at": f"{one.local_time:%H:%M}",
            "time_zone": one.time_zone,
            "at_most": one.max_papers,
            "about": about.get(one.pk, []),
            "paused_until": _iso(one.paused_until),
            "ended_at": _iso(one.ended_at),
        }
        for one in subscriber.schedules.order_by("pk")
    ]
    sent = Delivery.objects.filter(sent_at__isnull=False).for_subscriber(subscriber)
    parts["mail_sent"] = [
        {"meant_for": on.isoformat(), "sent_at": _iso(at), "paper_ids": papers}
        for on, at, papers in sent.values_list("period_on", "sent_at", "paper_ids")
    ]


def _iso(moment: Any) -> str | None:
    return moment.isoformat() if moment is not None else None
