"""The embedded Postgres and Valkey as a supervisor starts them: rights, leftovers, recovery."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from config.local import postgres as postgres_module
from config.local.paths import MAX_SOCKET_PATH, DataDir, OperatorError
from config.local.postgres import PostgresServer, default_settings, shared_memory
from config.local.processes import Privileges, process_identity
from config.local.supervisor import Supervisor
from config.local.valkey import ValkeyServer
from tests.conftest import FAST_SETTINGS

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")


@pytest.fixture(scope="module")
def cluster() -> Iterator[DataDir]:
    """A data folder with a cluster that is not running; short path, reachable by other accounts."""
    data = DataDir(tempfile.mkdtemp(prefix="broadsheet-services-"))
    data.make()
    PostgresServer(data, settings=FAST_SETTINGS).prepare()
    yield data
    shutil.rmtree(data.path)


@contextlib.contextmanager
def running(data: DataDir) -> Iterator[tuple[Supervisor, PostgresServer]]:
    with Supervisor(data) as supervisor:
        server = PostgresServer(data, settings=FAST_SETTINGS)
        server.prepare()
        supervisor.start(server)
        supervisor.wait_for(server, seconds=30)
        yield supervisor, server


def ask(data: DataDir, sql: str) -> object:
    with psycopg.connect(host=str(data.socket_dir), user="broadsheet", dbname="postgres") as connection:
        row = connection.execute(sql.encode()).fetchone()
        assert row is not None
        return row[0]


def test_new_cluster_has_the_database_the_extension_and_a_locale_that_knows_letters(cluster: DataDir) -> None:
    with running(cluster) as (_, server):
        server.create_database()
        server.create_database()  # idempotent

        with psycopg.connect(cluster.database_url) as connection:
            row = connection.execute("SELECT lower('ÖÉŻ'), '[1,2]'::vector <-> '[1,2]', version()").fetchone()

    assert row is not None
    assert row[:2] == ("öéż", 0)
    assert row[2].startswith("PostgreSQL 18")


def test_nothing_listens_on_the_network_and_only_the_owner_reaches_the_socket(cluster: DataDir) -> None:
    with running(cluster):
        assert ask(cluster, "SHOW listen_addresses") == ""
        assert cluster.postgres_socket.stat().st_mode & 0o077 == 0
        assert cluster.socket_dir.stat().st_mode & 0o077 == 0


@needs_root
def test_started_as_root_it_runs_without_root_rights(cluster: DataDir) -> None:
    with running(cluster) as (supervisor, _):
        status = Path(f"/proc/{supervisor.pid_of('postgres')}/status").read_text(encoding="ascii")

    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert int(fields["CapEff"], 16) == 0
    assert int(fields["CapPrm"], 16) == 0


@needs_root
def test_without_user_namespaces_an_existing_account_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    account = pwd.getpwnam("nobody")
    monkeypatch.setattr(
        Privileges, "namespace", lambda: Privileges("refused")
    )  # the launcher fails on it, as on a kernel's no
    monkeypatch.setattr(postgres_module, "SERVICE_ACCOUNTS", ("nobody",))
    data = DataDir(tempfile.mkdtemp(prefix="broadsheet-account-"))
    data.make()
    try:
        with running(data) as (supervisor, server):
            if server.privileges.uid is None:
                pytest.fail(f"ran with {server.privileges}")
            valkey = ValkeyServer(data, privileges=server.privileges)
            supervisor.start(valkey)
            supervisor.wait_for(valkey, seconds=10)
            owners = {Path(f"/proc/{supervisor.pid_of(name)}").stat().st_uid for name in ("postgres", "valkey")}
        assert owners == {account.pw_uid}
        with running(data) as (_, server):  # and the folder that it left is started by the same account
            assert server.privileges.uid == account.pw_uid
    finally:
        shutil.rmtree(data.path)


@needs_root
def test_as_root_without_any_way_out_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Privileges, "namespace", lambda: Privileges("refused"))
    monkeypatch.setattr(postgres_module, "SERVICE_ACCOUNTS", ("nobody",))
    tmp_path.chmod(0o700)
    data = DataDir(tmp_path / "data")  # which nobody cannot reach
    data.make()

    with pytest.raises(OperatorError, match="start Broadsheet as an ordinary user"):
        PostgresServer(data).prepare()
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@needs_root
def test_ordinary_user_starts_and_stops_both() -> None:
    account = pwd.getpwnam("nobody")
    python = reachable_python(account.pw_uid)
    folder = Path(tempfile.mkdtemp(prefix="broadsheet-user-"))
    os.chown(folder, account.pw_uid, account.pw_gid)
    script = """
