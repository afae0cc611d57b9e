"""Personal tokens: keys by which programs act for a reader. A key is shown once, and stored only as a digest."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from papers.models import ApiToken, TokenScope, User
from papers.services.accounts.tokens import token_digest

TOKEN_PREFIX = "bsh_"  # noqa: S105  by which programs that look for secrets find one
TOKEN_LIFETIME = timedelta(days=365)
MAX_TOKEN_LIFETIME = timedelta(days=3 * 366)
MAX_TOKENS = 50
"""In use at once, per account."""
USE_NOTED_EVERY = timedelta(minutes=5)
_KEY = re.compile(r"bsh_[A-Za-z0-9_-]{43}")


class TokenError(Exception):
    """It can't be made; the message says what to do, for the reader."""


def grantable_scopes(user: User) -> list[TokenScope]:
    """What tokens of an account may let programs do: curating, only where the account may."""
    return [scope for scope in TokenScope if scope is not TokenScope.CURATE or user.is_curator]


def create_token(
    *, user: User, name: str, scopes: Collection[str], now: datetime, lifetime: timedelta = TOKEN_LIFETIME
) -> tuple[ApiToken, str]:
    """A new token and its key, 256 random bits, which nobody can read again.

    Raises:
        TokenError: the account may not give a scope, or has too many tokens.
    """
    if not set(scopes) <= set(grantable_scopes(user)):
        raise TokenError("Only curators can create tokens for curating.")
    key = TOKEN_PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)  # two at once may not pass the limit together
        if ApiToken.objects.usable(now).filter(user=user).count() >= MAX_TOKENS:
            raise TokenError(f"You have {MAX_TOKENS} tokens. Revoke one first.")
        token = ApiToken.objects.create(
            user=user,
            name=name,
            scopes=[scope.value for scope in TokenScope if scope in scopes],
            key_digest=token_digest(key),
            created_at=now,
            expires_at=now + min(lifetime, MAX_TOKEN_LIFETIME),
        )
    return token, key


def revoke_token(*, user: User, pk: int, now: datetime) -> ApiToken | None:
    """Let a token of `user` open nothing from now on; the token, None where there was none in use. Idempotent."""
    token = ApiToken.objects.of(user).filter(pk=pk, revoked_at=None).first()
    if token is not None:
        ApiToken.objects.filter(pk=pk).update(revoked_at=now)
    return token


def token_of_key(key: str, *, now: datetime) -> ApiToken | None:
    """The token with this key and its owner, None where it opens nothing. One query, and one more every few minutes.

    The owner has no more rights than the token: without its scope for curating, a curator's are a reader's.
    """
    if not _KEY.fullmatch(key):
        return None
    token = ApiToken.objects.usable(now).select_related("user").filter(key_digest=token_digest(key)).first()
    if token is None:
        return None
    unnoted = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
    if token.last_used_at is None or token.last_used_at < now - USE_NOTED_EVERY:
        ApiToken.objects.filter(unnoted, pk=token.pk).update(last_used_at=now)
    token.user.lacks_code = TokenScope.CURATE not in token.scopes or lacks_second_factor(token.user)
    return token


def lacks_second_factor(user: User) -> bool:
    """Whether the site wants administrators to have a second factor, and this one has none. One query at most."""
    if not (user.is_staff and settings.ADMIN_SECOND_FACTOR):
        return False
    return not Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.RECOVERY_CODES).exists()
