"""A file cut into parts that are stored at once, and what they have in common with each other. No ORM."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from papers.catalogue.identifiers import parse_arxiv_id
from papers.services.paper_import.file_reader import UnreadableFileError
from papers.services.paper_import.formats import FileItem

ROWS = 1_000
BYTES = 8 << 20

# What a row is known by, without reading it: each text under a field that can name a paper.
_NAMES = re.compile(rb'"(?:arxiv_id|doi|url|id)"\s*:\s*"((?:[^"\\]|\\.){1,300})"')


@dataclass(frozen=True, slots=True)
class FilePart:
    """Some items of a file that follow each other. `read` is how far the file was read, in its own bytes."""

    number: int
    items: tuple[FileItem, ...]
    read: int

    @property
    def last_place(self) -> int:
        return self.items[-1].place


def split_into_parts(items: Iterable[FileItem], bytes_read: Callable[[], int]) -> Iterator[FilePart]:
    """The parts of a file, always cut at the same places; `bytes_read` says how far the file was read.

    Raises:
        UnreadableFileError: as the items do, after the part with the items before it.
    """
    number, held, size = 0, list[FileItem](), 0
    broken: UnreadableFileError | None = None
    iterator = iter(items)
    while True:
        try:
            item = next(iterator)
        except StopIteration:
            break
        except UnreadableFileError as error:
            broken = error
            break
        held.append(item)
        size += len(item.line or b"")
        if len(held) >= ROWS or size >= BYTES:
            yield FilePart(number, tuple(held), bytes_read())
            number, held, size = number + 1, [], 0
    if held:
        yield FilePart(number, tuple(held), bytes_read())
    if broken:
        raise broken


def part_identifiers(part: FilePart) -> frozenset[str]:
    """The identifiers that the part's papers may have. Parts that share none can be stored at once, in any order."""
    found: set[str] = set()
    for item in part.items:
        if item.line is not None:
            found.update(_folded(name.decode("utf-8", "replace")) for name in _NAMES.findall(item.line))
        for paper in item.papers:
            names = (paper.arxiv_id, paper.doi, paper.url, *(value for _, value in paper.identifiers))
            found.update(_folded(name) for name in names if name)
    return frozenset(found)


def _folded(name: str) -> str:
    name = name.replace("\\/", "/").strip()
    arxiv = parse_arxiv_id(name)
    return arxiv.value if arxiv else name.lower().removeprefix("https://doi.org/")
