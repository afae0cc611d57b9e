"""What is put on shared lists, moved and taken off them: from a list's page, and from a paper's."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from papers.forms.shared_lists import ListNoteForm, PaperListsForm, PasteForm
from papers.models import ListVisibility, Paper, SharedList, SharedListPaper
from papers.services.reading.tags import tag_names_of_paper
from papers.services.reading.undo import before_list
from papers.services.shared_lists.entries import Move, add_papers, move_paper, remove_papers, write_note
from papers.services.shared_lists.overview import edited_lists, lists_with_paper
from papers.services.shared_lists.pasted import MISSING_SHOWN, read_pasted
from papers.services.shared_lists.settings import ListDraft, ListError, create_list
from papers.text.counts import counted
from papers.web.answers import answer_act
from papers.web.cards import render_own_tags
from papers.web.http import UserRequest, parse_key, referring_page, safe_next
from papers.web.permissions import list_for_edit, paper_for_read, sign_in_required
from papers.web.ratelimit import rate_limited


@require_POST
@sign_in_required
@rate_limited("library")
def act(request: UserRequest, slug: str) -> HttpResponse:
    """Move a paper of a list, or take it off: `act` is one of `Move` or `remove`, a colon, and the paper's key."""
    found, _ = list_for_edit(request.user, slug)
    what, _, key = request.POST.get("act", "").partition(":")
    paper_id = parse_key(key)
    if paper_id is None or what not in (*Move, "remove"):
        raise Http404("There is no such act.")
    target = safe_next(request, default=found.get_absolute_url()).split("#")[0]
    try:
        if what == "remove":
            changes = remove_papers(found, paper_ids=[paper_id], by=request.user, now=timezone.now())
            before = before_list(changes) if changes else None
            return answer_act(request, f"Removed from “{found.name}”.", default=found.get_absolute_url(), before=before)
        move_paper(found, paper_id=paper_id, move=Move(what), now=timezone.now())
    except ListError as error:
        messages.error(request, str(error))
        return redirect(target)
    return redirect(f"{target}#paper-{paper_id}")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("library", methods=frozenset({"POST"}))
def note(request: UserRequest, slug: str, paper_id: int) -> HttpResponse:
    """Say why a paper is on a list."""
    found, _ = list_for_edit(request.user, slug)
    rows = SharedListPaper.objects.visible_of(found).select_related("paper")
    entry = get_object_or_404(rows, paper=paper_id)
    form = ListNoteForm(request.POST if request.method == "POST" else None, initial={"note": entry.note})
    if form.is_valid():
        try:
            write_note(found, paper_id=paper_id, note=form.cleaned_data["note"], by=request.user, now=timezone.now())
            return redirect(f"{found.get_absolute_url()}#paper-{paper_id}")
        except ListError as error:
            form.add_error("note", str(error))
    context = {"list": found, "paper": entry.paper, "form": form}
    return render(request, "papers/list_note.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("import", methods=frozenset({"POST"}))
def paste(request: UserRequest, slug: str) -> HttpResponse:
    """Add papers by their ids, links, DOIs or BibTeX."""
    found, _ = list_for_edit(request.user, slug)
    form = PasteForm(request.POST if request.method == "POST" else None)
    context = {"list": found, "form": form}
    if form.is_valid():
        try:
            named = read_pasted(form.cleaned_data["papers"])
            changes = add_papers(found, paper_ids=named.paper_ids, by=request.user, now=timezone.now())
        except ListError as error:
            form.add_error("papers", str(error))
        else:
            said = f"{counted(len(changes), 'paper')} added."
            if not named.missing and not named.unread:
                before = before_list(changes) if changes else None
                return answer_act(request, said, default=found.get_absolute_url(), before=before)
            context |= {
                "said": said,
                "there": len(named.paper_ids) - len(changes),
                "missing": named.missing[:MISSING_SHOWN],
                "missing_more": max(len(named.missing) - MISSING_SHOWN, 0),
                "unread": named.unread,
            }
    return render(request, "papers/list_paste.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("library", methods=frozenset({"POST"}))
def lists_of_paper(request: UserRequest, public_id: str) -> HttpResponse:
    """On which of the reader's lists a paper is: a page, for htmx a panel in the card."""
    paper, user = paper_for_read(request.user, public_id), request.user
    lists = edited_lists(user)
    on = lists_with_paper(paper.pk, lists=lists)
    form = PaperListsForm(request.POST if request.method == "POST" else None, lists=lists, paper_id=paper.pk, on=on)
    if form.is_valid():
        try:
            return _answer(request, paper, *_apply(request, paper, form))
        except ListError as error:
            form.add_error(None, str(error))
    target = safe_next(request, default=referring_page(request, default=paper.get_absolute_url()))
    context = {"paper": paper, "form": form, "lists": lists, "next": target}
    response = render(request, "papers/_paper_lists.html" if request.htmx else "papers/paper_lists.html", context)
    response["HX-Reswap"] = "innerHTML"  # the form goes where the panel was, also when it was not right
    return response


def _apply(request: UserRequest, paper: Paper, form: PaperListsForm) -> tuple[str, list[int]]:
    """Put the paper on lists and take it off; what is to be said, and the keys of the changes.

    Raises:
        ListError: a list is full or gone, or the reader has too many.
    """
    user, now = request.user, timezone.now()
    known = {one.pk: one for one in edited_lists(user)}
    coming = [known[pk] for pk in form.coming() if pk in known]
    if name := form.cleaned_data["new"].strip():
        coming.append(create_list(ListDraft(name, visibility=ListVisibility.NAMED), owner=user, now=now))
    changes: list[int] = []
    for one in coming:
        changes += add_papers(one, paper_ids=[paper.pk], by=user, now=now)
    going = [known[pk] for pk in form.going() if pk in known]
    for one in going:
        changes += remove_papers(one, paper_ids=[paper.pk], by=user, now=now)
    added = f"Added to {_names(coming)}." if coming else ""
    removed = f"Removed from {_names(going)}." if going else ""
    return " ".join(filter(None, (added, removed))) or "Nothing was changed.", changes


def _names(lists: list[SharedList]) -> str:
    return ", ".join(f"“{one.name}”" for one in lists)


def _answer(request: UserRequest, paper: Paper, said: str, changes: list[int]) -> HttpResponse:
    user = request.user
    tags = render_own_tags(paper.pk, tag_names_of_paper(user=user, paper_id=paper.pk), owner=user.username)
    return answer_act(
        request,
        said,
        default=paper.get_absolute_url(),
        before=before_list(changes) if changes else None,
        paper=paper,
        html=tags if request.htmx else "",
    )
