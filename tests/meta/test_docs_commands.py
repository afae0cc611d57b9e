"""What the documents tell people to type and to press exists: commands with their options, make targets, labels."""

from __future__ import annotations

import ast
import html
import re
from functools import cache

from django.apps import apps
from django.core.management import get_commands, load_command_class

from tests.meta.source_files import ROOT, source_files

# The log of decisions keeps its words; so does the changelog.
PAGES = [path for path in source_files(".md") if path.name not in ("decisions.md", "CHANGELOG.md")]
GRAFANAS = {"Dashboards", "New", "Import"}

_FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_COMMAND = re.compile(r"manage\.py ([a-z_]+)([^|;&#()]*)")
_MAKE = re.compile(r"(?:^|&& |sudo -u \w+ )make ([a-z][a-z-]*)\b")
# Within a sentence. At the beginning of a paragraph, an item or a cell, bold words name what the text is about.
_LABEL = re.compile(r"(?<=[\w,;:(“.][ (])\*\*([^*\n]+)\*\*|(?<=\w\n)\*\*([^*\n]+)\*\*")


def typed(text: str) -> list[str]:
    """The lines that a page shows as typed: of its blocks of code, and between backticks."""
    return [*"\n".join(_FENCE.findall(text)).splitlines(), *_CODE.findall(_FENCE.sub("", text))]


def unknown_commands(text: str) -> list[str]:
    """What is typed behind `manage.py` and is no command, or an option that the command does not have."""
    found = []
    for line in typed(text):
        for name, rest in _COMMAND.findall(line):
            options = options_of(name)
            if options is None:
                found.append(f"manage.py {name}")
            else:
                found += [
                    f"manage.py {name} {each}" for each in re.findall(r"--[a-z][\w-]*", rest) if each not in options
                ]
    return found


@cache
def options_of(name: str) -> frozenset[str] | None:
    """The options of a command; None where there is no such command."""
    app = get_commands().get(name)
    if app is None:
        return None
    command = app if not isinstance(app, str) else load_command_class(app, name)
    parser = command.create_parser("manage.py", name)
    return frozenset(option for action in parser._actions for option in action.option_strings)


def unknown_targets(text: str) -> set[str]:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    return {name for line in typed(text) for name in _MAKE.findall(line)} - targets


def labels_in(text: str) -> list[str]:
    """What a page has in bold within a sentence: by the style of these pages, words that stand on the screen."""
    prose = re.sub(r"^ *(?:\d+\.|-) ", "", _FENCE.sub("", text), flags=re.MULTILINE)
    found = [one or other for one, other in _LABEL.findall(prose)]
    return [part.strip() for label in found for part in label.split(" → ")]


@cache
def screen() -> str:
    """All words that pages may show, one after the other, with plain apostrophes and single spaces."""
    shown = [path.read_text(encoding="utf-8") for path in source_files(".html", ".txt", under="templates")]
    for app in ("config", "digests", "papers"):
        for path in source_files(".py", under=app):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in notes)
            shown += [str(node.value) for node in texts if isinstance(node.value, str)]
    shown += [str(model._meta.verbose_name_plural).capitalize() for model in apps.get_models()]
    return _plain(html.unescape("\n".join(shown)))


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("’", "'")


def unknown_labels(text: str) -> set[str]:
    labels = (_plain(label).strip(" .…") for label in labels_in(text))
    return {label for label in labels if label not in screen() and label not in GRAFANAS}


def test_each_command_that_is_typed_exists_with_its_options() -> None:
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in PAGES}
    assert sum(len(_COMMAND.findall(line)) for text in texts.values() for line in typed(text)) > 60
    assert {page: found for page, text in texts.items() if (found := unknown_commands(text))} == {}


def test_each_target_of_make_exists() -> None:
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in PAGES}
    assert sum(len(_MAKE.findall(line)) for text in texts.values() for line in typed(text)) > 20
    assert {page: found for page, text in texts.items() if (found := unknown_targets(text))} == {}


def test_each_label_that_is_named_stands_on_a_page() -> None:
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in PAGES}
    assert sum(len(labels_in(text)) for text in texts.values()) > 60
    assert {page: found for page, text in texts.items() if (found := unknown_labels(text))} == {}


def test_what_is_gone_would_be_found() -> None:
    assert unknown_commands(
        "`manage.py fetch --dry-run`, `manage.py embed --hurry`\n\n```\nmanage.py gone --x\n```\n"
    ) == [
        "manage.py gone",
        "manage.py embed --hurry",
    ]
    assert unknown_targets("`make run`, `make gone`, and make sense") == {"gone"}
    assert unknown_labels("**Lead.** Under **Group settings** and **Brakes**, then **Account → Gone things**") == {
        "Brakes",
        "Gone things",
    }
