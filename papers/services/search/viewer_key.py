"""What kept answers to a question depend on beside its text: whose tags, topics and lists it means."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser

from papers.models import SharedList, User
from papers.query.nodes import ListTerm, Node, all_terms, is_personal


def viewer_key(root: Node | None, viewer: User | AnonymousUser) -> str:
    """A text that differs where the same question has other papers; empty where all readers share the answer.

    Whoever is taken off a list, or from whom it is hidden, gets nothing kept of it. One query where a list is named.
    """
    if root is None or not is_personal(root):
        return ""
    slugs = {term.slug for term in all_terms(root) if isinstance(term, ListTerm)}
    lists = SharedList.objects.readable_by(viewer).filter(slug__in=slugs).order_by("pk") if slugs else ()
    return repr((viewer.pk, [(each.pk, each.changed_at.timestamp()) for each in lists]))
