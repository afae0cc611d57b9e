"""Links that narrow a search, with counts that cost nothing: of the best results, which are in memory anyway."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from papers.catalogue.categories import category_name
from papers.query import nodes
from papers.query.nodes import Node
from papers.query.parser import Query
from papers.services.search.hybrid_search import SearchResult

MAX_CATEGORIES = 6
MAX_YEARS = 4
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class FacetLink:
    """A link to the same search with one filter more."""

    name: str
    count: int
    """Among the best results."""
    address: str
    title: str = ""


def facet_links(query: Query, search_result: SearchResult | None) -> list[FacetLink]:
    """The filters that would narrow these results, the most useful first. No queries."""
    if search_result is None or len(search_result.facets) < 2 * _FEWEST:
        return []
    found: list[FacetLink] = []
    asked = {type(part) for part in query.required()}
    if nodes.CategoryTerm not in asked:
        for code, count in search_result.categories()[:MAX_CATEGORIES]:
            found.append(_narrowed(query, code, count, nodes.CategoryTerm(code, (code,)), title=category_name(code)))
    if not asked & {nodes.AfterTerm, nodes.BeforeTerm, nodes.YearTerm}:
        years = search_result.years()
        for year, count in years[:MAX_YEARS] if len(years) > 1 else ():
            found.append(_narrowed(query, str(year), count, nodes.YearTerm(year, year)))
    if nodes.HasTerm not in asked and (count := search_result.with_code()):
        found.append(_narrowed(query, "with code", count, nodes.HasTerm("code")))
    return [narrowing for narrowing in found if _FEWEST <= narrowing.count < len(search_result.facets)]


def _narrowed(query: Query, name: str, count: int, *parts: Node, title: str = "") -> FacetLink:
    text = str(Query(nodes.And((*query.required(), *parts))))
    return FacetLink(name, count, f"?{urlencode({'q': text})}", title)
