"""What a program does for a reader: as a press on a page, once or twice the same, by whoever may, within the limits."""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

import pytest
from django.db import connection, transaction

from papers.models import (
    ClientKey,
    Comment,
    CommentReport,
    CurationEvent,
    Edition,
    Follow,
    FormerAddress,
    LibraryItem,
    Listing,
    MutedQuery,
    Paper,
    SeenPaper,
    Submission,
    Tag,
    Topic,
    User,
    Vote,
)
from papers.services.accounts.client_keys import MadeRow, make_once
from papers.services.reading.comments import add_comment
from papers.web import ratelimit
from papers.web.ratelimit import RateLimit
from tests.support import factories
from tests.support.api import ApiClient
from tests.support.people import curator, reader

pytestmark = pytest.mark.django_db

HERE = "/papers/2603.99001"


@pytest.fixture
def paper() -> Paper:
    found = factories.paper(public_id="2603.99001", organization="CERN")
    factories.listing(found)
    return found


@pytest.fixture
def rita() -> User:
    return reader()


@pytest.fixture
def api(rita: User) -> ApiClient:
    return ApiClient(rita)


def twice(act: Any) -> Any:
    """The answer to an act that is done twice, which is the same."""
    first, second = act(), act()
    assert first.status_code == second.status_code, second.content
    assert first.content == second.content
    return first


def test_votes(api: ApiClient, paper: Paper, rita: User) -> None:
    assert twice(lambda: api.put(f"{HERE}/vote")).json() == {"voted": True, "votes": 1}
    assert api.put(f"{HERE}/vote", {"unnamed": True}).json()["votes"] == 1
    assert Vote.objects.get(user=rita).is_unnamed
    assert [item["id"] for item in api.get("/votes").json()["items"]] == ["2603.99001"]
    assert twice(lambda: api.delete(f"{HERE}/vote")).json() == {"voted": False, "votes": 0}
    assert api.get("/votes").json()["items"] == []


def test_library_and_notes(api: ApiClient, paper: Paper, rita: User) -> None:
    assert twice(lambda: api.put(f"{HERE}/library", {"state": "reading"})).json() == {"state": "reading", "note": ""}
    assert api.put(f"{HERE}/note", {"note": "See\0 3."}).json() == {"state": "reading", "note": "See 3."}
    assert api.get(f"{HERE}/library").json()["note"] == "See 3."
    assert [item["mine"]["library"] for item in api.get("/library?state=reading").json()["items"]] == ["reading"]
    assert api.get("/library?state=read").json()["items"] == []
    assert api.get("/library?q=nothing-of-it").json()["items"] == []
    assert twice(lambda: api.delete(f"{HERE}/note")).json() == {"state": "reading", "note": ""}
    assert twice(lambda: api.delete(f"{HERE}/library")).json() == {"state": None, "note": ""}
    assert not LibraryItem.objects.filter(user=rita).exists()
    assert api.put(f"{HERE}/library", {"state": "burnt"}).status_code == 422
    assert api.put(f"{HERE}/note", {"note": "x" * 20_001}).status_code == 422


def test_seen_and_done(api: ApiClient, paper: Paper, rita: User) -> None:
    assert twice(lambda: api.put(f"{HERE}/seen")).json() == {"seen": True}
    assert twice(lambda: api.delete(f"{HERE}/seen")).json() == {"seen": False}
    assert api.put("/editions/2026-03-04/done").json() == {"changed": 1}
    assert api.put("/editions/2026-03-04/done").json() == {"changed": 0}
    assert SeenPaper.objects.filter(user=rita).exists()
    assert api.delete("/editions/2026-03-04/done").json() == {"changed": 1}


