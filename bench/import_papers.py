"""Times the import of a file beside COPY and one bare upsert of the same rows into tables made the same way.

    make bench-import FILE=papers.jsonl.xz [PAPERS=100000] [JSON=result.json] [ARGS="--processes 2"]

The import is the command's own: unpacking, reading, cleaning, finding out what is known, storing, with as many
processes as it takes. The baseline gets the finished rows for nothing, from memory: COPY into a temporary table, then
one INSERT … ON CONFLICT DO UPDATE a table, in one transaction and one connection, into tables with the same columns,
indexes, constraints, generated columns and search vectors. With PAPERS more than the file has, its rows are repeated
under other ids.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import serve
from bench.catalogue import open_lines

BUDGET_RATES = {100_000: 1000.0, 1_000_000: 700.0}
BUDGET_RATIO = 2.0
# Those that an import fills; the order in which they may be filled.
TABLES = (
    "papers_paper",
    "papers_identifier",
    "papers_papercategory",
    "papers_paperversion",
    "papers_paperexternalcounts",
)


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured, in seconds."""

    rows: int
    papers: int
    rejected: int
    processes: int
    import_seconds: float
    import_cpu: float
    """Of all processors, Postgres included: on a machine that does other things too, the fairer comparison."""
    copy_seconds: float
    upsert_seconds: float
    baseline_cpu: float
    again_seconds: float | None
    """The same file once more, which changes nothing."""
    load: float
    """What else the machine did: its load average at the end, ours included."""

    @property
    def rate(self) -> float:
        return self.rows / self.import_seconds

    @property
    def ratio(self) -> float:
        return self.import_seconds / (self.copy_seconds + self.upsert_seconds)


def main() -> None:
    options = arguments()
    with serve.broadsheet(options.folder), tempfile.TemporaryDirectory() as folder:
        file = Path(options.file) if options.file and not options.papers else made(options, Path(folder))
        result = measure(file, options)
    print(table(result))
    if options.json:
        Path(options.json).write_text(
            json.dumps({**asdict(result), "rate": result.rate, "ratio": result.ratio}, indent=1), encoding="utf-8"
        )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=int, default=0, help="as many as the file has; 20,000 made up without a file")
    parser.add_argument("--file", default="", help="JSON lines of real papers, as import_papers takes them")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--again", action="store_true", help="also time the same file once more")
    parser.add_argument("--folder", default="", help="keep the data there")
    parser.add_argument(
        "--no-changes", action="store_true", help="without the triggers that note changes for mirrors: what they cost"
    )
    parser.add_argument("--json", default="", help="also write the result there")
    return parser.parse_args()


def made(options: argparse.Namespace, folder: Path) -> Path:
    """A file of so many papers: those of the given one, over again under other ids, or made-up ones."""
    path = folder / "papers.jsonl"
    count = options.papers or 20_000
    serve.say(f"Writing {count:,} papers …")
    with path.open("w", encoding="utf-8") as lines:
        for row in itertools.islice(repeated(options.file), count):
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


def repeated(file: str) -> Iterator[dict[str, Any]]:
    """The rows of a file, first as they are, then again and again with ids of months to come and without DOIs."""
    from bench.catalogue import synthetic_papers

    if not file:
        for number, row in enumerate(synthetic_papers()):
            yield row | {
                "arxiv_id": f"{4001 + number // 99_999 % 12 + number // 1_199_988 * 100}.{number % 99_999 + 1:05}"
            }
    number = 0
    for turn in itertools.count():
        with open_lines(Path(file)) as lines:
            for line in lines:
                row = json.loads(line)
                if turn:
                    month = 4001 + number // 99_999 // 12 * 100 + number // 99_999 % 12
                    row |= {"arxiv_id": f"{month}.{number % 99_999 + 1:05}", "doi": None}
                    number += 1
                yield row


def measure(file: Path, options: argparse.Namespace) -> Result:
    from papers.services.paper_import.importer import PaperImportOptions, PaperImportSummary, import_file

    def show(summary: PaperImportSummary) -> None:
        serve.say(f"\r{summary.rows:,} rows, {summary.rows_a_second:,.0f} papers/s")

    def run() -> PaperImportSummary:
        asked = PaperImportOptions(site="https://huggingface.example.org", processes=options.processes,
                        rejected=Path(options.folder or tempfile.gettempdir()) / "bench.rejected.jsonl")  # fmt: skip
        started = time.perf_counter()
        found = import_file(file, options=asked, now=datetime.now(UTC), report=Every(10.0, show))
        found.seconds = time.perf_counter() - started
        return found

    if options.no_changes:
        stop_noting_changes()
    before = processor_seconds()
    first = run()
    import_cpu = processor_seconds() - before
    if first.error:
        raise SystemExit(f"{file}: {first.error}.")
    again = run() if options.again else None
    serve.say("Now the baseline …")
    copy_seconds, upsert_seconds, baseline_cpu = baseline()
    return Result(
        rows=first.rows,
        papers=first.new,
        rejected=first.rejected,
        processes=options.processes,
        import_seconds=first.seconds,
        import_cpu=import_cpu,
        copy_seconds=copy_seconds,
        upsert_seconds=upsert_seconds,
        baseline_cpu=baseline_cpu,
        again_seconds=again.seconds if again else None,
        load=os.getloadavg()[0],
    )


