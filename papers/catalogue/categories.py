"""arXiv's subject categories, their names, and which of them are other names for the same one.

Everything stored carries canonical codes (`cs.CL`, never `cmp-lg`), so a reader of `cs.CL` also finds what was
filed under its old name. Strings of the MSC and ACM schemes, which arXiv sends among the categories, do not count.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parents[1] / "data" / "arxiv_taxonomy.json"


@dataclass(frozen=True, slots=True)
class Category:
    """One canonical category. An inactive one takes no new papers, but old papers carry it."""

    code: str
    name: str
    description: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class CategoryArchive:
    """The categories that share the part before the dot, such as `cs`; some have a single one, as `hep-th`."""

    code: str
    name: str
    categories: tuple[Category, ...]


@dataclass(frozen=True, slots=True)
class CategoryGroup:
    """A branch of science in arXiv's own order, for a picker."""

    name: str
    archives: tuple[CategoryArchive, ...]


@dataclass(frozen=True, slots=True)
class _Index:
    groups: tuple[CategoryGroup, ...]
    by_code: dict[str, Category]
    aliases: dict[str, str]
    canonical: dict[str, str]  # any code or alias, in lower case


@cache
def _index() -> _Index:
    data = json.loads(_FILE.read_text(encoding="utf-8"))
    groups = tuple(
        CategoryGroup(group["name"], tuple(_archive(archive) for archive in group["archives"]))
        for group in data["groups"]
    )
    by_code = {c.code: c for group in groups for archive in group.archives for c in archive.categories}
    canonical = {code.lower(): code for code in by_code}
    canonical |= {alias.lower(): code for alias, code in data["aliases"].items()}
    return _Index(groups, by_code, data["aliases"], canonical)


def _archive(data: dict[str, Any]) -> CategoryArchive:
    categories = tuple(
        Category(row["code"], row["name"], row.get("description", ""), row.get("active", True))
        for row in data["categories"]
    )
    return CategoryArchive(data["code"], data["name"], categories)


def taxonomy() -> tuple[CategoryGroup, ...]:
    """Groups, their archives, and their canonical categories, in arXiv's order."""
    return _index().groups


def archives() -> tuple[CategoryArchive, ...]:
    """The archives of all groups, in arXiv's order."""
    return tuple(archive for group in _index().groups for archive in group.archives)


def canonical_code(code: str) -> str | None:
    """The code under which a category is stored; None when `code` is no arXiv category. Case does not matter."""
    return _index().canonical.get(code.strip().lower())


def canonical_categories(codes: Iterable[str]) -> tuple[str, ...]:
    """The categories among `codes`, in their order (the first is the primary one), each once."""
    known = _index().canonical
    found = (known.get(code.strip().lower()) for code in codes)
    return tuple(dict.fromkeys(code for code in found if code is not None))


def category(code: str) -> Category | None:
    """The category with this code or alias; None when there is none."""
    found = canonical_code(code)
    return None if found is None else _index().by_code[found]


def find_category(text: str) -> Category | None:
    """The category that somebody means by any of its codes, or by its name. Case does not matter."""
    wanted = text.strip().lower()
    by_name = (found for found in _index().by_code.values() if found.name.lower() == wanted)
    return category(wanted) or next(by_name, None)


def category_name(code: str) -> str:
    """The name of a category in words; the code itself when it is unknown."""
    found = category(code)
    return code if found is None else found.name


def aliases_of(code: str) -> tuple[str, ...]:
    """The other codes of a canonical category, which arXiv still uses in addresses and in old papers."""
    return tuple(alias for alias, target in _index().aliases.items() if target == code)


def expand_pattern(pattern: str) -> tuple[str, ...]:
    """The canonical codes that `pattern` stands for: one category, or a whole archive as `cs.*` or `cs`.

    An archive includes what it shares with another under two names: `math.*` has `cs.IT`, arXiv's `math.IT`.
    `astro-ph` means the archive, not the category of that name, which takes no new papers.
    An empty tuple when nothing has that name.
    """
    pattern = pattern.strip().lower()
    if (exact := category(pattern)) and exact.is_active:
        return (exact.code,)
    prefix = pattern.removesuffix(".*")
    codes = [c.code for archive in archives() if archive.code == prefix for c in archive.categories]
    codes += [target for alias, target in _index().aliases.items() if alias.lower().startswith(f"{prefix}.")]
    return tuple(dict.fromkeys(codes))


def expand_patterns(patterns: Iterable[str]) -> tuple[str, ...]:
    """The canonical codes that `patterns` such as `cs.CL` or `cs.*` stand for, each once; unknown ones are left out."""
    return tuple(dict.fromkeys(code for pattern in patterns for code in expand_pattern(pattern)))