def test_tags(api: ApiClient, paper: Paper, rita: User) -> None:
    assert twice(lambda: api.put(f"{HERE}/tags/tides")).json() == {"tags": ["tides"]}
    assert twice(lambda: api.put("/tags/tides", {"shared": True})).json()["shared"]
    other = ApiClient(reader("otto"))
    assert [item["id"] for item in other.get("/tags/rita/tides/papers").json()["items"]] == ["2603.99001"]
    assert api.put("/tags/tides", {"shared": False, "name": "seas"}).json()["name"] == "seas"
    assert other.get("/tags/rita/seas/papers").status_code == 404
    assert api.get("/tags").json()["items"] == [
        {"owner": "rita", "name": "seas", "is_own": True, "shared": False, "papers": 1}
    ]
    assert other.delete("/tags/seas").status_code == 404
    assert twice(lambda: api.delete(f"{HERE}/tags/seas")).json() == {"tags": []}
    assert api.delete("/tags/seas").status_code == 204
    assert api.delete("/tags/seas").status_code == 404
    assert api.put("/tags/%23").status_code == 422
    assert not Tag.objects.filter(user=rita).exists()


def test_comments(api: ApiClient, paper: Paper) -> None:
    key = str(uuid.uuid4())
    wanted = {"id": key, "body": " First. "}
    made, again = api.post(f"{HERE}/comments", wanted), api.post(f"{HERE}/comments", wanted)
    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json() == again.json()
    first = made.json()
    assert (first["body"], first["author"], first["paper"]) == ("First.", "rita", "2603.99001")
    otto = ApiClient(reader("otto"))
    answer = otto.post(f"{HERE}/comments", {"id": key, "body": "Second.", "answers": first["id"]})
    assert answer.status_code == 201  # ids are each reader's own
    listed = ApiClient().get(f"{HERE}/comments").json()["items"]
    assert [(one["body"], one["answers"]) for one in listed] == [("First.", None), ("Second.", first["id"])]
    here = f"/comments/{first['id']}"
    assert otto.put(here, {"body": "Mine."}).status_code == 404
    assert otto.delete(here).status_code == 404
    assert api.put(here, {"body": "Changed."}).json()["edited_at"]
    assert otto.put(f"{here}/report", {"reason": "Rude."}).status_code == 204
    assert CommentReport.objects.count() == 1
    assert api.delete(here).status_code == 204
    assert ApiClient().get(here).status_code == 404
    assert api.post(f"{HERE}/comments", wanted).json()["deleted"]
    for nothing in (" \0 ", "\u200b\u200b", "\u3164"):
        assert api.post(f"{HERE}/comments", {"id": str(uuid.uuid4()), "body": nothing}).status_code == 422
    assert api.post(f"{HERE}/comments", {"body": "No id."}).status_code == 422
    assert Comment.objects.count() == 2


def test_the_id_of_a_comment_is_for_one_paper(api: ApiClient, paper: Paper) -> None:
    factories.paper(public_id="2603.99003")
    wanted = {"id": str(uuid.uuid4()), "body": "See figure 3."}
    assert api.post(f"{HERE}/comments", wanted).status_code == 201
    taken = api.post("/papers/2603.99003/comments", wanted)
    assert (taken.status_code, taken.json()["detail"]) == (409, "This id was given to a comment on another paper.")
    assert Comment.objects.count() == 1


def test_an_address_of_before_is_written_to_as_it_is_read(api: ApiClient, paper: Paper, rita: User) -> None:
    FormerAddress.objects.create(public_id="p-abcdefghij", paper=paper)
    for named in ("p-abcdefghij", "2603.99001v2"):
        before = f"/papers/{named}"
        assert api.put(f"{before}/vote").json() == {"voted": True, "votes": 1}
        assert api.put(f"{before}/library", {"state": "read"}).status_code == 200
        assert api.put(f"{before}/tags/tides").status_code == 200
        assert api.get(f"{before}/library").json()["state"] == "read"
        written = api.post(f"{before}/comments", {"id": str(uuid.uuid4()), "body": "Well said."})
        assert (written.status_code, written.json()["paper"]) == (201, "2603.99001")
        assert api.delete(f"{before}/vote").json() == {"voted": False, "votes": 0}


def test_an_id_is_for_one_thing(api: ApiClient, paper: Paper) -> None:
    key = str(uuid.uuid4())
    assert api.post(f"{HERE}/comments", {"id": key, "body": "First."}).status_code == 201
    assert api.post("/submissions", {"id": key, "reference": "10.1000/ice"}).status_code == 409
    assert ClientKey.objects.count() == 1


