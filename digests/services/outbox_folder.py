"""The outbox in the data folder: mails that were kept because none may leave, as files, newest first. Read only."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings

SHOWN = 100
_NAME = re.compile(r"[\w-][\w.-]*\.(?:eml|log)")
# Django's file backend writes all mails of a connection into one file, separated by such a line.
_BETWEEN = re.compile(rb"^-{79}\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class OutboxFile:
    """One mail of the outbox."""

    name: str
    """Its place in the address."""
    written_at: datetime
    source: bytes

    def parsed(self) -> EmailMessage:
        return email.message_from_bytes(self.source, policy=email.policy.default)

    def part(self, kind: str) -> str:
        """The text of its first part `text/<kind>`, empty where it has none."""
        for part in self.parsed().walk():
            if part.get_content_type() == f"text/{kind}":
                return str(part.get_content())
        return ""

    def header(self, name: str) -> str:
        return str(self.parsed().get(name, ""))

    @property
    def subject(self) -> str:
        return self.header("Subject")

    @property
    def to(self) -> str:
        return self.header("To")


def newest_files() -> list[OutboxFile]:
    """The mails that were written last."""
    found: list[OutboxFile] = []
    for path in sorted(_files(), key=lambda path: path.stat().st_mtime, reverse=True):
        found += reversed(list(_mails(path)))
        if len(found) >= SHOWN:
            break
    return found[:SHOWN]


def find_outbox_file(name: str) -> OutboxFile | None:
    """One mail by its place in the address; None where there is none."""
    file, _, number = name.partition(":")
    path = Path(settings.OUTBOX_DIR) / file
    if not _NAME.fullmatch(file) or not path.is_file():
        return None
    return next((mail for mail in _mails(path) if mail.name == (f"{file}:{number}" if number else file)), None)


def _files() -> Iterator[Path]:
    folder = Path(settings.OUTBOX_DIR)
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def _mails(path: Path) -> Iterator[OutboxFile]:
    try:
        source, at = path.read_bytes(), datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:  # removed meanwhile
        return
    if path.suffix == ".eml":
        yield OutboxFile(path.name, at, source)
        return
    for number, one in enumerate(_BETWEEN.split(source)):
        if one.strip():
            yield OutboxFile(f"{path.name}:{number}", at, one)
