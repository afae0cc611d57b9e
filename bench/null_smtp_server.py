"""A mail server that takes everything and keeps nothing, so that what is measured is the sender.

python -m bench.null_smtp_server PORT
"""

from __future__ import annotations

import argparse
import asyncio

_GREETING = b"220 counter ESMTP\r\n"
_EXTENSIONS = b"250-counter\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
_END = b"\r\n.\r\n"


class Session(asyncio.Protocol):
    """One connection, with commands one by one or pipelined (RFC 2920)."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.line = b""
        self.tail = b""
        """The last bytes of the mail that is being read; nothing between mails."""
        transport.write(_GREETING)

    def data_received(self, data: bytes) -> None:
        answers: list[bytes] = []
        while data:
            if self.tail:
                data = self._read_mail(data, answers)
                continue
            line, end, data = data.partition(b"\r\n")
            self.line += line
            if not end:
                break
            answers.append(self._answer(self.line[:4].upper()))
            self.line = b""
        self.transport.write(b"".join(answers))

    def _read_mail(self, data: bytes, answers: list[bytes]) -> bytes:
        """What comes behind the end of the mail, if that is there."""
        seen = self.tail + data
        end = seen.find(_END)
        if end < 0:
            self.tail = seen[-4:]
            return b""
        self.tail = b""
        answers.append(b"250 2.0.0 taken\r\n")
        return seen[end + len(_END) :]

    def _answer(self, verb: bytes) -> bytes:
        if verb == b"EHLO":
            return _EXTENSIONS
        if verb == b"DATA":
            self.tail = b"\r\n"
            return b"354 go on\r\n"
        if verb == b"QUIT":
            return b"221 bye\r\n"
        return b"250 2.1.0 ok\r\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    port = parser.parse_args().port

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Session, "127.0.0.1", port)
        await server.serve_forever()

    asyncio.run(run())


if __name__ == "__main__":
    main()
