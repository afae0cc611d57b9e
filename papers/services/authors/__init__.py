"""Authors and organisations: whose papers are whose, and what a page tells of them."""

from papers.services.authors.facts import Facts, facts_of
from papers.services.authors.finding import AuthorMovedError, NobodyError, Who, find_author, find_organization, slug_of

__all__ = [
    "AuthorMovedError",
    "Facts",
    "NobodyError",
    "Who",
    "facts_of",
    "find_author",
    "find_organization",
    "slug_of",
]
