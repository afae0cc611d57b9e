"""Feeds that a curator brings as OPML: each is looked at and added on the page for one source. Stores nothing."""

from __future__ import annotations

from dataclasses import dataclass

from papers.isolation.calls import IsolationError, call_isolated
from papers.models import Source
from papers.references.opml import ListedFeed, OpmlError, parse_opml

MAX_OPML_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class OfferedFeed:
    """A feed of the file, and whether a source asks for it already."""

    feed: ListedFeed
    is_known: bool


@dataclass(frozen=True, slots=True)
class OpmlLook:
    """What a file offers."""

    feeds: tuple[OfferedFeed, ...]
    left_out: int
    """Entries without an address of the web, and what is beyond the limit of a file."""


def look_at_opml(data: bytes) -> OpmlLook:
    """The feeds of a file, read in a child process. One query.

    Raises:
        OpmlError: it is not OPML, is too large, or can't be read in time; the message says which.
    """
    if len(data) > MAX_OPML_BYTES:
        raise OpmlError(f"The file is larger than {MAX_OPML_BYTES // 1_000_000} MB.")
    try:
        found = call_isolated(parse_opml, data)
    except IsolationError as error:
        raise OpmlError(f"The file can’t be read: {error}.") from error
    addresses = [feed.address for feed in found.feeds]
    known = set(Source.objects.filter(base_url__in=addresses).values_list("base_url", flat=True))
    offered = tuple(OfferedFeed(feed, is_known=feed.address in known) for feed in found.feeds)
    return OpmlLook(feeds=offered, left_out=found.left_out)
