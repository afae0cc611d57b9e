"""Another Broadsheet's daily lists, which it answers in Hugging Face's contract: its own votes, comments, submitters.

What it counts stands under the site's name, and what that site itself has from elsewhere is not in its answers: two
sites that follow each other list a paper once a day and count each vote once. Papers travel by arXiv id or DOI. One
that only its own site can name stays there, for it would come back under a new name each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from papers.outbound.errors import SourceError
from papers.outbound.host_rate_limit import host_group_of
from papers.outbound.request import FetchRequest, FetchResponse
from papers.sources.base import FetchBatch, FetchContext, RawPaper, RecordSource, RejectedPayload, SourceSettings
from papers.sources.huggingface import HuggingFace

RECORDS = RecordSource("broadsheet", rank=28, display_name="another Broadsheet", words_of="another Broadsheet’s list")
LIST_PATH = "/api/daily_papers"
SITE_MARK_HEADER = "x-broadsheet-site"
_NO_ADDRESS = "Enter the other site’s address, such as https://papers.example.org."
_OWN_ADDRESS = (
    "This address leads to this site itself, and a site does not follow itself. Enter another site’s address."
)


class Broadsheet(HuggingFace):
    """Asks another site for the lists of some days, as it asks Hugging Face, within that host's own rate limit."""

    kind = "broadsheet"
    label = "Another Broadsheet"
    default_name = "Another Broadsheet"
    records = (RECORDS,)
    host_group = ""
    base_url_setting = ""

    def problems(self, settings: SourceSettings) -> Mapping[str, str]:
        """It must be given an address."""
        return {} if settings.base_url.strip() else {"base_url": _NO_ADDRESS}

    def parse_rejected(self, rejected: RejectedPayload) -> RawPaper:
        """The paper in one item, of the list of the day on which it came."""
        site = site_address(rejected.site)
        return _as_the_sites(super().parse_rejected(replace(rejected, site=site)), site)

    def fetch(self, context: FetchContext) -> Iterator[FetchBatch]:
        """Raises SourceError where no list can be read, or the address is this site's own."""
        site = site_address(context.base_url)
        group = host_group_of(site)

        def send(request: FetchRequest) -> FetchResponse:
            response = context.send(replace(request, group=group))
            if context.own_mark and response.headers.get(SITE_MARK_HEADER) == context.own_mark:
                raise SourceError(_OWN_ADDRESS)
            return response

        for batch in super().fetch(replace(context, send=send, base_url=site)):
            papers = tuple(_as_the_sites(paper, site) for paper in batch.papers)
            rejected = tuple(record for record in batch.rejected if not record.identifier.startswith("p-"))
            yield replace(batch, papers=papers, rejected=rejected)


adapter = Broadsheet()


def site_address(address: str) -> str:
    """The address that a site's pages are under; that of its list, too, is one that people paste."""
    return address.strip().partition("?")[0].rstrip("/").removesuffix(LIST_PATH).rstrip("/")


def site_name(address: str) -> str:
    """A site as readers see it beside what it counts: its host, and its path where it stands under one."""
    parts = urlsplit(address)
    return parts.netloc.rpartition("@")[2] + parts.path.rstrip("/")


def _as_the_sites(paper: RawPaper, site: str) -> RawPaper:
    counts = paper.external_counts
    named = counts and replace(counts, source=site_name(site), is_first_hand=True)
    return replace(paper, source=RECORDS.name, external_counts=named)
