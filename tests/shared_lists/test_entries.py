"""What is on a shared list: added, moved, removed, restored; by two at once; merged and hidden papers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connections, transaction

from papers.models import Paper, SharedList, SharedListChange, SharedListPaper, User
from papers.services.shared_lists import entries
from papers.services.shared_lists.entries import (
    Move,
    add_papers,
    move_paper,
    remove_papers,
    restore_removed,
    write_note,
)
from papers.services.shared_lists.history import undo_changes
from papers.services.shared_lists.pasted import read_pasted
from papers.services.shared_lists.settings import ListDraft, ListError, create_list
from tests.support import factories
from tests.support.factories import NOW

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)


def a_list(owner: User | None = None, papers: int = 0) -> tuple[SharedList, User, list[Paper]]:
    owner = owner or factories.user()
    made = create_list(ListDraft("Tides"), owner=owner, now=NOW)
    rows = [factories.paper() for _ in range(papers)]
    add_papers(made, paper_ids=[paper.pk for paper in rows], by=owner, now=NOW)
    return made, owner, rows


def order_of(shared_list: SharedList) -> list[int]:
    return list(shared_list.entries.order_by("position", "pk").values_list("paper_id", flat=True))


class TestAdding:
    def test_at_the_end_each_once_in_the_given_order(self) -> None:
        tides, owner, (one, two, three) = a_list(papers=3)
        assert order_of(tides) == [one.pk, two.pk, three.pk]
        more = factories.paper()
        assert len(add_papers(tides, paper_ids=[more.pk, one.pk], by=owner, now=LATER)) == 1
        assert add_papers(tides, paper_ids=[more.pk], by=owner, now=LATER) == []
        assert order_of(tides) == [one.pk, two.pk, three.pk, more.pk]
        tides.refresh_from_db()
        assert tides.changed_at == LATER

    def test_hidden_papers_are_not_put(self) -> None:
        tides, owner, _ = a_list()
        hidden = factories.paper(hidden_at=NOW)
        assert add_papers(tides, paper_ids=[hidden.pk, 10**9], by=owner, now=NOW) == []

    def test_a_full_list_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(entries, "MAX_PAPERS", 2)
        tides, owner, (one, _) = a_list(papers=2)
        with pytest.raises(ListError, match="at most 2 papers"):
            add_papers(tides, paper_ids=[factories.paper().pk], by=owner, now=NOW)
        (change,) = remove_papers(tides, paper_ids=[one.pk], by=owner, now=NOW)
        add_papers(tides, paper_ids=[factories.paper().pk], by=owner, now=NOW)
        with pytest.raises(ListError, match="at most 2 papers"):
            restore_removed(SharedListChange.objects.get(pk=change), by=owner, now=NOW)

    def test_each_act_has_a_release_above_those_before(self) -> None:
        tides, owner, _ = a_list(papers=1)
        add_papers(tides, paper_ids=[factories.paper().pk], by=owner, now=LATER)
        first, second = tides.entries.order_by("position").values_list("release", flat=True)
        assert 0 < first < second

    def test_a_note_that_is_too_long(self) -> None:
        tides, owner, (one,) = a_list(papers=1)
        with pytest.raises(ListError, match="2,000 characters"):
            write_note(tides, paper_id=one.pk, note="x" * 2_001, by=owner, now=NOW)

    def test_a_note_says_by_whom_and_when(self) -> None:
        tides, owner, (one,) = a_list(papers=1)
        write_note(tides, paper_id=one.pk, note=" The first.\0 ", by=owner, now=LATER)
        row = tides.entries.get()
        assert (row.note, row.noted_by, row.noted_at) == ("The first.", owner, LATER)
        write_note(tides, paper_id=one.pk, note="", by=owner, now=LATER)
        row = tides.entries.get()
        assert (row.note, row.noted_by, row.noted_at) == ("", None, None)


class TestOrder:
    def test_one_place_up_and_down_and_to_the_ends(self) -> None:
        tides, _, (one, two, three, four) = a_list(papers=4)
        for move, moved, expected in (
            (Move.UP, three, [one, three, two, four]),
            (Move.DOWN, one, [three, one, two, four]),
            (Move.TOP, four, [four, three, one, two]),
            (Move.BOTTOM, three, [four, one, two, three]),
            (Move.UP, four, [four, one, two, three]),
            (Move.DOWN, three, [four, one, two, three]),
        ):
            move_paper(tides, paper_id=moved.pk, move=move, now=NOW)
            assert order_of(tides) == [paper.pk for paper in expected], move

    def test_moving_writes_one_row(self) -> None:
        tides, _, papers = a_list(papers=5)
        before = dict(tides.entries.values_list("paper_id", "position"))
        move_paper(tides, paper_id=papers[3].pk, move=Move.UP, now=NOW)
        after = dict(tides.entries.values_list("paper_id", "position"))
        assert [paper for paper in before if before[paper] != after[paper]] == [papers[3].pk]

    def test_any_number_of_moves_into_one_gap(self) -> None:
        tides, _, (one, two, three) = a_list(papers=3)
        for _ in range(30):  # each halves the room between two, until all are numbered anew
            move_paper(tides, paper_id=three.pk, move=Move.UP, now=NOW)
            move_paper(tides, paper_id=two.pk, move=Move.UP, now=NOW)
        assert order_of(tides) == [one.pk, two.pk, three.pk]
        assert len(set(tides.entries.values_list("position", flat=True))) == 3

    def test_hidden_papers_keep_their_places_and_are_stepped_over(self) -> None:
        tides, _, (one, two, three) = a_list(papers=3)
        Paper.objects.filter(pk=two.pk).update(hidden_at=NOW)
        move_paper(tides, paper_id=three.pk, move=Move.UP, now=NOW)
        assert [pk for pk in order_of(tides) if pk != two.pk] == [three.pk, one.pk]
        assert SharedListPaper.objects.visible_of(tides).count() == 2
        Paper.objects.filter(pk=two.pk).update(hidden_at=None)
        assert SharedListPaper.objects.visible_of(tides).count() == 3


class TestRemoving:
    def test_undone_with_place_note_and_release(self) -> None:
        tides, owner, (one, two, three) = a_list(papers=3)
        write_note(tides, paper_id=two.pk, note="Read this.", by=owner, now=NOW)
        before = tides.entries.values("position", "note", "noted_by", "added_at", "release").get(paper=two)
        keys = remove_papers(tides, paper_ids=[two.pk], by=owner, now=LATER)
        assert order_of(tides) == [one.pk, three.pk]
        other = factories.user()
        with pytest.raises(ListError, match="no longer change"):
            undo_changes(keys, by=other, now=LATER)
        undo_changes(keys, by=owner, now=LATER)
        undo_changes(keys, by=owner, now=LATER)
        assert order_of(tides) == [one.pk, two.pk, three.pk]
        after = tides.entries.values("position", "note", "noted_by", "added_at", "release").get(paper=two)
        assert after == before

    def test_an_addition_is_undone_too(self) -> None:
        tides, owner, _ = a_list()
        keys = add_papers(tides, paper_ids=[factories.paper().pk], by=owner, now=NOW)
        undo_changes(keys, by=owner, now=NOW)
        assert order_of(tides) == []

    def test_history_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(entries, "KEPT_CHANGES", 3)
        tides, owner, papers = a_list(papers=5)
        assert tides.changes.count() == 3
        keys = remove_papers(tides, paper_ids=[papers[0].pk], by=owner, now=NOW)
        assert tides.changes.order_by("-pk").values_list("pk", flat=True).first() == keys[0]
        with pytest.raises(ListError, match="no longer be undone"):
            undo_changes([keys[0] - 4], by=owner, now=NOW)


class TestPapersThatBecomeOne:
    def test_the_one_that_stays_takes_the_place(self) -> None:
        tides, _, (one, two, three) = a_list(papers=3)
        kept = factories.paper()
        merge(gone=two, kept=kept)
        assert order_of(tides) == [one.pk, kept.pk, three.pk]

    def test_both_were_there(self) -> None:
        tides, owner, (one, two, three) = a_list(papers=3)
        write_note(tides, paper_id=one.pk, note="First.", by=owner, now=NOW)
        write_note(tides, paper_id=three.pk, note="Third.", by=owner, now=LATER)
        merge(gone=three, kept=one)
        assert order_of(tides) == [one.pk, two.pk]
        row = tides.entries.get(paper=one)
        assert (row.note, row.noted_at) == ("First.\n\nThird.", LATER)

    def test_the_history_follows(self) -> None:
        tides, owner, (one,) = a_list(papers=1)
        kept = factories.paper()
        keys = remove_papers(tides, paper_ids=[one.pk], by=owner, now=NOW)
        merge(gone=one, kept=kept)
        undo_changes(keys, by=owner, now=NOW)
        assert order_of(tides) == [kept.pk]


def merge(*, gone: Paper, kept: Paper) -> None:
    from papers.services.ingest.paper_merge import move_related_rows

    with transaction.atomic():
        list(Paper.objects.select_for_update().filter(pk__in=[gone.pk, kept.pk]).order_by("pk"))
        move_related_rows({gone.pk: kept.pk})


class TestPasting:
    def test_ids_links_and_bibtex(self) -> None:
        one, two = factories.paper(public_id="2603.70001"), factories.paper(public_id="doi/10.1000/ice")
        hidden = factories.paper(public_id="2603.70002", hidden_at=NOW)
        found = read_pasted(
            "https://arxiv.org/abs/2603.70001v2\n10.1000/ice\n2603.70001\n2603.70009\n2603.70002\nhello"
        )
        assert found.paper_ids == (one.pk, two.pk)
        assert len(found.missing) == 2
        assert found.unread == 1
        assert hidden.public_id in " ".join(found.missing)
        assert read_pasted("@article{x, title={Ice}, doi={10.1000/ICE}}").paper_ids == (two.pk,)

    @pytest.mark.parametrize("text", ["", " \n ", "x" * 200_001, "\n".join(f"2603.{n:05}" for n in range(501))])
    def test_nothing_and_too_much_are_refused_in_words(self, text: str) -> None:
        with pytest.raises(ListError, match="Paste at"):
            read_pasted(text)


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_add_the_same_papers(self) -> None:
        tides, owner, _ = a_list()
        papers = [factories.paper().pk for _ in range(6)]
        together(
            lambda: add_papers(tides, paper_ids=papers, by=owner, now=NOW),
            lambda: add_papers(tides, paper_ids=papers[::-1], by=owner, now=NOW),
        )
        assert sorted(order_of(tides)) == sorted(papers)
        assert tides.changes.count() == 6

    def test_adding_moving_and_removing_lose_nothing(self) -> None:
        tides, owner, papers = a_list(papers=6)
        fresh = [factories.paper().pk for _ in range(4)]

        def add() -> None:
            for pk in fresh:
                add_papers(tides, paper_ids=[pk], by=owner, now=NOW)

        def move() -> None:
            for _ in range(8):
                move_paper(tides, paper_id=papers[5].pk, move=Move.UP, now=NOW)

        def remove() -> None:
            for paper in papers[1:3]:
                remove_papers(tides, paper_ids=[paper.pk], by=owner, now=NOW)

        together(add, move, remove)
        kept = [papers[0].pk, papers[3].pk, papers[4].pk, papers[5].pk]
        assert sorted(order_of(tides)) == sorted(kept + fresh)
        assert order_of(tides)[0] == papers[5].pk
        assert len(set(tides.entries.values_list("position", flat=True))) == 8

    def test_two_lists_at_the_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from papers.services.shared_lists import settings

        monkeypatch.setattr(settings, "MAX_LISTS", 1)
        owner = factories.user()
        failed: list[ListError] = []

        def make() -> None:
            try:
                create_list(ListDraft("Tides"), owner=owner, now=NOW)
            except ListError as error:
                failed.append(error)

        together(make, make)
        assert (SharedList.objects.count(), len(failed)) == (1, 1)


def together(*acts: object) -> None:
    """All at the same moment, each over a connection of its own; an error of one fails the test."""
    barrier = Barrier(len(acts))

    def run(act: object) -> None:
        try:
            barrier.wait()
            act()  # type: ignore[operator]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        for done in [pool.submit(run, act) for act in acts]:
            done.result()
