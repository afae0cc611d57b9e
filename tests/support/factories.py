"""Rows and records for tests, with everything given that a test does not care about."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from digests.models import Delivery, Schedule, Subscriber, Subscription
from digests.models.mail_keys import digest_of_key
from digests.services.schedules import save_schedule
from papers.catalogue.paper_ref import parse_reference
from papers.models import (
    Announcement,
    Candidate,
    Comment,
    CommentReport,
    Edition,
    FetchRun,
    Identifier,
    Listing,
    ListRule,
    Paper,
    PaperCategory,
    PaperExternalCounts,
    RejectedRecord,
    Source,
    SourceDay,
    Submission,
    Topic,
    TopicMatch,
    User,
    Vote,
)
from papers.services.ingest.releases import next_release
from papers.sources.base import RawAuthor, RawListing, RawPaper
from papers.text.names import author_key

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
"""A Wednesday at noon: the moment most tests take for now."""
TODAY = NOW.date()

_numbers = itertools.count(1)


def arxiv_id() -> str:
    """One that no other call gives."""
    return f"2603.{next(_numbers):05}"


def at_hour(day: date, hour: int = 0) -> datetime:
    """That hour of a day, UTC."""
    return datetime.combine(day, time(hour), UTC)


def raw_paper(source: str = "arxiv_oai_raw", **fields: Any) -> RawPaper:
    """A record as a source sends it. `authors` may be plain names."""
    names = fields.pop("authors", ("Ada Lovelace", "Émilie du Châtelet"))
    if names is not None:
        names = tuple(RawAuthor(name) if isinstance(name, str) else name for name in names)
    if not {"arxiv_id", "doi", "identifiers", "url"} & set(fields):
        fields["arxiv_id"] = arxiv_id()
    fields.setdefault("title", "A paper")
    if source != "feed":
        fields.setdefault("categories", ("cs.CL", "cs.AI"))
    fields.setdefault("abstract", "What it says.")
    return RawPaper(source=source, authors=names, **fields)


def listed_raw_paper(day: date = TODAY, *, kind: str = "new", position: int = 0, **fields: Any) -> RawPaper:
    """A record of arXiv's feed of a day."""
    on = RawListing(day=day, kind=kind, position=position)
    return raw_paper(fields.pop("source", "arxiv_rss"), announced_on=day, listed_on=on, **fields)


def paper(**fields: Any) -> Paper:
    """A stored paper with its identifier and categories. `authors` may be plain names."""
    fields.setdefault("public_id", arxiv_id())
    fields.setdefault("title", f"Paper {fields['public_id']}")
    fields.setdefault("title_raw", fields["title"])
    fields.setdefault("abstract", "What it says.")
    fields.setdefault("categories", ["cs.CL"])
    fields.setdefault("primary_category", next(iter(fields["categories"]), ""))
    fields.setdefault("listed_at", NOW)
    fields.setdefault("changed_at", NOW)
    fields.setdefault("record_rank", 60)
    names = fields.pop("authors", ["Ada Lovelace"])
    rows = [{"name": name} if isinstance(name, str) else name for name in names]
    fields.setdefault("author_keys", [author_key(row["name"]) for row in rows])
    made = Paper.objects.create(authors=rows, author_count=len(rows), **fields)
    if not made.public_id.startswith("p-"):
        scheme = "doi" if made.public_id.startswith("doi/") else "arxiv"
        Identifier.objects.create(scheme=scheme, value=made.public_id.removeprefix("doi/"), paper=made)
    PaperCategory.objects.bulk_create(
        PaperCategory(category=category, listed_at=made.listed_at, paper=made) for category in made.categories
    )
    return made


def user(name: str | None = None, **fields: Any) -> User:
    """An account that signs in by link only; tests/support/people.py has those with a password and a browser."""
    name = name or f"reader{next(_numbers)}"
    return User.objects.create_user(f"{name}@example.org", name, **fields)


def source(kind: str = "arxiv_rss", **fields: Any) -> Source:
    fields.setdefault("name", kind)
    fields.setdefault("lists", "all")
    return Source.objects.create(kind=kind, **fields)


def fetch_run(of: Source | None = None, **fields: Any) -> FetchRun:
    """A visit that is going on."""
    fields.setdefault("started_at", NOW)
    fields.setdefault("heartbeat_at", NOW)
    return FetchRun.objects.create(source=of or source(), **fields)


def source_day(of: Source, day: date = TODAY, *, record_count: int = 1, stored: int = 1) -> SourceDay:
    """What a source's own list of a day held."""
    return SourceDay.objects.create(source=of, day=day, record_count=record_count, stored=stored, read_at=NOW)


def edition(day: date = TODAY, **fields: Any) -> Edition:
    made, _ = Edition.objects.update_or_create(day=day, defaults=fields)
    return made


def listing(of: Paper | None = None, day: date = TODAY, **fields: Any) -> Listing:
    """A paper on a day, with the edition's count kept."""
    of = of or paper()
    fields.setdefault("by", Listing.By.SOURCE)
    fields.setdefault("vote_count", of.vote_count)
    fields.setdefault("release", next_release())
    made = Listing.objects.create(paper=of, day=day, **fields)
    count = Listing.objects.visible().on_day(day).count()
    Edition.objects.update_or_create(day=day, defaults={"listed_count": count})
    return made


