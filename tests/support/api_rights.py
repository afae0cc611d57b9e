"""Who gets what of the API: each address and method, with a session and with tokens.

A session reads what its pages show, and writes nothing: 401 without a token, whoever is signed in.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.support.rights import Row

NO_TOKEN = 401
_HERE, _HIDDEN = "/papers/2603.99001", "/papers/2603.99002"
_DAY = "/editions/2026-03-04"
_MEETING = "/meetings/2199-01-03"
_KEY = "0d9f7c1e-8a35-4f0c-9a53-3f6d3f0c2b11"


class TokenRow(NamedTuple):
    """What an address answers to each token; to nobody, and to a session that writes, 401 unless it is public."""

    name: str
    method: str
    path: str
    reader: int
    """rita's, who owns what has an owner, with the scopes read and write."""
    another: int
    """Of another reader, with the same scopes."""
    plain: int
    """A curator's without the scope to curate."""
    curator: int
    """A curator's with it."""
    body: Any = None
    is_public: bool = False
    """A visitor gets it, too, as another reader does."""

    @property
    def scope(self) -> str:
        """The scope without which a token is refused; empty where none is needed."""
        if self.is_public:
            return ""
        if self.plain == 403:
            return "curate"
        return "read" if self.method == "GET" else "write"


def _public(name: str, path: str, status: int = 200) -> TokenRow:
    return TokenRow(name, "GET", path, status, status, status, status, is_public=True)


def _members(name: str, method: str, path: str, status: int = 200, body: Any = None) -> TokenRow:
    return TokenRow(name, method, path, status, status, status, status, body)


def _curators(name: str, method: str, path: str, status: int = 200, body: Any = None) -> TokenRow:
    return TokenRow(name, method, path, 403, 403, 403, status, body)


