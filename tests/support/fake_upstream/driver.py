"""Starts the fake upstream, in a thread or as a process, and drives it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.support.fake_upstream.answer import UpstreamState
from tests.support.fake_upstream.behaviour import Behaviour
from tests.support.fake_upstream.catalogue import Catalogue, make_catalogue, weekdays
from tests.support.fake_upstream.server import LogEntry, UpstreamServer

ROOT = Path(__file__).resolve().parents[3]
TODAY = date(2026, 11, 20)
"""A Friday, for tests that need no other day."""


class UpstreamDriver:
    """Drives a fake upstream by its control addresses, wherever it runs."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def host(self) -> str:
        """Its host and port, as an allow-list has them."""
        return self.url.removeprefix("http://")

    def script(self, path: str, *behaviours: Behaviour) -> None:
        """Have the next requests at `path` and below answered in these ways, one after the other."""
        self._call("POST", "/_script", {"path": path, "behaviours": [each.to_json() for each in behaviours]})

    def clear_script(self) -> None:
        self._call("DELETE", "/_script")

    def log(self, path: str = "") -> list[LogEntry]:
        """The requests at `path` and below, in the order they came in."""
        entries = [LogEntry(**values) for values in self._call("GET", "/_log")]
        return [entry for entry in entries if entry.path.startswith(path)]

    def clear_log(self) -> None:
        self._call("DELETE", "/_log")

    def set(self, *, today: date | None = None, page_size: int | None = None, feed_cap: int | None = None) -> None:
        values = {"today": today and today.isoformat(), "page_size": page_size, "feed_cap": feed_cap}
        self._call("POST", "/_state", {name: value for name, value in values.items() if value is not None})

    def _call(self, method: str, path: str, values: Any = None) -> Any:
        body = None if values is None else json.dumps(values).encode()
        with urlopen(Request(self.url + path, data=body, method=method), timeout=10) as answer:
            return json.loads(answer.read() or b"null")


class FakeUpstream(UpstreamDriver):
    """A fake upstream in a thread of this process, with its catalogue at hand."""

    def __init__(self, server: UpstreamServer) -> None:
        super().__init__(server.url)
        self.state = server.state

    @property
    def catalogue(self) -> Catalogue:
        return self.state.catalogue


@contextmanager
def fake_upstream(
    catalogue: Catalogue | None = None, *, today: date = TODAY, folder: Path | None = None, port: int = 0
) -> Iterator[FakeUpstream]:
    """Serve from a thread for as long as the block lasts. Without a catalogue: 5 days of 10 papers up to today."""
    if catalogue is None:
        catalogue = make_catalogue(weekdays(today, 5), 10)
    server = UpstreamServer(UpstreamState(catalogue, today), port=port, folder=folder)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield FakeUpstream(server)
    finally:
        server.stop()
        thread.join(timeout=10)


@contextmanager
def fake_upstream_process(*arguments: str) -> Iterator[UpstreamDriver]:
    """Serve from a process of its own (`python -m tests.support.fake_upstream`), which ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.fake_upstream", "--port", "0", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline().split()
        assert line, "the fake upstream did not start; its error is above"
        yield UpstreamDriver(line[-1])
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()
