"""Vectors of texts by the product's own model, kept in a file by checksum, so that a second run embeds nothing."""

from __future__ import annotations

import hashlib
import sqlite3
import sys
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path

Embed = Callable[[Sequence[str]], list[list[float]]]

_BATCH = 16


class KeptVectors:
    """A folder's file of vectors; in memory where no folder is given. `embed` is called for what it lacks."""

    def __init__(self, folder: str, model: str, embed: Embed) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(str(Path(folder) / "vectors.sqlite") if folder else ":memory:", timeout=60)
        self._file.execute("CREATE TABLE IF NOT EXISTS vector (key BLOB PRIMARY KEY, numbers BLOB) WITHOUT ROWID")
        self._model = model
        self._embed = embed

    def of(self, texts: Sequence[str], *, name: str) -> list[tuple[float, ...]]:
        """The vectors of these texts, in their order. Says on stderr how far it is with `name`."""
        missing = [text for text in dict.fromkeys(texts) if self._read(text) is None]
        for start in range(0, len(missing), _BATCH):
            some = missing[start : start + _BATCH]
            rows = [
                (self._key(text), array("f", vector).tobytes())
                for text, vector in zip(some, self._embed(some), strict=True)
            ]
            with self._file:
                self._file.executemany("INSERT OR REPLACE INTO vector VALUES (?, ?)", rows)
            if len(missing) > _BATCH and start % (16 * _BATCH) == 0:
                print(f"{name}: embedded {start + len(some):,} of {len(missing):,}", file=sys.stderr, flush=True)
        return [self._read(text) or () for text in texts]

    def _read(self, text: str) -> tuple[float, ...] | None:
        row = self._file.execute("SELECT numbers FROM vector WHERE key = ?", [self._key(text)]).fetchone()
        return None if row is None else tuple(array("f", row[0]))

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(f"{self._model}\n{text}".encode(errors="replace")).digest()
