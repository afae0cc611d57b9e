"""gunicorn's worker with threads, in which no thread waits for a browser: slow ones hold a socket, never a thread.

gunicorn gives a connection to a thread when its first byte is there; whoever sends one byte every three seconds over as
many connections as there are threads stops everybody. Here the worker's loop takes in a whole request before a thread
sees it, and sends what a browser does not take at once. Parsing, answering and everything else is gunicorn's.

Requests with a long body are answered one after another by a thread of their own: twenty that are parsed at the same
time keep Python's lock from all others for half a second. So are forms that sign somebody in: a password is made to
take long, and pages would wait behind a thousand of them.
"""

from __future__ import annotations

import errno
import resource
import selectors
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn import http
from gunicorn.workers.gthread import ThreadWorker

from config.buffered_requests import IncomingRequest, OutgoingSocket, TurnedAwayError

MOST_WAITING = 1_000
"""Connections that a process holds while nothing is to be done for them. One more closes the one that waits longest."""
MOST_ON_DISK = 256_000_000
"""Bytes of bodies and answers on the disk, of all connections of a process together."""
MOST_SIGN_INS = 50
"""Forms with passwords that wait in a process, each a quarter of a second's work. One more is turned away at once."""
LINGER_SECONDS = 2.0
_ACCEPTED_AT_ONCE = 8
_RECEIVED_AT_ONCE = 256_000
_WANTED_FILES = 4_096


class Connection:
    """One connection. It waits in the loop, for bytes or for its browser, or is in the hands of a thread."""

    is_http2 = False
    data_ready = True

    def __init__(self, cfg: Any, raw: socket.socket, client: Any, server: Any, now: float) -> None:
        raw.setblocking(False)
        self.cfg, self.client, self.server = cfg, client, server
        self.sock = OutgoingSocket(raw)
        self.incoming = IncomingRequest(now)
        self.parser: Any = None
        self.initialized = False
        self.ends_at = 0.0
        """When what it waits for ends whatever comes: an idle connection, a farewell."""
        self.answered_at = 0.0
        self.stays = False
        """Whether another request may follow."""
        self.is_leaving = False
        """All is said; it is only read from, and for a moment."""

    def init(self) -> None:
        """Called by gunicorn in the thread: a parser that reads what was taken in."""
        self.initialized = True
        self.parser = http.get_parser(self.cfg, self.incoming, self.client)

    def begin_next(self, now: float, idle_seconds: float) -> bytes:
        """Be ready for another request; what of it was read already."""
        rest: bytes = self.parser.unreader.take_buffered()
        while more := self.incoming.recv(_RECEIVED_AT_ONCE):
            rest += more
        self.incoming.close()
        self.incoming = IncomingRequest(now)
        self.parser = None
        self.ends_at = now + idle_seconds
        return rest

    def is_over(self, now: float) -> bool:
        """Whether it has waited long enough."""
        if self.is_leaving:
            return now > self.ends_at
        if self.answered_at:
            return self.sock.is_too_slow(now - self.answered_at)
        if self.ends_at and not self.incoming.is_begun:
            return now > self.ends_at
        return self.incoming.is_too_slow(now)

    @property
    def on_disk(self) -> int:
        return self.incoming.on_disk + self.sock.pending

    def close(self, graceful: bool = False) -> None:  # gunicorn's name
        self.incoming.close()
        self.sock.close_now()


