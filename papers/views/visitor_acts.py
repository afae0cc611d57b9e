"""What a visitor presses that only members may do: kept until they have signed in."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBadRequest, HttpResponseForbidden
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from papers.web.cards import sign_in_url_for
from papers.web.http import Request, safe_next
from papers.web.permissions import paper_for_read
from papers.web.ratelimit import rate_limited
from papers.web.visitor_acts import VISITOR_ACTS, is_from_this_site, keep_act


@require_POST
@csrf_exempt  # visitors' pages are the same for all, so they hold no token; the browser says who sent the form
@rate_limited("vote")
def act_after_sign_in(request: Request, public_id: str) -> HttpResponse:
    """Keep a vote or a save, and ask to sign in; then it is done, and the reader is where the form was."""
    if not is_from_this_site(request):
        return HttpResponseForbidden("This form was not sent by a page of this site.", content_type="text/plain")
    paper, act = paper_for_read(request.user, public_id), request.POST.get("act", "")
    if act not in VISITOR_ACTS:
        return HttpResponseBadRequest("There is no such action.", content_type="text/plain")
    target = safe_next(request, default=paper.get_absolute_url()).split("#")[0] + f"#paper-{paper.pk}"
    if request.user.is_authenticated:  # in another tab meanwhile: the page has the reader's own buttons now
        return redirect(target)
    response = redirect(sign_in_url_for(target))
    keep_act(response, act=act, paper_id=paper.pk, place=target)
    return response
