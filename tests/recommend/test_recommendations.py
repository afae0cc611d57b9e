"""For you: what readers do makes their lists, which workers work out, pages show, feeds and mails bring once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from papers.models import (
    SHIPPED_DIMENSIONS,
    SHIPPED_MODEL,
    EmbeddingModel,
    Paper,
    PaperVector,
    Recommendation,
    Tag,
    Taste,
    User,
)
from papers.services.embeddings.model_switch import forget_current_model
from papers.services.ingest.paper_merge import move_belongings
from papers.services.operations.cleanup import prune
from papers.services.operations.scheduler import tick
from papers.services.reading.library import set_state
from papers.services.reading.muted_queries import mute, unmute
from papers.services.reading.seen import note_seen
from papers.services.reading.tags import add_tags, delete_tag, remove_tags, rename_tag
from papers.services.reading.votes import set_vote
from papers.services.recommend import reader_signals, recommender
from papers.services.recommend.display import note_shown
from papers.services.recommend.recommender import recompute_due
from papers.services.recommend.staleness import is_due
from tests.support import factories
from tests.support.factories import NOW
from tests.support.people import reader
from tests.support.recommendation_data import FLOW, GRAPH, LATER, a_stream, liked, suggested, titles, written

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    cache.clear()


@pytest.fixture
def rita() -> User:
    return reader()


@pytest.fixture
def stream() -> list[Paper]:
    return a_stream()


# --- What is learnt from --------------------------------------------------------------------------------------------


def test_three_votes_bring_more_of_the_kind(rita: User, stream: list[Paper]) -> None:
    liked(rita)
    assert recompute_due(now=LATER).readers == 1
    assert set(suggested(rita)) == titles(stream)


@pytest.mark.parametrize("how", ["save", "tag"])
def test_saving_and_tagging_say_the_same(rita: User, stream: list[Paper], how: str) -> None:
    papers = [paper.pk for paper in written(FLOW, "molecules images audio", age=60)]
    if how == "save":
        set_state(user=rita, paper_ids=papers, state="to_read")
    else:
        add_tags(user=rita, paper_ids=papers, names=["flows"])
    recompute_due(now=LATER)
    assert set(suggested(rita)) == titles(stream)


def test_each_reader_has_a_list_of_their_own(rita: User, stream: list[Paper]) -> None:
    other = reader("olga")
    liked(rita)
    liked(other, GRAPH)
    recompute_due(now=LATER)
    assert set(suggested(rita)) == titles(stream)
    assert all(title.startswith("Graph") for title in suggested(other))
    assert len(suggested(other)) == 4


def test_what_was_put_aside_is_gone_and_says_nothing_good(rita: User, stream: list[Paper]) -> None:
    liked(rita)
    set_state(user=rita, paper_ids=[stream[0].pk], state="not_interested")
    recompute_due(now=LATER)
    assert set(suggested(rita)) == titles(stream[1:])
    assert Taste.objects.get(user=rita).liked_count == 3


def test_vectors_find_what_shares_no_word(rita: User, stream: list[Paper]) -> None:
    written("Another study of {}", " ".join(f"thing{number}" for number in range(50)))
    near = factories.paper(title="Continuous normalizing transport", listed_at=NOW)
    examples = liked(rita)
    for number, paper in enumerate(Paper.objects.all()):
        is_near = paper.pk in {near.pk, *(one.pk for one in (*examples, *stream))}
        vector = [0.0] * SHIPPED_DIMENSIONS
        vector[0 if is_near else 1 + number % 20] = 1.0
        PaperVector.objects.create(paper=paper, model=SHIPPED_MODEL, vector=vector)
    EmbeddingModel.objects.create(name=SHIPPED_MODEL, dimensions=SHIPPED_DIMENSIONS, serves=True, embedded=30)
    forget_current_model()
    recompute_due(now=LATER)
    assert near.title in suggested(rita)


# --- What is left out -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_before", [True, False])
@pytest.mark.parametrize("what", ["seen", "tagged", "voted", "saved", "hidden", "withdrawn"])
def test_what_is_known_or_gone_is_not_suggested(rita: User, stream: list[Paper], what: str, is_before: bool) -> None:
    liked(rita)
    paper = stream[0]
    if not is_before:
        recompute_due(now=LATER)
        assert paper.title in suggested(rita)
    match what:
        case "seen":
            note_seen(user=rita, paper_ids=[paper.pk])
        case "tagged":
            add_tags(user=rita, paper_ids=[paper.pk], names=["x"])
        case "voted":
            set_vote(user=rita, paper_id=paper.pk, on=True)
        case "saved":
            set_state(user=rita, paper_ids=[paper.pk], state="read")
        case _:
            Paper.objects.filter(pk=paper.pk).update(**{f"{what}_at": NOW})
    if is_before:
        recompute_due(now=LATER)
    assert paper.title not in suggested(rita)
    assert len(suggested(rita)) == 3


def test_older_papers_and_the_sample_are_not_suggested(rita: User) -> None:
    written("A study of {}", "sleep bees rivers coins steel paint glass salt wool clay")
    written(FLOW, "old", age=31)
    written(FLOW, "sample", is_sample=True)
    (fresh,) = written(FLOW, "fresh", age=29)
    liked(rita)
    recompute_due(now=LATER)
    assert suggested(rita) == [fresh.title]


def test_muted_papers_stay_out(rita: User, stream: list[Paper]) -> None:
    liked(rita)
    mute(user=rita, text="robots")
    recompute_due(now=LATER)
    assert set(suggested(rita)) == titles(stream) - {"Flow matching for robots"}
    unmute(user=rita, key=rita.muted_queries.get().pk)
    recompute_due(now=LATER)
    assert set(suggested(rita)) == titles(stream)


# --- When it is worked out ------------------------------------------------------------------------------------------


def test_everything_a_reader_says_makes_the_list_stale(rita: User, stream: list[Paper]) -> None:
    paper = stream[0].pk
    add_tags(user=rita, paper_ids=[paper], names=["a", "b"])
    tag = Tag.objects.get(name="a")
    steps: list[Callable[[], object]] = [
        lambda: set_vote(user=rita, paper_id=paper, on=True),
        lambda: set_vote(user=rita, paper_id=paper, on=False),
        lambda: set_state(user=rita, paper_ids=[paper], state="to_read"),
        lambda: set_state(user=rita, paper_ids=[paper], state=""),
        lambda: remove_tags(user=rita, paper_ids=[paper], names=["b"]),
        lambda: add_tags(user=rita, paper_ids=[paper], names=["b"]),
        lambda: rename_tag(tag=tag, name="b"),
        lambda: delete_tag(tag=Tag.objects.get(name="b")),
        lambda: mute(user=rita, text="robots"),
        lambda: unmute(user=rita, key=rita.muted_queries.get().pk),
    ]
    for step in steps:
        Taste.objects.update(stale_at=None, computed_at=NOW)
        step()
        assert Taste.objects.get(user=rita).stale_at == NOW, step
        assert is_due(now=LATER)


def test_a_vote_that_changes_nothing_costs_no_work(rita: User, stream: list[Paper]) -> None:
    set_vote(user=rita, paper_id=stream[0].pk, on=True)
    Taste.objects.update(stale_at=None)
    set_vote(user=rita, paper_id=stream[0].pk, on=True)
    assert Taste.objects.get(user=rita).stale_at is None


def test_doing_it_again_changes_nothing(rita: User, stream: list[Paper]) -> None:
    liked(rita)
    recompute_due(now=LATER)
    before = list(Recommendation.objects.order_by("place").values("user", "tag", "paper", "place", "score", "shared"))
    Taste.objects.update(stale_at=NOW)
    recompute_due(now=LATER)
    after = list(Recommendation.objects.order_by("place").values("user", "tag", "paper", "place", "score", "shared"))
    assert before == after
    assert recompute_due(now=LATER).readers == 0


def test_what_a_reader_does_meanwhile_is_taken_up_later(
    rita: User, stream: list[Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    liked(rita)
    real = reader_signals.read_signals

    def read_and_vote(*args, **options):
        found = real(*args, **options)
        Taste.objects.filter(user=rita).update(stale_at=LATER)
        return found

    monkeypatch.setattr(recommender, "read_signals", read_and_vote)
    recompute_due(now=LATER)
    assert Taste.objects.get(user=rita).stale_at == LATER
    assert is_due(now=LATER + timedelta(minutes=1))


def test_new_papers_come_to_readers_who_do_nothing(rita: User, stream: list[Paper]) -> None:
    liked(rita)
    recompute_due(now=LATER)
    assert not is_due(now=LATER + timedelta(hours=1))
    late = LATER + timedelta(minutes=5)
    new = factories.paper(title=FLOW.format("tides"), listed_at=late)
    Paper.objects.filter(pk=new.pk).update(created_at=late)
    assert not is_due(now=LATER + timedelta(minutes=10))
    assert is_due(now=LATER + timedelta(minutes=40))
    recompute_due(now=LATER + timedelta(minutes=40))
    assert FLOW.format("tides") in suggested(rita)


def test_older_ones_fall_behind_with_the_days(rita: User, stream: list[Paper]) -> None:
    liked(rita)
    recompute_due(now=LATER)
    assert is_due(now=LATER + timedelta(days=1))


def test_another_worker_at_it_is_left_alone(rita: User, stream: list[Paper]) -> None:
    liked(rita)
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [recommender._LOCK])
        assert recompute_due(now=LATER).readers == 0
        cursor.execute("SELECT pg_advisory_unlock(%s)", [recommender._LOCK])
    other.close()
    assert recompute_due(now=LATER).readers == 1


def test_one_reader_s_trouble_is_nobody_else_s(
    rita: User, stream: list[Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = reader("olga")
    liked(rita)
    liked(other)
    real = recommender._rows

    def rows(user_id, *args):
        if user_id == rita.pk:
            raise ValueError
        return real(user_id, *args)

    monkeypatch.setattr(recommender, "_rows", rows)
    assert recompute_due(now=LATER).readers == 2
    assert suggested(other)
    assert not suggested(rita)


def test_who_and_what_is_deleted_meanwhile_is_left_out(
    rita: User, stream: list[Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    liked(rita)
    gone = reader("gone")
    liked(gone)
    real = recommender._store

    def store(*args, **options):
        Paper.objects.filter(pk=stream[0].pk).delete()
        gone.delete()
        return real(*args, **options)

    monkeypatch.setattr(recommender, "_store", store)
    recompute_due(now=LATER)
    assert set(suggested(rita)) == titles(stream[1:])


def test_closed_accounts_cost_nothing(rita: User, stream: list[Paper]) -> None:
    liked(rita)
    User.objects.update(is_active=False)
    assert not is_due(now=LATER)


def test_the_tick_hands_it_on(rita: User, stream: list[Paper]) -> None:
    assert not tick(now=LATER).suggestions
    liked(rita)
    assert tick(now=LATER).suggestions
    assert not tick(now=LATER).suggestions  # not again while that may wait in the queue


def test_many_readers_cost_no_more_queries_each(stream: list[Paper]) -> None:
    counts = []
    liked(factories.user())
    recompute_due(now=LATER)  # asks for the model in use, which is kept
    for number in (2, 8):
        for _ in range(number):
            liked(factories.user())
        with CaptureQueriesContext(connection) as captured:
            recompute_due(now=LATER)
        counts.append([query["sql"][:9] for query in captured])
    assert counts[0] == counts[1]


# --- Once, for a time ------------------------------------------------------------------------------------------------

DAY = timedelta(days=1)


def shown_at(now: datetime, to: User) -> list[str]:
    """What stands on the reader's list, who opens it then and does nothing."""
    rows = list(Recommendation.objects.open_to(to, now=now).select_related("paper"))
    note_shown(user=to, paper_ids=[row.paper_id for row in rows], now=now)
    return [row.paper.title for row in rows]