class BufferingWorker(ThreadWorker):  # type: ignore[misc]
    """See the top of this module."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.worker_connections = self.max_keepalived = 1_000_000  # gunicorn would stop accepting; we make room
        self.waiting: dict[Connection, None] = {}
        """Those in the loop, the one that waits longest first."""
        self.most_waiting = MOST_WAITING
        self.for_long_bodies: ThreadPoolExecutor
        self.for_sign_ins: ThreadPoolExecutor
        self.sign_ins = 0
        """How many of them wait, or are being answered."""

    def init_process(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _WANTED_FILES if hard == resource.RLIM_INFINITY else min(_WANTED_FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            with suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self.most_waiting = max(50, min(MOST_WAITING, (files - 200) // 2))
        self.for_long_bodies = ThreadPoolExecutor(max_workers=1)
        self.for_sign_ins = ThreadPoolExecutor(max_workers=1)
        super().init_process()

    def run(self) -> None:
        super().run()
        self.for_long_bodies.shutdown(wait=False)
        self.for_sign_ins.shutdown(wait=False)

    def enqueue_req(self, conn: Connection) -> None:
        """Have a thread answer a request that is whole."""
        pool = self.for_long_bodies if conn.incoming.on_disk else self.tpool
        if conn.incoming.is_sign_in:
            pool = self.for_sign_ins
            self.sign_ins += 1
        future = pool.submit(self.handle, conn)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def accept(self, listener: Any) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                raw, client = listener.accept()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE) and self.waiting:
                    self._close(next(iter(self.waiting)))
                return
            self.nr_conns += 1
            while len(self.waiting) >= self.most_waiting:
                self._close(next(iter(self.waiting)))
            self._wait(Connection(self.cfg, raw, client, listener.getsockname(), time.monotonic()))

    def finish_request(self, conn: Connection, future: Any) -> None:
        """A thread is done with it: send what is left, then take the next request, or say farewell."""
        self.sign_ins -= conn.incoming.is_sign_in
        try:
            conn.stays = bool(not future.cancelled() and future.result())
        except Exception:  # noqa: BLE001  gunicorn has logged it
            conn.stays = False
        conn.answered_at = time.monotonic()
        conn.sock.begin()
        self._go_on(conn)

    def murder_keepalived(self, force: bool = False) -> None:
        """Called every second: end what has had its time; everything with `force`."""
        now = time.monotonic()
        for conn in list(self.waiting):
            if not self.alive and not conn.incoming.is_begun and not conn.answered_at:
                conn.ends_at = min(conn.ends_at or now + LINGER_SECONDS, now + LINGER_SECONDS)
            if force or conn.is_over(now):
                if conn.incoming.is_begun and not conn.answered_at and not conn.is_leaving:
                    conn.sock.send(TurnedAwayError("408 Request Timeout").answer)
                self._close(conn)

    def murder_pending(self) -> None:
        """Done by `murder_keepalived`."""

    def _cap_keepalive(self, deadline: float) -> None:
        """Done by `murder_keepalived`."""

    def _wait(self, conn: Connection, event: int = selectors.EVENT_READ) -> None:
        """Have the loop look after it until something comes, or can be sent."""
        act = self._receive if event == selectors.EVENT_READ else self._flush
        try:
            self.poller.register(conn.sock, event, partial(act, conn))
        except (OSError, ValueError):
            self.nr_conns -= 1
            conn.close()
            return
        self.waiting[conn] = None

    def _leave(self, conn: Connection) -> None:
        """The loop no longer looks after it."""
        del self.waiting[conn]
        with suppress(OSError, KeyError, ValueError):
            self.poller.unregister(conn.sock)

    def _close(self, conn: Connection) -> None:
        self._leave(conn)
        self.nr_conns -= 1
        conn.close()

    def _receive(self, conn: Connection, _file: object) -> None:
        """Something has come on a connection in the loop."""
        if conn not in self.waiting:  # closed a moment ago, to make room
            return
        try:
            data = conn.sock.raw.recv(_RECEIVED_AT_ONCE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._close(conn)
        elif not conn.is_leaving:
            self._take(conn, data)

    def _take(self, conn: Connection, data: bytes) -> None:
        """Add what has come; give the connection to a thread when its request is whole."""
        try:
            if conn.incoming.add(data, time.monotonic()):
                conn.sock.raw.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            if conn.incoming.on_disk and sum(each.on_disk for each in self.waiting) > MOST_ON_DISK:
                raise TurnedAwayError("503 Service Unavailable")
            if conn.incoming.is_complete and conn.incoming.is_sign_in and self.sign_ins >= MOST_SIGN_INS:
                raise TurnedAwayError("503 Service Unavailable", "Very many sign in at this moment: try again soon.")
        except TurnedAwayError as refused:
            conn.sock.send(refused.answer)
            self._leave(conn)
            self._farewell(conn)
            return
        except OSError:
            self._close(conn)
            return
        if conn.incoming.is_complete:
            self._leave(conn)
            conn.incoming.finish()
            self.enqueue_req(conn)

    def _flush(self, conn: Connection, _file: object) -> None:
        """The browser takes more of its answer."""
        if conn in self.waiting and conn.sock.flush():
            self._leave(conn)
            self._go_on(conn)

    def _go_on(self, conn: Connection) -> None:
        """After an answer: what is left of it, then the next request or the end."""
        if not conn.sock.flush():
            if sum(each.on_disk for each in self.waiting) > MOST_ON_DISK:
                self.nr_conns -= 1
                conn.close()
            else:
                self._wait(conn, selectors.EVENT_WRITE)
        elif conn.stays and not conn.sock.is_broken:
            conn.answered_at = 0.0
            rest = conn.begin_next(time.monotonic(), self.cfg.keepalive)
            self._wait(conn)
            if rest and conn in self.waiting:
                self._take(conn, rest)
        else:
            self._farewell(conn)

    def _farewell(self, conn: Connection) -> None:
        """Close it in the way of RFC 9112, 9.6: stop sending, and read for a moment, or the answer may be lost."""
        conn.incoming.close()
        try:
            conn.sock.raw.shutdown(socket.SHUT_WR)
        except OSError:
            self.nr_conns -= 1
            conn.close()
            return
        conn.is_leaving, conn.ends_at = True, time.monotonic() + LINGER_SECONDS
        self._wait(conn)
