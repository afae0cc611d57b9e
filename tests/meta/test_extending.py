"""docs/extending.md is true: its examples, applied to a copy of the tree, do what the page says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection

from tests.meta.source_files import ROOT
from tests.support.doc_examples import Change, ExampleError, apply_changes, copy_tree, read_examples

PAGE = ROOT / "docs" / "extending.md"
TREE = ("config", "digests", "papers", "static", "templates", "manage.py", "pyproject.toml", "CHANGELOG.md")
SUPPORT = ("tests/__init__.py", "tests/support")
OPERATOR = "An operator of the search language"
MATCHES = (
    "papers/models/query_sql.py",
    "papers/services/search/selectivity.py",
    "papers/services/topics/bitset_evaluator.py",
)

SOURCE = """
from papers.outbound.request import FetchResponse
from papers.sources.base import FetchContext, RejectedPayload, SourceSettings
from papers.sources.lab_list import parse_lab_list
from papers.sources.registry import ADAPTERS, record_source_of_rank

adapter = ADAPTERS["lab_list"]
from papers.admin.sources import SourceForm
assert ("lab_list", "List of a laboratory (JSON)") in SourceForm().fields["kind"].choices
assert record_source_of_rank(35).name == "lab_list"
assert set(adapter.problems(SourceSettings())) == {"base_url"}

body = b'[{"doi": "10.1000/x1", "title": "Tides", "authors": ["Ada Holm", 7]}, {"doi": "10.1000/x2"}]'
asked = []
def send(request):
    asked.append(request)
    return FetchResponse(request.url, 200, {}, body, "", "", None, 0, len(body), 0.1)
context = FetchContext(send=send, base_url="https://lab.example/papers.json", now=datetime(2026, 3, 4, tzinfo=UTC))
[batch] = adapter.fetch(context)
assert asked[0].url == "https://lab.example/papers.json" and asked[0].group == "feed:lab.example"
assert batch == parse_lab_list(body)
[paper], [rejected] = batch.papers, batch.rejected
assert (paper.source, paper.title, paper.doi, [author.name for author in paper.authors]) == (
    "lab_list", "Tides", "10.1000/x1", ["Ada Holm"])
kept = RejectedPayload("lab_list", '{"doi": "10.1000/x2", "title": "Mended", "authors": []}', date(2026, 3, 4))
assert adapter.parse_rejected(kept).title == "Mended"
"""
SOURCE_STORED = """
from django.db import transaction
from papers.models import Paper
from papers.services.ingest.paper_store import store_papers

with transaction.atomic():
    store_papers(batch.papers, now=context.now, kind=adapter.kind)
    assert Paper.objects.get(doi="10.1000/x1").title == "Tides"
    transaction.set_rollback(True)
"""
FORMAT = """
from types import SimpleNamespace
from django.urls import resolve
from papers.citations.registry import CITATION_FORMATS, format_papers

paper = SimpleNamespace(
    public_id="2603.01234", title="Tides of $x$", abstract="", authors=[{"name": "Ada Holm"}, {"name": "Wei Wang"}],
    categories=[], primary_category="", published_at=None, announced_on=date(2026, 3, 4), version=1, doi="",
    journal_ref="", comment="", venue="", links={}, withdrawn_at=None)
assert "".join(format_papers([paper], "ref")) == (
    "Ada Holm, Wei Wang (2026). Tides of x. https://arxiv.org/abs/2603.01234\\n")
assert resolve("/papers/2603.01234.ref").kwargs == resolve("/papers/2603.01234.bib").kwargs | {"form": "ref"}
"""
FREQUENCY = """
from itertools import islice
from digests.forms.preferences import _OFTEN
from digests.schedule import FREQUENCIES, RecurrenceRule, next_slot, period_for

assert list(FREQUENCIES) == ["daily", "weekly", "fortnightly", "monthly"]
assert ("fortnightly", "fortnightly") in _OFTEN
rule = RecurrenceRule("fortnightly", "Europe/Berlin", time(7, 30), weekday=2)
dates = list(islice(FREQUENCIES["fortnightly"].dates(rule, date(2026, 12, 20)), 4))
assert all(on.weekday() == 2 for on in dates), dates
assert {later - on for on, later in zip(dates, dates[1:])} == {timedelta(days=14)}
slot = next_slot(rule, after=datetime(2026, 12, 20, tzinfo=UTC))
assert slot.on == dates[0] and slot.due_at.hour == 6
assert period_for(rule, slot.on) == (slot.on - timedelta(days=14), slot.on)
"""
THEME = """
from pathlib import Path
from django.template.loader import get_template
from papers.web.theme import chosen_theme

assert chosen_theme({"broadsheet_theme": "sepia"}) == "sepia"
assert ':root[data-theme="sepia"] {' in Path("static/css/tokens.css").read_text()
page = get_template("base.html").template.source
assert page.index('action="{% url \\'papers:theme\\' %}"') < page.index('value="sepia"') < page.index('class="menu"')
"""
QUERY = """
from papers.query.nodes import Not, VersionTerm
from papers.query.parser import parse
from papers.services.search.selectivity import estimate_share
from papers.services.search.word_statistics import WordFrequencies

assert parse("version:2").root == VersionTerm(2)
assert parse("-version:2").root == Not(VersionTerm(2)) == parse(str(parse("-version:2"))).root
assert parse("version:new").problems == ("version: takes a number, such as version:2.",)
assert 0 < estimate_share(VersionTerm(2), WordFrequencies(100, 50.0, 1, {}), {}) < 1
"""
QUERY_ASKED = """
from django.db import transaction
from papers.models import Paper
from papers.services.topics.bitset_evaluator import BitsetEvaluator, PaperBatch, ViewerQuery
from tests.support import factories

