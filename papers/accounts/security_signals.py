"""What allauth says of accounts, written into the security log; and the mail about a new device."""

from __future__ import annotations

from typing import Any

from allauth.account import signals as account
from allauth.account.adapter import get_adapter
from allauth.mfa import signals as factors
from allauth.mfa.models import Authenticator
from django.http import HttpRequest
from django.utils import timezone

from papers.models import SecurityEvent, User
from papers.services.accounts.security_log import record_event, record_sign_in
from papers.services.accounts.sessions import device_name
from papers.web.http import client_network

_KINDS = SecurityEvent.Kind


def connect() -> None:
    """Register all of it; from an app's `ready()`. Idempotent."""
    account.user_logged_in.connect(_signed_in, dispatch_uid="security-log")
    for signal in (account.password_changed, account.password_set, account.password_reset):
        signal.connect(_password_changed, dispatch_uid="security-log")
    account.email_changed.connect(_address_changed, dispatch_uid="security-log")
    factors.authenticator_added.connect(_factor_added, dispatch_uid="security-log")
    factors.authenticator_removed.connect(_factor_removed, dispatch_uid="security-log")
    factors.authenticator_reset.connect(_codes_renewed, dispatch_uid="security-log")


def record(request: HttpRequest, user: User, kind: SecurityEvent.Kind, detail: str = "") -> None:
    """Note what somebody did with their own account, and from where."""
    device = device_name(request.META.get("HTTP_USER_AGENT", ""))
    record_event(
        user=user, kind=kind, network=client_network(request), device=device, detail=detail, now=timezone.now()
    )


def _signed_in(request: HttpRequest, user: User, **_: Any) -> None:
    device = device_name(request.META.get("HTTP_USER_AGENT", ""))
    if record_sign_in(user=user, network=client_network(request), device=device, now=timezone.now()):
        get_adapter(request).send_notification_mail("account/email/new_device", user, {"device": device})


def _password_changed(request: HttpRequest, user: User, **_: Any) -> None:
    record(request, user, _KINDS.PASSWORD)


def _address_changed(request: HttpRequest, user: User, from_email_address: Any, **_: Any) -> None:
    record(request, user, _KINDS.ADDRESS, f"was {from_email_address.email}" if from_email_address else "")


def _factor_added(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    is_codes = authenticator.type == Authenticator.Type.RECOVERY_CODES
    record(request, user, _KINDS.CODES if is_codes else _KINDS.FACTOR_ON, authenticator.get_type_display())


def _factor_removed(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    record(request, user, _KINDS.FACTOR_OFF, authenticator.get_type_display())


def _codes_renewed(request: HttpRequest, user: User, **_: Any) -> None:
    record(request, user, _KINDS.CODES)
