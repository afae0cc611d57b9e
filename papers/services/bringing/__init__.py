"""A reader's library brought along: read into a draft, looked at, taken, and what is not here fetched by workers."""

from papers.services.bringing.drafting import BringingError, draft, drop
from papers.services.bringing.fetching import due_import_ids, fetch_some
from papers.services.bringing.progress import Progress, progress_of, rows_of
from papers.services.bringing.taking import Wishes, retry_failed, take

__all__ = [
    "BringingError",
    "Progress",
    "Wishes",
    "draft",
    "drop",
    "due_import_ids",
    "fetch_some",
    "progress_of",
    "retry_failed",
    "rows_of",
    "take",
]
