"""Names for accounts that are made without asking for one."""

from __future__ import annotations

import secrets

from papers.models import User


def free_username(wish: str) -> str:
    """A name that nobody has yet, as near as can be to `wish`, which may be an address. One query or two."""
    local = "".join(c for c in wish.split("@")[0] if c.isascii() and (c.isalnum() or c in "._-")).lstrip("._-")[:24]
    name = local if len(local) > 1 else "reader"
    while User.objects.filter(username__iexact=name).exists():
        name = name[:24] + secrets.token_hex(2)
    return name
