"""How often one may do what: the one table of limits, and the two ways to keep them.

Counted in the cache. While that is away nothing is counted: a lost cache costs no reader a page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from papers.web.http import client_address

P = ParamSpec("P")
R = TypeVar("R", bound=HttpRequest)
View = Callable[Concatenate[R, P], HttpResponse]


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many times in so many seconds, counted from the first of them."""

    times: int
    seconds: int


LIMITS: Mapping[str, Limit] = {
    # Wrong passwords. An account has the looser limit, so that nobody is locked out by a stranger's few attempts.
    "sign-in-address": Limit(10, 10 * 60),
    "sign-in-account": Limit(50, 60 * 60),
    "sign-in-link": Limit(30, 10 * 60),
    "sign-up": Limit(20, 60 * 60),
    "forgotten": Limit(20, 10 * 60),
    "forgotten-account": Limit(5, 10 * 60),
    "password-again": Limit(10, 10 * 60),
    "second-factor": Limit(10, 10 * 60),
    "second-factor-address": Limit(30, 10 * 60),
    "account": Limit(30, 10 * 60),
    "account-export": Limit(10, 60 * 60),
    "invite": Limit(100, 60 * 60),
    "export": Limit(120, 60),
    # Addresses typed into the strip, from one network. An address itself gets few letters: digests/services/double_opt_in.py.
    "subscribe": Limit(20, 60 * 60),
    "mail-test": Limit(20, 60 * 60),
    "vote": Limit(60, 60),
    # A person reads between two searches; a script has the API.
    "search": Limit(200, 60),
    "shelf": Limit(120, 60),
    "follow": Limit(60, 60),
    "comment": Limit(10, 60),
    "preview": Limit(60, 60),
    "report": Limit(10, 10 * 60),
    # A form that is tried while it is typed.
    "topic": Limit(120, 60),
    # Each may cost another site a few requests.
    "submit": Limit(30, 30 * 60),
    # Each is parsed at once, up to 12 MB of it.
    "import": Limit(20, 60 * 60),
}


def count(name: str, who: str) -> bool:
    """Count one more time that `who` did it; True while that is within the limit."""
    limit, key = LIMITS[name], _key(name, who)
    cache.add(key, 0, limit.seconds)
    try:
        return cache.incr(key) <= limit.times
    except ValueError:  # it ran out just now, or there is no cache
        return True


def is_over(name: str, who: str) -> bool:
    """Whether `who` has used up the limit. Counts nothing."""
    return int(cache.get(_key(name, who), 0)) >= LIMITS[name].times


def limited(name: str, *, methods: frozenset[str] | None = None) -> Callable[[View[R, P]], View[R, P]]:
    """A view that each account, or each address of those who aren't signed in, may ask for within a limit.

    With `methods`, only these are counted: a form may be looked at as often as one likes.
    """

    def decorate(view: View[R, P]) -> View[R, P]:
        @wraps(view)
        def limited_view(request: R, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            counts = methods is None or request.method in methods
            if counts and not count(name, visitor(request)):
                return too_many(request, name)
            return view(request, *args, **kwargs)

        return limited_view

    return decorate


def visitor(request: HttpRequest) -> str:
    """Whom a limit counts: the account, else the address."""
    return f"user:{request.user.pk}" if request.user.is_authenticated else f"address:{client_address(request)}"


def too_many(request: HttpRequest, name: str, context: Mapping[str, Any] | None = None) -> HttpResponse:
    """The answer to one time too many."""
    seconds = LIMITS[name].seconds
    response = render(request, "429.html", {**(context or {}), "minutes": -(-seconds // 60)}, status=429)
    response["Retry-After"] = str(seconds)
    return response


def _key(name: str, who: str) -> str:
    # A digest: addresses of people are nothing for a cache to keep.
    return f"limit:{name}:{hashlib.sha256(who.encode()).hexdigest()}"