def test_over_weeks_a_suggestion_waits_then_stays_a_week_and_never_comes_back(rita: User, stream: list[Paper]) -> None:
    liked(rita)
    days: dict[int, set[str]] = {}
    for day in range(30):
        now = LATER + day * DAY
        recompute_due(now=now)
        if day >= 4:  # the reader was away at first
            days[day] = set(shown_at(now, rita))
        if day == 8:
            late = factories.paper(title=FLOW.format("tides"), listed_at=now)
    first = titles(stream)
    assert all(days[day] >= first for day in range(4, 11))
    assert not any(days[day] & first for day in range(11, 30))
    assert [day for day in days if late.title in days[day]] == list(range(9, 16))


def test_what_was_never_shown_goes_after_thirty_days(rita: User, stream: list[Paper]) -> None:
    liked(rita)
    for day in range(0, 29, 7):
        recompute_due(now=LATER + day * DAY)
        assert set(suggested(rita, now=LATER + day * DAY)) == titles(stream)
    recompute_due(now=LATER + 30 * DAY)
    assert suggested(rita, now=LATER + 30 * DAY) == []


def test_what_has_had_its_time_goes_at_once_and_from_every_list(rita: User, stream: list[Paper]) -> None:
    add_tags(user=rita, paper_ids=[paper.pk for paper in liked(rita)], names=["flows"])
    recompute_due(now=LATER)
    note_shown(user=rita, paper_ids=[stream[0].pk], now=LATER)
    note_shown(user=rita, paper_ids=[stream[0].pk], now=LATER + 3 * DAY)  # the first time counts
    for tag in (None, Tag.objects.get()):
        assert stream[0].title in suggested(rita, tag, now=LATER + 7 * DAY - timedelta(seconds=1))
        assert stream[0].title not in suggested(rita, tag, now=LATER + 7 * DAY)
    Taste.objects.update(stale_at=NOW)
    recompute_due(now=LATER + 7 * DAY)
    assert not Recommendation.objects.filter(paper=stream[0]).exists()  # its place is another's


