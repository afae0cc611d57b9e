"""Starts services, starts them again when they die, and stops them in order: what `manage.py up` and the tests run."""

import contextlib
import fcntl
import itertools
import os
import select
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any, Protocol, Self

from config.local.paths import DataDir, OperatorError
from config.local.processes import stop_stale_process, write_pid_file
from papers.retry import RetrySchedule

STEADY_SECONDS = 10.0  # a service that ran this long did not die at once
# Between a service's deaths that came at once: none after the first, then 1, 2, 4 … up to 30 seconds.
RESTARTS = RetrySchedule(tuple(timedelta(seconds=seconds) for seconds in (0, 1, 2, 4, 8, 16, 30)), gives_up=False)
STALE_PROCESS_SECONDS = 10.0
FORK_WAIT_SECONDS = 30.0
FORK_POLL_SECONDS = 0.2
LOG_CAP_BYTES = 10_000_000
LOG_CHECK_SECONDS = 60.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


Fork = Callable[["Service", Path], int]
"""Starts a service that writes to this log, as a child of this process. Answers with its process, or 0."""


class Service(Protocol):
    """Something the supervisor keeps running."""

    @property
    def name(self) -> str: ...
    @property
    def stage(self) -> int:
        """Services of a higher stage use those of a lower one, and are stopped before them."""

    @property
    def stop_signal(self) -> int: ...
    @property
    def force_stop_signal(self) -> int:
        """Sent when the operator asks to stop for a second time."""

    @property
    def stop_seconds(self) -> float:
        """How long it may take to stop before it is killed."""

    @property
    def environment(self) -> Mapping[str, str]: ...
    def command(self, *, parent: int) -> list[str]: ...
    def before_start(self) -> None:
        """Clear away what a killed run left. Called before every start."""

    def is_ready(self) -> bool: ...


@dataclass(slots=True)
class SupervisedProcess:
    """A service and the process it runs in now."""

    service: Service
    pid: int = 0  # 0: not running
    started: float = 0.0  # time.monotonic()
    log_start: int = 0  # where this run begins in the log, in bytes
    failures: int = 0  # deaths in a row that came at once
    exit_code: int = 0  # negative: the signal that killed it
    restart_at: float | None = None  # time.monotonic()