import os, sys
from config.local.paths import DataDir
from config.local.postgres import PostgresServer
from config.local.supervisor import Supervisor
from config.local.valkey import ValkeyServer
data = DataDir(sys.argv[1])
data.make()
with Supervisor(data) as supervisor:
    server = PostgresServer(data, settings={"fsync": "off"})
    server.prepare()
    for service in (server, ValkeyServer(data)):
        supervisor.start(service)
        supervisor.wait_for(service, seconds=30)
    server.create_database()
    print(os.geteuid(), server.privileges.option)
"""
    try:
        ended = subprocess.run(
            [python, "-c", script, str(folder / "data")],
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=[],
            env={"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.defpath},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ended.stdout, ended.stderr) == (f"{account.pw_uid} same\n", "")
        assert not list(folder.glob("data/run/*.pid"))
    finally:
        shutil.rmtree(folder)


def reachable_python(uid: int) -> str:
    """A Python of this version that an ordinary account can run; root's own may lie in root's home."""
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info[1]}"):
        with contextlib.suppress(OSError):
            words = [python, "-c", "import psycopg"]
            environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
            if subprocess.run(words, user=uid, env=environment, capture_output=True, check=False).returncode == 0:
                return python
    pytest.skip("no Python of this version is within an ordinary user's reach")


def test_cluster_of_another_major_version_is_refused(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    data.make()
    data.postgres_dir.mkdir()
    (data.postgres_dir / "PG_VERSION").write_text("17\n")

    with pytest.raises(OperatorError, match=r"made by PostgreSQL 17, and this Broadsheet brings PostgreSQL 18"):
        PostgresServer(data).prepare()


def test_folder_that_is_no_cluster_is_left_alone(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    data.make()
    data.postgres_dir.mkdir()

    with pytest.raises(OperatorError, match="not a PostgreSQL cluster"):
        PostgresServer(data).prepare()


def test_cluster_made_by_half_is_made_again(tmp_path: Path) -> None:
    data = DataDir(tempfile.mkdtemp(prefix="broadsheet-half-"))
    data.make()
    (data.path / "postgres.new").mkdir()
    (data.path / "postgres.new" / "PG_VERSION").write_text("18\n")
    try:
        with running(data):
            assert ask(data, "SELECT 1") == 1
    finally:
        shutil.rmtree(data.path)


def test_killed_server_is_recovered(cluster: DataDir) -> None:
    with running(cluster) as (supervisor, _):
        os.kill(supervisor.pid_of("postgres"), signal.SIGKILL)
    assert (cluster.postgres_dir / "postmaster.pid").exists()

    with running(cluster):
        assert ask(cluster, "SELECT 1") == 1


def test_lock_file_that_names_an_innocent_process_is_no_running_server(cluster: DataDir) -> None:
    with subprocess.Popen(["sleep", "60"]) as innocent:
        lock_names(cluster, innocent.pid)
        try:
            with running(cluster):
                assert ask(cluster, "SELECT 1") == 1
            assert innocent.poll() is None
        finally:
            innocent.kill()


def test_zombie_is_no_running_server(cluster: DataDir) -> None:
    zombie = subprocess.Popen(["true"])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)  # ended, and not yet buried
    assert Path(f"/proc/{zombie.pid}").exists() or sys.platform != "linux"
    lock_names(cluster, zombie.pid)

    with running(cluster):
        assert ask(cluster, "SELECT 1") == 1
    zombie.wait()


def lock_names(cluster: DataDir, pid: int) -> None:
    """Write the lock file that a killed server with this number would have left."""
    lines = [str(pid), str(cluster.postgres_dir), "1795495757", "5432", str(cluster.socket_dir), "", "0 0", "ready   "]
    (cluster.postgres_dir / "postmaster.pid").write_text("\n".join(lines) + "\n")


def test_server_that_lost_its_supervisor_is_stopped_and_the_folder_taken_over(cluster: DataDir) -> None:
    """As on systems whose kernel does not stop a child with its parent."""
    server = PostgresServer(cluster, settings=FAST_SETTINGS)
    server.prepare()
    with subprocess.Popen(server.command(parent=0), env=dict(server.environment), stderr=subprocess.DEVNULL) as orphan:
        while not server.is_ready():
            time.sleep(0.05)

        with running(cluster) as (supervisor, _):
            assert supervisor.pid_of("postgres") != orphan.pid
            assert process_identity(orphan.pid) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux stops a child with its parent")
def test_servers_do_not_outlive_a_killed_supervisor(cluster: DataDir) -> None:
    script = """
import sys
from tests.config.test_local_services import *
with running(DataDir(sys.argv[1])) as (supervisor, server):
    valkey = ValkeyServer(server.data)
    supervisor.start(valkey)
    print(supervisor.pid_of("postgres"), supervisor.pid_of("valkey"), flush=True)
    input()
