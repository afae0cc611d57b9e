"""The style sheet: one for all pages, small, each class with one meaning, and nothing in it that no page has."""

from __future__ import annotations

import gzip
import re
from collections import defaultdict
from pathlib import Path

import pytest
from django.contrib.staticfiles.finders import get_finders

from config.style_sheet import FIRST, LAST, NEXT, style_sheets
from tests.meta.source_files import ROOT, source_files
from tests.support import factories
from tests.support.factories import TODAY
from tests.support.pages import get_page
from tests.support.people import client_of, reader

CSS = ROOT / "static" / "css"
MOST_BYTES, MOST_COMPRESSED = 64_000, 14_000
MOST_SCRIPT = 15_000
# Classes without a rule: what scripts and tests find parts of a page by, and words that Django's own admin knows.
WITHOUT_RULES = frozenset(
    (
        *(
            "card-body",
            "cards",
            "comments",
            "figure",
            "paper-abstract",
            "queue",
            "reasons",
            "sample",
            "venue",
            "voters",
            "words",
        ),
        *("messages", "theme", "unread", "plain"),
        *("aligned", "clear", "errornote"),
    )
)
# Classes that Django gives to what it renders.
DJANGOS = frozenset(("errorlist", "helptext"))
_ATTRIBUTE = re.compile(r"""class(?:=|\\?":\s*\\?)(?:"([^"]*)"|'([^']*)')""")
_TEMPLATE_TAG = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_VARIABLE = re.compile(r"\{\{.*?\}\}|\{\}", re.DOTALL)
_CLASS = re.compile(r"\.([a-z][\w-]*)")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def selectors() -> dict[str, list[str]]:
    """The selectors of each file, by its name; those of the admin's own are Django's."""
    found: dict[str, list[str]] = {}
    for path in sorted(CSS.glob("*.css")):
        text = _COMMENT.sub("", path.read_text(encoding="utf-8"))
        heads = re.findall(r"([^{};]+)\{", text)
        found[path.stem] = [one.strip() for head in heads if "@" not in head for one in split_selectors(head)]
    return found


def split_selectors(head: str) -> list[str]:
    """The parts of a list of selectors; commas within brackets are no ends."""
    return re.split(r",(?![^(]*\))", head)


def used_classes() -> set[str]:
    """Each class of templates and of what Python and scripts write; `level-` where a number follows."""
    used: set[str] = set()
    for path in [*source_files(".html", under="templates"), *source_files(".py", under="papers")]:
        if "emails" in path.parts:
            continue
        for first, second in _ATTRIBUTE.findall(path.read_text(encoding="utf-8")):
            plain = _VARIABLE.sub("\0", _TEMPLATE_TAG.sub(" ", first or second))
            used |= {word.partition("\0")[0] for word in plain.split()} - {""}
    return used


def ruled_classes(*, of_admin: bool = False) -> set[str]:
    return {
        name
        for file, found in selectors().items()
        if (file == "admin") == of_admin
        for one in found
        for name in _CLASS.findall(one)
    }


def test_every_class_of_a_page_has_a_rule() -> None:
    ruled = ruled_classes() | ruled_classes(of_admin=True)
    lacking = {
        name
        for name in used_classes() - WITHOUT_RULES - DJANGOS
        if name not in ruled and not (name.endswith("-") and any(one.startswith(name) for one in ruled))
    }
    assert lacking == set()


def test_every_rule_is_for_something_on_a_page() -> None:
    used = used_classes()
    begun = tuple(name for name in used if name.endswith("-"))
    written = "\n".join(
        path.read_text(encoding="utf-8")
        for path in [
            *source_files(".html", under="templates"),
            *source_files(".py", under="papers"),
            *source_files(".py", under="digests"),
            *source_files(".js", under="static"),
        ]
    )
    words = set(re.findall(r"[a-z][\w-]*", written))
    idle = {name for name in ruled_classes() - used - words - DJANGOS if not name.startswith(begun)}
    assert idle == set()


def test_what_scripts_and_swaps_look_for_is_on_a_page() -> None:
    """A class that was taken off, as it had no rule, is missed by a script that finds its place by it."""
    pages = [*source_files(".html", under="templates"), *source_files(".py", under="papers")]
    scripts = {path.stem: path.read_text(encoding="utf-8") for path in source_files(".js", under="static")}
    html = "\n".join(path.read_text(encoding="utf-8") for path in pages)
    sought = {selector for _, selector in re.findall(r'hx-(target|select|include)="([^"]*)"', html)}
    for text in scripts.values():
        code = re.sub(r"(?<!:)//[^\n]*", "", text)
        sought |= {first or second for first, second in re.findall(r'"([^"\n]*)"|`([^`]*)`', code)}
    names = {
        name
        for selector in sought
        for name in re.findall(r"(?:^|(?<=[ ,(>]))\.([a-z][a-z-]+)|\[(data-[a-z-]+)", selector)
        for name in name
        if name and not name.startswith("htmx-")
    }
    begun = re.sub(r'hx-(target|select|include)="[^"]*"', "", html) + "".join(
        re.sub(r"querySelector(All)?\([^)]*\)|closest\([^)]*\)|matches\([^)]*\)", "", text) for text in scripts.values()
    )
    there = set(re.findall(r"(?<![.\w-])[a-z][a-z-]*", begun)) | set(re.findall(r"data-[a-z-]+(?=[ =>\"])", begun))
    assert len(names) > 40
    assert names - there == set()


