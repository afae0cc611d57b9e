"""Bringing a library along: the draft, taking it, fetching what is not here, and whose it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from papers.citations.registry import CITATION_FORMATS, format_papers
from papers.locks import AdvisoryLock
from papers.models import (
    LibraryImport,
    LibraryImportRow,
    LibraryItem,
    LibraryUpload,
    LibraryUploadPart,
    Paper,
    TaggedPaper,
    User,
)
from papers.outbound.errors import HostBusyError, NetworkError, SourceError
from papers.references.common import MAX_BYTES
from papers.services.fetching.paper_lookup import PaperNotFoundError
from papers.services.ingest.paper_merge import move_related_rows
from papers.services.library_import.apply_draft import LibraryImportOptions, add_to_library, apply_draft
from papers.services.library_import.drafts import (
    DRAFTS_KEPT,
    MAX_DRAFTS,
    PART_BYTES,
    LibraryImportError,
    delete_expired_imports,
    store_upload,
)
from papers.services.library_import.import_progress import import_progress
from papers.services.library_import.row_fetcher import due_import_ids, fetch_next_rows
from papers.services.library_import.upload_reader import MAX_ATTEMPTS, read_uploads
from papers.services.reading.library import set_library_state
from papers.sources.arxiv_api import LookupResult
from tests.support import factories
from tests.support.library_uploads import bring, read_while_waiting
from tests.support.locks import held_elsewhere
from tests.support.pages import page_text, titles_on
from tests.support.people import client_of, reader
from tests.support.query_counts import count_queries

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _worker(monkeypatch: pytest.MonkeyPatch) -> None:
    read_while_waiting(monkeypatch)


def states(of: LibraryImport) -> list[str]:
    return list(of.rows.order_by("position").values_list("state", flat=True))


def test_a_draft_says_what_each_entry_is_and_stores_nothing_else() -> None:
    rita = reader()
    factories.paper(public_id="2401.01234")
    factories.paper(public_id="2401.01235", hidden_at=factories.NOW)
    factories.paper(public_id="doi/10.1000/xyz")
    of = bring(
        user=rita, now=factories.NOW,
        data=b"2401.01234\n2401.01235\n2401.09999\nno id\narxiv.org/abs/2401.01234v3\n"
        b"https://www.example.org/doi/full/10.1000/xyz\n2401.09999",
    )  # fmt: skip
    assert states(of) == ["found", "unclear", "wanted", "unclear", "twice", "found", "twice"]
    assert not LibraryItem.objects.exists()
    text = page_text(of.get_absolute_url(), client_of(rita))
    for words in (
        "Will be fetched 1",
        "Not recognised 2",
        "The same as in line 1",
        "A curator has hidden this paper",
    ):
        assert words in text


@pytest.mark.parametrize("name", CITATION_FORMATS)
def test_a_library_that_was_exported_comes_back(name: str) -> None:
    rita, otto = reader(), reader("otto")
    for number in range(3):
        factories.paper(title=f"P{number}", links={"abs": {"url": f"https://example.org/{number}", "found": "feed"}})
    factories.paper(title="D", public_id="doi/10.1000/xyz", doi="10.1000/xyz")
    set_library_state(user=rita, paper_ids=Paper.objects.values_list("pk", flat=True), state="to_read")
    file = b"".join(client_of(rita).get(f"/library.{name}"))
    saved = Paper.objects.filter(library_items__user=rita).order_by("-library_items__added_at", "-pk")
    assert file.decode() == "".join(format_papers(saved, name))
    client = client_of(otto)
    answer = client.post("/library/import", {"file": SimpleUploadedFile(f"library.{name}", file)})
    client.post(answer["Location"] + "/take", {"state": "read", "tags": "brought"})
    assert sorted(titles_on("/library?state=read", client)) == ["D", "P0", "P1", "P2"]
    assert TaggedPaper.objects.filter(tag__user=otto, tag__name="brought").count() == 4


def test_taking_keeps_what_was_there_and_a_second_press_changes_nothing() -> None:
    rita = reader()
    papers = [factories.paper(public_id="2401.01234"), factories.paper(public_id="2401.01235")]
    set_library_state(user=rita, paper_ids=[papers[0].pk], state="read")
    text = b"@misc{a, eprint={2401.01234}, keywords={ice, snow}}\n@misc{b, eprint={2401.01235}}"
    of = bring(user=rita, data=text, now=factories.NOW)
    for _ in range(2):
        apply_draft(
            library_import=of, options=LibraryImportOptions(state="to_read", uses_file_tags=True), now=factories.NOW
        )
    assert dict(LibraryItem.objects.values_list("paper__public_id", "state")) == {
        "2401.01234": "read", "2401.01235": "to_read",
    }  # fmt: skip
    assert sorted(TaggedPaper.objects.values_list("tag__name", "paper__public_id")) == [
        ("ice", "2401.01234"), ("snow", "2401.01234"),
    ]  # fmt: skip
    assert states(of) == ["done", "done"]


def entry(title: str, author: str = "", year: str = "") -> str:
    return f"@misc{{k, title={{{title}}}, author={{{author}}}, year={{{year}}}}}"


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (entry("A study of the {Ice}: part one", "Lovelace, Ada", "2024"), "found"),
        (entry("a  Study of the ice - Part One.", "A. Lovelace"), "found"),
        (entry("A study of the ice: part one", "", "2025"), "unclear"),  # which of the two it is can't be told
        (entry("A study of the ice: part one", "Hopper, Grace", "2024"), "found"),
        (entry("A study of the ice: part one", "Curie, Marie", "2024"), "unclear"),
        (entry("A study of the ice: part one", "Lovelace, Ada", "2019"), "unclear"),
        (entry("A study of the ice: part two", "Lovelace, Ada", "2024"), "unclear"),
        (entry("A study of the ice: part one"), "unclear"),
        (entry("Of snow and rain", "", "2023"), "found"),
        (entry("Of snow and rain", "", "2021"), "unclear"),
        (entry("Taken off by somebody", "Lovelace, Ada"), "unclear"),
        (entry("Twice the same title", "Lovelace, Ada", "2024"), "unclear"),
    ],
)
def test_what_has_no_id_is_found_by_its_title_where_it_can_be_no_other(given: str, state: str) -> None:
    at = factories.NOW.replace(year=2024)
    for title, names in (
        ("A Study of the Ice: Part One", ["Ada Lovelace", "Grace Hopper"]),
        ("A Study of the Ice: Part One", ["Grace Hopper"]),
        ("Of Snow and Rain", []),
        ("Twice the Same Title", ["Ada Lovelace"]),
        ("Twice the same title", ["A. Lovelace"]),
    ):
        factories.paper(title=title, authors=names, published_at=at)
    factories.paper(title="Taken Off by Somebody", hidden_at=at)
    of = bring(user=reader(), data=given.encode(), now=factories.NOW)
    row = of.rows.get()
    assert row.state == state
    assert row.reason
    assert (row.paper is not None) == (state == "found")


def test_found_by_title_is_shown_before_it_is_taken_and_taken_once() -> None:
    rita, paper = (
        reader(),
        factories.paper(title="A Study of the Ice", public_id="2401.01234", published_at=factories.NOW),
    )
    text = f"2401.01234 is {{}}\n{entry('A study of the ice', 'Lovelace, Ada')}\n@misc{{b, eprint={{2401.01234}}}}"
    of = bring(user=rita, data=text.encode(), now=factories.NOW)
    assert states(of) == ["found", "twice"]
    assert "Found by title." in page_text(of.get_absolute_url(), client_of(rita))
    assert not LibraryItem.objects.exists()
    apply_draft(library_import=of, options=LibraryImportOptions(state="to_read"), now=factories.NOW)
    assert LibraryItem.objects.get().paper == paper


def test_titles_are_looked_up_along_an_index_and_all_at_once() -> None:
    factories.paper(title="A Study of the Ice")
    text = "\n".join(entry(f"A study of the ice number {number}", "Lovelace, Ada") for number in range(50))
    with CaptureQueriesContext(connection) as captured:
        bring(user=reader(), data=text.encode(), now=factories.NOW)
    (sql,) = [query["sql"] for query in captured if "regexp_replace" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {sql}")
        assert "paper_title" in str(cursor.fetchall())


class Upstream:
    """Stands for the look-ups at arXiv and doi.org."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.together: list[list[str]] = []
        self.single: list[str] = []
        self.error: SourceError | None = None
        self.missing: set[str] = set()
        monkeypatch.setattr("papers.services.library_import.row_fetcher.arxiv_api.look_up_ids", self._together)
        monkeypatch.setattr("papers.services.library_import.row_fetcher.look_up_paper", self._single)

    def _together(self, send: Any, url: str, ids: list[str]) -> list[LookupResult]:
        self.together.append(list(ids))
        if self.error:
            raise self.error
        return [
            LookupResult(tuple(factories.raw_paper(arxiv_id=one) for one in ids if one not in self.missing), (), ())
        ]

    def _single(self, send: Any, given: Any) -> Any:
        self.single.append(given.value)
        if self.error:
            raise self.error
        if given.value in self.missing:
            raise PaperNotFoundError("none")
        return factories.raw_paper(**{"arxiv_id" if given.scheme == "arxiv" else "doi": given.value})


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Upstream:
    return Upstream(monkeypatch)


