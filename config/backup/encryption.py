"""Backups that only a key kept elsewhere opens: files of age (age-encryption.org/v1), by pyrage, imported when needed.

The site knows public keys alone (`age1…`), so whoever gets hold of the machine can't open older backups.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config.backup.archive import BackupError

MAGIC = b"age-encryption.org/v1\n"
_SECRET = "AGE-SECRET-KEY-"  # noqa: S105  what each begins with


def is_encrypted(path: Path) -> bool:
    """Whether a file is one of age's. False where it can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def read_recipients(texts: Sequence[str]) -> list[Any]:
    """The public keys.

    Raises:
        BackupError: one is not a public key, or pyrage is not installed.
    """
    pyrage = _pyrage()
    found = []
    for text in texts:
        try:
            found.append(pyrage.x25519.Recipient.from_str(text))
        except pyrage.RecipientError as error:
            raise BackupError(
                "BROADSHEET_BACKUP_RECIPIENTS must be public keys of age, such as age1ql3z7hjy54…: `age-keygen` makes "
                f"one, and {text[:12]}… is not one."
            ) from error
    return found


def encrypt(source: Path, target: Path, recipients: Sequence[str]) -> None:
    """Write `source` encrypted to `target`, and read it back to its end by a key that is made for that alone.

    Raises:
        BackupError: it can't be written, or does not come back as it was.
    """
    keys, ours = read_recipients(recipients), _pyrage().x25519.Identity.generate()
    try:
        with source.open("rb") as plain, target.open("wb") as file:
            _pyrage().encrypt_io(plain, file, [*keys, ours.to_public()])
            file.flush()
            os.fsync(file.fileno())
        with source.open("rb") as plain, target.open("rb") as file:
            compared = _Compared(plain)
            _pyrage().decrypt_io(file, compared, [ours])
            if not compared.is_same():
                raise BackupError(f"{target} does not come back as it was written: look at the disk.")
    except OSError as error:
        raise BackupError(f"{target} could not be written: {error.strerror or error}.") from error
    except (_pyrage().EncryptError, _pyrage().DecryptError) as error:
        raise BackupError(f"{target} could not be encrypted: {error}.") from error


class _Compared:
    """Takes what is decrypted, and compares it with a file; keeps nothing."""

    def __init__(self, wanted: Any) -> None:
        self._wanted, self._same = wanted, True

    def write(self, data: bytes) -> int:
        self._same = self._same and self._wanted.read(len(data)) == bytes(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def is_same(self) -> bool:
        return self._same and not self._wanted.read(1)


def read_identities(path: Path) -> list[Any]:
    """The secret keys of a file as `age-keygen` writes it: one a line, comments with #.

    Raises:
        BackupError: it can't be read, or has none.
    """
    pyrage, found = _pyrage(), []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BackupError(f"The file of the key, {path}, can't be read.") from error
    for line in map(str.strip, lines):
        if line.upper().startswith(_SECRET):
            try:
                found.append(pyrage.x25519.Identity.from_str(line))
            except pyrage.IdentityError as error:
                raise BackupError(f"A key in {path} is damaged.") from error
    if not found:
        raise BackupError(f"{path} has no line that begins with {_SECRET}1: it was not written by `age-keygen`.")
    return found


@contextmanager
def decrypted(path: Path, identity: Path | None, *, folder: Path) -> Iterator[Path]:
    """A backup that can be read: itself, or, of an encrypted one, a copy in `folder` that goes with the block.

    Raises:
        BackupError: no key is named, or it does not open the file, or the copy can't be written.
    """
    if not is_encrypted(path):
        yield path
        return
    if identity is None:
        raise BackupError(f"{path} is encrypted: name the file with its key, --identity KEYFILE.")
    keys = read_identities(identity)
    try:
        handle, name = tempfile.mkstemp(dir=folder, prefix=".restore.")  # 0600
    except OSError as error:
        raise BackupError(f"{folder} can't be written ({error.strerror}).") from error
    copy = Path(name)
    try:
        with os.fdopen(handle, "wb") as plain, path.open("rb") as file:
            _pyrage().decrypt_io(file, plain, keys)
        yield copy
    except _pyrage().DecryptError as error:
        raise BackupError(f"{path} can't be opened with the key in {identity}: {error}.") from error
    except OSError as error:
        raise BackupError(f"{path} could not be decrypted into {folder}: {error.strerror or error}.") from error
    finally:
        copy.unlink(missing_ok=True)


def _pyrage() -> Any:
    try:
        import pyrage
    except ImportError as error:
        raise BackupError("Encrypted backups need the package pyrage, which is not installed.") from error
    return pyrage
