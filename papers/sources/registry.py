"""All kinds of sources, and all makers of records: the one list of them. What the core must know it asks here.

A new kind of source is a module with an `adapter`, and a line here.
"""

from __future__ import annotations

from collections.abc import Mapping

from papers.sources import (
    arxiv_api,
    arxiv_oai,
    arxiv_rss,
    biorxiv,
    broadsheet,
    crossref,
    doi,
    feed,
    huggingface,
    oai,
    openalex,
    webpage,
)
from papers.sources.base import RecordSource, SourceAdapter

IMPORTED = RecordSource("import", rank=20, words_of="an imported file")
SAMPLE = RecordSource("sample", rank=0)

ADAPTERS: Mapping[str, SourceAdapter] = {
    adapter.kind: adapter
    for adapter in (
        arxiv_rss.adapter,
        arxiv_oai.adapter,
        arxiv_api.adapter,
        huggingface.adapter,
        broadsheet.adapter,
        feed.adapter,
        biorxiv.biorxiv_adapter,
        biorxiv.medrxiv_adapter,
        crossref.adapter,
        oai.adapter,
        openalex.adapter,
    )
}
"""By kind, in the order in which forms offer them."""

RECORD_SOURCES: Mapping[str, RecordSource] = {
    records.name: records
    for records in (
        *(records for adapter in ADAPTERS.values() for records in adapter.records),
        doi.RECORDS,
        webpage.RECORDS,
        IMPORTED,
        SAMPLE,
    )
}
"""By name: those of the adapters, and those that no source of a kind sends."""

_BY_RANK = {records.rank: records for records in RECORD_SOURCES.values()}
if len(_BY_RANK) < len(RECORD_SOURCES):
    raise ValueError("Two record sources have one rank: a stored paper could not say whose words it has.")


def adapter_of(kind: str) -> SourceAdapter:
    """The adapter of a kind of source.

    Raises:
        KeyError: nothing serves this kind any more.
    """
    return ADAPTERS[kind]


def label_of(kind: str) -> str:
    """The kind in words; itself where nothing serves it any more."""
    return ADAPTERS[kind].label if kind in ADAPTERS else kind


def kind_choices() -> list[tuple[str, str]]:
    """Kinds and their labels, for a form."""
    return [(kind, adapter.label) for kind, adapter in ADAPTERS.items()]


def fetch_priority(kind: str) -> int:
    """How soon a kind is fetched among several, the highest first; 0 where nothing serves it any more."""
    return ADAPTERS[kind].fetch_priority if kind in ADAPTERS else 0


def announcing_kinds() -> list[str]:
    """Kinds whose lists say how many papers of arXiv there must be on a day."""
    return [kind for kind, adapter in ADAPTERS.items() if adapter.announces]


def daily_list_kinds() -> list[str]:
    """Kinds with a list of their own each day, with which what is stored of them is compared."""
    return [kind for kind, adapter in ADAPTERS.items() if adapter.has_daily_list]


def catch_up_kinds() -> list[str]:
    """Kinds that are fetched before their time when the announcements are stale."""
    return [kind for kind, adapter in ADAPTERS.items() if adapter.catches_up]


def since_kinds() -> list[str]:
    """Kinds that can be asked for days before today."""
    return [kind for kind, adapter in ADAPTERS.items() if adapter.understands_since]


def record_source_of_rank(rank: int) -> RecordSource | None:
    """Where the words of a stored paper come from, by its `record_rank`; None where nothing has this rank any more."""
    return _BY_RANK.get(rank)


def record_source_name(name: str) -> str:
    """A record source as readers know it; the name itself where it has no other, or is not known."""
    records = RECORD_SOURCES.get(name)
    return (records.display_name if records else "") or name
