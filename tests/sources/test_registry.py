"""What each kind of source says of itself, so that the core can ask the registry alone."""

from __future__ import annotations

import pytest
from django.conf import settings

from papers.models import RejectedRecord, Source
from papers.outbound.host_rate_limit import HOST_GROUPS
from papers.sources.base import SourceAdapter, SourceSettings
from papers.sources.provenance import provenance
from papers.sources.registry import (
    ADAPTERS,
    RECORD_SOURCES,
    kind_choices,
    label_of,
    record_source_name,
    record_source_of_rank,
)

each_adapter = pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=list(ADAPTERS))


@each_adapter
def test_what_is_stored_of_a_kind_fits_into_its_columns(adapter: SourceAdapter) -> None:
    assert len(adapter.kind) <= (Source._meta.get_field("kind").max_length or 0)
    assert len(adapter.default_name) <= (Source._meta.get_field("name").max_length or 0)
    assert all(
        len(records.name) <= (RejectedRecord._meta.get_field("source_kind").max_length or 0)
        for records in adapter.records
    )
    assert adapter.default_lists in Source.Lists.values


@each_adapter
def test_settings_and_host_groups_that_are_named_exist(adapter: SourceAdapter) -> None:
    assert not adapter.base_url_setting or getattr(settings, adapter.base_url_setting).startswith("https://")
    assert not adapter.host_group or adapter.host_group in HOST_GROUPS


@each_adapter
def test_a_form_has_a_kinds_label(adapter: SourceAdapter) -> None:
    assert (adapter.kind, adapter.label) in kind_choices()
    assert label_of(adapter.kind) == adapter.label


def test_a_kind_that_nothing_serves_any_more_is_its_own_label():
    assert label_of("gopher") == "gopher"


def test_ranks_lead_back_to_their_record_source():
    assert all(record_source_of_rank(records.rank) is records for records in RECORD_SOURCES.values())
    assert record_source_of_rank(1) is None


def test_readers_see_names_and_never_kinds_where_there_are_any():
    assert record_source_name("arxiv_oai_raw") == "arXiv"
    assert record_source_name("feed") == "feed"
    assert record_source_name("gopher") == "gopher"


def test_words_of_third_parties_are_named_and_own_records_are_not():
    words = {records.name: provenance("2603.00001", records.rank) for records in RECORD_SOURCES.values()}
    assert {name: text for name, text in words.items() if text} == {
        "webpage": "a web page",
        "feed": "a feed",
        "broadsheet": "another Broadsheet’s list",
        "huggingface": "Hugging Face’s list",
        "import": "an imported file",
        "oai": "a repository’s record",
        "openalex": "OpenAlex",
    }


@pytest.mark.parametrize(
    ("kind", "chosen", "fields"),
    [
        ("arxiv_rss", SourceSettings(), {"categories"}),
        ("arxiv_rss", SourceSettings(categories=("cs.CL",), lists="all"), set()),
        ("arxiv_oai", SourceSettings(lists="all"), {"categories", "lists"}),
        ("arxiv_oai", SourceSettings(categories=("cs.CL",)), set()),
        ("arxiv_api", SourceSettings(), {"query"}),
        ("arxiv_api", SourceSettings(categories=("cs.CL",)), set()),
        ("arxiv_api", SourceSettings(query="ti:agents"), set()),
        ("feed", SourceSettings(), {"base_url"}),
        ("feed", SourceSettings(base_url="https://blog.example/feed"), set()),
        ("huggingface", SourceSettings(), set()),
        ("biorxiv", SourceSettings(), set()),
        ("medrxiv", SourceSettings(query="alchemy"), {"query"}),
        ("crossref", SourceSettings(), {"query"}),
        ("oai", SourceSettings(), {"base_url"}),
        ("openalex", SourceSettings(), {"query"}),
        ("openalex", SourceSettings(query="primary_topic.id:T10028"), set()),
    ],
)
def test_a_kind_says_which_settings_it_lacks(kind: str, chosen: SourceSettings, fields: set[str]) -> None:
    assert set(ADAPTERS[kind].problems(chosen)) == fields
