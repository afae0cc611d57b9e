"""`manage.py up` as an operator meets it: real processes, killed and stopped, on folders of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from django.conf import settings

from config.local.paths import DataDir
from config.local.processes import command_line, process_identity
from tests.e2e.running_site import ROOT, free_port, site_environment, wait_for_line
from tests.support.prepared_site import copy_prepared

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("running")]

EMBEDDED = ("0-postgres", "0-valkey")
PARTS = ("1-embedder", "1-fetcher", "1-forkserver", "1-forkserver2", "1-mailer", "1-worker", "2-beat", "2-web")


class Running:
    """One `manage.py up` and its data folder."""

    def __init__(self, process: subprocess.Popen[str], environment: dict[str, str]) -> None:
        self.process = process
        self.data = DataDir(environment["BROADSHEET_DATA_DIR"])
        self.url = f"http://127.0.0.1:{environment['PORT']}"

    def pid_of(self, part: str) -> int:
        """The process of a part; 0 while there is none."""
        try:
            return int((self.data.run_dir / f"{part}.pid").read_text(encoding="utf-8").split()[0])
        except FileNotFoundError:
            return 0

    def parts(self) -> list[str]:
        return sorted(path.stem for path in self.data.run_dir.glob("*.pid"))

    def page(self, path: str = "/health/ready") -> int:
        """The status of a page; 0 when nobody answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return int(answer.status)
        except OSError as error:
            return int(getattr(error, "code", 0))


