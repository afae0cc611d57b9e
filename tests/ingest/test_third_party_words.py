"""What feeds, lists and files say of a paper that an arXiv id or a DOI names, and how its own record is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from papers.citations.registry import CITATION_FORMATS, format_papers
from papers.locks import AdvisoryLock
from papers.models import FormerAddress, Identifier, Listing, Paper, Vote, WantedRecord
from papers.services.fetching.wanted_records import MAX_ATTEMPTS, fetch_wanted_records, is_record_due
from papers.services.ingest.paper_merge import move_related_rows
from papers.services.ingest.paper_store import store_papers
from papers.services.lists.rows import read_list_rows
from papers.services.operations import scheduler
from papers.sources.base import RawListing, RawPaper
from papers.sources.feed import parse_feed_entries
from papers.web.cards import render_cards
from tests.support import factories
from tests.support.factories import NOW
from tests.support.fake_upstream import TODAY as LAST_DAY
from tests.support.fake_upstream import Behaviour, FakeUpstream, fake_upstream, make_catalogue, weekdays
from tests.support.fetch_runs import ask_upstream, disable_rate_limits
from tests.support.locks import held_elsewhere

pytestmark = pytest.mark.django_db(transaction=True)

URL = "https://links.example/feed"
RANT = "A long rant about arithmetic."
# What must never be said under the paper's own name.
THEIRS = ("I do not believe", "Chiara Holm", RANT)


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    disable_rate_limits(monkeypatch)


@pytest.fixture
def upstream(settings: Any) -> Iterator[FakeUpstream]:
    with fake_upstream(make_catalogue(weekdays(LAST_DAY, 2), 5)) as running:
        ask_upstream(settings, running)
        yield running


def arxiv_ids(upstream: FakeUpstream) -> list[str]:
    return sorted(upstream.catalogue.new_ids(LAST_DAY, ["cs.CL", "cs.LG", "cs.CV", "stat.ML"]))


def entry(links: str, *, number: int = 17, more: str = "") -> RawPaper:
    """An entry of a link blog, as its feed is read."""
    body = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/">'
        f"<title>Links</title><entry><id>tag:links.example,2026:{number}</id>"
        "<title>I do not believe this result</title><author><name>Chiara Holm</name></author>"
        f"{links}{more}<published>2026-03-04T08:00:00Z</published><content>{RANT}</content></entry></feed>"
    )
    [paper] = parse_feed_entries(body.encode(), url=URL).papers
    return paper


def about(value: str, **options: Any) -> RawPaper:
    """One whose own address is the paper's page at arXiv."""
    return entry(f'<link href="https://arxiv.org/abs/{value}"/>', **options)


def read_feed(*raws: RawPaper, now: Any = NOW) -> None:
    source = factories.source("feed") if not Listing.objects.exists() else None
    store_papers(raws, now=now, kind="feed", source=source)


def arxiv_record(value: str, **fields: Any) -> RawPaper:
    return factories.raw_paper(arxiv_id=value, title="The paper itself", abstract="What it shows.", **fields)


def says_theirs(paper: Paper) -> bool:
    said = f"{paper.title} {paper.abstract} {paper.authors} {paper.title_raw} {paper.abstract_raw}"
    return any(words in said for words in THEIRS)


def card_of(paper: Paper) -> str:
    rows = read_list_rows(Paper.objects.filter(pk=paper.pk), ("listed_at", "pk"))
    return render_cards(rows, viewer=None, this_year=2026)


