"""Which module serves which kind of source."""

from __future__ import annotations

from collections.abc import Mapping

from papers.sources import arxiv_api, arxiv_oai, arxiv_rss, feed, huggingface
from papers.sources.base import SourceAdapter

ADAPTERS: Mapping[str, SourceAdapter] = {
    adapter.kind: adapter
    for adapter in (arxiv_rss.adapter, arxiv_oai.adapter, arxiv_api.adapter, huggingface.adapter, feed.adapter)
}
