"""`{% kept name=value … %} … {% endkept %}`: a part of a page that is everybody's, rendered once for these values.

What stands inside sees the named values and nothing else: no request, no user, no form token. So the key, which is the
values, says all that it is made of, and what belongs to one reader gets in only by name.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import date, datetime
from itertools import count
from typing import Any

from django import template
from django.template import Context, Node, NodeList, TemplateSyntaxError
from django.template.base import FilterExpression, Parser, Token, token_kwargs
from django.template.defaulttags import CsrfTokenNode
from django.template.loader_tags import BlockNode
from django.urls import get_script_prefix
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from papers.process_memory import ProcessMemory

register = template.Library()
MOST_BYTES_HERE = 4_000_000
_VALUES = frozenset((str, SafeString, int, float, bool, date, type(None)))
_numbers = count()
_here: ProcessMemory[Hashable, SafeString] = ProcessMemory(MOST_BYTES_HERE)


@register.tag
def kept(parser: Parser, token: Token) -> Node:
    """See the top of this module.

    Raises:
        TemplateSyntaxError: a value has no name, or a form token or a block stands inside.
    """
    words = token.split_contents()[1:]
    values = token_kwargs(words, parser)
    if words:
        raise TemplateSyntaxError(f"Each value of {{% kept %}} has a name, unlike {words[0]!r}.")
    inside = parser.parse(("endkept",))
    parser.delete_first_token()
    if inside.get_nodes_by_type(CsrfTokenNode) or inside.get_nodes_by_type(BlockNode):
        raise TemplateSyntaxError("What is kept has no form token, and no block that another template fills.")
    return _Kept(values, inside)


class _Kept(Node):
    """Its parts have the names that Django's own nodes give them: whoever walks through templates finds them."""

    def __init__(self, values: Mapping[str, FilterExpression], inside: NodeList) -> None:
        self.extra_context = values
        self.nodelist = inside
        self._number = next(_numbers)

    def render(self, context: Context) -> SafeString:
        values = {name: value.resolve(context) for name, value in self.extra_context.items()}
        key = (self._number, get_script_prefix(), context.autoescape, *map(_key_of, values.values()))
        html = _here.get(key)
        if html is None:
            alone = Context(values, autoescape=context.autoescape)
            alone.template = context.template
            html = mark_safe(self.nodelist.render(alone))  # noqa: S308  what its own tags escaped
            _here.put(key, html, 4 * (len(html) + len(repr(key))))
        return html


def _key_of(value: Any) -> Hashable:
    """A key that differs for values that may be rendered differently: 1 is not True, and safe text is not text.

    Raises:
        TypeError: values of its type cannot be a key.
    """
    kind = type(value)
    if kind in _VALUES:
        return kind, value
    if kind is datetime:  # shown in the reader's time zone
        return kind, value, timezone.get_current_timezone_name()
    if isinstance(value, (tuple, list)):  # named ones, too
        return kind, tuple(map(_key_of, value))
    if kind is dict:
        return kind, tuple((name, _key_of(each)) for name, each in value.items())
    raise TypeError(f"Nothing is kept by a {kind.__name__}: it may not say all that it shows.")
