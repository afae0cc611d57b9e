"""What a whole installation takes in memory, process by process: under the load of a day, and at rest afterwards.

    make bench-memory [PAPERS=2000] [LIMIT=2048] [JSON=result.json] [ARGS="--idle 600"]

`manage.py up` runs with its defaults on a folder of its own. A day's papers are imported by the command and embedded,
and a backup is written, while two readers open pages and search. When nothing waits any more and the embedder has
slept, everything is at rest.
Proportional set sizes: what processes share, Postgres's memory too, is counted once among them. `LIMIT`, in MB, makes a
control group of that size around all of it, where this account may (root, cgroups of version 1 or 2).
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from tests.e2e import running_site as site_start
from tests.e2e.running_site import ROOT, Site, running_site

REST_BUDGET, LOAD_BUDGET = 600, 900
SLEEP_SECONDS = 20
"""How long nothing may have happened before the embedder sleeps, here; the installation's own default is 600."""
_BY_DEFAULT = {"BROADSHEET_WEB_PROCESSES": "2", "BROADSHEET_WORKERS": "2"}
_NAMES = (
    ("config.local.watch", "supervisor"),
    ("config.fork_server", "fork server"),
    ("gunicorn", "web server"),
    ("-n worker", "worker"),
    ("-n fetcher", "fetcher"),
    ("-n mailer", "mailer"),
    ("config.beat", "beat"),
    ("embed --serve", "embedder"),
    ("papers.isolation", "readers of foreign bytes"),
    ("import_papers", "import command"),
    ("manage.py backup", "backup command"),
    ("postgres", "Postgres"),
    ("valkey", "Valkey"),
    ("manage.py up", "supervisor"),
)
"""What a command line holds, and what its process is called here."""


@dataclass(frozen=True, slots=True)
class Size:
    """The processes of a name together, in MB. What they share with others is in `resident` of each."""

    processes: int = 0
    proportional: float = 0.0
    resident: float = 0.0
    shared: float = 0.0

    def __add__(self, other: Size) -> Size:
        return Size(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


def sizes(root: int, *more: int) -> dict[str, Size]:
    """What processes and all that descend from them have in memory, by name."""
    parents: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
    wanted, size = {root, *more}, 0
    while len(wanted) != size:
        size = len(wanted)
        wanted |= {pid for pid, parent in parents.items() if parent in wanted}
    found: dict[str, Size] = {}
    for pid in wanted:
        with suppress(OSError):
            line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            name = next((name for part, name in _NAMES if part in line), line.strip()[:30] or "ending")
            found[name] = found.get(name, Size()) + size_of(pid)
    return found


def size_of(pid: int) -> Size:
    """Raises OSError where it has ended."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    of = {key: int(value) / 1024 for key, value in re.findall(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE)}
    return Size(1, of["Pss"], of["Rss"], of["Shared_Clean"] + of["Shared_Dirty"])


def total(found: Mapping[str, Size]) -> float:
    return sum(size.proportional for size in found.values())


@contextmanager
def control_group(megabytes: int) -> Iterator[Path | None]:
    """Put this process, and all it starts, under a limit; its folder. None where none is wanted or may be made."""
    base = Path("/sys/fs/cgroup/memory")
    limit = "memory.limit_in_bytes" if base.is_dir() else "memory.max"
    group = (base if base.is_dir() else base.parent) / f"broadsheet-bench-{os.getpid()}"
    if not megabytes:
        yield None
        return
    before = next(
        (group.parent / line.rpartition(":")[2].lstrip("/"))
        for line in Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
        if ":memory:" in line or (line.startswith("0::") and not base.is_dir())
    )
    try:
        group.mkdir()
        (group / limit).write_text(f"{megabytes * 1024**2}\n", encoding="ascii")
        (group / "cgroup.procs").write_text(f"{os.getpid()}\n", encoding="ascii")
    except OSError as error:
        sys.exit(f"No control group can be made here ({error}): leave out LIMIT.")
    try:
        yield group
    finally:
        (before / "cgroup.procs").write_text(f"{os.getpid()}\n", encoding="ascii")
        with suppress(OSError):  # something of it is still ending
            group.rmdir()


def group_report(group: Path | None) -> dict[str, int]:
    """What the kernel counted, files in memory and all: the most in MB, and how often the limit was met or killed."""
    found: dict[str, int] = {}
    names = ("memory.max_usage_in_bytes", "memory.peak", "memory.failcnt", "memory.oom_control", "memory.events")
    for name in names if group else ():
        with suppress(OSError):
            text = (group / name).read_text(encoding="ascii")  # type: ignore[operator]  # there is one
            if "oom_kill" in text:
                found["killed"] = int(re.findall(r"oom_kill (\d+)", text)[-1])
            elif name == "memory.failcnt":
                found["limit met"] = int(text)
            else:
                found["most"] = int(text) // 1024**2
    return found


def import_day(site: Site, papers: int, folder: Path) -> subprocess.Popen[bytes]:
    """Start the import of so many made-up papers of today's edition."""
    from bench.catalogue import synthetic_papers

    path = folder / "papers.jsonl"
    today = datetime.now(UTC)
    with path.open("w", encoding="utf-8") as lines:
        for number, row in enumerate(itertools.islice(synthetic_papers(), papers)):
            row |= {"arxiv_id": f"{today:%y%m}.{10_000 + number:05}", "published": f"{today:%Y-%m-%d}"}
            lines.write(json.dumps(row | {"announced_on": f"{today:%Y-%m-%d}"}) + "\n")
    command = [sys.executable, "manage.py", "import_papers", str(path), "--processes", "1"]
    return subprocess.Popen(command, cwd=ROOT, env=site.environment, stdout=subprocess.DEVNULL)


def back_up(site: Site, folder: Path) -> subprocess.Popen[bytes]:
    """Start writing a backup."""
    command = [sys.executable, "manage.py", "backup", str(folder / "broadsheet.zip")]
    return subprocess.Popen(command, cwd=ROOT, env=site.environment, stdout=subprocess.DEVNULL)


def read(site: Site, until: threading.Event, seconds: list[float]) -> None:
    """A reader: pages, then a search by words that nobody has asked for yet, again and again."""
    paths = ("/", "/papers", "/topics", "/status", "/papers.atom", "/api/v1/papers")
    with httpx.Client(base_url=site.url, timeout=60) as browser:
        for number in itertools.count():
            path = f"/papers?q=sparse+model+{number}" if number % 3 == 0 else paths[number % len(paths)]
            if until.is_set():
                return
            start = time.monotonic()
            with suppress(httpx.HTTPError):
                browser.get(path)
                seconds.append(time.monotonic() - start)
            time.sleep(0.2)


def waiting(site: Site) -> int:
    """How many papers have no vector yet."""
    code = "from papers.models import EmbeddingBacklog as b; print(b.objects.count())"
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=site.environment, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1])


