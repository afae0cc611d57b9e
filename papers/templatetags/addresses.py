"""`{% url %}` for our own addresses without arguments, asked of Django once a process: each page has forty of them."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.template import Context
from django.template.base import FilterExpression, Parser, Token
from django.template.defaulttags import url as django_url
from django.urls import get_script_prefix, reverse
from django.utils.html import escape
from django.utils.safestring import SafeString

register = template.Library()
_OURS = ("papers:", "digests:")
"""Django's own pages have addresses that depend on where one is."""


@register.tag
def url(parser: Parser, token: Token) -> template.Node:
    """As Django's, which it stands for in all templates."""
    node = django_url(parser, token)
    name = _literal(node.view_name)
    is_fixed = name.startswith(_OURS) and not node.args and not node.kwargs and not node.asvar
    return _FixedAddress(name) if is_fixed else node


def _literal(expression: FilterExpression) -> str:
    """What a template says in quotes; empty for what is known only when it is rendered."""
    return expression.var if isinstance(expression.var, str) and not expression.filters else ""


class _FixedAddress(template.Node):
    def __init__(self, name: str) -> None:
        self.name = name

    def render(self, context: Context) -> SafeString:
        return _address(self.name, get_script_prefix())


@lru_cache(maxsize=500)
def _address(name: str, _script_prefix: str) -> SafeString:
    return escape(reverse(name))
