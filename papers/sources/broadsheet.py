"""Another Broadsheet's daily lists, answered in Hugging Face's contract: its own votes, comments, submitters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from papers.outbound.host_rate_limit import host_group_of
from papers.outbound.request import FetchRequest, FetchResponse
from papers.sources.base import FetchBatch, FetchContext, RawPaper, RejectedPayload, SourceSettings
from papers.sources.huggingface import HuggingFace
from papers.sources.other_site import RECORDS, as_the_sites, faults_only, site_address

_NO_ADDRESS = "Enter the other site’s address, such as https://papers.example.org."


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
        return as_the_sites(super().parse_rejected(replace(rejected, site=site)), site)

    def fetch(self, context: FetchContext) -> Iterator[FetchBatch]:
        """Raises SourceError where no list can be read, or the address is this site's own."""
        site = site_address(context.base_url)
        group = host_group_of(site)

        def send(request: FetchRequest) -> FetchResponse:
            return context.send(replace(request, group=group))

        for batch in super().fetch(replace(context, send=send, base_url=site)):
            papers = tuple(as_the_sites(paper, site) for paper in batch.papers)
            yield replace(batch, papers=papers, rejected=faults_only(batch.rejected))


adapter = Broadsheet()
