"""Papers by what somebody pastes: ids, links, DOIs, BibTeX, or any other format that a library is imported from.

It is read in a child process, as an upload is. What is here goes onto the list; what is not is told, and not fetched: a
list is no way around the import of a library and the submission of papers.
"""

from __future__ import annotations

from dataclasses import dataclass

from papers.catalogue.paper_ref import PaperRef
from papers.isolation.calls import IsolationError, call_isolated
from papers.references.common import ReferenceEntry
from papers.references.parser import parse_references
from papers.services.fetching.paper_lookup import known_papers
from papers.services.shared_lists.settings import ListError

MAX_CHARACTERS = 200_000
MAX_PASTED = 500
"""Papers at once."""
MISSING_SHOWN = 20


@dataclass(frozen=True, slots=True)
class PastedPapers:
    """What a text names."""

    paper_ids: tuple[int, ...]
    """Of papers that are here, in the order of the text, each once."""
    missing: tuple[str, ...] = ()
    """What else is named in it, as it is written there."""
    unread: int = 0
    """Entries that name no paper."""


def read_pasted(text: str) -> PastedPapers:
    """The papers that `text` names. One query; some milliseconds in a child process.

    Raises:
        ListError: it is empty or too long, or could not be read.
    """
    if not text.strip():
        raise ListError("Paste at least one arXiv id, DOI or link.")
    if len(text) > MAX_CHARACTERS:
        raise ListError(f"Paste at most {MAX_CHARACTERS:,} characters at once.")
    try:
        reading = call_isolated(parse_references, text.encode("utf-8", "replace"))
    except IsolationError as error:
        raise ListError(f"This could not be read: {error}.") from error
    if len(reading.references) > MAX_PASTED:
        raise ListError(f"Paste at most {MAX_PASTED} papers at once.")
    known = known_papers([name for entry in reading.references for name in _sure_names(entry)])
    found: dict[int, None] = {}
    missing: dict[str, None] = {}
    unread = 0
    for entry in reading.references:
        names = _sure_names(entry)
        paper = next((known[name] for name in names if name in known), None)
        if not names:
            unread += 1
        elif paper is None or paper.is_hidden:
            missing[entry.given or entry.title or names[0].value] = None
        else:
            found[paper.paper_id] = None
    return PastedPapers(tuple(found), tuple(missing), unread)


def _sure_names(entry: ReferenceEntry) -> list[PaperRef]:
    """Without names that stand in a remark only, which may be about another paper."""
    return [name for name in entry.names if name not in entry.unsure]
