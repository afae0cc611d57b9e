"""Making a shared list, naming people on it, handing it over, and what becomes of it when its owner leaves."""

from __future__ import annotations

import json
import zipfile
from datetime import timedelta

import pytest

from papers.models import ListRole, ListVisibility, SharedList, SharedListMember, User
from papers.services.accounts.data_export import export_account
from papers.services.accounts.deletion import delete_account
from papers.services.accounts.people import restore_account, suspend_account
from papers.services.shared_lists import settings
from papers.services.shared_lists.entries import add_papers, write_note
from papers.services.shared_lists.rights import ListRights, rights_on
from papers.services.shared_lists.settings import (
    ListDraft,
    ListError,
    change_list,
    create_list,
    delete_list,
    hand_over,
    name_member,
    unname_member,
)
from tests.support import factories
from tests.support.factories import NOW
from tests.support.people import curator, staff

pytestmark = pytest.mark.django_db


def a_list(owner: User, visibility: str = "named", *, editors: list[User] | None = None) -> SharedList:
    made = create_list(ListDraft("Tides of the moon", visibility=visibility), owner=owner, now=NOW)
    for number, editor in enumerate(editors or []):
        name_member(made, person=editor, role="editor", now=NOW + timedelta(days=number))
    return made


def now_of(made: SharedList) -> SharedList:
    return SharedList.objects.select_related("owner").get(pk=made.pk)


class TestMaking:
    def test_its_address_is_its_name_and_stays(self) -> None:
        made = a_list(factories.user(), "members")
        assert made.slug == "tides-of-the-moon"
        change_list(made, ListDraft("Ebb", "Of *tides*.", "everybody"), now=NOW)
        assert (made.slug, now_of(made).name, now_of(made).visibility) == ("tides-of-the-moon", "Ebb", "everybody")

    def test_an_address_says_nothing_of_lists_that_few_see(self) -> None:
        owner = factories.user()
        hidden, again = a_list(owner), a_list(owner, "members")
        taken = a_list(owner, "members")
        assert hidden.slug.startswith("tides-of-the-moon-")
        assert again.slug == "tides-of-the-moon"
        assert len(taken.slug) == len(hidden.slug)
        assert create_list(ListDraft("日本"), owner=owner, now=NOW).slug == "list"
        assert create_list(ListDraft("New"), owner=owner, now=NOW).slug.startswith("new-")

    @pytest.mark.parametrize(
        ("draft", "said"),
        [
            (ListDraft(" \0 "), "Enter a name"),
            (ListDraft("x" * 121), "120 characters"),
            (ListDraft("x", "y" * 5_001), "5,000 characters"),
            (ListDraft("x", visibility="all"), "Choose who"),
        ],
    )
    def test_what_is_none_is_refused_in_words(self, draft: ListDraft, said: str) -> None:
        with pytest.raises(ListError, match=said):
            create_list(draft, owner=factories.user(), now=NOW)

    def test_limits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(settings, "MAX_LISTS", 1)
        monkeypatch.setattr(settings, "MAX_PEOPLE", 1)
        owner, one, two = (factories.user() for _ in range(3))
        made = a_list(owner, editors=[one])
        with pytest.raises(ListError, match="You have 1 lists"):
            a_list(owner)
        with pytest.raises(ListError, match="At most 1 people"):
            name_member(made, person=two, role="reader", now=NOW)
        a_list(one)
        with pytest.raises(ListError, match=f"{one.username} has 1 lists"):
            hand_over(made, to=one, now=NOW)

    def test_what_was_deleted_is_said_to_be(self) -> None:
        owner = factories.user()
        made = a_list(owner)
        delete_list(made)
        delete_list(made)
        with pytest.raises(ListError, match="was deleted"):
            add_papers(made, paper_ids=[factories.paper().pk], by=owner, now=NOW)


class TestPeople:
    def test_named_renamed_and_gone(self) -> None:
        owner, other = factories.user(), factories.user()
        made = a_list(owner)
        assert rights_on(made, other) == ListRights()
        name_member(made, person=other, role="reader", now=NOW)
        assert rights_on(made, other) == ListRights(reads=True, is_named=True)
        name_member(made, person=other, role="editor", now=NOW)
        assert rights_on(made, other) == ListRights(reads=True, edits=True, is_named=True)
        with pytest.raises(ListError, match="owns this list"):
            name_member(made, person=owner, role="reader", now=NOW)
        unname_member(made, person=other)
        assert rights_on(made, other) == ListRights()

    def test_handed_over(self) -> None:
        owner, other = factories.user(), factories.user()
        made = a_list(owner)
        with pytest.raises(ListError, match=r"Name .* as an editor first"):
            hand_over(made, to=other, now=NOW)
        name_member(made, person=other, role="reader", now=NOW)
        hand_over(made, to=other, now=NOW)
        assert rights_on(now_of(made), other).is_owner
        assert rights_on(now_of(made), owner) == ListRights(reads=True, edits=True, is_named=True)

    def test_the_filter_and_the_rule_agree(self) -> None:
        owner, editor, named, member = (factories.user() for _ in range(4))
        people = [owner, editor, named, member, curator(), staff()]
        lists = []
        for visibility in ListVisibility.values:
            for who in (owner, None):
                made = a_list(owner, visibility)
                SharedListMember.objects.create(shared_list=made, user=editor, role=ListRole.EDITOR, since=NOW)
                SharedListMember.objects.create(shared_list=made, user=named, role=ListRole.READER, since=NOW)
                SharedList.objects.filter(pk=made.pk).update(owner=who)
                lists.append(now_of(made))
        for person in people:
            seen = set(SharedList.objects.readable_by(person).values_list("pk", flat=True))
            assert seen == {one.pk for one in lists if rights_on(one, person).reads}, person.username


