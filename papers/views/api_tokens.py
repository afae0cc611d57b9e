"""Personal tokens for the API: listed, made after a reauthentication, shown once, revoked."""

from __future__ import annotations

from datetime import timedelta

from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from papers.accounts.identity import showed_identity_lately
from papers.accounts.second_factor import code_before
from papers.accounts.security_signals import note
from papers.forms.accounts import ApiTokenForm
from papers.models import ApiToken, SecurityEvent
from papers.services.accounts.api_tokens import TokenError, create_token, grantable_scopes, revoke_token
from papers.web.http import UserRequest
from papers.web.permissions import sign_in_required
from papers.web.ratelimit import rate_limited

MAX_SHOWN = 100


@never_cache
@require_safe
@sign_in_required
def tokens(request: UserRequest) -> HttpResponse:
    """The account's tokens: what each may do, until when, and when it was used last."""
    now = timezone.now()
    rows = [(token, token.state(now)) for token in ApiToken.objects.of(request.user)[:MAX_SHOWN]]
    return render(request, "account/tokens.html", {"tokens": rows})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@code_before
@rate_limited("account", methods=frozenset({"POST"}))
def new_token(request: UserRequest) -> HttpResponse:
    """Make one, after a reauthentication and, where there is one, the second factor. Its key is shown once, here."""
    if not showed_identity_lately(request, request.user):
        raise ReauthenticationRequired
    form = ApiTokenForm(request.POST if request.method == "POST" else None, scopes=grantable_scopes(request.user))
    token, key = None, ""
    if form.is_valid():
        asked = form.cleaned_data
        try:
            token, key = create_token(
                user=request.user,
                name=asked["name"],
                scopes=asked["scopes"],
                lifetime=timedelta(days=asked["days"]),
                now=timezone.now(),
            )
        except TokenError as error:
            form.add_error(None, str(error))
        else:
            note(request, request.user, SecurityEvent.Kind.TOKEN_MADE, _in_words(token))
    context = {"form": form, "token": token, "key": key, "base": f"{settings.SITE_URL}/api/v1"}
    return render(request, "account/token_new.html", context)


@require_POST
@sign_in_required
@rate_limited("account")
def revoke(request: UserRequest, pk: int) -> HttpResponse:
    """Let a token open nothing any more, at once."""
    token = revoke_token(user=request.user, pk=pk, now=timezone.now())
    if token is not None:
        note(request, request.user, SecurityEvent.Kind.TOKEN_REVOKED, _in_words(token))
        messages.success(request, f"“{token.name}” has been revoked.")
    return redirect("papers:api-tokens")


def _in_words(token: ApiToken) -> str:
    """As the log of security and the mail name it: `laptop (read, write)`."""
    return f"“{token.name}” ({', '.join(token.scopes)})"