class TestFeeds:
    @pytest.mark.parametrize(
        "links",
        [
            '<link href="https://links.example/17"/><link rel="related" href="https://arxiv.org/abs/2503.11685"/>',
            '<link href="https://links.example/17"/><link rel="via" href="https://arxiv.org/abs/2503.11685"/>',
            '<link href="https://links.example/roundup?from=2503.11685"/>',
            '<link href="https://arxiv.org.evil.example/abs/2503.11685"/>',
            '<link href="https://links.example/https://arxiv.org/abs/2503.11685"/>',
        ],
    )
    def test_an_entry_that_speaks_of_a_paper_is_a_paper_of_its_own(self, links: str) -> None:
        read_feed(entry(links))
        [paper] = Paper.objects.all()
        assert paper.public_id.startswith("p-")
        assert paper.title == "I do not believe this result"
        assert not WantedRecord.objects.exists()
        store_papers([arxiv_record("2503.11685")], now=NOW, kind="arxiv_oai")
        assert Paper.objects.count() == 2

    def test_nothing_is_shown_or_listed_under_an_id_that_only_a_feed_gives(self) -> None:
        read_feed(about("2503.11685"))
        [paper] = Paper.objects.all()
        assert paper.public_id.startswith("p-")
        assert Listing.objects.get().paper == paper, "the entry, under its own name"
        assert not Identifier.objects.exclude(scheme="url").exists()
        assert (paper.doi, paper.version, paper.words_note) == ("", None, "")
        assert "arXiv" not in "".join(format_papers([paper], "bib"))
        wanted = WantedRecord.objects.get()
        assert (wanted.scheme, wanted.value, wanted.paper) == ("arxiv", "2503.11685", paper)

    @pytest.mark.parametrize("is_first", [True, False])
    def test_the_entry_adds_nothing_to_the_words_of_the_record(self, is_first: bool) -> None:
        record = arxiv_record("2503.11685", comment="5 pages", authors=("Ada Lovelace",))
        if is_first:
            store_papers([record], now=NOW, kind="arxiv_oai")
        read_feed(about("2503.11685"), now=NOW)
        if not is_first:
            store_papers([record], now=NOW + timedelta(hours=1), kind="arxiv_oai")
        [paper] = Paper.objects.all()
        assert (paper.public_id, paper.title, paper.abstract) == ("2503.11685", "The paper itself", "What it shows.")
        assert paper.authors == [{"name": "Ada Lovelace"}]
        assert not says_theirs(paper)
        assert Listing.objects.get().paper == paper
        assert not WantedRecord.objects.exists()
        read_feed(about("2503.11685"), now=NOW + timedelta(days=1))
        assert Paper.objects.get().changed_at == paper.changed_at, "the next visit changes nothing"

    def test_words_that_the_record_has_not_are_not_the_feeds_either(self) -> None:
        read_feed(replace(about("2503.11685"), arxiv_id=None, doi="10.5555/ice"))
        store_papers(
            [factories.raw_paper("doi", doi="10.5555/ice", title="Ice", abstract=None, authors=None, categories=None)],
            now=NOW,
            kind="doi",
        )
        [paper] = Paper.objects.all()
        assert (paper.public_id, paper.title, paper.abstract, paper.authors) == ("doi/10.5555/ice", "Ice", "", [])

    def test_what_hung_on_the_entry_goes_over_to_the_paper(self) -> None:
        read_feed(about("2503.11685"))
        store_papers([arxiv_record("2601.00001", doi="10.5555/x")], now=NOW, kind="arxiv_oai")
        [one] = Paper.objects.filter(public_id__startswith="p-")
        factories.vote(one)
        read_feed(about("2503.11685", number=18))
        assert Paper.objects.filter(public_id__startswith="p-").count() == 2
        store_papers([arxiv_record("2503.11685")], now=NOW, kind="arxiv_oai")
        paper = Paper.objects.get(public_id="2503.11685")
        assert Paper.objects.count() == 2
        assert Vote.objects.get().paper == paper
        assert FormerAddress.objects.filter(public_id=one.public_id, paper=paper).exists()

    def test_a_claim_binds_no_doi_to_an_arxiv_paper(self) -> None:
        store_papers([arxiv_record("2503.11685")], now=NOW, kind="arxiv_oai")
        read_feed(replace(about("2503.11685"), doi="10.5555/of-another"))
        assert not Identifier.objects.filter(scheme="doi").exists()

    def test_a_feed_that_says_the_same_address_does_not_get_hold_of_a_paper(self) -> None:
        """An address is a weak name, by which a feed may find a paper that a file brought."""
        shared = ("url", "https://links.example/17")
        file = factories.raw_paper("import", arxiv_id="2503.11685", title="By the file", identifiers=(shared,))
        store_papers([file], now=NOW, kind="import")
        read_feed(replace(entry(""), identifiers=(shared,), url=shared[1]))
        assert Paper.objects.get(public_id="2503.11685").title == "By the file"

    def test_an_entry_that_points_elsewhere_now_waits_for_that(self) -> None:
        read_feed(about("2503.11685"))
        WantedRecord.objects.update(attempts=5, next_attempt_at=None)
        read_feed(about("2503.11692"))
        wanted = WantedRecord.objects.get()
        assert (wanted.value, wanted.attempts, wanted.next_attempt_at) == ("2503.11692", 0, NOW)

    def test_a_merged_entry_waits_no_more(self) -> None:
        read_feed(about("2503.11685"))
        kept = factories.paper()
        move_related_rows({Paper.objects.get(public_id__startswith="p-").pk: kept.pk})
        assert not WantedRecord.objects.exists()


