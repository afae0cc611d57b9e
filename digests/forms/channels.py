"""The shape of what people type about channels, a group's and readers' webhooks: where notices go, and of what."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from digests.models import Channel
from digests.models.channel import new_signing_secret
from digests.services.channel_lists import (
    MAX_LISTS,
    ChosenLists,
    ListNotFoundError,
    add_webhook,
    address_of,
    find_lists,
    lists_of,
    save_lists,
)
from papers.models import Topic
from papers.models.email_fields import checked
from papers.outbound.errors import RefusedError
from papers.outbound.host_rate_limit import host_group_of
from papers.text.cleaning import typed_line

if TYPE_CHECKING:  # Django's classes take type arguments only in its stubs
    _ChannelForm = forms.ModelForm[Channel]
else:
    _ChannelForm = forms.ModelForm

_NOTIFY_FIELDS = ("notify_queue", "notify_edition", "notify_stale", "notify_late")
_ROOM = re.compile(r"[!#][^\s/?#\\]{1,250}")


class _ListsForm(_ChannelForm):
    """What the forms of channels have in common: lists, each by the address of its page."""

    lists = forms.CharField(
        label="New papers of lists",
        required=False,
        max_length=5_000,
        widget=forms.Textarea({"rows": 4, "spellcheck": "false", "autocomplete": "off"}),
    )
    owner: Any = None

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)
        self.owner = self.instance.owner
        if self.instance.pk:
            self.initial.setdefault("lists", "\n".join(self._stored_addresses()))

    def _stored_addresses(self) -> list[str]:
        return [str(settings.SITE.origin + address_of(row)) for row in lists_of(self.instance)]

    def clean_name(self) -> str:
        name = typed_line(str(self.cleaned_data["name"]))
        if not name:
            raise ValidationError("Enter a name.")
        return name

    def clean_lists(self) -> ChosenLists:
        """The lists at the addresses that were typed, one a line."""
        lines = [line.strip() for line in str(self.cleaned_data["lists"]).splitlines() if line.strip()]
        if len(lines) > MAX_LISTS:
            raise ValidationError(f"Choose at most {MAX_LISTS} lists.")
        try:
            return find_lists(lines, owner=self.owner)
        except ListNotFoundError as error:
            raise ValidationError(str(error)) from error

    def _check_web_address(self, where: str) -> None:
        try:
            host_group_of(where)
        except RefusedError as error:
            self.add_error("where", str(error))

    def _begin_anew(self, channel: Channel) -> None:
        """Whoever turns a channel on again forgives what it failed at."""
        if channel.is_enabled:
            channel.failed_count, channel.disabled_at = 0, None


class ChannelForm(_ListsForm):
    """A group's channel: where it posts, and which notices."""

    where = forms.CharField(
        label="Address",
        required=False,
        max_length=2_000,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    token = forms.CharField(
        label="Access token", required=False, max_length=2_000, widget=forms.PasswordInput({"autocomplete": "off"})
    )

    class Meta:
        model = Channel
        fields = ("name", "kind", "room", *_NOTIFY_FIELDS, "edition_size", "edition_at", "topics", "is_enabled")
        labels = {
            "topics": "New papers of topics",
            "name": "Name",
            "kind": "Kind",
            "room": "Room",
            "edition_size": "Papers of the day (at most)",
            "edition_at": "Not before",
        }
        help_texts = {
            "edition_size": "",
            "edition_at": "In the group’s time zone.",
            "topics": "Each new paper once, within minutes.",
        }
        widgets = {
            "room": forms.TextInput({"autocomplete": "off"}),
            "edition_at": forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields[
            "lists"
        ].help_text = "One address a line: of a category on New, an author, an organization, a topic or a shared tag."
        self.fields["topics"].queryset = Topic.objects.curated().order_by("name", "pk")  # type: ignore[attr-defined]
        kept = "Leave empty to keep the current one." if self.instance.pk else ""
        self.fields["where"].help_text = (
            kept or "An e-mail address or the URL of an incoming webhook; for Matrix, the URL of the server."
        )
        self.fields["token"].help_text = f"For Matrix only. {kept}".strip()

    def notification_fields(self) -> list[forms.BoundField]:
        """The boxes that choose which notices a channel gets."""
        return [self[name] for name in _NOTIFY_FIELDS]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        kind, where = data.get("kind"), str(data.get("where", "")).strip()
        is_moved = kind != self.initial.get("kind", kind)
        if not where and (not self.instance.address or is_moved):
            self.add_error("where", "Enter the address.")
        elif where:
            self._check_address(str(kind), where)
        if kind == Channel.Kind.MATRIX:
            if not _ROOM.fullmatch(data.get("room", "")):
                self.add_error("room", "A room ID starts with ! and ends with the server, such as !abc:example.org.")
            if not data.get("token") and (not self.instance.secret or is_moved):
                self.add_error("token", "Enter the access token of the account that posts.")
        return data

    def _check_address(self, kind: str, where: str) -> None:
        if kind != Channel.Kind.MAIL:
            self._check_web_address(where)
            return
        try:
            validate_email(checked(where))
        except ValidationError as error:
            self.add_error("where", error if "@" in where else "Enter a valid e-mail address.")

    def save(self, commit: bool = True) -> Channel:
        channel, data = self.instance, self.cleaned_data
        if data["where"]:
            where = data["where"].strip()
            channel.address = checked(where) if channel.kind == Channel.Kind.MAIL else where
        if channel.kind == Channel.Kind.MATRIX:
            channel.secret = data["token"] or channel.secret
        elif channel.kind == Channel.Kind.WEBHOOK and not channel.secret.startswith("whsec_"):
            channel.secret = new_signing_secret()
        self._begin_anew(channel)
        with transaction.atomic():
            super().save()
            channel.topics.add(*data["lists"].topics)
            save_lists(channel, data["lists"].lists, now=timezone.now())
        return channel


class WebhookForm(_ListsForm):
    """A reader's own webhook: where it posts, and the lists whose new papers it is told."""

    where = forms.CharField(
        label="Address",
        required=False,
        max_length=2_000,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false", "placeholder": "https://…"}),
    )

    class Meta:
        model = Channel
        fields = ("name", "notify_edition", "edition_size", "edition_at", "is_enabled")
        labels = {
            "notify_edition": "The day’s papers, once a day",
            "edition_size": "Papers of the day (at most)",
            "edition_at": "Not before",
            "is_enabled": "Enabled",
        }
        help_texts = {"edition_size": "", "edition_at": "In the group’s time zone."}
        widgets = {"edition_at": forms.TimeInput(format="%H:%M", attrs={"type": "time"})}

    field_order = ("name", "where", "lists")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["lists"].help_text = (
            "One address a line: of a category on New, an author, an organization, a topic, a saved search, a tag, or "
            "of Following. Each new paper comes once, within minutes."
        )
        self.fields["where"].help_text = "Leave empty to keep the current one." if self.instance.pk else ""

    def _stored_addresses(self) -> list[str]:
        topics = self.instance.topics.order_by("name", "pk")
        return [str(settings.SITE.origin + topic.get_absolute_url()) for topic in topics] + super()._stored_addresses()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        where = str(data.get("where", "")).strip()
        if where:
            self._check_web_address(where)
        elif not self.instance.address:
            self.add_error("where", "Enter the address.")
        if not (data.get("lists") or data.get("notify_edition") or self.errors):
            self.add_error("lists", "Choose a list, or the day’s papers.")
        return data

    def save(self, commit: bool = True) -> Channel:
        """Store it.

        Raises:
            TooManyWebhooksError: a new one is one too many.
        """
        channel, data = self.instance, self.cleaned_data
        channel.kind = Channel.Kind.WEBHOOK
        channel.notify_queue = channel.notify_stale = channel.notify_late = False
        channel.address = data["where"].strip() or channel.address
        channel.secret = channel.secret if channel.pk else new_signing_secret()
        self._begin_anew(channel)
        with transaction.atomic():
            if channel.pk:
                super().save()
            else:
                add_webhook(channel)
            channel.topics.set(data["lists"].topics)
            save_lists(channel, data["lists"].lists, now=timezone.now())
        return channel
