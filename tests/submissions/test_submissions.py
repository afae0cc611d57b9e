"""Readers submit papers: what is fetched from where, where it goes, and what is said when it does not work."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, transaction

from papers import tasks
from papers.catalogue.paper_ref import InvalidReferenceError
from papers.locks import AdvisoryLock
from papers.models import CurationEvent, Edition, HostSlot, LibraryItem, Listing, Paper, Submission, TaggedPaper, User
from papers.outbound.errors import NetworkError
from papers.outbound.request import FetchRequest, FetchResponse
from papers.services.curation.audit_log import Actor
from papers.services.curation.review_papers import accept_submission, reject_submission
from papers.services.fetching import paper_lookup
from papers.services.operations.scheduler import collect_due_work
from papers.services.submissions.intake import preview_submission, retry_submission, submit
from papers.services.submissions.submission_fetcher import MAX_CLAIMS, fetch_submission
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.fake_upstream import TODAY as LAST_DAY
from tests.support.fake_upstream import Behaviour, FakeUpstream, fake_upstream, make_catalogue, weekdays
from tests.support.fetch_runs import ask_upstream, disable_rate_limits
from tests.support.locks import held_elsewhere
from tests.support.people import curator, reader, staff

pytestmark = pytest.mark.django_db(transaction=True)
State = Submission.State


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    disable_rate_limits(monkeypatch)
    monkeypatch.setattr("papers.enqueue.current_app.send_task", lambda task, args: None)


@pytest.fixture
def upstream(settings: Any) -> Iterator[FakeUpstream]:
    with fake_upstream(make_catalogue(weekdays(LAST_DAY, 2), 5)) as running:
        ask_upstream(settings, running)
        yield running


@pytest.fixture
def rita() -> User:
    return reader()


def done(text: str, by: User, **options: Any) -> Submission:
    """Submitted, and looked after by a worker."""
    taken = submit(user=by, text=text, now=NOW, **options).submission
    assert taken is not None
    fetch_submission(taken.pk, now=NOW)
    taken.refresh_from_db()
    return taken


def arxiv_id(upstream: FakeUpstream) -> str:
    return next(iter(upstream.catalogue.new_ids(LAST_DAY, ["cs.CL", "cs.LG", "cs.CV", "stat.ML"])))


class TestWhatIsFetched:
    def test_an_arxiv_id(self, upstream: FakeUpstream, rita: User) -> None:
        value = arxiv_id(upstream)
        taken = done(f"https://arxiv.org/pdf/{value}v1.pdf", rita)
        assert (taken.state, taken.paper and taken.paper.public_id) == (State.ACCEPTED, value)
        listing = Listing.objects.get()
        assert (listing.day, listing.by, listing.user, listing.paper) == (TODAY, "submission", rita, taken.paper)
        assert Edition.objects.get().listed_count == 1
        assert not upstream.log("/api"), "the archive was asked, and its search not"

    def test_the_search_is_asked_where_the_archive_does_not_answer(self, upstream: FakeUpstream, rita: User) -> None:
        upstream.script("/oai", Behaviour(error="idDoesNotExist"))
        assert done(arxiv_id(upstream), rita).state == State.ACCEPTED

    def test_a_doi(self, upstream: FakeUpstream, rita: User) -> None:
        paper = done("https://doi.org/10.1000/ICE", rita).paper
        assert paper is not None
        assert (paper.public_id, paper.title) == ("doi/10.1000/ice", "Ice that sings")
        assert paper.abstract == "It sings at -4 °C."
        assert [author["name"] for author in paper.authors] == ["Inga Frost", "The Ice Collaboration"]
        asked = upstream.log("/doi")[0].headers
        assert asked["accept"].startswith("application/vnd.citationstyles.csl+json")
        assert "mailto:" in asked["user-agent"]

    def test_a_doi_with_signs(self, upstream: FakeUpstream, rita: User) -> None:
        paper = done("10.1002/(SICI)10<1::AID>3.0.CO;2-2", rita).paper
        assert paper is not None
        assert paper.title == "An old article"

    def test_a_doi_of_a_registry_without_records(self, upstream: FakeUpstream, rita: User) -> None:
        paper = done("10.1000/page-only", rita).paper
        assert paper is not None
        assert (paper.public_id, paper.title) == ("doi/10.1000/page-only", "Snow that hums")

    def test_a_page(self, upstream: FakeUpstream, rita: User) -> None:
        address = f"{upstream.url}/pages/snow"
        paper = done(address, rita).paper
        assert paper is not None
        assert paper.title == "Snow that hums"
        assert paper.public_id.startswith("p-")
        assert preview_submission(user=rita, text=address).paper == paper

    def test_a_page_that_names_a_doi_is_taken_at_the_doi(self, upstream: FakeUpstream, rita: User) -> None:
        address = f"{upstream.url}/pages/ice"
        paper = done(address, rita).paper
        assert paper is not None
        assert (paper.public_id, paper.title) == ("doi/10.1000/ice", "Ice that sings")
        assert preview_submission(user=rita, text=address).paper == paper, "and known by that page from now on"

    def test_a_doi_in_an_address_saves_asking_the_page(self, upstream: FakeUpstream, rita: User) -> None:
        paper = done(f"{upstream.url}/pages/doi/10.1000/ice/full", rita).paper
        assert paper is not None
        assert paper.title == "Ice that sings"
        assert not upstream.log("/pages")

    def test_a_page_cannot_speak_for_another_paper(self, upstream: FakeUpstream, rita: User) -> None:
        known = factories.paper(public_id="doi/10.1000/nobody", title="The real one", record_rank=20)
        other = factories.paper(public_id="2603.99999", title="Another real one", record_rank=20)
        taken = done(f"{upstream.url}/pages/liar", rita)
        assert taken.paper not in (known, other, None)
        for paper in (known, other):
            title = paper.title
            paper.refresh_from_db()
            assert paper.title == title

    def test_a_paper_of_the_sample_becomes_real(self, upstream: FakeUpstream, rita: User) -> None:
        value = arxiv_id(upstream)
        factories.paper(public_id=value, is_sample=True, record_rank=0)
        taken = done(value, rita)
        assert taken.paper is not None
        assert not taken.paper.is_sample


class TestWhatIsHere:
    def test_a_paper_on_an_edition_needs_nothing(self, rita: User) -> None:
        paper = factories.paper(public_id="2603.50001")
        with transaction.atomic():
            factories.listing(paper)
        shown = preview_submission(user=rita, text="arxiv.org/abs/2603.50001v2")
        assert (shown.paper, shown.day) == (paper, TODAY)
        taken = submit(user=rita, text="2603.50001", now=NOW)
        assert (taken.submission, taken.paper) == (None, paper)
        assert not Submission.objects.exists()

    def test_a_paper_on_none_goes_there_at_once(self, rita: User) -> None:
        paper = factories.paper(public_id="2603.50001", vote_count=3)
        taken = submit(user=rita, text="2603.50001", now=NOW).submission
        assert taken is not None
        assert taken.state == State.ACCEPTED
        assert (Listing.objects.get().paper, Listing.objects.get().vote_count) == (paper, 3)

    def test_only_fetching_lists_nothing(self, rita: User, upstream: FakeUpstream) -> None:
        assert done(arxiv_id(upstream), rita, is_for_edition=False).state == State.ACCEPTED
        assert not Listing.objects.exists()

    def test_one_that_a_curator_hid_is_not_told_of(self, rita: User) -> None:
        factories.paper(public_id="2603.50001", hidden_at=NOW)
        assert preview_submission(user=rita, text="2603.50001").paper is None
        with pytest.raises(InvalidReferenceError, match="curator"):
            submit(user=rita, text="2603.50001", now=NOW)

    def test_saved_and_tagged_in_the_same_step(self, rita: User, upstream: FakeUpstream) -> None:
        taken = done("10.1000/ice", rita, saves_to_library=True, tags=["ice", "To read"])
        assert LibraryItem.objects.get(user=rita).paper == taken.paper
        assert sorted(TaggedPaper.objects.values_list("tag__name", flat=True)) == ["To read", "ice"]

    def test_what_was_read_is_not_put_back(self, rita: User) -> None:
        paper = factories.paper(public_id="2603.50001")
        with transaction.atomic():
            factories.listing(paper)
        LibraryItem.objects.create(user=rita, paper=paper, state="read")
        submit(user=rita, text="2603.50001", now=NOW, saves_to_library=True)
        assert LibraryItem.objects.get().state == "read"


class TestTheQueue:
    @pytest.fixture(autouse=True)
    def _queue(self, settings: Any) -> None:
        settings.SUBMISSIONS = "queue"

    def test_a_curator_accepts(self, rita: User, upstream: FakeUpstream) -> None:
        taken, carl = done("10.1000/ice", rita), curator()
        assert taken.state == State.WAITING
        assert not Listing.objects.exists()
        assert accept_submission(submission_id=taken.pk, actor=Actor(carl, NOW))
        assert not accept_submission(submission_id=taken.pk, actor=Actor(carl, NOW))
        assert Listing.objects.get().user == rita
        event = CurationEvent.objects.get()
        assert (event.actor, event.action, event.paper) == (carl, "submission-accepted", taken.paper)

    def test_a_curator_rejects_with_a_reason(self, rita: User, upstream: FakeUpstream) -> None:
        taken = done("10.1000/ice", rita)
        assert reject_submission(submission_id=taken.pk, actor=Actor(curator(), NOW, reason="Not our field."))
        taken.refresh_from_db()
        assert (taken.state, taken.reason) == (State.REJECTED, "Not our field.")
        assert not Listing.objects.exists()

    def test_a_curators_own_needs_no_other(self, upstream: FakeUpstream) -> None:
        assert done("10.1000/ice", curator()).state == State.ACCEPTED

    def test_but_not_in_a_session_without_the_code(self, upstream: FakeUpstream) -> None:
        ada = staff()
        ada.lacks_code = True  # as the middleware marks the account of such a request
        taken = done("10.1000/ice", ada)
        assert taken.state == State.WAITING
        assert not Listing.objects.exists()

    def test_nor_once_its_giver_is_no_curator_any_more(self, rita: User, upstream: FakeUpstream) -> None:
        rita.is_curator = True  # was, when it was given
        assert done("10.1000/ice", rita).state == State.WAITING

    def test_the_edition_stays_as_it_is_without_the_queue(self, settings: Any, rita: User) -> None:
        settings.SUBMISSIONS = "edition"
        factories.paper(public_id="2603.50001")
        assert submit(user=rita, text="2603.50001", now=NOW).submission is not None
        assert Listing.objects.count() == 1


FINAL = [
    ("10.1000/unknown", None, "There is no such DOI"),
    ("10.1000/untitled", None, "no paper record"),
    ("10.1000/ice", Behaviour(status=406, body=""), "no paper record"),
    ("10.1000/ice", Behaviour(status=200, body="Resource not found."), "no paper record"),
    ("{url}/pages/none", None, "no page at that address"),
    ("{url}/pages/plain", None, "No paper was found"),
    ("{url}/pages/endless", None, "too large"),
    ("{url}/pages/inwards", None, "not on the public internet"),
    ("http://127.0.0.1:1/a", None, "not on the public internet"),
    ("http://169.254.169.254/latest/meta-data/", None, "not on the public internet"),
    ("http://[::1]/a", None, "not on the public internet"),
    ("{url}/pages/snow", Behaviour(status=403), "blocks automatic access"),
    ("{url}/pages/snow", Behaviour(status=451), "rejected the request"),
    ("{url}/pages/snow", Behaviour(bomb_bytes=20_000_000), "too large"),
    ("2603.99999", None, "There is no arXiv paper"),
]
PASSING = [
    ("10.1000/ice", Behaviour(status=503), "could not be reached"),
    ("10.1000/ice", Behaviour(status=500), "could not be reached"),
    ("{url}/pages/snow", Behaviour(cut=0.5), "could not be reached"),
    ("{url}/pages/snow", Behaviour(status=429, headers={"Retry-After": "300"}), "could not be reached"),
]


class TestFailures:
    @pytest.mark.parametrize(("text", "behaviour", "words"), FINAL)
    def test_what_stays_is_told_with_what_to_do(
        self, text: str, behaviour: Behaviour | None, words: str, upstream: FakeUpstream, rita: User
    ) -> None:
        if behaviour:
            upstream.script("/doi" if text.startswith("10.") else "/pages", behaviour)
        taken = done(text.format(url=upstream.url), rita)
        assert taken.state == State.FAILED
        assert words in taken.reason
        assert taken.next_attempt_at is None
        assert "BROADSHEET_" not in taken.reason
        assert not Paper.objects.exists()

    @pytest.mark.parametrize(("text", "behaviour", "words"), PASSING)
    def test_what_passes_is_tried_again(
        self, text: str, behaviour: Behaviour, words: str, upstream: FakeUpstream, rita: User
    ) -> None:
        upstream.script("/doi" if text.startswith("10.") else "/pages", behaviour)
        taken = done(text.format(url=upstream.url), rita)
        assert taken.state == State.FETCHING
        assert words in taken.reason
        assert taken.next_attempt_at is not None
        assert taken.next_attempt_at >= NOW + timedelta(seconds=30)
        HostSlot.objects.all().delete()  # the host is open again
        fetch_submission(taken.pk, now=taken.next_attempt_at)
        taken.refresh_from_db()
        assert (taken.state, taken.reason) == (State.ACCEPTED, "")

    def test_in_the_end_it_has_failed_and_can_be_tried_anew(self, upstream: FakeUpstream, rita: User) -> None:
        upstream.script("/doi", Behaviour(status=500, times=5))
        taken = done("10.1000/ice", rita)
        for _ in range(4):
            assert taken.next_attempt_at is not None
            fetch_submission(taken.pk, now=taken.next_attempt_at)
            taken.refresh_from_db()
        assert taken.state == State.FAILED
        again = retry_submission(submission=taken, now=NOW)
        assert (again.pk, again.state, again.attempts) == (taken.pk, State.FETCHING, 0)
        fetch_submission(taken.pk, now=NOW)
        taken.refresh_from_db()
        assert taken.state == State.ACCEPTED

    def test_submitting_what_failed_is_a_retry(self, rita: User) -> None:
        failed = factories.submission("10.1000/ice", rita, state=State.FAILED, next_attempt_at=None, reason="No.")
        taken = submit(user=rita, text="doi:10.1000/ICE", now=NOW).submission
        assert taken == failed
        assert Submission.objects.get().state == State.FETCHING

    def test_nobody_waits_for_longer_than_a_claim_lasts(self, rita: User) -> None:
        asked: list[FetchRequest] = []

        class Away:
            def fetch(self, request: FetchRequest) -> FetchResponse:
                asked.append(request)
                raise NetworkError("Away.")

        for text in ("2603.50001", "10.1000/ice", "https://journal.example/10.1000/ice"):
            taken = factories.submission(text, rita)
            make_client: Any = Away
            fetch_submission(taken.pk, now=NOW, make_client=make_client)
            seconds = sum(request.deadline_seconds + request.wait_seconds for request in asked)
            assert asked
            # One after the other they end before the task's limit, but for hosts that are waited for and then silent.
            assert seconds / len(asked) < (tasks.fetch_submission.soft_time_limit or 0)
            asked.clear()


class TestKills:
    def test_the_tick_finds_what_no_message_told_of(self, rita: User) -> None:
        taken = submit(user=rita, text="10.1000/ice", now=NOW).submission
        assert taken is not None
        assert collect_due_work(now=NOW).submission_ids == (taken.pk,)
        assert collect_due_work(now=NOW).submission_ids == (), "it was handed on a moment ago"

    @pytest.mark.parametrize("where", ["look_up_paper", "store_papers", "settle_submission"])
    def test_a_worker_killed_anywhere_loses_nothing(
        self, where: str, upstream: FakeUpstream, rita: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def killed(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        taken = submit(user=rita, text="10.1000/ice", now=NOW).submission
        assert taken is not None
        with monkeypatch.context() as patch:
            patch.setattr(f"papers.services.submissions.submission_fetcher.{where}", killed)
            with pytest.raises(KeyboardInterrupt):
                fetch_submission(taken.pk, now=NOW)
        assert not Paper.objects.exists()
        with held_elsewhere(AdvisoryLock.SUBMISSION, str(taken.pk)):
            assert fetch_submission(taken.pk, now=NOW) is None, "another worker is at it"
        assert fetch_submission(taken.pk, now=NOW) is not None, "free as soon as the other's connection has ended"
        taken.refresh_from_db()
        assert taken.state == State.ACCEPTED
        assert (Paper.objects.count(), Listing.objects.count()) == (1, 1)

    def test_a_worker_that_comes_back_too_late_changes_nothing(
        self, upstream: FakeUpstream, rita: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        taken = factories.submission("10.1000/ice", rita)

        def slow(*arguments: Any) -> Any:
            monkeypatch.undo()
            disable_rate_limits(monkeypatch)
            assert fetch_submission(taken.pk, now=NOW) is not None
            return paper_lookup.look_up_paper(*arguments)

        monkeypatch.setattr("papers.services.submissions.submission_fetcher.look_up_paper", slow)
        assert fetch_submission(taken.pk, now=NOW) is None
        assert (Paper.objects.count(), Listing.objects.count()) == (1, 1)

    def test_what_kills_every_worker_is_given_up(self, rita: User) -> None:
        taken = factories.submission("10.1000/ice", rita, attempts=MAX_CLAIMS)
        assert fetch_submission(taken.pk, now=NOW) is None
        taken.refresh_from_db()
        assert taken.state == State.FAILED

    def test_four_at_once_make_one_paper(self, upstream: FakeUpstream) -> None:
        taken = [factories.submission("10.1000/ice") for _ in range(2)]

        def work(pk: int) -> None:
            try:
                fetch_submission(pk, now=NOW)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, [one.pk for one in taken] * 2))
        assert set(Submission.objects.values_list("state", flat=True)) == {State.ACCEPTED}
        assert (Paper.objects.count(), Listing.objects.count()) == (1, 1)
        assert Edition.objects.get().listed_count == 1