class Supervisor:
    """Runs the services of one data folder. A context manager: leaving it stops everything it started."""

    def __init__(self, data: DataDir, *, report: Callable[[str], None] = lambda line: None) -> None:
        self.data = data
        self.report = report
        self._children: dict[str, SupervisedProcess] = {}
        self._running = False
        self._stops_asked = 0
        self._wakeup: int | None = None
        self._fork: Fork | None = None
        self._forks_by: Sequence[str] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def use_forks(self, fork: Fork, *, by: Sequence[str] = ()) -> None:
        """Start services from now on by `fork`, and by themselves only where it answers 0.

        `by` names the services that fork. While none of them is there and one is started again, those that died wait
        for it, services that fork for those named before them: alone each would load the same once more, which takes
        longer on a small machine, and share none of it afterwards.
        This process must be the one that orphans below it come to.
        """
        self._fork = fork
        self._forks_by = by

    def start(self, service: Service) -> None:
        """Start a service without waiting for it."""
        child = self._children[service.name] = SupervisedProcess(service)
        self._spawn(child)

    def wait_for(self, service: Service, *, seconds: float) -> None:
        """Wait until a service that was started answers.

        Raises:
            OperatorError: it stopped at once or did not answer in time; the message has its last log lines.
        """
        child = self._children[service.name]
        deadline = time.monotonic() + seconds
        while not service.is_ready():
            self._reap()
            if not child.pid:
                raise OperatorError(f"{service.name} {describe_exit(child.exit_code)}.{self._last_lines(child)}")
            if time.monotonic() > deadline:
                raise OperatorError(f"{service.name} did not answer in {seconds:.0f} s.{self._last_lines(child)}")
            self._pause(0.03)

    @property
    def is_stopping(self) -> bool:
        """Whether somebody has asked to stop."""
        return self._stops_asked > 0

    def describe(self) -> list[dict[str, Any]]:
        """The running services as `adopt()` takes them in another program of this very process; plain JSON."""
        return [
            {
                "name": name,
                **{field.name: getattr(child, field.name) for field in fields(child) if field.name != "service"},
            }
            for name, child in self._children.items()
        ]

    def adopt(self, service: Service, **run: Any) -> None:
        """Go on with a service that this process started before it became another program."""
        self._children[service.name] = SupervisedProcess(service, **run)

    def stop_stale_processes(self) -> None:
        """Stop what a killed supervisor of this folder left running, so that ports and files are free again."""
        for file in sorted(self.data.run_dir.glob("*.pid"), reverse=True):  # the highest stage first
            stop_stale_process(file, stop_signal=signal.SIGINT, seconds=STALE_PROCESS_SECONDS)

    def run(self) -> None:
        """Keep the services running until a signal asks to stop. Sleeps until something happens."""
        self._running = True
        next_log_check = time.monotonic()
        while not self._stops_asked:
            self._reap()
            now = time.monotonic()
            for child in self._children.values():
                if child.restart_at is not None and child.restart_at <= now:
                    self._restart(child)
            if next_log_check <= now:
                self._cap_logs()
                next_log_check = now + LOG_CHECK_SECONDS
            due = [child.restart_at for child in self._children.values() if child.restart_at is not None]
            self._pause(min([next_log_check, *due]) - time.monotonic())
        self._running = False

    def stop(self) -> None:
        """Stop every service, the highest stage first; kill what does not stop in its time. Idempotent."""
        self._running = False
        stages = {child.service.stage for child in self._children.values() if child.pid}
        for stage in sorted(stages, reverse=True):
            self._stop_together([child for child in self._children.values() if child.service.stage == stage])
        self._children.clear()

    @contextlib.contextmanager
    def handle_stop_signals(self) -> Iterator[None]:
        """Take Ctrl-C, SIGTERM and SIGHUP as the wish to stop: a KeyboardInterrupt before `run()`, later just noted."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN  # nohup
        numbers = [number for number in STOP_SIGNALS if not (ignored and number == signal.SIGHUP)]
        before = {number: signal.signal(number, self._asked_to_stop) for number in numbers}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self._wakeup = reader
        try:
            yield
        finally:
            self._wakeup = None
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(reader)
            os.close(writer)

    def pid_of(self, name: str) -> int:
        """The process of a running service; 0 when it is not running."""
        child = self._children.get(name)
        return child.pid if child else 0

    def log_file(self, name: str) -> Path:
        return self.data.log_dir / f"{name}.log"

    def _pid_file(self, service: Service) -> Path:
        return self.data.run_dir / f"{service.stage}-{service.name}.pid"

    def _asked_to_stop(self, number: int, frame: FrameType | None) -> None:
        self._stops_asked += 1
        if self._stops_asked == 1 and not self._running:
            raise KeyboardInterrupt

    def _spawn(self, child: SupervisedProcess) -> None:
        service = child.service
        stop_stale_process(self._pid_file(service), stop_signal=service.stop_signal, seconds=service.stop_seconds)
        service.before_start()
        log = self.log_file(service.name)
        child.log_start = log.stat().st_size if log.exists() else 0
        child.pid = (self._fork(service, log) if self._fork else 0) or self._execute(service, log)
        child.started = time.monotonic()
        child.restart_at = None
        write_pid_file(self._pid_file(service), child.pid)

    @staticmethod
    def _execute(service: Service, log: Path) -> int:
        command = service.command(parent=os.getpid())
        return os.posix_spawn(
            command[0],
            command,
            dict(service.environment),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsigmask=[],
            setsigdef=[*STOP_SIGNALS, signal.SIGPIPE, signal.SIGQUIT],  # Python ignores SIGPIPE; services decide
        )

    def _restart(self, child: SupervisedProcess) -> None:
        if self._can_soon_be_forked(child):
            child.restart_at = time.monotonic() + FORK_POLL_SECONDS
            return
        try:
            self._spawn(child)
        except (OSError, OperatorError) as error:
            child.failures += 1
            child.restart_at = time.monotonic() + restart_delay(child.failures)
            self.report(f"{child.service.name} could not be started again: {error}")

    def _can_soon_be_forked(self, child: SupervisedProcess) -> bool:
        """Whether nothing that forks services is there, but will be before long. Those below it never wait."""
        names = itertools.takewhile(lambda name: name != child.service.name, self._forks_by)
        before = [self._children[name] for name in names if name in self._children]
        coming = [forks for forks in before if self._is_coming(forks) and forks.service.stage <= child.service.stage]
        if not coming:
            return False
        others = [forks for name in self._forks_by if (forks := self._children.get(name)) and forks is not child]
        return not any(forks.pid and forks.service.is_ready() for forks in others)

    @staticmethod
    def _is_coming(forks: SupervisedProcess) -> bool:
        """Whether it is being started, or will be at once."""
        if forks.failures > 2:
            return False
        return not forks.pid or time.monotonic() - forks.started <= FORK_WAIT_SECONDS

    def _reap(self) -> None:
        """Notice which services have ended. Where orphans come to us, as to process 1 of a container, bury them too."""
        if os.getpid() == 1 or self._fork:
            with contextlib.suppress(ChildProcessError):
                while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                    self._bury(*ended)
            return
        for child in [child for child in self._children.values() if child.pid]:
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid:
                self._bury(pid, status)

    def _bury(self, pid: int, status: int) -> None:
        child = next((child for child in self._children.values() if child.pid == pid), None)
        if child is None:
            return
        child.pid = 0
        child.exit_code = os.waitstatus_to_exitcode(status)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)  # what it had started and could not stop itself
        self._pid_file(child.service).unlink(missing_ok=True)
        now = time.monotonic()
        child.failures = 1 if now - child.started >= STEADY_SECONDS else child.failures + 1
        pause = restart_delay(child.failures)
        child.restart_at = now + pause
        if self._running:
            self._tell(child, pause)

    def _tell(self, child: SupervisedProcess, pause: float) -> None:
        name, ended = child.service.name, describe_exit(child.exit_code)
        if not child.exit_code and child.failures == 1:
            return  # a worker that has done its share of tasks ends in order
        if child.failures < 3:
            self.report(f"{name} {ended} and is started again.")
        elif child.failures - 1 < len(RESTARTS.pauses):
            self.report(f"{name} keeps stopping ({ended}); next try in {pause:.0f} s.{self._last_lines(child)}")

    def _stop_together(self, children: list[SupervisedProcess]) -> None:
        asked = self._stops_asked
        began = time.monotonic()
        for child in children:
            self._signal(child, child.service.stop_signal)
        while running := [child for child in children if child.pid]:
            self._reap()
            if self._stops_asked > max(asked, 1):
                asked = self._stops_asked
                for child in running:
                    self._signal(child, child.service.force_stop_signal)
            for child in running:
                if time.monotonic() > began + child.service.stop_seconds:
                    self._signal(child, signal.SIGKILL)
            self._pause(0.05)

    @staticmethod
    def _signal(child: SupervisedProcess, number: int) -> None:
        if child.pid:
            os.kill(child.pid, number)  # not yet reaped, so the number is still ours

    def _pause(self, seconds: float) -> None:
        """Sleep, but not through a signal."""
        seconds = max(0.0, seconds)
        if self._wakeup is None:
            time.sleep(seconds)
        elif select.select([self._wakeup], [], [], seconds)[0]:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wakeup, 4096)

    def _last_lines(self, child: SupervisedProcess) -> str:
        """What the service wrote last in this run, indented for the terminal."""
        with self.log_file(child.service.name).open("rb") as file:
            file.seek(max(child.log_start, file.seek(0, os.SEEK_END) - 4000))
            lines = file.read().decode("utf-8", errors="replace").strip().splitlines()[-5:]
        return "".join(f"\n    {line}" for line in lines)

    def _cap_logs(self) -> None:
        """Keep each log and one part before it, of about 10 MB. The writers append, so they go on at the start."""
        for log in self.data.log_dir.glob("*.log"):
            if log.stat().st_size > LOG_CAP_BYTES:
                with contextlib.suppress(OSError):  # a full disk: all the more is the log to be cut
                    shutil.copyfile(log, log.with_suffix(".log.1"))
                os.truncate(log, 0)


@contextlib.contextmanager
def data_dir_lock(data: DataDir) -> Iterator[int]:
    """Hold the data folder for one supervisor. The lock goes with the process, however that ends.

    Yields:
        the descriptor that holds it.

    Raises:
        OperatorError: another supervisor holds it.
    """
    handle = os.open(data.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 20).decode().strip() or "unknown"
            raise OperatorError(
                f"Broadsheet already runs on the data folder {data.path} (process {holder}): stop it with "
                f"`kill {holder}`, or give this one a folder of its own with BROADSHEET_DATA_DIR."
            ) from None
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        yield handle
    finally:
        os.close(handle)


def restart_delay(failures: int) -> float:
    """Seconds to wait before the next start, after so many deaths in a row."""
    pause = RESTARTS.pause_after(failures)
    return pause.total_seconds() if pause else 0.0


def describe_exit(exit_code: int) -> str:
    """In words, from an exit code as os.waitstatus_to_exitcode() has it."""
    if exit_code < 0:
        return f"was killed by {signal.Signals(-exit_code).name}"
    return f"stopped with exit code {exit_code}"
