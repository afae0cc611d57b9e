"""Papers come to their topics: once, in the transaction that says so, whatever is killed and whoever else writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from papers import tasks
from papers.locks import AdvisoryLock
from papers.models import EmbeddingModel, Paper, PaperVector, Topic, TopicBacklog, TopicMatch
from papers.services.embeddings.model_switch import invalidate_current_model
from papers.services.ingest.paper_merge import move_related_rows
from papers.services.ingest.paper_store import store_papers
from papers.services.ingest.releases import RELEASE_WINDOW, next_release
from papers.services.operations import scheduler
from papers.services.reading.votes import set_vote
from papers.services.topics import matcher as matching_module
from papers.services.topics.bitset_evaluator import BitsetEvaluator, ViewerQuery
from papers.services.topics.matcher import match_waiting
from papers.services.topics.pending_work import CatchUpResult, catch_up
from tests.support import factories
from tests.support.factories import NOW
from tests.support.locks import held_elsewhere


@pytest.fixture(autouse=True)
def _database(db: None) -> None:
    """All of these need it."""


def settled(name: str, query: str = "", **fields: Any) -> Topic:
    """A topic that waits for nothing."""
    return factories.topic(name, query=query, pending_since=None, **fields)


def titles(topic: Topic) -> set[str]:
    return set(TopicMatch.objects.filter(topic=topic).values_list("paper__title", flat=True))


def releases(topic: Topic) -> dict[str, int]:
    return dict(TopicMatch.objects.filter(topic=topic).values_list("paper__title", "release"))


# --- New and changed papers -----------------------------------------------------------------------------------------


def test_new_papers_come_to_their_topics() -> None:
    graphs, both = settled("graphs", "graph"), settled("both", "graph OR tree", categories=["cs.CL"])
    empty, stop = settled("empty"), settled("stop", "the of")
    factories.paper(title="A graph", categories=["math.CO"])
    factories.paper(title="A tree", categories=["cs.CL"])
    assert catch_up(now=NOW) == CatchUpResult(topics=0, papers=2, matches=2)
    assert (titles(graphs), titles(both)) == ({"A graph"}, {"A tree"})
    assert titles(empty) == titles(stop) == set()
    assert catch_up(now=NOW) == CatchUpResult()


def test_a_match_carries_the_release_and_what_its_page_is_sorted_by() -> None:
    topic = settled("graphs", "graph")
    paper = factories.paper(title="A graph", vote_count=3, listed_at=NOW - timedelta(days=2))
    before = next_release()
    catch_up(now=NOW)
    match = TopicMatch.objects.get(topic=topic)
    assert match.release > before
    assert (match.paper_id, match.matched_at) == (paper.pk, NOW)
    assert (match.listed_at, match.vote_count) == (paper.listed_at, 3)


def test_papers_that_ingest_stores_wait_and_unchanged_ones_do_not() -> None:
    record = factories.raw_paper(title="A graph")
    store_papers([record], now=NOW, kind="arxiv_oai")
    assert TopicBacklog.objects.count() == 1
    catch_up(now=NOW)
    store_papers([record], now=NOW, kind="arxiv_oai")
    assert not TopicBacklog.objects.exists()


def test_a_changed_paper_is_matched_anew() -> None:
    graphs, trees = settled("graphs", "graph"), settled("trees", "tree")
    paper = factories.paper(title="A graph")
    catch_up(now=NOW)
    first = releases(graphs)["A graph"]
    Paper.objects.filter(pk=paper.pk).update(title="A graph, a tree")
    assert catch_up(now=NOW).matches == 1
    assert releases(graphs) == {"A graph, a tree": first}  # what holds stays as it was
    assert releases(trees)["A graph, a tree"] > first
    Paper.objects.filter(pk=paper.pk).update(title="A tree")
    catch_up(now=NOW)
    assert (titles(graphs), titles(trees)) == (set(), {"A tree"})


def test_what_no_topic_asks_for_makes_nothing_wait() -> None:
    paper = factories.paper()
    catch_up(now=NOW)
    Paper.objects.filter(pk=paper.pk).update(trending_score=1.0, comment="seen", title=F("title"), changed_at=NOW)
    assert not TopicBacklog.objects.exists()


def test_votes_bring_a_paper_to_a_topic_and_up_its_page() -> None:
    popular, graphs = settled("popular", "votes:>=2"), settled("graphs", "graph")
    paper = factories.paper(title="A graph")
    catch_up(now=NOW)
    for _ in range(2):
        set_vote(user=factories.user(), paper_id=paper.pk, on=True)
    catch_up(now=NOW)
    assert titles(popular) == {"A graph"}
    assert [match.vote_count for match in TopicMatch.objects.most_voted(graphs)] == [2]


def test_papers_of_the_past_come_to_no_topic_and_keep_what_they_have() -> None:
    topic = settled("graphs", "graph")
    old = factories.paper(title="An old graph", listed_at=NOW - RELEASE_WINDOW - timedelta(days=1))
    known = factories.paper(title="A known graph", listed_at=NOW - RELEASE_WINDOW - timedelta(days=1))
    factories.topic_match(known, topic)
    catch_up(now=NOW)
    assert titles(topic) == {"A known graph"}
    Paper.objects.filter(pk__in=[old.pk, known.pk]).update(title="A known tree")
    catch_up(now=NOW)
    assert titles(topic) == set()


def test_the_same_query_is_answered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        settled(f"t{number}", ("graph tree", "graph  tree", "graph (tree)")[number % 3])
    factories.paper(title="A graph, a tree")
    asked: list[ViewerQuery] = []
    bits = BitsetEvaluator.bits

    def counted(self: BitsetEvaluator, of: ViewerQuery) -> int | None:
        asked.append(of)
        return bits(self, of)

    monkeypatch.setattr(BitsetEvaluator, "bits", counted)
    assert catch_up(now=NOW).matches == 5
    assert len(asked) == 1


def test_topics_may_name_topics() -> None:
    reader, other = factories.user(), factories.user()
    settled("narrow", "topic:wide tree")
    settled("wide", "graph OR topic:inner")
    settled("inner", "knot")
    settled("own", "tree", owner=reader)
    mine, theirs = settled("mine", "topic:own", owner=reader), settled("theirs", "topic:own", owner=other)
    circle = settled("circle", "tree -topic:circle")
    factories.paper(title="A graph, a tree")
    factories.paper(title="A knot in a tree")
    catch_up(now=NOW)
    everything = {"A graph, a tree", "A knot in a tree"}
    assert titles(Topic.objects.get(slug="narrow")) == everything
    assert (titles(mine), titles(theirs)) == (everything, set())
    assert titles(circle) == everything


def test_many_are_taken_a_batch_at_a_time_the_newest_first() -> None:
    topic = settled("graphs", "graph")
    for number in range(5):
        factories.paper(title=f"graph {number}")
    assert match_waiting(now=NOW, batch_size=2).papers == 2
    assert titles(topic) == {"graph 3", "graph 4"}
    assert catch_up(now=NOW).papers == 3


def test_the_number_of_queries_does_not_grow(django_assert_num_queries: Any) -> None:
    from django.test.utils import CaptureQueriesContext

    counts = []
    factories.paper()
    match_waiting(now=NOW)  # reads the group's choices, which are kept
    for number in (3, 30):
        for each in range(number):
            settled(f"t{number}-{each}", f'graph{each % 3} OR "red graph{each}" OR title:"red graph{each}"')
            factories.paper(title=f"red graph{each}")
        with CaptureQueriesContext(connection) as captured:
            match_waiting(now=NOW)
        counts.append(len(captured))
    assert counts[0] == counts[1]


# --- Others at the same time ----------------------------------------------------------------------------------------


@contextmanager
def elsewhere() -> Iterator[psycopg.Connection[Any]]:
    """Another process' connection to the same database."""
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as other:
        yield other


