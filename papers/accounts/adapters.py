"""What allauth asks an installation: who may sign up, what names are allowed, how mails look, who asks."""

from __future__ import annotations

import logging
import secrets
from base64 import b32encode
from smtplib import SMTPException
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from papers.accounts.identity import came_by_link_lately, record_sign_up
from papers.accounts.oidc import ProviderSession
from papers.accounts.security_keys import key_site
from papers.models import User
from papers.models.email_fields import checked
from papers.models.encrypted import UnreadableSecretError, decrypt_text, encrypt_text
from papers.services.accounts.email_addresses import ensure_confirmed_address
from papers.services.accounts.invitations import InvitationGoneError, find_invitation, use_invitation
from papers.services.accounts.mail_allowance import MailKind, give_back_allowance, take_allowance
from papers.services.accounts.signup_policy import is_domain_allowed, may_sign_up
from papers.services.accounts.usernames import free_username
from papers.services.operations.installation import group_settings
from papers.text.mailboxes import is_same
from papers.web.http import client_ip_address

logger = logging.getLogger(__name__)

INVITATION_SESSION_KEY = "invitation"
"""Where the session keeps the token of an invitation between its link and the form."""

# What is said after a step; steps that show by themselves say nothing.
_SAID = {
    "account/messages/email_confirmed.txt": "Your e-mail address is confirmed.",
    "account/messages/email_confirmation_failed.txt": "Another account uses this address.",
    "account/messages/password_changed.txt": "Your password has been changed.",
    "account/messages/password_set.txt": "Your password has been set.",
    "mfa/messages/totp_activated.txt": "Two-factor authentication is on. Signing in now asks for a code.",
    "mfa/messages/totp_deactivated.txt": "The authenticator app is turned off.",
    "mfa/messages/webauthn_added.txt": "Security key added. You can use it after your password to sign in.",
    "mfa/messages/webauthn_removed.txt": "Security key removed.",
    "mfa/messages/recovery_codes_generated.txt": "New recovery codes created. The old ones no longer work.",
    "usersessions/messages/sessions_logged_out.txt": "All other devices have been signed out.",
    "socialaccount/messages/account_connected.txt": "Account connected. You can now use it to sign in.",
    "socialaccount/messages/account_disconnected.txt": "Account disconnected.",
}


# What asking for a new password sends, whether there is such an account or not.
_OF_RESET = frozenset({"account/email/password_reset_key", "account/email/unknown_account"})


def _kind_of(template_prefix: str) -> MailKind:
    return MailKind.RESET if template_prefix in _OF_RESET else MailKind.OTHER


