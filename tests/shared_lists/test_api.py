"""Shared lists for programs: made once by an id, filled idempotently, paged."""

from __future__ import annotations

import uuid

import pytest

from papers.models import SharedList, User
from papers.services.shared_lists.entries import add_papers
from papers.services.shared_lists.settings import ListDraft, create_list, name_member
from tests.support import factories
from tests.support.api import ApiClient
from tests.support.factories import NOW
from tests.support.people import reader

pytestmark = pytest.mark.django_db


@pytest.fixture
def rita() -> User:
    return reader()


def a_list(owner: User, visibility: str = "members") -> SharedList:
    return create_list(ListDraft("Tides", visibility=visibility), owner=owner, now=NOW)


def test_the_same_id_makes_one_list(rita: User) -> None:
    api, wanted = ApiClient(rita), {"id": str(uuid.uuid4()), "name": "Tides", "visibility": "named"}
    first, again = api.post("/lists", wanted), api.post("/lists", wanted)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    made = SharedList.objects.get()
    assert (made.owner, made.visibility) == (rita, "named")
    api.delete(f"/lists/{made.slug}")
    assert api.post("/lists", wanted).status_code == 410


def test_papers_are_put_noted_moved_and_taken_off(rita: User) -> None:
    api, made = ApiClient(rita), a_list(rita)
    one, two = factories.paper(), factories.paper()
    for paper in (one, two, one):
        assert api.put(f"/lists/{made.slug}/papers/{paper.public_id}").status_code == 200
    noted = api.put(f"/lists/{made.slug}/papers/{two.public_id}", {"note": "Read *this*.", "place": "top"}).json()
    assert (noted["paper"]["id"], noted["note"], noted["noted_by"]) == (two.public_id, "Read *this*.", "rita")
    assert api.put(f"/lists/{made.slug}/papers/{two.public_id}").json()["note"] == "Read *this*."
    page = api.get(f"/lists/{made.slug}/papers?limit=1").json()
    assert [item["paper"]["id"] for item in page["items"]] == [two.public_id]
    page = api.get(f"/lists/{made.slug}/papers?limit=1&cursor={page['next']}").json()
    assert [item["paper"]["id"] for item in page["items"]] == [one.public_id]
    assert page["next"] is None
    assert api.delete(f"/lists/{made.slug}/papers/{one.public_id}").status_code == 204
    assert api.delete(f"/lists/{made.slug}/papers/{one.public_id}").status_code == 204
    assert made.changes.count() == 3
    assert api.put(f"/lists/{made.slug}/papers/{two.public_id}", {"note": "x" * 2_001}).status_code == 422


def test_lists_a_page_at_a_time_and_whose_they_are(rita: User) -> None:
    for _ in range(3):
        a_list(rita, "everybody")
    hidden, api, found, cursor = a_list(factories.user(), "named"), ApiClient(rita), [], ""
    while cursor is not None:
        page = api.get(f"/lists?limit=2&cursor={cursor}").json()
        found += page["items"]
        cursor = page["next"]
    assert len({one["slug"] for one in found}) == len(found) == 3
    assert hidden.slug not in str(found)
    assert all(one["may_edit"] and one["owner"] == "rita" for one in found)
    visitor = ApiClient().get("/lists").json()["items"]
    assert [(one["owner"], one["may_edit"]) for one in visitor] == [(None, False)] * 3


def test_a_token_that_may_not_read_sees_what_a_visitor_sees(rita: User) -> None:
    own, public = a_list(rita, "named"), a_list(rita, "everybody")
    api = ApiClient(rita, scopes=["write"])
    assert [one["slug"] for one in api.get("/lists").json()["items"]] == [public.slug]
    assert api.get(f"/lists/{own.slug}").status_code == 404
    assert api.get(f"/lists/{own.slug}/papers").status_code == 404


def test_people(rita: User) -> None:
    otto, made, api = factories.user("otto"), a_list(rita, "named"), ApiClient(rita)
    people = api.put(f"/lists/{made.slug}/people/Otto", {"role": "editor"}).json()["items"]
    assert people == [{"username": "rita", "role": "owner"}, {"username": "otto", "role": "editor"}]
    assert api.put(f"/lists/{made.slug}/people/nobody", {"role": "editor"}).status_code == 404
    people = api.put(f"/lists/{made.slug}/people/otto", {"role": "owner"}).json()["items"]
    assert people == [{"username": "otto", "role": "owner"}, {"username": "rita", "role": "editor"}]
    assert api.put(f"/lists/{made.slug}/people/otto", {"role": "reader"}).status_code == 404  # no longer rita's to say
    assert ApiClient(otto).put(f"/lists/{made.slug}/people/otto", {"role": "reader"}).status_code == 422
    assert api.delete(f"/lists/{made.slug}/people/rita").status_code == 204
    assert api.get(f"/lists/{made.slug}").status_code == 404


def test_hidden_names_of_a_public_list(rita: User) -> None:
    made, paper = a_list(rita, "everybody"), factories.paper()
    name_member(made, person=factories.user(), role="editor", now=NOW)
    add_papers(made, paper_ids=[paper.pk], by=rita, now=NOW, note="Why.")
    (entry,) = ApiClient().get(f"/lists/{made.slug}/papers").json()["items"]
    assert (entry["note"], entry["noted_by"], entry["added_by"]) == ("Why.", "rita", None)
