"""A public class has a name of its own, so that a search for it finds one definition."""

from __future__ import annotations

import ast
from collections import defaultdict

from tests.meta.source_files import ROOT, source_files


def test_public_classes_have_names_of_their_own() -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for app in ("config", "digests", "papers"):
        for path in source_files(".py", under=app):
            where = path.relative_to(ROOT)
            if {"migrations", "commands"} & set(where.parts):
                continue
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found[node.name].append(str(where))
    assert {name: places for name, places in found.items() if len(places) > 1} == {}
