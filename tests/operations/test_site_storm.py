"""A whole installation under kills and upheavals: nothing that was acknowledged is lost, and everything comes back."""

from __future__ import annotations

import sys

import pytest

from bench.site_storm import site_by_default, storm

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("running"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]
# A machine that runs other tests beside it is slow; what a quiet one takes is printed by `python -m bench.site_storm`.
SLOWNESS = 4.0


@pytest.mark.parametrize("seconds", [60, pytest.param(600, marks=pytest.mark.long)])
def test_nothing_is_lost_in_a_storm_and_everything_is_back_after_it(seconds: float) -> None:
    with site_by_default() as site:
        result = storm(site, seconds=seconds, seed=1)
    assert result.votes > 0
    assert result.is_good(slowness=SLOWNESS), result