def measure(site: Site, *, papers: int, idle: float) -> dict[str, Any]:
    """The day and the rest after it: the sizes at the worst moment, those at rest, and how long readers waited."""
    is_over, seconds = threading.Event(), list[float]()
    readers = [threading.Thread(target=read, args=(site, is_over, seconds), daemon=True) for _ in range(2)]
    for reader in readers:
        reader.start()
    with tempfile.TemporaryDirectory() as folder:
        command, worst = import_day(site, papers, Path(folder)), dict[str, Size]()
        next_look, is_kept = 0.0, False
        while not (is_kept and command.poll() is not None):
            worst = max(worst, sizes(site.pid, command.pid), key=total)
            time.sleep(0.5)
            if not is_kept and command.poll() is not None and time.monotonic() > next_look:
                left = waiting(site)
                print(f"{left} papers wait for a vector", file=sys.stderr, flush=True)
                next_look = time.monotonic() + 20
                if not left:
                    command, is_kept = back_up(site, Path(folder)), True
    if command.returncode:
        sys.exit("The backup failed.")
    is_over.set()
    for reader in readers:
        reader.join()
    print(f"At rest for {idle:.0f} s …", file=sys.stderr, flush=True)
    time.sleep(idle)
    seconds.sort()
    return {
        "load": {name: asdict(size) for name, size in worst.items()},
        "rest": {name: asdict(size) for name, size in sizes(site.pid).items()},
        "requests": len(seconds),
        "p95_ms": round(1000 * seconds[int(0.95 * len(seconds))]),
        "longest_ms": round(1000 * seconds[-1]),
    }


def table(found: Mapping[str, Any]) -> str:
    lines = []
    for when, budget in (("load", LOAD_BUDGET), ("rest", REST_BUDGET)):
        rows = sorted(found[when].items(), key=lambda row: -row[1]["proportional"])
        lines += [f"| at {when} | processes | PSS, MB | RSS, MB | shared, MB |", "|---|---|---|---|---|"]
        for name, size in rows:
            numbers = f"{size['proportional']:.0f} | {size['resident']:.0f} | {size['shared']:.0f}"
            lines.append(f"| {name} | {size['processes']} | {numbers} |")
        took = sum(size["proportional"] for _, size in rows)
        lines += [f"| **all** (budget {budget}) | {sum(s['processes'] for _, s in rows)} | **{took:.0f}** | | |", ""]
    lines.append(f"{found['requests']} requests, p95 {found['p95_ms']} ms, longest {found['longest_ms']} ms")
    if group := found["group"]:
        lines.append(f"Control group: {group}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--papers", type=int, default=2_000)
    parser.add_argument("--limit", type=int, default=0, help="MB of a control group around all of it")
    parser.add_argument("--idle", type=float, default=SLEEP_SECONDS + 20, help="seconds at rest before the second look")
    parser.add_argument("--folder", default="", help="on this data folder, which is kept")
    parser.add_argument("--json", default="", help="also write the result there")
    options = parser.parse_args()
    site_start.START_SECONDS = 600  # on a slow machine, under a limit
    settings = {**_BY_DEFAULT, "BROADSHEET_EMBEDDER_IDLE": f"{min(SLEEP_SECONDS, int(options.idle / 2))}s"}
    with (
        tempfile.TemporaryDirectory(prefix="broadsheet-memory-") as folder,
        control_group(options.limit) as group,
        running_site(Path(options.folder or folder), settings=settings) as site,
    ):
        found = measure(site, papers=options.papers, idle=options.idle) | {"group": group_report(group)}
    print(table(found))
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
