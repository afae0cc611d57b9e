"""Who gets what of shared lists: rows of the table in tests/web/test_rights.py, and the lists that they are about."""

from __future__ import annotations

from papers.models import Paper, SharedList, SharedListChange, SharedListMember, SharedListPaper, User
from tests.support import factories
from tests.support.rights import WAY_IN, Row, everybody, members

NOW = factories.NOW


def make_lists(paper: Paper, rita: User) -> None:
    """With one paper each, by their addresses.

    `ritas`: her own, for those named; `open`: hers, for everybody; `edits`: another's, of which she is an editor, for
    those named; `reads`: the same as a reader; `members`: another's, for members; `named`: another's, for those named;
    `orphan`: nobody's, for those named.
    """
    owner = factories.user("olga")
    lists = (
        ("ritas", "named", rita),
        ("open", "everybody", rita),
        ("edits", "named", owner),
        ("reads", "named", owner),
        ("members", "members", owner),
        ("named", "named", owner),
        ("orphan", "named", None),
    )
    for number, (slug, visibility, by) in enumerate(lists, start=990_001):
        made = SharedList.objects.create(
            pk=number, slug=slug, name=slug, visibility=visibility, owner=by, created_at=NOW, changed_at=NOW
        )
        SharedListPaper.objects.create(shared_list=made, paper=paper, position=1, added_at=NOW, released_at=NOW)
        SharedListChange.objects.create(pk=number, shared_list=made, paper=paper, kind="removed", at=NOW)
        if slug in ("edits", "reads"):
            role = "editor" if slug == "edits" else "reader"
            SharedListMember.objects.create(shared_list=made, user=rita, role=role, since=NOW)


def _read(end: str, status: int = 200, *, is_signed_in: bool = False, method: str = "GET") -> list[Row]:
    """What whoever may read a list gets."""
    stranger, none = (WAY_IN, WAY_IN) if is_signed_in else (status, 404)
    return [
        Row(f"/lists/open{end}", stranger, status, status, status, status, method=method),
        Row(f"/lists/members{end}", none, status, status, status, status, method=method),
        Row(f"/lists/ritas{end}", none, status, 404, 404, 404, method=method),
        Row(f"/lists/reads{end}", none, status, 404, 404, 404, method=method),
        Row(f"/lists/named{end}", none, 404, 404, 404, 404, method=method),
        Row(f"/lists/orphan{end}", none, 404, 404, status, status, method=method),
        Row(f"/lists/none{end}", none, 404, 404, 404, 404, method=method),
    ]


def _edit(end: str, status: int = 200, *, method: str = "GET") -> list[Row]:
    """What those get who may change what is on a list: curators of lists that members see, or that nobody owns."""
    return [
        Row(f"/lists/ritas{end}", WAY_IN, status, 404, 404, 404, method=method),
        Row(f"/lists/edits{end}", WAY_IN, status, 404, 404, 404, method=method),
        Row(f"/lists/reads{end}", WAY_IN, 404, 404, 404, 404, method=method),
        Row(f"/lists/open{end}", WAY_IN, status, 404, status, status, method=method),
        Row(f"/lists/members{end}", WAY_IN, 404, 404, status, status, method=method),
        Row(f"/lists/orphan{end}", WAY_IN, 404, 404, status, status, method=method),
        Row(f"/lists/named{end}", WAY_IN, 404, 404, 404, 404, method=method),
    ]


def _manage(end: str, status: int = 200, *, method: str = "GET") -> list[Row]:
    """What those get who may change a list's name and people: an editor may not."""
    rows = _edit(end, status, method=method)
    return [Row(f"/lists/edits{end}", WAY_IN, 404, 404, 404, 404, method=method), rows[0], *rows[2:]]


LISTS: dict[str, list[Row]] = {
    "papers:lists": [everybody("/lists"), everybody("/lists?after=x")],
    "papers:list-new": [members("/lists/new"), members("/lists/new", 422, method="POST")],
    "papers:list": _read(""),
    "papers:list-feed": [*_read("/feed.atom"), everybody("/lists/open/feed.json")],
    "papers:list-export": _read(".bib"),
    "papers:list-people": [
        *_read("/people", is_signed_in=True),
        *_manage("/people", 302, method="POST"),
    ],
    "papers:list-history": _read("/history", is_signed_in=True),
    "papers:list-edit": [*_manage("/edit"), *_manage("/edit", 422, method="POST")],
    "papers:list-delete": _manage("/delete", 302, method="POST"),
    "papers:list-add": [*_edit("/add"), *_edit("/add", 422, method="POST")],
    "papers:list-act": _edit("/papers", 404, method="POST"),  # says not what is to be done
    "papers:list-note": [
        *_edit("/papers/99001"),
        *_edit("/papers/99001", 302, method="POST"),
        members("/lists/open/papers/1", 404),
    ],
    "papers:list-restore": [
        Row("/lists/open/history/990002/undo", WAY_IN, 302, 404, 302, 302, method="POST"),
        Row("/lists/edits/history/990003/undo", WAY_IN, 302, 404, 404, 404, method="POST"),
        Row("/lists/edits/history/990002/undo", WAY_IN, 404, 404, 404, 404, method="POST"),  # another list's
        Row("/lists/members/history/990005/undo", WAY_IN, 404, 404, 302, 302, method="POST"),
    ],
    "digests:list-mail": [
        Row("/lists/open/mail", WAY_IN, 302, 302, 302, 302, method="POST"),
        Row("/lists/ritas/mail", WAY_IN, 302, 404, 404, 404, method="POST"),
        Row("/lists/reads/mail", WAY_IN, 302, 404, 404, 404, method="POST"),
        Row("/lists/named/mail", WAY_IN, 404, 404, 404, 404, method="POST"),
    ],
    "papers:paper-lists": [
        members("/papers/2603.99001/lists"),
        members("/papers/2603.99001/lists", 302, method="POST"),
        Row("/papers/2603.99002/lists", WAY_IN, 404, 404, 200, 200),  # hidden by a curator
    ],
}
