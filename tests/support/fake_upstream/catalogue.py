"""Made-up papers, and the days on which they are announced: what the fake upstream has to tell."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

CATEGORIES = ("cs.AI", "cs.CL", "cs.CV", "cs.LG", "stat.ML")
LICENSES = (
    "http://creativecommons.org/licenses/by/4.0/",
    "http://arxiv.org/licenses/nonexclusive-distrib/1.0/",
)
_WHAT = ("Sparse Routing", "Slow Gradients", "Quiet Priors", "Folded Attention", "Patient Planning", "Borrowed Labels")
_HOW = ("for", "without", "under", "beyond", "as")
_WHERE = ("Long Documents", "Small Robots", "Noisy Maps", "Rare Languages", "Tidal Forecasts", "Handwritten Proofs")
_GIVEN = ("Ada", "Bjørn", "Chiara", "Dũng", "Elif", "Farid", "Grażyna", "Hồng", "Ines", "Jun", "Kwame", "Łukasz")
_FAMILY = ("Almeida", "Brandt", "Castell", "Dvořák", "Eriksen", "Fontaine", "García", "Holm", "Ito", "Jansen", "Kovač")
_FIRST = (
    "We look at a problem that many groups meet and few write down.",
    "A method is given whose cost grows with $O(n \\log n)$ in the number of tokens.",
    "Most results of this kind hold only when 50% of the labels are right.",
)
_SECOND = (
    "On three benchmarks of our own it is better by a small but steady margin.",
    "Code is at https://github.com/example/{slug}.",
    "We prove that the bound is tight up to a constant $c < 2$.",
)


@dataclass(frozen=True, slots=True)
class FakeVersion:
    """One version of a paper; `announced_on` is the day the feeds tell of it."""

    number: int
    announced_on: date
    title: str
    is_withdrawal: bool = False

    @property
    def released_at(self) -> datetime:
        """On the last working day before it is announced, in time for the deadline; in UTC."""
        back = 3 if self.announced_on.weekday() == 0 else 1
        return datetime.combine(self.announced_on - timedelta(days=back), time(14, self.number), UTC)


@dataclass(frozen=True, slots=True)
class FakePaper:
    """A paper with all its versions, oldest first. The primary category comes first."""

    arxiv_id: str
    abstract: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    versions: tuple[FakeVersion, ...]
    comment: str = ""
    doi: str = ""
    journal_ref: str = ""
    license: str = LICENSES[0]
    upvotes: int = 0
    is_featured: bool = False
    """Whether it is among the other site's daily papers."""

    @property
    def announced_on(self) -> date:
        return self.versions[0].announced_on

    def as_of(self, day: date) -> FakeVersion | None:
        """The newest version that is known on a day."""
        known = [version for version in self.versions if version.announced_on <= day]
        return known[-1] if known else None


@dataclass(slots=True)
class Catalogue:
    """All papers, by id, in the order they are announced in."""

    papers: dict[str, FakePaper] = field(default_factory=dict)

    @property
    def days(self) -> list[date]:
        return sorted({version.announced_on for paper in self.papers.values() for version in paper.versions})

    def add(self, *papers: FakePaper) -> None:
        """Put papers in, in place of those with the same id."""
        self.papers.update({paper.arxiv_id: paper for paper in papers})

    def announced(self, day: date) -> Iterator[tuple[FakePaper, FakeVersion]]:
        """What a day brings: new papers, and new versions of old ones."""
        for paper in self.papers.values():
            for version in paper.versions:
                if version.announced_on == day:
                    yield paper, version

    def known(self, today: date) -> list[tuple[FakePaper, FakeVersion]]:
        """Every paper with its newest version, as of a day."""
        found = ((paper, paper.as_of(today)) for paper in self.papers.values())
        return [(paper, version) for paper, version in found if version is not None]

    def new_ids(self, day: date, categories: Iterable[str] = CATEGORIES) -> set[str]:
        """The ids that a day announces as new or cross in these categories: what must be stored of it."""
        wanted = set(categories)
        return {
            paper.arxiv_id
            for paper, version in self.announced(day)
            if version.number == 1 and wanted.intersection(paper.categories)
        }


def weekdays(until: date, count: int) -> list[date]:
    """The last `count` days from Monday to Friday, up to and with `until`, oldest first."""
    days = (until - timedelta(days=back) for back in range(count * 2 + 5))
    return sorted([day for day in days if day.weekday() < 5][:count])


def make_catalogue(
    days: Sequence[date], per_day: int, *, categories: Sequence[str] = CATEGORIES, seed: int = 7
) -> Catalogue:
    """`per_day` new papers a day, one in five of them with a second version on the next day. Always the same."""
    dice = random.Random(seed)
    catalogue = Catalogue()
    following = dict(pairwise(days))
    months: dict[str, int] = {}
    for day in days:
        month = f"{day:%y%m}"
        for number in range(per_day):
            months[month] = months.get(month, 0) + 1
            arxiv_id = f"{month}.{months[month]:05d}"
            catalogue.add(_make_paper(arxiv_id, day, following.get(day), number, categories, dice))
    return catalogue


def _make_paper(
    arxiv_id: str, day: date, next_day: date | None, number: int, categories: Sequence[str], dice: random.Random
) -> FakePaper:
    title = f"{dice.choice(_WHAT)} {dice.choice(_HOW)} {dice.choice(_WHERE)}, Note {arxiv_id[-4:].lstrip('0')}"
    versions = [FakeVersion(1, day, title)]
    if next_day is not None and number % 5 == 4:
        versions.append(FakeVersion(2, next_day, f"{title} (Corrected)" if number % 10 == 9 else title))
    primary = categories[number % len(categories)]
    others = [category for category in categories if category != primary]
    slug = title.split(",")[0].lower().replace(" ", "-")
    return FakePaper(
        arxiv_id=arxiv_id,
        abstract=f"{dice.choice(_FIRST)}\n{dice.choice(_SECOND).format(slug=slug)}",
        authors=_make_authors(40 if number % 17 == 16 else dice.randint(1, 6), dice),
        categories=(primary, *sorted(dice.sample(others, k=min(number % 3, len(others))))),
        versions=tuple(versions),
        comment=f"{dice.randint(6, 40)} pages" if number % 2 else "",
        doi=f"10.5555/fake.{arxiv_id}" if number % 7 == 6 else "",
        license=dice.choice(LICENSES),
        upvotes=dice.randint(0, 90),
        is_featured=number % 4 == 0,
    )


def _make_authors(count: int, dice: random.Random) -> tuple[str, ...]:
    return tuple(f"{dice.choice(_GIVEN)} {dice.choice(_FAMILY)}" for _ in range(count))