def taken(user: User, text: str) -> LibraryImport:
    of = bring(user=user, data=text.encode(), now=factories.NOW)
    apply_draft(library_import=of, options=LibraryImportOptions(state="to_read", tags=["brought"]), now=factories.NOW)
    return of


def test_what_is_not_here_is_fetched_a_hundred_at_a_time_and_kept(upstream: Upstream) -> None:
    rita = reader()
    of = taken(rita, "\n".join(f"2401.{number:05}" for number in range(1, 131)))
    assert due_import_ids(now=factories.NOW) == [of.pk]
    assert fetch_next_rows(of.pk, now=factories.NOW)
    assert not fetch_next_rows(of.pk, now=factories.NOW)
    assert [len(ids) for ids in upstream.together] == [100, 30]
    assert import_progress(of).counts == {"done": 130}
    assert LibraryItem.objects.filter(user=rita, state="to_read").count() == 130
    assert TaggedPaper.objects.count() == 130
    assert due_import_ids(now=factories.NOW) == []
    assert not Paper.objects.exclude(listings=None).exists()  # on no edition


def test_what_fails_for_good_is_told_and_the_rest_goes_on(upstream: Upstream) -> None:
    upstream.missing = {"2401.00002", "10.1000/none"}
    rita = reader()
    of = taken(rita, "2401.00001\n2401.00002\n10.1000/xyz\n10.1000/none")
    while fetch_next_rows(of.pk, now=factories.NOW):
        pass
    assert states(of) == ["done", "failed", "done", "failed"]
    text = page_text(of.get_absolute_url(), client_of(rita))
    assert "There is no arXiv paper with this id" in text
    assert "There is no such DOI" in text
    upstream.missing = set()
    client_of(rita).post(of.get_absolute_url() + "/retry")
    later = factories.NOW + timedelta(days=400)
    while fetch_next_rows(of.pk, now=later):
        pass
    assert import_progress(of).counts == {"done": 4}


