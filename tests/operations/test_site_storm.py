"""A whole installation under kills and ordeals: nothing that was acknowledged is lost, and everything comes back."""

from __future__ import annotations

import sys

import pytest

from bench.site_storm import place_by_default, storm
from bench.storm_ordeals import ORDEALS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("running"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]
# A machine that runs other tests beside it is slow; what a quiet one takes is printed by `python -m bench.site_storm`.
SLOWNESS = 4.0


@pytest.mark.parametrize(
    ("seconds", "ordeals"),
    [(60, ()), pytest.param(600, tuple(ORDEALS), marks=pytest.mark.long)],
)
def test_nothing_is_lost_in_a_storm_and_everything_is_back_after_it(seconds: float, ordeals: tuple[str, ...]) -> None:
    with place_by_default(slowness=SLOWNESS) as place:
        result = storm(place, seconds=seconds, seed=1, ordeals=ordeals)
    sys.stdout.write(f"\n{place.seen.table()}\n")
    assert result.votes > 0
    assert result.is_good(slowness=SLOWNESS), result
