"""Papers that readers submit: asked for, fetched by a worker, put on the edition or before a curator."""

from papers.services.submissions.asking import Preview, Submitted, find_paper, preview, retry, submit
from papers.services.submissions.deciding import accept_submission, newest_day, reject_submission
from papers.services.submissions.fetching import due_submission_ids, fetch_submission

__all__ = [
    "Preview",
    "Submitted",
    "accept_submission",
    "due_submission_ids",
    "fetch_submission",
    "find_paper",
    "newest_day",
    "preview",
    "reject_submission",
    "retry",
    "submit",
]