TOKEN_ROWS = [
    _members("get_me", "GET", "/me"),
    _public("list_papers", "/papers"),
    _public("list_trending", "/trending"),
    _public("search_papers", "/search?q=ice"),
    _public("search_papers", "/search", 422),
    _public("list_changes", "/changes"),
    _public("list_changes", "/changes?since=x", 400),
    _public("get_paper", _HERE),
    _public("get_paper", "/papers/2603.00000", 404),
    TokenRow("get_paper", "GET", _HIDDEN, 404, 404, 404, 200, is_public=True),
    _public("list_similar", f"{_HERE}/similar"),
    TokenRow("list_similar", "GET", f"{_HIDDEN}/similar", 404, 404, 404, 200, is_public=True),
    _public("list_comments", f"{_HERE}/comments"),
    TokenRow("list_comments", "GET", f"{_HIDDEN}/comments", 404, 404, 404, 200, is_public=True),
    _public("list_editions", "/editions"),
    _public("get_edition", _DAY),
    _public("get_edition", "/editions/2026-13-04", 404),
    _public("list_edition_papers", f"{_DAY}/papers"),
    _public("get_statistics", "/statistics"),
    _public("list_topics", "/topics"),
    _public("get_topic", "/topics/curated"),
    TokenRow("get_topic", "GET", "/topics/rita-s", 200, 404, 404, 404, is_public=True),
    _public("list_topic_papers", "/topics/curated/papers"),
    TokenRow("list_topic_papers", "GET", "/topics/rita-s/papers", 200, 404, 404, 404, is_public=True),
    _public("get_author", "/authors/ada-lovelace"),
    _public("get_author", "/authors/nobody", 404),
    _public("list_author_papers", "/authors/ada-lovelace/papers"),
    _public("get_organization", "/organizations/cern"),
    _public("list_organization_papers", "/organizations/cern/papers"),
    _public("list_tags", "/tags"),
    _public("list_tag_papers", "/tags/rita/shared/papers"),
    TokenRow("list_tag_papers", "GET", "/tags/rita/own/papers", 200, 404, 404, 404, is_public=True),
    _public("get_comment", "/comments/9001"),
    _public("get_comment", "/comments/9999", 404),
    _members("list_votes", "GET", "/votes"),
    _members("put_vote", "PUT", f"{_HERE}/vote"),
    TokenRow("put_vote", "PUT", f"{_HIDDEN}/vote", 404, 404, 404, 404),
    _members("delete_vote", "DELETE", f"{_HERE}/vote"),
    _members("list_library", "GET", "/library"),
    _members("get_library_entry", "GET", f"{_HERE}/library"),
    TokenRow("get_library_entry", "GET", f"{_HIDDEN}/library", 404, 404, 404, 200),
    _members("put_library_state", "PUT", f"{_HERE}/library", body={"state": "read"}),
    _members("delete_library_entry", "DELETE", f"{_HERE}/library"),
    _members("put_note", "PUT", f"{_HERE}/note", body={"note": "See 3."}),
    TokenRow("put_note", "PUT", f"{_HIDDEN}/note", 404, 404, 404, 200, {"note": "See 3."}),
    _members("delete_note", "DELETE", f"{_HERE}/note"),
    _members("put_seen", "PUT", f"{_HERE}/seen"),
    TokenRow("put_seen", "PUT", f"{_HIDDEN}/seen", 404, 404, 404, 200),
    _members("delete_seen", "DELETE", f"{_HERE}/seen"),
    _members("put_day_done", "PUT", f"{_DAY}/done"),
    _members("delete_day_done", "DELETE", f"{_DAY}/done"),
    _members("put_tag", "PUT", "/tags/tides"),
    TokenRow("remove_tag", "DELETE", "/tags/own", 204, 404, 404, 404),
    _members("put_paper_tag", "PUT", f"{_HERE}/tags/tides"),
    TokenRow("put_paper_tag", "PUT", f"{_HIDDEN}/tags/tides", 404, 404, 404, 200),
    _members("delete_paper_tag", "DELETE", f"{_HERE}/tags/tides"),
    _members("create_comment", "POST", f"{_HERE}/comments", 201, {"id": _KEY, "body": "Well said."}),
    TokenRow("create_comment", "POST", f"{_HIDDEN}/comments", 404, 404, 404, 404, {"id": _KEY, "body": "Well said."}),
    TokenRow("put_comment", "PUT", "/comments/9001", 200, 404, 404, 404, {"body": "Changed."}),
    TokenRow("remove_comment", "DELETE", "/comments/9001", 204, 404, 404, 204),
    TokenRow("remove_comment", "DELETE", "/comments/9002", 404, 404, 404, 204),
    _members("put_report", "PUT", "/comments/9001/report", 204),
    _members("list_submissions", "GET", "/submissions"),
    _members("create_submission", "POST", "/submissions", 201, {"id": _KEY, "reference": "10.1000/snow"}),
    TokenRow("get_submission", "GET", "/submissions/990002", 200, 404, 404, 200),
    TokenRow("get_submission", "GET", "/submissions/990001", 404, 404, 404, 200),
    TokenRow("put_retry", "PUT", "/submissions/990002/retry", 200, 404, 404, 200),
    _members("list_follows", "GET", "/follows"),
    _members("list_followed_papers", "GET", "/follows/papers"),
    _members("put_author_follow", "PUT", "/follows/authors/ada-lovelace"),
    _members("put_author_follow", "PUT", "/follows/authors/nobody", 404),
    _members("delete_author_follow", "DELETE", "/follows/authors/ada-lovelace", 204),
    _members("put_organization_follow", "PUT", "/follows/organizations/cern"),
    _members("delete_organization_follow", "DELETE", "/follows/organizations/cern", 204),
    _members("list_mutes", "GET", "/mutes"),
    _members("put_mute", "PUT", "/mutes", body={"query": "ice"}),
    _members("put_feedback", "PUT", f"{_HERE}/feedback", body={"feedback": "more"}),
    TokenRow("put_feedback", "PUT", f"{_HIDDEN}/feedback", 404, 404, 404, 404, body={"feedback": "more"}),
    _members("delete_feedback", "DELETE", f"{_HERE}/feedback", 204),
    _members("delete_mute", "DELETE", "/mutes/1", 204),
    _members("create_own_topic", "POST", "/topics", 201, {"id": _KEY, "name": "Tides", "query": "tide"}),
    TokenRow("change_own_topic", "PUT", "/topics/rita-s", 200, 404, 404, 404, {"name": "Tides", "query": "tide"}),
    TokenRow("change_own_topic", "PUT", "/topics/curated", 404, 404, 404, 200, {"name": "Tides", "query": "tide"}),
    TokenRow("delete_own_topic", "DELETE", "/topics/rita-s", 204, 404, 404, 404),
    TokenRow("delete_own_topic", "DELETE", "/topics/curated", 404, 404, 404, 204),
    _public("list_lists", "/lists"),
    _public("list_lists", "/lists?cursor=x", 400),
    _members("create_shared_list", "POST", "/lists", 201, {"id": _KEY, "name": "Rivers"}),
    _public("get_list", "/lists/open"),
    TokenRow("get_list", "GET", "/lists/ritas", 200, 404, 404, 404, is_public=True),
    TokenRow("get_list", "GET", "/lists/named", 404, 404, 404, 404, is_public=True),
    TokenRow("get_list", "GET", "/lists/orphan", 404, 404, 404, 200, is_public=True),
    _public("list_list_papers", "/lists/open/papers"),
    TokenRow("list_list_papers", "GET", "/lists/reads/papers", 200, 404, 404, 404, is_public=True),
    TokenRow("list_list_papers", "GET", "/lists/named/papers", 404, 404, 404, 404, is_public=True),
    TokenRow("change_shared_list", "PUT", "/lists/open", 200, 404, 404, 200, {"name": "Rivers"}),
    TokenRow("change_shared_list", "PUT", "/lists/edits", 404, 404, 404, 404, {"name": "Rivers"}),
    TokenRow("change_shared_list", "PUT", "/lists/members", 404, 404, 404, 200, {"name": "Rivers"}),
    TokenRow("delete_shared_list", "DELETE", "/lists/ritas", 204, 404, 404, 404),
    TokenRow("delete_shared_list", "DELETE", "/lists/orphan", 404, 404, 404, 204),
    TokenRow("put_list_paper", "PUT", f"/lists/edits{_HERE}", 200, 404, 404, 404),
    TokenRow("put_list_paper", "PUT", f"/lists/reads{_HERE}", 404, 404, 404, 404),
    TokenRow("put_list_paper", "PUT", f"/lists/members{_HERE}", 404, 404, 404, 200),
    TokenRow("put_list_paper", "PUT", f"/lists/open{_HIDDEN}", 404, 404, 404, 422),
    TokenRow("delete_list_paper", "DELETE", f"/lists/open{_HERE}", 204, 404, 404, 204),
    TokenRow("delete_list_paper", "DELETE", f"/lists/named{_HERE}", 404, 404, 404, 404),
    _members("list_list_people", "GET", "/lists/open/people"),
    TokenRow("list_list_people", "GET", "/lists/reads/people", 200, 404, 404, 404),
    TokenRow("put_list_member", "PUT", "/lists/ritas/people/otto", 200, 404, 404, 404, {"role": "editor"}),
    TokenRow("put_list_member", "PUT", "/lists/edits/people/otto", 404, 404, 404, 404, {"role": "editor"}),
    TokenRow("delete_list_member", "DELETE", "/lists/reads/people/rita", 204, 404, 404, 404),
    TokenRow("delete_list_member", "DELETE", "/lists/open/people/otto", 204, 204, 404, 204),
    _public("list_clubs", "/clubs"),
    _public("get_club", "/clubs/lunch"),
    TokenRow("get_club", "GET", "/clubs/secret", 200, 404, 404, 200, is_public=True),
    _public("list_meetings", "/clubs/lunch/meetings"),
    _public("list_meetings", "/clubs/lunch/meetings?cursor=x", 400),
    TokenRow("list_meetings", "GET", "/clubs/secret/meetings?when=past", 200, 404, 404, 200, is_public=True),
    _public("get_meeting", f"/clubs/lunch{_MEETING}"),
    _public("get_meeting", "/clubs/lunch/meetings/2199-02-30", 404),
    TokenRow("get_meeting", "GET", f"/clubs/secret{_MEETING}", 200, 404, 404, 200, is_public=True),
    # In lunch, rita is a member; what paul nominated is not hers to take off. Curators organize, and are no members.
    TokenRow("put_agenda_paper", "PUT", f"/clubs/lunch/meetings/2199-01-10{_HERE}", 200, 404, 404, 404),
    TokenRow("put_agenda_paper", "PUT", f"/clubs/secret{_MEETING}{_HIDDEN}", 404, 404, 404, 404),
    TokenRow("delete_agenda_paper", "DELETE", f"/clubs/lunch{_MEETING}{_HERE}", 404, 404, 404, 204),
    TokenRow("delete_agenda_paper", "DELETE", f"/clubs/secret{_MEETING}{_HERE}", 204, 404, 404, 204),
    TokenRow("delete_agenda_paper", "DELETE", f"/clubs/own{_MEETING}{_HERE}", 204, 404, 404, 204),
    TokenRow("put_presenter", "PUT", f"/clubs/lunch{_MEETING}{_HERE}/presenter", 200, 404, 404, 404),
    TokenRow("delete_presenter", "DELETE", f"/clubs/lunch{_MEETING}{_HERE}/presenter", 204, 404, 404, 204),
    _members("put_membership", "PUT", "/clubs/lunch/membership"),
    TokenRow("put_membership", "PUT", "/clubs/secret/membership", 200, 404, 404, 200),
    _members("delete_membership", "DELETE", "/clubs/lunch/membership", 204),
    TokenRow("delete_membership", "DELETE", "/clubs/secret/membership", 204, 404, 404, 204),
    _members("get_subscriptions", "GET", "/subscriptions"),
    _members("put_subscriptions", "PUT", "/subscriptions", body={"schedules": []}),
    _curators("list_queue", "GET", "/curation/queue"),
    _curators("put_decision", "PUT", "/curation/queue/record/990001", body={"action": "reject"}),
    _curators("list_events", "GET", "/curation/log"),
    _curators("put_undone", "PUT", "/curation/log/1/undone", 404),
    _curators("put_listing", "PUT", f"{_DAY}{_HERE}"),
    _curators("delete_listing", "DELETE", f"{_DAY}{_HERE}"),
    _curators("put_pin", "PUT", f"{_DAY}/pins/2603.99001"),
    _curators("delete_pin", "DELETE", f"{_DAY}/pins/2603.99001"),
    _curators("put_day_note", "PUT", f"{_DAY}/note", body={"note": "Tides"}),
    _curators("delete_day_note", "DELETE", f"{_DAY}/note"),
    _curators("put_hidden", "PUT", f"{_HERE}/hidden"),
    _curators("delete_hidden", "DELETE", f"{_HIDDEN}/hidden"),
]


def _of_session(row: TokenRow) -> Row:
    """The same address asked by browsers: signed in they read what is theirs, and nobody writes."""
    path = f"/api/v1{row.path}"
    if row.method != "GET":
        none = NO_TOKEN
        return Row(path, none, none, none, none, none, on_members_site=none, method=row.method)
    stranger = row.another if row.is_public else NO_TOKEN
    return Row(path, stranger, row.reader, row.another, row.curator, row.curator, on_members_site=NO_TOKEN)


def session_rows() -> dict[str, list[Row]]:
    """The rows for the table of all addresses, by their names."""
    rows: dict[str, list[Row]] = {}
    for row in TOKEN_ROWS:
        rows.setdefault(f"api-v1:{row.name}", []).append(_of_session(row))
    return rows
