"""How much memory an installation may take: the machine's, or less where a control group says so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from config.local.memory import MEGABYTE, available_memory

VERSION_2 = "0::/system.slice/broadsheet.service\n"
VERSION_1 = "5:devices:/\n4:cpu,memory:/docker/abc\n0::/\n"
UNLIMITED = "9223372036854771712"


def machine(root: Path, groups: str, limits: Mapping[str, str]) -> Path:
    """The files of a system: `groups` of this process, `limits` by file."""
    for name, text in {"proc/self/cgroup": groups, **limits}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="ascii")
    return root


@pytest.mark.parametrize(
    ("groups", "limits", "expected"),
    [
        (VERSION_2, {"system.slice/broadsheet.service/memory.max": "400000000\n"}, 400_000_000),
        (VERSION_2, {"system.slice/broadsheet.service/memory.max": "max\n"}, None),
        (VERSION_2, {"system.slice/memory.max": "300", "system.slice/broadsheet.service/memory.max": "max"}, 300),
        ("0::/\n", {"memory.max": "500000000\n"}, 500_000_000),  # a container that sees only itself
        (VERSION_1, {"memory/docker/abc/memory.limit_in_bytes": "200\n"}, 200),
        (VERSION_1, {"memory/memory.limit_in_bytes": "100\n"}, 100),  # a container, with the host's path
        (VERSION_1, {"memory/docker/abc/memory.limit_in_bytes": UNLIMITED}, None),
        (VERSION_1, {"unified/memory.max": "700\n"}, 700),
        ("", {}, None),
        ("nonsense", {"memory.max": "nonsense"}, None),
    ],
)
def test_the_smallest_limit_holds(tmp_path: Path, groups: str, limits: Mapping[str, str], expected: int | None) -> None:
    root = machine(tmp_path, groups, {f"sys/fs/cgroup/{name}": text for name, text in limits.items()})
    unlimited = available_memory(tmp_path / "nowhere")
    assert unlimited > 100 * MEGABYTE
    assert available_memory(root) == (expected or unlimited)
