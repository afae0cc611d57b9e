"""allauth's forms in our words, with our limits."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import AddEmailForm, ReauthenticateForm, ResetPasswordForm, ResetPasswordKeyForm, SignupForm
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm as SecondFactorForm
from allauth.mfa.base.forms import ReauthenticateForm as SecondFactorAgainForm
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authentication_failed
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, AuthenticateWebAuthnForm, ReauthenticateWebAuthnForm
from allauth.socialaccount.forms import SignupForm as SocialSignupForm
from django import forms
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from papers.accounts.adapters import INVITATION_SESSION_KEY
from papers.accounts.second_factor import APP, SECURITY_KEY, spend_code
from papers.accounts.security_keys import MAX_KEYS, UNKNOWN_KEY, UNREADABLE, CredentialField
from papers.models import User
from papers.models.email_fields import checked
from papers.services.accounts.email_addresses import ensure_confirmed_address
from papers.services.accounts.invitations import find_invitation
from papers.services.accounts.signup_policy import is_domain_allowed
from papers.web.ratelimit import count_attempt

TOO_MANY_ATTEMPTS = "Too many attempts. Wait ten minutes, then try again."
_LABELS = {
    "email": "E-mail address",
    "username": "Username",
    "password": "Your password",
    "oldpassword": "Current password",
    "password1": "Password",
    "password2": "Repeat password",
    "code": "Code",
}


class PlainLabelsMixin(forms.Form):
    """Labels as on all our forms, no placeholders that vanish while one types."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.label_suffix = ""
        for name, field in self.fields.items():
            field.label = _LABELS.get(name, field.label)
            field.widget.attrs.pop("placeholder", None)
            if name == "password":
                field.help_text = ""


class InvitedFormMixin(forms.Form):
    """The address of a new account: one of the group's domains, unless somebody comes by an invitation."""

    @property
    def invitation(self) -> Any:
        return find_invitation(context.request.session.get(INVITATION_SESSION_KEY, ""), now=timezone.now())

    def clean_email(self) -> str:
        email: str = super().clean_email()  # type: ignore[misc]  # of the form beside this
        if self.invitation is None and not is_domain_allowed(email):
            raise ValidationError("Only e-mail addresses of the group can sign up. Ask for an invitation.")
        return email


class SignUpForm(PlainLabelsMixin, InvitedFormMixin, SignupForm):
    """Address, name and password of somebody who makes an account."""

    field_order = ["email", "username", "password1"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["username"].help_text = User._meta.get_field("username").help_text
        self.fields["username"].widget.attrs["autocomplete"] = "nickname"
        if self.invitation is not None and self.invitation.email:
            self.fields["email"].initial = self.invitation.email

    def try_save(self, request: HttpRequest) -> Any:
        """allauth's, which makes no account for an address that has one: the time it takes would tell strangers so."""
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])
        return super().try_save(request)


class OidcSignUpForm(PlainLabelsMixin, InvitedFormMixin, SocialSignupForm):
    """What an OpenID Connect provider has not said of a new account."""


