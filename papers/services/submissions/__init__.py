"""Papers that readers submit: asked for, fetched by a worker, put on the edition or before a curator."""

from papers.services.submissions.asking import Preview, Submitted, find_paper, preview, retry, submit
from papers.services.submissions.deciding import newest_day
from papers.services.submissions.fetching import due_submission_ids, fetch_submission

__all__ = [
    "Preview",
    "Submitted",
    "due_submission_ids",
    "fetch_submission",
    "find_paper",
    "newest_day",
    "preview",
    "retry",
    "submit",
]
