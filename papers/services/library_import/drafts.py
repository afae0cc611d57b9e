"""Drafts: what a reader's file holds, of which nothing touches the library until it is applied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from django.db import transaction

from papers.catalogue.paper_ref import PaperRef
from papers.enqueue import TaskName, enqueue
from papers.models import LibraryImport, LibraryImportRow, LibraryUpload, LibraryUploadPart, Paper, User
from papers.references.common import ParsedReferences, ReferenceEntry
from papers.services.fetching.paper_lookup import HIDDEN_PAPER_MESSAGE, KnownPaper, known_papers
from papers.services.library_import.title_match import OTHER_TITLE, TitleMatch, match_titles, titles_agree
from papers.text.cleaning import safe_text

MAX_DRAFTS = 3
MAX_UNREAD = 3
PART_BYTES = 256 * 1024
DRAFTS_KEPT = timedelta(days=7)
APPLIED_KEPT = timedelta(days=60)


class LibraryImportError(Exception):
    """An import can't be done; the message says to the reader what to do."""


class TooManyUploadsError(LibraryImportError):
    """Too much of this reader waits to be read."""


def store_upload(*, user: User, data: bytes, name: str = "", now: datetime) -> LibraryImport:
    """Keep what a reader brings until a worker has read it: see `upload_reader`.

    Raises:
        TooManyUploadsError: three of the reader's wait already.
    """
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if LibraryImport.objects.of(user).filter(read_at=None).count() >= MAX_UNREAD:
            raise TooManyUploadsError(
                f"{MAX_UNREAD} of your files are still waiting to be read. Try again when one is done."
            )
        made = LibraryImport.objects.create(user=user, name=" ".join(safe_text(name).split())[:200], created_at=now)
        upload = LibraryUpload.objects.create(library_import=made)
        for number, start in enumerate(range(0, len(data), PART_BYTES)):
            LibraryUploadPart.objects.create(upload=upload, number=number, data=data[start : start + PART_BYTES])
        enqueue(TaskName.READ_UPLOADS)
    return made


def fill_draft(*, library_import: LibraryImport, reading: ParsedReferences, now: datetime) -> None:
    """Make the draft of what was read: each entry is found, to be fetched or not understood. Its upload goes.

    Of more than three drafts the oldest is deleted. Does nothing where the import was deleted meanwhile.
    """
    known = known_papers({each for row in reading.references for each in row.names})
    titles = match_titles(reading.references)
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=library_import.user_id)
        made = LibraryImport.objects.select_for_update(of=("self",)).filter(pk=library_import.pk, read_at=None).first()
        if made is None:
            return
        made.format, made.notes, made.read_at = reading.format, list(reading.notes), now
        if not reading.references:
            made.problem = " ".join(reading.notes) or "The file or list is empty."
        made.save(update_fields=["format", "notes", "read_at", "problem"])
        rows = _rows(made, reading.references, known, titles, _titles_of_noted(reading.references, known))
        LibraryImportRow.objects.bulk_create(rows, batch_size=2_000)
        _close(made)


def refuse_upload(*, library_import: LibraryImport, problem: str, now: datetime) -> None:
    """Say why an upload can't be read. It goes."""
    with transaction.atomic():
        unread = LibraryImport.objects.filter(pk=library_import.pk, read_at=None)
        if unread.update(read_at=now, problem=problem):
            _close(library_import)


def _close(read: LibraryImport) -> None:
    LibraryUpload.objects.filter(pk=read.pk).delete()
    drafts = LibraryImport.objects.filter(user=read.user_id, applied_at=None, read_at__isnull=False)
    old = drafts.order_by("-created_at", "-pk")[MAX_DRAFTS:]
    LibraryImport.objects.filter(pk__in=[each.pk for each in old]).delete()


def delete_import(*, library_import: LibraryImport) -> None:
    """Delete an import with all its rows, fetched or not. What is in the library stays."""
    library_import.delete()


def _rows(
    of: LibraryImport,
    references: Iterable[ReferenceEntry],
    known: Mapping[PaperRef, KnownPaper],
    titled: Mapping[int, TitleMatch],
    titles: Mapping[int, str],
) -> Iterator[LibraryImportRow]:
    first: dict[object, int] = {}
    for position, row in enumerate(references):
        made = LibraryImportRow(
            library_import=of, position=position, line=row.line, title=row.title, reference=row.given,
            tags=list(row.tags), state=LibraryImportRow.State.UNCLEAR, reason=row.problem,
        )  # fmt: skip
        named, found = _name_of(row, known, titles), titled.get(position)
        if found is not None and found.paper is not None and (named is None or named in row.unsure):
            made.reason = found.reason
            _settle(made, found.paper, None, first)
        elif named is not None:
            made.scheme, made.value = named.scheme, named.value
            made.needs_title = named in row.unsure and named not in known
            _settle(made, known.get(named), named, first)
        elif row.names:
            made.reason = OTHER_TITLE
        elif found is not None:
            made.reason = found.reason
        yield made


def _name_of(row: ReferenceEntry, known: Mapping[PaperRef, KnownPaper], titles: Mapping[int, str]) -> PaperRef | None:
    """The name that a row is taken by: one whose paper is here before one that is not, a field's before a note's.

    What stands in a note is about another paper where the title of that paper disagrees.
    """
    sure = [name for name in row.names if name not in row.unsure]
    noted = [
        name
        for name in row.unsure
        if name not in known or titles_agree(row.title, titles.get(known[name].paper_id, ""))
    ]
    here = (name for name in (*sure, *noted) if name in known)
    return next(here, next(iter((*sure, *noted)), None))


def _titles_of_noted(references: Iterable[ReferenceEntry], known: Mapping[PaperRef, KnownPaper]) -> dict[int, str]:
    """The titles of the papers here that notes name, by key. One query where there are any."""
    papers = {known[name].paper_id for row in references for name in row.unsure if name in known}
    return dict(Paper.objects.filter(pk__in=papers).values_list("pk", "title")) if papers else {}


def _settle(made: LibraryImportRow, paper: KnownPaper | None, named: PaperRef | None, first: dict[object, int]) -> None:
    """Set which paper a row names, or that it is to be fetched, or that an earlier row named the same."""
    key: object = paper.paper_id if paper else named
    if paper is not None and paper.is_hidden:
        made.reason = HIDDEN_PAPER_MESSAGE
    elif key in first:
        made.state, made.reason = LibraryImportRow.State.TWICE, f"The same as in line {first[key]:,}."
    elif paper is not None:
        made.state, made.paper_id = LibraryImportRow.State.FOUND, paper.paper_id
    else:
        made.state = LibraryImportRow.State.WANTED
    first.setdefault(key, made.line)


def delete_expired_imports(*, now: datetime) -> int:
    """Delete drafts that nobody applied within a week, and imports applied two months ago; how many rows.

    Idempotent.
    """
    old = LibraryImport.objects.filter(applied_at=None, created_at__lt=now - DRAFTS_KEPT)
    done = LibraryImport.objects.filter(applied_at__lt=now - APPLIED_KEPT)
    return old.delete()[0] + done.delete()[0]