@contextmanager
def up(environment: dict[str, str]) -> Iterator[Running]:
    """Start it and wait until it is ready; it is killed in the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_for_line(process, "(Ctrl-C stops it)")
        yield Running(process, environment)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def refused(environment: dict[str, str], command: str = "up", *words: str) -> str:
    """What a start says that does not come about: its one line."""
    full = [sys.executable, "manage.py", command, *words, "--no-color"]
    ended = subprocess.run(full, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.stderr


def wait_until(is_so: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def listing(folder: Path) -> list[tuple[str, int, int, int]]:
    """What lies in a folder: names, rights, owners."""
    entries = ((path.name, path.lstat()) for path in [folder, *folder.iterdir()])
    return sorted((name, found.st_mode, found.st_uid, found.st_gid) for name, found in entries)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home folder and working place of an account; the data folder `data` is in it."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def environment(home: Path) -> dict[str, str]:
    return {**site_environment(home / "data", free_port(), None), "HOME": str(home)}


@pytest.fixture(scope="module")
def running(environment: dict[str, str]) -> Iterator[Running]:
    with up(environment) as started:
        yield started


# --- one start, for all of these -------------------------------------------------------------------------------------


def test_all_parts_run_and_the_first_page_is_an_edition(running: Running) -> None:
    assert running.parts() == [*EMBEDDED, *PARTS]
    assert running.page() == 200
    assert running.page("/") == 200


def test_headers_of_a_proxy_s_clients_change_no_link(running: Running) -> None:
    asked = urllib.request.Request(running.url, headers={"SCRIPT_NAME": "//evil.example", "PATH_INFO": "/status"})
    for page in (asked, running.url):
        with urllib.request.urlopen(page, timeout=10) as answer:
            text = answer.read().decode()
        assert 'href="/papers/' in text
        assert "evil.example" not in text


@contextmanager
def pulse(running: Running) -> Iterator[list[float]]:
    """How long `/health/live` took to answer, each time it was asked meanwhile."""
    taken: list[float] = []
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            start = time.monotonic()
            assert running.page("/health/live") == 200
            taken.append(time.monotonic() - start)
            is_over.wait(0.02)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield taken
    finally:
        is_over.set()
        asking.join()


def signed_in(running: Running, environment: dict[str, str]) -> httpx.Client:
    """A browser that came by a one-time link."""
    command = [sys.executable, "manage.py", "login_link", "admin@localhost"]
    link = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout.split()
    browser = httpx.Client(base_url=running.url, timeout=30)
    path = urlsplit(link[-1]).path
    browser.get(path)
    assert browser.post(path, data={"csrfmiddlewaretoken": browser.cookies["broadsheet_csrf"]}).status_code == 302
    return browser


def test_uploads_made_to_be_slow_hold_nobody_up(running: Running, environment: dict[str, str]) -> None:
    uploads = {
        "a.rdf": '<?xml version="1.0"?>' + "<!---->" * 40 + "<rdf/>",
        "b.bib": "@article{" + " " * 60_000 + "%",
        "c.ris": "\n" * 60_000 + "TY  - JOUR",
        "d.bib": "@article{a, title = {T}, author = {a" + "," * 50_000 + "b}, doi = {" + "10.1234.1" * 300 + "}}",
        "e.txt": "10.1234.1" * 6_000,
    }
    with closing(signed_in(running, environment)) as browser, pulse(running) as taken:
        browser.get("/library/import")
        for name, text in uploads.items():
            start = time.monotonic()
            fields = {"csrfmiddlewaretoken": browser.cookies["broadsheet_csrf"]}
            answer = browser.post("/library/import", data=fields, files={"file": (name, text.encode())})
            assert answer.status_code in (303, 422), name
            assert time.monotonic() - start < 5, name
    assert len(taken) > 3
    # The middle one of all: a busy machine may be late now and then.
    assert sorted(taken)[len(taken) // 2] < 0.2


def test_a_second_start_on_the_folder_is_refused(running: Running, environment: dict[str, str]) -> None:
    said = refused({**environment, "PORT": str(free_port())})
    assert f"already runs on the data folder {running.data.path} (process {running.process.pid})" in said


def test_a_port_that_is_taken_is_refused(running: Running, environment: dict[str, str], tmp_path: Path) -> None:
    said = refused({**environment, "BROADSHEET_DATA_DIR": str(tmp_path / "data")})
    assert "is taken by another program: choose another" in said
    assert not (tmp_path / "data" / "postgres").exists()


@pytest.mark.parametrize("part", [*PARTS, *EMBEDDED])
def test_a_part_that_is_killed_is_started_again(running: Running, part: str) -> None:
    before = running.pid_of(part)

    os.kill(before, signal.SIGKILL)

    wait_until(lambda: running.pid_of(part) not in (0, before))
    wait_until(lambda: running.page() == 200)
    assert running.page("/") == 200


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each part is started by itself")
def test_parts_are_forked_and_outlive_what_they_were_forked_from(running: Running) -> None:
    worker, forks = running.pid_of("1-worker"), running.pid_of("1-forkserver")
    status = Path(f"/proc/{worker}/status").read_text(encoding="ascii")
    assert f"\nPPid:\t{running.process.pid}\n" in status
    assert " -m config.celery_command worker " in command_line(worker)
    assert " -m config.fork_server " in command_line(forks)

    os.kill(forks, signal.SIGKILL)
    wait_until(lambda: running.pid_of("1-forkserver") not in (0, forks))

    assert running.pid_of("1-worker") == worker
    assert process_identity(worker)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each part is started by itself")
@pytest.mark.parametrize("killed", ["1-forkserver", "1-forkserver2"])
def test_nothing_is_loaded_again_after_what_forks_and_a_part_were_killed(running: Running, killed: str) -> None:
    """A reader would wait for it: five seconds of a processor."""
    before = {part: running.pid_of(part) for part in (killed, "2-web")}
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)

    wait_until(lambda: all(running.pid_of(part) not in (0, pid) for part, pid in before.items()))
    wait_until(lambda: running.page("/") == 200)

    for part in before:
        assert processor_seconds(running.pid_of(part)) < 1.5, part


def processor_seconds(pid: int) -> float:
    """What a process has used itself."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # proc(5): utime, stime


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each part is started by itself")
def test_where_nothing_can_be_forked_a_part_is_started_by_itself(running: Running) -> None:
    forks, beat = running.pid_of("1-forkserver"), running.pid_of("2-beat")
    spare = running.data.fork_sockets[1]
    os.kill(forks, signal.SIGSTOP)
    spare.rename(spare.with_suffix(".away"))
    try:
        os.kill(beat, signal.SIGKILL)
        wait_until(lambda: running.pid_of("2-beat") not in (0, beat))
        wait_until(lambda: " -m config.celery_command beat config.beat " in command_line(running.pid_of("2-beat")))
    finally:
        os.kill(forks, signal.SIGCONT)
        spare.with_suffix(".away").rename(spare)
    time.sleep(1)  # a fork that was asked for meanwhile and is late ends: nobody waits for it
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    beats = [pid for pid in pids if is_beat(running, pid)]
    assert beats == [running.pid_of("2-beat")]


