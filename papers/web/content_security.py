"""What a browser may load for a page (Content Security Policy, level 3): files of ours, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

NOTHING, OWN = "'none'", "'self'"
_DIRECTIVES = {
    "default-src": NOTHING,
    "script-src": OWN,
    "style-src": OWN,
    "img-src": f"{OWN} data:",
    "font-src": OWN,
    "connect-src": OWN,
    "form-action": OWN,
    "manifest-src": OWN,
    "worker-src": OWN,
    "base-uri": NOTHING,
    "frame-ancestors": NOTHING,
}


def content_security_policy(changes: Mapping[str, str] = MappingProxyType({})) -> str:
    """The header's value for a page that differs from all others in these directives."""
    return "; ".join(f"{name} {sources}" for name, sources in {**_DIRECTIVES, **changes}.items())


POLICY = content_security_policy()
"""Of all pages that do not set another one."""
