"""Browsers that are slow on purpose hold a socket and nothing else: everybody beside them is answered at once."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from config.local.paths import PROJECT
from tests.support.small_app import LARGE

pytestmark = pytest.mark.slow

GET = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def web_server(
    tmp_path: Any, before: Callable[[], None] | None = None
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The product's web server, with its settings, and a small application: two processes of four threads."""
    port = free_port()
    environment = {**os.environ, "BROADSHEET_DATA_DIR": str(tmp_path), "PYTHON_DOTENV_DISABLED": "1"}
    command = ("gunicorn", "-c", "python:config.gunicorn", "--bind", f"127.0.0.1:{port}", "tests.support.small_app")
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=PROJECT, env=environment, preexec_fn=before)
    try:
        for _ in range(200):
            with suppress(OSError):
                ask(port)
                break
            time.sleep(0.1)
        yield port, process
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with web_server(tmp_path_factory.mktemp("web")) as (found, _):
        yield found


def ask(
    port: int, method: str = "GET", path: str = "/", body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def connect(port: int, *, window: int = 0) -> socket.socket:
    client = socket.socket()
    if window:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    client.settimeout(10)
    client.connect(("127.0.0.1", port))
    return client


def drips(port: int, before: bytes, count: int) -> Iterator[socket.socket]:
    for _ in range(count):
        client = connect(port)
        client.sendall(before)
        yield client


def slow_heads(port: int) -> list[socket.socket]:
    return list(drips(port, GET + b"X-Slow: ", 40))


def slow_bodies(port: int) -> list[socket.socket]:
    return list(drips(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\na", 40))


def idle(port: int) -> list[socket.socket]:
    return [connect(port) for _ in range(300)]


def slow_readers(port: int) -> list[socket.socket]:
    found = [connect(port, window=2048) for _ in range(40)]
    for client in found:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    return found


def those_that_never_leave(port: int) -> list[socket.socket]:
    """They ask for the connection to be closed, and hold their own end of it."""
    return list(drips(port, GET + b"Connection: close\r\n\r\n", 40))


def bad_requests_that_never_leave(port: int) -> list[socket.socket]:
    return list(drips(port, b"G@T / HTTP/9.9\r\nHost: x\r\n\r\n", 40))


@pytest.mark.parametrize(
    "attack",
    [slow_heads, slow_bodies, idle, slow_readers, those_that_never_leave, bad_requests_that_never_leave],
)
def test_others_are_answered_as_if_nobody_attacked(port: int, attack: Callable[[int], list[socket.socket]]) -> None:
    attackers = attack(port)
    ended = threading.Event()

    def drip() -> None:
        while not ended.wait(0.3):
            for client in attackers:
                with suppress(OSError):
                    client.sendall(b"a")

    dripping = threading.Thread(target=drip)
    if attack in (slow_heads, slow_bodies):
        dripping.start()
    try:
        times = []
        for _ in range(40):
            begun = time.monotonic()
            assert ask(port)[0] == 200
            times.append(time.monotonic() - begun)
            time.sleep(0.05)
        assert sorted(times)[37] < 0.5, times  # quiet: a few milliseconds
    finally:
        ended.set()
        if dripping.ident:
            dripping.join()
        for client in attackers:
            client.close()


def test_a_head_that_drips_is_ended(port: int) -> None:
    (client,) = drips(port, GET, 1)
    silent = connect(port)
    begun = time.monotonic()
    answer = b""
    while time.monotonic() - begun < 20:
        try:
            client.sendall(b"a")
            client.settimeout(0.5)
            answer += client.recv(1000)
            break
        except TimeoutError:
            continue
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert 8 < time.monotonic() - begun < 15
    silent.settimeout(5)
    assert silent.recv(10) == b""
    client.close()
    silent.close()


def test_large_things_come_through_whole(port: int) -> None:
    body = os.urandom(1000) * 10_000
    assert ask(port, "POST", "/", body) == (200, f"{len(body)} {hashlib.sha256(body).hexdigest()}".encode())
    assert ask(port, "GET", "/large") == (200, LARGE)
    assert ask(port, "GET", "/parts") == (200, b"part\n" * 1000)
    assert ask(port, "POST", "/unread", body) == (200, b"ok")


def test_long_bodies_are_answered_one_after_another_and_nobody_waits_for_them(port: int) -> None:
    bodies = [
        threading.Thread(target=ask, args=(port, "POST", "/parsed", b"x" * 100_000), daemon=True) for _ in range(12)
    ]
    for body in bodies:
        body.start()
    taken = []
    while any(body.is_alive() for body in bodies):
        started = time.monotonic()
        assert ask(port)[0] == 200
        taken.append(time.monotonic() - started)
        time.sleep(0.02)
    assert max(taken) < 0.4


def test_a_slow_but_honest_reader_gets_all_of_a_large_answer(port: int) -> None:
    client = connect(port, window=4096)
    client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    received = bytearray()
    begun = time.monotonic()
    while data := client.recv(65536):
        received += data
        if time.monotonic() - begun < 3:
            time.sleep(0.05)
    assert bytes(received).endswith(LARGE)
    client.close()


def test_connections_are_kept_and_requests_may_come_together(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for body in (b"", b"x" * 100_000, b"y"):
        connection.request("POST", "/", body)
        assert connection.getresponse().read().startswith(str(len(body)).encode())
    connection.close()
    client = connect(port)
    post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    client.sendall(post + GET + b"\r\n" + post + GET + b"Connection: close\r\n\r\n")
    received = b""
    while data := client.recv(65536):
        received += data
    assert received.count(b"HTTP/1.1 200 OK") == 4
    assert received.count(b"\r\n\r\n3 ") == received.count(b"\r\n\r\n0 ") == 2
    client.close()


def test_who_waits_to_be_told_to_go_on_is_told_so(port: int) -> None:
    client = connect(port)
    client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sendall(b"abc")
    assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")
    client.close()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 300000000\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", b"400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\nabcdef", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n", b"400"),
        (b"nonsense\r\n\r\n", b"400"),
        (GET + b"X: " + b"a" * 70_000, b"431"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", b"414"),
    ],
)
def test_what_is_refused(port: int, head: bytes, status: bytes) -> None:
    client = connect(port)
    client.sendall(head)
    assert client.recv(1000).split(b" ", 2)[1] == status
    client.close()


def test_headers_change_nothing_but_their_own_variables(port: int) -> None:
    said = {"SCRIPT_NAME": "//evil", "Script-Name": "//evil", "PATH_INFO": "/other", "REMOTE_USER": "ada"}
    said |= {"X-Forwarded-Proto": "https", "X-Forwarded-For": "1.2.3.4"}
    status, body = ask(port, path="/environ", headers=said)
    environ = json.loads(body)
    assert status == 200
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"], environ["wsgi.url_scheme"]) == ("", "/environ", "http")
    assert (environ["REMOTE_ADDR"], environ["HTTP_X_FORWARDED_FOR"]) == ("127.0.0.1", "1.2.3.4")
    assert environ["HTTP_X_FORWARDED_PROTO"] == "https"
    assert "REMOTE_USER" not in environ


def test_it_stops_soon_beside_idle_connections(tmp_path: Any) -> None:
    with web_server(tmp_path) as (port, process):
        waiting = [connect(port) for _ in range(20)]
        time.sleep(0.5)
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
        assert time.monotonic() - begun < 8
        for client in waiting:
            client.close()


def test_where_few_files_may_be_open_the_oldest_makes_room(tmp_path: Any) -> None:
    def few_files() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))

    with web_server(tmp_path, few_files) as (port, _):
        waiting = [connect(port) for _ in range(250)]
        for _ in range(10):
            assert ask(port)[0] == 200
        for client in waiting:
            client.close()
