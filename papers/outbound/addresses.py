"""The addresses that the outbound client is given and is led to: read, checked, and shown without their secrets."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from papers.outbound.address_guard import check_url
from papers.outbound.errors import RefusedError
from papers.text.hostnames import ascii_address


def parse_address(text: str, params: Mapping[str, str | int] | None = None) -> httpx.URL:
    """The address in a text, with query parameters added.

    Raises:
        RefusedError: it is not an address, or not one that may be asked.
    """
    try:
        url = httpx.URL(ascii_address(text))
        url = url.copy_merge_params(params) if params else url
    except (httpx.InvalidURL, ValueError) as error:
        raise RefusedError(f"{text!r} is not an address ({error}).") from error
    _check(url)
    return url


def redirect_target(url: httpx.URL, location: str) -> httpx.URL:
    """Where a Location header leads from an address.

    Raises:
        RefusedError: it leads to no address, to one that may not be asked, or from https to http.
    """
    try:
        target = url.join(ascii_address(location))
    except (httpx.InvalidURL, ValueError) as error:
        raise RefusedError(f"{without_query(url)} redirects to something that is not an address ({error}).") from error
    _check(target)
    if url.scheme == "https" and target.scheme == "http":
        raise RefusedError(f"{without_query(url)} redirects from https to plain http, to {without_query(target)}.")
    return target


def parse_proxy(text: str) -> httpx.URL:
    """The address of a proxy, with its port.

    Raises:
        ValueError: it is not the address of an HTTP proxy.
    """
    try:
        url = httpx.URL(ascii_address(text))
    except (httpx.InvalidURL, ValueError) as error:
        raise ValueError(f"The proxy {text!r} is not an address ({error}).") from error
    if url.scheme != "http" or not url.raw_host:
        raise ValueError(f"The proxy must be an address such as http://proxy.example:3128, not {text!r}.")
    return url.copy_with(port=url.port or 80)


def host_of(url: httpx.URL) -> str:
    """The host as it is asked for, in ASCII: httpx's own `host` decodes `xn--…`, and raises where that is nonsense."""
    return url.raw_host.decode("ascii")


def origin_of(url: httpx.URL) -> tuple[str, str, int | None]:
    """Scheme, host and port: what headers of a request's own are for."""
    return url.scheme, host_of(url), url.port


def without_query(url: httpx.URL) -> str:
    """An address without its query, which may hold a key."""
    return str(url.copy_with(query=None, fragment=None))


def _check(url: httpx.URL) -> None:
    check_url(scheme=url.scheme, host=host_of(url), has_credentials=bool(url.userinfo))
