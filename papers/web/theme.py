"""Light or dark, as a reader chose it; without a choice the system's own holds."""

from __future__ import annotations

from collections.abc import Mapping

THEME_COOKIE = "broadsheet_theme"
THEME_COOKIE_SECONDS = 365 * 24 * 60 * 60
THEMES = ("light", "dark")


def chosen_theme(cookies: Mapping[str, str]) -> str:
    """`light`, `dark`, or nothing where no choice was made."""
    chosen = cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""
