"""Files of papers: what is recognised, what becomes of a row, what hostile files do, and going on after a kill."""

import bz2
import gzip
import io
import json
import lzma
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from papers.models import Edition, Identifier, ImportedPart, Listing, Paper, PaperExternalCounts, PaperVersion
from papers.services.paper_import import file_reader, formats, parts
from papers.services.paper_import.importer import PaperImportOptions, PaperImportSummary, import_file
from tests.support import factories

SITE = "https://hf.example.org"


def row(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {"arxiv_id": f"2601.{number:05}", "title": f"Paper {number}", "abstract": "What it says.",
            "authors": ["Ada Lovelace"], "categories": ["cs.CL"]} | fields  # fmt: skip


def written(path: Path, *rows: Any) -> Path:
    lines = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in rows]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def imported(path: Path, **options: Any) -> PaperImportSummary:
    return import_file(path, options=PaperImportOptions(site=SITE, **options), now=factories.NOW)


def rejected(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(f"{path}.rejected.jsonl").read_text().splitlines()]


def tables() -> dict[str, list[Any]]:
    """What an import fills, without the keys that the database gives."""
    return {
        "papers": list(
            Paper.objects.order_by("public_id").values_list("public_id", "title", "abstract", "author_keys")
        ),
        "names": list(
            Identifier.objects.order_by("scheme", "value").values_list("scheme", "value", "paper__public_id")
        ),
        "versions": list(PaperVersion.objects.order_by("paper__public_id", "version").values_list("version", "title")),
        "figures": list(
            PaperExternalCounts.objects.order_by("paper__public_id").values_list("paper__public_id", "votes")
        ),
        "listings": list(
            Listing.objects.order_by("day", "paper__public_id").values_list("day", "position", "source_votes")
        ),
        "editions": list(Edition.objects.order_by("day").values_list("day", "listed_count")),
    }


@pytest.mark.django_db
def test_a_row_becomes_a_paper(tmp_path):
    file = written(
        tmp_path / "papers.jsonl",
        row(
            doi="10.1000/XYZ",
            authors=[
                {"name": "Ada Lovelace", "affiliation": "London", "orcid": "https://orcid.org/0000-0002-1825-0097"},
                {"name": "Grace Hopper", "orcid": "0000-0002-1825-0098"},
                "Émilie du Châtelet",
            ],
            published="2026-01-05T18:00:00Z", version=2, comment="Accepted at ICML 2026", journal_ref="J. 1",
            license="CC0", organization="A Lab", github="https://github.com/a/b",
            project_page="https://a.example.org/", withdrawn=True,
            upvotes=7, num_comments=2, submitted_on="2026-01-06", announced_on="2026-01-07", src=["other"], no_field=1,
        ),
    )  # fmt: skip
    summary = imported(file)
    assert (summary.format, summary.new, summary.rejected, summary.error) == ("JSON lines", 1, 0, "")
    paper = Paper.objects.get(public_id="2601.00001")
    assert paper.authors == [
        {"name": "Ada Lovelace", "affiliation": "London", "orcid": "0000-0002-1825-0097"},
        {"name": "Grace Hopper"},  # the last digit of that ORCID is wrong
        {"name": "Émilie du Châtelet"},
    ]
    assert (paper.doi, paper.version, paper.journal_ref, paper.license) == ("10.1000/xyz", 2, "J. 1", "CC0")
    assert (paper.announced_on, paper.venue, paper.organization) == (date(2026, 1, 7), "ICML 2026", "A Lab")
    assert paper.links["code"] == {"url": "https://github.com/a/b", "found": "import"}
    assert paper.links["project"]["url"] == "https://a.example.org/"
    assert paper.withdrawn_at is not None
    figure = PaperExternalCounts.objects.get()
    assert (figure.source, figure.votes, figure.comments) == ("huggingface", 7, 2)
    assert figure.url == f"{SITE}/papers/2601.00001"
    assert not Listing.objects.exists()


@pytest.mark.django_db
def test_what_is_null_or_empty_is_not_said(tmp_path):
    names = ("abstract", "authors", "categories", "published", "doi", "comment", "upvotes", "submitted_on", "version")
    unsaid: dict[str, Any] = dict.fromkeys(names)
    summary = imported(written(tmp_path / "f", row() | unsaid | {"listed_in": "cs.RO"}))
    paper = Paper.objects.get()
    assert (summary.new, paper.categories, paper.authors, paper.published_at) == (1, ["cs.RO"], [], None)
    assert not PaperExternalCounts.objects.exists()


