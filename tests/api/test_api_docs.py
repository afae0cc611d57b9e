"""docs/api.md and examples/ are true: each example runs, against a site that listens."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from papers.models import LibraryItem, Submission, Tag, User, Vote
from tests.meta.source_files import ROOT
from tests.support import factories
from tests.support.api import ApiClient
from tests.support.clubs import club
from tests.support.people import reader
from tests.support.wire_server import WireServer

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = [
    pytest.param(language, text, id=f"{language} {number}")
    for number, (language, text) in enumerate(
        re.findall(r"^```(bash|python)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    )
]


@pytest.fixture
def rita() -> User:
    with transaction.atomic():
        for number, title in enumerate(("Tides in Shallow Seas", "Graphs of Ice", "Tidal Waves")):
            paper = factories.paper(public_id=f"2603.0000{number}", title=title, vote_count=number)
            factories.listing(paper, vote_count=number)
        found = reader()
        club(found, now=timezone.now())
        return found


def run(command: list[str], site: Any, user: User, **more: str) -> str:
    """What a program says that ended well."""
    surroundings = {
        "PATH": os.environ["PATH"],
        "SITE": site.url,
        "TOKEN": ApiClient(user).key,
        "PYTHONIOENCODING": "utf-8",
        **more,
    }
    ended = subprocess.run(command, env=surroundings, capture_output=True, encoding="utf-8", check=False, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.parametrize(("language", "text"), EXAMPLES)
def test_an_example_of_the_page(language: str, text: str, live_server: Any, rita: User) -> None:
    if language == "bash" and not (shutil.which("curl") and shutil.which("bash")):
        pytest.skip("no curl on this machine")
    program = ["bash", "-euo", "pipefail", "-c", text] if language == "bash" else [sys.executable, "-c", text]
    said = run(program, live_server, rita)
    if "to_read" in text:
        assert LibraryItem.objects.filter(user=rita).count() == 1
        assert not Vote.objects.exists()
    elif "submissions" in text:
        assert Submission.objects.filter(user=rita).count() == 1
    elif language == "bash":
        assert all(json.loads(line) for line in said.replace("}{", "}\n{").splitlines())


def script(name: str) -> list[str]:
    return [sys.executable, str(ROOT / "examples" / name)]


def test_today_s_papers_are_saved(live_server: Any, rita: User) -> None:
    for expected in (2, 0):
        said = run([*script("save_todays_papers.py"), "tid"], live_server, rita)
        assert said == f"{expected} saved, of 2026-03-04\n"
    assert set(LibraryItem.objects.filter(user=rita).values_list("paper__public_id", flat=True)) == {
        "2603.00000",
        "2603.00002",
    }
    assert Tag.objects.get(user=rita).papers.count() == 2


def test_tags_are_mirrored(live_server: Any, rita: User, tmp_path: Path) -> None:
    api = ApiClient(rita)
    api.put("/papers/2603.00000/tags/tides")
    api.put("/papers/2603.00001/tags/ice")
    (tmp_path / "mine.md").write_text("# Mine\n", "utf-8")
    assert run([*script("mirror_tags.py"), str(tmp_path)], live_server, rita).startswith("2 tags")
    assert "- [Tides in Shallow Seas](" in (tmp_path / "tides.md").read_text("utf-8")
    api.delete("/tags/ice")
    run([*script("mirror_tags.py"), str(tmp_path)], live_server, rita)
    assert {path.name for path in tmp_path.iterdir()} == {"mine.md", "tides.md"}


def test_the_top_five_are_posted(live_server: Any, rita: User) -> None:
    chat = WireServer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    try:
        assert run(script("post_top_five.py"), live_server, rita, CHAT=chat.url) == "3 posted, of 2026-03-04\n"
        posted = b"".join(chat.requests)
    finally:
        chat.stop()
    assert posted.startswith(b"POST / HTTP/1.1")
    first = json.loads(posted.partition(b"\r\n\r\n")[2])["text"].splitlines()[1]
    assert first.startswith("2 ▲ Tidal Waves: http")
