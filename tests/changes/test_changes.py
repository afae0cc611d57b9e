"""The log of changes: each change of a paper comes once and in order, whoever writes at once, whoever is killed."""

from __future__ import annotations

import json
import math
import random
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from papers.models import ChangedPaper, Identifier, Listing, Paper, PendingChange
from papers.services.changes import numbering
from papers.services.changes.numbering import number_changes
from papers.services.changes.read_changes import read_changes
from papers.services.reading.votes import set_vote
from papers.web.ratelimit import RATE_LIMITS, RateLimit
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.people import anonymous_client, client_of, reader

ROOT = Path(__file__).resolve().parents[2]
MIRROR = ROOT / "examples" / "mirror.py"


def ask(since: str = "", **options: Any) -> dict[str, Any]:
    answer = anonymous_client().get("/api/v1/changes", {**({"since": since} if since else {}), **options})
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def follow(copy: dict[int, Any], since: str = "", *, until: float = math.inf, **options: Any) -> str:
    """Bring a copy up to date as a mirror does, or as far as it comes by `until`; returns where it goes on."""
    while True:
        answer = ask(since, **options)
        for change in answer["changes"]:
            if change["type"] == "gone":
                copy.pop(change["key"], None)
            else:
                copy[change["key"]] = change["paper"]
        since = answer["next"]
        if not answer["has_more"] or time.monotonic() > until:
            return since


def whole() -> dict[int, Any]:
    """What a mirror that begins now would have."""
    copy: dict[int, Any] = {}
    follow(copy)
    return copy


@pytest.mark.django_db
def test_each_kind_of_change_comes_once() -> None:
    paper = factories.paper(title="One")
    first = ask()
    assert [change["paper"]["title"] for change in first["changes"]] == ["One"]
    assert ask(first["next"])["changes"] == []
    since = first["next"]
    moved = factories.paper()
    user = factories.user()
    acts: list[Any] = [
        lambda: Paper.objects.filter(pk=paper.pk).update(title="Another"),
        lambda: factories.listing(paper),
        lambda: Listing.objects.update(hidden_at=NOW),
        lambda: set_vote(user=user, paper_id=paper.pk, on=True),
        lambda: Paper.objects.filter(pk=paper.pk).update(withdrawn_at=NOW),
        lambda: Paper.objects.filter(pk=paper.pk).update(hidden_at=NOW),
        lambda: Paper.objects.filter(pk=paper.pk).update(hidden_at=None),
        lambda: Paper.objects.filter(pk=paper.pk).update(public_id="2603.77777"),
        lambda: Identifier.objects.create(scheme="url", value="https://example.org/p", paper=paper),
        lambda: Paper.objects.filter(pk=paper.pk).delete(),
    ]
    since = ask(since)["next"]
    assert Paper.objects.filter(pk=moved.pk).exists()
    kinds = []
    for act in acts:
        act()
        answer = ask(since)
        assert [change["key"] for change in answer["changes"]] == [paper.pk]
        kinds.append(answer["changes"][0]["type"])
        assert ask(answer["next"])["changes"] == []
        since = answer["next"]
    assert kinds == [*["paper"] * 5, "gone", *["paper"] * 3, "gone"]


@pytest.mark.django_db
def test_what_no_mirror_shows_is_no_change() -> None:
    paper = factories.paper()
    since = ask()["next"]
    Paper.objects.filter(pk=paper.pk).update(trending_score=3.0, changed_at=NOW + timedelta(days=1), title=paper.title)
    assert ask(since)["changes"] == []
    assert PendingChange.objects.count() == 0


@pytest.mark.django_db
def test_pages_join_and_the_log_has_one_row_a_paper() -> None:
    papers = [factories.paper() for _ in range(23)]
    for paper in papers[:9]:
        Paper.objects.filter(pk=paper.pk).update(title=f"{paper.title}, again")
        ask()
    copy: dict[int, Any] = {}
    follow(copy, limit=5)
    assert set(copy) == {paper.pk for paper in papers}
    assert ChangedPaper.objects.count() == 23
    positions = [change["key"] for change in ask()["changes"]]
    assert len(positions) == len(set(positions)) == 23