class TestOtherThirdParties:
    @pytest.mark.parametrize(
        ("source", "note"),
        [
            ("huggingface", "Text from Hugging Face’s list; arXiv’s record has been requested"),
            ("import", "Text from an imported file; arXiv’s record has been requested"),
            ("webpage", "Text from a web page; arXiv’s record has been requested"),
        ],
    )
    def test_their_words_stand_marked_until_the_record_is_there(self, source: str, note: str, client: Any) -> None:
        store_papers([factories.raw_paper(source, arxiv_id="2503.11685", title="As they say")], now=NOW, kind=source)
        paper = Paper.objects.get()
        assert (paper.title, paper.words_note) == ("As they say", note)
        assert note in card_of(paper)
        assert WantedRecord.objects.get().value == "2503.11685"
        later = NOW + timedelta(hours=1)
        store_papers([arxiv_record("2503.11685")], now=later, kind="arxiv_oai")
        paper.refresh_from_db()
        assert (paper.title, paper.words_note, paper.changed_at) == ("The paper itself", "", later)
        assert "Text from" not in card_of(paper)
        assert not WantedRecord.objects.exists()

    def test_a_doi_is_named_as_such(self) -> None:
        store_papers([factories.raw_paper("import", doi="10.5555/ice")], now=NOW, kind="import")
        assert Paper.objects.get().words_note == "Text from an imported file; the DOI’s record has been requested"

    def test_no_version_lets_a_file_replace_the_words_of_the_record(self) -> None:
        store_papers([arxiv_record("2503.11685v2")], now=NOW, kind="arxiv_oai")
        file = factories.raw_paper(
            "import", arxiv_id="2503.11685v9", title="Taken over", abstract="Theirs", authors=("Mallory",)
        )
        store_papers([file], now=NOW, kind="import")
        paper = Paper.objects.get()
        assert (paper.title, paper.abstract, paper.version) == ("The paper itself", "What it shows.", 2)
        assert "Mallory" not in str(paper.authors)

    def test_a_card_of_the_same_words_by_another_is_a_new_card(self) -> None:
        store_papers([factories.raw_paper("import", arxiv_id="2503.11685")], now=NOW, kind="import")
        later = NOW + timedelta(hours=1)
        store_papers([factories.raw_paper("huggingface", arxiv_id="2503.11685")], now=later, kind="huggingface")
        assert Paper.objects.get().changed_at == later

    @pytest.mark.parametrize("name", sorted(set(CITATION_FORMATS) - {"csv"}))
    def test_exports_say_whose_words_they_are(self, name: str) -> None:
        store_papers([factories.raw_paper("huggingface", arxiv_id="2503.11685")], now=NOW, kind="huggingface")
        assert "not by arXiv" in "".join(format_papers(Paper.objects.all(), name)).replace("\\", "")
        store_papers([arxiv_record("2503.11685")], now=NOW, kind="arxiv_oai")
        assert "not by arXiv" not in "".join(format_papers(Paper.objects.all(), name))

    def test_its_page_says_so_and_gives_no_tags_with_the_id(self, client: Any) -> None:
        store_papers([factories.raw_paper("huggingface", arxiv_id="2503.11685")], now=NOW, kind="huggingface")
        page = client.get("/papers/2503.11685").content.decode()
        assert "Text from Hugging Face’s list" in page
        assert "citation_arxiv_id" not in page
        store_papers([arxiv_record("2503.11685")], now=NOW, kind="arxiv_oai")
        page = client.get("/papers/2503.11685").content.decode()
        assert "Text from" not in page
        assert "citation_arxiv_id" in page

    def test_the_sample_and_own_records_wait_for_nothing(self) -> None:
        store_papers([factories.raw_paper("sample", arxiv_id="2503.11685")], now=NOW, kind="sample")
        store_papers(
            [arxiv_record("2503.11692"), factories.raw_paper("doi", doi="10.5555/a")], now=NOW, kind="arxiv_oai"
        )
        assert not WantedRecord.objects.exists()
        assert not any(paper.words_note for paper in Paper.objects.all())