"""
    words = [sys.executable, "-c", script, str(cluster.path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        pids = [int(word) for word in supervisor.stdout.readline().split()]
        assert all(process_identity(pid) for pid in pids)
        supervisor.kill()

    deadline = time.monotonic() + 10
    while any(process_identity(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [process_identity(pid) for pid in pids] == [None, None]


def test_long_path_works(tmp_path: Path) -> None:
    data = DataDir(tmp_path / ("x" * MAX_SOCKET_PATH))
    data.make()
    try:
        with running(data):
            assert ask(data, "SELECT 1") == 1
    finally:
        shutil.rmtree(data.socket_dir)


def test_operator_has_the_last_word_on_a_setting(cluster: DataDir) -> None:
    with (
        running(cluster),
        psycopg.connect(
            host=str(cluster.socket_dir), user="broadsheet", dbname="postgres", autocommit=True
        ) as connection,
    ):
        connection.execute("ALTER SYSTEM SET work_mem = '17MB'")

    with running(cluster):
        assert ask(cluster, "SHOW work_mem") == "17MB"


def test_server_that_cannot_start_says_why_in_its_own_words(cluster: DataDir) -> None:
    server = PostgresServer(cluster, settings={**FAST_SETTINGS, "shared_buffers": "many"})
    server.prepare()

    with Supervisor(cluster) as supervisor:
        supervisor.start(server)
        with pytest.raises(OperatorError, match=r'(?s)exit code 1\..*"shared_buffers"'):
            supervisor.wait_for(server, seconds=30)


INITDB_SAID = """running bootstrap script ... ok
performing post-bootstrap initialization ... 23:57:47 UTC [27071] FATAL:  could not write file "base/4/1255": {}
2026-11-30 23:57:47.425 UTC [27071] STATEMENT:  CREATE DATABASE template0 IS_TEMPLATE = true;

child process exited with exit code 1
initdb: removing data directory "/srv/data/postgres.new"
"""


@pytest.mark.parametrize(
    ("cause", "said"),
    [("No space left on device", "The disk is full: make room"), ("Input/output error", "base/4/1255")],
)
def test_cluster_that_cannot_be_made_says_what_went_wrong_first(cause: str, said: str, tmp_path: Path) -> None:
    sentence = postgres_module._why_no_cluster(INITDB_SAID.format(cause), tmp_path, tmp_path / "postgres.new")
    assert said in sentence
    assert "removing data directory" not in sentence


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no such folder")
def test_without_a_folder_for_shared_memory_files_do(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    assert shared_memory(tmp_path, wanted=1) == {}
    assert shared_memory(tmp_path, wanted=2**62) == {"dynamic_shared_memory_type": "sysv"}
    tmp_path.chmod(0o755)  # not mounted: a folder of root's
    assert shared_memory(tmp_path) == {"dynamic_shared_memory_type": "mmap"}
    assert shared_memory(tmp_path / "none") == {"dynamic_shared_memory_type": "mmap"}


def test_cluster_of_the_product_keeps_what_it_was_told() -> None:
    settings = default_settings(memory=8 * 1024**3)

    assert not {"fsync", "synchronous_commit", "full_page_writes"} & settings.keys()


@pytest.mark.parametrize(
    ("gigabytes", "expected"),
    [(0.5, "64MB"), (2, "102MB"), (4, "204MB"), (8, "1228MB"), (24, "5324MB"), (64, "8192MB")],
)
def test_shared_memory_follows_the_machine_within_limits(gigabytes: float, expected: str) -> None:
    assert default_settings(int(gigabytes * 1024**3))["shared_buffers"] == expected


def test_full_valkey_gives_up_cached_pages_and_never_queued_messages(cluster: DataDir) -> None:
    with Supervisor(cluster) as supervisor:
        server = ValkeyServer(cluster)
        supervisor.start(server)
        supervisor.wait_for(server, seconds=10)
        client = redis.Redis.from_url(cluster.redis_url)
        client.config_set("maxmemory", "4mb")
        client.rpush("queue", "message")

        for number in range(100):
            client.set(f"page:{number}", b"x" * 100_000, ex=3600)

        assert client.lrange("queue", 0, -1) == [b"message"]
        assert 0 < len(client.keys("page:*")) < 100
        client.close()


def test_the_database_s_log_holds_nothing_that_people_typed() -> None:
    """A statement that fails is not written down, nor the row that it is about."""
    settings = default_settings(2 * 1024**3)
    assert settings["log_min_error_statement"] == "panic"
    assert settings["log_error_verbosity"] == "terse"
    assert settings["log_parameter_max_length"] == "0"
