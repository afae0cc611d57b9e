"""What a daily list says that is another Broadsheet's: it counts under that site's name. Pure.

What the site itself has from elsewhere is not in its answers: two sites that follow each other list a paper once a day
and count each vote once. Papers travel by arXiv id or DOI. One that only its own site can name stays there, for it
would come back under a new name each time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlsplit

from papers.sources.base import RawPaper, RecordSource, UnreadableRecord

RECORDS = RecordSource("broadsheet", rank=28, display_name="another Broadsheet", words_of="another Broadsheet’s list")
LIST_PATH = "/api/daily_papers"
SITE_MARK_HEADER = "x-broadsheet-site"
"""By which an answer is known to be a Broadsheet's, and which one's."""
OWN_ADDRESS = "This address leads to this site itself, and a site does not follow itself. Enter another site’s address."


def site_address(address: str) -> str:
    """The address that a site's pages are under; that of its list, too, is one that people paste."""
    return address.strip().partition("?")[0].rstrip("/").removesuffix(LIST_PATH).rstrip("/")


def site_name(address: str) -> str:
    """A site as readers see it beside what it counts: its host, and its path where it stands under one."""
    parts = urlsplit(address)
    return parts.netloc.rpartition("@")[2] + parts.path.rstrip("/")


def as_the_sites(paper: RawPaper, site: str) -> RawPaper:
    """A paper of the list of the site at this address."""
    counts = paper.external_counts
    named = counts and replace(counts, source=site_name(site), is_first_hand=True)
    return replace(paper, source=RECORDS.name, external_counts=named)


def faults_only(records: Iterable[UnreadableRecord]) -> tuple[UnreadableRecord, ...]:
    """The unreadable records, without those of papers that stay at their site."""
    return tuple(record for record in records if not record.identifier.startswith("p-"))
