"""Two stored papers turn out to be one: whatever hangs on the one goes over to the other."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connection
from django.db.backends.utils import CursorWrapper

from papers import hooks
from papers.models import Paper

# Tables that may refer to a paper as often as they like.
_FREE = (
    "papers_comment",
    "papers_curationevent",
    "papers_formeraddress",
    "papers_identifier",
    "papers_libraryimportrow",
    "papers_submission",
)
# Tables with one row a paper and value of this column: where both have one, that of the paper that stays is kept.
_ONCE = {
    "papers_authorclaim": "name",
    "papers_followedpaper": "followed_id",
    "papers_listing": "day",
    "papers_paperedit": "field",
    "papers_plannedlisting": "day",
    "papers_paperversion": "version",
    "papers_seenpaper": "user_id",
    "papers_libraryitem": "user_id",
    "papers_shownrecommendation": "user_id",
    "papers_paperexternalcounts": "source",
    "papers_taggedpaper": "tag_id",
    "papers_topic_examples": "topic_id",
    "papers_topicmatch": "topic_id",
    "papers_topicpick": "topic_id",
    "papers_vote": "user_id",
}


def move_related_rows(pairs: Mapping[int, int]) -> None:
    """Give what belongs to each key of `pairs` to its value, and delete the papers that go.

    Votes, comments, shelf, tags, listings, figures, matches, submissions, addresses and, through `hooks`, what other
    apps keep. The caller holds the locks of all these papers, and sees to the texts of those that stay.
    """
    hooks.papers_merged.notify(pairs)
    with connection.cursor() as cursor:
        for gone, kept in pairs.items():
            _keep_notes(cursor, gone, kept)
            for table, column in _ONCE.items():
                _drop_second(cursor, table, column, gone, kept)
            for table in (*_FREE, *_ONCE):
                cursor.execute(f"UPDATE {table} SET paper_id = %s WHERE paper_id = %s", [kept, gone])  # noqa: S608
            cursor.execute(
                "INSERT INTO papers_formeraddress (public_id, paper_id) "
                "SELECT public_id, %s FROM papers_paper WHERE id = %s ON CONFLICT DO NOTHING",
                [kept, gone],
            )
        _recount(cursor, sorted(set(pairs.values())))
    Paper.objects.filter(pk__in=pairs).delete()


def _keep_notes(cursor: CursorWrapper, gone: int, kept: int) -> None:
    """A reader with a note on both papers finds the two under each other."""
    cursor.execute(
        """
        UPDATE papers_libraryitem own SET note = concat_ws(E'\\n\\n', nullif(own.note, ''), other.note)
        FROM papers_libraryitem other
        WHERE own.paper_id = %s AND other.paper_id = %s AND other.user_id = own.user_id AND other.note <> ''
        """,
        [kept, gone],
    )


def _drop_second(cursor: CursorWrapper, table: str, column: str, gone: int, kept: int) -> None:
    cursor.execute(
        f"DELETE FROM {table} other USING {table} own "  # noqa: S608
        f"WHERE other.paper_id = %s AND own.paper_id = %s AND other.{column} = own.{column}",
        [gone, kept],
    )


def _recount(cursor: CursorWrapper, ids: list[int]) -> None:
    cursor.execute(
        """
        UPDATE papers_paper paper SET
            vote_count = (SELECT count(*) FROM papers_vote WHERE paper_id = paper.id),
            comment_count = (SELECT count(*) FROM papers_comment WHERE paper_id = paper.id AND deleted_at IS NULL)
        WHERE id = ANY(%s)
        """,
        [ids],
    )
    cursor.execute(
        """
        UPDATE papers_listing listing SET vote_count = paper.vote_count
        FROM papers_paper paper WHERE paper.id = listing.paper_id AND paper.id = ANY(%s)
        """,
        [ids],
    )
    cursor.execute(
        """
        UPDATE papers_edition edition SET listed_count = (
            SELECT count(*) FROM papers_listing WHERE day = edition.day AND hidden_at IS NULL)
        WHERE day IN (SELECT day FROM papers_listing WHERE paper_id = ANY(%s))
        """,
        [ids],
    )
