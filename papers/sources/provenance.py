"""Whose words a paper's title, authors and abstract are, and how readers are shown that. Pure."""

from __future__ import annotations

from papers.sources.base import OWN_RECORD
from papers.sources.registry import record_source_of_rank


def is_identified(public_id: str) -> bool:
    """Whether an arXiv id or a DOI names the paper with this address."""
    return bool(public_id) and not public_id.startswith("p-")


def provenance(public_id: str, record_rank: int) -> str:
    """Whose words a paper's are, such as "Hugging Face’s list"; empty where they are those of the record of its arXiv
    id or DOI, and where it has neither: then nobody else's could stand there."""
    if not is_identified(public_id) or record_rank >= OWN_RECORD:
        return ""
    records = record_source_of_rank(record_rank)
    return records.words_of if records else ""


def record_name(public_id: str) -> str:
    """Whose record it is that a paper's words should come from."""
    return "the DOI’s record" if public_id.startswith("doi/") else "arXiv’s record"


def provenance_note(public_id: str, record_rank: int) -> str:
    """What a card says: whose words it has until the paper's own record is here; empty where it is."""
    whose = provenance(public_id, record_rank)
    return f"Text from {whose}; {record_name(public_id)} has been requested" if whose else ""
