"""What curators decide on names: two spellings are one person, some papers are another person's of the same name.

Each decision is an event of the public log, with what `undo_author_event` needs. The papers stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from django.db import transaction

from papers.catalogue.identifiers import parse_orcid
from papers.catalogue.json_columns import AuthorRow
from papers.models import Author, AuthorClaim, AuthorName, CurationEvent, Follow, Followed, Paper, User
from papers.services.authors.lookup import Contributor, contributor_of
from papers.services.curation.audit_actions import CurationAction
from papers.services.curation.subjects import author_subject
from papers.services.ingest.clean_record import author_index_key
from papers.services.reading.follows import move_followers, refresh_followed_authors
from papers.text.cleaning import typed_line
from papers.text.names import author_key

AUTHOR_ACTIONS = (CurationAction.AUTHOR_MERGED, CurationAction.AUTHOR_SPLIT, CurationAction.AUTHOR_ORCID)
MAX_PAPERS_AT_ONCE = 500


class AuthorCurationError(Exception):
    """It can't be done; the message says what to do, for the curator."""


def merge_authors(*, kept: Contributor, gone: Contributor, name: str, curator: User, now: datetime) -> CurationEvent:
    """Say that the author `gone` is the author `kept`, with all spellings, papers and followers.

    Raises:
        AuthorCurationError: they are one already.
    """
    if kept.key == gone.key:
        raise AuthorCurationError("These are already the same author.")
    with transaction.atomic():
        author = _author(kept, name)
        other = Author.objects.select_for_update().filter(pk=gone.key).first()
        names = list(other.names.values_list("name", flat=True)) if other else [gone.key]
        claims = list(AuthorClaim.objects.filter(author=gone.key).values_list("paper_id", "name"))
        before = {"name": other.name, "orcid": other.orcid} if other else {}
        AuthorClaim.objects.filter(author=gone.key).update(author=author)
        AuthorName.objects.filter(author=gone.key).update(author=author)
        if other is not None:
            other.delete()
        for spelling in {*names, gone.key}:  # the old address leads on, also where it is no spelling
            AuthorName.objects.update_or_create(name=spelling, defaults={"author": author})
        moved = move_followers(gone=gone.key, kept=contributor_of(author), name=author.name, now=now)
        refresh_followed_authors([author.pk], now=now)
        undo = {"gone": gone.key, "names": names, "claims": claims, "row": before, "followers": moved}
        return _note(CurationAction.AUTHOR_MERGED, curator, undo, {"author": author.pk})


def split_author(
    *, contributor: Contributor, paper_ids: Collection[int], name: str, curator: User, now: datetime
) -> CurationEvent:
    """Say that on these papers the name is somebody else's, who gets a page of their own.

    Raises:
        AuthorCurationError: none of the papers is this author's, or it would be all of them.
    """
    with transaction.atomic():
        rows = list(
            contributor.papers().filter(pk__in=list(paper_ids)[:MAX_PAPERS_AT_ONCE]).values_list("pk", "author_keys")
        )
        pairs = [(pk, next((key for key in keys if key in contributor.names), "")) for pk, keys in rows]
        pairs = [(pk, key) for pk, key in pairs if key]
        if not pairs:
            raise AuthorCurationError("Select at least one paper.")
        known = AuthorClaim.objects.filter(author=contributor.key).values_list("paper_id", flat=True)
        before = sorted(set(known).intersection(pk for pk, _ in pairs))
        author = Author.objects.create(key=_free_key(contributor.key), name=typed_line(name)[:200] or contributor.key)
        AuthorClaim.objects.bulk_create(
            (AuthorClaim(paper_id=pk, name=key, author=author) for pk, key in pairs),
            update_conflicts=True, update_fields=["author"], unique_fields=["paper_id", "name"],
        )  # fmt: skip
        refresh_followed_authors([contributor.key], now=now)
        return _note(
            CurationAction.AUTHOR_SPLIT,
            curator,
            {"claims": before},
            {"author": contributor.key, "new": author.pk, "claims": pairs},
        )


def set_orcid(*, contributor: Contributor, orcid: str, name: str, curator: User, now: datetime) -> CurationEvent:
    """Note an author's ORCID; empty takes it away. From then on papers whose record has it are this author's.

    Raises:
        AuthorCurationError: it is not an ORCID, or it is another author's.
    """
    found = parse_orcid(orcid) if orcid.strip() else ""
    if found is None:
        raise AuthorCurationError("That is not a valid ORCID. Enter one like 0000-0002-1825-0097.")
    with transaction.atomic():
        author = _author(contributor, name)
        if found and Author.objects.filter(orcid=found).exclude(pk=author.pk).exists():
            raise AuthorCurationError("Another author here has this ORCID. Merge the two authors instead.")
        before = author.orcid
        author.orcid = found
        author.save(update_fields=["orcid"])
        return _note(CurationAction.AUTHOR_ORCID, curator, {"orcid": before}, {"author": author.pk, "orcid": found})


def undo_author_event(*, event: CurationEvent, curator: User, now: datetime) -> bool:
    """Undo a decision on an author; False where it was undone before. Idempotent."""
    with transaction.atomic():
        event = CurationEvent.objects.select_for_update().get(pk=event.pk)
        if event.undone_at is not None:
            return False
        _UNDO[CurationAction(event.action)](event, now)
        event.undone_at, event.undone_by = now, curator
        event.save(update_fields=["undone_at", "undone_by"])
        CurationEvent.objects.create(actor=curator, action=CurationAction.UNDO, subject=event.subject, undoes=event)
    return True