class TestAnOwnerWhoLeaves:
    def test_deleted_the_longest_editor_follows(self) -> None:
        owner, first, second = (factories.user() for _ in range(3))
        made = a_list(owner, editors=[first, second])
        paper = factories.paper()
        add_papers(made, paper_ids=[paper.pk], by=owner, now=NOW, note="Read this.")
        User.objects.filter(pk=first.pk).update(is_active=False)
        delete_account(owner)
        left = now_of(made)
        assert left.owner == second
        assert list(left.members.values_list("user", flat=True)) == [first.pk]
        entry = left.entries.get()
        assert (entry.note, entry.noted_by, entry.added_by) == ("Read this.", None, None)

    @pytest.mark.parametrize("visibility", ["members", "everybody"])
    def test_deleted_without_editors_curators_look_after_it(self, visibility: str) -> None:
        owner, carl = factories.user(), curator()
        made = a_list(owner, visibility)
        delete_account(owner)
        assert now_of(made).owner is None
        assert rights_on(now_of(made), carl).manages
        name_member(made, person=carl, role="editor", now=NOW)
        hand_over(now_of(made), to=carl, now=NOW)
        assert now_of(made).owner == carl

    def test_deleted_what_readers_are_named_on_stays_for_them(self) -> None:
        owner, named = factories.user(), factories.user()
        made = a_list(owner)
        name_member(made, person=named, role="reader", now=NOW)
        delete_account(owner)
        assert rights_on(now_of(made), named) == ListRights(reads=True, is_named=True)
        assert rights_on(now_of(made), curator()).manages
        assert not rights_on(now_of(made), factories.user()).reads

    def test_deleted_what_nobody_else_saw_goes_too(self) -> None:
        owner = factories.user()
        a_list(owner)
        delete_account(owner)
        assert not SharedList.objects.exists()

    def test_an_editor_who_leaves_loses_nothing_of_the_list(self) -> None:
        owner, editor = factories.user(), factories.user()
        made = a_list(owner, editors=[editor])
        add_papers(made, paper_ids=[factories.paper().pk], by=editor, now=NOW)
        delete_account(editor)
        assert now_of(made).entries.count() == 1
        assert not made.members.exists()

    def test_suspended_the_longest_editor_stands_in_until_the_owner_is_back(self) -> None:
        owner, first, second, boss = factories.user(), factories.user(), factories.user(), staff()
        made = a_list(owner, editors=[first, second])
        assert not rights_on(now_of(made), first).manages
        suspend_account(person=owner, by=boss, reason="", now=NOW)
        assert rights_on(now_of(made), first).manages
        assert not rights_on(now_of(made), second).manages
        restore_account(person=owner, by=boss)
        assert not rights_on(now_of(made), first).manages
        assert rights_on(now_of(made), owner).is_owner

    def test_suspended_without_editors_curators_help_where_members_see_it(self) -> None:
        owner, carl = factories.user(), curator()
        seen, hidden = a_list(owner, "members"), a_list(owner)
        suspend_account(person=owner, by=staff(), reason="", now=NOW)
        assert rights_on(now_of(seen), carl).manages
        assert not rights_on(now_of(hidden), carl).reads


def test_the_export_of_an_account_has_what_is_its_own() -> None:
    rita, other = factories.user(), factories.user()
    made = a_list(rita, editors=[other])
    theirs = a_list(other, "members", editors=[rita])
    one, two = factories.paper(), factories.paper()
    add_papers(made, paper_ids=[one.pk], by=rita, now=NOW, note="Mine.")
    add_papers(theirs, paper_ids=[two.pk], by=rita, now=NOW)
    write_note(theirs, paper_id=two.pk, note="Another’s words.", by=other, now=NOW)
    with export_account(rita) as file, zipfile.ZipFile(file) as archive:
        found = json.loads(archive.read("account.json"))
    assert [row["slug"] for row in found["own_lists"]] == [made.slug]
    assert [row["role"] for row in found["list_memberships"]] == ["editor"]
    rows = {row["paper__public_id"]: (row["shared_list__slug"], row["own_note"]) for row in found["shared_list_papers"]}
    assert rows == {one.public_id: (made.slug, "Mine."), two.public_id: (theirs.slug, "")}
    assert "Another’s words." not in json.dumps(found, ensure_ascii=False)
