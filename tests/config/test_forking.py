"""The supervisor's side of the fork server: whom it believes, and what it does where nobody answers."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.local.forking import ForkServer, fork_servers, forks_of
from config.local.programs import Program

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is forked")
PART = Program("part", ("celery",), stage=1, stop_seconds=1)


def first_server(folder: Path) -> ForkServer:
    return fork_servers([folder / "fork.sock", folder / "fork2.sock"])[0]


@pytest.fixture
def answered(tmp_path: Path) -> Iterator[list[bytes]]:
    """A server at `tmp_path / "fork.sock"` that answers with the first of these; what came is put behind it."""
    said = [b"4711\n"]
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "fork.sock"))
        listener.listen(1)

        def answer() -> None:
            with listener.accept()[0] as connection:
                connection.settimeout(5)
                said.append(connection.recv(1000))
                connection.sendall(said[0])
                said.append(connection.recv(1000))

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield said
        thread.join(5)


def test_the_process_that_was_forked_is_told_to_go_on(answered: list[bytes], tmp_path: Path) -> None:
    server = first_server(tmp_path)
    assert server.fork(PART, log=tmp_path / "log", parent=os.getpid()) == 4711
    while len(answered) < 3:
        time.sleep(0.01)
    assert b'"arguments": ["celery"]' in answered[1]
    assert answered[2] == b"go\n"


@pytest.mark.parametrize("said", [b"\n", b"no\n", b"47"])
def test_an_answer_that_is_none_forks_nothing(answered: list[bytes], tmp_path: Path, said: bytes) -> None:
    answered[0] = said
    assert first_server(tmp_path).fork(PART, log=tmp_path / "log", parent=os.getpid()) == 0


def test_where_nobody_listens_nothing_is_forked(tmp_path: Path) -> None:
    server = first_server(tmp_path)
    assert not server.is_ready()
    assert server.fork(PART, log=tmp_path / "log", parent=os.getpid()) == 0


def test_where_the_first_is_gone_the_one_that_stands_by_forks_it_too(
    answered: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.local.forking.become_subreaper", lambda: None)
    first, spare = fork_servers([tmp_path / "gone.sock", tmp_path / "fork.sock"])
    fork = forks_of([first, spare])
    assert fork(spare, tmp_path / "log") == 0  # nobody forks itself
    assert fork(first, tmp_path / "log") == 4711
    while len(answered) < 3:
        time.sleep(0.01)
    assert b'"arguments": ["config.fork_server", ' in answered[1]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has another account to be")
def test_another_account_s_server_is_not_believed(tmp_path: Path) -> None:
    """It would name a process of its choice, which we would stop one day with our own rights."""
    path = tmp_path / "fork.sock"
    ready, told = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(path))
            os.setuid(65534)
            listener.listen(1)
            os.write(told, b"x")
            listener.accept()[0].sendall(b"1\n")
        finally:
            os._exit(0)
    os.read(ready, 1)
    assert first_server(tmp_path).fork(PART, log=tmp_path / "log", parent=os.getpid()) == 0
    os.waitpid(pid, 0)