def test_a_class_belongs_to_one_file() -> None:
    """Then the order of the files says nothing, and no page looks another way for what another page brought along."""
    homes: dict[str, set[str]] = defaultdict(set)
    for file, found in selectors().items():
        for one in found:
            alone = re.fullmatch(r"[a-z]*\.([a-z][\w-]*)(?:\[[^]]*\]|:{1,2}[a-z-]+(?:\([^)]*\))?)*", one)
            if alone and file not in ("print", "admin"):
                homes[alone[1]].add(file)
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def test_every_page_has_the_same_style_sheet() -> None:
    linked = {
        path.relative_to(ROOT).as_posix(): found
        for path in source_files(".html", under="templates")
        if (found := re.findall(r"[\w/-]+\.css\b", path.read_text(encoding="utf-8"))) and "emails" not in path.parts
    }
    assert linked.pop("templates/admin/base_site.html") == ["css/broadsheet-admin.css"]
    assert set(linked) == {f"templates/{name}.html" for name in ("base", "400", "403_csrf", "500", "503")}
    assert {name for names in linked.values() for name in names} == {"css/broadsheet.css"}


def test_what_browsers_load_is_small() -> None:
    sheets = style_sheets(CSS).values()
    assert sum(len(css.encode()) for css in sheets) <= MOST_BYTES
    assert sum(len(gzip.compress(css.encode(), 9)) for css in sheets) <= MOST_COMPRESSED


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["day", "paper", "search"])
def test_a_reading_page_loads_few_scripts(name: str) -> None:
    """All of our own that come before anything is pressed; what a search box proposes comes with its focus."""
    paper = factories.listing(factories.paper(title="Ice", abstract="Of ice. " * 90)).paper
    address = {"day": f"/papers/date/{TODAY}", "paper": paper.get_absolute_url(), "search": "/papers?q=ice"}[name]
    loaded = [src.removeprefix("/static/") for src in get_page(address, client_of(reader())).xpath("//script/@src")]
    own = {src for src in loaded if src.startswith("js/")}
    assert own == {"js/app.js", "js/paper.js" if name == "paper" else "js/list.js"}
    assert sum((ROOT / "static" / src).stat().st_size for src in own) <= MOST_SCRIPT


def test_the_style_sheet_is_collected_and_its_parts_are_not() -> None:
    collected = {name for finder in get_finders() for name, _ in finder.list([]) if name.startswith("css/")}
    assert collected == {"css/broadsheet.css", "css/broadsheet-admin.css"}


@pytest.mark.parametrize("name", ["css/broadsheet.css", "css/broadsheet-admin.css"])
def test_a_style_sheet_begins_with_the_tokens_and_is_whole(name: str) -> None:
    css = style_sheets(CSS)[name]
    assert css.startswith(":root{")
    assert css.count("{") == css.count("}")
    assert "/*" not in css


def test_the_order_of_the_files_names_only_files_that_there_are() -> None:
    named = (*FIRST, *NEXT, *LAST)
    assert set(named) <= {path.stem for path in CSS.glob("*.css")} - {"admin"}
    assert len(set(named)) == len(named)


def test_what_is_for_every_field_comes_before_what_is_for_one() -> None:
    """Both weigh the same, so the later one wins."""
    css = style_sheets(CSS)["css/broadsheet.css"]
    assert css.index("input[type=checkbox],") < css.index(".pick input{")
    assert css.index(".save:hover") < css.index(".paper .save{")
    assert css.rindex("@media ") == css.index("@media print{")


def test_what_is_taken_out_of_a_sheet_says_nothing(tmp_path: Path) -> None:
    """Spaces go but for those of a sum; of the tokens the admin has those that its rules name."""
    (tmp_path / "tokens.css").write_text(":root {\n  --ink: #000;\n  --idle: #fff;\n}\n", encoding="utf-8")
    (tmp_path / "admin.css").write_text("a + b { width: calc(1px + 2px); color: var(--ink); }", encoding="utf-8")
    for name in (*FIRST[1:], *NEXT, *LAST):
        (tmp_path / f"{name}.css").write_text("p{font:1rem / 1.5 serif}" if name == "base" else "", encoding="utf-8")
    sheets = style_sheets(tmp_path)
    assert sheets["css/broadsheet.css"] == ":root{--ink:#000;--idle:#fff}p{font:1rem/1.5 serif}"
    assert sheets["css/broadsheet-admin.css"] == ":root{--ink:#000;}a+b{width:calc(1px + 2px);color:var(--ink)}"
