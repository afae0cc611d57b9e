"""A small client of Broadsheet's API, for the scripts beside it; copy it into a program of your own.

SITE is the address of the site, TOKEN a token made under Account, API tokens.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import httpx


class Broadsheet:
    """Asks one site as one reader."""

    def __init__(self, site: str = "", token: str = "") -> None:
        self._http = httpx.Client(
            base_url=f"{site or os.environ['SITE']}/api/v1",
            headers={"Authorization": f"Bearer {token or os.environ['TOKEN']}"},
            timeout=30,
        )

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """The answer's JSON; None where it has none. Waits and asks again where the site says that it was too often.

        Raises:
            SystemExit: the site said no; its own words are shown.
        """
        for _ in range(5):
            answer = self._http.request(method, path, **options)
            if answer.status_code != 429:
                break
            time.sleep(int(answer.headers["Retry-After"]))
        if answer.is_error:
            problem = answer.json()
            raise SystemExit(f"{method} {path}: {problem['status']} {problem.get('detail', problem['title'])}")
        return answer.json() if answer.content else None

    def every(self, path: str, **parameters: Any) -> Iterator[Any]:
        """All things of a list, page by page."""
        cursor: str | None = ""
        while cursor is not None:
            page = self.ask("GET", path, params={**parameters, "limit": 100, "cursor": cursor})
            yield from page["items"]
            cursor = page["next"]

    def newest_day(self) -> str | None:
        """The day of the newest edition, such as `2026-03-04`; None where there is none."""
        days = self.ask("GET", "/editions", params={"limit": 1})["items"]
        return days[0]["day"] if days else None
