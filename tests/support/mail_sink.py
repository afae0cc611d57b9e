"""A mail server for tests: takes everything, or answers and hangs up as it is told. Fast, and remembers every byte.

Run by itself it listens on a port and writes one line for each mail it took:

    python -m tests.support.mail_sink PORT FILE
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import re
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

_MESSAGE_ID = re.compile(rb"^Message-ID: *(\S+)", re.M | re.I)

HANG_UP = ""
"""In place of an answer: the connection ends."""


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """One mail that the server took."""

    recipient: str
    message_id: str
    digest: str
    """SHA-256 of every byte."""
    message: bytes = b""
    """Empty where the server was told to keep none."""

    @classmethod
    def of(cls, recipient: str, message: bytes, *, is_kept: bool) -> ReceivedMail:
        found = _MESSAGE_ID.search(message)
        message_id = found[1].decode() if found else ""
        return cls(recipient, message_id, hashlib.sha256(message).hexdigest(), message if is_kept else b"")


Script = Callable[[str, str], str | None]
"""Asked with the step (connect, MAIL, RCPT, DATA, dot) and the recipient: an answer, HANG_UP, or None for yes."""


@dataclass
class MailSink:
    """What it is told to do, and what it took."""

    script: Script = lambda step, recipient: None
    lose_answer: Callable[[str], bool] = lambda recipient: False
    """Whether a mail is taken and nobody told: the connection ends in place of the last answer."""
    keeps_messages: bool = True
    pipelining: bool = True
    delay: float = 0.0
    log: IO[str] | None = None
    taken: list[ReceivedMail] = field(default_factory=list)
    count: int = 0
    answers_lost: int = 0
    connections: int = 0
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await _Session(self, reader, writer).talk()
        writer.close()

    def take(self, recipient: str, message: bytes) -> None:
        self.count += 1
        one = ReceivedMail.of(recipient, message, is_kept=self.keeps_messages)
        if self.log is None:
            self.taken.append(one)
        else:
            self.log.write(f"{recipient} {one.message_id} {one.digest}\n")
            self.log.flush()


class _Session:
    def __init__(self, sink: MailSink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sink, self.reader, self.writer = sink, reader, writer
        self.recipient = ""
        self.has_sender = False

    async def talk(self) -> None:
        if not await self._answer("connect", "220 sink ESMTP"):
            return
        while line := (await self.reader.readline()).strip():
            verb = line[:4].upper()
            if verb in (b"EHLO", b"HELO"):
                extensions = ["sink"] + ["PIPELINING"] * self.sink.pipelining + ["8BITMIME"]
                text = "\r\n".join(
                    f"250{' ' if place == len(extensions) - 1 else '-'}{word}" for place, word in enumerate(extensions)
                )
                self.writer.write(f"{text}\r\n".encode())
                go_on = True
            elif verb == b"MAIL":
                self.recipient = ""
                said = self.sink.script("MAIL", "")
                self.has_sender = said is None or said.startswith("2")
                go_on = await self._say(said, "250 2.1.0 ok")
            elif verb == b"RCPT":
                go_on = await self._recipient(line)
            elif verb == b"DATA":
                go_on = await self._data()
            elif verb == b"QUIT":
                self.writer.write(b"221 bye\r\n")
                return
            else:
                go_on = await self._answer("other", "250 ok")
            if not go_on:
                return
            await self.writer.drain()

    async def _recipient(self, line: bytes) -> bool:
        if not self.has_sender:
            return await self._say("503 5.5.1 no sender", "")
        recipient = line.decode().partition("<")[2].rpartition(">")[0]
        said = self.sink.script("RCPT", recipient)
        if said is None or said.startswith("2"):
            self.recipient = recipient
        return await self._say(said, "250 2.1.5 ok")

    async def _data(self) -> bool:
        if not self.recipient:
            return await self._say("503 5.5.1 no recipient", "")
        said = self.sink.script("DATA", self.recipient)
        if said is not None:
            return await self._say(said, "")
        await self._say(None, "354 go on")
        await self.writer.drain()
        message = await self._message()
        said = self.sink.script("dot", self.recipient)
        if said is None:
            self.sink.take(self.recipient, message)
            if self.sink.lose_answer(self.recipient):
                self.sink.answers_lost += 1
                return False
        self.recipient = ""
        return await self._say(said, "250 2.0.0 taken")

    async def _message(self) -> bytes:
        whole = await self.reader.readuntil(b"\r\n.\r\n")
        return whole[:-3].replace(b"\r\n..", b"\r\n.")

    async def _answer(self, step: str, otherwise: str) -> bool:
        return await self._say(self.sink.script(step, self.recipient), otherwise)

    async def _say(self, said: str | None, otherwise: str) -> bool:
        """False when the connection is to end."""
        if self.sink.delay:
            await asyncio.sleep(self.sink.delay)
        if said == HANG_UP:
            return False
        self.writer.write(f"{otherwise if said is None else said}\r\n".encode())
        if said is not None and said.startswith("421"):
            await self.writer.drain()
            return False
        return True


@contextmanager
def mail_sink(**told: object) -> Iterator[MailSink]:
    """A server on a free port of this machine, in a thread of its own."""
    sink = MailSink(**told)  # type: ignore[arg-type]
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> asyncio.Server:
        return await asyncio.start_server(sink.serve, "127.0.0.1", sink.port, limit=1 << 20)

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=5)


def random_faults(seed: int, *, rate: float, refuses_us: bool = False) -> Script:
    """Trouble at random, in so many of all answers: 421, 450, 451 and hanging up, at any step.

    With `refuses_us` now and then 550 5.7.26 too, as Gmail answers where the sender's SPF or DKIM fails, and 550 5.1.1
    to every attempt to reach one of the addresses that `is_gone` names.
    """
    chance = random.Random(seed)
    answers = ["421 4.3.2 going down", "450 4.2.0 greylisted", "451 4.3.0 try again", HANG_UP]
    weights = [6, 6, 6, 6]
    if refuses_us:
        answers.append("550 5.7.26 this mail is unauthenticated")
        weights.append(1)

    def script(step: str, recipient: str) -> str | None:
        if step == "RCPT" and refuses_us and is_unknown_recipient(recipient, rate=rate):
            return "550 5.1.1 no such user"
        if chance.random() >= rate or step == "other":
            return None
        return chance.choices(answers, weights)[0]

    return script


def is_unknown_recipient(recipient: str, *, rate: float) -> bool:
    """Whether the server knows no such address: always the same for one, and so for about `rate` of all."""
    return zlib.crc32(recipient.encode()) % 10_000 < rate * 10_000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("--delay", type=float, default=0.0)
    options = parser.parse_args()

    async def run() -> None:
        with options.file.open("a", encoding="utf-8") as log:
            sink = MailSink(log=log, delay=options.delay)
            server = await asyncio.start_server(sink.serve, "127.0.0.1", options.port, limit=1 << 20)
            await server.serve_forever()

    asyncio.run(run())


if __name__ == "__main__":
    main()
