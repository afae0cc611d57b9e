"""Post the five papers of the newest day with the most votes to a chat that takes `{"text": …}` (Slack, Mattermost).

    SITE=https://papers.example.org TOKEN=bsh_… CHAT=https://chat.example.org/hooks/… python examples/post_top_five.py

To be run once a day, by cron. The token needs the scope read; on a public site none is needed for this.
"""

from __future__ import annotations

import os

import httpx
from broadsheet import Broadsheet


def main() -> None:
    site = Broadsheet()
    day = site.newest_day()
    if day is None:
        raise SystemExit("There is no edition yet.")
    papers = site.ask("GET", f"/editions/{day}/papers", params={"limit": 5})["items"]
    lines = [f"Papers of {day}", *(f"{paper['votes']} ▲ {paper['title']}: {paper['url']}" for paper in papers)]
    httpx.post(os.environ["CHAT"], json={"text": "\n".join(lines)}, timeout=30).raise_for_status()
    print(f"{len(papers)} posted, of {day}")


if __name__ == "__main__":
    main()
