"""Packages that only some installations have: requirements/monitoring.txt."""

from __future__ import annotations

from importlib.util import find_spec

from django.core.exceptions import ImproperlyConfigured


def needed(module: str, variable: str) -> None:
    """Find out whether a module that a setting asks for is there, without importing it.

    Raises:
        ImproperlyConfigured: it is not; the sentence says how it is installed.
    """
    try:
        found = find_spec(module) is not None
    except ModuleNotFoundError:  # the package that it would be in
        found = False
    if not found:
        raise ImproperlyConfigured(
            f"{variable} is set, and what it needs is not installed (no module {module}): install it with "
            "`python3 -m pip --python .venv/bin/python install --require-hashes -r requirements/monitoring.txt`."
        )
