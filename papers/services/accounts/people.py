"""What administrators do with other people's accounts: roles, suspending, restoring, closing.

Everything is noted in the admin's own history of the account, with who did it and why; and in the security log.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.utils import timezone

from papers.models import LoginLink, Role, SecurityEvent, User
from papers.services.accounts.deletion import LastAdministratorError, delete_account, require_another_administrator
from papers.services.accounts.security_log import record_event
from papers.services.accounts.sessions import end_sessions


class AccountActionError(Exception):
    """It can't be done; the message says why, for the administrator."""


def set_role(*, person: User, role: Role, by: User) -> None:
    """Make somebody a reader, curator or administrator. Idempotent.

    Raises:
        AccountActionError: `person` is the only administrator.
    """
    with transaction.atomic():
        if role is not Role.ADMINISTRATOR:
            _keep_an_administrator(person)
        if User.objects.filter(pk=person.pk).exclude(**role.flags).update(**role.flags):
            _record(by, person, SecurityEvent.Kind.ROLE, f"{'an' if role is Role.ADMINISTRATOR else 'a'} {role.label}")
            _note(by, person, f"Made {'an' if role is Role.ADMINISTRATOR else 'a'} {role.label}.")


def suspend_account(*, person: User, by: User, reason: str, now: datetime) -> None:
    """Close an account until it is restored. Idempotent.

    Sessions and sign-in links end, keys open nothing, no mail leaves to it; votes and comments stay.

    Raises:
        AccountActionError: it is one's own account, or the only administrator's.
    """
    if person.pk == by.pk:
        raise AccountActionError("You can’t suspend yourself.")
    with transaction.atomic():
        _keep_an_administrator(person)
        changed = User.objects.filter(pk=person.pk, is_active=True).update(
            is_active=False, suspended_at=now, suspended_by=by, suspension_reason=reason
        )
        if changed:
            LoginLink.objects.filter(user=person, used_at=None).delete()
            end_sessions(person)
            _record(by, person, SecurityEvent.Kind.SUSPENDED)
            _note(by, person, f"Suspended: {reason}" if reason else "Suspended.")


def restore_account(*, person: User, by: User) -> None:
    """Open a suspended account again. Mail goes on with its next slot. Idempotent."""
    with transaction.atomic():
        changed = User.objects.filter(pk=person.pk, is_active=False).update(
            is_active=True, suspended_at=None, suspended_by=None, suspension_reason=""
        )
        if changed:
            _record(by, person, SecurityEvent.Kind.RESTORED)
            _note(by, person, "Restored.")


def close_account(*, person: User, by: User) -> None:
    """Remove the account of somebody who left, for good: what goes and what stays is as in `delete_account`.

    Raises:
        AccountActionError: it is one's own account, or the only administrator's.
    """
    if person.pk == by.pk:
        raise AccountActionError("To delete your own account, use Delete my account on your account page.")
    with transaction.atomic():
        _note(by, person, "Closed permanently.", DELETION)
        try:
            delete_account(person)
        except LastAdministratorError as error:
            raise AccountActionError(_ONLY_ONE) from error


_ONLY_ONE = "This is the only administrator. Make someone else an administrator first."


def _keep_an_administrator(person: User) -> None:
    try:
        require_another_administrator(leaving=person)
    except LastAdministratorError as error:
        raise AccountActionError(_ONLY_ONE) from error


def _record(by: User, person: User, kind: SecurityEvent.Kind, detail: str = "") -> None:
    record_event(user=person, kind=kind, now=timezone.now(), by=by, detail=detail)


def _note(by: User, person: User, message: str, flag: int = CHANGE) -> None:
    LogEntry.objects.create(
        user=by,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(person.pk),
        object_repr=person.username,
        action_flag=flag,
        change_message=message,
    )


def account_history(person: User, *, limit: int = 50) -> list[LogEntry]:
    """The last `limit` things done with an account, newest first. One query."""
    found = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(User), object_id=str(person.pk))
    return list(found.select_related("user").order_by("-action_time")[:limit])
