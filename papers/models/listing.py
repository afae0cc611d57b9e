"""The daily edition: which papers a day lists, and what is known of its completeness."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import ExpressionWrapper, F, Func, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.db.models.query import RawQuerySet
from django.urls import reverse

from papers.models.keyset import row_less_than
from papers.models.recommendation import Recommendation
from papers.models.user import User

UNRANKED = 1_000_000
"""Behind all that is recommended to a reader."""


class EditionQuerySet(models.QuerySet["Edition"]):
    def with_papers(self) -> EditionQuerySet:
        return self.filter(listed_count__gt=0)

    def newest(self, today: date | None = None) -> EditionQuerySet:
        """Those with papers, the last first; by `today` none of a day that has not come. arXiv's or another site's day
        may have begun when the group's has not."""
        found = self.with_papers().order_by("-day")
        return found if today is None else found.filter(day__lte=today + timedelta(days=1))

    def since_full(self, today: date) -> RawQuerySet[Edition]:
        """The newest full edition and the later ones with papers, the full one first; none where no edition has papers.

        Full is what a source listed from Monday to Friday, or a curator published on any day: neither what readers
        submitted or a rule added meanwhile, nor the short list that some sites have at a weekend. Where no such day is
        among the last thirty with papers, it is the newest with papers. By `today` none of a day that has not come, as
        for `newest`. One query: a day's listings are looked through until the first one that makes it full.
        """
        return self.raw(_SINCE_FULL, {"until": today + timedelta(days=1)})

    def between(self, first: date, end: date) -> EditionQuerySet:
        """Those with papers after `first` and before `end`."""
        return self.with_papers().filter(day__gt=first, day__lt=end)

    def around(self, first: date, end: date) -> RawQuerySet[Edition]:
        """From `first` to `end`, which is not one of them, and the nearest editions with papers on both sides.

        Written out because every page of the daily papers asks it: Django takes longer to make such a query than
        Postgres to answer it.
        """
        return self.raw(_AROUND, {"first": first, "end": end})


# Clusters come along where one day is asked for, so that its page asks nothing more.
_AROUND = """
    SELECT edition.*, found.clusters AS clusters FROM papers_edition edition
    LEFT JOIN papers_editionclusters found ON found.day = edition.day
        AND edition.day = %(first)s AND %(end)s = %(first)s + 1
    WHERE (edition.day >= %(first)s AND edition.day < %(end)s)
        OR edition.day = (
            SELECT day FROM papers_edition WHERE day < %(first)s AND listed_count > 0 ORDER BY day DESC LIMIT 1)
        OR edition.day = (
            SELECT day FROM papers_edition WHERE day >= %(end)s AND listed_count > 0 ORDER BY day LIMIT 1)
    ORDER BY edition.day
"""

_SINCE_FULL = """
    WITH newest AS (
        SELECT day FROM papers_edition WHERE listed_count > 0 AND day <= %(until)s ORDER BY day DESC LIMIT 30
    )
    SELECT * FROM papers_edition
    WHERE listed_count > 0 AND day <= %(until)s AND day >= coalesce(
        (SELECT day FROM newest WHERE EXISTS (
            SELECT FROM papers_listing listing WHERE listing.day = newest.day AND listing.hidden_at IS NULL
            AND (listing.by = 'curator' OR listing.by = 'source' AND extract(isodow FROM listing.day) < 6))
        ORDER BY day DESC LIMIT 1),
        (SELECT max(day) FROM newest))
    ORDER BY day
"""


class Completeness(NamedTuple):
    """What a day's page says of how complete the day is; each as in `Edition`."""

    is_sample: bool
    is_complete: bool | None
    announced_count: int | None
    stored_count: int | None
    recorded_count: int | None
    missing: list[str]
    checked_at: datetime | None
    check_note: str