@pytest.mark.django_db
def test_a_catalogue_does_not_overwrite_what_a_source_sent(tmp_path):
    from papers.services.ingest.paper_store import store_papers
    from papers.sources.base import ExternalCounts

    figures = ExternalCounts(votes=9, comments=1, submitted_by="Chiara")
    theirs = factories.raw_paper(
        "huggingface", arxiv_id="2601.00001", title="Theirs", authors=None, external_counts=figures
    )
    store_papers([theirs], now=factories.NOW, kind="huggingface")
    imported(written(tmp_path / "f", row(title="Old", upvotes=3, num_comments=0)))
    paper = Paper.objects.get()
    assert (paper.title, paper.authors) == ("Theirs", [{"name": "Ada Lovelace"}])
    assert PaperExternalCounts.objects.values_list("votes", "submitted_by").get() == (9, "Chiara")


@pytest.mark.django_db
def test_votes_of_years_ago_do_not_trend_today(tmp_path):
    from papers.services.lists.trending import trending_floor

    imported(
        written(tmp_path / "f", row(arxiv_id="2401.00001", upvotes=900), row(2, upvotes=5, submitted_on="2026-03-03"))
    )
    trending = Paper.objects.filter(trending_score__gte=trending_floor(now=factories.NOW)).values_list(
        "public_id", flat=True
    )
    assert list(trending) == ["2601.00002"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("lists", "days"),
    [
        ((), []),
        (("arxiv",), [(date(2026, 1, 7), "new")]),
        (("huggingface",), [(date(2026, 1, 9), "daily")]),
        (("arxiv", "huggingface"), [(date(2026, 1, 7), "new"), (date(2026, 1, 9), "daily")]),
    ],
)
def test_papers_stand_on_the_editions_that_were_asked_for(tmp_path, lists, days):
    file = written(tmp_path / "f", row(announced_on="2026-01-07", submitted_on="2026-01-09", upvotes=4))
    summary = imported(file, lists=frozenset(lists))
    assert list(Listing.objects.order_by("day").values_list("day", "kind")) == days
    assert summary.listed == len(days)
    assert list(Edition.objects.with_papers().order_by("day").values_list("listed_count", flat=True)) == [1] * len(days)
    assert imported(file, lists=frozenset(lists)).listed == 0


@pytest.mark.django_db
@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress, bz2.compress, lambda b: lzma.compress(b) * 2])
def test_packed_files_are_told_by_their_content(tmp_path, pack):
    plain = written(tmp_path / "plain", row(1), row(2)).read_bytes()
    file = tmp_path / "papers.txt"
    file.write_bytes(pack(plain))
    summary = imported(file)
    assert (summary.error, Paper.objects.count()) == ("", 2)


