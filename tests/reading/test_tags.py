"""Tags: put on many papers, renamed, merged, shared; nothing lost when many press at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections
from hypothesis import given
from hypothesis import strategies as st

from papers.models import Paper, Tag, TaggedPaper, User
from papers.services.reading.tags import (
    TagError,
    add_tags,
    delete_tag,
    parse_tag_names,
    remove_tags,
    rename_tag,
    set_tags,
    share_tag,
    tag_names_of_paper,
)
from tests.support import factories
from tests.support.factories import NOW
from tests.support.pages import page_text, titles_on
from tests.support.people import anonymous_client, client_of, reader


class TestNames:
    def test_separated_by_commas_each_once(self) -> None:
        assert parse_tag_names(" deep  learning, #rl; Deep Learning\n,, x ") == ["Deep Learning", "rl", "x"]

    @pytest.mark.parametrize("text", ["a/b", "a\\b", "..", ".", "x" * 61])
    def test_what_is_none_is_refused_in_words(self, text: str) -> None:
        with pytest.raises(TagError, match="tag"):
            parse_tag_names(text)

    @given(st.text(max_size=80))
    def test_any_text_gives_names_or_an_error(self, text: str) -> None:
        try:
            names = parse_tag_names(text)
        except TagError:
            return
        assert all(0 < len(name) <= 60 and "," not in name and name == name.strip() for name in names)


@pytest.mark.django_db
class TestTheService:
    def test_many_tags_on_many_papers(self) -> None:
        user, papers = factories.user(), [factories.paper() for _ in range(3)]
        keys = [paper.pk for paper in papers]
        assert add_tags(user=user, paper_ids=keys, names=["x", "y"]) == 6
        assert add_tags(user=user, paper_ids=keys, names=["X", "y"]) == 0
        assert remove_tags(user=user, paper_ids=keys[:2], names=["Y"]) == 2
        assert tag_names_of_paper(user=user, paper_id=keys[0]) == ["x"]
        assert tag_names_of_paper(user=user, paper_id=keys[2]) == ["x", "y"]

    def test_hidden_papers_get_none(self) -> None:
        assert add_tags(user=factories.user(), paper_ids=[factories.paper(hidden_at=NOW).pk, 0], names=["x"]) == 0

    def test_exactly_these_are_left(self) -> None:
        user, paper = factories.user(), factories.paper()
        set_tags(user=user, paper_id=paper.pk, names=["a", "b"])
        set_tags(user=user, paper_id=paper.pk, names=["B", "c"])
        assert tag_names_of_paper(user=user, paper_id=paper.pk) == ["b", "c"]
        set_tags(user=user, paper_id=paper.pk, names=[])
        assert tag_names_of_paper(user=user, paper_id=paper.pk) == []

    def test_letters_whose_lower_case_is_longer_are_no_trouble(self) -> None:
        user, paper = factories.user(), factories.paper()
        set_tags(user=user, paper_id=paper.pk, names=["İstanbul", "STRAẞE"])
        set_tags(user=user, paper_id=paper.pk, names=["İstanbul"])
        assert tag_names_of_paper(user=user, paper_id=paper.pk) == ["İstanbul"]

    def test_with_the_name_of_another_two_become_one(self) -> None:
        user, one, other = factories.user(), factories.paper(), factories.paper()
        add_tags(user=user, paper_ids=[one.pk, other.pk], names=["a"])
        add_tags(user=user, paper_ids=[one.pk], names=["b"])
        kept = rename_tag(tag=Tag.objects.get(name="b"), name=" A ")
        assert kept.name == "a"
        assert Tag.objects.count() == 1
        assert TaggedPaper.objects.count() == 2

    def test_another_spelling_of_its_own_name(self) -> None:
        tag = Tag.objects.create(user=factories.user(), name="nlp")
        assert rename_tag(tag=tag, name="NLP").pk == tag.pk
        assert Tag.objects.get().name == "NLP"

    def test_the_tags_of_others_are_left_alone(self) -> None:
        user, other, paper = factories.user(), factories.user(), factories.paper()
        for one in (user, other):
            add_tags(user=one, paper_ids=[paper.pk], names=["x"])
        set_tags(user=user, paper_id=paper.pk, names=[])
        remove_tags(user=user, paper_ids=[paper.pk], names=["x"])
        assert tag_names_of_paper(user=other, paper_id=paper.pk) == ["x"]

    def test_a_deleted_tag_leaves_the_papers(self) -> None:
        user, paper = factories.user(), factories.paper()
        add_tags(user=user, paper_ids=[paper.pk], names=["x"])
        delete_tag(tag=Tag.objects.get())
        assert Paper.objects.filter(pk=paper.pk).exists()
        assert not TaggedPaper.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_one_new_tag_from_many_windows_is_one() -> None:
    user, papers = factories.user(), [factories.paper() for _ in range(50)]
    together = Barrier(8)

    def press(number: int) -> None:
        try:
            if number < 8:
                together.wait(timeout=30)
            add_tags(user=user, paper_ids=[papers[number].pk], names=["new"])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(press, range(50)))
    assert Tag.objects.count() == 1
    assert TaggedPaper.objects.count() == 50


@pytest.mark.django_db
class TestPages:
    @pytest.fixture
    def rita(self) -> User:
        return reader()

    @pytest.fixture
    def tag(self, rita: User) -> Tag:
        add_tags(user=rita, paper_ids=[factories.paper(title="Tagged").pk], names=["deep learning"])
        return Tag.objects.get()

    def test_a_tag_is_its_owner_s_until_it_is_shared(self, rita: User, tag: Tag) -> None:
        path, other = "/tags/rita/deep%20learning", client_of(factories.user())
        assert titles_on(path, client_of(rita)) == ["Tagged"]
        assert other.get(path).status_code == anonymous_client().get(path).status_code == 404
        share_tag(tag=tag, on=True)
        assert titles_on(path, other) == titles_on(path) == titles_on("/tags/RITA/Deep Learning") == ["Tagged"]
        assert "deep learning" in page_text("/tags")
        share_tag(tag=tag, on=False)
        assert other.get(path).status_code == 404
        assert "deep learning" not in page_text("/tags")

    def test_its_owner_renames_shares_and_deletes_it(self, rita: User, tag: Tag) -> None:
        client = client_of(rita)
        response = client.post("/tags/rita/deep learning/change", {"name": "DL", "is_shared": "on"})
        assert response.headers["Location"] == "/tags/rita/DL"
        tag.refresh_from_db()
        assert (tag.name, tag.shared_at is not None) == ("DL", True)
        client.post("/tags/rita/DL/delete")
        assert not Tag.objects.exists()

    @pytest.mark.parametrize("name", ["", "a/b", "x" * 300])
    def test_a_name_that_is_none_changes_nothing(self, rita: User, tag: Tag, name: str) -> None:
        response = client_of(rita).post("/tags/rita/deep learning/change", {"name": name}, follow=True)
        assert "error" in response.content.decode()
        tag.refresh_from_db()
        assert tag.name == "deep learning"

    @pytest.mark.parametrize("act", ["change", "delete"])
    def test_nobody_else_changes_it_and_looking_never_does(self, tag: Tag, rita: User, act: str) -> None:
        share_tag(tag=tag, on=True)
        path = f"/tags/rita/deep learning/{act}"
        assert client_of(factories.user()).post(path, {"name": "x"}).status_code == 404
        assert client_of(rita).get(path).status_code == 405
        assert Tag.objects.get().name == "deep learning"