class Edition(models.Model):
    """A day: the curator's note, and how complete it is."""

    day = models.DateField(primary_key=True)
    note = models.TextField(blank=True, help_text="Markdown, shown on top of the day.")
    publish_at = models.DateTimeField(
        null=True, blank=True, help_text="When what is planned for the day is published; empty: as the day begins."
    )
    listed_count = models.PositiveIntegerField(
        default=0, help_text="Visible listings; kept by the services that write them."
    )
    is_sample = models.BooleanField(default=False)
    # None: no independent list was read, so nobody can say how many there should be.
    announced_count = models.PositiveIntegerField(null=True, blank=True)
    stored_count = models.PositiveIntegerField(null=True, blank=True)
    missing = ArrayField(
        models.TextField(), default=list, blank=True, help_text="Announced and not stored; the first 100."
    )
    checked_at = models.DateTimeField(null=True, blank=True)
    check_note = models.TextField(blank=True, help_text="Why the count is unknown or in doubt, in a reader's words.")
    recorded_count = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Papers of the day by arXiv's records; empty where its announcement was read.",
    )

    objects = EditionQuerySet.as_manager()

    class Meta:
        indexes = [
            # The newest edition that has papers, and previous and next day.
            models.Index(fields=["day"], name="edition_with_papers", condition=Q(listed_count__gt=0)),
        ]

    clusters: str | None = None
    """Of one that `EditionQuerySet.around` read for a single day: those of `EditionClusters`, as JSON. No column."""

    def __str__(self) -> str:
        return self.day.isoformat()

    def get_absolute_url(self) -> str:
        return reverse("papers:day", args=[self.day])

    @property
    def is_complete(self) -> bool | None:
        """None where the announced count is unknown."""
        if self.announced_count is None or self.stored_count is None:
            return None
        return self.stored_count >= self.announced_count

    @property
    def completeness(self) -> Completeness:
        return Completeness(*(getattr(self, name) for name in Completeness._fields))


class EditionClusters(models.Model):
    """Which papers of a day are about the same, worked out by the workers.

    What is gone from the day meanwhile is passed over by those who read it, so no key ties it to papers.
    """

    day = models.DateField(primary_key=True)
    clusters = models.JSONField(
        default=list, help_text="For each a name, which may be empty, and the keys of its papers."
    )
    listed_count = models.PositiveIntegerField(help_text="The edition's, when it was worked out.")
    vector_count = models.PositiveIntegerField(help_text="Its papers that had a vector.")
    digest = models.CharField(max_length=64, help_text="Of the model and the vectors that it was worked out from.")
    computed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{len(self.clusters)} on {self.day}"


class Announcement(models.Model):
    """An id that arXiv announced on a day, read from its feed alone, never from what was stored.

    Completeness compares these ids, one by one, with the identifiers stored.
    """

    pk = models.CompositePrimaryKey("day", "arxiv_id")
    day = models.DateField()
    arxiv_id = models.TextField()
    kind = models.CharField(max_length=20, help_text="new or cross.")
    query = models.TextField(help_text="The feed that named it, such as cs.CL+cs.LG.")
    first_seen_at = models.DateTimeField()

    class Meta:
        # When a paper was announced: asked when its record comes by another way.
        indexes = [models.Index(fields=["arxiv_id"], name="announcement_of_paper")]

    def __str__(self) -> str:
        return f"{self.arxiv_id} on {self.day}"


class RecordedAnnouncement(models.Model):
    """The day under which arXiv most likely announced a paper, told by its record: for days whose feeds were not read.

    Completeness never counts these rows as announced.
    """

    arxiv_id = models.TextField(primary_key=True)
    day = models.DateField()

    class Meta:
        indexes = [models.Index(fields=["day"], name="recorded_of_day")]

    def __str__(self) -> str:
        return f"{self.arxiv_id}, likely on {self.day}"


class AnnouncedList(models.Model):
    """One reading of one feed of announcements: whether a day's count may be trusted hangs on all of its feeds."""

    pk = models.CompositePrimaryKey("day", "query")
    day = models.DateField()
    query = models.TextField(help_text="As in Announcement.query.")
    id_count = models.PositiveIntegerField()
    is_whole = models.BooleanField(help_text="The answer was not cut and did not reach its cap.")
    note = models.TextField(blank=True, help_text="Why it is not whole, in a reader's words.")
    read_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.query} on {self.day}"


