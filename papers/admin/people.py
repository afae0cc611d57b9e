"""The admin: people, and the invitations by which they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from papers.accounts.notifications import note_address_changed, note_password_set
from papers.accounts.second_factor import reset_second_factor
from papers.admin.base import BoundedListMixin, ReadOnlyMixin
from papers.models import Invitation, User
from papers.services.accounts.email_addresses import reset_to_account_address
from papers.services.accounts.people import AccountActionError, restore_account, suspend_account
from papers.services.accounts.sessions import end_sessions

if TYPE_CHECKING:  # Django's classes take type arguments only in its stubs
    _AddUserForm = AdminUserCreationForm[User]
    _UserAdmin = DjangoUserAdmin[User]
    _InvitationAdmin = admin.ModelAdmin[Invitation]
    _LogEntryAdmin = admin.ModelAdmin[LogEntry]
else:
    _AddUserForm, _UserAdmin = AdminUserCreationForm, DjangoUserAdmin
    _InvitationAdmin = _LogEntryAdmin = admin.ModelAdmin


def _administrator(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101  nobody else may enter
    return request.user


class AddUserForm(_AddUserForm):
    class Meta:
        model = User
        fields = ("email", "username")


@admin.register(User)
class UserAdmin(BoundedListMixin, _UserAdmin):
    """Roles, suspending and closing have rules of their own: they are on the person's page, under People."""

    add_form = AddUserForm
    list_display = ("username", "email", "is_curator", "is_staff", "is_active", "date_joined", "last_login")
    list_filter = ("is_curator", "is_staff", "is_active")
    search_fields = ("username", "email")
    ordering = ("username",)
    filter_horizontal = ()
    readonly_fields = ("date_joined", "last_login", "role", "is_active", "suspended_at", "suspension_reason", "page")
    fieldsets = (
        (None, {"fields": ("email", "username", "password", "time_zone")}),
        ("Role", {"fields": ("role", "is_active", "suspended_at", "suspension_reason", "page")}),
        ("Dates", {"fields": ("date_joined", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "username", "usable_password", "password1", "password2")}),)
    actions = ("forget_second_factor", "sign_out", "suspend", "restore")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # votes are to be counted off: an account is closed on its page

    @admin.display(description="change")
    def page(self, user: User) -> str:
        return format_html('<a href="{}">{}’s page</a>', reverse("papers:person", args=[user.pk]), user.username)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "email" in form.changed_data:
            reset_to_account_address(obj)
            if change:
                note_address_changed(request, obj, old=form.initial["email"], by=_administrator(request))

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> LogEntry:
        parts = message if isinstance(message, list) else []
        if any("password" in part.get("changed", {}).get("fields", ()) for part in parts):
            note_password_set(request, obj, by=_administrator(request))
        return super().log_change(request, obj, message)

    @admin.action(description="Turn off two-factor authentication (lost phone)", permissions=["change"])
    def forget_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        count = sum(reset_second_factor(user, by=_administrator(request)) for user in queryset)
        messages.success(request, f"{count} turned off.")

    @admin.action(description="Sign out everywhere", permissions=["change"])
    def sign_out(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            end_sessions(user)
        messages.success(request, "Signed out.")

    @admin.action(description="Suspend: sign out, block sign-in and e-mail", permissions=["change"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        assert isinstance(request.user, User)  # noqa: S101  nobody else may enter
        done = 0
        for person in queryset:
            try:
                suspend_account(person=person, by=request.user, reason="", now=timezone.now())
                done += 1
            except AccountActionError as error:
                messages.error(request, f"{person.username}: {error}")
        messages.success(request, f"{done} suspended.")

    @admin.action(description="Restore", permissions=["change"])
    def restore(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        assert isinstance(request.user, User)  # noqa: S101  nobody else may enter
        for person in queryset:
            restore_account(person=person, by=request.user)
        messages.success(request, "Restored.")


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyMixin, _InvitationAdmin):
    list_display = ("__str__", "role", "made_by", "created_at", "expires_at", "used_by", "used_at", "revoked_at")
    list_filter = ("role", ("used_at", admin.EmptyFieldListFilter))
    list_select_related = ("made_by", "used_by")
    search_fields = ("email",)
    ordering = ("-pk",)
    exclude = ("token_digest",)


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyMixin, _LogEntryAdmin):
    """What administrators did here and on the pages of people."""

    list_display = ("action_time", "user", "content_type", "object_repr", "change_message")
    list_select_related = ("user", "content_type")
    ordering = ("-pk",)
