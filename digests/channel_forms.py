"""The form of a channel. What is secret is typed, never shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from digests.models import Channel
from digests.models.channel import new_signing_secret
from papers.models.email_fields import checked
from papers.outbound.errors import RefusedError
from papers.outbound.host_rate_limit import host_group_of

if TYPE_CHECKING:  # Django's classes take type arguments only in its stubs
    _ChannelForm = forms.ModelForm[Channel]
else:
    _ChannelForm = forms.ModelForm

_WISHES = ("notify_queue", "notify_edition", "notify_stale", "notify_late")
_ROOM = re.compile(r"[!#][^\s/?#\\]{1,250}")


class ChannelForm(_ChannelForm):
    """Where to tell, and what."""

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
        fields = ("name", "kind", "room", *_WISHES, "edition_size", "edition_at", "is_enabled")
        labels = {
            "name": "Name",
            "kind": "Kind",
            "room": "Room",
            "edition_size": "Papers of the day, at most",
            "edition_at": "Not before",
        }
        help_texts = {"edition_size": "", "edition_at": "By the group’s clock."}
        widgets = {
            "room": forms.TextInput({"autocomplete": "off"}),
            "edition_at": forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)
        kept = "Empty: it stays as it is." if self.instance.pk else ""
        self.fields["where"].help_text = (
            kept or "A mail address, or that of an incoming webhook; for Matrix of the server."
        )
        self.fields["token"].help_text = f"For Matrix alone. {kept}".strip()

    def notification_fields(self) -> list[forms.BoundField]:
        """The boxes of what is told."""
        return [self[name] for name in _WISHES]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        kind, where = data.get("kind"), str(data.get("where", "")).strip()
        is_moved = kind != self.initial.get("kind", kind)
        if not where and (not self.instance.address or is_moved):
            self.add_error("where", "Give its address.")
        elif where:
            self._check_address(str(kind), where)
        if kind == Channel.Kind.MATRIX:
            if not _ROOM.fullmatch(data.get("room", "")):
                self.add_error("room", "A room’s id begins with ! and ends with the server, such as !abc:example.org.")
            if not data.get("token") and (not self.instance.secret or is_moved):
                self.add_error("token", "Give the access token of the account that writes.")
        return data

    def _check_address(self, kind: str, where: str) -> None:
        try:
            if kind == Channel.Kind.MAIL:
                validate_email(checked(where))
            else:
                host_group_of(where)
        except RefusedError as error:
            self.add_error("where", str(error))
        except ValidationError as error:
            self.add_error("where", error if "@" in where else "This is no mail address.")

    def save(self, commit: bool = True) -> Channel:
        channel, data = self.instance, self.cleaned_data
        if data["where"]:
            where = data["where"].strip()
            channel.address = checked(where) if channel.kind == Channel.Kind.MAIL else where
        if channel.kind == Channel.Kind.MATRIX:
            channel.secret = data["token"] or channel.secret
        elif channel.kind == Channel.Kind.WEBHOOK and not channel.secret.startswith("whsec_"):
            channel.secret = new_signing_secret()
        return super().save(commit)
