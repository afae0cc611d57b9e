"""How often each group of hosts may be asked: one table of their policies, and what their answers say about it.

A group is one host or several that count requests together. A `HostRateLimiter` keeps to the policies; the product's is
in Postgres, so that all workers and machines share it: services/fetching/rate_limiter.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Protocol

from papers.outbound.addresses import host_of, parse_address
from papers.retry import RetrySchedule, minutes

_HOUR = 3600.0
_STEPWISE = RetrySchedule(minutes(1, 5, 30, 120), gives_up=False)
_DOUBLING = RetrySchedule(tuple(timedelta(seconds=10 * 2**step) for step in range(8)), gives_up=False)


class AcquiredSlot(Protocol):
    """The right to send one request to a group of hosts, while nobody else does."""

    def renew(self) -> None:
        """Show that the request still runs.

        Raises:
            SlotLostError: the slot has gone to another process.
        """

    def record_response(self, status: int, retry_after_seconds: float | None) -> float | None:
        """Count what the host answered.

        Returns the seconds for which its group is closed now, if the host refused; else None.
        """


class HostRateLimiter(Protocol):
    """Gives out slots, over all processes that talk to a group of hosts."""

    def acquire(self, group: str, *, wait_seconds: float) -> AbstractContextManager[AcquiredSlot]:
        """Wait for a slot of the group, and hold it.

        Raises:
            HostBusyError: none would be free within `wait_seconds`.
        """


@dataclass(frozen=True, slots=True)
class HostPolicy:
    """How often the hosts of one group may be asked. All times in seconds."""

    connections: int = 1
    spacing: float = 1.0
    """From the end of a request to the start of the next, on each connection."""
    jitter: float = 0.0
    """At most this much is added to the spacing, by chance."""
    refusal_statuses: frozenset[int] = frozenset({429, 503})
    """Statuses that ask for fewer requests."""
    refusal_pauses: RetrySchedule = _STEPWISE
    """For how long the group is closed after refusals in a row that do not say."""
    blocked_seconds: float = _HOUR
    """For how long it is closed after a 403."""
    parent_group: str | None = None
    """Another group of which a slot is held as well."""


@dataclass(frozen=True, slots=True)
class HostGroup:
    """Hosts that count requests together: `hosts` are domains, with all below them."""

    name: str
    hosts: tuple[str, ...]
    policy: HostPolicy


_FEEDS = "feeds"
HOST_GROUPS: Mapping[str, HostGroup] = {
    group.name: group
    for group in (
        # "One request every three seconds, single connection", for all machines together; asking on after a 403 counts
        # as an attack. https://info.arxiv.org/help/api/tou.html
        HostGroup(
            "arxiv",
            ("arxiv.org",),
            HostPolicy(
                spacing=3.0, jitter=0.5, refusal_statuses=frozenset({406, 429, 503}), blocked_seconds=12 * _HOUR
            ),
        ),
        HostGroup("huggingface", ("huggingface.co",), HostPolicy(connections=2)),
        HostGroup(
            "crossref",
            ("crossref.org", "doi.org"),
            HostPolicy(connections=2, spacing=0.2, refusal_pauses=_DOUBLING),
        ),
        # Where doi.org leads for the DOIs of data sets and preprints.
        HostGroup(
            "datacite",
            ("datacite.org", "crosscite.org"),
            HostPolicy(connections=2, spacing=0.2, refusal_pauses=_DOUBLING),
        ),
        # Only the API, for which no limit is stated: pages of the site refuse programs, which says nothing of it.
        HostGroup("biorxiv", ("api.biorxiv.org", "api.medrxiv.org"), HostPolicy(spacing=1.0, refusal_pauses=_DOUBLING)),
        # It counts by the day, and says itself when that is used up. https://developers.openalex.org/api-reference/errors
        HostGroup("openalex", ("openalex.org",), HostPolicy(spacing=1.0, refusal_pauses=_DOUBLING)),
        # The operator's own choice, often on the operator's own machine; it says itself when it is too much.
        HostGroup(
            "embeddings",
            (),
            HostPolicy(connections=4, spacing=0.0, blocked_seconds=60.0, refusal_pauses=_DOUBLING),
        ),
        # All hosts together that are in no other group.
        HostGroup(_FEEDS, (), HostPolicy(connections=4, spacing=0.0)),
    )
}
FEED_POLICY = HostPolicy(blocked_seconds=24 * _HOUR, parent_group=_FEEDS)
"""Of any other host, as the group `feed:<host>`."""
PAGE_POLICY = HostPolicy(blocked_seconds=60.0, parent_group=_FEEDS)
"""Of such a host where a reader named a page of it, as `page:<host>`; the next page of the same host may be open."""


def host_policy_of(group: str) -> HostPolicy:
    """The policy of a group.

    Raises:
        ValueError: there is no such group; `host_group_of(url)` names the right one.
    """
    if group.startswith("feed:"):
        return FEED_POLICY
    if group.startswith("page:"):
        return PAGE_POLICY
    if group not in HOST_GROUPS:
        raise ValueError(
            f"There is no host group {group!r}; use one of {', '.join(HOST_GROUPS)} feed:<host> or page:<host>."
        )
    return HOST_GROUPS[group].policy


def host_group_of(url: str) -> str:
    """The group of an address: `arxiv` for all of arXiv's, else `feed:<host>`.

    Raises:
        RefusedError: it is no address.
    """
    return group_of_host(host_of(parse_address(url)))


def page_host_group_of(url: str) -> str:
    """The group for a page that a reader named: a known one, else `page:<host>`, so that no feed of that host is
    stopped where the page refuses.

    Raises:
        RefusedError: it is no address.
    """
    return as_page_group(host_group_of(url))


def group_of_host(host: str) -> str:
    """The group of a host in ASCII: the one that names its domain, else `feed:<host>`."""
    name = host.lower().rstrip(".")
    for group in HOST_GROUPS.values():
        if any(name == domain or name.endswith(f".{domain}") for domain in group.hosts):
            return group.name
    return f"feed:{name}"


def is_page_group(group: str) -> bool:
    """Whether the group is that of a page which a reader named."""
    return group.startswith("page:")


def as_page_group(group: str) -> str:
    """The group for a page of the same host; known groups stay as they are."""
    return group.replace("feed:", "page:", 1) if group.startswith("feed:") else group


LONGEST_WAIT_SECONDS = 24 * 60 * 60.0


def parse_retry_after(value: str, *, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header: a number of seconds or an HTTP date (RFC 9110 §10.2.3).

    At most a day, whatever it says; a date that has passed is 0; None for what is neither.
    """
    text = value.strip()
    if text.isascii() and text.isdigit():
        # A number too long to be one of seconds is cut before int() has to read it.
        return min(float(text[:12]), LONGEST_WAIT_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_WAIT_SECONDS)


def parse_rate_limit(value: str) -> float | None:
    """Seconds until a spent budget opens again, by a header such as `RateLimit: "api";r=0;t=123`.

    Several budgets may be named; the longest wait of those with nothing left counts, at most a day. None when none
    is spent. https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
    """
    waits = []
    for item in value.split(","):
        values = dict(re.findall(r";\s*([rt])\s*=\s*(\d{1,12})(?!\d)", item))
        if values.get("r", "").strip("0") == "" and "r" in values and "t" in values:
            waits.append(float(values["t"]))
    return min(max(waits), LONGEST_WAIT_SECONDS) if waits else None
