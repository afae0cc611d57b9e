"""Comments: written, previewed, edited, deleted, reported; and where a reader is named."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from papers.forms.comments import CommentForm, CommentReportForm
from papers.models import Comment, Mention, Paper, User
from papers.services.reading.comments import (
    add_comment,
    delete_comment,
    edit_comment,
    mark_mentions_read,
    mentioned_usernames,
    read_discussion,
    report_comment,
)
from papers.text import html
from papers.web.http import UserRequest, parse_key
from papers.web.permissions import (
    can_delete_comment,
    comment_for_read,
    deletable_comment,
    own_comment,
    paper_for_read,
    sign_in_required,
)
from papers.web.ratelimit import rate_limited

MENTIONS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class ShownComment:
    """A comment as a paper's page shows it to one viewer."""

    comment: Comment
    html: str
    """What it says, safe; empty where it was deleted."""
    depth: int
    parent_is_missing: bool
    is_own: bool
    may_delete: bool


@dataclass(frozen=True, slots=True)
class ShownDiscussion:
    """The comments of one page of a paper, in the order of reading."""

    threads: list[ShownComment]
    next_after: int
    """The key behind which the later ones are; 0 on the last page."""


NO_DISCUSSION = ShownDiscussion([], 0)
"""Of a paper without comments."""


def show_discussion(paper: Paper, *, viewer: User | AnonymousUser, after: int = 0) -> ShownDiscussion:
    """The comments of a paper as `viewer` sees them. Two queries; one where there are none."""
    found = read_discussion(paper, after=after)
    threads = [
        ShownComment(
            comment=thread.comment,
            html="" if thread.comment.deleted_at else html.markdown(thread.comment.body, thread.mentioned),
            depth=thread.depth,
            parent_is_missing=thread.parent_is_missing,
            is_own=viewer.is_authenticated and thread.comment.user_id == viewer.pk,
            may_delete=can_delete_comment(viewer, thread.comment),
        )
        for thread in found.threads
    ]
    return ShownDiscussion(threads=threads, next_after=found.next_after)


@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("comment")
def comments(request: UserRequest, public_id: str) -> HttpResponse:
    """Write one: the form alone (GET, with `answer` under a comment), a preview of it, or the comment itself."""
    paper = paper_for_read(request.user, public_id)
    parent = _answered(request, paper)
    if request.method != "POST":
        return _form(request, paper, CommentForm(), parent=parent)
    form = CommentForm(request.POST)
    if not form.is_valid() or "preview" in request.POST:
        return _form(request, paper, form, parent=parent)
    try:
        comment = add_comment(user=request.user, paper_id=paper.pk, body=form.cleaned_data["body"], parent=parent)
    except Paper.DoesNotExist as error:  # hidden a moment ago
        raise Http404("There is no such paper here.") from error
    return redirect(f"{paper.get_absolute_url()}#comment-{comment.pk}")


@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("comment")
def edit(request: UserRequest, comment_id: int) -> HttpResponse:
    """Change one's own comment."""
    comment = own_comment(request.user, comment_id)
    form = CommentForm(request.POST) if request.method == "POST" else CommentForm(initial={"body": comment.body})
    if not form.is_valid() or "preview" in request.POST:
        return _form(request, comment.paper, form, comment=comment)
    edit_comment(comment=comment, body=form.cleaned_data["body"])
    return redirect(comment)


@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("comment")
def delete(request: UserRequest, comment_id: int) -> HttpResponse:
    """Ask (GET), and delete: a reader one's own, a curator any."""
    comment = deletable_comment(request.user, comment_id)
    if request.method != "POST":
        return render(request, "papers/comment_delete.html", {"comment": comment, "html": _shown(comment)})
    delete_comment(comment=comment)
    return redirect(comment)


@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("report")
def report(request: UserRequest, comment_id: int) -> HttpResponse:
    """Tell the curators that a comment should not stand."""
    comment = comment_for_read(request.user, comment_id)
    form = CommentReportForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return render(
            request, "papers/comment_report.html", {"comment": comment, "html": _shown(comment), "form": form}
        )
    report_comment(user=request.user, comment=comment, reason=form.cleaned_data["reason"])
    messages.success(request, "Thank you. The curators have been notified.")
    return redirect(comment)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sign_in_required
def mentions(request: UserRequest) -> HttpResponse:
    """Where the reader is named; a press says that all was read."""
    if request.method == "POST":
        mark_mentions_read(user=request.user, now=timezone.now())
        return redirect("papers:mentions")
    found = list(Mention.objects.of(request.user)[:MENTIONS_SHOWN])
    name = frozenset({request.user.username.lower()})
    rows = [(mention, html.markdown(mention.comment.body, name)) for mention in found]
    return render(request, "papers/mentions.html", {"rows": rows, "now": timezone.now()})


def _answered(request: UserRequest, paper: Paper) -> Comment | None:
    """The comment that is answered, if one is.

    Raises:
        Http404: it is gone, or stands under another paper.
    """
    given = request.POST.get("answer") or request.GET.get("answer")
    if not given:
        return None
    found = comment_for_read(request.user, parse_key(given) or 0)
    if found.paper_id != paper.pk:
        raise Http404("There is no such comment here.")
    return found


def _form(
    request: UserRequest,
    paper: Paper,
    form: CommentForm,
    *,
    parent: Comment | None = None,
    comment: Comment | None = None,
) -> HttpResponse:
    """The form on a page of its own; for htmx the form alone, or what it would say."""
    preview = None
    if "preview" in request.POST and form.is_valid():
        body = form.cleaned_data["body"]
        preview = html.markdown(body, mentioned_usernames(body))
    context = {"paper": paper, "form": form, "parent": parent, "comment": comment, "preview": preview}
    context |= {"action": request.path, "parent_html": _shown(parent) if parent else ""}
    if not request.htmx:
        return render(request, "papers/comment.html", context)
    return render(
        request, "papers/_comment_preview.html" if "preview" in request.POST else "papers/_comment_form.html", context
    )


def _shown(comment: Comment) -> str:
    return html.markdown(comment.body)
