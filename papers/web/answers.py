"""What an act of a reader is answered with, whichever it was: one line in the page's live region, with "Undo".

For htmx the line and all that the act has changed elsewhere on the page come out of band, beside the element that was
pressed. Without JavaScript the answer leads back to where the form was, and the line stands on that page.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from papers.models import Paper
from papers.services.lists.viewer_state import read_viewer_state
from papers.services.reading.bulk import Before
from papers.services.reading.undo import sign_act
from papers.web.cards import render_card_buttons
from papers.web.http import UserRequest, safe_next
from papers.web.list_bar import seen_count
from papers.web.message_storage import WITHOUT_UNDO

UNDONE = "Undone."


def answer_act(
    request: UserRequest,
    said: str,
    *,
    default: str,
    before: Before | None = None,
    paper: Paper | None = None,
    html: str = "",
    puts_back: bool = False,
) -> HttpResponse:
    """Say what was done, and offer to undo it where it is known what was `before`.

    `html` replaces what was pressed on the card of `paper`. With `puts_back` all buttons and tags of the card are sent,
    too; other acts send none of them, because a button that is being pressed would lose the element that its own answer
    replaces. Without JavaScript the answer redirects to the form's page, else to `default`.
    """
    word = sign_act(request.user, before) if before else ""
    if not request.htmx:
        messages.success(request, said, extra_tags=word or WITHOUT_UNDO)
        place = f"#paper-{paper.pk}" if paper else ""
        return redirect(safe_next(request, default=default).split("#")[0] + place)
    response = HttpResponse(html + _line(request, said, word))
    if paper and "list" in request.POST:
        own = read_viewer_state(request.user, [paper.pk])
        parts = render_card_buttons(paper, viewer=own).values() if puts_back else ()
        response.write(_out_of_band(request, parts))
        if own is not None:
            response["HX-Trigger"] = json.dumps({"seen": {"paper": paper.pk, "on": paper.pk in own.seen}})
    return response


def answer_undo(request: UserRequest, paper: Paper | None) -> HttpResponse:
    """Say that an act was undone, of `paper` where it was about one, and put its buttons and tags back.

    Where the page has more to put back than one card, it is loaded again.
    """
    if not request.htmx:
        return answer_act(request, UNDONE, default=reverse("papers:today"), paper=paper)
    if paper is None or "list" not in request.POST:
        messages.success(request, UNDONE, extra_tags=WITHOUT_UNDO)
        return HttpResponse(headers={"HX-Refresh": "true"})
    return answer_act(request, UNDONE, default=reverse("papers:today"), paper=paper, puts_back=True)


def _line(request: UserRequest, said: str, word: str) -> str:
    context = {"said": said, "word": word, "is_swapped": True, "list": request.POST.get("list")}
    return render_to_string("papers/_answer.html", context, request)


def _out_of_band(request: UserRequest, parts: Iterable[str]) -> str:
    """What takes its place by its id, and the count of the list."""
    html = "".join(part.replace(" id=", ' hx-swap-oob="true" id=', 1) for part in parts)
    return html + seen_count_html(request)


def seen_count_html(request: UserRequest) -> str:
    """The count of the list that an act's form names, to be swapped out of band; empty where there is none."""
    counted = seen_count(request.POST.get("list", ""), viewer=request.user, now=timezone.now())
    if counted is None:
        return ""
    return render_to_string("papers/_seen_count.html", {"counted": counted, "is_swapped": True})
