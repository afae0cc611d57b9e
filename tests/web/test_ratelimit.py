"""Limits: counted by account and address, over after so many times, free again later, no trouble without a cache."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from papers.models import AttemptCount
from papers.services.operations.cleanup import delete_expired_rows
from papers.web import ratelimit
from papers.web.http import client_ip_address, client_network
from papers.web.middleware import GroupMiddleware
from papers.web.ratelimit import RateLimit, count_attempt, rate_limited, uncount_attempt

LIMITS = {"test": RateLimit(3, 60), "other": RateLimit(3, 60), "guess": RateLimit(3, 60, survives_cache=True)}


@pytest.fixture(autouse=True)
def _short_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratelimit, "RATE_LIMITS", LIMITS)


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
    assert not count_attempt("test", "rita")
    assert count_attempt("test", "carl")
    assert count_attempt("other", "rita")


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
class TestGuesses:
    """Counted in Postgres."""

    @pytest.fixture(autouse=True)
    def _no_cache(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("add", "incr", "get", "set"):
            monkeypatch.setattr(cache, name, lambda *args, **options: pytest.fail("the cache was asked"))

    def test_are_limited_without_a_cache_too(self) -> None:
        assert [count_attempt("guess", "rita") for _ in range(5)] == [True, True, True, False, False]
        assert count_attempt("guess", "carl")

    def test_are_free_again_when_their_time_is_over(self) -> None:
        for _ in range(4):
            count_attempt("guess", "rita")
        AttemptCount.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
        assert [count_attempt("guess", "rita") for _ in range(4)] == [True, True, True, False]

    def test_that_were_none_are_taken_back(self) -> None:
        for _ in range(3):
            count_attempt("guess", "rita")
        uncount_attempt("guess", "rita")
        assert [count_attempt("guess", "rita") for _ in range(2)] == [True, False]

    def test_one_too_many_does_not_lengthen_the_wait(self) -> None:
        for _ in range(3):
            count_attempt("guess", "rita")
        ends_at = AttemptCount.objects.get().ends_at
        count_attempt("guess", "rita")
        assert AttemptCount.objects.get().ends_at == ends_at

    def test_are_cleaned_up(self) -> None:
        count_attempt("guess", "rita")
        delete_expired_rows(now=timezone.now())
        assert AttemptCount.objects.exists()
        delete_expired_rows(now=timezone.now() + timedelta(minutes=2))
        assert not AttemptCount.objects.exists()

    def test_keep_no_address(self) -> None:
        count_attempt("guess", "rita@example.org")
        assert "rita" not in AttemptCount.objects.get().key_digest


def test_what_guesses_or_sends_mail_survives_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    lasting = {name for name, limit in ratelimit.RATE_LIMITS.items() if limit.survives_cache}
    assert lasting == {
        *("sign-in-address", "sign-in-account", "sign-in-link", "password-again"),
        *("second-factor", "second-factor-address", "forgotten", "sign-up", "subscribe"),
    }


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

    @pytest.mark.parametrize(
        "address", ["::ffff:192.0.2.1", "::ffff:c000:201", "192.0.2.1:4711", "[::ffff:192.0.2.1]:1"]
    )
    def test_ipv4_is_ipv4_however_it_is_written(self, address: str) -> None:
        assert client_network(request_from(address)) == "192.0.2.1"

    def test_two_ipv4_clients_of_an_ipv6_socket_are_two(self) -> None:
        assert client_network(request_from("::ffff:192.0.2.1")) != client_network(request_from("::ffff:198.51.100.1"))

    @pytest.mark.parametrize("network", ["10.0.0.0/8", "::ffff:10.0.0.0/104", "::ffff:10.0.0.1"])
    def test_a_trusted_proxy_is_known_at_an_ipv6_socket(self, network: str, settings: Any) -> None:
        settings.TRUSTED_PROXIES = networks(network)
        forwarded = "203.0.113.9, ::ffff:10.0.0.1"
        assert client_network(request_from("::ffff:10.0.0.1", forwarded)) == "203.0.113.9"
        assert client_ip_address(request_from("::ffff:10.0.0.1", "::ffff:203.0.113.9")) == "203.0.113.9"

    def test_a_zone_and_a_port_make_no_other_address(self) -> None:
        assert client_network(request_from("fe80::1%eth0")) == client_network(request_from("[fe80::2]:443"))

    def test_nonsense_is_one_address(self, settings: Any) -> None:
        settings.TRUSTED_PROXIES = networks("127.0.0.1")
        assert client_network(request_from("127.0.0.1", "<script>")) == "unknown"


def networks(*entries: str) -> Any:
    from config.env import Env

    return Env({"NAME": " ".join(entries)}).networks("NAME")
