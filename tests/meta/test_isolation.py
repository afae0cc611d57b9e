"""What strangers may have written is read in child processes: nothing calls its readers, or their libraries, itself."""

from __future__ import annotations

import ast

import pytest

from tests.meta.source_files import ROOT, source_files

# Reader, and the modules that may call it: those of which it is a part.
READERS: dict[str, set[str]] = {
    "parse_references": set(),
    "parse_opml": set(),
    "parse_feed_entries": {"papers/sources/feed.py"},
    "parse_rejected_payload": set(),
}
LIBRARIES = {
    "feedparser": {"papers/sources/feed.py"},
    "lxml": {"papers/text/xml.py"},
}


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    paths = (path for part in ("papers", "digests", "config") for path in source_files(".py", under=part))
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text()) for path in paths}


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_is_only_handed_on(reader: str, trees: dict[str, ast.Module]) -> None:
    called = {
        path
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == reader
    }
    assert called <= READERS[reader]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_that_reads_markup_has_one_importer(library: str, trees: dict[str, ast.Module]) -> None:
    importers = {
        path
        for path, tree in trees.items()
        for node in ast.walk(tree)
        for name in _imported(node)
        if name.split(".")[0] == library
    }
    assert importers == LIBRARIES[library]


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
