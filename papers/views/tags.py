"""Tags: all of a reader's, and the page of one, which others may read if it is shared."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from papers.forms.library import TagForm
from papers.models import Tag, TaggedPaper
from papers.models.library import TaggedPosition
from papers.services.reading.tags import TagError, delete_tag, rename_tag, share_tag
from papers.views.paper_lists import card_page, show_list
from papers.web.http import Request, UserRequest
from papers.web.permissions import own_tag, sign_in_required, tag_for_read
from papers.web.ratelimit import rate_limited


@require_safe
@never_cache
def tags(request: Request) -> HttpResponse:
    """The reader's own tags, and those that others share."""
    readable = Tag.objects.readable_by(request.user).with_counts().select_related("user").order_by("name", "pk")[:1000]
    own = [tag for tag in readable if tag.user_id == request.user.pk]
    shared = [tag for tag in readable if tag.user_id != request.user.pk]
    return render(request, "papers/tags.html", {"own": own, "shared": shared})


@require_safe
@never_cache
def tag(request: Request, owner: str, name: str) -> HttpResponse:
    """The papers of a tag, last tagged first."""
    found = tag_for_read(request.user, owner, name)
    is_own = found.user_id == request.user.pk
    page = card_page(
        request, TaggedPosition, lambda after: TaggedPaper.objects.newest_of(found, after=after), is_own=is_own
    )
    form = TagForm(initial={"name": found.name, "is_shared": found.shared_at is not None})
    return show_list(request, "papers/tag.html", page, {"tag": found, "is_own": is_own, "form": form})


@require_POST
@sign_in_required
@rate_limited("library")
def change_tag(request: UserRequest, owner: str, name: str) -> HttpResponse:
    """Rename a tag, which may merge it with another, share it, or stop sharing it."""
    found, form = own_tag(request.user, owner, name), TagForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect(found)
    try:
        kept = rename_tag(tag=found, name=form.cleaned_data["name"])
    except TagError as error:
        messages.error(request, str(error))
        return redirect(found)
    if kept.pk == found.pk:
        share_tag(tag=kept, on=form.cleaned_data["is_shared"])
    else:
        messages.success(request, f"“{name}” and “{kept.name}” have been merged.")
    return redirect(kept)


@require_POST
@sign_in_required
@rate_limited("library")
def remove_tag(request: UserRequest, owner: str, name: str) -> HttpResponse:
    """Delete a tag. The papers stay, and so do their other tags."""
    delete_tag(tag=own_tag(request.user, owner, name))
    messages.success(request, f"The tag “{name}” was deleted.")
    return redirect("papers:tags")
