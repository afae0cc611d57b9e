"""Where an account is signed in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.models import UserSession

from papers.models import User

_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrom", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    *(("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows")),
    *(("Mac OS", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux")),
)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session, as the account page lists it."""

    pk: int
    device: str
    address: str
    since: datetime
    is_this: bool


def sessions_of(user: User, *, current_key: str | None) -> list[SessionRow]:
    """The open sessions of an account, the current one first, then the newest."""
    rows = [
        SessionRow(
            pk=session.pk,
            device=device_name(session.user_agent),
            address=session.ip if session.ip != "0.0.0.0" else "",  # noqa: S104  as network_address() has it
            since=session.created_at,
            is_this=session.session_key == current_key,
        )
        for session in UserSession.objects.purge_and_list(user)
    ]
    return sorted(rows, key=lambda row: (not row.is_this, -row.since.timestamp()))


def end_session(user: User, pk: str) -> None:
    """End one of an account's sessions; nothing happens where it has none with this number. Idempotent."""
    if re.fullmatch(r"\d{1,18}", pk):
        for session in UserSession.objects.filter(user=user, pk=int(pk)):
            session.end()


def end_sessions(user: User) -> None:
    """Sign an account out everywhere. Idempotent."""
    for session in UserSession.objects.filter(user=user):
        session.end()


def device_name(user_agent: str) -> str:
    """`Firefox on Linux`, from what a browser says of itself."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    return " on ".join(filter(None, [browser or "A browser", system]))
