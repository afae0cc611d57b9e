"""Who may make an account: anyone, those who are invited, or nobody. Without mail, no address can be confirmed."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from papers.services.accounts.invitations import find_invitation
from papers.text.mailboxes import canonical_or_same


def is_signup_open() -> bool:
    """Whether anyone may sign up: never where no mail is sent, as an address has to be confirmed."""
    return settings.SIGNUP == "open" and settings.MAIL_IS_SENT


def may_sign_up(*, invitation_token: str, now: datetime) -> bool:
    """Whether somebody with this invitation, or with none (empty), may make an account. One query where it matters."""
    if settings.SIGNUP == "closed":
        return False
    return is_signup_open() or find_invitation(invitation_token, now=now) is not None


def is_domain_allowed(email: str) -> bool:
    """Whether an address is in one of BROADSHEET_SIGNUP_DOMAINS or below it; every address where none is set."""
    domain = canonical_or_same(email).rpartition("@")[2].lower()
    return not settings.SIGNUP_DOMAINS or any(
        domain == allowed or domain.endswith(f".{allowed}") for allowed in settings.SIGNUP_DOMAINS
    )
