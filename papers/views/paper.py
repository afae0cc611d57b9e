"""A paper's own page, and the other addresses that lead to it."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from papers.access import paper_for_read
from papers.http import Request
from papers.identifiers import parse_arxiv_id
from papers.services.cards import sign_in_address
from papers.services.paper_page import links_of, paper_facts, paper_moved_from


@require_safe
def paper(request: Request, public_id: str) -> HttpResponse:
    """A paper. Addresses it had before, and ids with a version or in another spelling, lead to the one it has."""
    try:
        found = paper_for_read(request.user, public_id)
    except Http404:
        if moved := paper_moved_from(public_id):
            return redirect("papers:paper", moved, permanent=True)
        named = parse_arxiv_id(public_id)
        if named is None or named.value == public_id:
            raise
        return redirect("papers:paper", named.value)
    vote_url = reverse("papers:vote", args=[found.public_id])
    context = {
        "paper": found,
        "facts": paper_facts(found, viewer=request.user),
        "links": links_of(found),
        "vote_url": vote_url,
        "sign_in_url": sign_in_address(vote_url),
    }
    response = render(request, "papers/paper.html", context)
    patch_vary_headers(response, ["Cookie"])
    return response


@require_safe
def by_arxiv_id(request: Request, arxiv_id: str) -> HttpResponse:
    """`/abs/…` and `/pdf/…`, as on arXiv: only the host has to be changed in the address."""
    named = parse_arxiv_id(arxiv_id)
    if named is None:
        raise Http404("This is no arXiv id.")
    return redirect("papers:paper", named.value)
