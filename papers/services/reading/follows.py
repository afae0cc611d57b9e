"""Following authors and organizations: who follows whom, and which papers that brings.

`FollowedPaper` has them. A worker notes new papers with the same release as topics' matches (`match_followed_papers`),
so that the mail counts as news only what came after its last one; what was there before anybody followed has release 0
and is on the list, but in no mail.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from papers.models import Author, Follow, Followed, FollowedPaper, Paper, User
from papers.models.paper import NewestPosition, PaperQuerySet
from papers.services.authors.lookup import Contributor, contributor_of
from papers.services.ingest.releases import RELEASE_WINDOW, next_release
from papers.text.names import organization_key

MAX_FOLLOWED = 500
INITIAL_PAPERS = 200
"""How many of the newest papers are listed at once when somebody is followed for the first time."""
_PAGE = 150


class FollowError(Exception):
    """It can't be followed; the message says what to do, for the reader."""


def follow(*, user: User, contributor: Contributor, name: str, now: datetime) -> None:
    """Let `user` follow an author or organization from now on. Idempotent.

    Raises:
        FollowError: the reader follows too many.
    """
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)  # two at once may not pass the limit together
        if Follow.objects.filter(user=user).count() >= MAX_FOLLOWED:
            raise FollowError(f"You can follow at most {MAX_FOLLOWED}. Unfollow someone first.")
        followed, is_new = Followed.objects.get_or_create(
            kind=contributor.kind, key=contributor.key, defaults={"name": name}
        )
        Follow.objects.get_or_create(user=user, followed=followed)
        if is_new:
            sync_followed_papers(followed, contributor, now=now)


def unfollow(*, user: User, kind: str, key: str) -> None:
    """Let `user` no longer follow it. Idempotent. What nobody follows is deleted at night."""
    Follow.objects.filter(user=user, followed__kind=kind, followed__key=key).delete()


def is_following(user: User, contributor: Contributor) -> bool:
    """Whether `user` follows an author or organization. One query."""
    return Follow.objects.filter(user=user, followed__kind=contributor.kind, followed__key=contributor.key).exists()


def sync_followed_papers(followed: Followed, contributor: Contributor, *, now: datetime) -> None:
    """Bring the papers of somebody followed in line with `contributor.papers()`. Inside the caller's transaction.

    The lock of releases keeps it from crossing with the matching of new papers: one of the two sees every paper.
    """
    next_release()
    newest = dict(contributor.papers().newest_sorted().values_list("pk", "listed_at")[:INITIAL_PAPERS])
    noted = set(FollowedPaper.objects.filter(followed=followed).values_list("paper_id", flat=True))
    if noted:
        theirs = set(contributor.papers().filter(pk__in=noted).values_list("pk", flat=True))
        FollowedPaper.objects.filter(followed=followed, paper__in=noted - theirs).delete()
    FollowedPaper.objects.bulk_create(
        (
            FollowedPaper(followed=followed, paper_id=pk, release=0, matched_at=now, listed_at=listed_at)
            for pk, listed_at in newest.items()
        ),
        ignore_conflicts=True,
    )


_NOTE = """
    WITH theirs AS (
        SELECT followed.id AS followed_id, paper.id AS paper_id, paper.listed_at
        FROM papers_paper paper CROSS JOIN LATERAL unnest(paper.author_keys) AS written (name)
        LEFT JOIN papers_authorclaim claim ON claim.paper_id = paper.id AND claim.name = written.name
        LEFT JOIN papers_authorname spelling ON spelling.name = written.name
        JOIN papers_followed followed ON followed.kind = 'author'
            AND followed.key = coalesce(claim.author_id, spelling.author_id, written.name)
        WHERE paper.id = ANY(%(papers)s)
        UNION
        SELECT followed.id, paper.id, paper.listed_at
        FROM unnest(%(of_organization)s::bigint[], %(organizations)s::text[]) AS given (paper_id, key)
        JOIN papers_followed followed ON followed.kind = 'organization' AND followed.key = given.key
        JOIN papers_paper paper ON paper.id = given.paper_id
    ), gone AS (
        DELETE FROM papers_followedpaper noted WHERE noted.paper_id = ANY(%(papers)s) AND NOT EXISTS (
            SELECT FROM theirs WHERE theirs.followed_id = noted.followed_id AND theirs.paper_id = noted.paper_id)
    )
    INSERT INTO papers_followedpaper (followed_id, paper_id, release, matched_at, listed_at)
    SELECT followed_id, paper_id, CASE WHEN listed_at >= %(news)s THEN %(release)s ELSE 0 END, %(now)s, listed_at
    FROM theirs ORDER BY paper_id, followed_id
    ON CONFLICT (followed_id, paper_id) DO UPDATE SET listed_at = excluded.listed_at
        WHERE papers_followedpaper.listed_at <> excluded.listed_at
"""