def stop_noting_changes() -> None:
    """Turn off the triggers of papers/migrations/sql/0009_changes.sql, and what replaced them."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, quote_ident(tgname) FROM pg_trigger "
            "JOIN pg_proc ON pg_proc.oid = tgfoid WHERE NOT tgisinternal AND proname LIKE 'papers\\_note\\_change%'"
        )
        for table_name, trigger in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table_name} DISABLE TRIGGER {trigger}")


class Every:
    """Calls a function at most once in so many seconds."""

    def __init__(self, seconds: float, call: Any) -> None:
        self._seconds, self._call, self._last = seconds, call, time.monotonic()

    def __call__(self, value: Any) -> None:
        if time.monotonic() - self._last >= self._seconds:
            self._last = time.monotonic()
            self._call(value)


def processor_seconds() -> float:
    """Processor time so far of this process, those it started and waited for, and Postgres; 0 where nobody tells."""
    from django.db import connection

    if not Path("/proc/self/stat").exists():
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        postmaster = stat(cursor.fetchone()[0])[1]
    ticks = sum(stat(os.getpid())[11:15]) + sum(stat(postmaster)[11:15])
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and (found := stat(int(folder.name))) and found[1] == postmaster:
            ticks += sum(found[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def stat(process: int) -> list[int]:
    """Fields of /proc/<process>/stat behind the name: state (0), parent, …, own ticks (11, 12), children's (13, 14)."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(field) if field.lstrip("-").isdecimal() else 0 for field in text.rpartition(")")[2].split()]


def baseline() -> tuple[float, float, float]:
    """Of COPY and of the bare upserts of all that was stored, into empty tables made like the real ones: the seconds
    of both, and their processor time."""
    from django.db import connection, transaction

    copying = upserting = cpu = 0.0
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS baseline")
        for name in TABLES:
            cursor.execute(f"DROP TABLE IF EXISTS baseline.{name}")
            cursor.execute(f"CREATE TABLE baseline.{name} (LIKE public.{name} INCLUDING ALL)")
        cursor.execute(
            "CREATE TRIGGER paper_search_vector BEFORE INSERT OR UPDATE ON baseline.papers_paper "
            "FOR EACH ROW EXECUTE FUNCTION papers_write_search_vector()"
        )
        cursor.execute("CHECKPOINT")
        with transaction.atomic():
            for name in TABLES:
                columns = writable(cursor, name)
                rows = packed(cursor, name, columns)
                cpu -= processor_seconds()
                started = time.perf_counter()
                cursor.execute(
                    f"CREATE TEMP TABLE incoming ON COMMIT DROP AS SELECT {columns} FROM {name} WITH NO DATA"
                )
                with cursor.copy(f"COPY incoming ({columns}) FROM STDIN") as copy:
                    for chunk in rows:
                        copy.write(chunk)
                copying += time.perf_counter() - started
                started = time.perf_counter()
                cursor.execute(upsert(cursor, name, columns))
                cursor.execute("DROP TABLE incoming")
                upserting += time.perf_counter() - started
                cpu += processor_seconds()
            started = time.perf_counter()
        upserting += time.perf_counter() - started
        cursor.execute("DROP SCHEMA baseline CASCADE")
    return copying, upserting, cpu


def writable(cursor: Any, name: str) -> str:
    cursor.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s "
        "AND is_generated = 'NEVER' AND data_type <> 'tsvector' ORDER BY ordinal_position",
        [name],
    )
    return ", ".join(f'"{column}"' for (column,) in cursor.fetchall())


def packed(cursor: Any, name: str, columns: str) -> list[bytes]:
    """The rows as COPY takes them, in the order in which they were stored."""
    with cursor.copy(f"COPY (SELECT {columns} FROM {name} ORDER BY ctid) TO STDOUT") as copy:
        return [bytes(chunk) for chunk in copy]


def upsert(cursor: Any, name: str, columns: str) -> str:
    cursor.execute(
        "SELECT string_agg(quote_ident(attname), ', ' ORDER BY array_position(indkey::int2[], attnum)) "
        "FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY(indkey) "
        "WHERE indrelid = %s::regclass AND indisprimary",
        [f"public.{name}"],
    )
    key = cursor.fetchone()[0]
    keys = {column.strip('" ') for column in key.split(",")}
    others = [column for column in columns.split(", ") if column.strip('"') not in keys]
    changes = ", ".join(f"{column} = excluded.{column}" for column in others)
    action = f"DO UPDATE SET {changes}" if changes else "DO NOTHING"
    return f"INSERT INTO baseline.{name} ({columns}) SELECT {columns} FROM incoming ON CONFLICT ({key}) {action}"


def table(result: Result) -> str:
    """What was measured, as it is printed."""
    budget = BUDGET_RATES[1_000_000 if result.rows > 300_000 else 100_000]
    kept = "ok" if result.rate >= budget else "UNDER"
    within = "ok" if result.ratio <= BUDGET_RATIO else "OVER"
    lines = [
        f"{result.rows:,} rows, {result.papers:,} new papers, {result.rejected:,} rejected; "
        f"{result.processes} processes, Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"load {result.load:.1f}",
        "",
        f"{'import':34}{result.import_seconds:9.1f} s{result.rate:9.0f} papers/s   budget {budget:.0f} {kept}",
        f"{'COPY into temporary tables':34}{result.copy_seconds:9.1f} s",
        f"{'upsert into the indexed tables':34}{result.upsert_seconds:9.1f} s",
        f"{'import, times COPY and upsert':34}{result.ratio:9.2f}{'':21}budget {BUDGET_RATIO:.0f} {within}",
    ]
    if result.import_cpu and result.baseline_cpu:
        lines.append(
            f"{'processor time, import / baseline':34}{result.import_cpu:9.1f} s / {result.baseline_cpu:.1f} s = "
            f"{result.import_cpu / result.baseline_cpu:.2f}"
        )
    if result.again_seconds:
        lines.append(
            f"{'the same file again':34}{result.again_seconds:9.1f} s{result.rows / result.again_seconds:9.0f} papers/s"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