def is_beat(running: Running, pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return " beat config.beat " in command_line(pid) and f"\nPPid:\t{running.process.pid}\n" in status


def test_what_the_parts_write_is_in_private_logs(running: Running) -> None:
    logs = {path.name: path.stat().st_mode & 0o777 for path in running.data.log_dir.glob("*.log")}
    assert set(logs) == {f"{part[2:]}.log" for part in (*EMBEDDED, *PARTS)}
    assert set(logs.values()) == {0o600}


# --- starts of their own -------------------------------------------------------------------------------------------


def test_a_data_folder_of_another_postgres_is_refused(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("17\n")
    said = refused({**environment, "BROADSHEET_DATA_DIR": str(tmp_path), "PORT": str(free_port())})
    assert "was made by PostgreSQL 17, and this Broadsheet brings PostgreSQL 18" in said


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux stops a child with its parent")
def test_killed_it_recovers_and_stopped_it_leaves_nothing(tmp_path: Path, prepared_site: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = {**site_environment(home / "data", free_port(), None), "HOME": str(home)}
    before = listing(home)
    copy_prepared(prepared_site, home / "data")

    with up(environment) as killed:
        first = [killed.pid_of(part) for part in killed.parts()]
        killed.process.kill()
        killed.process.wait()
        with up(environment) as again:
            assert [process_identity(pid) for pid in first] == [None] * len([*EMBEDDED, *PARTS])
            assert again.parts() == [*EMBEDDED, *PARTS]
            assert again.page() == 200
            second = [again.pid_of(part) for part in again.parts()]

            again.process.send_signal(signal.SIGINT)  # Ctrl-C
            assert again.process.wait(timeout=60) == 0

    assert [process_identity(pid) for pid in second] == [None] * len([*EMBEDDED, *PARTS])
    assert again.parts() == []
    assert not list(again.data.socket_dir.iterdir())
    assert not (again.data.postgres_dir / "postmaster.pid").exists()
    assert [entry for entry in listing(home) if entry[0] != "data"] == before  # nothing beside the data folder


@pytest.fixture
def external(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a machine that shares a database and a Redis with others."""
    name = f"running_{os.getpid()}"
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}".encode())
        yield {
            **site_environment(tmp_path / "data", free_port(), None),
            "BROADSHEET_STATIC_ROOT": str(tmp_path / "static"),
            "DATABASE_URL": urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}").geturl(),
            "REDIS_URL": settings.REDIS_URL,
            "SECRET_KEY": "a key that all machines share, long enough",
        }
        server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def test_with_a_database_and_a_redis_of_ones_own_nothing_embedded_starts(external: dict[str, str]) -> None:
    with up(external) as running:
        assert running.parts() == list(PARTS)
        assert running.page("/") == 200
        assert {path.name for path in running.data.path.iterdir()} == {"log", "run", "socket"}


def test_machines_that_are_prepared_at_once_and_a_part_alone(external: dict[str, str]) -> None:
    prepare = [sys.executable, "manage.py", "prepare"]
    at_once = [subprocess.Popen(prepare, cwd=ROOT, env=external, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate()[0] for process in at_once]
    assert [process.returncode for process in at_once] == [0, 0, 0]
    assert sum("Making the tables ready" in words for words in said) == 1
    assert sum("Collecting the static files" in words for words in said) == 1

    run = [sys.executable, "manage.py", "run", "web"]
    with subprocess.Popen(run, cwd=ROOT, env=external, text=True) as web:
        running = Running(web, external)
        wait_until(lambda: running.page() == 200)
        web.terminate()
        assert web.wait(timeout=30) == 0
    assert not running.data.path.exists()


def test_a_part_alone_wants_services_of_ones_own(environment: dict[str, str]) -> None:
    assert "Set DATABASE_URL and REDIS_URL" in refused(environment, "run", "worker")