def test_a_host_that_wants_fewer_requests_is_left_alone_until_then(upstream: Upstream) -> None:
    of = taken(reader(), "2401.00001\n2401.00002")
    upstream.error = HostBusyError("later", not_before=factories.NOW + timedelta(seconds=60), retry_after_seconds=60)
    assert not fetch_next_rows(of.pk, now=factories.NOW)
    assert due_import_ids(now=factories.NOW + timedelta(seconds=59)) == []
    upstream.error = None
    fetch_next_rows(of.pk, now=factories.NOW + timedelta(seconds=61))
    assert import_progress(of).counts == {"done": 2}


def test_what_may_pass_is_tried_again_some_times_and_then_has_failed(upstream: Upstream) -> None:
    of, now = taken(reader(), "10.1000/xyz"), factories.NOW
    upstream.error = NetworkError("away")
    for _ in range(10):
        fetch_next_rows(of.pk, now=now)
        now += timedelta(hours=2)
    assert states(of) == ["failed"]
    assert 2 < len(upstream.single) < 8


def test_two_workers_never_fetch_the_same_import(upstream: Upstream) -> None:
    of = taken(reader(), "10.1000/xyz")
    with held_elsewhere(AdvisoryLock.LIBRARY_IMPORT, str(of.pk)):
        assert not fetch_next_rows(of.pk, now=factories.NOW)
    assert upstream.single == []
    fetch_next_rows(of.pk, now=factories.NOW)  # the other has died
    assert states(of) == ["done"]


