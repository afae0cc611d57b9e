"""Every partial begins with a comment that names the variables it uses, so that whoever includes it knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.template import engines
from django.template.base import FilterExpression, Node, NodeList, Template, Variable
from django.template.defaulttags import ForNode
from django.template.smartif import TokenBase

from tests.meta.source_files import ROOT, source_files

PARTIALS = [path for path in source_files(".html", under="templates") if path.name.startswith("_")]
# What the context processors and Django give to every page.
EVERYWHERE = {"request", "user", "perms", "messages", "group", "site_url", "version", "csrf_token", "forloop", "block",
              "True", "False", "None"}  # fmt: skip
_HEADER = re.compile(r"\A\s*(?:\{#(.*?)#\}|\{%\s*comment\s*%\}(.*?)\{%\s*endcomment\s*%\})", re.DOTALL)


def used(template: Template) -> set[str]:
    """The variables that a template takes from whoever includes it."""
    return set(_free(template.nodelist, frozenset()))


def _free(thing: Any, bound: frozenset[str]) -> Iterator[str]:
    if isinstance(thing, Variable):
        if thing.lookups and thing.lookups[0] not in bound:
            yield thing.lookups[0]
    elif isinstance(thing, FilterExpression):
        yield from _free(thing.var, bound)
        for _, arguments in thing.filters:
            yield from _free([value for _, value in arguments], bound)
    elif isinstance(thing, Node):
        yield from _free_of_node(thing, bound)
    elif isinstance(thing, dict):
        yield from _free(list(thing.values()), bound)
    elif isinstance(thing, (list, tuple)):
        yield from _free_in_order(thing, bound)
    elif isinstance(thing, TokenBase):  # {% if %}: an operand has a value, an operator one or two operands
        yield from _free([thing.value, thing.first, thing.second], bound)


def _free_in_order(things: Any, bound: frozenset[str]) -> Iterator[str]:
    """A tag with `as name` binds that name for what comes after it."""
    for thing in things:
        yield from _free(thing, bound)
        names = [getattr(thing, attribute, None) for attribute in ("target_var", "asvar", "variable_name")]
        if isinstance(thing, Node):
            bound |= {name for name in names if isinstance(name, str)}


def _free_of_node(node: Node, bound: frozenset[str]) -> Iterator[str]:
    parts = {key: value for key, value in vars(node).items() if key not in ("origin", "token")}
    if isinstance(node, ForNode):
        yield from _free(node.sequence, bound)
        yield from _free([node.nodelist_loop, node.nodelist_empty], bound | set(node.loopvars))
        return
    given = parts.pop("extra_context", {})  # of {% with %} and {% include %}
    yield from _free(given, bound)
    inside = bound | set(given)
    for value in parts.values():
        yield from _free(value, inside if isinstance(value, NodeList) else bound)


@pytest.mark.parametrize("path", PARTIALS, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_a_partial_names_what_it_uses(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    header = _HEADER.match(source)
    assert header, "A partial begins with a comment that says what it shows and from which variables."
    said = set(re.findall(r"\w+", header[1] or header[2]))
    template = engines["django"].from_string(source).template  # type: ignore[attr-defined]
    assert used(template) - EVERYWHERE - said == set()


@pytest.mark.parametrize(
    "path",
    [path for path in source_files(".html", under="templates") if path.parent.name != "emails"],
    ids=lambda path: str(path.relative_to(ROOT / "templates")),
)
def test_a_template_reads_like_text(path: Path) -> None:
    """Pages only: in a mail each byte counts, and line breaks of the template are the mail's."""
    long = [number for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if len(line) > 160]
    assert long == [], "Break a line where whitespace does not show: between blocks, or inside a tag."


def test_what_a_partial_uses_is_found() -> None:
    source = (
        "{% for row in rows %}{{ row.name }}{{ forloop.counter }}{{ title|default:fallback }}{% endfor %}"
        "{% with short=long.name %}{{ short }}{% endwith %}{% if a and not b or c == 1 %}{% endif %}"
        "{% url 'papers:status' as there %}{{ there }}{% now 'Y' as year %}{{ year }}"
    )
    template = engines["django"].from_string(source).template  # type: ignore[attr-defined]
    assert used(template) - {"forloop"} == {"rows", "title", "fallback", "long", "a", "b", "c"}


def test_there_are_partials() -> None:
    assert PARTIALS


_IMAGE = re.compile(r"<img\b[^>]*>")
_PAGE = re.compile(r"<html\b[^>]*>")
_TEMPLATE_TAG = re.compile(r"\{[%#{].*?[%#}]\}", re.DOTALL)


def flaws(source: str) -> list[str]:
    """What a browser forgives and a program that reads aloud does not."""
    plain = _TEMPLATE_TAG.sub("", source)
    pictures = [f"no alt: {tag}" for tag in _IMAGE.findall(plain) if " alt=" not in tag]
    return pictures + [f"no lang: {tag}" for tag in _PAGE.findall(plain) if " lang=" not in tag]


def test_flaws_are_found() -> None:
    assert len(flaws('<html><img src="a"><img src="{% if a > b %}x{% endif %}" alt="">')) == 2


@pytest.mark.parametrize("path", list(source_files(".html", under="templates")), ids=lambda path: path.name)
def test_no_template_has_a_flaw(path: Path) -> None:
    assert flaws(path.read_text(encoding="utf-8")) == []


_COMMENT = re.compile(r"\{#(.*?)#\}|\{%\s*comment\s*%\}(.*?)\{%\s*endcomment\s*%\}", re.DOTALL)
_CLASS = re.compile(r"\b(?:[A-Z][a-z]+){2,}\b")
_KNOWN_ELSEWHERE = {"ChangeList", "JavaScript", "LogEntry"}
"""Django's own, and a language."""


def unknown_classes(text: str, known: frozenset[str]) -> set[str]:
    """What the comments of a template name like a class, and is none."""
    said = " ".join("".join(found) for found in _COMMENT.findall(text))
    return set(_CLASS.findall(said)) - known - _KNOWN_ELSEWHERE


def test_the_classes_that_comments_name_exist() -> None:
    modules = [path for folder in ("papers", "digests", "config") for path in source_files(".py", under=folder)]
    known = frozenset(
        name for path in modules for name in re.findall(r"^class (\w+)", path.read_text("utf-8"), re.MULTILINE)
    )
    assert len(known) > 300
    assert unknown_classes("{# Context: form (FormOfBefore), day (Edition). #}", known) == {"FormOfBefore"}
    templates = source_files(".html", under="templates")
    found = {str(path): unknown_classes(path.read_text(encoding="utf-8"), known) for path in templates}
    assert {path: names for path, names in found.items() if names} == {}
