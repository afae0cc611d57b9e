"""A frame of pages is walked through once for its blocks, and each page fills its own."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.template import Node, engines
from django.template.loader import get_template
from django.template.loader_tags import BlockNode

from config.template_loader import Loader


def test_pages_of_one_frame_keep_apart() -> None:
    engine: Any = engines["django"]
    pages = [f"{{% extends 'base.html' %}}{{% block title %}}page {name}{{% endblock %}}" for name in "abca"]
    shown = [engine.from_string(page).render({"group": {"name": ""}}, None) for page in pages]
    assert [html.split("<title>")[1].split("<")[0] for html in shown] == ["page a", "page b", "page c", "page a"]


def test_a_frame_is_walked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: Counter[str] = Counter()
    walk = Node.get_nodes_by_type

    def counting(self: Node, nodetype: type[Node]) -> list[Node]:
        asked[nodetype.__name__] += 1
        return walk(self, nodetype)

    frame: Any = get_template("base.html")
    frame.template.nodelist.get_nodes_by_type(BlockNode)
    monkeypatch.setattr(Node, "get_nodes_by_type", counting)
    blocks = frame.template.nodelist.get_nodes_by_type(BlockNode)
    assert {"title", "content"} <= {block.name for block in blocks}
    assert not asked


def test_what_was_read_is_kept_and_can_be_forgotten() -> None:
    django: Any = engines["django"]
    engine = django.engine
    (loader,) = engine.template_loaders
    assert isinstance(loader, Loader)
    before = engine.get_template("base.html")
    assert engine.get_template("base.html") is before
    loader.reset()
    assert engine.get_template("base.html") is not before
