"""A Broadsheet that runs: `manage.py up` in a process of its own, on a new data folder and a free port."""

from __future__ import annotations

import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it loads what reads Django's settings, and `tests/conftest.py` loads this before they are made
    from tests.support.fake_upstream import UpstreamDriver

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Site:
    """What it said when it was ready."""

    url: str
    admin_link: str
    environment: Mapping[str, str]
    pid: int

    def link_for(self, email: str) -> str:
        """A one-time sign-in link, as an administrator prints it."""
        command = [sys.executable, "manage.py", "login_link", email]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()


@contextmanager
def running_site(
    folder: Path,
    upstream: UpstreamDriver | None = None,
    settings: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
) -> Iterator[Site]:
    """Start it, wait until it is ready, stop it in the end. Without `upstream` the sources can't be reached. `prefix`
    is a command that becomes the one that follows it."""
    port = free_port()
    environment = {**site_environment(folder, port, upstream), **(settings or {})}
    process = subprocess.Popen(
        [*prefix, sys.executable, "manage.py", "up"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said = wait_for_line(process, r"Sign in as .*: (\S+)")
        yield Site(f"http://127.0.0.1:{port}", admin_link=said, environment=environment, pid=process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def site_environment(folder: Path, port: int, upstream: UpstreamDriver | None) -> dict[str, str]:
    """Nothing of the surrounding tests' own services, and the smallest number of processes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET_", "DJANGO_"))}
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY"):
        kept.pop(name, None)
    nowhere = "http://127.0.0.1:9"  # refused by the guard: no packet leaves
    url = upstream.url if upstream else nowhere
    return {
        **kept,
        "PYTHON_DOTENV_DISABLED": "1",
        "PORT": str(port),
        "BROADSHEET_DATA_DIR": str(folder),
        "BROADSHEET_WEB_PROCESSES": "1",
        "BROADSHEET_WORKERS": "1",
        "BROADSHEET_ARXIV_RSS_URL": f"{url}/atom",
        "BROADSHEET_ARXIV_OAI_URL": f"{url}/oai",
        "BROADSHEET_ARXIV_API_URL": f"{url}/api/query",
        "BROADSHEET_HUGGINGFACE_URL": url,
        "BROADSHEET_DOI_URL": f"{url}/doi",
        "BROADSHEET_FETCH_ALLOW": upstream.host if upstream else "",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_line(process: subprocess.Popen[str], pattern: str) -> str:
    """The first group of the first line that fits. The rest of the output is read on, so that nobody blocks on it."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    seen, until = [], time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            line = lines.get(timeout=1)
        except queue.Empty:
            continue
        if line is None:
            break
        seen.append(line)
        if found := re.search(pattern, line):
            return found[1]
    raise AssertionError("Broadsheet did not start:\n" + "".join(seen))
