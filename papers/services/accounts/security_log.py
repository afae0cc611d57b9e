"""The security log: what happened to accounts, for administrators, and for the people themselves in their export."""

from __future__ import annotations

from datetime import datetime, timedelta

from papers.models import SecurityEvent, User

KEPT = timedelta(days=365)
_KINDS = SecurityEvent.Kind
SIGN_INS = (_KINDS.SIGNED_IN, _KINDS.NEW_DEVICE)


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
    """Note what happened to an account; `by` an administrator, where it was one. One statement."""
    return SecurityEvent.objects.create(
        user=user, by=by, kind=kind, at=now, network=network[:50], device=device[:40], detail=detail[:254]
    )


def record_sign_in(*, user: User, network: str, device: str, now: datetime) -> bool:
    """Note that somebody signed in; whether it was on a device that the account was never used on within a year.

    By what the browser says of itself. The first sign-in of all is none on a new device.
    """
    earlier = SecurityEvent.objects.filter(user=user, kind__in=SIGN_INS)
    is_new = earlier.exists() and not earlier.filter(device=device[:40]).exists()
    kind = _KINDS.NEW_DEVICE if is_new else _KINDS.SIGNED_IN
    record_event(user=user, kind=kind, network=network, device=device, now=now)
    return is_new


def delete_old_events(*, now: datetime) -> int:
    """Delete what is older than a year; how many rows."""
    return SecurityEvent.objects.filter(at__lt=now - KEPT).delete()[0]
