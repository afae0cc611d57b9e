"""Large parts of a page that are joined with it at the end: each level of a template would copy them twice.

A template gets a mark in the place of a part. Nobody can write one into a page: it is random, another in each process.
"""

from __future__ import annotations

import secrets

from django.utils.safestring import SafeString, mark_safe

_MARK = f"\x00{secrets.token_hex(16)}\x00"


class LargeParts:
    """The large parts of one page, in the order in which it shows them."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def add(self, html: SafeString) -> SafeString:
        """What is to stand in the page for `html`, once, behind all that was added before; nothing for nothing."""
        if not html:
            return html
        self._parts.append(html)
        return mark_safe(_MARK)  # noqa: S308  ours

    def joined(self, page: str) -> bytes:
        """The page with its parts in their places, in UTF-8. A part that it does not show is left out.

        Raises:
            ValueError: it shows some of them, but not all, so nobody knows which.
        """
        around = page.split(_MARK)
        if len(around) == 1:
            return page.encode()
        if len(around) != len(self._parts) + 1:
            raise ValueError(f"A page shows {len(around) - 1} of {len(self._parts)} large parts.")
        joined = [around[0].encode()]
        for part, after in zip(self._parts, around[1:], strict=True):
            joined += (part.encode(), after.encode())
        return b"".join(joined)