@pytest.mark.django_db(transaction=True)
def test_a_change_during_the_matching_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    topic = settled("graphs", "graph")
    changed, locked, kept = (factories.paper(title=f"graph {name}") for name in ("changed", "locked", "kept"))
    store = matching_module._store
    with elsewhere() as other, elsewhere() as another:

        def change_and_store(*args: Any, **more: Any) -> Any:
            other.execute("UPDATE papers_paper SET title = 'a tree' WHERE id = %s", [changed.pk])
            other.commit()
            another.execute("UPDATE papers_paper SET title = 'another tree' WHERE id = %s", [locked.pk])
            return store(*args, **more)

        monkeypatch.setattr(matching_module, "_store", change_and_store)
        assert match_waiting(now=NOW).papers == 1
        monkeypatch.undo()
        another.commit()
    assert titles(topic) == {"graph kept"}
    assert set(TopicBacklog.objects.values_list("paper_id", flat=True)) == {changed.pk, locked.pk}
    catch_up(now=NOW)
    assert titles(topic) == {"graph kept"}
    assert kept.pk


@pytest.mark.django_db(transaction=True)
def test_a_topic_that_changes_during_the_matching_is_left_to_its_own_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    topic, other_topic = settled("graphs", "graph"), settled("more graphs", "graph")
    factories.paper(title="a graph")
    store = matching_module._store
    with elsewhere() as other:

        def change_and_store(*args: Any, **more: Any) -> Any:
            other.execute(
                "UPDATE papers_topic SET query = 'tree', version = version + 1, pending_since = now() WHERE id = %s",
                [topic.pk],
            )
            other.commit()
            return store(*args, **more)

        monkeypatch.setattr(matching_module, "_store", change_and_store)
        match_waiting(now=NOW)
    assert (titles(topic), titles(other_topic)) == (set(), {"a graph"})