class DayCursor(NamedTuple):
    """What a day is sorted by."""

    is_pinned: bool
    place: int
    vote_count: int
    source_votes: int
    position: int
    pk: int


class StoredCursor(NamedTuple):
    """What a day is sorted by, newest first."""

    paper_id: int


class ForMeCursor(NamedTuple):
    """What a day is sorted by for one reader."""

    rank: int
    paper_id: int


class SpanCursor(NamedTuple):
    """What a week or a month is sorted by."""

    vote_count: int
    source_votes: int
    paper_id: int


class ListingQuerySet(models.QuerySet["Listing"]):
    def on_day(self, day: date) -> ListingQuerySet:
        return self.filter(day=day)

    def visible(self) -> ListingQuerySet:
        """Listings that readers may see: neither taken off the day, nor of a paper that is hidden."""
        return self.filter(hidden_at=None, paper__hidden_at=None)

    def best_of_day(self, day: date, *, after: DayCursor | None = None) -> ListingQuerySet:
        """Pinned in the curators' order, the group's votes, the sources', announcement order: as `listing_day`."""
        found = self.on_day(day).visible()
        if after is not None:
            found = found.filter(_behind(after))
        return found.order_by("-is_pinned", "place", "-vote_count", "-source_votes", "position", "pk")

    def off_day(self, day: date) -> ListingQuerySet:
        """What was taken off a day, or hidden everywhere; the last first."""
        return self.on_day(day).filter(Q(hidden_at__isnull=False) | Q(paper__hidden_at__isnull=False)).order_by("-pk")

    def newest_of_day(self, day: date, *, after: StoredCursor | None = None) -> ListingQuerySet:
        """Last stored first, behind the paper with the key `after`; the index of `listing_once_a_day` has them so."""
        found = self.on_day(day).visible()
        if after is not None:
            found = found.filter(paper_id__lt=after.paper_id)
        return found.order_by("-paper_id")

    def day_for(self, user: User, day: date, *, after: ForMeCursor | None = None) -> ListingQuerySet:
        """A day's papers as they suit a reader: those recommended, the best first, and then the last stored first.

        Sorted when asked for: the papers of one day, each looked up among the reader's recommendations.
        """
        theirs = Recommendation.objects.filter(user=user, tag=None, paper=OuterRef("paper"))
        rank = Coalesce(Subquery(theirs.values("rank")[:1]), UNRANKED, output_field=models.IntegerField())
        found = self.on_day(day).visible().annotate(rank=rank)
        if after is not None:
            found = found.filter(Q(rank__gt=after.rank) | Q(rank=after.rank, paper_id__lt=after.paper_id))
        return found.order_by("rank", "-paper_id")

    def best_of_week(self, monday: date, *, after: SpanCursor | None = None) -> ListingQuerySet:
        return self.filter(week=monday).visible()._best_of_span(after)

    def best_of_month(self, first: date, *, after: SpanCursor | None = None) -> ListingQuerySet:
        return self.filter(month=first).visible()._best_of_span(after)

    def best_since(self, day: date, *, release: int, after: SpanCursor | None = None) -> ListingQuerySet:
        """What was listed above a release on `day` and later. Sorted when asked for: it is a month's at most."""
        return self.filter(day__gte=day, release__gt=release).visible()._best_of_span(after)

    def _best_of_span(self, after: SpanCursor | None) -> ListingQuerySet:
        """Most voted first; a paper listed on two days once, because its two rows stand beside each other."""
        columns = SpanCursor._fields
        found = self if after is None else self.filter(row_less_than(columns, after))
        return found.order_by(*(f"-{column}" for column in columns), "pk").distinct(*columns)