def vote(of: Paper, by: User | None = None, **fields: Any) -> Vote:
    """A vote's row alone; the counts are the service's."""
    return Vote.objects.create(paper=of, user=by or user(), **fields)


def comment(of: Paper, by: User | None = None, body: str = "Well said.", **fields: Any) -> Comment:
    return Comment.objects.create(paper=of, user=by or user(), body=body, **fields)


def external_counts(of: Paper, source: str = "huggingface", **fields: Any) -> PaperExternalCounts:
    fields.setdefault("updated_at", NOW)
    return PaperExternalCounts.objects.create(paper=of, source=source, **fields)


def announcement(value: str, day: date = TODAY, *, kind: str = "new", query: str = "cs") -> Announcement:
    return Announcement.objects.create(day=day, arxiv_id=value, kind=kind, query=query, first_seen_at=NOW)


def submission(given: str = "10.1000/ice", by: User | None = None, **fields: Any) -> Submission:
    """One that is being fetched, and due."""
    named = parse_reference(given)
    fields.setdefault("state", Submission.State.FETCHING)
    fields.setdefault("next_attempt_at", NOW)
    fields |= {"reference": given, "scheme": named.scheme, "value": named.value}
    return Submission.objects.create(user=by or user(), **fields)


def topic(name: str | None = None, **fields: Any) -> Topic:
    name = name or f"Topic {next(_numbers)}"
    return Topic.objects.create(name=name, slug=name.lower().replace(" ", "-"), **fields)


def list_rule(topic: Topic | None = None, **fields: Any) -> ListRule:
    return ListRule.objects.create(topic=topic, **fields)


def topic_match(of: Paper, topic: Topic, **fields: Any) -> TopicMatch:
    """A paper of a topic, with a release of its own."""
    fields.setdefault("release", next_release())
    fields.setdefault("listed_at", of.listed_at)
    fields.setdefault("vote_count", of.vote_count)
    return TopicMatch.objects.create(paper=of, topic=topic, **fields)


def subscriber(**fields: Any) -> Subscriber:
    """An address that was confirmed."""
    fields.setdefault("email", f"subscriber{next(_numbers)}@example.org")
    fields.setdefault("confirmed_at", NOW)
    if "key" in fields:  # one that it had before keys were derived
        fields["key_digest"] = digest_of_key(fields.pop("key"))
    made = Subscriber.objects.create(**fields)
    made.refresh_from_db(fields=["key_nonce"])
    return made


def schedule(of: Subscriber | None = None, *topics: Topic, kinds: Iterable[str] = (), **fields: Any) -> Schedule:
    """A schedule that is going, at 7:30 UTC unless said otherwise, about these topics and kinds."""
    frequency = fields.pop("frequency", "daily")
    if "key" in fields:  # one that it had before keys were derived
        fields["key_digest"] = digest_of_key(fields.pop("key"))
    made = save_schedule(subscriber=of or subscriber(), frequency=frequency, now=NOW)
    for name, value in fields.items():
        setattr(made, name, value)
    made.save()
    Subscription.objects.bulk_create(Subscription(schedule=made, kind=kind) for kind in kinds)
    Subscription.objects.bulk_create(Subscription(schedule=made, kind="topic", topic=topic) for topic in topics)
    return made


def delivery(of: Schedule, **fields: Any) -> Delivery:
    """A planned mail without papers."""
    fields.setdefault("period_on", TODAY)
    fields.setdefault("due_at", NOW)
    fields.setdefault("planned_at", NOW)
    fields.setdefault("not_before", fields["due_at"])
    fields.setdefault("floor", fields["due_at"] - timedelta(days=7))
    if "key" in fields:  # one that it had before keys were derived
        fields["key_digest"] = digest_of_key(fields.pop("key"))
    return Delivery.objects.create(schedule=of, subscriber=of.subscriber, **fields)


def candidate(of: Paper | None = None, topic: Topic | None = None, **fields: Any) -> Candidate:
    """A paper that a topic found, waiting for a curator."""
    fields.setdefault("score", 0.8)
    fields.setdefault("found_at", NOW)
    topic = topic or Topic.objects.filter(owner=None).first() or globals()["topic"]("Ice")
    return Candidate.objects.create(paper=of or paper(), topic=topic, **fields)


def comment_report(of: Comment, by: User | None = None, reason: str = "Rude.", **fields: Any) -> CommentReport:
    return CommentReport.objects.create(comment=of, user=by or user(), reason=reason, **fields)


def rejected_record(identifier: str = "2603.1", **fields: Any) -> RejectedRecord:
    """A record that could not be read."""
    fields.setdefault("error", "The record has no title.")
    fields.setdefault("payload", "<entry/>")
    fields.setdefault("digest", f"digest-{next(_numbers)}")
    fields.setdefault("source_kind", "feed")
    fields.setdefault("first_seen_at", NOW)
    fields.setdefault("last_seen_at", NOW)
    return RejectedRecord.objects.create(identifier=identifier, **fields)
