"""The backup file: a zip with a manifest, one member a table as Postgres' COPY writes it, and the site's key."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from config.prerelease import BACKUP_MESSAGE, is_prerelease

FORMAT_VERSION = 1
MANIFEST_MEMBER = "manifest.json"
SECRET_KEY_MEMBER = "secret_key"  # noqa: S105  the name of a file in the archive
CHUNK_BYTES = 1024 * 1024


class BackupError(Exception):
    """A backup that can't be written or read; the message is one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class TableEntry:
    """One table in the file."""

    name: str
    columns: list[str]
    rows: int
    sha256: str
    """Of the member's content."""

    @property
    def member(self) -> str:
        return f"tables/{self.name}.copy"


@dataclass(slots=True)
class BackupManifest:
    """What the file holds, and which Broadsheet wrote it."""

    version: str
    created_at: str
    migrations: list[tuple[str, str]]
    """App and name of all that were applied."""
    sequences: dict[str, int] = field(default_factory=dict)
    """By name, the last number that each has given."""
    tables: list[TableEntry] = field(default_factory=list)
    format: int = FORMAT_VERSION
    has_key: bool = True
    """Whether the site's key is in the file, which opens what is stored encrypted."""

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> BackupManifest:
        """The manifest in `text`.

        Raises:
            BackupError: it is not a manifest, or its format is not known to this Broadsheet.
        """
        try:
            data = json.loads(text)
            if data["format"] > FORMAT_VERSION:
                raise BackupError("A newer Broadsheet wrote this backup: restore it with that one, or upgrade first.")
            tables = [TableEntry(**row) for row in data.pop("tables")]
            migrations = [(app, name) for app, name in data.pop("migrations")]
            return cls(tables=tables, migrations=migrations, **data)
        except (ValueError, KeyError, TypeError) as error:
            raise BackupError("This is not a backup of Broadsheet: its manifest can't be read.") from error


class ArchiveWriter:
    """Writes members one after the other; nothing is held in memory."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def text(self, name: str, text: str) -> None:
        self._archive.writestr(name, text)

    def stream(self, name: str, chunks: Iterable[bytes | memoryview]) -> str:
        """Write a member; returns the SHA-256 of its content."""
        digest = hashlib.sha256()
        with self._archive.open(name, "w", force_zip64=True) as member:
            for chunk in chunks:
                digest.update(chunk)
                member.write(chunk)
        return digest.hexdigest()


@contextmanager
def create_archive(path: Path) -> Iterator[ArchiveWriter]:
    """A new backup at `path`, for this account's eyes only; it appears there when it is whole, or not at all.

    Raises:
        BackupError: the folder can't be written, or the disk is full.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    except OSError as error:
        raise BackupError(f"{path.parent} can't be written ({error.strerror}): name another file.") from error
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            # Level 1: three times as fast as the default, for a file a tenth larger.
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                yield ArchiveWriter(archive)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise BackupError(f"{path} could not be written: {error.strerror}.") from error
    finally:
        unfinished.unlink(missing_ok=True)


class ArchiveReader:
    """A backup that is there."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.manifest = BackupManifest.from_json(self._text(MANIFEST_MEMBER))
        if is_prerelease(self.manifest.migrations):
            raise BackupError(BACKUP_MESSAGE)
        self.secret_key = self._text(SECRET_KEY_MEMBER) if self.manifest.has_key else ""

    def chunks(self, entry: TableEntry) -> Iterator[bytes]:
        """The content of a table's member."""
        with self._archive.open(entry.member) as member:
            while chunk := member.read(CHUNK_BYTES):
                yield chunk

    def check(self) -> None:
        """Read it all once, before anything is changed for it.

        Raises:
            BackupError: a part is missing or damaged.
        """
        for entry in self.manifest.tables:
            digest = hashlib.sha256()
            try:
                for chunk in self.chunks(entry):
                    digest.update(chunk)
            except (KeyError, zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
                raise BackupError(f"The backup is damaged: table {entry.name} can't be read.") from error
            if digest.hexdigest() != entry.sha256:
                raise BackupError(f"The backup is damaged: table {entry.name} is not as it was written.")

    def _text(self, name: str) -> str:
        try:
            return self._archive.read(name).decode("utf-8")
        except (KeyError, UnicodeDecodeError, zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise BackupError(f"This is not a backup of Broadsheet: it has no {name}.") from error


@contextmanager
def open_archive(path: Path) -> Iterator[ArchiveReader]:
    """The backup at `path`.

    Raises:
        BackupError: there is no file, it is not a backup, or it was written before the first release.
    """
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError as error:
        raise BackupError(f"There is no file {path}.") from error
    except OSError as error:
        raise BackupError(f"{path} can't be read: {error.strerror}.") from error
    except zipfile.BadZipFile as error:
        raise BackupError(f"{path} is not a backup of Broadsheet, or only the beginning of one.") from error
    with archive:
        yield ArchiveReader(archive)
