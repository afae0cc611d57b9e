"""Several writers at once: they neither wait in a circle nor store a paper twice, also when they have the same ones."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from django.db import connection, connections, transaction

from papers.models import Edition, Identifier, Listing, Paper, PaperCategory
from papers.services.ingest import tables
from papers.services.ingest.paper_store import store_papers
from papers.services.reading.votes import set_vote
from papers.sources.base import ExternalCounts, RawPaper
from tests.support import factories

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 30
T = TypeVar("T")


def at_once(*works: Callable[[], object]) -> None:
    """Run functions in threads, each with a connection of its own, and raise what one of them raised."""
    start = threading.Barrier(len(works))
    errors: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            start.wait(SECONDS)
            work()
        except BaseException as error:  # noqa: BLE001  handed to the test
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert not any(thread.is_alive() for thread in threads), "They wait for each other."
    if errors:
        raise errors[0]


def raws(version: int = 1) -> list[RawPaper]:
    """Forty papers known by two names each, some of which a journal's feed has too."""
    papers = [
        factories.listed_raw_paper(
            arxiv_id=f"2603.{number:05}", version=version, doi=f"10.1000/{number}", position=number
        )
        for number in range(1, 41)
    ]
    papers += [factories.raw_paper("doi", doi=f"10.1000/{number}", categories=("cs.CL",)) for number in range(1, 41, 3)]
    return papers


def shuffled(seed: int, records: Iterable[T]) -> list[T]:
    records = list(records)
    random.Random(seed).shuffle(records)
    return records


def test_writers_with_the_same_papers_in_any_order_store_each_once():
    source = factories.source()

    def writer(seed: int) -> Callable[[], None]:
        def work() -> None:
            records = shuffled(seed, raws())
            for at in range(0, len(records), 9):
                store_papers(records[at : at + 9], now=factories.NOW, kind="arxiv_rss", source=source)

        return work

    at_once(*(writer(seed) for seed in range(4)))
    assert Paper.objects.count() == 40
    assert Identifier.objects.count() == 80
    assert PaperCategory.objects.count() == 80
    assert Listing.objects.count() == Edition.objects.get().listed_count == 40
    assert not Paper.objects.filter(public_id__startswith="doi/").exists()


def test_writers_of_old_and_new_versions_end_with_the_new_ones():
    store_papers(raws(), now=factories.NOW, kind="arxiv_rss")

    def writer(seed: int, version: int) -> Callable[[], None]:
        def work() -> None:
            for raw in shuffled(seed, raws(version)):
                store_papers([raw], now=factories.NOW + timedelta(minutes=1), kind="arxiv_rss")

        return work

    at_once(writer(1, 2), writer(2, 3), writer(3, 1))
    assert set(Paper.objects.values_list("version", flat=True)) == {3}
    assert Paper.objects.count() == 40


def test_two_arxiv_papers_of_one_doi_never_become_one_also_at_once():
    for number in range(1, 11):
        store_papers([factories.raw_paper("doi", doi=f"10.1000/{number}")], now=factories.NOW, kind="doi")

    def writer(prefix: str) -> Callable[[], None]:
        def work() -> None:
            for number in range(1, 11):
                raw = factories.raw_paper(arxiv_id=f"{prefix}.{number:05}", doi=f"10.1000/{number}")
                store_papers([raw], now=factories.NOW, kind="arxiv_oai")

        return work

    at_once(writer("2601"), writer("2602"))
    assert Paper.objects.count() == 20
    owners = Identifier.objects.filter(scheme="arxiv").values_list("value", "paper__public_id")
    assert all(value == public_id for value, public_id in owners)


def test_votes_at_the_same_time_are_counted_on_paper_and_listing():
    source = factories.source("huggingface")
    papers = [f"2603.{number:05}" for number in range(1, 11)]
    store_papers(
        [factories.raw_paper("huggingface", arxiv_id=value) for value in papers], now=factories.NOW, kind="huggingface"
    )
    ids = list(Paper.objects.order_by("public_id").values_list("pk", flat=True))
    readers = [factories.user() for _ in range(5)]

    def vote():
        for reader in readers:
            for paper_id in ids:
                set_vote(user=reader, paper_id=paper_id, on=True)

    def list_them():
        for votes in (3, 4, 5):
            records = [
                factories.listed_raw_paper(
                    source="huggingface", kind="daily", arxiv_id=value, external_counts=ExternalCounts(votes=votes)
                )
                for value in shuffled(votes, papers)
            ]
            store_papers(records, now=factories.NOW, kind="huggingface", source=source)

    at_once(vote, list_them)
    assert set(Paper.objects.values_list("vote_count", flat=True)) == {5}
    assert set(Listing.objects.values_list("vote_count", "source_votes")) == {(5, 5)}


def test_writer_that_finds_others_first_starts_over_and_updates(monkeypatch):
    """Stopped between looking a paper up and claiming its name, while somebody else stores it."""
    real = tables.claim_identifiers
    stored = threading.Event()

    def claim(cursor, names):
        if not stored.is_set():
            stored.set()
            at_once(
                lambda: store_papers(
                    [factories.raw_paper(arxiv_id="2603.00001", version=1)], now=factories.NOW, kind="a"
                )
            )
        return real(cursor, names)

    monkeypatch.setattr(tables, "claim_identifiers", claim)
    mine = store_papers(
        [factories.raw_paper(arxiv_id="2603.00001", version=2, title="Newer")], now=factories.NOW, kind="a"
    )
    assert (mine.new, mine.updated) == (0, 1)
    assert Paper.objects.get().title == "Newer"


def test_writer_that_is_killed_leaves_nothing_and_its_successor_ends_the_same(monkeypatch):
    class Killed(BaseException):
        pass

    def statements(limit: int) -> Callable[..., Any]:
        seen = 0

        def wrapper(execute, sql, params, many, context):
            nonlocal seen
            seen += 1
            if seen > limit:
                raise Killed
            return execute(sql, params, many, context)

        return wrapper

    source = factories.source()
    for limit in range(100):
        try:
            with connection.execute_wrapper(statements(limit)):
                store_papers(raws(), now=factories.NOW, kind="arxiv_rss", source=source)
            break
        except Killed:
            assert not Paper.objects.exists()
            assert not Identifier.objects.exists()
            assert not Edition.objects.exists()
    assert limit > 10
    assert Listing.objects.count() == Paper.objects.count() == 40


def test_caller_that_undoes_its_transaction_undoes_it_all():
    with transaction.atomic():
        store_papers(raws(), now=factories.NOW, kind="arxiv_rss", source=factories.source())
        transaction.set_rollback(True)
    assert not Paper.objects.exists()
    assert not Edition.objects.exists()
