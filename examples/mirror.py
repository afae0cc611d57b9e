"""Keeps a copy of a Broadsheet's papers in an SQLite file, and brings it up to date whenever it is run.

    python examples/mirror.py https://papers.example.org papers.sqlite [--token TOKEN] [--follow SECONDS]

Needs nothing but Python. It may be stopped at any moment, with `kill -9` too: each answer is stored together with the
place where the next one goes on, in one transaction.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

TABLES = """
    CREATE TABLE IF NOT EXISTS paper (key INTEGER PRIMARY KEY, id TEXT NOT NULL, record TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one = 1), since TEXT NOT NULL);
"""
PAUSES = (1, 2, 5, 15, 60)
"""Seconds between attempts when the site does not answer; the last repeats."""
GONE = 410


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site")
    parser.add_argument("file")
    parser.add_argument("--token", default="", help="for a site that is for members")
    parser.add_argument("--limit", type=int, default=500, help="changes an answer")
    parser.add_argument("--follow", type=float, metavar="SECONDS", help="go on, and ask again after so many seconds")
    options = parser.parse_args()
    with sqlite3.connect(options.file) as store:
        store.executescript(TABLES)
        while True:
            answer = ask(options.site, place_of(store), token=options.token, limit=options.limit)
            if answer is None:  # the site was restored from a backup: everything is compared anew
                begin_again(store)
                continue
            apply(store, answer)
            if answer["has_more"]:
                continue
            if options.follow is None:
                return 0
            time.sleep(options.follow)


def place_of(store: sqlite3.Connection) -> str:
    """Where the next answer goes on; empty at the beginning."""
    row = store.execute("SELECT since FROM place").fetchone()
    return row[0] if row else ""


def ask(site: str, since: str, *, token: str, limit: int) -> dict[str, Any] | None:
    """The next answer, however often it has to be asked for; None where the place is not known any more."""
    query = urllib.parse.urlencode({"since": since, "limit": limit} if since else {"limit": limit})
    headers = {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(f"{site.rstrip('/')}/api/v1/changes?{query}", headers=headers)  # noqa: S310
    failures = 0
    while True:
        try:
            with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
                found: dict[str, Any] = json.load(response)
                return found
        except urllib.error.HTTPError as error:
            if error.code == GONE:
                return None
            if error.code < 500 and error.code != 429:
                raise SystemExit(f"The site refused: {error.code} {error.reason}") from error
        except (OSError, ValueError) as error:  # no connection, or it went in the middle
            sys.stderr.write(f"No answer: {error}\n")
        time.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
        failures += 1


def apply(store: sqlite3.Connection, answer: dict[str, Any]) -> None:
    """Store an answer and where the next one goes on, both or neither."""
    with store:
        for change in answer["changes"]:
            if change["type"] == "gone":
                store.execute("DELETE FROM paper WHERE key = ?", (change["key"],))
            else:
                record = json.dumps(change["paper"], ensure_ascii=False, sort_keys=True)
                store.execute("REPLACE INTO paper VALUES (?, ?, ?)", (change["key"], change["id"], record))
        store.execute("REPLACE INTO place VALUES (1, ?)", (answer["next"],))


def begin_again(store: sqlite3.Connection) -> None:
    """Forget everything: what the site no longer has would stay for ever otherwise."""
    with store:
        store.execute("DELETE FROM paper")
        store.execute("DELETE FROM place")


if __name__ == "__main__":
    sys.exit(main())