def test_what_failed_may_be_sent_again(api: ApiClient, paper: Paper) -> None:
    key = str(uuid.uuid4())
    assert api.post("/submissions", {"id": key, "reference": "nothing of a paper"}).status_code == 422
    assert api.post("/submissions", {"id": key, "reference": "10.1000/ice"}).status_code == 201


def test_submissions(api: ApiClient, paper: Paper, rita: User) -> None:
    wanted = {"id": str(uuid.uuid4()), "reference": "10.1000/ice", "save": True, "tags": ["tides"]}
    made, again = api.post("/submissions", wanted), api.post("/submissions", wanted)
    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json() == again.json()
    assert made.json()["state"] == "fetching"
    row = Submission.objects.get(user=rita)
    assert (row.saves_to_library, row.tags) == (True, ["tides"])
    here = f"/submissions/{row.pk}"
    assert api.get(here).json() == made.json()
    assert [one["id"] for one in api.get("/submissions").json()["items"]] == [row.pk]
    assert ApiClient(reader("otto")).get(here).status_code == 404
    assert api.put(f"{here}/retry").json()["state"] == "fetching"
    there = {"id": str(uuid.uuid4()), "reference": "2603.99001"}
    for _ in range(2):
        known = api.post("/submissions", there)
        assert (known.status_code, known.json()["state"], known.json()["paper"]) == (200, "here", "2603.99001")


def test_follows(api: ApiClient, paper: Paper, rita: User) -> None:
    assert twice(lambda: api.put("/follows/authors/ada-lovelace")).json()["name"] == "Ada Lovelace"
    assert twice(lambda: api.put("/follows/organizations/cern")).json()["name"] == "CERN"
    assert {one["slug"] for one in api.get("/follows").json()["items"]} == {"ada-lovelace", "cern"}
    assert [one["id"] for one in api.get("/follows/papers").json()["items"]] == ["2603.99001"]
    twice(lambda: api.delete("/follows/authors/ada-lovelace"))
    twice(lambda: api.delete("/follows/organizations/cern"))
    assert not Follow.objects.filter(user=rita).exists()
    assert api.put("/follows/authors/nobody").status_code == 404


def test_mutes(api: ApiClient, rita: User) -> None:
    [mute] = twice(lambda: api.put("/mutes", {"query": "ice"})).json()["items"]
    assert api.get("/mutes").json()["items"] == [mute]
    twice(lambda: api.delete(f"/mutes/{mute['id']}"))
    assert not MutedQuery.objects.filter(user=rita).exists()
    assert api.put("/mutes", {"query": "  "}).status_code == 422


def test_saved_searches(api: ApiClient, paper: Paper, rita: User) -> None:
    wanted = {"id": str(uuid.uuid4()), "name": "Tides", "query": "tide", "categories": ["cs.*"]}
    made, again = api.post("/topics", wanted), api.post("/topics", wanted)
    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json() == again.json()
    here = f"/topics/{made.json()['slug']}"
    changed = twice(lambda: api.put(here, {"name": "Seas", "query": "sea"})).json()
    assert (changed["name"], changed["query"], changed["categories"]) == ("Seas", "sea", [])
    assert ApiClient(reader("otto")).delete(here).status_code == 404
    wrong = api.put(here, {"name": "Seas", "query": "sea", "categories": ["no.SUCH"]})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "#/categories")
    assert api.put(here, {"name": "Seas"}).status_code == 422
    factories.topic("curated")
    assert api.delete("/topics/curated").status_code == 404
    assert api.delete(here).status_code == 204
    assert not Topic.objects.filter(owner=rita).exists()
    assert api.post("/topics", wanted).status_code == 410


