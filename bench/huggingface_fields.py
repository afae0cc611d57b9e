"""Compares recorded answers of Hugging Face's daily papers, field by field, with what we answer for the same days.

    python -m bench.huggingface_fields FOLDER

FOLDER has one `YYYY-MM-DD.json` a day, as `/api/daily_papers?date=` answered. All are read by the source's own reader
into one new database, asked for at `/api/daily_papers`, and compared; nothing leaves the machine. The table says for
each field in how many entries it is equal, absent here, only here, or different.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from bench import serve

EQUAL, EQUAL_BUT_SPACES, ABSENT, ONLY_HERE, DIFFERENT = "equal", "equal but spaces", "absent", "only here", "different"
COLUMNS = (EQUAL, EQUAL_BUT_SPACES, ABSENT, ONLY_HERE, DIFFERENT)
WHY: Mapping[str, str] = {
    "_id": "made of the name beside it: Hugging Face's are its own rows",
    "upvotes": "votes of this site's readers; theirs stand on the card as theirs",
    "numComments": "comments of this site's readers",
    "publishedAt": "the inner paper's, which theirs is hours away from (2024: when it was listed)",
    "submittedOnDailyAt": "midnight UTC of the day; in 2024 it was not sent",
    "user": "of a submitter the full name is kept, and stands here too",
    "name": "of a submitter the full name is kept; of an organization the handle is made of its name",
    "isPro": "what an account pays is not kept",
    "authors": "names that are hidden there are left out",
    "isAuthorParticipating": "nobody's account is an author's here",
    "githubRepo": "read from the abstract too; repeated beside the paper, where the client reads it",
    "projectPage": "read from the abstract too; repeated beside the paper, where the client reads it",
    "title": "cleaned: TeX's accents and quotes are letters, and nothing is a control character",
    "summary": "cleaned as the title is; repeated beside the paper, also for 2024",
}
"""By the last part of a field, why it may differ."""
NEVER = "not kept: of their pages, pictures, models and accounts"

Fields = dict[str, Counter[str]]


def compare(recorded: Iterable[Any], ours: Iterable[Any]) -> Fields:
    """How often each field of the recorded entries is what ours says. Entries are matched by the paper's id; an entry
    that only one side has counts for the field `(entry)`."""
    there, here = ({str(item["paper"]["id"]): item for item in items} for items in (recorded, ours))
    found: Fields = defaultdict(Counter)
    for paper_id in there.keys() | here.keys():
        if paper_id not in here or paper_id not in there:
            found["(entry)"][ABSENT if paper_id in there else ONLY_HERE] += 1
            continue
        found["(entry)"][EQUAL] += 1
        one, other = dict(_flat(there[paper_id])), dict(_flat(here[paper_id]))
        for field in one.keys() | other.keys():
            found[field][_verdict(field, one, other)] += 1
    return found


def is_order_kept(recorded: Iterable[Any], ours: Iterable[Any]) -> bool:
    """Whether the papers that both have stand in the same order."""
    there, here = ([item["paper"]["id"] for item in items] for items in (recorded, ours))
    return [each for each in there if each in set(here)] == [each for each in here if each in set(there)]


def table(found: Fields) -> Iterator[str]:
    """The lines of a table, a field each."""
    yield f"{'field':44}" + "".join(f"{column:>18}" for column in COLUMNS) + "  why"
    for field in sorted(found):
        counts = found[field]
        differs = sum(counts.values()) - counts[EQUAL] - counts[EQUAL_BUT_SPACES]
        why = WHY.get(field.rpartition("/")[2], NEVER) if differs else ""
        yield f"{field:44}" + "".join(f"{counts[column]:>18}" for column in COLUMNS) + f"  {why}"


def _verdict(field: str, there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    if field not in here:
        return ABSENT
    if field not in there:
        return ONLY_HERE
    one, other = there[field], here[field]
    if one == other:
        return EQUAL
    if isinstance(one, str) and isinstance(other, str) and one.split() == other.split():
        return EQUAL_BUT_SPACES
    return DIFFERENT


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each value with its path; of a list of objects each field as the list of its values."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(inner, f"{path}/{name}" if path else name)
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for name in sorted({name for item in value for name in item}):
            yield f"{path}[]/{name}", [item.get(name) for item in value]
    else:
        yield path, value


def answer_for(day: date, data: bytes) -> Any:
    """What this site answers for a day, once it has read what Hugging Face answered."""
    from django.db import transaction
    from django.test import Client

    from papers.models import Source
    from papers.services.ingest.paper_store import store_papers
    from papers.sources.huggingface import parse_list

    page = parse_list(data, day=day, site="https://huggingface.co")
    with transaction.atomic():
        source = Source.objects.create(kind="huggingface", name="Recorded", lists=Source.Lists.ALL)
        store_papers(page.papers, now=datetime.now(UTC), kind=source.kind, source=source)
    return Client(headers={"host": "127.0.0.1"}).get(f"/api/daily_papers?date={day}&limit=100").json()


def main(arguments: list[str]) -> int:
    """Print a table for each day and one for all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    files = sorted(parser.parse_args(arguments).folder.glob("????-??-??.json"))
    if not files:
        print("There are no recorded days in this folder: nothing was compared.")
        return 2
    with serve.broadsheet():
        _compare_all(files)
    return 0


def _compare_all(files: Iterable[Path]) -> None:
    whole: Fields = defaultdict(Counter)
    for path in files:
        data = path.read_bytes()
        recorded = json.loads(data)
        if not isinstance(recorded, list):
            print(f"{path.stem}: no list was recorded. Skipped.")
            continue
        ours = answer_for(date.fromisoformat(path.stem), data)
        for field, counts in compare(recorded, ours).items():
            whole[field].update(counts)
        order = "in the same order" if is_order_kept(recorded, ours) else "in another order"
        print(f"{path.stem}: {len(recorded)} entries recorded, {len(ours)} here, {order}")
    print("\n".join(table(whole)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
