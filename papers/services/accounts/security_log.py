"""The security log: what happened to accounts, for a year, with no more of a network address than its first part."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from papers.enqueue import TaskName, enqueue
from papers.models import SecurityEvent, User

SECURITY_EVENTS_KEPT = timedelta(days=365)

_TOLD_BY_MAIL = frozenset(
    {
        SecurityEvent.Kind.NEW_DEVICE,
        SecurityEvent.Kind.ROLE,
        SecurityEvent.Kind.FACTOR_RESET,
        SecurityEvent.Kind.TOKEN_MADE,
        SecurityEvent.Kind.WEBHOOK_MADE,
        SecurityEvent.Kind.WEBHOOK_OFF,
    }
)
"""Of which a worker writes. Of changes that somebody makes on their own pages, allauth's mails tell at once."""
_PREFIX_LENGTHS = {4: 24, 6: 48}


def record_event(
    *,
    user: User,
    kind: SecurityEvent.Kind,
    now: datetime,
    by: User | None = None,
    network: str = "",
    device: str = "",
    detail: str = "",
) -> SecurityEvent:
    """Note what happened to an account; where its owner is to be told by mail, a worker is told. One query.

    `by` is who did it, where that is somebody else. `network` is as `network_prefix` returns it.
    """
    event = SecurityEvent.objects.create(
        user=user,
        kind=kind,
        at=now,
        by=by if by is not None and by.pk != user.pk else None,
        network=network,
        device=device[:60],
        detail=detail[:200],
        mail_at=now if kind in _TOLD_BY_MAIL else None,
    )
    if event.mail_at is not None:
        enqueue(TaskName.SEND_SECURITY)
    return event


def is_known_device(user: User, *, network: str, device: str) -> bool:
    """Whether the account signed in from there before, or never yet: a first sign-in is no surprise. Two queries."""
    before = SecurityEvent.objects.of(user).sign_ins()
    return before.filter(network=network, device=device[:60]).exists() or not before.exists()


def network_prefix(address: str) -> str:
    """The first part of a network address: 24 bits of IPv4, 48 of IPv6 (a provider's smallest usual allocation).

    Empty for what is no address.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return "" if found.is_unspecified else str(ip_network((found, _PREFIX_LENGTHS[found.version]), strict=False))
