"""Whether a session has lately shown who it belongs to: by a password, a second factor or a one-time sign-in link.

allauth asks for a reauthentication before what matters. A one-time sign-in link counts as one, too, because an account
without a password has nothing else; it counts for as long as allauth's own methods do.
"""

from __future__ import annotations

import time

from allauth.account import app_settings
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY, get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate, get_reauthentication_flows
from django.http import HttpRequest

from papers.models import User

_LINK = "link"
_SIGNED_UP_SESSION_KEY = "signed_up"


def record_link(request: HttpRequest, user: User) -> None:
    """Note in the session that `user` came by a one-time link now."""
    record_authentication(request, user, method=_LINK)


def spend_link(request: HttpRequest) -> None:
    """Make the link count no more in this session: it has set a password, which is asked for from now on."""
    records = request.session.get(AUTHENTICATION_METHODS_SESSION_KEY, [])
    request.session[AUTHENTICATION_METHODS_SESSION_KEY] = [row for row in records if row["method"] != _LINK]


def came_by_link_lately(request: HttpRequest, user: User) -> bool:
    """Whether this session was opened by a link within the last minutes (allauth's REAUTHENTICATION_TIMEOUT)."""
    since = time.time() - app_settings.REAUTHENTICATION_TIMEOUT
    return any(row["method"] == _LINK and row["at"] > since for row in get_authentication_records(request, user))


def showed_identity_lately(request: HttpRequest, user: User) -> bool:
    """Whether this session has shown within the last minutes whose it is."""
    return came_by_link_lately(request, user) or bool(did_recently_reauthenticate(request))


def can_show_identity(user: User) -> bool:
    """Whether the account has a password or a second factor, which it can be asked for. Two queries at most."""
    return bool(get_reauthentication_flows(user))


def record_sign_up(request: HttpRequest, user: User) -> None:
    """Note in the session that the account was made in it."""
    request.session[_SIGNED_UP_SESSION_KEY] = user.pk


def signed_up_here(request: HttpRequest, user: User) -> bool:
    """Whether the account was made in this session."""
    return bool(request.session.get(_SIGNED_UP_SESSION_KEY) == user.pk)
