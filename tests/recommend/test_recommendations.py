"""For you: what readers do makes their lists, which workers work out, pages show, feeds and mails bring once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from papers.locks import AdvisoryLock
from papers.models import (
    SHIPPED_DIMENSIONS,
    SHIPPED_MODEL,
    EmbeddingModel,
    Paper,
    PaperVector,
    Recommendation,
    RecommendationState,
    Tag,
    User,
)
from papers.services.embeddings.model_switch import invalidate_current_model
from papers.services.ingest.paper_merge import move_related_rows
from papers.services.operations.cleanup import delete_expired_rows
from papers.services.operations.scheduler import collect_due_work
from papers.services.reading.library import set_library_state
from papers.services.reading.muted_queries import mute_query, unmute_query
from papers.services.reading.seen import mark_seen
from papers.services.reading.tags import add_tags, delete_tag, remove_tags, rename_tag
from papers.services.reading.votes import set_vote
from papers.services.recommend import reader_signals, recommender
from papers.services.recommend.display import record_shown
from papers.services.recommend.recommender import recompute_due
from papers.services.recommend.staleness import has_stale_readers
from tests.support import factories
from tests.support.factories import NOW
from tests.support.locks import held_elsewhere
from tests.support.people import reader
from tests.support.recommendation_data import (
    FLOW,
    GRAPH,
    LATER,
    make_papers,
    suggested_titles,
    title_set,
    upvote_papers,
)

pytestmark = pytest.mark.django_db


# --- What is learnt from --------------------------------------------------------------------------------------------


def test_three_votes_bring_more_of_the_kind(rita: User, stream: list[Paper]) -> None:
    upvote_papers(rita)
    assert recompute_due(now=LATER).readers == 1
    assert set(suggested_titles(rita)) == title_set(stream)


@pytest.mark.parametrize("how", ["save", "tag"])
def test_saving_and_tagging_say_the_same(rita: User, stream: list[Paper], how: str) -> None:
    papers = [paper.pk for paper in make_papers(FLOW, "molecules images audio", age=60)]
    if how == "save":
        set_library_state(user=rita, paper_ids=papers, state="to_read")
    else:
        add_tags(user=rita, paper_ids=papers, names=["flows"])
    recompute_due(now=LATER)
    assert set(suggested_titles(rita)) == title_set(stream)


def test_each_reader_has_a_list_of_their_own(rita: User, stream: list[Paper]) -> None:
    other = reader("olga")
    upvote_papers(rita)
    upvote_papers(other, GRAPH)
    recompute_due(now=LATER)
    assert set(suggested_titles(rita)) == title_set(stream)
    assert all(title.startswith("Graph") for title in suggested_titles(other))
    assert len(suggested_titles(other)) == 4


def test_what_was_put_aside_is_gone_and_says_nothing_good(rita: User, stream: list[Paper]) -> None:
    upvote_papers(rita)
    set_library_state(user=rita, paper_ids=[stream[0].pk], state="not_interested")
    recompute_due(now=LATER)
    assert set(suggested_titles(rita)) == title_set(stream[1:])
    assert RecommendationState.objects.get(user=rita).liked_count == 3


def test_vectors_find_what_shares_no_word(rita: User, stream: list[Paper]) -> None:
    make_papers("Another study of {}", " ".join(f"thing{number}" for number in range(50)))
    near = factories.paper(title="Continuous normalizing transport", listed_at=NOW)
    examples = upvote_papers(rita)
    for number, paper in enumerate(Paper.objects.all()):
        is_near = paper.pk in {near.pk, *(one.pk for one in (*examples, *stream))}
        vector = [0.0] * SHIPPED_DIMENSIONS
        vector[0 if is_near else 1 + number % 20] = 1.0
        PaperVector.objects.create(paper=paper, model=SHIPPED_MODEL, vector=vector)
    EmbeddingModel.objects.create(name=SHIPPED_MODEL, dimensions=SHIPPED_DIMENSIONS, serves=True, vector_count=30)
    invalidate_current_model()
    recompute_due(now=LATER)
    assert near.title in suggested_titles(rita)


# --- What is left out -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_before", [True, False])
@pytest.mark.parametrize("what", ["seen", "tagged", "voted", "saved", "hidden", "withdrawn"])
def test_what_is_known_or_gone_is_not_suggested(rita: User, stream: list[Paper], what: str, is_before: bool) -> None:
    upvote_papers(rita)
    paper = stream[0]
    if not is_before:
        recompute_due(now=LATER)
        assert paper.title in suggested_titles(rita)
    match what:
        case "seen":
            mark_seen(user=rita, paper_ids=[paper.pk])
        case "tagged":
            add_tags(user=rita, paper_ids=[paper.pk], names=["x"])
        case "voted":
            set_vote(user=rita, paper_id=paper.pk, on=True)
        case "saved":
            set_library_state(user=rita, paper_ids=[paper.pk], state="read")
        case _:
            Paper.objects.filter(pk=paper.pk).update(**{f"{what}_at": NOW})
    if is_before:
        recompute_due(now=LATER)
    assert paper.title not in suggested_titles(rita)
    assert len(suggested_titles(rita)) == 3


def test_older_papers_and_the_sample_are_not_suggested(rita: User) -> None:
    make_papers("A study of {}", "sleep bees rivers coins steel paint glass salt wool clay")
    make_papers(FLOW, "old", age=31)
    make_papers(FLOW, "sample", is_sample=True)
    (fresh,) = make_papers(FLOW, "fresh", age=29)
    upvote_papers(rita)
    recompute_due(now=LATER)
    assert suggested_titles(rita) == [fresh.title]


def test_muted_papers_stay_out(rita: User, stream: list[Paper]) -> None:
    upvote_papers(rita)
    mute_query(user=rita, text="robots")
    recompute_due(now=LATER)
    assert set(suggested_titles(rita)) == title_set(stream) - {"Flow matching for robots"}
    unmute_query(user=rita, key=rita.muted_queries.get().pk)
    recompute_due(now=LATER)
    assert set(suggested_titles(rita)) == title_set(stream)


# --- When it is worked out ------------------------------------------------------------------------------------------


def test_everything_a_reader_says_makes_the_list_stale(rita: User, stream: list[Paper]) -> None:
    paper = stream[0].pk
    add_tags(user=rita, paper_ids=[paper], names=["a", "b"])
    tag = Tag.objects.get(name="a")
    steps: list[Callable[[], object]] = [
        lambda: set_vote(user=rita, paper_id=paper, on=True),
        lambda: set_vote(user=rita, paper_id=paper, on=False),
        lambda: set_library_state(user=rita, paper_ids=[paper], state="to_read"),
        lambda: set_library_state(user=rita, paper_ids=[paper], state=""),
        lambda: remove_tags(user=rita, paper_ids=[paper], names=["b"]),
        lambda: add_tags(user=rita, paper_ids=[paper], names=["b"]),
        lambda: rename_tag(tag=tag, name="b"),
        lambda: delete_tag(tag=Tag.objects.get(name="b")),
        lambda: mute_query(user=rita, text="robots"),
        lambda: unmute_query(user=rita, key=rita.muted_queries.get().pk),
    ]
    for step in steps:
        RecommendationState.objects.update(stale_at=None, computed_at=NOW)
        step()
        assert RecommendationState.objects.get(user=rita).stale_at == NOW, step
        assert has_stale_readers(now=LATER)


def test_a_vote_that_changes_nothing_costs_no_work(rita: User, stream: list[Paper]) -> None:
    set_vote(user=rita, paper_id=stream[0].pk, on=True)
    RecommendationState.objects.update(stale_at=None)
    set_vote(user=rita, paper_id=stream[0].pk, on=True)
    assert RecommendationState.objects.get(user=rita).stale_at is None


def test_doing_it_again_changes_nothing(rita: User, stream: list[Paper]) -> None:
    upvote_papers(rita)
    recompute_due(now=LATER)
    before = list(Recommendation.objects.order_by("rank").values("user", "tag", "paper", "rank", "score", "shared"))
    RecommendationState.objects.update(stale_at=NOW)
    recompute_due(now=LATER)
    after = list(Recommendation.objects.order_by("rank").values("user", "tag", "paper", "rank", "score", "shared"))
    assert before == after
    assert recompute_due(now=LATER).readers == 0


def test_what_a_reader_does_meanwhile_is_taken_up_later(
    rita: User, stream: list[Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    upvote_papers(rita)
    real = reader_signals.read_reader_signals

    def read_and_vote(*args, **options):
        found = real(*args, **options)
        RecommendationState.objects.filter(user=rita).update(stale_at=LATER)
        return found

    monkeypatch.setattr(recommender, "read_reader_signals", read_and_vote)
    recompute_due(now=LATER)
    assert RecommendationState.objects.get(user=rita).stale_at == LATER
    assert has_stale_readers(now=LATER + timedelta(minutes=1))


def test_new_papers_come_to_readers_who_do_nothing(rita: User, stream: list[Paper]) -> None:
    upvote_papers(rita)
    recompute_due(now=LATER)
    assert not has_stale_readers(now=LATER + timedelta(hours=1))
    late = LATER + timedelta(minutes=5)
    new = factories.paper(title=FLOW.format("tides"), listed_at=late)
    Paper.objects.filter(pk=new.pk).update(created_at=late)
    assert not has_stale_readers(now=LATER + timedelta(minutes=10))
    assert has_stale_readers(now=LATER + timedelta(minutes=40))
    recompute_due(now=LATER + timedelta(minutes=40))
    assert FLOW.format("tides") in suggested_titles(rita)


def test_older_ones_fall_behind_with_the_days(rita: User, stream: list[Paper]) -> None:
    upvote_papers(rita)
    recompute_due(now=LATER)
    assert has_stale_readers(now=LATER + timedelta(days=1))


def test_another_worker_at_it_is_left_alone(rita: User, stream: list[Paper]) -> None:
    upvote_papers(rita)
    with held_elsewhere(AdvisoryLock.RECOMMENDATIONS):
        assert recompute_due(now=LATER).readers == 0
    assert recompute_due(now=LATER).readers == 1


def test_one_reader_s_trouble_is_nobody_else_s(
    rita: User, stream: list[Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = reader("olga")
    upvote_papers(rita)
    upvote_papers(other)
    real = recommender._rows

    def rows(user_id, *args):
        if user_id == rita.pk:
            raise ValueError
        return real(user_id, *args)

    monkeypatch.setattr(recommender, "_rows", rows)
    assert recompute_due(now=LATER).readers == 2
    assert suggested_titles(other)
    assert not suggested_titles(rita)


def test_who_and_what_is_deleted_meanwhile_is_left_out(
    rita: User, stream: list[Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    upvote_papers(rita)
    gone = reader("gone")
    upvote_papers(gone)
    real = recommender._store

    def store(*args, **options):
        Paper.objects.filter(pk=stream[0].pk).delete()
        gone.delete()
        return real(*args, **options)

    monkeypatch.setattr(recommender, "_store", store)
    recompute_due(now=LATER)
    assert set(suggested_titles(rita)) == title_set(stream[1:])


def test_closed_accounts_cost_nothing(rita: User, stream: list[Paper]) -> None:
    upvote_papers(rita)
    User.objects.update(is_active=False)
    assert not has_stale_readers(now=LATER)


def test_the_tick_hands_it_on(rita: User, stream: list[Paper]) -> None:
    assert not collect_due_work(now=LATER).suggestions
    upvote_papers(rita)
    assert collect_due_work(now=LATER).suggestions
    assert not collect_due_work(now=LATER).suggestions  # not again while that may wait in the queue


def test_many_readers_cost_no_more_queries_each(stream: list[Paper]) -> None:
    counts = []
    upvote_papers(factories.user())
    recompute_due(now=LATER)  # asks for the model in use, which is kept
    for number in (2, 8):
        for _ in range(number):
            upvote_papers(factories.user())
        with CaptureQueriesContext(connection) as captured:
            recompute_due(now=LATER)
        counts.append([query["sql"][:9] for query in captured])
    assert counts[0] == counts[1]


# --- Once, for a time ------------------------------------------------------------------------------------------------

DAY = timedelta(days=1)


def shown_at(now: datetime, to: User) -> list[str]:
    """What stands on the reader's list, who opens it then and does nothing."""
    rows = list(Recommendation.objects.current_for(to, now=now).select_related("paper"))
    record_shown(user=to, paper_ids=[row.paper_id for row in rows], now=now)
    return [row.paper.title for row in rows]


