"""Hugging Face's own client and its command line, unmodified, against a server of ours: every call, option, format.

The client has an HTTP library of its own (httpx2). Nothing leaves this machine: the endpoint is the test's, without a
token, without telemetry and without looking for a newer version.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import transaction
from django.test import override_settings
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils._http import close_session
from pytest_django.live_server_helper import LiveServer

from papers.models import Tag, TaggedPaper
from tests.meta.source_files import ROOT
from tests.support import factories
from tests.support.factories import NOW, TODAY

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PAGE = ROOT / "docs" / "api-huggingface.md"
_BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SITE = "https://papers.example.org"


@pytest.fixture(autouse=True)
def _papers() -> Iterator[None]:
    with transaction.atomic():
        _store()
    yield
    close_session()  # a connection that is kept open keeps a thread of the server, and that one the database


def _store() -> None:
    rita = factories.user("rita")
    paper = factories.paper(
        public_id="2603.01234",
        title="Graph transformers on ice",
        abstract="They *melt*.",
        organization="CERN",
        published_at=datetime(2026, 3, 1, 7, 13, 34, tzinfo=UTC),
        vote_count=3,
        comment_count=2,
        trending_score=1.0,
        links={"code": {"url": "https://github.com/ada/ice", "found": "abstract"}},
    )
    factories.listing(paper, by="submission", user=rita)
    TaggedPaper.objects.create(tag=Tag.objects.create(user=rita, name="melting", shared_at=NOW), paper=paper)
    factories.listing(factories.paper(public_id="2603.01235", title="Plain graphs", published_at=NOW))


@pytest.fixture
def environment(live_server: LiveServer, tmp_path: Path) -> dict[str, str]:
    """What the command line sees: our server, and nothing of the surrounding account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    scripts = str(Path(sys.executable).parent)
    return {
        **kept,
        "HF_ENDPOINT": live_server.url,
        "HF_HOME": str(tmp_path),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
        "NO_COLOR": "1",
        "NO_PROXY": "*",
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
    }


def hf(environment: dict[str, str], line: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("hf")), "papers", *shlex.split(line)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def api_of(server: LiveServer) -> HfApi:
    return HfApi(endpoint=server.url, token=False)


def test_every_field_that_the_client_reads_arrives(live_server: LiveServer) -> None:
    [first, second] = api_of(live_server).list_daily_papers(date=str(TODAY))
    assert (first.id, first.title, first.summary) == ("2603.01234", "Graph transformers on ice", "They *melt*.")
    assert (first.upvotes, first.comments) == (3, 2)
    assert first.published_at == first.submitted_at == datetime(2026, 3, 1, 7, 13, 34, tzinfo=UTC)
    assert [(author.name, author.hidden) for author in first.authors or ()] == [("Ada Lovelace", False)]
    assert first.submitted_by is not None
    assert (first.submitted_by.username, first.submitted_by.fullname) == ("rita", "rita")
    assert first.organization is not None
    assert (first.organization.name, first.organization.fullname) == ("cern", "CERN")
    assert first.ai_keywords == ["melting"]
    assert first.github_repo == "https://github.com/ada/ice"
    assert (second.submitted_by, second.organization, second.ai_keywords, second.github_stars) == (None,) * 4


def test_each_argument_of_the_client_is_understood(live_server: LiveServer) -> None:
    api = api_of(live_server)

    def ids(**asked: object) -> list[str]:
        return [paper.id for paper in api.list_daily_papers(**asked)]  # type: ignore[arg-type]

    both = ["2603.01234", "2603.01235"]
    assert ids() == ids(week="2026-W10") == ids(month="2026-03") == ids(sort="publishedAt") == both
    assert ids(date=str(TODAY), sort="trending") == both
    assert (ids(limit=1), ids(limit=1, p=1), ids(p=1)) == (both[:1], both[1:], [])
    assert ids(submitter="rita") == both[:1]
    assert [paper.id for paper in api.list_papers(query="transformers", limit=5)] == both[:1]
    assert {paper.id for paper in api.list_papers()} == set(both)
    assert "Graph transformers on ice" in api.read_paper("2603.01234")
    info = api.paper_info("2603.01234v2")
    assert (info.id, info.title, info.upvotes) == ("2603.01234", "Graph transformers on ice", 3)
    assert info.submitted_at == datetime(2026, 3, 4, tzinfo=UTC)
    assert info.submitted_by is not None


def test_the_client_shows_what_is_wrong(live_server: LiveServer) -> None:
    api = api_of(live_server)
    with pytest.raises(HfHubHTTPError, match="date must be a day") as refused:
        list(api.list_daily_papers(date="yesterday"))
    assert refused.value.response.status_code == 400
    assert refused.value.request_id
    with pytest.raises(HfHubHTTPError, match="has not begun"):
        list(api.list_daily_papers(date="2199-01-01"))
    for ask in (api.paper_info, api.read_paper):
        with pytest.raises(HfHubHTTPError, match="no such paper") as missing:
            ask("2603.00000")
        assert missing.value.response.status_code == 404
    with override_settings(ACCESS="members"), pytest.raises(HfHubHTTPError, match="members only") as closed:
        list(api.list_daily_papers())
    assert closed.value.response.status_code == 401


LISTS = [
    "ls",
    f"list --date {TODAY}",
    "ls --date today",
    "ls --week 2026-W10 --limit 1",
    "ls --month 2026-03 --sort publishedAt",
    "ls --sort trending",
    "ls --submitter rita --token hf_0123456789abcdefghijklmnopqrstuvwx",
    "search transformers --limit 3",
    "info 2603.01234",
    "read 2603.01234",
]


@pytest.mark.parametrize("form", ["", "--format json", "--format quiet"])
def test_the_command_line_takes_every_option(environment: dict[str, str], form: str) -> None:
    for line in LISTS:
        done = hf(environment, f"{line} {form}")
        assert done.returncode == 0, (line, done.stderr)
        if "today" in line or (form and line.startswith("read")):
            continue  # an edition without papers, on most days; and no machine's format says Markdown
        assert "2603.01234" in done.stdout, (line, done.stdout)
        if form == "--format json":
            found = json.loads(done.stdout)
            assert (found if isinstance(found, dict) else found[0])["id"] == "2603.01234"


@pytest.mark.parametrize("form", ["--format auto", "--format human", "--format agent", "--json", "-q", "--no-truncate"])
def test_the_command_line_writes_every_format(environment: dict[str, str], form: str) -> None:
    for line in (f"ls --date {TODAY}", "search graph"):
        done = hf(environment, f"{line} {form}")
        assert done.returncode == 0, done.stderr
        assert "2603.01234" in done.stdout


def test_the_command_line_says_that_a_paper_is_not_there(environment: dict[str, str]) -> None:
    for line in ("info 2603.00000", "read 2603.00000"):
        done = hf(environment, line)
        assert done.returncode == 1
        assert "Paper '2603.00000' not found" in done.stderr


@pytest.mark.parametrize("language", ["sh", "python"])
def test_the_examples_of_the_page_work(live_server: LiveServer, environment: dict[str, str], language: str) -> None:
    blocks = [body for kind, body in _BLOCK.findall(PAGE.read_text(encoding="utf-8")) if kind == language]
    assert blocks
    program = {"sh": ["bash", "-e", "-c"], "python": [sys.executable, "-c"]}[language]
    for body in blocks:
        assert SITE in body
        body = body.replace(SITE, live_server.url).replace("curl -s ", "curl -sf ")
        done = subprocess.run([*program, body], env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert "ransformers on ice" in done.stdout
