"""What allauth tells of accounts, noted in the security log with where it came from."""

from __future__ import annotations

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from django.http import HttpRequest
from django.utils import timezone

from papers.models import SecurityEvent, User
from papers.services.accounts.security_log import is_known_device, network_prefix, record_event
from papers.services.accounts.sessions import device_name
from papers.web.http import client_ip_address
from papers.web.known_device import is_marked, mark_device

Kind = SecurityEvent.Kind


def note(request: HttpRequest, user: User, kind: SecurityEvent.Kind, detail: str = "") -> None:
    """Write an event that its owner causes by this request."""
    network, device = _origin(request)
    record_event(user=user, kind=kind, now=timezone.now(), network=network, device=device, detail=detail)


def _origin(request: HttpRequest) -> tuple[str, str]:
    """The first part of the network address, and the device's name."""
    return network_prefix(client_ip_address(request)), device_name(request.META.get("HTTP_USER_AGENT", ""))


def _signed_in(request: HttpRequest, user: User, **_more: Any) -> None:
    network, device = _origin(request)
    is_known = is_marked(request, user) or is_known_device(user, network=network, device=device)
    note(request, user, Kind.SIGN_IN if is_known else Kind.NEW_DEVICE)
    mark_device(request, user)


def _wrong_code(request: HttpRequest, user: User, **_more: Any) -> None:
    note(request, user, Kind.WRONG_CODE)


def _factor_added(request: HttpRequest, user: User, authenticator: Authenticator, **_more: Any) -> None:
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:  # they come by themselves with the first factor
        note(request, user, Kind.FACTOR_ADDED, _factor_name(authenticator))


def _factor_removed(request: HttpRequest, user: User, authenticator: Authenticator, **_more: Any) -> None:
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        note(request, user, Kind.FACTOR_REMOVED, _factor_name(authenticator))


def _factor_name(authenticator: Authenticator) -> str:
    return (
        "authenticator app" if authenticator.type == Authenticator.Type.TOTP else f"key “{authenticator.wrap().name}”"
    )


def _codes_made(request: HttpRequest, user: User, **_more: Any) -> None:
    note(request, user, Kind.CODES)


def note_password(request: HttpRequest, user: User, **_more: Any) -> None:
    """Write that an account's owner has set another password."""
    note(request, user, Kind.PASSWORD)


def _address_changed(request: HttpRequest, user: User, **_more: Any) -> None:
    note(request, user, Kind.ADDRESS)


def connect() -> None:
    """Listen to allauth. To be called once, when the app is ready."""
    for signal, receiver in (
        (account.user_logged_in, _signed_in),
        (account.password_reset, note_password),
        (account.email_changed, _address_changed),
        (mfa.authentication_failed, _wrong_code),
        (mfa.authenticator_added, _factor_added),
        (mfa.authenticator_removed, _factor_removed),
        (mfa.authenticator_reset, _codes_made),
    ):
        signal.connect(receiver, dispatch_uid=f"security-log:{receiver.__name__}")