def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = bring(user=reader(), data=b"10.1000/a\n10.1000/b\n10.1000/c", now=factories.NOW)
    apply_draft(library_import=of, options=LibraryImportOptions(state="to_read", tags=["brought"]), now=factories.NOW)

    def killed(of: LibraryImport, rows: Any) -> None:
        add_to_library(of, rows)
        if [row.value for row in rows] == ["10.1000/b"]:
            raise SystemExit

    monkeypatch.setattr("papers.services.library_import.row_fetcher.add_to_library", killed)
    with pytest.raises(SystemExit):
        fetch_next_rows(of.pk, now=factories.NOW)
    assert states(of) == ["done", "fetching", "fetching"]
    monkeypatch.setattr("papers.services.library_import.row_fetcher.add_to_library", add_to_library)
    assert due_import_ids(now=factories.NOW) == [of.pk]
    fetch_next_rows(of.pk, now=factories.NOW)
    assert states(of) == ["done"] * 3
    assert sorted(upstream.single) == ["10.1000/a", "10.1000/b", "10.1000/b", "10.1000/c"]
    assert Paper.objects.count() == LibraryItem.objects.count() == TaggedPaper.objects.count() == 3


def test_what_came_meanwhile_is_not_fetched(upstream: Upstream) -> None:
    of = taken(reader(), "2401.00001")
    factories.paper(public_id="2401.00001")
    fetch_next_rows(of.pk, now=factories.NOW)
    assert (states(of), upstream.single) == (["done"], [])


def test_a_paper_that_is_merged_takes_its_rows_along() -> None:
    gone, kept = factories.paper(public_id="2401.00001"), factories.paper(public_id="2401.00002")
    of = bring(user=reader(), data=b"2401.00001", now=factories.NOW)
    move_related_rows({gone.pk: kept.pk})
    assert of.rows.get().paper_id == kept.pk


def test_drafts_are_few_and_go_by_themselves() -> None:
    rita = reader()
    for number in range(MAX_DRAFTS + 2):
        bring(user=rita, data=b"2401.00001", now=factories.NOW + timedelta(minutes=number))
    assert LibraryImport.objects.count() == MAX_DRAFTS
    assert delete_expired_imports(now=factories.NOW + DRAFTS_KEPT + timedelta(days=1)) > 0
    assert not LibraryImportRow.objects.exists()


def test_there_is_a_limit_to_what_goes_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("papers.services.library_import.apply_draft.MAX_RUNNING", 1)
    rita = reader()
    taken(rita, "2401.00001")
    with pytest.raises(LibraryImportError, match="Wait until"):
        taken(rita, "2401.00002")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Choose a file or paste a list"),
        ({"pasted": " \n "}, "Choose a file or paste a list"),
        ({"pasted": "// nothing but a remark\n"}, "The file or list is empty"),
        ({"file": SimpleUploadedFile("a.pdf", b"%PDF-1.7")}, "This is a"),
        ({"file": SimpleUploadedFile("a.bib", b"")}, "The file or list is empty"),
        ({"file": SimpleUploadedFile("a.bib", b"x" * (MAX_BYTES + 1))}, "larger than 12 MB"),
        ({"pasted": "x" * 1_000_001}, "at most 1000000 characters"),
    ],
)
def test_what_can_t_be_taken_is_told_in_words(fields: dict[str, Any], words: str) -> None:
    answer = client_of(reader()).post("/library/import", fields)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not LibraryImport.objects.exists()


def test_a_file_s_name_that_is_too_long_is_said_to_be_so() -> None:
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{"a" * 5_000}.bib"\r\n\r\n'
    body = f"{head}@misc{{a, title={{A}}}}\r\n--b--\r\n".encode()
    answer = client_of(reader()).generic("POST", "/library/import", body, "multipart/form-data; boundary=b")
    assert answer.status_code == 400
    assert "The file name is too long" in answer.content.decode()
    assert "host name" not in answer.content.decode()


@pytest.mark.parametrize("by_htmx", [False, True])
def test_what_no_form_takes_gets_a_page_that_says_how_much_one_takes(by_htmx: bool) -> None:
    """The server threw its body away before anybody read it."""
    headers = {"X-Broadsheet-Body-Thrown-Away": "1"} | ({"HX-Request": "true"} if by_htmx else {})
    answer = client_of(reader()).post("/library/import", headers=headers)
    assert answer.status_code == 413
    page = answer.content.decode()
    assert "The limit is 12 MB" in page
    assert "Split the file" in page
    assert 'href="/library/import"' in page


def test_a_hostile_file_is_a_page_with_words() -> None:
    client = client_of(reader())
    data = b"@misc{a, title={<script>alert(1)</script>}}\n@misc{\x00\xff{b}}\n[" + b"{" * 1_000
    file = SimpleUploadedFile("../../<b>x\x00.bib", data)
    page = client.get(client.post("/library/import", {"file": file})["Location"]).content.decode()
    assert "<script>alert" not in page
    assert "Not recognised" in page