ATOM = b"""<?xml version='1.0'?><feed xmlns="http://www.w3.org/2005/Atom"><entry><id>http://arxiv.org/abs/hep-th/9901001v2</id>
<title>An old one</title><summary>Words</summary>
<published>1999-01-01T00:00:00Z</published><updated>1999-02-01T00:00:00Z</updated>
<author><name>A. Person</name></author><category term="hep-th"/></entry><entry><id>nothing</id></entry></feed>"""
OAI = b"""<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords><record><header>
<identifier>oai:arXiv.org:0704.0001</identifier></header><metadata>%s</metadata></record></ListRecords></OAI-PMH>"""
RAW = (
    OAI
    % b"""<arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>0704.0001</id><version version="v1">
<date>Mon, 2 Apr 2007 19:18:42 GMT</date></version><title>Raw</title><authors>A. Person</authors></arXivRaw>"""
)
PLAIN = OAI % b"""<arXiv xmlns="http://arxiv.org/OAI/arXiv/"><id>0704.0001</id><title>Not raw</title></arXiv>"""
RSS = b"""<?xml version='1.0'?><rss xmlns:arxiv="http://arxiv.org/schemas/atom" version="2.0"><channel>
<pubDate>Wed, 04 Mar 2026 00:00:00 -0500</pubDate><item><title>Announced</title><guid>oai:arXiv.org:2603.00001v1</guid>
<description>arXiv:2603.00001v1 Announce Type: new
Abstract: Words</description><arxiv:announce_type>new</arxiv:announce_type></item></channel></rss>"""
DAY = [{"paper": {"id": "2602.00001", "title": "Of a day", "upvotes": 3}, "numComments": 1},
       "{'paper': {'id': '2602.00002'}}"]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("data", "name", "title", "refused"),
    [
        (ATOM, "arXiv's Atom", "An old one", 1),
        (RAW, "OAI-PMH", "Raw", 0),
        (PLAIN, "OAI-PMH", "Not raw", 0),
        (RSS, "arXiv's RSS", "Announced", 0),
        (json.dumps(DAY).encode(), "JSON", "Of a day", 1),
        (json.dumps([row(title="In a list")], indent=1).encode(), "JSON", "In a list", 0),
        (json.dumps(row(title="Alone"), indent=1).encode(), "JSON", "Alone", 0),
        (b"\xef\xbb\xbf" + json.dumps(row(title="Behind a mark")).encode(), "JSON lines", "Behind a mark", 0),
    ],
)
def test_formats_are_told_by_their_content(tmp_path, data, name, title, refused):
    file = tmp_path / "anything"
    file.write_bytes(data)
    summary = imported(file)
    assert (summary.error, summary.format, summary.rejected) == ("", name, refused)
    assert Paper.objects.get().title == title


@pytest.mark.django_db
def test_the_day_of_a_list_stands_in_the_name_of_its_file(tmp_path):
    for name in ("2026-02-10.json", "nameless.json"):
        (tmp_path / name).write_text(json.dumps(DAY))
        imported(tmp_path / name, lists=frozenset({"huggingface"}))
    assert list(Listing.objects.values_list("day", flat=True)) == [date(2026, 2, 10)]


