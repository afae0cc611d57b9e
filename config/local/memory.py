"""How much memory there is for this installation: the machine's, or what its control groups leave of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

MEGABYTE = 1024 * 1024
# Where systemd mounts what limits memory: version 2, version 2 beside version 1, version 1 (cgroups(7)).
_MOUNTS = (
    ("", "sys/fs/cgroup", "memory.max"),
    ("", "sys/fs/cgroup/unified", "memory.max"),
    ("memory", "sys/fs/cgroup/memory", "memory.limit_in_bytes"),
)


def available_memory(root: Path = Path("/")) -> int:
    """The memory of this machine or container in bytes: the smallest of what applies. `root` is that of all files."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([machine, *_limits(root)])


def _limits(root: Path) -> Iterator[int]:
    """Those of this process's control groups and of all above them, in bytes; none where there is no such thing."""
    groups = _groups(root)
    for controller, mount, name in _MOUNTS:
        folder = root / mount
        # In a container the path may be the host's, of which only the last folder is to be seen, as the mount itself.
        path = Path(groups.get(controller, "/").lstrip("/"))
        for group in {path, *path.parents}:
            try:
                yield int((folder / group / name).read_text(encoding="ascii"))
            except (OSError, ValueError):  # ValueError: "max"
                continue


def _groups(root: Path) -> dict[str, str]:
    """The control groups of this process: paths by controller, that of version 2 under an empty name."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        found.update(dict.fromkeys(controllers.split(","), path))
    return found
