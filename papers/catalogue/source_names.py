"""The names by which readers ask for where papers are from, such as `source:biorxiv`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NamedSource:
    """What tells that a paper is from somewhere; any of these is enough."""

    ranks: tuple[int, ...] = ()
    """The ranks of the makers of its record, as in `sources/registry.py`."""
    id_mark: str = ""
    """The mark of papers whose id is that archive's."""
    counts: str = ""
    """The name under which that site's votes for a paper are kept: it has the paper, whoever else has it, too."""


SOURCE_NAMES: Mapping[str, NamedSource] = {
    "arxiv": NamedSource(id_mark="arxiv"),
    "biorxiv": NamedSource(ranks=(55,)),
    "medrxiv": NamedSource(ranks=(56,)),
    "doi": NamedSource(id_mark="doi"),
    "huggingface": NamedSource(counts="huggingface"),
    "crossref": NamedSource(ranks=(52,)),
    "openalex": NamedSource(ranks=(36,)),
    "oai": NamedSource(ranks=(38,)),
    "feed": NamedSource(ranks=(40,)),
    "webpage": NamedSource(ranks=(45,)),
    "broadsheet": NamedSource(ranks=(28,)),
    "import": NamedSource(ranks=(20,)),
    "sample": NamedSource(ranks=(0,)),
}
"""A test compares the ranks with those of the registry."""
SOURCE_ALIASES: Mapping[str, str] = {"hf": "huggingface", "web": "webpage", "imported": "import"}
