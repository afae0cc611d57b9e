"""Two stored papers turn out to be one: whatever hangs on the one goes over to the other."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connection
from django.db.backends.utils import CursorWrapper

from papers import hooks
from papers.models import Listing, Paper
from papers.services.ingest.counters import count_listings, count_votes_and_comments
from papers.services.ingest.paper_relations import PaperRelation, moved_relations


def move_related_rows(pairs: Mapping[int, int]) -> None:
    """Give what refers to each key of `pairs` to its value, and delete the papers that go.

    What refers to a paper is read from the models, see `paper_relations`; other apps follow through `hooks`. The caller
    holds the locks of all these papers, and sees to the texts of those that stay.
    """
    hooks.papers_merged.notify(pairs)
    with connection.cursor() as cursor:
        for gone, kept in pairs.items():
            _keep_notes(cursor, gone, kept)
            _keep_notes_of_lists(cursor, gone, kept)
            for relation in moved_relations():
                _move(cursor, relation, gone, kept)
            cursor.execute(
                "INSERT INTO papers_formeraddress (public_id, paper_id) "
                "SELECT public_id, %s FROM papers_paper WHERE id = %s ON CONFLICT DO NOTHING",
                [kept, gone],
            )
    kept_ids = set(pairs.values())
    count_votes_and_comments(kept_ids)
    count_listings(set(Listing.objects.filter(paper__in=kept_ids).values_list("day", flat=True)))
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


def _keep_notes_of_lists(cursor: CursorWrapper, gone: int, kept: int) -> None:
    """So does a list that has both papers, under the names of those who wrote last."""
    cursor.execute(
        """
        UPDATE papers_sharedlistpaper own SET note = concat_ws(E'\\n\\n', nullif(own.note, ''), other.note),
            noted_by_id = coalesce(own.noted_by_id, other.noted_by_id),
            noted_at = greatest(own.noted_at, other.noted_at)
        FROM papers_sharedlistpaper other
        WHERE own.paper_id = %s AND other.paper_id = %s AND other.shared_list_id = own.shared_list_id
          AND other.note <> ''
        """,
        [kept, gone],
    )


def _move(cursor: CursorWrapper, relation: PaperRelation, gone: int, kept: int) -> None:
    """Where both papers have a row of which there may be one, that of the paper that stays is kept."""
    table, paper, other = relation.table, relation.column, relation.unique_with
    if other is not None:
        cursor.execute(
            f"DELETE FROM {table} second USING {table} own "  # noqa: S608
            f"WHERE second.{paper} = %s AND own.{paper} = %s AND second.{other} = own.{other}",
            [gone, kept],
        )
    cursor.execute(f"UPDATE {table} SET {paper} = %s WHERE {paper} = %s", [kept, gone])  # noqa: S608