class TestFetching:
    def test_records_come_from_arxiv_and_take_the_entries_in(self, upstream: FakeUpstream) -> None:
        ids = arxiv_ids(upstream)[:3]
        read_feed(about(ids[0]), about(ids[1], number=18))
        listed = RawListing(NOW.date(), "daily", 1)
        store_papers(
            [factories.raw_paper("huggingface", arxiv_id=ids[2], listed_on=listed)], now=NOW, kind="huggingface"
        )
        assert fetch_wanted_records(now=NOW) == 3
        assert not WantedRecord.objects.exists()
        papers = {paper.public_id: paper for paper in Paper.objects.all()}
        assert sorted(papers) == ids
        for value, paper in papers.items():
            assert paper.title == upstream.catalogue.papers[value].versions[-1].title
            assert not paper.words_note
            assert not says_theirs(paper)
        assert len(upstream.log("/api")) == 1, "all in one request"
        assert fetch_wanted_records(now=NOW) == 0

    def test_one_alone_comes_from_the_archive(self, upstream: FakeUpstream) -> None:
        [value] = arxiv_ids(upstream)[:1]
        read_feed(about(value))
        assert fetch_wanted_records(now=NOW) == 1
        assert Paper.objects.get().public_id == value
        assert not upstream.log("/api")

    def test_a_doi_comes_from_its_registry(self, upstream: FakeUpstream) -> None:
        read_feed(entry('<link href="https://links.example/17"/>', more="<prism:doi>10.1000/ICE</prism:doi>"))
        assert Paper.objects.get().public_id.startswith("p-")
        assert fetch_wanted_records(now=NOW) == 1
        paper = Paper.objects.get()
        assert (paper.public_id, paper.title, paper.abstract) == (
            "doi/10.1000/ice",
            "Ice that sings",
            "It sings at -4 °C.",
        )
        assert not WantedRecord.objects.exists()

    def test_the_tick_finds_what_is_wanted_in_the_database(self, upstream: FakeUpstream) -> None:
        assert not is_record_due(now=NOW)
        read_feed(about(arxiv_ids(upstream)[0]))
        assert scheduler.collect_due_work(now=NOW).records

    def test_what_arxiv_does_not_know_is_asked_for_less_and_less_and_then_no_more(self, upstream: FakeUpstream) -> None:
        read_feed(about("2503.11685"))
        now = NOW
        for _ in range(MAX_ATTEMPTS):
            assert fetch_wanted_records(now=now) == 0
            assert fetch_wanted_records(now=now + timedelta(hours=23)) == 0
            now += timedelta(days=1)
        wanted = WantedRecord.objects.get()
        assert (wanted.attempts, wanted.next_attempt_at) == (MAX_ATTEMPTS, None)
        assert "no such paper" in wanted.reason
        assert Paper.objects.get().title == "I do not believe this result", "the entry stands for itself"
        read_feed(about("2503.11685"), now=now)
        assert not is_record_due(now=now + timedelta(days=99))

    def test_a_failure_that_passes_is_tried_again_soon(self, upstream: FakeUpstream) -> None:
        upstream.script("/oai", Behaviour(status=500, times=9))
        upstream.script("/api", Behaviour(status=500, times=9))
        read_feed(about(arxiv_ids(upstream)[0]))
        assert fetch_wanted_records(now=NOW) == 0
        assert WantedRecord.objects.get().next_attempt_at == NOW + timedelta(seconds=30)
        upstream.clear_script()
        assert fetch_wanted_records(now=NOW + timedelta(seconds=31)) == 1

    def test_a_worker_that_was_killed_leaves_its_work_to_the_next(self, upstream: FakeUpstream) -> None:
        read_feed(about(arxiv_ids(upstream)[0]))

        class Killed(BaseException):
            pass

        def make_client() -> Any:
            raise Killed

        with pytest.raises(Killed):
            fetch_wanted_records(now=NOW, make_client=make_client)
        with held_elsewhere(AdvisoryLock.WANTED_RECORDS):
            assert fetch_wanted_records(now=NOW) == 0, "somebody is still at it"
        assert fetch_wanted_records(now=NOW) == 1

    def test_a_record_that_came_unseen_by_the_entry_still_takes_it_in(self, upstream: FakeUpstream) -> None:
        """Two writers at once: neither sees the other's paper."""
        [value] = arxiv_ids(upstream)[:1]
        read_feed(about(value))
        waiting = Paper.objects.get()
        WantedRecord.objects.all().delete()
        store_papers([arxiv_record(value)], now=NOW, kind="arxiv_oai")
        WantedRecord.objects.create(paper=waiting, scheme="arxiv", value=value, next_attempt_at=NOW)
        assert fetch_wanted_records(now=NOW) == 1
        assert Paper.objects.get().public_id == value
