"""Which records and stored papers are one paper."""

from __future__ import annotations

from typing import Any

from papers.services.ingest.clean_record import CleanPaper, clean_record
from papers.services.ingest.resolver import resolve_papers
from tests.support import factories

DOI = ("doi", "10.1000/a")


def record(source: str = "arxiv_oai_raw", **fields: Any) -> CleanPaper:
    return clean_record(factories.raw_paper(source, **fields))


def test_records_of_one_arxiv_id_are_one_paper():
    targets = resolve_papers([record(arxiv_id="2603.00001v1"), record(arxiv_id="2603.00001v2")], {})
    assert [len(target.records) for target in targets] == [2]


def test_same_title_alone_is_never_the_same_paper():
    title = 'Discussion of: "A statistical analysis of multiple temperature proxies"'
    targets = resolve_papers([record(arxiv_id="1104.4195", title=title), record(arxiv_id="1105.0524", title=title)], {})
    assert len(targets) == 2


def test_doi_brings_sources_together_in_any_order():
    arxiv, feed = record(arxiv_id="2603.00001", doi="10.1000/a"), record("doi", doi="10.1000/A")
    for records in ([arxiv, feed], [feed, arxiv]):
        (target,) = resolve_papers(records, {})
        assert target.arxiv_id == "2603.00001"
        assert target.names == {("arxiv", "2603.00001"), DOI}


def test_two_arxiv_ids_are_never_one_paper_whatever_they_share():
    first, second = record(arxiv_id="gr-qc/9301002", doi="10.1000/a"), record(arxiv_id="gr-qc/9402024", doi="10.1000/a")
    targets = resolve_papers([first, second], {})
    assert [target.names for target in targets] == [{("arxiv", "gr-qc/9301002"), DOI}, {("arxiv", "gr-qc/9402024")}]


def test_doi_of_two_arxiv_papers_leads_to_the_one_that_had_it_first():
    stored = {1: [("arxiv", "gr-qc/9402024")], 2: [("arxiv", "gr-qc/9301002"), DOI]}
    (target,) = resolve_papers([record("doi", doi="10.1000/a")], stored)
    assert (target.paper_id, target.absorbed) == (2, [])


def test_stored_paper_without_arxiv_id_gains_it():
    (target,) = resolve_papers([record(arxiv_id="2603.00001", doi="10.1000/a")], {7: [DOI]})
    assert (target.paper_id, target.new_names, target.absorbed) == (7, [("arxiv", "2603.00001")], [])


def test_feed_paper_is_absorbed_once_the_arxiv_paper_has_its_doi():
    stored = {7: [DOI, ("url", "https://a.example.org/")], 9: [("arxiv", "2603.00001")]}
    (target,) = resolve_papers([record(arxiv_id="2603.00001", doi="10.1000/a")], stored)
    assert (target.paper_id, target.absorbed) == (9, [7])


def test_paper_with_two_dois_brings_their_papers_together():
    stored = {7: [DOI], 8: [("doi", "10.1000/b")]}
    (target,) = resolve_papers([record("doi", doi="10.1000/a 10.1000/b")], stored)
    assert (target.paper_id, target.absorbed) == (7, [8])


def test_better_names_decide_before_addresses():
    url = ("url", "https://a.example.org/")
    (target,) = resolve_papers([record("doi", doi="10.1000/a", identifiers=(url,))], {7: [url], 8: [DOI]})
    assert (target.paper_id, target.absorbed) == (8, [])


def test_address_finds_a_paper_where_nothing_contradicts_it():
    url = ("url", "https://a.example.org/")
    (target,) = resolve_papers([record("feed", doi="10.1000/a", identifiers=(url,))], {7: [url]})
    assert target.paper_id == 7
    (target,) = resolve_papers([record("feed", doi="10.1000/a", identifiers=(url,))], {7: [url, ("doi", "10.1000/b")]})
    assert target.paper_id is None


def test_entries_of_a_feed_with_one_address_for_all_stay_apart_and_are_found_again():
    def entry(guid: str) -> CleanPaper:
        return record("feed", identifiers=(("url", guid), ("url", "https://a.example.org/")))

    first, second = resolve_papers([entry("tag:a:1"), entry("tag:a:2")], {})
    assert len(first.records) == len(second.records) == 1
    stored = {1: list(first.names), 2: list(second.names)}
    assert [target.paper_id for target in resolve_papers([entry("tag:a:2"), entry("tag:a:1")], stored)] == [2, 1]


def test_entry_whose_address_moved_is_known_by_its_guid():
    stored = {1: [("url", "tag:a:1"), ("url", "https://old.example.org/")]}
    moved = record("feed", identifiers=(("url", "tag:a:1"), ("url", "https://new.example.org/")))
    (target,) = resolve_papers([moved], stored)
    assert (target.paper_id, target.new_names) == (1, [("url", "https://new.example.org/")])