def match_followed_papers(paper_ids: Collection[int], *, release: int, now: datetime) -> None:
    """Note new or changed papers for the authors and organizations that are followed.

    Inside the caller's transaction, which drew `release`. Idempotent. Papers listed before `RELEASE_WINDOW` are on the
    lists, and in nobody's mail. At most five queries.
    """
    papers = sorted(paper_ids)
    if not papers or not Followed.objects.exists():
        return
    given = Paper.objects.filter(pk__in=papers).exclude(organization="").values_list("pk", "organization")
    keys = {pk: organization_key(name) for pk, name in given}
    asked: dict[str, Any] = {
        "papers": papers,
        "of_organization": list(keys),
        "organizations": list(keys.values()),
        "news": now - RELEASE_WINDOW,
        "release": release,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, asked)


# Each of those followed is entered at the right place of the index, and left after a page.
_LIST = """
    SELECT found.paper_id
    FROM papers_follow follow CROSS JOIN LATERAL (
        SELECT noted.paper_id, noted.listed_at FROM papers_followedpaper noted
        WHERE noted.followed_id = follow.followed_id
            AND (%(all)s OR (noted.listed_at, noted.paper_id) < (%(at)s, %(pk)s))
        ORDER BY noted.listed_at DESC, noted.paper_id DESC LIMIT %(page)s
    ) AS found
    WHERE follow.user_id = %(user)s
    GROUP BY found.paper_id, found.listed_at
    ORDER BY found.listed_at DESC, found.paper_id DESC LIMIT %(page)s
"""


def followed_papers(user: User, *, after: NewestPosition | None = None, most: int = _PAGE) -> PaperQuerySet:
    """At most so many of the papers of all that a reader follows, newest first; by default one page and a little more.
    One query, and then one.
    """
    asked: dict[str, Any] = {
        "user": user.pk,
        "all": after is None,
        "at": after.listed_at if after else None,
        "pk": after.pk if after else None,
        "page": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LIST, asked)
        ids = [row[0] for row in cursor.fetchall()]
    return Paper.objects.visible().filter(pk__in=ids).newest()


def refresh_followed_authors(keys: Collection[str], *, now: datetime) -> None:
    """Bring the papers of these authors in line, after a curator changed them. Inside the caller's transaction."""
    for followed in Followed.objects.filter(kind=Followed.Kind.AUTHOR, key__in=keys):
        author = Author.objects.filter(pk=followed.key).first()
        contributor = (
            contributor_of(author)
            if author
            else Contributor(kind=followed.kind, key=followed.key, names=(followed.key,))
        )
        sync_followed_papers(followed, contributor, now=now)


def move_followers(*, gone: str, kept: Contributor, name: str, now: datetime) -> list[int]:
    """Let those who follow the author `gone` follow `kept` instead; returns the keys of users who did not before."""
    before = Followed.objects.filter(kind=Followed.Kind.AUTHOR, key=gone).first()
    if before is None:
        return []
    followed, _ = Followed.objects.get_or_create(kind=kept.kind, key=kept.key, defaults={"name": name})
    already = set(Follow.objects.filter(followed=followed).values_list("user_id", flat=True))
    moved = [user for user in before.follows.values_list("user_id", flat=True) if user not in already]
    Follow.objects.bulk_create(Follow(user_id=user, followed=followed) for user in moved)
    before.delete()
    sync_followed_papers(followed, kept, now=now)
    return moved


def delete_unfollowed() -> int:
    """Delete what nobody follows any more, and return how many. Idempotent."""
    return Followed.objects.filter(follows=None).delete()[0]
