"""A whole installation under kills and upheavals: nothing that was acknowledged is lost, and everything comes back."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.hostile import manage
from bench.site_storm import Result, import_papers, is_well, papers_file, readers, site_by_default, storm

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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 400 MB, of its own."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("this container cannot mount a disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_loses_nothing_and_room_brings_everything_back(small_disk: Path, tmp_path: Path) -> None:
    result = Result()
    with site_by_default(str(small_disk / "data")) as site:
        import_papers(site, papers_file(tmp_path, 0, 50))
        with readers(site, result) as answered:
            wait_until(lambda: len(answered) > 1, 60)
            fill(small_disk / "ballast")
            before = len(answered)
            time.sleep(20)
            (small_disk / "ballast").unlink()
            wait_until(lambda: is_well(site.url), 120)
            wait_until(lambda: len(answered) > before, 120)
        voted = "from papers.models import Vote\nprint(*Vote.objects.values_list('paper__public_id', flat=True))"
        assert set(answered) <= set(manage(site.environment, voted))


def fill(path: Path) -> None:
    """Write until there is no room."""
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 65536) == 65536:
                pass
        except OSError:
            return


def wait_until(is_so: Callable[[], object], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.2)
