"""The keys of the names on a paper, as `Paper.author_keys` has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from papers.catalogue.json_columns import AuthorRow
from papers.services.ingest.clean_record import author_index_key


def keys_with_orcid(authors: Sequence[AuthorRow]) -> Iterator[tuple[str, str]]:
    """Key and ORCID of those whose record gives one."""
    for author in authors:
        if (orcid := author.get("orcid")) and (key := author_index_key(author["name"])):
            yield key, orcid
