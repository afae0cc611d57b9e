"""What follows from BROADSHEET_SITE_URL."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.site_url import Site


def test_a_site_at_the_root() -> None:
    site = Site.from_url("https://papers.example.org/")
    assert (site.url, site.origin, site.path) == ("https://papers.example.org", "https://papers.example.org", "")
    assert site.is_https
    assert not site.is_loopback
    assert "papers.example.org" in site.allowed_hosts()


def test_a_site_under_a_sub_path() -> None:
    site = Site.from_url("https://lab.example.org/papers/")
    assert (site.url, site.origin, site.path) == (
        "https://lab.example.org/papers",
        "https://lab.example.org",
        "/papers",
    )


def test_a_port_belongs_to_the_origin_and_not_to_the_host() -> None:
    site = Site.from_url("http://lab.example.org:8080")
    assert (site.host, site.origin) == ("lab.example.org", "http://lab.example.org:8080")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:8000"])
def test_this_machine_itself(url: str) -> None:
    assert Site.from_url(url).is_loopback


def test_health_checks_may_ask_on_this_machine() -> None:
    assert {"127.0.0.1", "localhost", "[::1]"} <= set(Site.from_url("https://papers.example.org").allowed_hosts())


@pytest.mark.parametrize(
    "url",
    [
        "papers.example.org",
        "ftp://papers.example.org",
        "https://",
        "https://papers.example.org?x=1",
        "https://papers.example.org/#top",
        "https://me:secret@papers.example.org",
        "https://papers.example.org:port",
        "https://papers.example.org:99999",
    ],
)
def test_what_is_no_address_of_a_site(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="BROADSHEET_SITE_URL"):
        Site.from_url(url)
