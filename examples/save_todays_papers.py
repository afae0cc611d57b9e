"""Save to your library, with a tag, every paper of the newest day that has a word in its title or abstract.

    SITE=https://papers.example.org TOKEN=bsh_… python examples/save_todays_papers.py tide tidal

A second run saves nothing twice. The token needs the scopes read and write.
"""

from __future__ import annotations

import sys

from broadsheet import Broadsheet


def main(words: list[str]) -> None:
    site = Broadsheet()
    day = site.newest_day()
    if day is None or not words:
        raise SystemExit("There is no edition yet." if words else "Name one or more words.")
    saved = 0
    for paper in site.every(f"/editions/{day}/papers"):
        text = f"{paper['title']} {paper['abstract']}".lower()
        if any(word.lower() in text for word in words) and paper["mine"]["library"] is None:
            site.ask("PUT", f"/papers/{paper['id']}/library", json={"state": "to_read"})
            site.ask("PUT", f"/papers/{paper['id']}/tags/{words[0]}")
            saved += 1
    print(f"{saved} saved, of {day}")


if __name__ == "__main__":
    main(sys.argv[1:])
