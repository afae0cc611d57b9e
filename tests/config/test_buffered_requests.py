"""What the loop makes of bytes that come: where a request ends, when it is too slow, and what is refused."""

from __future__ import annotations

import socket
from itertools import pairwise

import pytest

from config.buffered_requests import (
    BYTES_PER_SECOND,
    GRACE_SECONDS,
    HEAD_SECONDS,
    IN_MEMORY_BYTES,
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    MAX_THROWN_AWAY,
    IncomingRequest,
    OutgoingSocket,
    TurnedAwayError,
    read_head,
)

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def post(length: object, *more: bytes) -> bytes:
    return b"POST / HTTP/1.1\r\nContent-Length: %s\r\n%s\r\n" % (str(length).encode(), b"".join(more))


def all_of(request: IncomingRequest) -> bytes:
    request.finish()
    found = b""
    while data := request.recv(777):
        found += data
    return found


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_a_request_is_whole_with_its_last_byte(step: int) -> None:
    for sent in (GET, post(0), post(5) + b"hello"):
        request = IncomingRequest(0)
        for begin, end in pairwise([*range(0, len(sent), step), len(sent)]):
            assert not request.is_complete
            request.add(sent[begin:end], 1.0)
        assert request.is_complete
        assert all_of(request) == sent


def test_what_comes_behind_it_is_not_lost() -> None:
    request = IncomingRequest(0)
    request.add(GET + GET[:5], 0)
    assert request.is_complete
    assert all_of(request) == GET + GET[:5]


@pytest.mark.parametrize(
    ("line", "is_sign_in"),
    [
        (b"POST /sign-in HTTP/1.1", True),
        (b"POST /papers/sign-in?next=/ HTTP/1.1", True),
        (b"POST /sign%2Din HTTP/1.1", True),
        (b"POST /forgotten HTTP/1.0", True),
        (b"GET /sign-in HTTP/1.1", False),
        (b"POST /papers/2611.00001/vote?next=/sign-in HTTP/1.1", False),
        (b"POST", False),
        (b"\xff\xfe POST /sign-in", False),
    ],
)
def test_forms_with_passwords_are_known_by_their_first_line(line: bytes, is_sign_in: bool) -> None:
    request = IncomingRequest(0)
    request.add(line + b"\r\nHost: x\r\n\r\n", 0)
    assert request.is_sign_in is is_sign_in


@pytest.mark.parametrize("length", [IN_MEMORY_BYTES, IN_MEMORY_BYTES + 1, 3_000_000])
def test_a_long_body_is_on_the_disk(length: int) -> None:
    request, body = IncomingRequest(0), bytes(range(256)) * (length // 256 + 1)
    request.add(post(length) + body[:100], 0)
    for begin in range(100, length, 50_000):
        request.add(body[begin : min(begin + 50_000, length)], 0)
    assert request.is_complete
    assert request.on_disk == (length if length > IN_MEMORY_BYTES else 0)
    assert all_of(request) == post(length) + body[:length]
    request.close()


def test_a_head_has_ten_seconds_however_it_drips() -> None:
    request = IncomingRequest(0)
    for second in range(int(HEAD_SECONDS) + 1):
        assert not request.is_too_slow(second)
        request.add(b"G", second)
    assert request.is_too_slow(HEAD_SECONDS + 1)


def test_a_silent_connection_has_them_too_and_they_begin_with_the_first_byte() -> None:
    request = IncomingRequest(0)
    assert request.is_too_slow(HEAD_SECONDS + 0.1)
    request.add(b"G", 9)
    assert not request.is_too_slow(9 + HEAD_SECONDS)


def test_a_body_has_as_long_as_it_comes() -> None:
    request = IncomingRequest(0)
    request.add(post(10_000_000), 0)
    for second in range(60):
        assert not request.is_too_slow(second)
        request.add(b"x" * BYTES_PER_SECOND, second)
    assert not request.is_too_slow(60 + GRACE_SECONDS)
    assert request.is_too_slow(62 + GRACE_SECONDS)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b"a" * MAX_HEAD_BYTES, "431"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "411"),
        (b"POST / HTTP/1.1\r\ntransfer-encoding : chunked\r\n\r\n", "411"),
        (post(MAX_THROWN_AWAY + 1), "413"),
    ],
)
def test_what_is_refused(sent: bytes, status: str) -> None:
    with pytest.raises(TurnedAwayError, match=status):
        IncomingRequest(0).add(sent, 0)


def test_a_body_that_no_form_takes_is_read_and_kept_nowhere() -> None:
    request = IncomingRequest(0)
    request.add(post(MAX_BODY_BYTES + 10), 0)
    request.add(b"x" * MAX_BODY_BYTES, 0)
    assert request.on_disk == 0
    assert not request.is_complete
    request.add(b"x" * 10, 0)
    assert request.is_complete
    assert request.on_disk == 0


def test_what_was_thrown_away_is_said_to_whoever_answers() -> None:
    request = IncomingRequest(0)
    request.add(post(MAX_BODY_BYTES + 1, b"Content-Type: multipart/form-data\r\nHX-Request: true\r\n"), 0)
    request.add(b"x" * (MAX_BODY_BYTES + 1), 0)
    request.finish()
    head = all_of(request)
    assert head.endswith(b"\r\nContent-Length: 0\r\nX-Broadsheet-Body-Thrown-Away: 1\r\n\r\n")
    assert b"HX-Request: true" in head
    assert head.lower().count(b"content-") == 1


@pytest.mark.parametrize("value", ["-1", "+5", "5,5", "", "0x5", "٥", "9" * 30])
def test_a_length_that_is_none_is_gunicorn_s_to_refuse(value: str) -> None:
    head = read_head(b"POST / HTTP/1.1\r\nContent-Length: " + value.encode() + b"\r\n\r\n")
    assert head is not None
    assert head.body_length == 0


def test_go_on_is_said_where_it_is_waited_for() -> None:
    assert IncomingRequest(0).add(post(5, b"Expect: 100-Continue\r\n"), 0)
    assert not IncomingRequest(0).add(post(5, b"Expect: 100-continue\r\n") + b"hello", 0)
    assert not IncomingRequest(0).add(post(5), 0)


def test_an_answer_that_nobody_reads_waits_and_keeps_its_order() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    outgoing, sent = OutgoingSocket(ours), bytes(range(256)) * 12_000
    for begin in range(0, len(sent), 100_000):
        outgoing.sendall(sent[begin : begin + 100_000])
    assert outgoing.pending > 1_000_000
    received = bytearray()
    theirs.setblocking(False)
    while not outgoing.flush() or len(received) < len(sent):
        received += theirs.recv(300_000)
        outgoing.sendall(b"") if not outgoing.pending else None
    assert bytes(received) == sent
    assert outgoing.pending == 0
    theirs.close()
    with pytest.raises(OSError):
        outgoing.sendall(b"more")
    outgoing.close_now()


def test_a_reader_of_an_answer_has_a_least_speed() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    outgoing = OutgoingSocket(ours)
    outgoing.begin()
    assert not outgoing.is_too_slow(GRACE_SECONDS)
    assert outgoing.is_too_slow(GRACE_SECONDS + 1)
    outgoing.sendall(b"x" * 2 * BYTES_PER_SECOND)
    assert not outgoing.is_too_slow(GRACE_SECONDS + 1)
    outgoing.close_now()
    theirs.close()
