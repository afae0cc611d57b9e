"""Vectors of texts by the product's own model, kept in files by checksum, so that a second run embeds nothing."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Embed = Callable[[Sequence[str]], list[list[float]]]

_BATCH = 16


@dataclass(frozen=True, slots=True)
class RealVectors:
    """Vectors that somebody made earlier, of length 1, by checksum of the text they were made of."""

    vectors: NDArray[np.float32]
    places: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, file: str) -> RealVectors:
        """From `NAME.npy`, a row a vector, and `NAME.json` beside it with their checksums (SHA-256) as `keys`."""
        keys = json.loads(Path(file).with_suffix(".json").read_text(encoding="utf-8"))["keys"]
        vectors = np.load(file).astype(np.float32)
        return cls(vectors, {key: place for place, key in enumerate(keys[: len(vectors)])})

    def place_of(self, text: str) -> int | None:
        return self.places.get(hashlib.sha256(text.encode(errors="replace")).hexdigest())


class VectorCache:
    """A folder's file of vectors; in memory where no folder is given. `embed` is called for what is nowhere."""

    def __init__(self, folder: str, model: str, embed: Embed, *, real: RealVectors | None = None) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(str(Path(folder) / "vectors.sqlite") if folder else ":memory:", timeout=60)
        self._file.execute("CREATE TABLE IF NOT EXISTS vector (key BLOB PRIMARY KEY, numbers BLOB) WITHOUT ROWID")
        self._model = model
        self._embed = embed
        self._real = real

    def has(self, text: str) -> bool:
        """Whether its vector is there already."""
        return self._read(text) is not None

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
        if self._real is not None and (place := self._real.place_of(text)) is not None:
            return tuple(map(float, self._real.vectors[place]))
        row = self._file.execute("SELECT numbers FROM vector WHERE key = ?", [self._key(text)]).fetchone()
        return None if row is None else tuple(array("f", row[0]))

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(f"{self._model}\n{text}".encode(errors="replace")).digest()
