"""No cache on the way keeps what is somebody's own: each address, as the table of rights asks for it."""

from __future__ import annotations

import pytest

from tests.support.people import anonymous_client
from tests.web.test_rights import BROWSERS, ROWS, ask
from tests.web.test_rights import _things as _things  # a fixture

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("person", ["reader", "staff"])
def test_no_cache_on_the_way_keeps_what_somebody_signed_in_sees(person: str) -> None:
    browser = BROWSERS[person]()
    for row in (row for rows in ROWS.values() for row in rows):
        if row.path != "/sign-out":  # asked for last, below
            assert "private" in ask(browser, row)["Cache-Control"], row
    assert "private" in browser.post("/sign-out")["Cache-Control"]


def test_nor_what_an_address_with_a_secret_opens() -> None:
    for name in ("papers:for-you-feed", "papers:following-feed", "digests:preferences", "digests:sent", "digests:mail"):
        assert "private" in ask(anonymous_client(), ROWS[name][0])["Cache-Control"], name
