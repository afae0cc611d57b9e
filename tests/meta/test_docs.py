"""The documents lead somewhere: no dead link to a file or a heading of ours."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from django.apps import apps

from tests.meta.source_files import ROOT, source_files

_LINK = re.compile(r"\]\(\s*<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\s*\)|(?:src|href)=\"([^\"]+)\"")
# A file or folder of the tree; `papers/services/` is one, `papers/web` too.
_PATH = re.compile(r"`((?:bench|config|digests|docs|papers|requirements|static|templates|tests|\.ci)/[\w./-]*)`")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def links(page: Path) -> list[str]:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return [one or other for one, other in _LINK.findall(text)]


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub names them."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+\s+(.+?)\s*$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_dead(page: Path, link: str) -> bool:
    if re.match(r"[a-z][a-z0-9+.-]*:", link):
        return False
    path, _, anchor = unquote(link).partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.is_relative_to(ROOT) or not target.exists():
        return True
    return bool(anchor) and target.suffix == ".md" and anchor not in anchors(target)


def test_no_link_is_dead() -> None:
    pages = list(source_files(".md"))
    assert len(pages) > 5
    dead = [f"{page.relative_to(ROOT)}: {link}" for page in pages for link in links(page) if is_dead(page, link)]
    assert dead == []


def test_a_dead_link_would_be_found(tmp_path: Path) -> None:
    assert is_dead(ROOT / "README.md", "docs/none.md")
    assert is_dead(ROOT / "README.md", "CHANGELOG.md#no-such-heading")
    assert is_dead(ROOT / "README.md", "../elsewhere.md")
    assert not is_dead(ROOT / "README.md", "CHANGELOG.md#changelog")
    assert not is_dead(ROOT / "README.md", "https://arxiv.org/")


def missing_paths(text: str) -> list[str]:
    """What stands in backticks, looks like a file or folder of the tree, and is none."""
    return [path for path in _PATH.findall(_FENCE.sub("", text)) if not (ROOT / path).exists()]


def test_every_path_that_is_named_exists() -> None:
    pages = {page: page.read_text(encoding="utf-8") for page in source_files(".md")}
    assert sum(len(_PATH.findall(text)) for text in pages.values()) > 40
    missing = [f"{page.relative_to(ROOT)}: {path}" for page, text in pages.items() for path in missing_paths(text)]
    assert missing == []


def test_a_path_that_is_gone_would_be_found() -> None:
    assert missing_paths("`papers/nowhere.py`, `papers/web/`, `docs/design.md`") == ["papers/nowhere.py"]


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150


def test_every_page_of_the_docs_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        seen.add(page)
        near = {(page.parent / link.partition("#")[0]).resolve() for link in links(page) if "://" not in link}
        waiting += [found for found in near if found.suffix == ".md" and found.exists() and found not in seen]
    assert set(source_files(".md", under="docs")) - seen == set()


def test_the_design_names_every_table() -> None:
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    models = [model for app in ("papers", "digests") for model in apps.get_app_config(app).get_models()]
    assert len(models) > 60
    assert [model.__name__ for model in models if f"`{model.__name__}`" not in text] == []


def test_the_design_names_every_folder_of_services() -> None:
    folders = {path.parent.name for path in (ROOT / "papers" / "services").glob("*/__init__.py")}
    named = set(re.findall(r"\w+", _below((ROOT / "docs" / "design.md").read_text(encoding="utf-8"), "## The folders")))
    assert folders - named == set()


def _below(text: str, heading: str) -> str:
    """A section of a page."""
    return text.partition(f"\n{heading}\n")[2].partition("\n## ")[0]
