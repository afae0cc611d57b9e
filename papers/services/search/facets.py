"""Links that narrow a search, with counts that cost nothing: of the best results, which are in memory anyway."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from papers.catalogue.categories import category_name
from papers.query import parser as language
from papers.query.parser import Node, Query
from papers.services.search.hybrid_search import Findings

MOST_CATEGORIES = 6
MOST_YEARS = 4
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Narrowing:
    """A link to the same search with one filter more."""

    name: str
    count: int
    """Among the best results."""
    address: str
    title: str = ""


def narrowings(query: Query, findings: Findings | None) -> list[Narrowing]:
    """The filters that would narrow these results, the most useful first. No queries."""
    if findings is None or len(findings.about) < 2 * _FEWEST:
        return []
    found: list[Narrowing] = []
    asked = {type(part) for part in query.required()}
    if language.Category not in asked:
        for code, count in findings.categories()[:MOST_CATEGORIES]:
            found.append(_narrowed(query, code, count, language.Category(code, (code,)), title=category_name(code)))
    if not asked & {language.After, language.Before}:
        years = findings.years()
        for year, count in years[:MOST_YEARS] if len(years) > 1 else ():
            parts = (language.After(language.When(str(year))), language.Before(language.When(str(year + 1))))
            found.append(_narrowed(query, str(year), count, *parts))
    if language.Has not in asked and (count := findings.with_code()):
        found.append(_narrowed(query, "with code", count, language.Has("code")))
    return [narrowing for narrowing in found if _FEWEST <= narrowing.count < len(findings.about)]


def _narrowed(query: Query, name: str, count: int, *parts: Node, title: str = "") -> Narrowing:
    text = str(Query(language.And((*query.required(), *parts))))
    return Narrowing(name, count, f"?{urlencode({'q': text})}", title)
