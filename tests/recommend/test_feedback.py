"""More like this, less like this: what they change, where they are seen, and how they are taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from papers.models import (
    SHIPPED_DIMENSIONS,
    SHIPPED_MODEL,
    EmbeddingModel,
    LibraryImport,
    LibraryImportRow,
    Paper,
    PaperVector,
    RecommendationFeedback,
    RecommendationState,
    SeenPaper,
    User,
    Vote,
)
from papers.services.accounts.data_export import export_account
from papers.services.embeddings.model_switch import invalidate_current_model
from papers.services.operations.cleanup import delete_expired_rows
from papers.services.reading.library import set_library_state
from papers.services.reading.tags import add_tags
from papers.services.recommend.feedback import (
    MAX_BY_MAIL_A_DAY,
    FeedbackError,
    forget_profile,
    save_profile,
    set_feedback,
    set_forgotten,
)
from papers.services.recommend.profile_page import read_known
from papers.services.recommend.recommender import recompute_due
from papers.services.recommend.staleness import has_stale_readers
from tests.support import factories
from tests.support.factories import NOW
from tests.support.people import client_of, reader
from tests.support.recommendation_data import FLOW, LATER, make_papers, suggested_titles, title_set, upvote_papers

pytestmark = pytest.mark.django_db

PAGE = "/account/recommendations"
ALL = {"votes": True, "saves": True, "imports": True, "tags": True, "follows": False}


def say(user: User, paper: Paper, kind: str, **more: bool) -> None:
    set_feedback(user=user, paper_id=paper.pk, kind=kind, now=NOW, **more)


def text_of(client: Client) -> str:
    return " ".join(client.get(PAGE).content.decode().split())


# --- What it does to the list -----------------------------------------------------------------------------------------


def test_more_like_one_paper_is_enough_to_begin(rita: User, stream: list[Paper]) -> None:
    say(rita, stream[0], "more")
    recompute_due(now=LATER)
    assert set(suggested_titles(rita)) == title_set(stream[1:])
    assert SeenPaper.objects.filter(user=rita, paper=stream[0]).exists()


def test_less_like_a_paper_lowers_those_near_it_and_no_others(rita: User) -> None:
    """Two clusters that the same words speak for; of one less is wanted."""
    make_papers("A study of {}", " ".join(f"thing{number}" for number in range(40)))
    wanted, unwanted = make_papers(FLOW, "a1 a2 a3"), make_papers(FLOW, "b1 b2 b3 b4")
    liked = upvote_papers(rita)
    for number, paper in enumerate(Paper.objects.order_by("pk")):
        vector = [0.0] * SHIPPED_DIMENSIONS
        if paper in unwanted:
            vector[0], vector[1] = 0.7, 0.7
        elif paper in wanted or paper in liked:
            vector[0] = 1.0
        else:
            vector[2 + number % 30] = 1.0
        PaperVector.objects.create(paper=paper, model=SHIPPED_MODEL, vector=vector)
    EmbeddingModel.objects.create(name=SHIPPED_MODEL, dimensions=SHIPPED_DIMENSIONS, serves=True, vector_count=50)
    invalidate_current_model()
    recompute_due(now=LATER)
    before = scores(rita)
    say(rita, unwanted[0], "less")
    recompute_due(now=LATER + timedelta(minutes=1))
    after = scores(rita)
    assert unwanted[0].pk in before
    assert unwanted[0].pk not in after
    for paper in unwanted[1:]:
        assert after.get(paper.pk, 0) < before[paper.pk] - 0.5
    for paper in wanted:
        assert after[paper.pk] == pytest.approx(before[paper.pk], abs=0.15)


def scores(user: User) -> dict[int, float]:
    return dict(user.recommendations.filter(tag=None).values_list("paper", "score"))


def test_without_vectors_words_say_less(rita: User) -> None:
    make_papers("A study of {}", "sleep bees rivers coins steel paint glass salt wool clay")
    wanted = make_papers(FLOW, "robots weather")
    unwanted = make_papers("Flow matching for protein folding of {}", "kinases enzymes")
    upvote_papers(rita)
    recompute_due(now=LATER)
    before = scores(rita)
    say(rita, unwanted[0], "less")
    recompute_due(now=LATER + timedelta(minutes=1))
    after = scores(rita)
    assert after.get(unwanted[1].pk, 0) < before[unwanted[1].pk] - 0.4
    assert [after[paper.pk] for paper in wanted] == pytest.approx([before[paper.pk] for paper in wanted], abs=0.15)


def test_less_outweighs_a_vote_and_more_outweighs_being_put_aside(rita: User, stream: list[Paper]) -> None:
    liked = upvote_papers(rita)
    say(rita, liked[0], "less")
    set_library_state(user=rita, paper_ids=[stream[0].pk], state="not_interested")
    say(rita, stream[0], "more")
    known = read_known(rita)
    assert {seed.paper.pk for seed in known.liked} == {liked[1].pk, liked[2].pk, stream[0].pk}
    assert [seed.paper.pk for seed in known.against] == [liked[0].pk]


# --- What counts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["votes", "saves", "tags"])
def test_what_does_not_count_is_not_learnt_from(rita: User, stream: list[Paper], what: str) -> None:
    papers = make_papers(FLOW, "molecules images audio", age=60)
    ids = [paper.pk for paper in papers]
    match what:
        case "votes":
            for pk in ids:
                Vote.objects.create(user=rita, paper_id=pk)
        case "saves":
            set_library_state(user=rita, paper_ids=ids, state="read")
        case _:
            add_tags(user=rita, paper_ids=ids, names=["flows"])
    save_profile(user=rita, counts=ALL)
    recompute_due(now=LATER)
    assert set(suggested_titles(rita)) == title_set(stream)
    save_profile(user=rita, counts=ALL | {what: False})
    recompute_due(now=LATER)
    assert suggested_titles(rita) == []
    assert read_known(rita).liked == []


def test_imported_papers_may_count_without_saved_ones(rita: User) -> None:
    imported, saved = factories.paper(title="Imported"), factories.paper(title="Saved")
    set_library_state(user=rita, paper_ids=[imported.pk, saved.pk], state="read")
    brought = LibraryImport.objects.create(user=rita, created_at=NOW)
    LibraryImportRow.objects.create(library_import=brought, position=1, line=1, paper=imported, state="done")
    assert {seed.why for seed in read_known(rita).liked} == {"you imported it", "you saved it"}
    for counts, titles in (({"saves": False}, ["Imported"]), ({"imports": False}, ["Saved"])):
        save_profile(user=rita, counts=ALL | counts)
        assert [seed.paper.title for seed in read_known(rita).liked] == titles


def test_of_many_tags_the_first_are_named(rita: User) -> None:
    paper = factories.paper()
    add_tags(user=rita, paper_ids=[paper.pk], names=["a", "b", "c", "d", "e"])
    (seed,) = read_known(rita).liked
    assert seed.why.count("tagged") == 3
    assert seed.why.endswith(", and 2 more tags")


def test_computing_is_due_at_once_where_it_was_asked_for(rita: User, stream: list[Paper]) -> None:
    upvote_papers(rita)
    assert not has_stale_readers(now=NOW)  # other acts may follow
    save_profile(user=rita, counts=ALL)
    assert has_stale_readers(now=NOW)


# --- Forgetting -------------------------------------------------------------------------------------------------------


def test_forgetting_begins_anew_and_keeps_the_library(rita: User, stream: list[Paper]) -> None:
    liked = upvote_papers(rita)
    say(rita, stream[0], "more")
    recompute_due(now=LATER)
    forget_profile(user=rita, now=LATER)
    assert suggested_titles(rita) == []
    assert read_known(rita).is_empty
    recompute_due(now=LATER + timedelta(minutes=1))
    assert (suggested_titles(rita), Vote.objects.filter(user=rita).count()) == ([], len(liked))
    set_forgotten(user=rita, at=None)
    recompute_due(now=LATER + timedelta(minutes=2))
    assert set(suggested_titles(rita)) == title_set(stream[1:])


def test_what_was_said_is_deleted_a_day_after_it_was_forgotten(rita: User, stream: list[Paper]) -> None:
    say(rita, stream[0], "more")
    forget_profile(user=rita, now=LATER)
    set_feedback(user=rita, paper_id=stream[1].pk, kind="less", now=LATER + timedelta(hours=1))
    delete_expired_rows(now=LATER + timedelta(hours=23))
    assert RecommendationFeedback.objects.count() == 2
    delete_expired_rows(now=LATER + timedelta(hours=25))
    assert RecommendationFeedback.objects.get().paper == stream[1]


# --- The page ---------------------------------------------------------------------------------------------------------


def test_the_page_shows_each_paper_with_why_and_lets_it_be_left_out(rita: User, stream: list[Paper]) -> None:
    liked = upvote_papers(rita)
    say(rita, stream[0], "more")
    say(rita, stream[1], "less")
    client = client_of(rita)
    page = text_of(client)
    for words in (
        "that count for (4)",
        "that count against (1)",
        "you voted for it",
        "more like this",
        "less like this",
    ):
        assert words in page
    answer = client.post(f"{PAGE}/papers/{liked[0].pk}", {"kind": "ignored"}, follow=True)
    assert "It does not count any more." in answer.content.decode()
    page = text_of(client)
    assert "Papers that count for (3)" in page
    assert "Papers you left out (1)" in page
    assert Vote.objects.filter(user=rita, paper=liked[0]).exists()
    client.post(f"{PAGE}/papers/{liked[0].pk}", {"kind": ""})
    assert "Papers that count for (4)" in text_of(client)
    client.post(f"{PAGE}/papers/{stream[1].pk}", {"kind": ""})
    assert "Papers that count against" not in text_of(client)
    assert client.post(f"{PAGE}/papers/{stream[1].pk}", {"kind": "all"}).status_code == 400


def test_what_was_said_and_forgotten_is_undone_by_the_line_it_is_answered_with(rita: User, stream: list[Paper]) -> None:
    client = client_of(rita)
    page = client.post(f"{stream[0].get_absolute_url()}/feedback", {"kind": "less"}, follow=True)
    assert "For you will bring less like this." in page.content.decode()
    client.post("/undo", {"word": undo_word(page.content.decode())})
    assert not RecommendationFeedback.objects.exists()
    assert not SeenPaper.objects.exists()
    say(rita, stream[0], "more")
    page = client.post(f"{PAGE}/forget", follow=True)
    assert "For you knows nothing of you" in page.content.decode()
    client.post("/undo", {"word": undo_word(page.content.decode())})
    assert "Papers that count for (1)" in text_of(client)


def undo_word(page: str) -> str:
    return page.split('name="word" value="', 1)[1].split('"', 1)[0]


def test_the_check_boxes_say_what_counts(rita: User) -> None:
    client = client_of(rita)
    client.post(PAGE, {"votes": "on", "follows": "on"})
    profile = rita.recommendation_profile
    assert [profile.votes, profile.saves, profile.imports, profile.tags, profile.follows] == [
        True,
        False,
        False,
        False,
        True,
    ]


# --- Bounds, and whose it is ------------------------------------------------------------------------------------------


def test_a_forwarded_mail_says_so_much_a_day_and_no_more(rita: User) -> None:
    papers = [factories.paper() for _ in range(MAX_BY_MAIL_A_DAY + 1)]
    for paper in papers[:-1]:
        say(rita, paper, "less", by_mail=True)
    with pytest.raises(FeedbackError):
        say(rita, papers[-1], "less", by_mail=True)
    say(rita, papers[-1], "less")
    assert RecommendationFeedback.objects.filter(user=rita).count() == MAX_BY_MAIL_A_DAY + 1


def test_the_oldest_word_makes_room_for_a_new_one(rita: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("papers.services.recommend.feedback.MAX_FEEDBACK", 3)
    papers = [factories.paper() for _ in range(5)]
    for number, paper in enumerate(papers):
        set_feedback(user=rita, paper_id=paper.pk, kind="more", now=NOW + timedelta(minutes=number))
    kept = RecommendationFeedback.objects.filter(user=rita).values_list("paper", flat=True)
    assert sorted(kept) == [paper.pk for paper in papers[2:]]


def test_what_was_said_is_in_the_export_and_goes_with_the_account(rita: User, stream: list[Paper]) -> None:
    other = reader("olga")
    say(rita, stream[0], "more")
    say(other, stream[0], "less")
    save_profile(user=rita, counts=ALL)
    with export_account(rita) as file:
        said = file.read()
    assert b"account.json" in said
    from papers.services.accounts.data_export import _account  # the parts, which the zip has compressed

    parts = _account(rita)
    assert [row["kind"] for row in parts["recommendation_feedback"]] == ["more"]
    assert parts["recommendation_profile"][0]["votes"] is True
    rita.delete()
    assert RecommendationFeedback.objects.get().user == other
    assert not RecommendationState.objects.filter(user=rita.pk).exists()
