"""The data folder: what is private, what every process agrees on, what is said when it cannot be used."""

import errno
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import redis

from config.local.paths import MAX_SOCKET_PATH, PROJECT, DataDir, OperatorError
from config.local.supervisor import data_dir_lock


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_looking_at_the_folder_makes_nothing(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")

    assert data.database_url
    assert data.redis_url
    assert not data.path.exists()


def test_made_folders_are_private(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")

    data.make()

    assert {mode(path) for path in (data.path, data.run_dir, data.log_dir, data.socket_dir)} == {0o700}


def test_the_port_of_a_running_site_is_known_to_commands_beside_it(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    data.make()
    assert data.running_port() is None
    with data_dir_lock(data):
        assert data.running_port() is None
        data.record_port(8123)
        assert data.running_port() == 8123
        environment = {name: value for name, value in os.environ.items() if name not in ("PORT", "BROADSHEET_SITE_URL")}
        environment |= {"BROADSHEET_DATA_DIR": str(data.path)}
        script = "from config import settings; print(settings.SITE_URL)"
        said = [
            subprocess.run(
                [sys.executable, "-c", script], env=environment | more, cwd=PROJECT, capture_output=True, text=True,
                check=True,
            ).stdout.strip()
            for more in ({}, {"PORT": "8200"}, {"BROADSHEET_SITE_URL": "https://papers.example.org"})
        ]  # fmt: skip
        assert said == ["http://127.0.0.1:8123", "http://127.0.0.1:8200", "https://papers.example.org"]
    assert data.running_port() is None, "killed, it leaves the file and not the lock"


def test_secret_key_is_made_once_and_private(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")

    key = data.ensure_secret_key()

    assert len(key) >= 50
    assert mode(data.secret_key_file) == 0o600
    assert DataDir(tmp_path / "data").ensure_secret_key() == key


def test_processes_that_ask_together_get_one_secret_key(tmp_path: Path) -> None:
    script = "import sys; from config.local.paths import DataDir; print(DataDir(sys.argv[1]).ensure_secret_key())"
    words = [sys.executable, "-S", "-c", script, str(tmp_path / "data")]

    asking = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    keys = {process.communicate()[0].strip() for process in asking}

    assert len(keys) == 1
    assert keys != {""}


def test_long_path_gets_a_private_temporary_folder_that_all_agree_on(tmp_path: Path) -> None:
    data = DataDir(tmp_path / ("x" * MAX_SOCKET_PATH) / "data")

    found = data.socket_dir
    try:
        assert len(os.fsencode(data.postgres_socket)) <= MAX_SOCKET_PATH
        assert mode(found) == 0o700
        assert DataDir(data.path).socket_dir == found
    finally:
        shutil.rmtree(found)


def test_temporary_folder_that_was_swept_away_is_replaced(tmp_path: Path) -> None:
    data = DataDir(tmp_path / ("x" * MAX_SOCKET_PATH))
    first = data.socket_dir
    first.rmdir()

    second = data.socket_dir
    try:
        assert second.is_dir()
        assert data.socket_dir == second
    finally:
        shutil.rmtree(second)


def test_temporary_folder_that_others_may_enter_is_not_trusted(tmp_path: Path) -> None:
    data = DataDir(tmp_path / ("x" * MAX_SOCKET_PATH))
    first = data.socket_dir
    first.chmod(0o755)

    second = data.socket_dir
    try:
        assert second != first
    finally:
        shutil.rmtree(first)
        shutil.rmtree(second)


def test_addresses_hold_for_a_path_with_blanks_and_signs(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "a b&c%d")

    database = urlsplit(data.database_url)
    assert parse_qs(database.query)["host"] == [str(data.socket_dir)]
    assert redis.ConnectionPool.from_url(data.redis_url).connection_kwargs["path"] == str(data.valkey_socket)


def test_folder_of_somebody_else_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.local.paths.os.geteuid", lambda: os.getuid() + 1)

    with pytest.raises(OperatorError, match=r"belongs to .+: start Broadsheet as"):
        DataDir(tmp_path).make()


def test_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(OperatorError, match="cannot be written"):
        DataDir(tmp_path / "file" / "data").make()
    with pytest.raises(OperatorError, match="BROADSHEET_DATA_DIR"):
        DataDir(tmp_path / "file" / "data").ensure_secret_key()


def test_a_full_disk_is_called_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "mkdir", full)

    with pytest.raises(OperatorError, match=r"The disk is full .+: make room for the data folder"):
        DataDir(tmp_path / "data").make()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "abc", "PORT must be a whole number of at least 1 and at most 65535, not 'abc'.\n"),
        ("BROADSHEET_SITE_URL", "papers.lab", "BROADSHEET_SITE_URL must look like"),
        ("BROADSHEET_DATA_DIR", "/dev/null/data", "The data folder /dev/null/data cannot be written (Not a directory)"),
    ],
)
def test_a_setting_that_cannot_be_is_one_sentence_and_no_trace(
    tmp_path: Path, name: str, value: str, said: str
) -> None:
    environment = {"PATH": os.defpath, "BROADSHEET_DATA_DIR": str(tmp_path), "PYTHON_DOTENV_DISABLED": "1", name: value}
    words = [sys.executable, str(Path(__file__).parents[2] / "manage.py"), "up"]

    ended = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert ended.stderr.startswith(said)
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("content", [b"", b"\n", b"\0\0\0\0", b"\xff\xfe"])
def test_a_damaged_secret_key_is_named_and_never_replaced(tmp_path: Path, content: bytes) -> None:
    """As a file system leaves it that loses power, or a copy that ended early."""
    data = DataDir(tmp_path / "data")
    data.ensure_secret_key()
    data.secret_key_file.write_bytes(content)
    with pytest.raises(OperatorError, match="secret_key is damaged"):
        data.ensure_secret_key()
    assert data.secret_key_file.read_bytes() == content
