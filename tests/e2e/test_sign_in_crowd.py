"""Many sign in at once: pages of others do not wait behind them, and the limits hold."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from bench.storm_crowd import MOST_GUESSES, MOST_MAILS, crowd
from tests.e2e.running_site import running_site

pytestmark = [
    pytest.mark.xdist_group("running"),
    pytest.mark.skipif(sys.platform != "linux", reason="comes from all of 127.0.0.0/8"),
]


def test_pages_do_not_wait_for_a_crowd_that_signs_in(new_data_folder: Callable[[], Path]) -> None:
    taken: list[float] = []
    with running_site(new_data_folder()) as site, httpx.Client(base_url=site.url, timeout=60) as browser:
        is_over = threading.Event()

        def read() -> None:
            while not is_over.is_set():
                began = time.monotonic()
                browser.get("/about" if len(taken) % 2 else "/sign-in")
                taken.append(time.monotonic() - began)

        reader = threading.Thread(target=read)
        reader.start()
        began = time.monotonic()
        result = crowd(site, people=60, guesses=70, mails=20)
        lasted = time.monotonic() - began
        is_over.set()
        reader.join()
    assert not list(result.wrong()), result
    assert result.guesses_counted <= MOST_GUESSES
    assert result.most_mails <= MOST_MAILS
    assert result.answers["person"]["302"]
    assert not sum(answers["none"] for answers in result.answers.values()), result
    assert max(taken) < lasted / 4, (sorted(taken)[-5:], lasted)
