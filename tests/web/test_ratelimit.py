"""Limits: counted by account and address, over after so many times, free again later, no trouble without a cache."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.http import HttpResponse
from django.test import RequestFactory

from papers.web import ratelimit
from papers.web.http import client_network
from papers.web.middleware import GroupMiddleware
from papers.web.ratelimit import RateLimit, count_attempt, is_limit_reached, rate_limited


@pytest.fixture(autouse=True)
def _short_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratelimit, "RATE_LIMITS", {"test": RateLimit(3, 60), "other": RateLimit(3, 60)})


def request_from(address: str, forwarded: str = "") -> Any:
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    request.user = AnonymousUser()
    if forwarded:
        request.META["HTTP_X_FORWARDED_FOR"] = forwarded
    return request


def test_the_limit_is_reached_and_then_over() -> None:
    assert [count_attempt("test", "rita") for _ in range(5)] == [True, True, True, False, False]


def test_everybody_and_every_limit_is_counted_apart() -> None:
    for _ in range(3):
        count_attempt("test", "rita")
    assert is_limit_reached("test", "rita")
    assert not is_limit_reached("test", "carl")
    assert not is_limit_reached("other", "rita")


def test_without_a_cache_nobody_is_kept_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*args: Any, **options: Any) -> int:
        raise ValueError("no such key")

    monkeypatch.setattr(cache, "incr", gone)
    assert [count_attempt("test", "rita") for _ in range(5)] == [True] * 5


def test_addresses_are_not_kept_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[str] = []
    monkeypatch.setattr(cache, "add", lambda key, *args: keys.append(key))
    count_attempt("test", "rita@example.org")
    assert keys
    assert "rita" not in keys[0]


@pytest.mark.django_db
def test_a_limited_view_answers_429_and_says_when_to_come_again() -> None:
    view = GroupMiddleware(rate_limited("test")(lambda request: HttpResponse("fine")))  # what it answers is a page
    answers = [view(request_from("192.0.2.1")).status_code for _ in range(4)]
    assert answers == [200, 200, 200, 429]
    assert view(request_from("192.0.2.1"))["Retry-After"] == "60"
    assert view(request_from("192.0.2.2")).status_code == 200


class TestClientAddress:
    def test_a_stranger_cannot_claim_another_address(self) -> None:
        assert client_network(request_from("192.0.2.1", "203.0.113.9")) == "192.0.2.1"

    def test_a_trusted_proxy_is_believed_and_what_stood_there_before_is_not(self, settings: Any) -> None:
        settings.TRUSTED_PROXIES = networks("10.0.0.0/8")
        assert client_network(request_from("10.0.0.5", "198.51.100.7, 203.0.113.9")) == "203.0.113.9"

    def test_a_chain_of_trusted_proxies(self, settings: Any) -> None:
        settings.TRUSTED_PROXIES = networks("10.0.0.0/8", "fd00::/8")
        assert client_network(request_from("fd00::1", "203.0.113.9, 10.1.1.1")) == "203.0.113.9"

    def test_a_unix_socket_is_the_proxys(self, settings: Any) -> None:
        settings.TRUSTED_PROXIES = networks("127.0.0.1")
        assert client_network(request_from("", "203.0.113.9")) == "203.0.113.9"

    def test_an_ipv6_household_counts_once(self) -> None:
        assert client_network(request_from("2001:db8:1:2:3::4")) == client_network(request_from("2001:db8:1:2::5"))

    def test_nonsense_is_one_address(self, settings: Any) -> None:
        settings.TRUSTED_PROXIES = networks("127.0.0.1")
        assert client_network(request_from("127.0.0.1", "<script>")) == "unknown"


def networks(*entries: str) -> Any:
    from config.env import Env

    return Env({"NAME": " ".join(entries)}).networks("NAME")