def test_over_weeks_a_suggestion_waits_then_stays_a_week_and_never_comes_back(rita: User, stream: list[Paper]) -> None:
    upvote_papers(rita)
    days: dict[int, set[str]] = {}
    for day in range(30):
        now = LATER + day * DAY
        recompute_due(now=now)
        if day >= 4:  # the reader was away at first
            days[day] = set(shown_at(now, rita))
        if day == 8:
            late = factories.paper(title=FLOW.format("tides"), listed_at=now)
    first = title_set(stream)
    assert all(days[day] >= first for day in range(4, 11))
    assert not any(days[day] & first for day in range(11, 30))
    assert [day for day in days if late.title in days[day]] == list(range(9, 16))


def test_what_was_never_shown_goes_after_thirty_days(rita: User, stream: list[Paper]) -> None:
    upvote_papers(rita)
    for day in range(0, 29, 7):
        recompute_due(now=LATER + day * DAY)
        assert set(suggested_titles(rita, now=LATER + day * DAY)) == title_set(stream)
    recompute_due(now=LATER + 30 * DAY)
    assert suggested_titles(rita, now=LATER + 30 * DAY) == []


def test_what_has_had_its_time_goes_at_once_and_from_every_list(rita: User, stream: list[Paper]) -> None:
    add_tags(user=rita, paper_ids=[paper.pk for paper in upvote_papers(rita)], names=["flows"])
    recompute_due(now=LATER)
    record_shown(user=rita, paper_ids=[stream[0].pk], now=LATER)
    record_shown(user=rita, paper_ids=[stream[0].pk], now=LATER + 3 * DAY)  # the first time counts
    for tag in (None, Tag.objects.get()):
        assert stream[0].title in suggested_titles(rita, tag, now=LATER + 7 * DAY - timedelta(seconds=1))
        assert stream[0].title not in suggested_titles(rita, tag, now=LATER + 7 * DAY)
    RecommendationState.objects.update(stale_at=NOW)
    recompute_due(now=LATER + 7 * DAY)
    assert not Recommendation.objects.filter(paper=stream[0]).exists()  # its place is another's


