"""When papers merge, what was offered under the one counts for the other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import connection

from digests.models import MergedPaper
from digests.models.delivery import DELIVERY_RETENTION


def record_merges(pairs: Mapping[int, int]) -> None:
    """Record into which paper each key of `pairs` is merged.

    Called in the transaction of the merge, while the rows of both are still there.
    """
    gone, kept = list(pairs), list(pairs.values())
    with connection.cursor() as cursor:
        # A paper that others were merged into before may go, too: no chain is ever longer than one step.
        cursor.execute(_GO_ALONG, {"gone": gone, "kept": kept})
        cursor.execute(_REMEMBER, {"gone": gone, "kept": kept})
        cursor.execute(_TWIN_VERSIONS, {"gone": gone, "kept": kept})
        for version, twin in cursor.fetchall():
            cursor.execute(_RENAME_VERSION, {"gone": version, "kept": twin})


_PAIRS = "unnest(%(gone)s::bigint[], %(kept)s::bigint[]) AS pair (gone, kept)"
_GO_ALONG = f"""
    UPDATE digests_mergedpaper merged SET kept_id = pair.kept FROM {_PAIRS} WHERE merged.kept_id = pair.gone
"""  # noqa: S608
_REMEMBER = f"""
    INSERT INTO digests_mergedpaper (gone_id, kept_id, merged_at) SELECT gone, kept, now() FROM {_PAIRS}
    ON CONFLICT (gone_id) DO UPDATE SET kept_id = excluded.kept_id
"""  # noqa: S608
# Where both papers have the same version, the row of the one that goes is dropped.
_TWIN_VERSIONS = f"""
    SELECT own.id, twin.id FROM {_PAIRS}
    JOIN papers_paperversion own ON own.paper_id = pair.gone
    JOIN papers_paperversion twin ON twin.paper_id = pair.kept AND twin.version = own.version
"""  # noqa: S608
_RENAME_VERSION = """
    UPDATE digests_delivery SET version_ids = array_replace(version_ids, %(gone)s::bigint, %(kept)s::bigint)
    WHERE version_ids @> ARRAY[%(gone)s::bigint] AND version_ids <> '{}'
"""


# The rows that a merge changes, so that it can be undone; see papers/hooks.py.
UNDO_CONDITIONS = {
    "digests_mergedpaper": "gone_id = ANY({papers}::bigint[]) OR kept_id = ANY({papers}::bigint[])",
    "digests_delivery": "version_ids <> '{{}}' AND version_ids && "
    "ARRAY(SELECT id FROM papers_paperversion WHERE paper_id = ANY({papers}::bigint[]))",
}


def delete_expired_merges(*, now: datetime) -> int:
    """Delete merges older than any mail that is still kept; returns how many. Idempotent."""
    return MergedPaper.objects.filter(merged_at__lt=now - DELIVERY_RETENTION).delete()[0]