def test_mail(api: ApiClient, rita: User) -> None:
    factories.topic("tides")
    assert api.get("/subscriptions").json()["schedules"] == []
    wanted: dict[str, Any] = {
        "schedules": [
            {"frequency": "weekly", "kinds": ["trending"], "topics": ["tides"], "lists": [], "limits": []},
            {"frequency": "daily", "kinds": ["daily"], "topics": [], "lists": [], "limits": []},
        ],
        "local_time": "06:30",
        "time_zone": "Europe/Berlin",
        "weekday": 2,
    }
    found = api.put("/subscriptions", wanted).json()
    assert found["schedules"] == wanted["schedules"][::-1]
    assert (found["local_time"], found["time_zone"], found["weekday"]) == ("06:30", "Europe/Berlin", 2)
    assert api.get("/subscriptions").json() == found
    assert api.put("/subscriptions", {"schedules": []}).json()["schedules"] == []
    for wrong in (
        {"schedules": [{"frequency": "weekly", "topics": ["none"]}]},
        {"schedules": [{"frequency": "weekly"}, {"frequency": "weekly"}]},
        {"schedules": [], "time_zone": "Nowhere"},
        {"schedules": [], "local_time": "25:00"},
        {"schedules": [], "paused_until": "2199-01-01"},
    ):
        assert api.put("/subscriptions", wrong).status_code == 422, wrong


def test_the_lines_of_mail(api: ApiClient) -> None:
    factories.topic("tides")
    limits = [
        {"kind": None, "topic": "tides", "list": None, "line": "close", "max_papers": None},
        {"kind": "trending", "topic": None, "list": None, "line": "votes-5", "max_papers": 3},
    ]
    mail: dict[str, Any] = {"frequency": "weekly", "kinds": ["trending"], "topics": ["tides"]}
    wanted = {"schedules": [mail | {"limits": limits}], "sends_empty": True}
    found = api.put("/subscriptions", wanted).json()
    assert (found["schedules"][0]["limits"], found["sends_empty"]) == (limits, True)
    kept = api.put("/subscriptions", {"schedules": [mail]}).json()
    assert (kept["schedules"][0]["limits"], kept["sends_empty"]) == (limits, True), "as they were"
    for wrong in (
        {"kind": "trending", "line": "close"},  # there is no closeness of what is trending
        {"kind": "daily", "line": "votes-1"},  # the mail is not about it
        {"kind": "trending", "line": "votes-0"},
        {"kind": "trending", "max_papers": 41},
    ):
        assert api.put("/subscriptions", {"schedules": [mail | {"limits": [wrong]}]}).status_code == 422, wrong
    assert api.get("/subscriptions").json() == kept
    gone = api.put("/subscriptions", {"schedules": [mail | {"limits": []}], "sends_empty": False}).json()
    assert (gone["schedules"][0]["limits"], gone["sends_empty"]) == ([], False)


def test_more_and_less_like_a_paper(api: ApiClient, paper: Paper, rita: User) -> None:
    for said in ("more", "less"):
        assert api.put(f"{HERE}/feedback", {"feedback": said}).json() == {"feedback": said}
        assert rita.recommendation_feedback.get().kind == said
    assert api.put(f"{HERE}/feedback", {"feedback": "ignored"}).status_code == 422
    for _ in range(2):
        assert api.delete(f"{HERE}/feedback").status_code == 204
    assert not rita.recommendation_feedback.exists()


def test_limits_are_those_of_pages(api: ApiClient, paper: Paper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratelimit, "RATE_LIMITS", {**ratelimit.RATE_LIMITS, "vote": RateLimit(1, 60)})
    assert api.put(f"{HERE}/vote").status_code == 200
    late = api.put(f"{HERE}/vote")
    assert (late.status_code, late["Retry-After"]) == (429, "60")
    assert late["Content-Type"] == "application/problem+json"