@pytest.mark.django_db
def test_what_waits_is_numbered_part_by_part_in_its_order(monkeypatch: Any) -> None:
    papers = [factories.paper() for _ in range(7)]
    monkeypatch.setattr(numbering.number_changes, "__kwdefaults__", {"most": 3})
    waiting = PendingChange.objects.count()
    assert numbering.number_waiting_changes(now=NOW) == waiting
    assert PendingChange.objects.count() == 0
    keys = list(ChangedPaper.objects.order_by("position").values_list("paper_id", flat=True))
    assert keys == [paper.pk for paper in papers]


@pytest.mark.django_db
def test_a_page_costs_the_same_for_few_and_for_many() -> None:
    counts = []
    for number in (5, 40):
        for _ in range(number):
            factories.listing(factories.paper())
        number_changes(now=NOW)
        with CaptureQueriesContext(connection) as captured:
            read_changes(after=0, limit=100)
        counts.append(len(captured))
    assert counts[0] == counts[1] == 4


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "status"),
    [
        *[("since=x", 400), ("since=WzFd.3", 400), ("since=Wy0xXQ", 400), ("since=" + "A" * 500, 422)],
        *[("limit=0", 422), ("limit=-1", 422), ("limit=x", 422), ("limit=501", 422), ("sinse=x", 422)],
    ],
)
def test_what_is_asked_wrongly_is_a_problem(query: str, status: int) -> None:
    answer = anonymous_client().get(f"/api/v1/changes?{query}")
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= set(answer.json())


@pytest.mark.django_db
def test_a_mirror_that_knows_more_than_the_site_begins_again() -> None:
    factories.paper()
    since = ask()["next"]
    ChangedPaper.objects.all().delete()  # a backup from before
    assert anonymous_client().get(f"/api/v1/changes?since={since}").status_code == 410


@pytest.mark.django_db
def test_a_site_for_members_says_so_in_json(settings: Any) -> None:
    settings.ACCESS = "members"
    answer = anonymous_client().get("/api/v1/changes")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer["Content-Type"] == "application/problem+json"
    assert client_of(reader()).get("/api/v1/changes").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_committed_late_is_not_passed_over() -> None:
    """The gap of sequences: the first writer commits last."""
    early, late = factories.paper(title="Early"), factories.paper(title="Late")
    since = ask()["next"]
    began, may_end = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with transaction.atomic():
            Paper.objects.filter(pk=early.pk).update(title="Early, changed")
            began.set()
            may_end.wait(20)
        connections.close_all()

    slow = threading.Thread(target=write_slowly)
    slow.start()
    began.wait(20)
    Paper.objects.filter(pk=late.pk).update(title="Late, changed")
    answer = ask(since)
    assert [change["paper"]["title"] for change in answer["changes"]] == ["Late, changed"]
    may_end.set()
    slow.join()
    assert [change["paper"]["title"] for change in ask(answer["next"])["changes"]] == ["Early, changed"]


@pytest.mark.django_db(transaction=True)
def test_a_mirror_beside_many_writers_ends_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RATE_LIMITS, "api-visitor", RateLimit(100_000, 60))  # it asks far oftener than a mirror would
    papers = [factories.paper() for _ in range(30)]
    users = [factories.user() for _ in range(4)]
    stop, copy, since = threading.Event(), {}, ""  # type: ignore[var-annotated]

    def write(seed: int) -> None:
        chance = random.Random(seed)
        while not stop.is_set():
            with transaction.atomic():
                paper = chance.choice(papers)
                if chance.random() < 0.3:
                    with suppress(Paper.DoesNotExist):  # another hides papers meanwhile, and those take no votes
                        set_vote(user=users[seed], paper_id=paper.pk, on=chance.random() < 0.6)
                elif chance.random() < 0.5:
                    Paper.objects.filter(pk=paper.pk).update(comment=str(chance.random()))
                else:
                    hidden = NOW if chance.random() < 0.4 else None
                    Paper.objects.filter(pk=paper.pk).update(hidden_at=hidden)
                time.sleep(chance.random() / 100)
                if chance.random() < 0.2:
                    transaction.set_rollback(True)
        connections.close_all()

    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(4)]
    for writer in writers:
        writer.start()
    until = time.monotonic() + 4
    while time.monotonic() < until:
        since = follow(copy, since, until=until, limit=random.choice([1, 3, 500]))
    died = [writer for writer in writers if not writer.is_alive()]
    stop.set()
    for writer in writers:
        writer.join()
    assert died == []
    follow(copy, since)
    assert copy == whole()
    assert set(copy) == set(Paper.objects.visible().values_list("pk", flat=True))