BAD_ROWS = {
    "python": (b"{'arxiv_id': '2601.00009', 'title': 'Written by print'}", "as Python writes it"),
    "not json": (b'{"title": "cut', "not JSON"),
    "not a number": (json.dumps(row(9, upvotes=float("nan"))).encode(), "NaN is not JSON"),
    "latin-1": ('{"title": "Größe", "arxiv_id": "2601.00009"}'.encode("latin-1"), "not UTF-8"),
    "deep": (b"[" * 200_000, "nested too deeply"),
    "deep in a field": (b'{"title": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    "huge number": (b'{"title": "x", "upvotes": ' + b"9" * 10_000 + b"}", "not JSON"),
    "list": (b"[1]", "a list, not an object"),
    "no title": (json.dumps(row(9, title=" ")).encode(), "no title"),
    "no id": (json.dumps(row(9, arxiv_id=None)).encode(), "no identifier"),
    "bad id": (json.dumps(row(9, arxiv_id="9999.1")).encode(), "Not an arXiv id"),
    "id as a number": (json.dumps(row(9, arxiv_id=704.0001)).encode(), "Write it as a text"),
    "names of all kinds": (json.dumps(row(9, authors=["A", 1])).encode(), "not a name"),
    "no day": (json.dumps(row(9, announced_on="yesterday")).encode(), "not a day"),
    "votes as words": (json.dumps(row(9, upvotes="many")).encode(), "not a whole number"),
    "title as object": (json.dumps(row(9, title={"a": 1})).encode(), "an object, not a text"),
    "nothing but controls": (b'{"arxiv_id": "2601.00009", "title": "\\u0000\\ud800"}', "no title"),
    "too long": (b'{"title": "' + b"x" * (5 << 20) + b'"}', "longer than 4 MB"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_is_named_with_line_and_reason_and_the_rest_goes_in(tmp_path, name):
    line, reason = BAD_ROWS[name]
    file = written(tmp_path / "papers.jsonl", row(1), b"", line, row(2))
    summary = imported(file)
    assert (summary.error, summary.new, summary.rejected) == ("", 2, 1)
    (found,) = rejected(file)
    assert found["line"] == 3
    assert reason in found["reason"]
    assert len(json.dumps(found)) < 20_000


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b" \n\n", "it is empty"),
        (random.Random(1).randbytes(5000), "binary"),
        (json.dumps(row()).encode("utf-16"), "UTF-16"),
        (b"<html><body>Rate exceeded.</body></html>", "<html>"),
        (b"<!DOCTYPE feed [<!ENTITY a 'b'>]><feed/>", "can't be read"),
        (ATOM[:200], "can't be read"),
        (b"id,title\n2601.1,A table\n", "no format that is read here"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[{]", "not complete JSON"),
        (b'{\n "a": 1\n}', "no paper"),
        (gzip.compress(b"x" * 100, mtime=0)[:-9], "ends in the middle"),
        (b"\xfd7zXZ\x00" + b"\x00" * 30, "damaged"),
    ],
)
def test_a_file_that_cannot_be_read_gets_a_sentence(tmp_path, data, reason):
    file = tmp_path / "papers"
    file.write_bytes(data)
    assert reason in imported(file).error
    with pytest.raises(CommandError) as failed:
        call_command("import_papers", file, processes=1, stderr=io.StringIO())
    assert failed.value.returncode == 1


@pytest.mark.django_db
def test_what_stands_before_the_break_is_stored(tmp_path):
    rows = [row(number, abstract=str(random.Random(number).random()) * 20) for number in range(1, 400)]
    file = written(tmp_path / "papers", *rows)
    file.write_bytes(lzma.compress(file.read_bytes())[:-2000])
    summary = imported(file)
    assert "ends in the middle" in summary.error
    assert 0 < Paper.objects.count() == summary.new < 399


@pytest.mark.django_db
def test_a_file_of_nothing_but_rubbish_is_left_early(tmp_path, monkeypatch):
    monkeypatch.setattr("papers.services.paper_import.parts.ROWS", 1000)
    file = written(tmp_path / "papers", *([b"{no"] * 5000))
    summary = imported(file)
    assert "none of its first 1,000 rows is a paper" in summary.error
    assert summary.rows == 1000


def test_lines_keep_their_numbers_and_the_memory_its_bound():
    pieces = [b"a\n\nb", b"b\n" + b"x" * 30, b"x" * 30 + b"\nlast"]
    assert list(file_reader.read_lines(pieces, max_bytes=20)) == [(1, b"a"), (3, b"bb"), (4, None), (5, b"last")]
    endless = (b"x" * 1000 for _ in range(10_000))
    assert list(file_reader.read_lines(endless, max_bytes=5000)) == [(1, None)]


def test_an_xz_file_cannot_ask_for_gigabytes():
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]
    packed = lzma.compress(b"{}", filters=filters)
    with pytest.raises(file_reader.UnreadableFileError, match="damaged or can't be read"):
        list(file_reader.read_chunks(io.BytesIO(packed)))


def test_a_document_has_a_largest_size(monkeypatch):
    monkeypatch.setattr(formats, "MAX_DOCUMENT", 1 << 20)
    content = formats.detect_format(io.BytesIO(b"[" + b" " * (3 << 20)), formats.ReadOptions(name="", site=SITE))
    with pytest.raises(file_reader.UnreadableFileError, match="more than 1 MB"):
        next(content.items)


@pytest.mark.django_db
def test_a_second_run_writes_nothing(tmp_path):
    file = written(tmp_path / "f", *(row(number, upvotes=number) for number in range(1, 9)))
    imported(file)
    with connection.cursor() as cursor:
        cursor.execute("SELECT array_agg(xmin::text ORDER BY id) FROM papers_paper")
        before = cursor.fetchone()
        again = imported(file)
        cursor.execute("SELECT array_agg(xmin::text ORDER BY id) FROM papers_paper")
        assert cursor.fetchone() == before
    assert (again.new, again.updated, again.unchanged, again.resumed) == (0, 0, 8, 0)


@pytest.mark.django_db
def test_a_dry_run_tells_and_stores_nothing(tmp_path):
    file = written(tmp_path / "f", row(1), row(2), b"{", row(2))
    imported(written(tmp_path / "first", row(1)))
    summary = imported(file, dry_run=True)
    assert (summary.new, summary.unchanged, summary.rejected) == (1, 1, 1)
    assert Paper.objects.count() == 1
    assert not ImportedPart.objects.exists()


@pytest.mark.django_db
def test_a_limit_counts_rows(tmp_path):
    assert imported(written(tmp_path / "f", row(1), row(2), row(3)), limit=2).new == 2


class Stopped(Exception):
    pass


@pytest.mark.django_db
def test_a_stopped_import_goes_on_behind_the_parts_that_are_stored(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "ROWS", 2)
    file = written(tmp_path / "f", row(1), row(2), b"{", row(4), row(5))

    def stop(summary):
        if summary.rows == 4:
            raise Stopped

    with pytest.raises(Stopped):
        import_file(file, options=PaperImportOptions(site=SITE), now=factories.NOW, report=stop)
    assert ImportedPart.objects.count() == 2
    summary = imported(file)
    assert (summary.resumed, summary.rows, summary.new, summary.rejected) == (4, 5, 4, 1)
    assert [found["line"] for found in rejected(file)] == [3]
    assert not ImportedPart.objects.exists()


@pytest.mark.django_db
def test_a_file_that_changed_is_begun_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "ROWS", 2)
    file = written(tmp_path / "f", row(1), row(2), row(3))
    with pytest.raises(Stopped):
        import_file(
            file,
            options=PaperImportOptions(site=SITE),
            now=factories.NOW,
            report=lambda summary: (_ for _ in ()).throw(Stopped),
        )
    written(file, row(1, title="Corrected"), row(2), row(3))
    assert imported(file).resumed == 0
    assert Paper.objects.get(public_id="2601.00001").title == "Corrected"


@pytest.mark.django_db
def test_the_command_says_what_became_of_the_files(tmp_path):
    good, bad = written(tmp_path / "good", row(1), row(2)), written(tmp_path / "bad", row(3), b"{")
    out = io.StringIO()
    call_command("import_papers", good, processes=1, stdout=out)
    assert "2 rows; 2 new, 0 updated, 0 unchanged, 0 rejected" in out.getvalue()
    with pytest.raises(SystemExit) as ended:
        call_command("import_papers", good, bad, processes=1, stdout=out)
    assert ended.value.code == 3
    assert f"{bad}.rejected.jsonl" in out.getvalue()
    with pytest.raises(CommandError, match="Not every file"):
        call_command("import_papers", tmp_path / "nowhere", good, processes=1, stdout=out, stderr=io.StringIO())


@pytest.mark.django_db
def test_rejected_rows_that_have_no_place_are_a_sentence(tmp_path):
    file = written(tmp_path / "f", row(1), b"{")
    with pytest.raises(CommandError, match="--rejected-in"):
        call_command("import_papers", file, processes=1, rejected_in=tmp_path / "no" / "folder", stdout=io.StringIO())


def many(path: Path) -> Path:
    """Papers of several parts, some of them again and changed much later in the file."""
    days = {"announced_on": "2026-01-07", "submitted_on": "2026-01-08"}
    rows = [row(number, upvotes=number % 9, **days) for number in range(1, 4001)]
    rows += [row(number, title=f"Once more {number}", doi=f"10.1000/{number}") for number in range(1, 4001, 7)]
    rows += [row(number, title=f"The last word {number}") for number in range(1, 4001, 14)]
    return written(path, *rows)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_in_the_middle_and_run_again_the_tables_are_those_of_one_process_in_one_go(tmp_path):
    file = many(tmp_path / "papers.jsonl")
    imported(file, lists=frozenset({"arxiv", "huggingface"}))
    expected = tables()
    assert len(expected["papers"]) == 4000
    connection.cursor().execute("TRUNCATE papers_paper, papers_edition CASCADE")
    words = [sys.executable, "manage.py", "import_papers", str(file), "--processes", "2",
             "--list", "arxiv", "--list", "huggingface"]  # fmt: skip
    environment = os.environ | {"DATABASE_URL": database_url()}
    killed = subprocess.Popen(words, env=environment, cwd=settings.BASE_DIR, stdout=subprocess.DEVNULL)
    wait_for(lambda: ImportedPart.objects.count() >= 2)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    wait_for(lambda: not others())
    assert 0 < Paper.objects.count() < 4000
    again = subprocess.run(words, env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True)
    assert "by an earlier run" in again.stdout
    assert tables() == expected


def wait_for(is_so: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


def others() -> int:
    """Connections to this database beside our own: those of the killed import end with their processes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        count: int = cursor.fetchone()[0]
        return count


def database_url() -> str:
    """The address of the tests' own database."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
