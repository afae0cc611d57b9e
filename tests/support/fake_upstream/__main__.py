"""Serve by hand: `python -m tests.support.fake_upstream`. Ctrl-C stops it."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from datetime import UTC, date, datetime
from pathlib import Path

from tests.support.fake_upstream.answer import UpstreamState
from tests.support.fake_upstream.behaviour import Behaviour
from tests.support.fake_upstream.catalogue import make_catalogue, weekdays
from tests.support.fake_upstream.server import UpstreamServer


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.fake_upstream", description="Stands in for all sources."
    )
    parser.add_argument("--port", type=int, default=8765, help="0 takes a free one")
    parser.add_argument("--folder", type=Path, help="serve recorded answers of this folder, not made-up ones")
    parser.add_argument("--script", type=Path, help='JSON: [{"path": "/oai", "behaviours": [{"drop": 3}]}, …]')
    parser.add_argument("--today", type=date.fromisoformat, default=datetime.now(UTC).date(), help="YYYY-MM-DD")
    parser.add_argument("--days", type=int, default=8, help="days of papers, up to today (default 8)")
    parser.add_argument("--per-day", type=int, default=40, help="new papers a day (default 40)")
    return parser.parse_args()


def main() -> None:
    options = parse_arguments()
    catalogue = make_catalogue(weekdays(options.today, options.days), options.per_day)
    server = UpstreamServer(UpstreamState(catalogue, options.today), port=options.port, folder=options.folder)
    if options.script:
        for step in json.loads(options.script.read_text(encoding="utf-8")):
            server.script.add(step["path"], [Behaviour.from_json(each) for each in step["behaviours"]])
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.stop).start())
    sys.stdout.write(f"Serving at {server.url}\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
