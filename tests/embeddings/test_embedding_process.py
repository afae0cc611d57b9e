"""The process that has the model in memory, and the commands: real sockets, real threads, a real kill."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from papers.models import SHIPPED_MODEL, EmbeddingBacklog, EmbeddingModel, Paper, PaperVector
from papers.services.embeddings import backlog, model_switch, query_vectors
from papers.services.embeddings.embedder import EmbeddingError
from papers.services.embeddings.forecast import forecast_embedding
from papers.services.embeddings.model_switch import current_model
from papers.services.embeddings.query_vectors import query_vector
from papers.services.embeddings.server import EmbedderCache, EmbeddingServer
from tests.support import factories
from tests.support.letter_model import LetterModel, embed_all

ROOT = Path(__file__).resolve().parents[2]


def is_answering() -> bool:
    try:
        return query_vectors.call_embedder({}, timeout_seconds=1.0) == {"state": "ok"}
    except (OSError, ValueError):
        return False


def eventually(happened: Callable[[], bool], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def address(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "embedder.sock"
    settings.EMBEDDER = f"unix://{path}"
    monkeypatch.setattr(query_vectors._Pause, "until", 0.0)
    monkeypatch.setattr(query_vectors, "QUERY_TIMEOUT_SECONDS", 5.0)  # a busy machine is no failure here
    return path


@pytest.fixture
def server(address, transactional_db) -> Iterator[EmbeddingServer]:
    server = EmbeddingServer(
        clock=timezone.now, threads=2, models=EmbedderCache(lambda name: LetterModel()), idle_seconds=0.1
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    eventually(is_answering)
    yield server
    server.stop()
    thread.join(timeout=20)
    assert not thread.is_alive()


def test_the_process_embeds_what_waits_and_answers_queries(server):
    papers = [factories.paper(title=f"frog {number}") for number in range(40)]
    model_switch.ensure_target_model(model_switch.target_model())
    backlog.enqueue_missing(SHIPPED_MODEL)
    eventually(lambda: not EmbeddingBacklog.objects.exists())
    eventually(lambda: EmbeddingModel.objects.get().vector_count == len(papers))
    assert PaperVector.objects.count() == len(papers)
    model_switch.invalidate_current_model()
    found = query_vector("  two   frogs ")
    assert found is not None
    assert (found.model, len(found.vector)) == (SHIPPED_MODEL, 384)
    server.stop()
    eventually(lambda: not is_answering())
    assert query_vector("two frogs") == found  # kept in the cache


@pytest.mark.parametrize(
    "line", [b"\n", b"[]\n", b"{\n", b'{"text": 1}\n', b"\xff\xfe\n", b"[" * 15000 + b"\n", b"x" * 30000]
)
def test_whatever_is_sent_there_gets_an_answer_or_none_and_the_next_one_is_served(server, address, line):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(address))
        connection.sendall(line)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(1000)
    assert answer == b"" or b'"error"' in answer or answer == b'{"state": "ok"}\n'
    assert is_answering()


def test_a_model_that_cannot_be_loaded_leaves_search_to_words(address, transactional_db):
    def load(name: str) -> LetterModel:
        raise EmbeddingError("No such model here.")

    factories.paper()
    model_switch.ensure_target_model(model_switch.target_model())
    embed_all()
    server = EmbeddingServer(clock=timezone.now, threads=1, models=EmbedderCache(load), idle_seconds=0.1)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    eventually(is_answering)
    assert current_model() is not None
    assert query_vector("frogs") is None
    server.stop()
    thread.join(timeout=20)


def test_a_process_that_does_not_answer_costs_a_page_a_tenth_of_a_second_once(address, transactional_db, monkeypatch):
    monkeypatch.setattr(query_vectors, "QUERY_TIMEOUT_SECONDS", 0.1)
    factories.paper()
    model_switch.ensure_target_model(model_switch.target_model())
    embed_all()
    current_model()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(address))
        silent.listen(8)
        began = time.monotonic()
        assert query_vector("frogs") is None
        assert 0.08 < time.monotonic() - began < 1
        began = time.monotonic()
        assert query_vector("ponds") is None
        assert time.monotonic() - began < 0.05


@pytest.mark.parametrize(("loads_in", "is_found"), [(0.4, True), (3.0, False)])
def test_a_page_waits_a_second_for_a_model_that_wakes_and_not_longer(
    address: Path, transactional_db: None, monkeypatch: pytest.MonkeyPatch, loads_in: float, is_found: bool
) -> None:
    monkeypatch.setattr(query_vectors, "QUERY_TIMEOUT_SECONDS", 0.25)
    go = threading.Event()

    def load(name: str) -> LetterModel:
        go.wait(timeout=20)
        time.sleep(loads_in)
        return LetterModel()

    factories.paper(title="frogs")
    model_switch.ensure_target_model(model_switch.target_model())
    embed_all()
    assert current_model() is not None
    server = EmbeddingServer(clock=timezone.now, threads=1, models=EmbedderCache(load), idle_seconds=0.1)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    eventually(is_answering)
    began = time.monotonic()
    go.set()
    found = Client().get("/papers", {"q": "frogs"}).content.decode()
    assert ("Matched by words only" not in found) == is_found
    if not is_found:
        assert query_vectors.WAKING_TIMEOUT_SECONDS <= time.monotonic() - began < loads_in
    server.stop()
    thread.join(timeout=20)


# --- models that follow one another ---------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_old_model_serves_until_the_new_one_is_ready_and_is_then_removed(settings):
    for number in range(20):
        factories.paper(title=f"frog {number}")
    model_switch.ensure_target_model(model_switch.target_model())
    embed_all()
    settings.EMBEDDINGS_URL, settings.EMBEDDINGS_MODEL = "http://127.0.0.1:9/v1", "other"
    new = model_switch.ensure_target_model(model_switch.target_model())
    assert new is not None
    other = LetterModel(dimensions=40)
    from papers.services.embeddings import worker

    worker.embed_batch(other, "other", clock=lambda: factories.NOW, limit=16)
    assert not model_switch.promote_when_ready(now=factories.NOW)
    assert current_model() == model_switch.CurrentModel(SHIPPED_MODEL, 384)
    assert model_switch.delete_superseded_vectors() == 0
    embed_all(other)
    assert model_switch.promote_when_ready(now=factories.NOW)
    assert current_model() == model_switch.CurrentModel("other", 40)
    assert model_switch.delete_superseded_vectors() == 20
    assert set(PaperVector.objects.values_list("model", flat=True)) == {"other"}
    assert list(EmbeddingModel.objects.values_list("name", "serves", "is_target")) == [("other", True, True)]


@pytest.mark.django_db(transaction=True)
def test_an_index_that_a_kill_left_half_built_is_built_again():
    from django.db import connection

    row = EmbeddingModel.objects.create(name="other", dimensions=3, is_target=True, serves=True)
    model_switch.ensure_index(row)
    with connection.cursor() as cursor:
        name = model_switch.hnsw_index_name("other")
        cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [name])
        model_switch.ensure_index(row)
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass", [name])
        assert cursor.fetchone() == (True,)
        cursor.execute(f"DROP INDEX {name}")


# --- commands -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_command_embeds_all_that_waits_and_says_so(capsys, monkeypatch):
    monkeypatch.setattr("papers.services.embeddings.worker.load_embedder", lambda name: LetterModel())
    for _ in range(5):
        factories.paper()
    call_command("embed", limit=3)
    assert "3 papers embedded, 2 waiting" in capsys.readouterr().out
    call_command("embed", threads=2)
    assert "5 papers embedded, 0 waiting" in capsys.readouterr().out
    PaperVector.objects.all().delete()
    call_command("embed", all_papers=True)
    assert PaperVector.objects.count() == 5
    call_command("embed", status=True)
    assert f"{SHIPPED_MODEL}: " in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_says_what_it_takes_and_stores_nothing(capsys, monkeypatch):
    monkeypatch.setattr("papers.services.embeddings.worker.load_embedder", lambda name: LetterModel(dimensions=1024))
    call_command("embed", dry_run=True)
    assert "no papers yet" in capsys.readouterr().out
    for _ in range(5):
        factories.paper()
    call_command("embed", dry_run=True)
    said = capsys.readouterr().out
    assert f"{SHIPPED_MODEL}: 5 papers to embed. 5 of them took 0." in said
    assert "hours with 1 thread." in said
    assert "1,024 dimensions: about 0 MB" in said
    assert not PaperVector.objects.exists()
    assert not EmbeddingModel.objects.exists()
    assert not EmbeddingBacklog.objects.exists()
    monkeypatch.setattr("papers.services.embeddings.worker.load_embedder", lambda name: LetterModel(is_broken=True))
    with pytest.raises(CommandError, match=r"The letters are gone\. Nothing was stored"):
        call_command("embed", dry_run=True)


@pytest.mark.django_db
def test_a_forecast_reckons_with_time_and_disk():
    for _ in range(3):
        factories.paper(title="Frog", abstract="x" * 95)
    ticks = iter([0.0, 6.0])
    found = forecast_embedding(LetterModel(dimensions=500), EmbeddingModel(name="other"), clock=lambda: next(ticks))
    assert found is not None
    assert (found.papers, found.sampled, found.seconds_each, found.characters_each) == (3, 3, 2.0, 100)
    assert (found.seconds(1), found.seconds(2)) == (6.0, 3.0)
    assert 3 * 2 * 2 * 500 < found.bytes < 3 * 3_000


@pytest.mark.django_db(transaction=True)
def test_the_command_fails_in_a_sentence_when_the_model_does(monkeypatch, settings):
    monkeypatch.setattr("papers.services.embeddings.worker.load_embedder", lambda name: LetterModel(is_broken=True))
    factories.paper()
    with pytest.raises(CommandError, match=r"The letters are gone\..*goes on from there"):
        call_command("embed")
    settings.EMBEDDINGS = False
    with pytest.raises(CommandError, match="turned off"):
        call_command("embed")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_in_the_middle_it_loses_nothing(settings, tmp_path):
    for number in range(60):
        factories.paper(title=f"Paper {number}", abstract="Word after word. " * 40)
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(settings),
        "BROADSHEET_EMBEDDER": f"unix://{tmp_path / 'embedder.sock'}",
    }
    command = [sys.executable, "manage.py", "embed", "--serve"]
    first = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=(tmp_path / "log").open("w"))
    try:
        eventually(lambda: PaperVector.objects.exists(), seconds=100)
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    done, waits = PaperVector.objects.count(), EmbeddingBacklog.objects.count()
    assert (done + waits, waits > 0) == (60, True)
    EmbeddingBacklog.objects.update(not_before=factories.NOW)  # the lease of the killed one has run out
    call_command("embed")
    assert PaperVector.objects.count() == Paper.objects.count() == 60


def database_url(settings) -> str:
    """That of this test's own database, on the server of the run."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{settings.DATABASES['default']['NAME']}").geturl()


