"""A stand-in for all sources, on 127.0.0.1, that can be told what to get wrong.

It answers at /api/query, /oai, /rss/<query>, /atom/<query>, /api/daily_papers, /api/papers/<id> and /feeds/<name>, from
a catalogue of made-up papers or from a folder of recorded answers. In a test:

    with fake_upstream() as upstream:
        upstream.script("/oai", Behaviour(status=503, headers={"Retry-After": "5"}), Behaviour(drop=3))

By hand: `python -m tests.support.fake_upstream --help`.
"""

from tests.support.fake_upstream.behaviour import Behaviour
from tests.support.fake_upstream.catalogue import Catalogue, FakePaper, FakeVersion, make_catalogue, weekdays
from tests.support.fake_upstream.driver import TODAY, FakeUpstream, UpstreamDriver, fake_upstream, fake_upstream_process
from tests.support.fake_upstream.no_rate_limit import NoRateLimit, unlimited_client
from tests.support.fake_upstream.server import LogEntry

__all__ = [
    "TODAY",
    "Behaviour",
    "Catalogue",
    "FakePaper",
    "FakeUpstream",
    "FakeVersion",
    "LogEntry",
    "NoRateLimit",
    "UpstreamDriver",
    "fake_upstream",
    "fake_upstream_process",
    "make_catalogue",
    "unlimited_client",
    "weekdays",
]
