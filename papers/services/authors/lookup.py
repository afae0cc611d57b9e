"""Who an address names: an author, with the spellings and papers that curators assigned to them, or an organization."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.core.cache import cache
from django.db.models import Q
from django.urls import reverse

from papers.models import Author, AuthorClaim, Followed, Paper
from papers.models.paper import PaperQuerySet
from papers.text.names import author_key, organization_key

MAX_CLAIMED = 5_000
_MOST_SPELLINGS = 200
_SPELLINGS_SECONDS = 10 * 60


class ContributorNotFoundError(Exception):
    """No paper has such a name."""


class AuthorMovedError(Exception):
    """The name is a spelling of an author who has another address: `key`."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, slots=True)
class Contributor:
    """An author or an organization."""

    kind: str
    """As in `Followed.Kind`."""
    key: str
    names: tuple[str, ...]
    """An author's spellings as in `Paper.author_keys`; of an organization the names as its papers have them."""
    claimed: tuple[int, ...] = ()
    """Papers that a curator said are this author's."""
    name: str = ""
    """As a curator wrote it; empty where only papers name it."""
    orcid: str = ""
    is_known: bool = False
    """There is a row of this author."""

    def papers(self) -> PaperQuerySet:
        """All that readers may see, in no order."""
        papers = Paper.objects.visible()
        if self.kind == Followed.Kind.ORGANIZATION:
            return papers.of_organization(self.key, self.names)
        return papers.by_author(self.names, key=self.key, claimed=self.claimed)

    def get_absolute_url(self) -> str:
        return reverse(f"papers:{self.kind}", args=[slug_of(self.key)])


def slug_of(key: str) -> str:
    """The last word of an address. Keys are words with one space between them, so it can be turned back."""
    return key.replace(" ", "-")


def cache_digest(text: str) -> str:
    """A name as a part of a cache's key."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def find_author(slug: str) -> Contributor:
    """The author at an address; whether there are papers is not looked at. One query; three of an author who has a row.

    Raises:
        AuthorMovedError: it is a spelling of somebody with another address.
        ContributorNotFoundError: no name reads so.
    """
    key = author_key(slug.replace("-", " "))
    if not key or slug_of(key) != slug or len(key) > 200:
        raise ContributorNotFoundError
    rows = list(Author.objects.filter(Q(pk=key) | Q(names__name=key)).distinct())
    if not rows:
        return Contributor(kind=Followed.Kind.AUTHOR, key=key, names=(key,))
    author = next((row for row in rows if row.pk == key), rows[0])
    if author.pk != key:
        raise AuthorMovedError(author.pk)
    return contributor_of(author)


def contributor_of(author: Author) -> Contributor:
    """An author who has a row. Two queries."""
    claims = AuthorClaim.objects.filter(author=author).values_list("paper_id", flat=True)
    return Contributor(
        kind=Followed.Kind.AUTHOR,
        key=author.pk,
        names=tuple(author.names.order_by("name").values_list("name", flat=True)),
        claimed=tuple(claims[:MAX_CLAIMED]),
        name=author.name,
        orcid=author.orcid,
        is_known=True,
    )


def find_organization(slug: str) -> Contributor:
    """The organization at an address. One query, or none for some minutes.

    Raises:
        ContributorNotFoundError: no paper has it.
    """
    key = organization_key(slug.replace("-", " "))
    if not key or slug_of(key) != slug:
        raise ContributorNotFoundError
    cached = f"organization:{cache_digest(key)}"
    names: list[str] | None = cache.get(cached)
    if names is None:
        spelled = Paper.objects.visible().of_organization(key).values_list("organization", flat=True).distinct()
        names = sorted(name for name in spelled[:_MOST_SPELLINGS] if organization_key(name) == key)
        cache.set(cached, names, _SPELLINGS_SECONDS)
    if not names:
        raise ContributorNotFoundError
    return Contributor(kind=Followed.Kind.ORGANIZATION, key=key, names=tuple(names), name=names[0])
