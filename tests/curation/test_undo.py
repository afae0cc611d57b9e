"""For each act of the desk: all tables before it, and after it and its undo, are the same but for the log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.db import transaction

from papers.models import (
    Comment,
    CurationEvent,
    DuplicatePair,
    Edition,
    FormerAddress,
    LibraryItem,
    Listing,
    Paper,
    PaperEdit,
    PaperVector,
    PaperVersion,
    PlannedListing,
    TaggedPaper,
    Topic,
    TopicPick,
    User,
    Vote,
)
from papers.services.accounts.deletion import delete_account
from papers.services.curation import (
    assign_topics,
    edit_paper,
    merge_papers,
    place_paper,
    plan_listings,
    review_comments,
    review_papers,
    review_records,
)
from papers.services.curation.audit_log import Actor, CurationError
from papers.services.curation.perform_action import perform_action
from papers.services.curation.row_restore import ChangedSinceError
from papers.services.curation.undo import AlreadyUndoneError, undo_batch, undo_event
from papers.services.ingest.paper_store import store_papers
from papers.services.reading.comments import add_comment, delete_comment
from papers.services.reading.library import set_library_state
from papers.services.reading.tags import add_tags, remove_tags
from papers.services.reading.votes import set_vote
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.people import curator, reader
from tests.support.table_snapshot import diff_tables, snapshot_tables

pytestmark = pytest.mark.django_db

YESTERDAY = TODAY - timedelta(days=1)
LATER = NOW + timedelta(hours=1)
# The log itself; work that waits, and is done again; when a card was made or a paper was news, which only goes on.
LOG = {"papers_curationevent", "papers_topicbacklog", "papers_embeddingbacklog", "papers_duplicatecheck"}
STAMPS = {
    *("papers_paper.changed_at", "papers_listing.release", "papers_topicmatch.release", "papers_topicmatch.matched_at"),
}


class World(NamedTuple):
    """What the acts are done to."""

    carl: User
    rita: User
    otto: User
    topic: Topic
    listed: Paper
    other: Paper
    submitted: Paper
    submission: int
    found: Paper
    comment: Comment
    record: int
    twin: Paper
    pair: int


@pytest.fixture
def world() -> World:
    carl, rita = curator(), reader()
    topic = factories.topic("Ice")
    listed, other, submitted, found = (
        factories.paper(title=title) for title in ("Listed", "Other", "Submitted", "Found")
    )
    factories.listing(listed, TODAY, position=1)
    factories.listing(other, TODAY, position=2, pinned_at=NOW, place=1)
    factories.listing(other, YESTERDAY)
    factories.topic_match(found, topic)
    factories.candidate(found, topic)
    submission = factories.submission("10.1000/ice", rita, paper=submitted, state="waiting", next_attempt_at=None)
    comment = add_comment(user=rita, paper_id=listed.pk, body="Rude words to @carl")
    factories.comment_report(comment)
    set_vote(user=rita, paper_id=listed.pk, on=True)
    otto, record = reader("otto"), factories.rejected_record()
    factories.topic("rita-s", owner=rita, query="ice", offered_at=NOW)
    twin, pair = a_twin(listed, rita, topic)
    return World(
        carl, rita, otto, topic, listed, other, submitted, submission.pk, found, comment, record.pk, twin, pair.pk
    )


def a_twin(listed: Paper, rita: User, topic: Topic) -> tuple[Paper, DuplicatePair]:
    """The same paper without its arXiv id, with all that may hang on one, some of it on both."""
    twin = factories.paper(
        public_id="doi/10.1000/twin", title="Listed", abstract="", organization="CERN", record_rank=40
    )
    rosa = factories.user("rosa")
    factories.listing(twin, TODAY)
    factories.listing(twin, YESTERDAY)
    for paper in (listed, twin):
        factories.external_counts(paper, votes=3)
        PaperVersion.objects.create(paper=paper, version=1, seen_at=NOW)
        LibraryItem.objects.create(user=rosa, paper=paper, note="Mine")
        set_vote(user=rosa, paper_id=paper.pk, on=True)
        factories.topic_match(paper, topic, vote_count=0)
    PaperVersion.objects.create(paper=twin, version=2, seen_at=NOW)
    PaperVector.objects.create(paper=twin, model="m", vector=[0.5, 0.25])
    PaperEdit.objects.create(paper=twin, field="organization", value="CERN", source_value="", edited_at=NOW)
    add_tags(user=rita, paper_ids=[twin.pk], names=["ice"])
    set_vote(user=factories.user("toni"), paper_id=twin.pk, on=True)
    add_comment(user=rosa, paper_id=twin.pk, body="On the twin")
    Listing.objects.filter(paper__in=[listed, twin]).update(source_votes=3)
    FormerAddress.objects.create(public_id="p-old", paper=twin)
    versions = list(PaperVersion.objects.filter(paper=twin).values_list("pk", flat=True))
    factories.delivery(factories.schedule(), paper_ids=[twin.pk], version_ids=versions, state="sent")
    first, second = sorted((listed.pk, twin.pk))
    pair = DuplicatePair.objects.create(first_id=first, second_id=second, title_score=1, author_score=1, found_at=NOW)
    return twin, pair


Act = Callable[[World, Actor], CurationEvent | None]
ACTS: dict[str, Act] = {
    "accept a submission": lambda w, by: review_papers.accept_submission(submission_id=w.submission, actor=by),
    "reject a submission": lambda w, by: review_papers.reject_submission(submission_id=w.submission, actor=by),
    "list a candidate": lambda w, by: review_papers.list_candidate(paper_id=w.found.pk, actor=by),
    "leave a candidate out": lambda w, by: review_papers.reject_candidate(paper_id=w.found.pk, actor=by),
    "list a candidate and pin it": lambda w, by: perform_action(
        kind="candidate", key=w.found.pk, action="pin", actor=by
    ),
    "reject a submission and hide it": lambda w, by: perform_action(
        kind="submission", key=w.submission, action="hide", actor=by
    ),
    "keep a comment": lambda w, by: review_comments.keep_comment(comment_id=w.comment.pk, actor=by),
    "remove a comment": lambda w, by: review_comments.remove_comment(comment_id=w.comment.pk, actor=by),
    "dismiss a record": lambda w, by: review_records.dismiss_record(record_id=w.record, actor=by),
    "pin": lambda w, by: place_paper.pin_paper(paper_id=w.listed.pk, day=TODAY, on=True, actor=by),
    "unpin": lambda w, by: place_paper.pin_paper(paper_id=w.other.pk, day=TODAY, on=False, actor=by),
    "order": lambda w, by: place_paper.order_pinned(day=TODAY, paper_ids=[w.listed.pk, w.other.pk], actor=by),
    "take off": lambda w, by: place_paper.take_off_day(paper_id=w.listed.pk, day=TODAY, on=True, actor=by),
    "hide": lambda w, by: place_paper.hide_paper(paper_id=w.listed.pk, on=True, actor=by),
    "move to an older day": lambda w, by: place_paper.move_to_day(
        paper_id=w.other.pk, day=TODAY, to=YESTERDAY, actor=by
    ),
    "move to a new day": lambda w, by: place_paper.move_to_day(
        paper_id=w.listed.pk, day=TODAY, to=TODAY - timedelta(days=9), actor=by
    ),
    "merge": lambda w, by: perform_action(kind="pair", key=w.pair, action="accept", actor=by),
    "tell apart": lambda w, by: perform_action(kind="pair", key=w.pair, action="reject", actor=by),
    "edit": lambda w, by: edit_paper.edit_paper(
        paper_id=w.listed.pk, values={"title": "New", "authors": [{"name": "B"}]}, actor=by
    ),
    "code and organization": lambda w, by: edit_paper.edit_paper(
        paper_id=w.found.pk,
        values={"code": {"url": "https://a.b/c", "found": "curator"}, "organization": "X"},
        actor=by,
    ),
    "withdraw": lambda w, by: edit_paper.edit_paper(
        paper_id=w.found.pk, values={"withdrawn_at": NOW.isoformat()}, actor=by
    ),
    "take the source's": lambda w, by: edit_paper.revert_to_source_value(
        paper_id=w.twin.pk, field="organization", actor=by
    ),
    "note": lambda w, by: place_paper.set_day_note(day=TODAY, note="*Hello*", actor=by),
    "note of a new day": lambda w, by: place_paper.set_day_note(
        day=TODAY - timedelta(days=20), note="*Hello*", actor=by
    ),
    "plan": lambda w, by: plan_listings.plan_listing(paper_id=w.found.pk, day=TODAY + timedelta(days=3), actor=by),
    "schedule": lambda w, by: plan_listings.set_publish_time(day=TODAY + timedelta(days=3), at=LATER, actor=by),
    "put into a topic": lambda w, by: assign_topics.set_topic_pick(paper_id=w.other.pk, slug="ice", on=True, actor=by),
    "make a search a topic for all": lambda w, by: perform_action(
        kind="search", key=Topic.objects.get(slug="rita-s").pk, action="accept", actor=by
    ),
    "leave a search to its reader": lambda w, by: perform_action(
        kind="search", key=Topic.objects.get(slug="rita-s").pk, action="reject", actor=by
    ),
    "list": lambda w, by: place_paper.add_to_day(paper_id=w.found.pk, day=YESTERDAY, actor=by),
}


def snapshot() -> dict[str, Any]:
    return snapshot_tables(without=LOG, columns=STAMPS)


def visible(world: World) -> list[Paper]:
    """The papers that readers can vote for now."""
    papers = (world.listed, world.other, world.submitted, world.found)
    return list(Paper.objects.visible().filter(pk__in=[paper.pk for paper in papers]).order_by("pk"))


def meanwhile(world: World, papers: list[Paper]) -> None:
    """What others do in between: vote, take a vote back, comment, name somebody."""
    for paper in papers:
        set_vote(user=world.otto, paper_id=paper.pk, on=True)
        add_comment(user=world.otto, paper_id=paper.pk, body="Well said, @rita")
    if world.listed in papers:
        set_vote(user=world.rita, paper_id=world.listed.pk, on=False)


@pytest.mark.parametrize("name", ACTS)
def test_undo_brings_back_every_row(name: str, world: World) -> None:
    before = snapshot()
    event = ACTS[name](world, Actor(world.carl, NOW, reason="Because."))
    assert event is not None
    assert diff_tables(before, snapshot()) != []
    undo_batch(event_id=event.pk, curator=world.carl, now=LATER)
    assert diff_tables(before, snapshot()) == []


@pytest.mark.parametrize("name", ACTS)
def test_undo_leaves_what_others_did_in_between(name: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same as if the act had never been, down to counts and the order of Trending."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: LATER)
    numbers = {f"papers_{table}.id" for table in ("vote", "comment", "mention")} | {"papers_mention.comment_id"}
    with transaction.atomic():
        event = ACTS[name](world, Actor(world.carl, NOW, reason="Because."))
        papers = visible(world)
        meanwhile(world, papers)
        assert event is not None
        undo_batch(event_id=event.pk, curator=world.carl, now=LATER)
        undone = snapshot_tables(without=LOG, columns=STAMPS | numbers)
        transaction.set_rollback(True)
    meanwhile(world, papers)
    assert diff_tables(snapshot_tables(without=LOG, columns=STAMPS | numbers), undone) == []


def test_a_merge_moves_everything_and_undo_parts_threads_as_they_belong(world: World) -> None:
    merged = ACTS["merge"](world, Actor(world.carl, NOW))
    assert merged is not None
    assert not Paper.objects.filter(pk=world.twin.pk).exists()
    kept = Paper.objects.get(pk=world.listed.pk)
    assert kept.vote_count == 3  # rita, rosa once, toni
    assert kept.organization == "CERN"
    on_twin = Comment.objects.get(body="On the twin")
    answer = add_comment(user=world.otto, paper_id=kept.pk, body="Yes", parent=on_twin)
    deeper = add_comment(user=world.rita, paper_id=kept.pk, body="No", parent=answer)
    undo_event(event_id=merged.pk, curator=world.carl, now=LATER)
    for comment in (on_twin, answer, deeper):
        comment.refresh_from_db()
        assert comment.paper == world.twin
    counts = dict(Paper.objects.values_list("pk", "comment_count"))
    assert (counts[world.twin.pk], counts[world.listed.pk]) == (3, 1)


def merged_and_parted(world: World, in_between: Callable[[], object]) -> None:
    event = ACTS["merge"](world, Actor(world.carl, NOW))
    assert event is not None
    in_between()
    undo_event(event_id=event.pk, curator=world.carl, now=LATER)


def voters(paper: Paper) -> set[str]:
    names = set(Vote.objects.filter(paper=paper).values_list("user__username", flat=True))
    paper.refresh_from_db()
    assert paper.vote_count == len(names)
    return names


def test_a_vote_taken_back_between_a_merge_and_its_undo_stays_away(world: World) -> None:
    rosa, toni = (User.objects.get(username=name) for name in ("rosa", "toni"))  # on both; on the one that goes
    merged_and_parted(world, lambda: [set_vote(user=one, paper_id=world.listed.pk, on=False) for one in (rosa, toni)])
    assert voters(world.listed) == {world.rita.username}
    assert voters(world.twin) == set()


def test_a_vote_given_between_a_merge_and_its_undo_stays_with_the_paper_that_stayed(world: World) -> None:
    toni = User.objects.get(username="toni")

    def vote() -> None:
        set_vote(user=world.otto, paper_id=world.listed.pk, on=True)
        for on in (False, True):
            set_vote(user=toni, paper_id=world.listed.pk, on=on)

    merged_and_parted(world, vote)
    assert voters(world.listed) == {world.rita.username, "rosa", world.otto.username, "toni"}
    assert voters(world.twin) == {"rosa"}


def test_a_comment_deleted_between_a_merge_and_its_undo_stays_deleted(world: World) -> None:
    said = Comment.objects.get(body="On the twin")
    merged_and_parted(world, lambda: delete_comment(comment=Comment.objects.get(pk=said.pk)))
    said.refresh_from_db()
    world.twin.refresh_from_db()
    assert (said.paper_id, said.body, said.deleted_at is None) == (world.twin.pk, "", False)
    assert world.twin.comment_count == 0


def test_a_comment_written_between_a_merge_and_its_undo_stays_with_the_paper_that_stayed(world: World) -> None:
    merged_and_parted(world, lambda: add_comment(user=world.otto, paper_id=world.listed.pk, body="Since"))
    assert Comment.objects.get(body="Since").paper_id == world.listed.pk


@pytest.mark.parametrize("is_on_both", [True, False])
def test_a_paper_taken_off_a_shelf_between_a_merge_and_its_undo_stays_off(is_on_both: bool, world: World) -> None:
    rosa = User.objects.get(username="rosa")
    if not is_on_both:
        LibraryItem.objects.filter(user=rosa, paper=world.listed).delete()
    merged_and_parted(world, lambda: set_library_state(user=rosa, paper_ids=[world.listed.pk], state=""))
    assert not LibraryItem.objects.filter(user=rosa).exists()


def test_what_goes_on_a_shelf_between_a_merge_and_its_undo_stays_there(world: World) -> None:
    merged_and_parted(world, lambda: set_library_state(user=world.otto, paper_ids=[world.listed.pk], state="read"))
    assert list(LibraryItem.objects.filter(user=world.otto).values_list("paper", "state")) == [
        (world.listed.pk, "read")
    ]


@pytest.mark.parametrize("is_on_both", [True, False])
def test_a_tag_taken_off_between_a_merge_and_its_undo_stays_off(is_on_both: bool, world: World) -> None:
    if is_on_both:
        add_tags(user=world.rita, paper_ids=[world.listed.pk], names=["ice"])
    merged_and_parted(world, lambda: remove_tags(user=world.rita, paper_ids=[world.listed.pk], names=["ice"]))
    assert not TaggedPaper.objects.exists()


def test_a_tag_put_on_between_a_merge_and_its_undo_stays_with_the_paper_that_stayed(world: World) -> None:
    merged_and_parted(world, lambda: add_tags(user=world.rita, paper_ids=[world.listed.pk], names=["snow"]))
    assert set(TaggedPaper.objects.values_list("tag__name", "paper")) == {
        ("ice", world.twin.pk), ("snow", world.listed.pk),
    }  # fmt: skip


def test_what_a_curator_takes_back_between_a_merge_and_its_undo_stays_away(world: World) -> None:
    by, slug, tomorrow = Actor(world.carl, NOW), world.topic.slug, TODAY + timedelta(days=1)
    for paper in (world.listed, world.twin):
        assign_topics.set_topic_pick(paper_id=paper.pk, slug=slug, on=True, actor=by)
        plan_listings.plan_listing(paper_id=paper.pk, day=tomorrow, actor=by)

    def take_back() -> None:
        assign_topics.set_topic_pick(paper_id=world.listed.pk, slug=slug, on=False, actor=by)
        plan_listings.unplan_listing(paper_id=world.listed.pk, day=tomorrow, actor=by)

    merged_and_parted(world, take_back)
    assert not TopicPick.objects.exists()
    assert not PlannedListing.objects.exists()


def test_two_arxiv_ids_are_two_papers(world: World) -> None:
    with pytest.raises(CurationError, match="different arXiv ids"):
        merge_papers.merge_papers(kept_id=world.listed.pk, merged_id=world.other.pk, actor=Actor(world.carl, NOW))
    assert Paper.objects.filter(pk=world.other.pk).exists()


def test_a_merge_that_was_followed_by_a_new_version_keeps_it(world: World) -> None:
    merged = ACTS["merge"](world, Actor(world.carl, NOW))
    assert merged is not None
    store_papers(
        [factories.raw_paper(arxiv_id=world.listed.public_id, version=3, title="Third", abstract="Newer.")],
        now=LATER,
        kind="x",
    )
    undo_event(event_id=merged.pk, curator=world.carl, now=LATER)
    kept = Paper.objects.get(pk=world.listed.pk)
    assert (kept.title, kept.version) == ("Third", 3)
    assert Paper.objects.get(pk=world.twin.pk).title == "Listed"


def test_an_account_that_left_meanwhile_stays_away(world: World) -> None:
    merged = ACTS["merge"](world, Actor(world.carl, NOW))
    assert merged is not None
    delete_account(user=User.objects.get(username="rosa"))
    merged.refresh_from_db()
    assert "Mine" not in str(merged.changes)  # her note
    undo_event(event_id=merged.pk, curator=world.carl, now=LATER)
    assert Paper.objects.get(pk=world.twin.pk).vote_count == 1


def test_who_leaves_takes_along_a_comment_that_was_removed(world: World) -> None:
    removed = review_comments.remove_comment(comment_id=world.comment.pk, actor=Actor(world.carl, NOW))
    assert removed is not None
    delete_account(user=world.rita)
    removed.refresh_from_db()
    assert removed.changes == []


def test_what_is_done_twice_is_done_once(world: World) -> None:
    by = Actor(world.carl, NOW, reason="Because.")
    for name, act in ACTS.items():
        if not name.startswith(("move", "unpin", "merge", "tell", "take the")):
            act(world, by)
            count = CurationEvent.objects.count()
            assert act(world, by) is None, name
            assert CurationEvent.objects.count() == count, name


def test_nothing_is_undone_twice(world: World) -> None:
    event = place_paper.hide_paper(paper_id=world.listed.pk, on=True, actor=Actor(world.carl, NOW))
    assert event is not None
    undo_event(event_id=event.pk, curator=world.carl, now=LATER)
    with pytest.raises(AlreadyUndoneError):
        undo_event(event_id=event.pk, curator=world.carl, now=LATER)
    said = CurationEvent.objects.order_by("-pk")[0]
    assert (said.action, said.undoes, said.paper) == ("undo", event, world.listed)


def test_a_newer_act_on_the_same_is_undone_first(world: World) -> None:
    by = Actor(world.carl, NOW)
    listed = place_paper.add_to_day(paper_id=world.found.pk, day=YESTERDAY, actor=by)
    pinned = place_paper.pin_paper(paper_id=world.found.pk, day=YESTERDAY, on=True, actor=by)
    assert listed is not None
    assert pinned is not None
    with pytest.raises(ChangedSinceError) as caught:
        undo_event(event_id=listed.pk, curator=world.carl, now=LATER)
    assert caught.value.event == pinned
    assert Listing.objects.filter(paper=world.found).exists()
    undo_event(event_id=pinned.pk, curator=world.carl, now=LATER)
    undo_event(event_id=listed.pk, curator=world.carl, now=LATER)
    assert not Listing.objects.filter(paper=world.found).exists()


def test_what_was_written_over_since_is_not_put_back(world: World) -> None:
    first, second, third = (
        place_paper.set_day_note(day=YESTERDAY, note=note, actor=Actor(world.carl, NOW))
        for note in ("one", "two", "three")
    )
    assert first is not None
    assert second is not None
    with pytest.raises(ChangedSinceError) as caught:
        undo_event(event_id=second.pk, curator=world.carl, now=LATER)
    assert caught.value.event == third
    assert Edition.objects.get(day=YESTERDAY).note == "three"
    second.refresh_from_db()
    assert second.undone_at is None


def test_the_day_s_count_follows(world: World) -> None:
    by = Actor(world.carl, NOW)
    assert Edition.objects.get(day=TODAY).listed_count == 3
    event = place_paper.hide_paper(paper_id=world.listed.pk, on=True, actor=by)
    assert Edition.objects.get(day=TODAY).listed_count == 2
    place_paper.take_off_day(paper_id=world.other.pk, day=TODAY, on=True, actor=by)
    assert Edition.objects.get(day=TODAY).listed_count == 1
    assert event is not None
    undo_event(event_id=event.pk, curator=world.carl, now=LATER)
    assert Edition.objects.get(day=TODAY).listed_count == 2
