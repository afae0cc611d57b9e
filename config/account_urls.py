"""allauth's pages at our addresses, each with its limit. Only what is used here is reachable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account import views as account
from allauth.mfa.base.views import reauthenticate as code_again
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.socialaccount import views as social
from django.http import HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache

from papers.accounts.second_factor import code_before, code_before_another
from papers.views import second_factor
from papers.views.account import (
    change_email,
    openid_connect_callback,
    openid_connect_login,
    password,
    password_reset,
    reauthenticate,
    sign_in,
    sign_out,
)
from papers.views.address_confirmation import confirm_address
from papers.web.ratelimit import rate_limited

POST_ONLY = frozenset({"POST"})


def limited_page(route: str, view: Callable[..., HttpResponse], name: str, limit: str = "account") -> URLPattern:
    """A page that no cache keeps; sending its form is limited."""
    counted: Callable[..., Any] = rate_limited(limit, methods=POST_ONLY)(view)
    return path(route, never_cache(counted), name=name)


urlpatterns: list[URLPattern] = [
    # These have views of our own; allauth knows them by these names.
    path("sign-in", sign_in, name="account_login"),
    path("sign-out", sign_out, name="account_logout"),
    path("account/password", password, name="account_change_password"),
    path("account/password", password, name="account_set_password"),
    limited_page("account/address", change_email, "account_email"),
    limited_page("sign-up", account.signup, "account_signup", "sign-up"),
    limited_page("sign-in/closed", account.account_inactive, "account_inactive"),
    limited_page("sign-in/again", reauthenticate, "account_reauthenticate"),
    limited_page("sign-in/code", second_factor.authenticate, "mfa_authenticate", "second-factor-address"),
    limited_page("sign-in/code/again", code_again, "mfa_reauthenticate", "second-factor-address"),
    limited_page("sign-in/key/again", second_factor.key_again, "mfa_reauthenticate_webauthn", "second-factor-address"),
    limited_page("account/address/sent", account.email_verification_sent, "account_email_verification_sent"),
    limited_page("account/address/confirm/<str:key>", confirm_address, "account_confirm_email"),
    limited_page("forgotten", password_reset, "account_reset_password", "forgotten"),
    limited_page("forgotten/sent", account.password_reset_done, "account_reset_password_done"),
    limited_page("forgotten/done", account.password_reset_from_key_done, "account_reset_password_from_key_done"),
    limited_page(
        "forgotten/<slug:uidb36>/<str:key>", account.password_reset_from_key, "account_reset_password_from_key"
    ),
    limited_page("account/two-factor", second_factor.index, "mfa_index"),
    limited_page("account/two-factor/on", code_before_another(second_factor.activate_app), "mfa_activate_totp"),
    limited_page("account/two-factor/off", code_before(totp.deactivate_totp), "mfa_deactivate_totp"),
    limited_page("account/two-factor/keys/new", code_before_another(second_factor.add_key), "mfa_add_webauthn"),
    limited_page(
        "account/two-factor/keys/<row:pk>/remove", code_before(second_factor.remove_key), "mfa_remove_webauthn"
    ),
    limited_page(
        "account/two-factor/codes", code_before(recovery_codes.view_recovery_codes), "mfa_view_recovery_codes"
    ),
    limited_page(
        "account/two-factor/codes/new",
        code_before(recovery_codes.generate_recovery_codes),
        "mfa_generate_recovery_codes",
    ),
    limited_page(
        "account/two-factor/codes/file",
        code_before(recovery_codes.download_recovery_codes),
        "mfa_download_recovery_codes",
    ),
    limited_page("account/connections", social.connections, "socialaccount_connections"),
    limited_page("sign-in/with/sign-up", social.signup, "socialaccount_signup", "sign-up"),
    limited_page("sign-in/with/cancelled", social.login_cancelled, "socialaccount_login_cancelled"),
    limited_page("sign-in/with/error", social.login_error, "socialaccount_login_error"),
    limited_page("sign-in/with/<slug:provider_id>", openid_connect_login, "openid_connect_login", "sign-up"),
    limited_page("sign-in/with/<slug:provider_id>/back", openid_connect_callback, "openid_connect_callback", "sign-up"),
]
