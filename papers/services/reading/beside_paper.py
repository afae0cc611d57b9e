"""What there is beside a paper, so that its page asks only for that: most papers are on no list and in no club."""

from __future__ import annotations

from typing import NamedTuple

from django.contrib.auth.models import AnonymousUser
from django.db import connection

from papers.models import User

# Each looks up one row of an index.
_BESIDE = """
    SELECT EXISTS (SELECT FROM papers_paperversion WHERE paper_id = %(paper)s),
        EXISTS (SELECT FROM papers_paperexternalcounts WHERE paper_id = %(paper)s),
        EXISTS (SELECT FROM papers_comment WHERE paper_id = %(paper)s),
        EXISTS (SELECT FROM papers_sharedlistpaper WHERE paper_id = %(paper)s),
        EXISTS (SELECT FROM papers_agendaitem WHERE paper_id = %(paper)s),
        EXISTS (SELECT FROM papers_clubmember WHERE user_id = %(viewer)s),
        EXISTS (SELECT FROM papers_tag WHERE user_id = %(viewer)s),
        EXISTS (SELECT FROM papers_libraryitem WHERE user_id = %(viewer)s AND paper_id = %(paper)s)
"""


class BesidePaper(NamedTuple):
    """Whether there are any of each, whoever may see them."""

    has_versions: bool
    has_external_counts: bool
    has_comments: bool
    is_on_lists: bool
    is_on_agendas: bool
    viewer_is_in_clubs: bool
    viewer_has_tags: bool
    """On any paper."""
    is_in_library: bool
    """The viewer's."""


def beside_paper(paper_id: int, *, viewer: User | AnonymousUser) -> BesidePaper:
    """What there is beside a paper; nothing of a visitor's own. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_BESIDE, {"paper": paper_id, "viewer": viewer.pk})
        row: tuple[bool, ...] = cursor.fetchone()
    return BesidePaper(*row)
