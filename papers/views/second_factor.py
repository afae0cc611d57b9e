"""The second factor: an app's code or a security key, turned on and off, shown at the sign-in and once more.

allauth's views with our rules: the code that turned a factor on is spent and counts as shown; keys only where they
work.
"""

from __future__ import annotations

import json
from typing import Any

from allauth.account.internal.templatekit import get_entrance_context_data
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.base.views import AuthenticateView, IndexView
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.webauthn.internal import auth as webauthn
from allauth.mfa.webauthn.views import AddWebAuthnView, ReauthenticateWebAuthnView, RemoveWebAuthnView
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy
from django.views.generic import TemplateView
from django.views.generic.edit import FormView

from papers.accounts.second_factor import APP, SECURITY_KEY, spend_code
from papers.accounts.security_keys import key_site
from papers.models import User


class SecondFactorIndex(IndexView):
    """What an account has: an app, keys, recovery codes."""

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        return {**super().get_context_data(**more), "keys_at": key_site(self.request)}


class ActivateApp(ActivateTOTPView):
    """Showing the secret to an app, and taking its first code."""

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        return {**super().get_context_data(**more), "keys_at": key_site(self.request)}

    def form_valid(self, form: Form) -> HttpResponse:
        with transaction.atomic():
            answer: HttpResponse = super().form_valid(form)
            app = Authenticator.objects.get(user=self.request.user, type=APP)
            spend_code(app, form.cleaned_data["code"])
        post_authentication(self.request, app)
        return answer


class AddKey(AddWebAuthnView):
    """A new key, where the site has a name that keys can belong to."""

    template_name = "mfa/webauthn/add_form.html"

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        keys_at = key_site(self.request)
        options = webauthn.begin_registration(self.request.user, passwordless=False) if keys_at.domain else None
        return FormView.get_context_data(self, **more) | {"keys_at": keys_at, "options": _as_json(options)}

    def form_valid(self, form: Form) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        newest = Authenticator.objects.filter(user=self.request.user, type=SECURITY_KEY).latest("pk")
        post_authentication(self.request, newest)
        return answer


class RemoveKey(RemoveWebAuthnView):
    """Taking a key off."""

    template_name = "mfa/webauthn/authenticator_confirm_delete.html"
    success_url = reverse_lazy("mfa_index")


class SignInCode(AuthenticateView):
    """After the password: a code, or a key where the account has one and keys work."""

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        user: User = self.stage.login.user
        return {
            **TemplateView.get_context_data(self, **more),
            **get_entrance_context_data(self.request),
            **_shown_key(self.request, user),
            "form": self.auth_form,
            "key_form": self.webauthn_form,
            "has_app": Authenticator.objects.filter(user=user, type=APP).exists(),
        }


class KeyAgain(ReauthenticateWebAuthnView):
    """A key once more, before something that matters."""

    template_name = "mfa/webauthn/reauthenticate.html"

    def form_invalid(self, form: Form) -> HttpResponse:
        answer: HttpResponse = self.render_to_response(self.get_context_data(form=form))
        return answer

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        shared = super(ReauthenticateWebAuthnView, self).get_context_data(**more)
        return {**shared, "key_form": shared["form"], **_shown_key(self.request, self.request.user)}


def _shown_key(request: HttpRequest, user: Any) -> dict[str, Any]:
    """Whether the account has keys, whether they work here, and what the browser is to ask of one."""
    keys_at = key_site(request)
    has_key = Authenticator.objects.filter(user=user, type=SECURITY_KEY).exists()
    options = webauthn.begin_authentication(user) if has_key and keys_at.domain else None
    return {"has_key": has_key, "keys_at": keys_at, "options": _as_json(options)}


def _as_json(options: dict[str, Any] | None) -> str:
    return json.dumps(options["publicKey"], cls=DjangoJSONEncoder) if options else ""


index = SecondFactorIndex.as_view()
activate_app = ActivateApp.as_view()
add_key = AddKey.as_view()
remove_key = RemoveKey.as_view()
authenticate = SignInCode.as_view()
key_again = KeyAgain.as_view()