def test_scopes(paper: Paper, rita: User) -> None:
    only_reads = ApiClient(rita, scopes=("read",))
    refused = only_reads.put(f"{HERE}/vote")
    assert refused.status_code == 403
    assert refused["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="write"'
    assert ApiClient(rita, scopes=("write",)).get("/library").status_code == 403
    assert ApiClient(rita).get("/curation/queue").status_code == 403
    assert not Vote.objects.exists()


@pytest.fixture
def desk() -> ApiClient:
    return ApiClient(curator(), scopes=("read", "write", "curate"))


def test_curators_place_papers(desk: ApiClient, paper: Paper) -> None:
    listed = desk.put(f"/editions/2026-03-05{HERE}", {}).json()["event"]
    assert (listed["actor"], listed["day"], listed["paper"]) == ("carl", "2026-03-05", "2603.99001")
    assert desk.put(f"/editions/2026-03-05{HERE}").json() == {"event": None}
    assert desk.put("/editions/2026-03-05/pins/2603.99001").json()["event"]
    assert Listing.objects.get(day="2026-03-05").is_pinned
    assert desk.delete("/editions/2026-03-05/pins/2603.99001").json()["event"]
    assert desk.delete(f"/editions/2026-03-05{HERE}?reason=Off%20topic").json()["event"]["reason"] == "Off topic"
    assert desk.put("/editions/2026-03-05/note", {"note": "*Tides*"}).json()["event"]
    assert Edition.objects.get(day="2026-03-05").note == "*Tides*"
    assert desk.delete("/editions/2026-03-05/note").json()["event"]
    assert desk.put(f"/editions/2090-03-05{HERE}").status_code == 422
    assert desk.put("/editions/2026-03-05/papers/none").status_code == 404


def test_curators_hide_and_undo(desk: ApiClient, paper: Paper) -> None:
    event = desk.put(f"{HERE}/hidden?reason=Spam").json()["event"]
    assert ApiClient().get(HERE).status_code == 404
    assert desk.get(HERE).status_code == 200
    assert desk.put(f"/curation/log/{event['id']}/undone").json() == {"undone": 1}
    assert desk.put(f"/curation/log/{event['id']}/undone").json() == {"undone": 0}
    assert ApiClient().get(HERE).status_code == 200
    assert desk.put("/curation/log/999999/undone").status_code == 404
    assert [one["action"] for one in desk.get("/curation/log").json()["items"]] == ["undo", "hide"]
    assert desk.put(f"{HERE}/hidden").status_code == 200
    assert desk.delete(f"{HERE}/hidden").status_code == 200


def test_the_queue(desk: ApiClient, paper: Paper) -> None:
    comment = factories.comment(paper)
    factories.comment_report(comment)
    found = factories.candidate()
    rows = desk.get("/curation/queue").json()["items"]
    assert {row["kind"] for row in rows} == {"comment", "candidate"}
    [row] = desk.get("/curation/queue?kind=candidate").json()["items"]
    assert row["paper"] == found.paper.public_id
    here = f"/curation/queue/candidate/{row['key']}"
    done = desk.put(here, {"action": "accept", "last_event": row["last_event"]})
    assert done.json()["event"]["paper"] == found.paper.public_id
    assert desk.put(here, {"action": "reject", "last_event": row["last_event"]}).status_code == 409
    assert desk.put("/curation/queue/comment/1", {"action": "accept"}).status_code == 404
    assert desk.put("/curation/queue/nothing/1", {"action": "accept"}).status_code == 404
    assert desk.put(f"/curation/queue/comment/{comment.pk}", {"action": "pin"}).status_code == 422
    assert CurationEvent.objects.count() == 1


def test_a_curator_deletes_comments_with_the_scope_alone(desk: ApiClient, paper: Paper) -> None:
    comment = factories.comment(paper)
    plain = ApiClient(User.objects.get(username="carl"))
    assert plain.delete(f"/comments/{comment.pk}").status_code == 404
    assert desk.delete(f"/comments/{comment.pk}").status_code == 204


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_one_thing() -> None:
    with transaction.atomic():
        rita, paper = reader(), factories.paper(public_id="2603.99001")
    key, started, results = uuid.uuid4(), threading.Barrier(4), []

    def make() -> MadeRow:
        time.sleep(0.1)
        return MadeRow(add_comment(user=rita, paper_id=paper.pk, body="Once.").pk)

    def send() -> None:
        started.wait()
        results.append(make_once(user=rita, key=key, kind=ClientKey.Kind.COMMENT, make=make))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    comment = Comment.objects.get()
    assert [made.made_id for made, _ in results] == [comment.pk] * 4
    assert sorted(is_new for _, is_new in results) == [False, False, False, True]