class ChangeEmailForm(PlainLabelsMixin, AddEmailForm):
    """Another address, which counts from the moment at which it is confirmed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["email"].label = "New e-mail address"


class PasswordResetForm(PlainLabelsMixin, ResetPasswordForm):
    """Where to send the link to. Says the same whether there is such an account or not."""

    def clean_email(self) -> str:
        # allauth looks for the account by the one form of the address, and would write to what was typed.
        email = checked(super().clean_email())
        for user in self.users:
            ensure_confirmed_address(user)
        return email


class NewPasswordForm(PlainLabelsMixin, ResetPasswordKeyForm):
    """A new password, by a link from a mail."""


class ConfirmPasswordForm(PlainLabelsMixin, ReauthenticateForm):
    """The password once more, before something that matters."""

    def clean_password(self) -> str:
        if not count_attempt("password-again", f"user:{self.user.pk}"):
            raise ValidationError(TOO_MANY_ATTEMPTS)
        return str(super().clean_password())


class OldPasswordForm(PasswordChangeForm):
    """Another password behind the one until now, of which an account has few tries."""

    def clean_old_password(self) -> str:
        if not count_attempt("password-again", f"user:{self.user.pk}"):
            raise ValidationError(TOO_MANY_ATTEMPTS)
        return str(super().clean_old_password())


class OwnPasswordForm(forms.Form):
    """The password that an account has, or another one that it gets: its owner may not have chosen the first."""

    password = forms.CharField(
        label="Password",
        strip=False,
        help_text="This will be your password from now on.",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: Any, user: User, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)
        self.user = user

    def clean_password(self) -> str:
        typed = str(self.cleaned_data["password"])
        if not self.user.check_password(typed):
            validate_password(typed, self.user)
        return typed


class RateLimitedCodeMixin(PlainLabelsMixin):
    """A code; six digits can be guessed, so an account has few tries. Each counts once."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["code"].widget.attrs |= {"autofocus": True, "inputmode": "numeric", "spellcheck": "false"}

    def clean_code(self) -> str:
        if not count_attempt("second-factor", f"user:{self.user.pk}"):  # type: ignore[attr-defined]  # of the form beside this
            raise ValidationError(TOO_MANY_ATTEMPTS)
        code = str(super().clean_code())  # type: ignore[misc]
        used: Authenticator | None = getattr(self, "authenticator", None)
        if used is not None and used.type == APP and not spend_code(used, code):
            _tell_failure(self.user, used)  # type: ignore[attr-defined]
            raise ValidationError("This code was already used. Wait for the next one.")
        return code


def _tell_failure(user: User, authenticator: Authenticator | None) -> None:
    """Say that a second factor was not accepted, where allauth does not say so itself."""
    authentication_failed.send(
        sender=Authenticator, request=context.request, user=user, authenticator=authenticator, reauthentication=False
    )


class SecondFactorCodeForm(RateLimitedCodeMixin, SecondFactorForm):
    """The code after the password: of the telephone, or a recovery code."""


class ConfirmCodeForm(RateLimitedCodeMixin, SecondFactorAgainForm):
    """A code once more, before something that matters."""


class ActivateSecondFactorForm(RateLimitedCodeMixin, ActivateTOTPForm):
    """The first code of a telephone, which shows that it works. The view uses it up."""


class SecurityKeyMixin(PlainLabelsMixin):
    """What a browser says of a key. An answer that no browser gives is an error of the form, not a fault."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["credential"] = CredentialField()


class AddSecurityKeyForm(SecurityKeyMixin, AddWebAuthnForm):
    """A new key, and what its owner calls it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["name"] = forms.CharField(
            label="Name",
            max_length=60,
            required=False,
            help_text="A name to tell your keys apart.",
            widget=forms.TextInput(attrs={"autocomplete": "off"}),
        )

    def clean(self) -> dict[str, Any]:
        if Authenticator.objects.filter(user=self.user, type=SECURITY_KEY).count() >= MAX_KEYS:
            raise ValidationError(f"An account can have at most {MAX_KEYS} keys. Remove one first.")
        try:
            cleaned: dict[str, Any] = super().clean() or {}
        except (*UNREADABLE, ValidationError) as error:
            raise ValidationError(UNKNOWN_KEY) from error
        return cleaned


class SecondFactorKeyMixin(SecurityKeyMixin):
    """A key that is shown; counted like a code, though it can't be guessed."""

    def clean_credential(self) -> Authenticator:
        if not count_attempt("second-factor", f"user:{self.user.pk}"):  # type: ignore[attr-defined]  # of the form beside this
            raise ValidationError(TOO_MANY_ATTEMPTS)
        try:
            found: Authenticator = super().clean_credential()  # type: ignore[misc]
        except (*UNREADABLE, ValidationError) as error:
            _tell_failure(self.user, None)  # type: ignore[attr-defined]
            raise ValidationError(UNKNOWN_KEY) from error
        return found


class SecondFactorKeyForm(SecondFactorKeyMixin, AuthenticateWebAuthnForm):
    """The key after the password."""


class ConfirmKeyForm(SecondFactorKeyMixin, ReauthenticateWebAuthnForm):
    """The key once more, before something that matters."""
