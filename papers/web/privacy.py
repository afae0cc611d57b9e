"""What /privacy says, from the settings in force and from the constants that the clean-up deletes by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings

from papers import hooks
from papers.hooks import Kept, OutsideService
from papers.models import Source
from papers.services.accounts.login_links import LOGIN_LINK_LIFETIME
from papers.services.accounts.mail_allowance import PERIOD
from papers.services.accounts.security_log import SECURITY_EVENTS_KEPT
from papers.services.curation.undo import UNDO_WINDOW
from papers.services.fetching.source_config import base_url_of, preferred_base_url
from papers.services.library_import.drafts import APPLIED_KEPT, DRAFTS_KEPT
from papers.services.operations.cleanup import CLIENT_KEYS_KEPT, INVITATIONS_KEPT, LINKS_KEPT, SHOWN_KEPT, TOKENS_KEPT
from papers.services.operations.installation import GroupSettings, privacy_text
from papers.sources import arxiv_api
from papers.sources.registry import ADAPTERS
from papers.text import html
from papers.web.known_device import DEVICE_COOKIE_SECONDS, device_cookie
from papers.web.ratelimit import RATE_LIMITS
from papers.web.theme import THEME_COOKIE_SECONDS, theme_cookie
from papers.web.visitor_acts import VISITOR_ACT_SECONDS, visitor_act_cookie


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie that the site sets."""

    name: str
    purpose: str
    lasts: timedelta


@dataclass(frozen=True, slots=True)
class PrivacyFacts:
    """What holds here, for the page's words."""

    own_words: html.SafeHtml
    """What the group says itself; may be empty."""
    is_members_only: bool
    kept: tuple[Kept, ...]
    cookies: tuple[Cookie, ...]
    mail_server: str
    """The host that mails are handed to; empty: none leaves."""
    services: tuple[OutsideService, ...]


def privacy_facts(group: GroupSettings, *, now: datetime) -> PrivacyFacts:
    """What holds at `now`. A few queries, of small tables."""
    return PrivacyFacts(
        own_words=html.markdown(privacy_text()),
        is_members_only=group.members_only,
        kept=(*_kept(), *hooks.privacy_kept.all(now)),
        cookies=_cookies(),
        mail_server=settings.EMAIL_HOST if settings.MAIL_IS_SENT else "",
        services=(*_services(), *hooks.privacy_services.all(now)),
    )


def _kept() -> tuple[Kept, ...]:
    return (
        Kept("Your account: address, name, password (as a salted hash), second factor, settings", None),
        Kept("Votes, comments, tags, library, notes, seen papers, follows, muted searches and submissions", None),
        Kept("The journal clubs you are in, and what you nominated or presented there", None),
        Kept("Active sessions: network address and browser", timedelta(seconds=settings.SESSION_COOKIE_AGE)),
        Kept(
            "Account activity: sign-ins, wrong codes, changes of password, address, second factor and "
            "role; with your type of browser and the first part of the network address",
            SECURITY_EVENTS_KEPT,
        ),
        Kept("Expired sign-in links, without the secret part", LINKS_KEPT + LOGIN_LINK_LIFETIME),
        Kept("API tokens that expired or were revoked, without the key", TOKENS_KEPT),
        Kept("Ids that programs gave to what they made for you", CLIENT_KEYS_KEPT),
        Kept("Invitations, with the address they were sent to", INVITATIONS_KEPT),
        Kept("Library imports that you have not yet applied", DRAFTS_KEPT),
        Kept("Results of library imports that you have applied", APPLIED_KEPT),
        Kept("Recommendations you were shown", SHOWN_KEPT),
        Kept("Changes by curators, so that they can be undone", UNDO_WINDOW),
        Kept("Counts of attempts, by a hash of account or network", _longest_limit()),
        Kept("When e-mail was last requested for an address, by a hash of it", PERIOD),
    )


def _longest_limit() -> timedelta:
    return timedelta(seconds=max(limit.seconds for limit in RATE_LIMITS.values()))


def _cookies() -> tuple[Cookie, ...]:
    def cookie(name: str, purpose: str, seconds: int) -> Cookie:
        return Cookie(name, purpose, timedelta(seconds=seconds))

    return (
        cookie(settings.SESSION_COOKIE_NAME, "keeps you signed in", settings.SESSION_COOKIE_AGE),
        cookie(settings.CSRF_COOKIE_NAME, "protects forms", settings.CSRF_COOKIE_AGE),
        cookie(device_cookie(), "recognises this device, so that signing in sends no warning", DEVICE_COOKIE_SECONDS),
        cookie(visitor_act_cookie(), "remembers a vote or save until you have signed in", VISITOR_ACT_SECONDS),
        cookie(theme_cookie(), "remembers your choice of light or dark theme", THEME_COOKIE_SECONDS),
    )


def _services() -> list[OutsideService]:
    found = [
        OutsideService(host, "requests for lists and records of papers, from this server; never who reads them")
        for host in _source_hosts()
    ]
    found.append(OutsideService(_host(settings.DOI_URL), "DOIs of papers that readers submit or import"))
    found.append(OutsideService("pages that readers submit", "requests from this server; never who submitted them"))
    if settings.EMBEDDINGS and settings.EMBEDDINGS_URL:
        words = "titles and abstracts, and search words, without who searches"
        found.append(OutsideService(_host(settings.EMBEDDINGS_URL), words))
    if settings.OIDC_URL:
        found.append(OutsideService(_host(settings.OIDC_URL), "that you sign in here, if you use it to sign in"))
    return [service for service in found if service.name]


def _source_hosts() -> list[str]:
    """The hosts of the sources that are on, and of what answers for single arXiv ids; each once."""
    sources = [source for source in Source.objects.filter(is_enabled=True).order_by("pk") if source.kind in ADAPTERS]
    addresses = [*map(base_url_of, sources), preferred_base_url(arxiv_api.adapter.kind)]
    return list(dict.fromkeys(filter(None, map(_host, addresses))))


def _host(url: str) -> str:
    """The host of an address; empty where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