with transaction.atomic():
    made = [factories.paper(version=version).pk for version in (None, 1, 2, 3)]
    batch = PaperBatch(made)
    for text, places in {"version:2": (2, 3), "-version:2": (0, 1), "version:3 OR -version:1": (0, 3)}.items():
        query = parse(text)
        bits = BitsetEvaluator(batch, [query.root], today=factories.TODAY).bits(ViewerQuery(query.root))
        found = Paper.objects.matching(query, today=factories.TODAY).filter(pk__in=made).values_list("pk", flat=True)
        assert set(batch.ids_at(bits)) == set(found) == {made[place] for place in places}, text
    transaction.set_rollback(True)
"""
API = """
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from config.api_urls import api
from tests.support import factories

schema = api.get_openapi_schema()
assert schema["paths"]["/api/v1/categories"]["get"]["operationId"] == "list_categories"
with transaction.atomic():
    factories.source("arxiv_rss", categories=["cs.AI"])
    cache.clear()
    answer = Client(headers={"host": settings.SITE.host}).get("/api/v1/categories")
    transaction.set_rollback(True)
assert answer.status_code == 200, answer.content
assert answer.json()["items"][0] == {"code": "cs.AI", "name": "Artificial Intelligence"}, answer.content
"""

PARTS = {
    "a source fetches, and its papers are stored": SOURCE + SOURCE_STORED,
    "a citation format writes and has addresses": FORMAT,
    "a frequency has dates and a choice in the form": FREQUENCY,
    "a theme can be chosen": THEME,
    "a resource of the API answers": API,
    "an operator is parsed and estimated, and search and topics agree on it": QUERY + QUERY_ASKED,
}
TRY_ALL = """
import json, sys, traceback, django
django.setup()
report = {}
for name, script in json.loads(sys.argv[1]).items():
    try:
        exec("from datetime import date, datetime, time, timedelta, UTC" + script, {})
    except BaseException:
        report[name] = traceback.format_exc()
    else:
        report[name] = ""
print(json.dumps(report))
"""


def examples() -> dict[str, list[Change]]:
    return read_examples(PAGE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree with all examples of the page in it."""
    folder = tmp_path_factory.mktemp("extended")
    copy_tree(ROOT, folder, (*TREE, *SUPPORT))
    for changes in examples().values():
        apply_changes(folder, changes)
    return folder


@pytest.fixture
def report(copy: Path, db: None, shared: dict[str, str]) -> dict[str, str]:
    """By the name of a part, with what error it ended; nothing where all is well. One process tries them all."""
    if not shared:
        address = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
        ended = run(copy, "-c", TRY_ALL, json.dumps(PARTS), DATABASE_URL=address)
        assert ended.returncode == 0, ended.stderr
        shared.update(json.loads(ended.stdout.splitlines()[-1]))
    return shared


@pytest.fixture(scope="module")
def shared() -> dict[str, str]:
    return {}


def run(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A Python in a copy, which imports from there."""
    surroundings = {**os.environ, "PYTHONPATH": str(folder), **variables}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=surroundings, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("part", PARTS)
def test_what_the_page_adds_works(report: dict[str, str], part: str) -> None:
    assert report[part] == ""


def test_mypy_refuses_a_node_that_a_match_forgot(tmp_path: Path) -> None:
    copy_tree(ROOT, tmp_path, ("papers",))
    changes = examples()[OPERATOR]
    apply_changes(tmp_path, [change for change in changes if change.path not in MATCHES])
    refused = mypy(tmp_path)
    assert set(re.findall(r'(\S+\.py):\d+: .*"assert_never".*"VersionTerm"', refused)) == set(MATCHES), refused
    apply_changes(tmp_path, [change for change in changes if change.path in MATCHES])
    assert "assert_never" not in mypy(tmp_path)


def mypy(folder: Path) -> str:
    """What it says of the nodes and the three matches, as if all else had any type: that takes seconds."""
    options = (
        "--config-file=",
        "--strict",
        "--follow-imports=skip",
        "--ignore-missing-imports",
        "--cache-dir=.mypy_cache",
    )
    return run(folder, "-m", "mypy", *options, "papers/query/nodes.py", *MATCHES).stdout


def test_the_table_counts_the_files_of_each_example() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(an? [^\]]+)\]\(#\S+\) \| (\S+) \| (\S+) \|", text, re.MULTILINE)
    said = {name[0].upper() + name[1:]: (new, changed) for name, new, changed in rows}
    counted = {
        heading: tuple(
            str(len({change.path for change in changes if bool(change.hunks) == has_hunks})).replace("0", "–")
            for has_hunks in (False, True)
        )
        for heading, changes in examples().items()
        if changes
    }
    assert said == counted
    assert len(said) == 6


def test_an_example_that_no_longer_fits_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\ny = 1\ny = 1\n", "utf-8")
    for old in ("x = 2", "y = 1"):
        [[change]] = read_examples(f"## A\n```diff\n--- a/a.py\n+++ b/a.py\n@@\n-{old}\n+z = 1\n```\n").values()
        with pytest.raises(ExampleError):
            apply_changes(tmp_path, [change])
    with pytest.raises(ExampleError):
        apply_changes(tmp_path, [Change("a.py", content="x = 2\n")])