# --- The example, killed --------------------------------------------------------------------------------------------

WRITER = """
import random, sys, time, psycopg
chance = random.Random(int(sys.argv[2]))
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    ids = [row[0] for row in connection.execute("SELECT id FROM papers_paper ORDER BY id")]
    while True:
        with connection.transaction():
            for pk in sorted(chance.sample(ids, 3)):
                connection.execute(
                    chance.choice([
                        "UPDATE papers_paper SET comment = %(text)s WHERE id = %(pk)s",
                        "UPDATE papers_paper SET hidden_at = CASE WHEN hidden_at IS NULL THEN now() END"
                        " WHERE id = %(pk)s",
                        "UPDATE papers_paper SET vote_count = vote_count + 1 WHERE id = %(pk)s",
                    ]),
                    {"text": str(chance.random()), "pk": pk},
                )
                time.sleep(chance.random() / 200)
"""


class Killed:
    """A program that is started again whenever it was killed."""

    def __init__(self, log: Path, *command: str) -> None:
        self.command, self.log = command, log
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, *self.command], cwd=ROOT, stderr=log)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()

    def kill(self) -> None:
        self.end()
        self.start()


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[dict[str, Any]]:
    for _ in range(40):
        with transaction.atomic():
            factories.listing(factories.paper(), day=TODAY)
    given = connection.settings_dict
    database = {name: given[name] for name in ("NAME", "HOST", "PORT", "USER", "PASSWORD")}
    dsn = connection.connection.info.dsn  # without a password, which the tests' own server wants none of
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    file, site = str(tmp_path / "copy.sqlite"), f"http://127.0.0.1:{port}"
    programs = {
        "server": Killed(tmp_path / "server", "-m", "tests.support.change_server", port, json.dumps(database)),
        "writer": Killed(tmp_path / "writer", "-c", WRITER, dsn, "1"),
        "mirror": Killed(tmp_path / "mirror", str(MIRROR), site, file, "--follow", "0.05", "--limit", "7"),
    }
    yield {**programs, "file": file, "site": site}
    for program in programs.values():
        program.end()


def wait_until_it_answers(site: str) -> None:
    """A server that was killed a moment ago takes seconds to start, and on a busy machine many."""
    end = time.monotonic() + 120
    while True:
        with suppress(OSError), urllib.request.urlopen(f"{site}/api/v1/changes?limit=1", timeout=60):
            return
        assert time.monotonic() < end, "the server does not answer"
        time.sleep(0.1)


def run_trial(trial: dict[str, Any], *, kills: int) -> None:
    until = time.monotonic() + 60  # on a busy machine a writer that is killed each second never comes to write
    while not Paper.objects.exclude(comment="").exists() and time.monotonic() < until:
        time.sleep(0.1)
    for number in range(kills):
        time.sleep(random.uniform(0.1, 0.6))
        trial[("mirror", "writer", "mirror", "server")[number % 4]].kill()
    wait_until_it_answers(trial["site"])
    trial["writer"].end()
    trial["mirror"].end()
    last = [sys.executable, str(MIRROR), trial["site"], trial["file"]]
    subprocess.run(last, check=True, timeout=120, cwd=ROOT)
    with sqlite3.connect(trial["file"]) as store:
        copy = {key: json.loads(record) for key, record in store.execute("SELECT key, record FROM paper")}
    assert copy == whole()
    assert set(copy) == set(Paper.objects.visible().values_list("pk", flat=True))
    assert Paper.objects.exclude(comment="").exists(), trial["writer"].log.read_text()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_mirror_is_equal_after_kills_of_either_side(trial: dict[str, Any]) -> None:
    run_trial(trial, kills=8)


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_mirror_is_equal_after_forty_kills(trial: dict[str, Any]) -> None:
    run_trial(trial, kills=80)  # forty of the mirror, twenty of the writers and twenty of the site