def test_what_was_shown_makes_way_for_what_is_new(rita: User, stream: list[Paper]) -> None:
    liked(rita)
    recompute_due(now=LATER)
    note_shown(user=rita, paper_ids=[paper.pk for paper in stream[:2]], now=LATER)
    Taste.objects.update(stale_at=NOW)
    recompute_due(now=LATER + 6 * DAY)
    assert set(suggested(rita)[:2]) == titles(stream[2:])


def test_another_reader_s_looking_takes_nothing_away(rita: User, stream: list[Paper]) -> None:
    liked(rita)
    recompute_due(now=LATER)
    note_shown(user=reader("olga"), paper_ids=[paper.pk for paper in stream], now=LATER)
    assert set(suggested(rita, now=LATER + 8 * DAY)) == titles(stream)


def test_a_merged_paper_is_no_new_suggestion(rita: User, stream: list[Paper]) -> None:
    liked(rita)
    recompute_due(now=LATER)
    note_shown(user=rita, paper_ids=[stream[0].pk], now=LATER)
    move_belongings({stream[0].pk: stream[1].pk})
    recompute_due(now=LATER + 7 * DAY)
    assert set(suggested(rita, now=LATER + 7 * DAY)) == titles(stream[2:])


def test_what_was_shown_is_forgotten_when_it_can_say_nothing_more(rita: User, stream: list[Paper]) -> None:
    note_shown(user=rita, paper_ids=[stream[0].pk], now=NOW)
    assert prune(now=NOW + 59 * DAY) == 0
    assert prune(now=NOW + 61 * DAY) == 1
