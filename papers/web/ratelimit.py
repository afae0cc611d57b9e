"""How often one may do what: the one table of limits, and the functions that count attempts.

Guesses, and what sends mail, are counted in Postgres, in one statement that also decides: a lost cache gives nobody
more of them and shuts nobody out. All else is counted in the cache. While that is away it is not counted: a lost cache
costs no reader a page.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from papers.services.accounts.attempts import give_back_attempt, take_attempt
from papers.web.http import client_network
from papers.web.json_errors import is_program, json_error

P = ParamSpec("P")
R = TypeVar("R", bound=HttpRequest)
View = Callable[Concatenate[R, P], HttpResponse]


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most this number of attempts within this number of seconds, counted from the first of them."""

    attempts: int
    seconds: int
    survives_cache: bool = False
    """Whether it is counted in Postgres."""


def _guesses(attempts: int, seconds: int) -> RateLimit:
    return RateLimit(attempts, seconds, survives_cache=True)


RATE_LIMITS: Mapping[str, RateLimit] = {
    # Wrong passwords. An account has the looser limit, so that nobody is locked out by a stranger's few attempts.
    "sign-in-address": _guesses(10, 10 * 60),
    "sign-in-account": _guesses(50, 60 * 60),
    "sign-in-link": _guesses(30, 10 * 60),
    "sign-up": _guesses(20, 60 * 60),
    "forgotten": _guesses(20, 10 * 60),
    "password-again": _guesses(10, 10 * 60),
    "second-factor": _guesses(10, 10 * 60),
    "second-factor-address": _guesses(30, 10 * 60),
    "account": RateLimit(30, 10 * 60),
    "account-export": RateLimit(10, 60 * 60),
    "invite": RateLimit(100, 60 * 60),
    "export": RateLimit(120, 60),
    # Addresses typed into the strip, by network. For one address see papers/services/accounts/mail_allowance.py.
    "subscribe": _guesses(20, 60 * 60),
    "mail-test": RateLimit(20, 60 * 60),
    "vote": RateLimit(60, 60),
    # A person reads between two searches; a script has the API.
    "search": RateLimit(200, 60),
    # Asked for with every few letters.
    "suggest": RateLimit(400, 60),
    "library": RateLimit(120, 60),
    # A key that goes through a whole day.
    "seen": RateLimit(600, 60),
    "follow": RateLimit(60, 60),
    "comment": RateLimit(10, 60),
    "club": RateLimit(60, 60),
    "preview": RateLimit(60, 60),
    "report": RateLimit(10, 10 * 60),
    # A form that is tried while it is typed.
    "topic": RateLimit(120, 60),
    # Each may cost another site a few requests.
    "submit": RateLimit(30, 30 * 60),
    # Each look at a source to come asks another site.
    "source": RateLimit(40, 30 * 60),
    # Each is parsed at once, up to 12 MB of it.
    "import": RateLimit(20, 60 * 60),
    # All requests of the API: a token's, and those of a network without one.
    "api": RateLimit(600, 60),
    "api-visitor": RateLimit(120, 60),
}


def count_attempt(name: str, key: str) -> bool:
    """Count an attempt of `key`, an account or an address; True while its attempts are within the limit.

    To be called before what is limited is done: of many at once no more get through than the limit says.
    """
    limit = RATE_LIMITS[name]
    if limit.survives_cache:
        return take_attempt(name=name, key=key, most=limit.attempts, seconds=limit.seconds)
    cache_key = _cache_key(name, key)
    cache.add(cache_key, 0, limit.seconds)
    try:
        return cache.incr(cache_key) <= limit.attempts
    except ValueError:  # it ran out just now, or there is no cache
        return True


@dataclass(frozen=True, slots=True)
class RateWindow:
    """How a limit stands after an attempt was counted, within a minute or hour of the clock."""

    name: str
    limit: RateLimit
    remaining: int
    """Attempts that are left; -1 where this one was too many."""
    resets_in: int
    """Seconds until the window ends."""

    def headers(self) -> dict[str, str]:
        """What tells a program so (draft-ietf-httpapi-ratelimit-headers)."""
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.limit.attempts};w={self.limit.seconds}',
            "RateLimit": f'"{self.name}";r={max(self.remaining, 0)};t={self.resets_in}',
        }


def count_in_window(name: str, key: str) -> RateWindow:
    """Count an attempt of `key` in the cache, and say how many are left: for programs, which pace themselves by it.

    Windows begin at full minutes of the clock, or whatever the limit's seconds are. One round to the cache, two at the
    beginning of a window; without a cache nothing is counted.
    """
    limit = RATE_LIMITS[name]
    number, passed = divmod(int(time.time()), limit.seconds)
    cache_key = _cache_key(name, f"{number}:{key}")
    try:
        count = cache.incr(cache_key)
    except ValueError:  # the first of the window, or there is no cache
        cache.add(cache_key, 1, limit.seconds)
        count = 1
    return RateWindow(name, limit, max(limit.attempts - count, -1), limit.seconds - passed)


def uncount_attempt(name: str, key: str) -> None:
    """Uncount an attempt that was right, for limits that count only wrong ones."""
    if RATE_LIMITS[name].survives_cache:
        give_back_attempt(name=name, key=key)


def rate_limited(name: str, *, methods: frozenset[str] | None = None) -> Callable[[View[R, P]], View[R, P]]:
    """A view that each account, or each address of those who aren't signed in, may ask for within a limit.

    With `methods`, only these are counted: a form may be looked at as often as one likes.
    """

    def decorate(view: View[R, P]) -> View[R, P]:
        @wraps(view)
        def limited_view(request: R, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            counts = methods is None or request.method in methods
            if counts and not count_attempt(name, rate_limit_key(request)):
                return too_many_requests(request, name)
            return view(request, *args, **kwargs)

        return limited_view

    return decorate


def rate_limit_key(request: HttpRequest) -> str:
    """The key that a limit counts by: the account, else the network address."""
    return f"user:{request.user.pk}" if request.user.is_authenticated else f"address:{client_network(request)}"


def too_many_requests(request: HttpRequest, name: str, context: Mapping[str, Any] | None = None) -> HttpResponse:
    """The answer to an attempt beyond the limit, with the seconds to wait in Retry-After.

    A program gets JSON, and the limit in the headers of draft-ietf-httpapi-ratelimit-headers too.
    """
    limit = RATE_LIMITS[name]
    seconds = limit.seconds
    if is_program(request):
        response = json_error(429, f"Too many requests. Try again in {seconds} seconds.", Retry_After=str(seconds))
        response["RateLimit"] = f'"{name}";r=0;t={seconds}'
        response["RateLimit-Policy"] = f'"fixed window";"{name}";q={limit.attempts};w={seconds}'
        return response
    response = render(request, "429.html", {**(context or {}), "minutes": -(-seconds // 60)}, status=429)
    response["Retry-After"] = str(seconds)
    return response


def _cache_key(name: str, key: str) -> str:
    # A digest: addresses of people are nothing for a cache to keep.
    return f"limit:{name}:{hashlib.sha256(key.encode()).hexdigest()}"
