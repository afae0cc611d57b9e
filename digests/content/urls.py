"""Where the links in mails lead: whole addresses, short enough to stay on one line of a header. They hold for ever."""

from __future__ import annotations

from django.conf import settings


def unsubscribe_url(key: str) -> str:
    """Ends what the key belongs to: a schedule, one of its subscriptions, or all mail to a subscriber.

    For the one-click header (RFC 8058) and for links.
    """
    return f"{settings.SITE_URL}/u/{key}"


def privacy_url() -> str:
    """What is kept of readers, and who sees it."""
    return f"{settings.SITE_URL}/privacy"


def preferences_url(key: str) -> str:
    """All that a reader may choose, without signing in; by the subscriber's key."""
    return f"{settings.SITE_URL}/subscriptions/{key}"


def paper_act_url(key: str, paper: int | str, act: str) -> str:
    """Asks whether to `save` a paper, `vote` for it, mark it as `seen`, or want `more` or `less` like it; by the
    subscriber's key.
    """
    return f"{settings.SITE_URL}/s/{key}/{paper}{'' if act == 'save' else f'/{act}'}"


def mail_page_url(key: str) -> str:
    """A mail as a page; by the delivery's key."""
    return f"{settings.SITE_URL}/mail/{key}"


def mail_more_url(key: str) -> str:
    """The papers behind "and 23 more"; by the delivery's key."""
    return f"{settings.SITE_URL}/mail/{key}/more"


def mail_below_url(key: str) -> str:
    """The papers that were below the line of its reader; by the delivery's key."""
    return f"{settings.SITE_URL}/mail/{key}/below"


def weekly_url(key: str) -> str:
    """Asks whether the daily mail shall come weekly; by the subscriber's key."""
    return f"{settings.SITE_URL}/subscriptions/{key}/weekly"