def test_what_was_shown_makes_way_for_what_is_new(rita: User, stream: list[Paper]) -> None:
    upvote_papers(rita)
    recompute_due(now=LATER)
    record_shown(user=rita, paper_ids=[paper.pk for paper in stream[:2]], now=LATER)
    RecommendationState.objects.update(stale_at=NOW)
    recompute_due(now=LATER + 6 * DAY)
    assert set(suggested_titles(rita)[:2]) == title_set(stream[2:])


def test_another_reader_s_looking_takes_nothing_away(rita: User, stream: list[Paper]) -> None:
    upvote_papers(rita)
    recompute_due(now=LATER)
    record_shown(user=reader("olga"), paper_ids=[paper.pk for paper in stream], now=LATER)
    assert set(suggested_titles(rita, now=LATER + 8 * DAY)) == title_set(stream)


def test_a_merged_paper_is_no_new_suggestion(rita: User, stream: list[Paper]) -> None:
    upvote_papers(rita)
    recompute_due(now=LATER)
    record_shown(user=rita, paper_ids=[stream[0].pk], now=LATER)
    move_related_rows({stream[0].pk: stream[1].pk})
    recompute_due(now=LATER + 7 * DAY)
    assert set(suggested_titles(rita, now=LATER + 7 * DAY)) == title_set(stream[2:])


def test_what_was_shown_is_forgotten_when_it_can_say_nothing_more(rita: User, stream: list[Paper]) -> None:
    record_shown(user=rita, paper_ids=[stream[0].pk], now=NOW)
    assert delete_expired_rows(now=NOW + 59 * DAY) == 0
    assert delete_expired_rows(now=NOW + 61 * DAY) == 1


def test_a_letter_alone_is_no_reason() -> None:
    assert recommender._worth_saying(["α", "n", "flows"]) == ["flows"]