def _behind(position: DayCursor) -> Q:
    """The rows of a day behind `position`. Columns go up and down, so no comparison of rows can say it."""
    is_pinned, place, votes, source_votes, at, pk = position
    behind = (
        Q(vote_count__lt=votes)
        | Q(vote_count=votes, source_votes__lt=source_votes)
        | Q(vote_count=votes, source_votes=source_votes, position__gt=at)
        | Q(vote_count=votes, source_votes=source_votes, position=at, pk__gt=pk)
    )
    if is_pinned:
        return Q(is_pinned=False) | Q(place__gt=place) | (Q(place=place) & behind)
    return Q(is_pinned=False, place=0, vote_count__lte=votes) & behind  # a place has only what is pinned


def _week_of(day: str) -> Func:
    return Func(F(day), function="", template="(%(expressions)s - (extract(isodow from %(expressions)s)::int - 1))")


def _month_of(day: str) -> Func:
    return Func(F(day), function="", template="(%(expressions)s - (extract(day from %(expressions)s)::int - 1))")


class Listing(models.Model):
    """A paper on a day's edition. Votes are copied here by the services that change them, so that the order of a day,
    a week and a month is read from an index and not sorted."""

    class By(models.TextChoices):
        SOURCE = "source", "a source"
        SUBMISSION = "submission", "a submission"
        TOPIC = "topic", "a topic's rule"
        VOTES = "votes", "a rule of votes"
        CURATOR = "curator", "a curator"

    day = models.DateField()
    paper = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="listings")
    by = models.CharField(max_length=12, choices=By)
    source = models.ForeignKey(
        "papers.Source", on_delete=models.SET_NULL, null=True, blank=True, related_name="listings"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="listings"
    )
    submitter = models.TextField(blank=True, help_text="Who submitted it at the source.")
    kind = models.CharField(max_length=12, blank=True, help_text="new, cross, daily, …")
    position = models.PositiveIntegerField(default=0, help_text="The source's own order within the day.")
    pinned_at = models.DateTimeField(null=True, blank=True)
    is_pinned = models.GeneratedField(
        expression=ExpressionWrapper(Q(pinned_at__isnull=False), output_field=models.BooleanField()),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    place = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        help_text="The curators' order among what is pinned; 0 comes first, and is all that is not pinned.",
    )
    hidden_at = models.DateTimeField(null=True, blank=True)
    vote_count = models.PositiveIntegerField(default=0, help_text="Copy of the paper's.")
    source_votes = models.PositiveIntegerField(
        default=0, help_text="Copy of the most votes that one of its sources counts."
    )
    week = models.GeneratedField(expression=_week_of("day"), output_field=models.DateField(), db_persist=True)
    month = models.GeneratedField(expression=_month_of("day"), output_field=models.DateField(), db_persist=True)
    release = models.BigIntegerField(help_text="Grows in commit order; digests read by it.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ListingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "paper"], name="listing_once_a_day"),
            models.CheckConstraint(condition=Q(place=0) | Q(pinned_at__isnull=False), name="listing_place_is_pinned"),
        ]
        indexes = [
            # A day's order: pinned in the curators' order, the group's votes, the sources' votes, announcement order.
            models.Index(
                F("day"), F("is_pinned").desc(), F("place"), F("vote_count").desc(), F("source_votes").desc(),
                F("position"), F("id"),
                name="listing_day", condition=Q(hidden_at=None),
            ),
            # Top of the week and of the month; a paper listed twice stands beside itself, and is shown once.
            models.Index(
                F("week"), F("vote_count").desc(), F("source_votes").desc(), F("paper").desc(), F("id"),
                name="listing_week", condition=Q(hidden_at=None),
            ),
            models.Index(
                F("month"), F("vote_count").desc(), F("source_votes").desc(), F("paper").desc(), F("id"),
                name="listing_month", condition=Q(hidden_at=None),
            ),
            # Digests: what was released after the last one.
            models.Index(fields=["release"], name="listing_release"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.paper_id} on {self.day}"