def parse_author_key(text: str) -> str:
    """The key of a name, or of the address of an author's page, as somebody typed it."""
    text = text.strip()[:1_000]
    if "/authors/" in text:
        text = unquote(text.rsplit("/authors/", 1)[1].split("?")[0]).replace("-", " ")
    return author_key(text)


def author_events(key: str) -> list[CurationEvent]:
    """What curators did about an author, newest first. One query."""
    found = CurationEvent.objects.filter(
        subject=author_subject(key),
        action__in=AUTHOR_ACTIONS,
    )
    return list(found.select_related("actor").order_by("-created_at")[:20])


def claim_papers_by_orcid(paper_ids: Collection[int]) -> None:
    """Give papers whose record names an author's ORCID to that author. Two queries; one where no ORCID is known."""
    authors = dict(Author.objects.exclude(orcid="").values_list("orcid", "pk"))
    if not authors:
        return
    claims = [
        AuthorClaim(paper_id=pk, name=key, author_id=authors[orcid])
        for pk, rows in Paper.objects.filter(pk__in=paper_ids).values_list("pk", "authors")
        for key, orcid in _keys_with_orcid(rows)
        if orcid in authors
    ]
    AuthorClaim.objects.bulk_create(claims, ignore_conflicts=True)


def _keys_with_orcid(authors: Sequence[AuthorRow]) -> Iterator[tuple[str, str]]:
    """Key and ORCID of those authors whose record gives one; the key as in `Paper.author_keys`."""
    for author in authors:
        if (orcid := author.get("orcid")) and (key := author_index_key(author["name"])):
            yield key, orcid


def _undo_merge(event: CurationEvent, now: datetime) -> None:
    kept, before = event.after["author"], event.before
    if before["row"]:
        other = Author.objects.create(key=before["gone"], **before["row"])
        AuthorName.objects.filter(name__in=before["names"], author=kept).update(author=other)
        AuthorName.objects.filter(name=before["gone"], author=kept).delete()
        for paper_id, name in before["claims"]:
            AuthorClaim.objects.filter(paper=paper_id, name=name, author=kept).update(author=other)
    else:
        AuthorName.objects.filter(name__in=before["names"], author=kept).delete()
    if before["followers"]:
        followed, _ = Followed.objects.get_or_create(
            kind=Followed.Kind.AUTHOR, key=before["gone"], defaults={"name": before["gone"].title()}
        )
        there = User.objects.filter(pk__in=before["followers"])
        Follow.objects.bulk_create((Follow(user=user, followed=followed) for user in there), ignore_conflicts=True)
        Follow.objects.filter(followed__kind="author", followed__key=kept, user__in=before["followers"]).delete()
    refresh_followed_authors([kept, before["gone"]], now=now)


def _undo_split(event: CurationEvent, now: datetime) -> None:
    new, key = event.after["new"], event.after["author"]
    for paper_id, name in event.after["claims"]:
        claim = AuthorClaim.objects.filter(paper=paper_id, name=name, author=new)
        if paper_id in event.before["claims"]:
            claim.update(author=key)
        else:
            claim.delete()
    author = Author.objects.filter(pk=new).first()
    if author is not None and not author.claims.exists() and not author.names.exists():
        move_followers(gone=new, kept=_who(key), name=author.name, now=now)
        author.delete()
    refresh_followed_authors([key, new], now=now)


def _undo_orcid(event: CurationEvent, now: datetime) -> None:
    Author.objects.filter(pk=event.after["author"]).update(orcid=event.before["orcid"])


_UNDO = {
    CurationAction.AUTHOR_MERGED: _undo_merge,
    CurationAction.AUTHOR_SPLIT: _undo_split,
    CurationAction.AUTHOR_ORCID: _undo_orcid,
}


def _who(key: str) -> Contributor:
    author = Author.objects.filter(pk=key).first()
    return contributor_of(author) if author else Contributor(kind=Followed.Kind.AUTHOR, key=key, names=(key,))


def _author(contributor: Contributor, name: str) -> Author:
    """The row of an author, made where only papers named them so far."""
    author, is_new = Author.objects.select_for_update().get_or_create(
        key=contributor.key, defaults={"name": name, "orcid": contributor.orcid}
    )
    if is_new:
        AuthorName.objects.get_or_create(name=contributor.key, defaults={"author": author})
    return author


def _free_key(key: str) -> str:
    """The name and the first number that nobody has."""
    base = key.rsplit(" ", 1)[0] if key.rsplit(" ", 1)[-1].isdigit() else key
    number = 2
    while _is_taken(f"{base} {number}"):
        number += 1
    return f"{base} {number}"


def _is_taken(key: str) -> bool:
    return Author.objects.filter(pk=key).exists() or Paper.objects.by_author([key]).exists()


def _note(action: CurationAction, curator: User, before: dict[str, Any], after: dict[str, Any]) -> CurationEvent:
    subject = author_subject(after["author"])
    return CurationEvent.objects.create(actor=curator, action=action, subject=subject, before=before, after=after)