@pytest.mark.django_db(transaction=True)
def test_one_worker_matches_at_a_time_and_a_dead_one_leaves_all_to_the_next() -> None:
    topic = settled("graphs", "graph")
    factories.paper(title="a graph")
    with held_elsewhere(AdvisoryLock.TOPIC_MATCHING):
        assert catch_up(now=NOW) == CatchUpResult()
    with transaction.atomic():
        match_waiting(now=NOW)
        transaction.set_rollback(True)  # killed before the commit
    assert titles(topic) == set()
    assert catch_up(now=NOW) == CatchUpResult(papers=1, matches=1)


@pytest.mark.django_db(transaction=True)
def test_papers_and_topics_may_be_deleted_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    topic, going = settled("graphs", "graph"), settled("going", "graph")
    gone, kept = factories.paper(title="gone graph"), factories.paper(title="kept graph")
    store = matching_module._store
    with elsewhere() as other:

        def delete_and_store(*args: Any, **more: Any) -> Any:
            for table, column, pk in (
                ("papers_identifier", "paper_id", gone.pk),
                ("papers_papercategory", "paper_id", gone.pk),
                ("papers_topicbacklog", "paper_id", gone.pk),
                ("papers_paper", "id", gone.pk),
                ("papers_topic", "id", going.pk),
            ):
                other.execute(f"DELETE FROM {table} WHERE {column} = %s", [pk])
            other.execute("DELETE FROM papers_embeddingbacklog WHERE paper_id = %s", [gone.pk])
            other.commit()
            return store(*args, **more)

        monkeypatch.setattr(matching_module, "_store", delete_and_store)
        match_waiting(now=NOW)
    assert titles(topic) == {"kept graph"}
    assert kept.pk
    Topic.objects.all().delete()
    assert not TopicMatch.objects.exists()


@pytest.mark.parametrize("missing", ["topic", "paper"])
def test_no_match_names_what_is_not_there(missing: str) -> None:
    keys = {"topic_id": settled("graphs").pk, "paper_id": factories.paper().pk}
    other = factories.topic_match(factories.paper(), settled("trees"))
    with pytest.raises(IntegrityError, match=missing), transaction.atomic():
        TopicMatch.objects.create(**(keys | {f"{missing}_id": 10**9}), release=1)
    with pytest.raises(IntegrityError, match=missing), transaction.atomic():
        TopicMatch.objects.filter(pk=other.pk).update(**{missing: 10**9})