# --- only while it is needed ----------------------------------------------------------------------------------------


@pytest.fixture
def sleeper(settings, tmp_path, transactional_db, monkeypatch) -> Iterator[subprocess.Popen[bytes]]:
    """The embedder with a small model, which sleeps after two seconds."""
    settings.EMBEDDER = f"unix://{tmp_path / 'embedder.sock'}"
    monkeypatch.setattr(query_vectors._Pause, "until", 0.0)
    monkeypatch.setattr(query_vectors, "QUERY_TIMEOUT_SECONDS", 30.0)  # a busy machine is no failure here
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(settings),
        "BROADSHEET_EMBEDDER": settings.EMBEDDER,
    }
    command = [sys.executable, "-m", "tests.support.small_embedder"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=(tmp_path / "log").open("w"))
    eventually((tmp_path / "embedder.sock").exists, seconds=200)
    yield process
    process.terminate()
    assert process.wait(timeout=60) == 0
    assert not (tmp_path / "embedder.sock").exists()


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_it_sleeps_when_nobody_needs_it_and_wakes_for_a_paper_and_for_a_query(sleeper):
    eventually(lambda: not children(sleeper.pid), seconds=200)  # it had looked once, and found nothing to do
    factories.paper(title="frogs")
    backlog.enqueue_missing(SHIPPED_MODEL)
    eventually(lambda: PaperVector.objects.exists(), seconds=200)
    eventually(lambda: not children(sleeper.pid), seconds=200)  # it keeps house once more

    model_switch.invalidate_current_model()
    assert query_vector("a question that waits for the model") is not None
    assert len(children(sleeper.pid)) == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_server_that_is_killed_is_there_again_for_the_next_query(sleeper):
    factories.paper(title="frogs")
    backlog.enqueue_missing(SHIPPED_MODEL)
    eventually(lambda: PaperVector.objects.exists(), seconds=200)
    eventually(lambda: EmbeddingModel.objects.filter(serves=True).exists(), seconds=200)
    model_switch.invalidate_current_model()
    for pid in children(sleeper.pid):
        os.kill(pid, signal.SIGKILL)
    assert query_vector("another question") is not None
    assert sleeper.poll() is None


def test_a_model_that_takes_long_to_load_says_so_and_is_waited_for(address, transactional_db, monkeypatch):
    monkeypatch.setattr(query_vectors, "QUERY_TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr(query_vectors, "WAKING_TIMEOUT_SECONDS", 10.0)

    def load(name: str) -> LetterModel:
        time.sleep(1.0)
        return LetterModel()

    factories.paper()
    model_switch.ensure_target_model(model_switch.target_model())
    embed_all()
    current_model()
    server = EmbeddingServer(clock=timezone.now, threads=1, models=EmbedderCache(load), idle_seconds=0.1)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    eventually(is_answering)
    assert query_vector("frogs") is not None
    server.stop()
    thread.join(timeout=20)
