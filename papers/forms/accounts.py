"""Signing in, invitations, a reader's profile and preferences, and the end of an account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from papers.forms.fields import find_time_zone
from papers.models import Role, TokenScope, User
from papers.models.email_fields import AddressFormField
from papers.text.cleaning import typed_line

if TYPE_CHECKING:  # Django's classes take type arguments only in its stubs
    _UserForm = forms.ModelForm[User]
else:
    _UserForm = forms.ModelForm


class SignInForm(AuthenticationForm):
    """E-mail address and password. Its error is the same whatever was wrong, so it tells nobody who has an account."""

    error_messages = {
        "invalid_login": "The e-mail address or password is not correct. Passwords are case-sensitive.",
        "inactive": "The e-mail address or password is not correct. Passwords are case-sensitive.",
    }

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)
        self.fields["username"].label = "E-mail address"
        self.fields["username"].widget = forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
        self.fields["password"].label = "Password"


class InvitationForm(forms.Form):
    """Whom to invite, and what they may do: the address may be empty, so that the link is for whoever has it."""

    email = AddressFormField(
        label="E-mail address",
        required=False,
        max_length=254,
        help_text="Leave empty for a link that anyone can use.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.TypedChoiceField(label="Role", coerce=Role, required=False, empty_value=Role.READER)

    def __init__(self, *args: Any, roles: Sequence[Role], **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)
        self.fields["role"].choices = [(role.value, role.label) for role in roles]  # type: ignore[attr-defined]
        if len(roles) == 1:
            del self.fields["role"]


class ProfileForm(_UserForm):
    """What others see of a reader, and the clock that pages go by."""

    class Meta:
        model = User
        fields = ("username", "time_zone")
        widgets = {
            "username": forms.TextInput(attrs={"autocomplete": "nickname"}),
            "time_zone": forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"}),
        }
        labels = {"username": "Username", "time_zone": "Time zone"}

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)
        self.fields["time_zone"].help_text = "Type a city. Leave empty to use the group’s time zone."

    def clean_username(self) -> str:
        name = str(self.cleaned_data["username"])
        if User.objects.filter(username__iexact=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError("This name is taken.")
        return name

    def clean_time_zone(self) -> str:
        typed = str(self.cleaned_data["time_zone"]).strip()
        return find_time_zone(typed) if typed else ""


class DeleteAccountForm(forms.Form):
    """The end of an account, said twice."""

    username = forms.CharField(label="Username", max_length=30, widget=forms.TextInput({"autocomplete": "off"}))

    def __init__(self, *args: Any, user: User, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)
        self.user = user
        self.fields["username"].help_text = f"Type {user.username} to confirm."

    def clean_username(self) -> str:
        typed = str(self.cleaned_data["username"])
        if typed.strip().casefold() != self.user.username.casefold():
            raise ValidationError("This is not your username.")
        return typed


class ApiTokenForm(forms.Form):
    """A token to be made: what for, what it may do, and for how long."""

    name = forms.CharField(
        label="Name",
        max_length=80,
        help_text="What it is for, such as “laptop script”.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label="The token may", widget=forms.CheckboxSelectMultiple, initial=[TokenScope.READ.value]
    )
    days = forms.TypedChoiceField(
        label="Expires after",
        coerce=int,
        initial=365,
        choices=[(30, "30 days"), (90, "90 days"), (365, "1 year"), (1095, "3 years")],
    )

    def __init__(self, *args: Any, scopes: Sequence[TokenScope], **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)
        self.fields["scopes"].choices = [(scope.value, scope.label) for scope in scopes]  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        name = typed_line(str(self.cleaned_data["name"]))
        if not name:
            raise ValidationError("Enter a name.")
        return name


class ReadingPreferencesForm(_UserForm):
    """How a reader reads."""

    class Meta:
        model = User
        fields = [
            "density",
            "card_lead",
            "text_size",
            "folds_related",
            "votes_unnamed",
            "hides_seen",
            "uses_shortcuts",
            "mails_mentions",
        ]
        widgets = {"density": forms.RadioSelect, "card_lead": forms.RadioSelect, "text_size": forms.RadioSelect}
        labels = {
            "density": "Paper lists",
            "card_lead": "Abstracts in lists",
            "text_size": "Text size",
            "folds_related": "Fold related papers of a day",
            "votes_unnamed": "Hide my name on votes",
            "hides_seen": "Hide seen papers",
            "uses_shortcuts": "Keyboard shortcuts",
            "mails_mentions": "E-mail me when I am mentioned in a comment",
        }
        help_texts = {
            "density": "Compact fits more papers on the screen; press a to open an abstract.",
            "card_lead": "Which sentences are aim and result is found by a small classifier, which may be wrong.",
            "text_size": "Applies to all pages, on top of your browser’s setting.",
            "folds_related": "The first paper on a theme stands for the others, which open behind one line below it.",
            "votes_unnamed": "Applies to new votes. Members see who voted; visitors see only the number of votes.",
            "hides_seen": "Leave out papers that you opened, voted for, saved, or marked as seen or not interested.",
            "uses_shortcuts": "Single keys such as j, k, n, v and s. Press ? to see all of them.",
            "mails_mentions": "Sent to your confirmed address after a few minutes, unless you have read it here.",
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})
        for name in ("density", "card_lead", "text_size"):  # a form that does not ask leaves them as they are
            self.fields[name].required = False

    def clean_density(self) -> str:
        return self.cleaned_data["density"] or self.instance.density

    def clean_card_lead(self) -> str:
        return self.cleaned_data["card_lead"] or self.instance.card_lead

    def clean_text_size(self) -> str:
        return self.cleaned_data["text_size"] or self.instance.text_size