def test_a_long_draft_has_pages_and_costs_the_same() -> None:
    rita = reader()
    client = client_of(rita)
    for number in range(1, 151):
        factories.paper(public_id=f"2401.{number:05}")
    few = bring(user=rita, data=b"2401.00001\n2401.00002", now=factories.NOW)
    many = bring(user=rita, data="\n".join(f"2401.{number:05}" for number in range(1, 151)).encode(), now=factories.NOW)
    client.get(few.get_absolute_url())
    assert count_queries(few.get_absolute_url(), client) == count_queries(many.get_absolute_url(), client)
    page = client.get(many.get_absolute_url()).content.decode()
    assert page.count('class="row is-found"') == 100
    assert "from=100" in page
    assert client.get(many.get_absolute_url() + "?from=100").content.decode().count('class="row is-found"') == 50


def test_progress_alone_is_sent_while_it_moves() -> None:
    rita = reader()
    of = taken(rita, "2401.00001")
    moving = client_of(rita).get(of.get_absolute_url(), headers={"HX-Request": "true"}).content.decode()
    assert "0 of 1" in moving
    assert "<html" not in moving


# --- Ids in notes ----------------------------------------------------------------------------------------------------

NOTED = "@misc{{a, title = {{{}}}, author = {{Holm, Chiara}}, year = 2026, annote = {{Comment on arXiv:2401.00001}}}}"


def test_the_paper_of_a_note_s_id_is_taken_only_where_its_title_agrees() -> None:
    rita = reader()
    factories.paper(public_id="2401.00001", title="Tides in Small Basins")
    for title, state in (
        ("Tides in small basins", "found"),
        ("{Tides} in small basins: a study", "found"),
        ("Tides in a small basin", "unclear"),
        ("Ice in small basins", "unclear"),
        ("", "found"),
    ):
        of = bring(user=rita, now=factories.NOW, data=NOTED.format(title).encode())
        assert states(of) == [state], title
    assert of.rows.get().paper is not None


def test_an_entry_is_found_by_its_title_though_its_note_names_another() -> None:
    rita = reader()
    factories.paper(public_id="2401.00001", title="Tides in small basins")
    ice = factories.paper(public_id="2401.00002", title="Ice in small basins", authors=[{"name": "Chiara Holm"}])
    of = bring(user=rita, now=factories.NOW, data=NOTED.format("Ice in small basins").encode())
    assert of.rows.get().paper_id == ice.pk


@pytest.mark.parametrize("count", [1, 2])
def test_what_a_note_names_is_fetched_and_taken_only_where_its_title_agrees(upstream: Upstream, count: int) -> None:
    rita = reader()
    own = factories.raw_paper().title
    rows = [NOTED.format("Ice in small basins"), NOTED.format(own).replace("2401.00001", "2401.00002")]
    of = taken(rita, "\n".join(rows[:count]))
    while fetch_next_rows(of.pk, now=factories.NOW):
        pass
    assert states(of) == ["failed", "done"][:count]
    assert "with a different title" in of.rows.order_by("position")[0].reason
    assert LibraryItem.objects.filter(user=rita).count() == count - 1


def test_a_large_upload_is_kept_in_parts_and_read_whole() -> None:
    text = "".join(f"2401.{number:05}\n" for number in range(1, 9_000)).encode() + b"% " + b"x" * PART_BYTES * 2
    made = store_upload(user=reader(), data=text, now=factories.NOW)
    assert LibraryUploadPart.objects.count() > 2
    assert not read_uploads(now=factories.NOW)
    assert made.rows.count() >= 8_999
    assert not LibraryUploadPart.objects.exists()


def test_an_upload_whose_readers_were_killed_each_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise SystemExit

    made = store_upload(user=reader(), data=b"2401.00001", now=factories.NOW)
    with monkeypatch.context() as patch:
        patch.setattr("papers.services.library_import.upload_reader.call_isolated", killed)
        for _ in range(MAX_ATTEMPTS):
            with pytest.raises(SystemExit):
                read_uploads(now=factories.NOW)
    assert not read_uploads(now=factories.NOW)
    made.refresh_from_db()
    assert "because of an error on this site" in made.problem
    assert not LibraryUpload.objects.exists()
