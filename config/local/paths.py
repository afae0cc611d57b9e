"""Where a data folder keeps what: cluster, sockets, secret, logs. Pure standard library, so that settings can ask."""

import contextlib
import errno
import fcntl
import os
import pwd
import secrets
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

PROJECT = Path(__file__).resolve().parents[2]
"""The folder of this checkout: manage.py, templates and static files are in it."""

# The longest path a Unix socket may have, in bytes (unix(7): 108 with the closing zero; macOS: 104).
MAX_SOCKET_PATH = 103 if sys.platform == "darwin" else 107
POSTGRES_SOCKET_NAME = ".s.PGSQL.5432"
VALKEY_SOCKET_NAME = "valkey.sock"
EMBEDDER_SOCKET_NAME = "embedder.sock"
FORK_SOCKET_NAMES = ("fork.sock", "fork2.sock")
DATABASE = "broadsheet"


class OperatorError(Exception):
    """Something the operator can put right; the message is one sentence that says how."""


class DataDir:
    """One data folder. Looking at a property makes nothing, except where its docstring says so."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()

    def __repr__(self) -> str:
        return f"DataDir({str(self.path)!r})"

    @property
    def postgres_dir(self) -> Path:
        return self.path / "postgres"

    @property
    def log_dir(self) -> Path:
        return self.path / "log"

    @property
    def run_dir(self) -> Path:
        return self.path / "run"

    @property
    def lock_file(self) -> Path:
        """Held (flock) by the one supervisor of this folder for as long as it lives."""
        return self.run_dir / "up.lock"

    @property
    def port_file(self) -> Path:
        """The port of the site that runs on this folder, for as long as the lock is held."""
        return self.run_dir / "port"

    def record_port(self, port: int) -> None:
        """Leave the port for commands that are run beside the site."""
        with self._unwritable_is_said():
            _write_private(self.port_file, f"{port}\n")

    def running_port(self) -> int | None:
        """The port of the site that runs on this folder; None where none does, or one did and was killed."""
        try:
            port = int(self.port_file.read_text(encoding="ascii"))
            with self.lock_file.open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:  # its supervisor holds the lock
            return port
        except (OSError, ValueError):
            return None
        return None

    @property
    def secret_key_file(self) -> Path:
        return self.path / "secret_key"

    @property
    def socket_dir(self) -> Path:
        """The private folder of both sockets: inside the data folder, or a temporary one where that path is too long.

        Makes and records the temporary folder when it is needed, so that every process finds the same one.
        """
        inside = self.path / "socket"
        if len(os.fsencode(inside / POSTGRES_SOCKET_NAME)) <= MAX_SOCKET_PATH:
            return inside
        return self._temporary_socket_dir()

    @property
    def postgres_socket(self) -> Path:
        return self.socket_dir / POSTGRES_SOCKET_NAME

    @property
    def valkey_socket(self) -> Path:
        return self.socket_dir / VALKEY_SOCKET_NAME

    @property
    def embedder_socket(self) -> Path:
        return self.socket_dir / EMBEDDER_SOCKET_NAME

    @property
    def fork_sockets(self) -> tuple[Path, ...]:
        """Of the process that parts are forked from, and of the one that stands by for it."""
        return tuple(self.socket_dir / name for name in FORK_SOCKET_NAMES)

    @property
    def database_url(self) -> str:
        """The embedded Postgres, in the form libpq takes: the socket's folder as `host`."""
        return f"postgresql://{DATABASE}@/{DATABASE}?host={quote(str(self.socket_dir), safe='')}"

    @property
    def redis_url(self) -> str:
        """The embedded Valkey, in the form redis-py takes; logical database 0."""
        return f"unix://{quote(str(self.valkey_socket))}?db=0"

    def make(self) -> None:
        """Make the folder and those inside it, for this account only. Idempotent.

        Raises:
            OperatorError: the folder cannot be made or belongs to somebody else.
        """
        with self._unwritable_is_said():
            for folder in (self.path, self.run_dir, self.log_dir, self.socket_dir):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = self.path.stat().st_uid
        if owner != os.geteuid():
            raise OperatorError(
                f"The data folder {self.path} belongs to {account_name(owner)}: start Broadsheet as "
                f"{account_name(owner)}, or give another folder with BROADSHEET_DATA_DIR."
            )

    def ensure_secret_key(self) -> str:
        """The key of this folder, made on first use. Processes that ask at the same moment get the same one.

        Raises:
            OperatorError: the folder cannot be made, or the key not be read, or its file holds none.
        """
        with self._unwritable_is_said():
            with contextlib.suppress(FileNotFoundError):
                return self._read_secret_key()
            with self._setting_up():
                if not self.secret_key_file.exists():
                    _write_private(self.secret_key_file, secrets.token_urlsafe(48) + "\n")
            return self._read_secret_key()

    def _read_secret_key(self) -> str:
        """The key in its file. None is made in the place of a lost one: what is stored encrypted may yet be opened."""
        with contextlib.suppress(UnicodeDecodeError):
            if key := self.secret_key_file.read_text(encoding="ascii").strip("\0\r\n\t "):
                return key
        raise OperatorError(
            f"{self.secret_key_file} is damaged and holds no key: put it back from a backup (`manage.py restore`), or "
            "remove it for a new one; sessions, tokens of channels and second factors then have to be set up anew."
        )

    def replace_secret_key(self, key: str) -> None:
        """Go on with another key from the next start on: that of a restored backup."""
        with self._setting_up():
            _write_private(self.secret_key_file, key + "\n")

    def _temporary_socket_dir(self) -> Path:
        if recorded := self._recorded_socket_dir():
            return recorded
        with self._setting_up():
            if recorded := self._recorded_socket_dir():  # made by another process while this one waited
                return recorded
            made = Path(tempfile.mkdtemp(prefix="broadsheet-"))
            _write_private(self.path / "socket.path", f"{made}\n")
        return made

    def _recorded_socket_dir(self) -> Path | None:
        """The temporary folder made earlier, if it is still ours: such folders get swept and names taken by others."""
        try:
            recorded = Path((self.path / "socket.path").read_text(encoding="utf-8").strip())
            found = recorded.lstat()
        except OSError:
            return None
        owners = {os.geteuid()}
        with contextlib.suppress(OSError):
            owners.add(self.postgres_dir.stat().st_uid)  # started as root, it may belong to the service's account
        private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) & 0o077 == 0
        return recorded if private and found.st_uid in owners else None

    @contextlib.contextmanager
    def _setting_up(self) -> Iterator[None]:
        """One process at a time makes what every process of this folder must agree on."""
        with self._unwritable_is_said():
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    @contextlib.contextmanager
    def _unwritable_is_said(self) -> Iterator[None]:
        """Turn what the system says of this folder's files into one sentence."""
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                sentence = f"The disk is full ({error.strerror}): make room for the data folder {self.path}."
            else:
                sentence = (
                    f"The data folder {self.path} cannot be written ({error.strerror}): "
                    "give a folder of your own with BROADSHEET_DATA_DIR."
                )
            raise OperatorError(sentence) from error


def account_name(uid: int) -> str:
    """The name of an account, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _write_private(path: Path, text: str) -> None:
    """Write a file that only this account can read, whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mkstemp makes it 0600
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
