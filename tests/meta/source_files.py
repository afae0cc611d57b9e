"""The project's own files: what is tracked, or would be if it were added now."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Folders that hold no text of ours; `data` is where a running Broadsheet keeps its things.
SKIPPED = frozenset({".git", ".venv", "data", "__pycache__", "node_modules", "test-results", "results"})


def source_files(*suffixes: str, under: str = "") -> Iterator[Path]:
    """Files of ours with one of `suffixes`, in a steady order. Hidden folders are left out, `.ci` is not."""
    for folder, folders, names in os.walk(ROOT / under):
        top = Path(folder) == ROOT
        folders[:] = sorted(
            name
            for name in folders
            if (name not in SKIPPED or not top)
            and name != "__pycache__"
            and (not name.startswith(".") or name == ".ci")
        )
        yield from (Path(folder, name) for name in sorted(names) if name.endswith(suffixes))
