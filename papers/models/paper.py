"""A paper: one row, whatever its sources; its identifiers, versions and categories."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Exists, ExpressionWrapper, F, Func, OuterRef, Q, Value
from django.utils import timezone

from papers.models.addresses import address_of
from papers.models.author import AuthorClaim
from papers.models.keyset import row_less_than
from papers.models.query_sql import compile_query, vector_matches
from papers.models.user import User
from papers.query.parser import Query
from papers.query.tsquery import every_word, organization_marks
from papers.sources.provenance import provenance_note
from papers.text.abstract_roles import leading_line

TITLE_LETTERS_SQL = "lower(regexp_replace({}, '[^[:alnum:]]+', '', 'g'))"
"""SQL: what is left of a title for comparing."""


class TitleKey(Func):
    """A number for a title, whatever its case, spaces and punctuation. Some titles share theirs with others."""

    template = f"hashtextextended({TITLE_LETTERS_SQL.format('%(expressions)s')}, 0)"
    output_field = models.BigIntegerField()


class NewestPosition(NamedTuple):
    """What New is sorted by."""

    listed_at: datetime
    pk: int


class VotesPosition(NamedTuple):
    """What search results are sorted by, by votes."""

    vote_count: int
    listed_at: datetime
    pk: int


class TrendingPosition(NamedTuple):
    """What Trending is sorted by."""

    trending_score: float
    pk: int


class PaperQuerySet(models.QuerySet["Paper"]):
    def visible(self) -> PaperQuerySet:
        """Papers that readers may see: not hidden by a curator."""
        return self.filter(hidden_at=None)

    def for_cards(self) -> PaperQuerySet:
        """Without the columns that no page shows; they are larger than all others together."""
        return self.defer("title_raw", "abstract_raw", "search_vector", "author_keys")

    def newest(self, *, after: NewestPosition | None = None) -> PaperQuerySet:
        """The order of New, total, and served by an index; behind the paper with this `listed_at` and key."""
        found = self if after is None else self.filter(row_less_than(NewestPosition._fields, after))
        return found.order_by("-listed_at", "-pk")

    def newest_sorted(self, *, after: NewestPosition | None = None) -> PaperQuerySet:
        """The same order for papers that another index finds, as an author's: they are sorted, and New is not walked.

        Postgres would walk it for a name with many papers, past all others, and for ever where they are old.
        """
        found = self if after is None else self.filter(row_less_than(NewestPosition._fields, after))
        at = ExpressionWrapper(F("listed_at") + Value(timedelta()), output_field=models.DateTimeField())
        return found.order_by(at.desc(), "-pk")

    def most_voted(self, *, after: VotesPosition | None = None) -> PaperQuerySet:
        """Most voted first, then newest. All papers are sorted: for those that a search has narrowed down."""
        found = self if after is None else self.filter(row_less_than(VotesPosition._fields, after))
        return found.order_by("-vote_count", "-listed_at", "-pk")

    def trending(self, *, min_score: float, after: TrendingPosition | None = None) -> PaperQuerySet:
        """The order of Trending, total, and served by an index, down to `min_score`; behind the position `after`."""
        found = self.filter(trending_score__gte=min_score)
        if after is not None:
            found = found.filter(row_less_than(TrendingPosition._fields, after))
        return found.order_by("-trending_score", "-pk")

    def by_author(self, names: Sequence[str], *, key: str = "", claimed: Sequence[int] = ()) -> PaperQuerySet:
        """Papers with one of these names among their authors, but those on which the name was said to be somebody
        else's than the author `key`; and those `claimed` for this author, by their keys. Found by `paper_author_keys`.
        """
        elsewhere = AuthorClaim.objects.filter(paper=OuterRef("pk"), name__in=names).exclude(author=key)
        named = Q(author_keys__overlap=list(names)) & ~Q(Exists(elsewhere))
        return self.filter(named | Q(pk__in=claimed) if claimed else named)

    def of_organization(self, key: str, names: Sequence[str] | None = None) -> PaperQuerySet:
        """Papers that have these words (`organization_key`) in their organization, or with `names` exactly one of them.

        Marks of the search index find them.
        """
        marks = every_word(organization_marks(key))
        found = self.filter(vector_matches(marks)) if marks else self.none()
        return found if names is None else found.filter(organization__in=names)

    def matching(
        self, query: Query, *, viewer: User | AnonymousUser | None = None, today: date | None = None
    ) -> PaperQuerySet:
        """The papers that fulfil a query of the search language; none where it asks for nothing.

        Tags are those of `viewer`, spans such as `7d` end at `today` (the group's day). Words the process has not seen
        before cost one query.
        """
        condition = compile_query(query, viewer=viewer, today=today or timezone.localdate())
        return self.none() if condition is None else self.filter(condition.as_filter())


def _words(column: str) -> Func:
    return Func(F(column), function="papers_words", output_field=models.TextField())


class Paper(models.Model):
    """One paper. Written by `services/ingest` and by the services that own a column (votes, comments, curation)."""

    public_id = models.TextField(
        help_text="The arXiv id; else doi/<doi>; else p- and ten letters. Its place in the address.",
    )
    title = models.TextField()
    title_raw = models.TextField(blank=True, help_text="As the source sent it.")
    abstract = models.TextField(blank=True)
    abstract_raw = models.TextField(blank=True)
    authors = models.JSONField(default=list)
    author_count = models.PositiveIntegerField(default=0)
    author_keys = ArrayField(models.TextField(), default=list)
    organization = models.TextField(blank=True)
    categories = ArrayField(models.TextField(), default=list)
    primary_category = models.TextField(blank=True)

    published_at = models.DateTimeField(null=True, blank=True, help_text="When version 1 appeared.")
    announced_on = models.DateField(null=True, blank=True, help_text="arXiv's announcement date, US Eastern.")
    listed_at = models.DateTimeField(help_text="Announced, else published, else first seen: the order of New.")
    updated_at = models.DateTimeField(null=True, blank=True, help_text="When the source made this version.")
    version = models.PositiveSmallIntegerField(null=True, blank=True)
    doi = models.TextField(blank=True)
    journal_ref = models.TextField(blank=True)
    comment = models.TextField(blank=True, help_text="The authors' comment, as on arXiv.")
    venue = models.TextField(blank=True, help_text='Where it was accepted, as read from "Accepted at …".')
    license = models.TextField(blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    hidden_at = models.DateTimeField(null=True, blank=True)
    links = models.JSONField(default=dict)

    sentence_roles = models.TextField(  # noqa: DJ001  null: not looked at yet; empty: nothing to look at
        null=True,
        blank=True,
        help_text="What each sentence of the abstract is for (papers/text/abstract_roles.py); null: not known yet.",
    )

    is_sample = models.BooleanField(
        default=False, help_text="From the sample catalogue; cleared when a source sends it."
    )
    record_rank = models.PositiveSmallIntegerField(default=0, help_text="How good the source of the text was.")
    vote_count = models.PositiveIntegerField(default=0)
    comment_count = models.PositiveIntegerField(default=0)
    trending_score = models.FloatField(
        null=True, blank=True, help_text="See papers/ranking/trending.py; null without any signal."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(help_text="When anything a card shows changed here; names the cached card.")

    # The words of title and abstract, folded, and beside them marks that let one index answer what a search asks for:
    # `t:` words of the title, `a:` of the authors' names, `o:` of the organization, `c:` categories, `m:` the month
    # (12 × year + month). papers/query/tsquery.py asks for them.
    search_vector = models.GeneratedField(
        expression=Func(
            _words("title"), _words("abstract"), F("author_keys"), _words("organization"), F("categories"),
            F("listed_at"),
            function="papers_search_vector",
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )  # fmt: skip

    objects = PaperQuerySet.as_manager()

    class Meta:
        indexes = [
            # New, all categories; hidden papers are few and filtered on the way.
            models.Index(F("listed_at").desc(), F("id").desc(), name="paper_newest"),
            # Trending: only papers with a signal are in it, so it stays small.
            models.Index(
                F("trending_score").desc(),
                F("id").desc(),
                name="paper_trending",
                condition=Q(trending_score__isnull=False),
            ),
            # What the group voted for, for rules; few papers are in it.
            models.Index(F("listed_at").desc(), F("id").desc(), name="paper_voted", condition=Q(vote_count__gt=0)),
            # Author pages and followed authors.
            # Both indexes take new rows a batch at a time: one by one, a paper's hundred words cost 1.5 ms, in batches
            # 0.3 ms. What waits is read by every query, so it is kept to a megabyte, which costs a query 1 ms.
            GinIndex(fields=["author_keys"], name="paper_author_keys", fastupdate=True, gin_pending_list_limit=1024),
            GinIndex(fields=["search_vector"], name="paper_search", fastupdate=True, gin_pending_list_limit=1024),
            # `has:code` and `has:project` among papers of which few have any.
            *(
                models.Index(
                    F("listed_at").desc(),
                    F("id").desc(),
                    name=f"paper_with_{kind}",
                    condition=Q(links__has_key=kind),
                )
                for kind in ("code", "project")
            ),
            # What a reader brings along without any id is found by its title.
            models.Index(TitleKey("title"), name="paper_title"),
            # Whose sentences have no roles yet; empty but for new papers and after an update.
            models.Index(
                F("listed_at").desc(), F("id").desc(), name="paper_without_roles", condition=Q(sentence_roles=None)
            ),
            # The sample is removed at the first real edition.
            models.Index(fields=["id"], name="paper_sample", condition=Q(is_sample=True)),
        ]
        constraints = [
            # Not unique=True, which would bring a second index for LIKE that nothing asks.
            models.UniqueConstraint(fields=["public_id"], name="paper_public_id_once"),
            models.CheckConstraint(condition=~Q(public_id=""), name="paper_public_id_given"),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} {self.title}"

    def get_absolute_url(self) -> str:
        return address_of("papers:paper", self.public_id)

    @property
    def line(self) -> str:
        """What the paper does, in one or two sentences of its abstract; empty where that is not known."""
        return leading_line(self.abstract, self.sentence_roles)

    @property
    def words_note(self) -> str:
        """Whose words its texts are, where they are not those of its own record; empty where they are."""
        return "" if self.is_sample else provenance_note(self.public_id, self.record_rank)


class FormerAddress(models.Model):
    """A public id that a paper had before it gained an arXiv id or was merged; it redirects for ever."""

    public_id = models.TextField(primary_key=True)
    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="former_addresses")

    def __str__(self) -> str:
        return self.public_id


class Identifier(models.Model):
    """A name by which a source knows a paper. Two sources that share one meet in one paper."""

    class Scheme(models.TextChoices):
        ARXIV = "arxiv", "arXiv"
        DOI = "doi", "DOI"
        OPENREVIEW = "openreview", "OpenReview"
        S2 = "s2", "Semantic Scholar"
        PMID = "pmid", "PubMed"
        ACL = "acl", "ACL Anthology"
        URL = "url", "address"

    scheme = models.CharField(max_length=12, choices=Scheme)
    value = models.TextField()
    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="identifiers")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scheme", "value"], name="identifier_once")]

    def __str__(self) -> str:
        return f"{self.scheme}:{self.value}"


class CategoryPosition(NamedTuple):
    """What New is sorted by within a category."""

    listed_at: datetime
    paper_id: int


class PaperCategoryQuerySet(models.QuerySet["PaperCategory"]):
    def newest(self, category: str, *, after: CategoryPosition | None = None) -> PaperCategoryQuerySet:
        """The order of New within a category: the primary key, backwards."""
        found = self.filter(category=category, paper__hidden_at=None)
        if after is not None:
            found = found.filter(row_less_than(CategoryPosition._fields, after))
        return found.order_by("-listed_at", "-paper_id")


class PaperCategory(models.Model):
    """A paper under one category, with the date that orders New.

    Why beside `Paper.categories`: the newest fifty of a rare category, and of a common one, must both be one short
    walk along an index at a million papers. A GIN index of the array has no order.
    """

    pk = models.CompositePrimaryKey("category", "listed_at", "paper_id")
    category = models.TextField()
    listed_at = models.DateTimeField()
    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="category_rows")

    objects = PaperCategoryQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.category} {self.paper_id}"


class PaperVersion(models.Model):
    """One version of a paper: its date, and its texts where a later version changed them."""

    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="versions")
    version = models.PositiveSmallIntegerField()
    released_at = models.DateTimeField(null=True, blank=True, help_text="As the source dates it.")
    seen_at = models.DateTimeField(help_text="When it was first stored here.")
    title = models.TextField(blank=True)
    abstract = models.TextField(blank=True)
    comment = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["paper", "version"], name="paper_version_once")]

    def __str__(self) -> str:
        return f"{self.paper_id} v{self.version}"


class PaperExternalCounts(models.Model):
    """What another site counts for a paper: its votes, comments, who submitted it there. Shown apart, as theirs."""

    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="external_counts")
    source = models.TextField(help_text="The kind of source, such as huggingface; of another Broadsheet, its host.")
    votes = models.PositiveIntegerField(default=0)
    comments = models.PositiveIntegerField(default=0)
    submitted_by = models.TextField(blank=True)
    url = models.TextField(blank=True)
    trending_score = models.FloatField(
        null=True, blank=True, help_text="Decayed sum of its votes; see papers/ranking/trending.py."
    )
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["paper", "source"], name="paper_external_counts_once")]

    def __str__(self) -> str:
        return f"{self.source} on {self.paper_id}"
