"""Typed requests, who is asking, and where a form may send its reader back to."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from papers.models import ApiToken, User
from papers.services.operations.installation import GroupSettings
from papers.text.ip_addresses import read_address

if TYPE_CHECKING:
    from papers.web.ratelimit import RateWindow


class Request(HttpRequest):
    """A request as views get it, after the middleware."""

    user: User | AnonymousUser
    htmx: HtmxDetails
    group: GroupSettings
    api_token: ApiToken | None
    """By which somebody asks the API; set there alone."""
    rate_window: RateWindow
    """How its limit stands; set there alone."""


class UserRequest(Request):
    """A request of somebody signed in."""

    user: User


def parse_key(text: str, *, digits: int = 18) -> int | None:
    """The whole number that an address or a form gave, of at most so many digits; None where it is not one.

    Eighteen digits fit into a database's key.
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None


def safe_next(request: HttpRequest, default: str) -> str:
    """The `next` that a form brought, if it stays on this site; else `default`."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    if not target.startswith(("/", f"{request.scheme}://")):  # a bare word would be read as the name of a view
        return default
    if url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return target
    return default


def referring_page(request: HttpRequest, default: str) -> str:
    """The page of this site that led here, as the browser says; else `default`."""
    try:
        before = urlsplit(str(request.META.get("HTTP_REFERER", "")))
    except ValueError:
        return default
    if before.netloc != request.get_host() or before.path == request.path:
        return default
    return before.path + (f"?{before.query}" if before.query else "")


def client_network(request: HttpRequest) -> str:
    """The network address that a request came from; of an IPv6 address its /64, which is one household's.

    X-Forwarded-For is read from its end, and only as far as BROADSHEET_TRUSTED_PROXIES wrote it: what stands before
    that is what the client itself claims.
    """
    return _household(_reached_from(request))


def client_ip_address(request: HttpRequest) -> str:
    """The same as it is, not a household's, for an account's list of its own devices; `0.0.0.0` where none is known."""
    found = read_address(_reached_from(request))
    return "0.0.0.0" if found is None else str(found)  # noqa: S104


def _reached_from(request: HttpRequest) -> str:
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    address: str = request.META.get("REMOTE_ADDR", "")
    while hops and _is_trusted(address):
        address = hops.pop()
    return address


def is_from_trusted_proxy(request: HttpRequest) -> bool:
    """Whether a request was handed on by a web server of BROADSHEET_TRUSTED_PROXIES, whose headers hold."""
    return _is_trusted(request.META.get("REMOTE_ADDR", ""))


def _is_trusted(address: str) -> bool:
    if not address:  # a server on a Unix socket gives none: whoever reaches the socket is the proxy
        return bool(settings.TRUSTED_PROXIES)
    found = read_address(address)
    return found is not None and any(
        found.version == network.version and found in network for network in settings.TRUSTED_PROXIES
    )


def _household(address: str) -> str:
    found = read_address(address)
    if found is None:
        return "unknown"
    return str(ip_network((found, 64), strict=False)) if found.version == 6 else str(found)