class AccountAdapter(DefaultAccountAdapter):
    """Accounts by e-mail address, shown by a public name."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_taken": "This name is taken.",
        "duplicate_email": "This is already your address.",
        "incorrect_password": "Wrong password. Passwords are case-sensitive.",
        "too_many_login_attempts": "Too many attempts. Wait ten minutes.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return may_sign_up(invitation_token=request.session.get(INVITATION_SESSION_KEY, ""), now=timezone.now())

    def clean_email(self, email: str) -> str:
        """The one form of an address: for each form that takes one, and for what a provider says."""
        return checked(email) if email else email

    def clean_username(self, username: str, shallow: bool = False) -> str:
        User._meta.get_field("username").run_validators(username)
        if not shallow and User.objects.filter(username__iexact=username).exists():
            raise self.validation_error("username_taken")
        return username

    def generate_unique_username(self, txts: list[str | None], regex: str | None = None) -> str:
        return free_username(next(filter(None, txts), ""))

    def is_email_verified(self, request: HttpRequest, email: str) -> bool:
        """An invitation that was sent to this address has confirmed it; and where no mail is sent, any invitation."""
        invitation = find_invitation(request.session.get(INVITATION_SESSION_KEY, ""), now=timezone.now())
        if invitation is None:
            return bool(super().is_email_verified(request, email))
        return not settings.MAIL_IS_SENT or (bool(email) and is_same(invitation.email, email))

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Store a new account, and use up the invitation that it came by."""
        self._is_verified = self.is_email_verified(request, form.cleaned_data.get("email", ""))
        try:
            with transaction.atomic():
                super().save_user(request, user, form, commit)
                if token := request.session.get(INVITATION_SESSION_KEY, ""):
                    use_invitation(token, user=user, now=timezone.now())
        except InvitationGoneError as error:  # somebody else was faster
            raise ImmediateHttpResponse(redirect("papers:invited", token)) from error
        except IntegrityError as error:  # two forms with one name or address, at the same moment
            raise ImmediateHttpResponse(redirect("account_signup")) from error
        if self._is_verified:
            self.stash_verified_email(request, user.email)
        request.session.pop(INVITATION_SESSION_KEY, None)
        record_sign_up(request, user)
        return user

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return reverse("papers:today")

    def get_email_verification_redirect_url(self, email_address: Any) -> str:
        return reverse("papers:account" if self.request.user.is_authenticated else "papers:sign-in")

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        # By the site's own address, not by the Host of whoever asked.
        return settings.SITE.origin + reverse("account_confirm_email", args=[emailconfirmation.key])

    def get_reset_password_from_key_url(self, key: str) -> str:
        uidb36, _, token = key.partition("-")
        return settings.SITE.origin + reverse("account_reset_password_from_key", args=[uidb36, token])

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send an account's mail, or none where strangers had enough sent to this address: the page says the same."""
        kind = context.get("mail_kind", _kind_of(template_prefix))
        now = timezone.now()
        if kind is not None and not take_allowance(address=email, now=now, kind=kind):
            logger.info("A mail was held back, as enough went to its address today: %s", template_prefix)
            return
        context = {
            **context,
            "group_name": group_settings().name or "Broadsheet",
            "site_url": settings.SITE_URL,
            "privacy_url": settings.SITE.origin + reverse("papers:privacy"),
            "sign_in_url": settings.SITE.origin + reverse("papers:sign-in"),
            "forgotten_url": settings.SITE.origin + reverse("account_reset_password"),
        }
        try:
            super().send_mail(template_prefix, email, context)
        # The mail server is away or wants none of it, or it is an address that none takes.
        except (OSError, SMTPException, ValueError):
            logger.exception("A mail could not be sent: %s", template_prefix)
            if kind is not None:
                give_back_allowance(address=email, taken_at=now, kind=kind)
            messages.error(
                self.request, "The e-mail could not be sent. Try again later, or tell an administrator of this site."
            )

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        said = message or _SAID.get(message_template or "")
        if said:
            super().add_message(request, level, message=said, extra_tags=extra_tags)

    def send_notification_mail(
        self, template_prefix: str, user: User, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Tell the owner of an account what was done with it. Only who is signed in can cause it: no limit holds it."""
        context = {**(context or {}), "mail_kind": None}
        super().send_notification_mail(template_prefix, user, context, email or user.email)

    def is_reauthentication_required(self, *, app: str, **more: Any) -> bool:
        """allauth's answer; whoever came by a link a moment ago has shown enough."""
        request = context.request
        if request.user.is_authenticated and came_by_link_lately(request, request.user):
            return False
        return bool(super().is_reauthentication_required(app=app, **more))

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """How an account shows that it is its owner's; one that has nothing to show is led to a page that says so."""
        found: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if found or not user.is_authenticated:
            return found
        return [{"id": "none", "description": "", "url": reverse("account_reauthenticate")}]

    def reauthenticate(self, user: User, password: str) -> bool:
        return user.check_password(password)

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip_address(request)

    def get_login_stages(self) -> list[str]:
        return ["allauth.account.stages.EmailVerificationStage", "allauth.mfa.stages.AuthenticateStage"]


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Signing in at the group's own OpenID Connect provider, which the operator has named."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        if settings.SIGNUP == "closed":
            return False
        if find_invitation(request.session.get(INVITATION_SESSION_KEY, ""), now=timezone.now()):
            return True
        # Whom the provider gives no address types one, in OidcSignUpForm, which asks the same.
        return settings.OIDC_SIGNUP and all(is_domain_allowed(row.email) for row in sociallogin.email_addresses)

    def get_requests_session(self) -> ProviderSession:
        """What the provider is asked through."""
        return ProviderSession()

    def authenticate_by_email(self, sociallogin: Any) -> tuple[User, str] | None:
        # An account that an administrator made is as good as confirmed: else its password would be taken away.
        for row in sociallogin.email_addresses:
            for user in User.objects.filter(email__iexact=row.email):
                ensure_confirmed_address(user)
        found: tuple[User, str] | None = super().authenticate_by_email(sociallogin)
        return found

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        with transaction.atomic():
            user: User = super().save_user(request, sociallogin, form)
            if token := request.session.pop(INVITATION_SESSION_KEY, ""):
                use_invitation(token, user=user, now=timezone.now())
        record_sign_up(request, user)
        return user

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> User:
        for row in sociallogin.email_addresses:  # some providers send the text "false", which is truthy
            row.verified = row.verified is True or row.verified == "true"
        user: User = super().populate_user(request, sociallogin, data)
        try:
            User._meta.get_field("username").run_validators(user.username)
        except ValidationError:  # the provider's name for this person is not valid here
            user.username = free_username(user.username or user.email)
        return user


class MFAAdapter(DefaultMFAAdapter):
    """What a telephone or a key shows beside the code, and how the secret that we share is stored: encrypted."""

    def encrypt(self, text: str) -> str:
        return encrypt_text(text)

    def decrypt(self, encrypted_text: str) -> str:
        """The secret; where no key opens it one that nobody has, so that no code fits until it is set up anew."""
        try:
            return decrypt_text(encrypted_text)
        except UnreadableSecretError:
            logger.error("A second factor was encrypted with another SECRET_KEY, and lets nobody in")
            return b32encode(secrets.token_bytes(20)).decode("ascii")

    def get_totp_issuer(self) -> str:
        return group_settings().name or "Broadsheet"

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        return f"Key {Authenticator.objects.filter(user=user, type=type).count() + 1}"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        domain = key_site(context.request).domain or settings.SITE.host
        return {"id": domain, "name": group_settings().name or "Broadsheet"}
