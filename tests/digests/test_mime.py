"""Header lines of mails: short, folded at blanks, and read back as they were meant."""

from __future__ import annotations

from email import message_from_bytes, message_from_string
from email.policy import default

import pytest

from digests.wire.mime import Attachment, assemble, header, mailbox, quoted_printable, with_display_name

LONG = "Wege zur Übersetzung von Gedichten · " * 8


def read(line: str, name: str) -> str:
    return str(message_from_string(line + "\r\n", policy=default)[name])


@pytest.mark.parametrize(
    "value", ["12 new papers", "12 new papers · Thu 5 Mar", LONG, "日本語の論文" * 30, "🙂" * 40, "a " * 90]
)
def test_a_value_is_read_back(value: str) -> None:
    line = header("Subject", value)
    assert read(line, "Subject") == " ".join(value.split())
    assert line.isascii()
    assert max(map(len, line.split("\r\n"))) <= 78


def test_an_address_is_not_folded_away_from_its_name() -> None:
    address = "<https://papers.example.org/" + "a" * 200 + ">"
    assert header("List-Unsubscribe", address) == f"List-Unsubscribe: {address}\r\n"


@pytest.mark.parametrize("nasty", ["a\r\nBcc: eve@example.org", "a\nBcc: eve@example.org", "é\r\nBcc: x", "a\x00b"])
def test_no_value_begins_another_header(nasty: str) -> None:
    for line in (header("Subject", nasty), header("From", mailbox(nasty, "papers@example.org"))):
        assert "\nBcc" not in line
        assert "\x00" not in line


def test_a_list_id_is_readable_beside_a_name_that_is_not_ascii() -> None:
    line = header("List-Id", with_display_name("Tägliche „Arbeiten“, Gruppe <Ä>", "daily.papers.example.org"))
    assert line.endswith("<daily.papers.example.org>\r\n")
    assert with_display_name('Our "Lab"', "daily.x") == '"Our \\"Lab\\"" <daily.x>'


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Plain words = few signs.\n.\n" * 9, "quoted-printable"),
        ("深层神经网络的学习\n" * 9, "base64"),
        ("", "quoted-printable"),
    ],
)
def test_a_half_has_the_shorter_encoding_and_is_read_back(text: str, encoding: str) -> None:
    message = assemble(
        header("Subject", "x"), text=quoted_printable(text), html=quoted_printable(f"<p>{text}</p>"), boundary="=_b"
    )
    first, second = message_from_bytes(message, policy=default).iter_parts()
    assert first["Content-Transfer-Encoding"] == encoding
    assert first.get_content().replace("\r\n", "\n").strip() == text.strip()
    assert second.get_content().replace("\r\n", "\n").strip() == f"<p>{text}</p>"
    assert max(map(len, message.split(b"\r\n"))) <= 78


def test_a_file_beside_the_halves_is_read_back() -> None:
    content = "BEGIN:VCALENDAR\r\nSUMMARY:Grüße\r\n--=_b--\r\n".encode() * 9
    file = Attachment("a.ics", "text/calendar; charset=utf-8", content)
    halves = {"text": quoted_printable("Plain"), "html": quoted_printable("<p>Rich</p>"), "boundary": "=_b"}
    message = assemble(header("Subject", "x"), **halves, attachment=file)
    parsed = message_from_bytes(message, policy=default)
    (read,) = parsed.iter_attachments()
    assert (read.get_filename(), read.get_payload(decode=True)) == ("a.ics", content)
    assert [parsed.get_body((kind,)).get_content().strip() for kind in ("plain", "html")] == ["Plain", "<p>Rich</p>"]  # type: ignore[union-attr]
    assert not parsed.defects
    assert max(map(len, message.split(b"\r\n"))) <= 78
