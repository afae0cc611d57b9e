"""Has the embedding server run only while it is needed: a small process holds the socket, and forks it for a query or a
paper that comes. Ten minutes after the last of them it ends, and its memory is the machine's again.

The socket stays open throughout, so that no query is refused in between. One thread, which has no connection at a fork.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from papers.models import EmbeddingBacklog, EmbeddingModel
from papers.services.embeddings.embedding_status import HEARTBEAT
from papers.services.embeddings.server import IDLE_SECONDS, RECOUNT_INTERVAL, EmbeddingServer, open_listener
from papers.services.operations.heartbeat import record_heartbeat

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 60.0
STOP_SECONDS = 4.0
FAILURE_PAUSE_SECONDS = 5.0
"""Between the ends of servers that failed, so that one which cannot start does not take the machine."""


class EmbeddingWatch:
    """Waits, and forks the server when there is something to do."""

    def __init__(
        self,
        make_server: Callable[[], EmbeddingServer],
        *,
        clock: Callable[[], datetime],
        poll_seconds: float = IDLE_SECONDS,
    ) -> None:
        """`make_server` is called in the forked process; the server ends by itself when it was idle long enough."""
        self._make_server = make_server
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._server_pid = 0
        self._woken_at: datetime | None = None
        self._paused_until = 0.0
        self._heartbeat_due = 0.0
        self._is_stopping = False
        self._lifeline = -1
        """Our end of the pipe by which the server notices that we are gone."""

    def run(self) -> None:
        """Wait and serve until SIGTERM or SIGINT. In the main thread, because it takes signals."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # written to the pipe
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        with open_listener() as listener:
            while not self._is_stopping:
                self._bury()
                if not self._server_pid and time.monotonic() >= self._paused_until and self._is_needed(listener):
                    self._fork(listener)
                self._keep_alive()
                waits_for: list[socket.socket | int] = [reader] if self._server_pid else [reader, listener]
                if reader in select.select(waits_for, [], [], self._poll_seconds)[0]:
                    os.read(reader, 4096)
            self._end_server()
        signal.set_wakeup_fd(-1)
        connection.close()

    def _stop(self, *_: object) -> None:
        self._is_stopping = True

    def _is_needed(self, listener: socket.socket) -> bool:
        """Whether somebody asks, a paper waits, or it was not there for a day: it keeps house, too."""
        now = self._clock()
        if self._woken_at is None or now - self._woken_at > RECOUNT_INTERVAL:
            return True
        if select.select([listener], [], [], 0)[0]:
            return True
        try:
            close_old_connections()
            return bool(
                settings.EMBEDDINGS
                and EmbeddingModel.objects.filter(is_target=True).exists()
                and EmbeddingBacklog.objects.filter(not_before__lte=now).exists()
            )
        except DatabaseError as error:
            logger.warning("Embedding waits for the database: %s", error)
            return False

    def _keep_alive(self) -> None:
        """Say that somebody is there, each minute."""
        if time.monotonic() < self._heartbeat_due:
            return
        self._heartbeat_due = time.monotonic() + HEARTBEAT_SECONDS
        try:
            close_old_connections()
            record_heartbeat(now=self._clock(), name=HEARTBEAT)
        except DatabaseError as error:
            logger.warning("Embedding waits for the database: %s", error)

    def _fork(self, listener: socket.socket) -> None:
        connection.close()  # two processes cannot share it
        self._woken_at = self._clock()
        self._close_lifeline()
        lifeline, self._lifeline = os.pipe()
        self._server_pid = os.fork()
        if self._server_pid:
            os.close(lifeline)
        else:
            os.close(self._lifeline)
            _end_with(lifeline)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            code = 1
            try:
                server = self._make_server()
                for number in (signal.SIGTERM, signal.SIGINT):
                    signal.signal(number, lambda *_: server.stop())
                server.run(listener)
                code = 0
            except BaseException:
                logger.exception("The embedding server failed")
                raise
            finally:
                os._exit(code)

    def _close_lifeline(self) -> None:
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    def _bury(self) -> None:
        """Notice that the server has ended. One that was killed had perhaps not finished: another one looks."""
        if not self._server_pid:
            return
        pid, status = os.waitpid(self._server_pid, os.WNOHANG)
        if pid:
            self._server_pid = 0
            if status:
                logger.warning("The embedding server ended with %d", os.waitstatus_to_exitcode(status))
                self._woken_at = None
                self._paused_until = time.monotonic() + FAILURE_PAUSE_SECONDS

    def _end_server(self) -> None:
        if not self._server_pid:
            return
        os.kill(self._server_pid, signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS
        while os.waitpid(self._server_pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > end:
                os.kill(self._server_pid, signal.SIGKILL)
            time.sleep(0.02)
        self._server_pid = 0


def _end_with(lifeline: int) -> None:
    """Have this process end when the other end of a pipe is closed, as it is when the one that waits is killed."""

    def wait() -> None:
        os.read(lifeline, 1)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()
