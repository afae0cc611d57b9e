"""What a paper's columns of JSON hold, its authors and its links."""

from typing import TypedDict


class AuthorRow(TypedDict, total=False):
    """One entry of `Paper.authors`; `affiliation` and `orcid` only where a source gave one."""

    name: str
    affiliation: str
    orcid: str


class LinkRow(TypedDict):
    """One value of `Paper.links`: the address, and where it was found (`arxiv`, `abstract`, `comment`, or a source)."""

    url: str
    found: str
