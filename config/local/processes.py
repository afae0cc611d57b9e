"""What the system knows about a process, and how one is started: identity, pid files, account, launch."""

import contextlib
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, slots=True)
class Privileges:
    """How a service is started: as this account, inside a user namespace, or as another account."""

    option: str = "same"
    uid: int | None = None
    gid: int | None = None

    @classmethod
    def namespace(cls) -> "Privileges":
        return cls("namespace")

    @classmethod
    def account(cls, uid: int, gid: int) -> "Privileges":
        return cls(f"{uid}:{gid}", uid, gid)


def launch_command(
    program: Sequence[str],
    *,
    privileges: Privileges,
    folder: Path,
    parent: int = 0,
    death_signal: int = signal.SIGTERM,
) -> list[str]:
    """The command that becomes `program` in a session of its own; with `parent`, one that dies when the parent does."""
    return [
        *(sys.executable, "-I", "-S", str(LAUNCHER)),
        *("--privileges", privileges.option, "--folder", str(folder)),
        *("--parent", str(parent), "--signal", str(int(death_signal))),
        "--",
        *program,
    ]


def run_program(program: Sequence[str], *, privileges: Privileges, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program as this account and return it ended; `stdout` has both of its streams."""
    return subprocess.run(
        launch_command(program, privileges=privileges, folder=folder, parent=os.getpid(), death_signal=signal.SIGKILL),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=minimal_environment(),
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def minimal_environment() -> dict[str, str]:
    """The environment for the embedded servers: nothing of the operator's PG… variables or locale."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def existing_accounts(names: Iterable[str]) -> list[Privileges]:
    """How to become those of these accounts that exist."""
    found = []
    for name in names:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            found.append(Privileges.account(entry.pw_uid, entry.pw_gid))
    return found


def process_identity(pid: int) -> str | None:
    """What only this run of this process has; None when it is gone or a zombie, which is as good as gone."""
    if sys.platform == "linux":
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else f"{boot}/{fields[19]}"  # proc(5): state, start time since boot
    state, _, started = _ps(pid, "stat=,lstart=").partition(" ")
    return started.strip() if state and not state.startswith("Z") else None


def command_line(pid: int) -> str:
    """The command a process was started with, arguments separated by blanks; empty when it is gone or a zombie."""
    if sys.platform != "linux":
        return _ps(pid, "command=") if process_identity(pid) else ""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return os.fsdecode(raw).replace("\0", " ").strip()


def _ps(pid: int, columns: str) -> str:
    command = ["ps", "-ww", "-o", columns, "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def write_pid_file(path: Path, pid: int) -> None:
    """Note a process so that another one can find it and not mistake its successor for it."""
    temporary = path.with_suffix(".new")
    temporary.write_text(f"{pid} {process_identity(pid) or ''}\n", encoding="utf-8")
    temporary.replace(path)


def stop_stale_process(path: Path, *, stop_signal: int, seconds: float) -> None:
    """Stop the process noted in a pid file, if it is still that one, and remove the file."""
    try:
        pid_text, _, noted = path.read_text(encoding="utf-8").strip().partition(" ")
    except FileNotFoundError:
        return
    pid = int(pid_text) if pid_text.isdigit() else 0
    now = process_identity(pid) if pid > 1 and noted else None
    if now and now == noted:
        stop_process(pid, stop_signal=stop_signal, seconds=seconds)
    path.unlink(missing_ok=True)


def stop_process(pid: int, *, stop_signal: int, seconds: float) -> None:
    """Stop a process that another supervisor started, and its process group; kill it after `seconds`."""
    for number, patience in ((stop_signal, seconds), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        if _gone_within(pid, patience):
            break
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _gone_within(pid: int, seconds: float) -> bool:
    """Wait for a process that is not ours to reap."""
    deadline = time.monotonic() + seconds
    while process_identity(pid) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
