"""Django's template loader, which keeps what it has read; with what Django works out anew for every page kept, too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.template import Node, NodeList, Template
from django.template.base import Origin
from django.template.loaders import cached


class Loader(cached.Loader):
    """A page that extends a frame asks the frame for its blocks: it is walked through once, and not for each page."""

    def get_template(self, template_name: str, skip: list[Origin] | None = None) -> Template:
        template = super().get_template(template_name, skip)
        if not isinstance(template.nodelist, _WalkedOnce):
            template.nodelist = _WalkedOnce(template.nodelist)
        return template


class _WalkedOnce(NodeList):
    """The nodes of a whole template, which are those that were parsed for as long as it is there."""

    def __init__(self, nodes: Iterable[Any]) -> None:
        super().__init__(nodes)
        self._by_type: dict[type[Node], list[Node]] = {}

    def get_nodes_by_type(self, nodetype: type[Node]) -> list[Node]:
        found = self._by_type.get(nodetype)
        if found is None:
            found = self._by_type[nodetype] = super().get_nodes_by_type(nodetype)
        return list(found)
