"""How voters and addresses of lists are written on pages. No queries."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

from papers.services.lists.rows import format_voters
from papers.services.lists.viewer_state import MAX_NAMED_VOTERS
from papers.services.reading.votes import Voters

register = template.Library()


@register.filter
def voters_line(voters: Voters) -> str:
    """`rita, carl and 3 others`."""
    return format_voters(voters.names[:MAX_NAMED_VOTERS], voters.vote_count)


@register.simple_tag(takes_context=True)
def query_string(context: Context, **changes: Any) -> str:
    """What stands behind the `?` of this page, with some of it changed; what becomes empty is left out."""
    asked = context["request"].GET.copy()
    for name, value in changes.items():
        asked[name] = str(value)
    for name in [name for name, value in asked.items() if not value]:
        del asked[name]
    return str(asked.urlencode())
