"""The secret keys in the addresses of a reader's own feeds: they open the feed without signing in."""

from __future__ import annotations

import secrets

from papers.models import FeedKey, User
from papers.models.reading import digest_of_key


def feed_key_of(user: User) -> str:
    """The reader's key, made at the first asking; 128 random bits. One query, two the first time.

    Empty where it was encrypted with a SECRET_KEY that is not here: what it opened it opens still, but none can say it.
    """
    found, _ = FeedKey.objects.get_or_create(user=user, defaults={"key": secrets.token_urlsafe(16)})
    return found.key


def renew_feed_key(user: User) -> str:
    """A new key for the reader's feeds; the old one opens nothing any more."""
    key = secrets.token_urlsafe(16)
    FeedKey.objects.update_or_create(user=user, defaults={"key": key})
    return key


def user_of_feed_key(key: str) -> User | None:
    """The user with this key; None where there is none, or the account is suspended. One query."""
    if not key.isascii() or not key.isprintable():
        return None
    found = FeedKey.objects.select_related("user").filter(key_digest=digest_of_key(key), user__is_active=True).first()
    return found.user if found else None
