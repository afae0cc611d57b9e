"""`GET /api/v1/changes`: what a mirror of the papers has to hear of, in order, from where it was.

Each paper is once in the log, at the position of its last change: its record, its listings, its votes; one that was
deleted, merged or hidden is `gone`. A mirror that keeps `next` and asks again misses nothing and can be stopped
anywhere: examples/mirror.py.
"""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from papers.models.change import ChangePosition
from papers.services.changes.numbering import MOST_AT_ONCE, newest_position, number_changes
from papers.services.changes.read_changes import MAX_CHANGES, read_changes
from papers.web.http import Request, parse_key
from papers.web.paging import decode_cursor, encode_cursor
from papers.web.problems import problem_response


@require_safe
def changes(request: Request) -> HttpResponse:
    """Changes behind `since`, the `next` of the last answer; without it from the beginning. At most `limit` of them."""
    since, asked = request.GET.get("since", ""), request.GET.get("limit", str(MAX_CHANGES))
    limit = parse_key(asked, digits=6)
    if not limit:
        return problem_response(400, f"limit is a number from 1 to {MAX_CHANGES}.")
    after = decode_cursor(since, ChangePosition) if since else ChangePosition(0)
    if after is None or after.position < 0:
        return problem_response(400, "since is the next of an earlier answer.")
    numbered = number_changes(now=timezone.now())
    page = read_changes(after=after.position, limit=min(limit, MAX_CHANGES))
    if not page.changes and after.position > newest_position():
        # The database is older than the mirror: it was restored from a backup.
        return problem_response(410, "This position is not known here any more. Begin again without since.")
    found = {
        "changes": page.changes,
        "next": encode_cursor(ChangePosition(page.position)),
        "has_more": page.has_more or numbered >= MOST_AT_ONCE,
    }
    return JsonResponse(found)
