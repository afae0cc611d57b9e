"""A reader's mail and webhooks, for the export of an account."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from digests.models import Channel, Delivery, Subscriber, Subscription
from digests.services.channel_lists import address_of, lists_of
from papers.models import User


def export_mail(user: User, parts: dict[str, Any]) -> None:
    """Add to an account's export: webhooks, without what is secret of them; the address for mail and what was agreed
    to, what comes when, and what was sent."""
    parts["webhooks"] = [_webhook(channel) for channel in Channel.objects.of(user).order_by("pk")]
    subscriber = Subscriber.objects.filter(user=user).first()
    if subscriber is None:
        return
    parts["mail_address"] = [
        {"email": subscriber.email, "confirmed_at": _iso(subscriber.confirmed_at), "consent": subscriber.consent}
    ]
    parts["mail_schedules"] = _schedules(subscriber)
    sent = Delivery.objects.filter(sent_at__isnull=False).for_subscriber(subscriber)
    parts["mail_sent"] = [
        {"meant_for": on.isoformat(), "sent_at": _iso(at), "paper_ids": papers}
        for on, at, papers in sent.values_list("period_on", "sent_at", "paper_ids")
    ]


def _webhook(channel: Channel) -> dict[str, Any]:
    return {
        "name": channel.name,
        "host": urlsplit(channel.address).hostname,
        "enabled": channel.is_enabled,
        "created_at": _iso(channel.created_at),
        "edition": channel.notify_edition,
        "topics": [topic.name for topic in channel.topics.order_by("name", "pk")],
        "lists": [address_of(row) for row in lists_of(channel)],
    }


def _schedules(subscriber: Subscriber) -> list[dict[str, Any]]:
    """What comes when. A list that may not be read any more is not named."""
    about: dict[int, list[str]] = {}
    subscriptions = Subscription.objects.with_rights().filter(schedule__subscriber=subscriber)
    for one in subscriptions.select_related("topic", "shared_list").order_by("pk"):
        about.setdefault(one.schedule_id, []).append(one.label)
    return [
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


def _iso(moment: Any) -> str | None:
    return moment.isoformat() if moment is not None else None