def test_what_is_deleted_by_whomever_takes_its_matches_along() -> None:
    topic, going = settled("graphs"), settled("going")
    kept, gone = factories.paper(), factories.paper(public_id="p-gone")
    for paper in (kept, gone):
        factories.topic_match(paper, topic)
        factories.topic_match(paper, going)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM papers_papercategory WHERE paper_id = %s", [gone.pk])
        cursor.execute("DELETE FROM papers_paper WHERE id = %s", [gone.pk])
        cursor.execute("DELETE FROM papers_topic WHERE id = %s", [going.pk])
    assert list(TopicMatch.objects.values_list("topic", "paper")) == [(topic.pk, kept.pk)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", ["papers_topic", "papers_paper"])
def test_what_a_match_being_stored_names_is_not_deleted_meanwhile(table: str) -> None:
    topic, paper = settled("graphs"), factories.paper()
    with elsewhere() as other:
        other.execute("SET lock_timeout = '50ms'")
        with transaction.atomic():
            factories.topic_match(paper, topic)
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute(f"DELETE FROM {table} WHERE id = ANY(%s)", [[topic.pk, paper.pk]])


def test_matches_go_along_when_papers_merge() -> None:
    one, two = settled("one", "graph"), settled("two", "tree")
    gone, kept = factories.paper(title="graph tree"), factories.paper(title="graph")
    catch_up(now=NOW)
    move_related_rows({gone.pk: kept.pk})
    assert titles(one) == titles(two) == {"graph"}


# --- New and changed topics -----------------------------------------------------------------------------------------


def test_a_new_topic_is_asked_of_the_last_thirty_days() -> None:
    for days in (0, 29, 31):
        factories.paper(title=f"graph {days}", listed_at=NOW - timedelta(days=days), created_at=NOW)
    Paper.objects.filter(title="graph 29").update(created_at=NOW - timedelta(days=29))
    catch_up(now=NOW)
    topic = factories.topic("graphs", query="graph")
    assert catch_up(now=NOW).topics == 1
    assert titles(topic) == {"graph 0", "graph 29"}
    topic.refresh_from_db()
    assert topic.pending_since is None
    # It was news when it came, so that a digest of today does not bring a month.
    assert TopicMatch.objects.get(paper__title="graph 29").matched_at == NOW - timedelta(days=29)
    assert TopicMatch.objects.get(paper__title="graph 0").matched_at == NOW


def test_a_changed_topic_keeps_what_holds_and_loses_the_rest() -> None:
    topic = settled("words", "graph OR tree")
    for title in ("a graph", "a tree", "a knot"):
        factories.paper(title=title)
    old_tree, old_knot = (
        factories.paper(title=title, listed_at=NOW - timedelta(days=90)) for title in ("old tree", "old knot")
    )
    catch_up(now=NOW)
    factories.topic_match(old_tree, topic)
    factories.topic_match(old_knot, topic)
    before = releases(topic)
    Topic.objects.filter(pk=topic.pk).update(query="tree OR knot -old", version=2, pending_since=NOW)
    catch_up(now=NOW)
    after = releases(topic)
    assert set(after) == {"a tree", "a knot", "old tree"}
    assert after["a tree"] == before["a tree"]
    assert after["a knot"] > max(before.values())
    assert before.keys() == {"a graph", "a tree", "old tree", "old knot"}


def test_topics_that_name_a_changed_one_are_asked_again() -> None:
    outer, inner = settled("outer", "topic:inner"), settled("inner", "tree")
    factories.paper(title="a graph")
    catch_up(now=NOW)
    Topic.objects.filter(pk=inner.pk).update(query="graph", version=2, pending_since=NOW)
    catch_up(now=NOW)
    assert titles(outer) == {"a graph"}


# --- Examples -------------------------------------------------------------------------------------------------------


def vector(of: Paper, *values: float) -> None:
    padded = [*values, *[0.0] * (384 - len(values))]
    PaperVector.objects.create(paper=of, model="letters", vector=padded)


def with_model(settings: Any) -> None:
    settings.EMBEDDINGS = True
    EmbeddingModel.objects.create(name="letters", dimensions=384, serves=True, vector_count=1)
    invalidate_current_model()


def test_examples_find_what_is_close_in_meaning(settings: Any) -> None:
    with_model(settings)
    example = factories.paper(title="example")
    vector(example, 1, 0)
    topic, narrow = settled("close", closeness=0.8), settled("narrow", "tree", closeness=0.8)
    for each in (topic, narrow):
        each.examples.add(example)
    near, far, none = (
        factories.paper(title="near graph"),
        factories.paper(title="far tree"),
        factories.paper(title="no vector"),
    )
    vector(near, 0.9, 0.1)
    vector(far, 0.1, 0.9)
    catch_up(now=NOW)
    assert titles(topic) == {"example", "near graph"}
    assert titles(narrow) == set()
    assert TopicMatch.objects.get(topic=topic, paper=near).score == pytest.approx(0.994, abs=0.001)
    vector(none, 1, 0.2)  # it comes later, and the paper with it once more
    catch_up(now=NOW)
    assert titles(topic) == {"example", "near graph", "no vector"}
    Topic.objects.filter(pk=topic.pk).update(closeness=0.99, version=2, pending_since=NOW)
    catch_up(now=NOW)
    assert titles(topic) == {"example", "near graph"}


def test_without_a_model_topics_with_examples_stay_as_they_are(settings: Any) -> None:
    settings.EMBEDDINGS = False
    topic, paper = settled("close"), factories.paper(title="a graph")
    topic.examples.add(factories.paper())
    factories.topic_match(paper, topic)
    catch_up(now=NOW)
    assert titles(topic) == {"a graph"}
    Topic.objects.filter(pk=topic.pk).update(pending_since=NOW)
    catch_up(now=NOW)
    assert titles(topic) == {"a graph"}


# --- The task -------------------------------------------------------------------------------------------------------


def test_the_tick_hands_on_what_waits() -> None:
    assert not scheduler.collect_due_work(now=NOW).topics
    topic = settled("graphs", "graph")
    factories.paper(title="a graph")
    assert scheduler.collect_due_work(now=NOW).topics
    Paper.objects.update(listed_at="2100-01-01T00:00Z")
    tasks.match_topics()
    assert titles(topic) == {"a graph"}
    assert not scheduler.collect_due_work(now=NOW).topics
    Topic.objects.update(pending_since=NOW)
    assert scheduler.collect_due_work(now=NOW).topics
