"""Which paper a record is about: records and stored papers that share an identifier meet. Pure.

The rules, in their order:

- an arXiv id names one paper, and two arXiv ids are never one paper, whatever else they share (376 DOIs are each given
  by two of them): the DOI then stays with the paper that had it first;
- a DOI, or an id of another catalogue, brings records and papers together; one of them that has no arXiv id becomes
  part of the one that has;
- an address is a weak name (some feeds give all their entries the same one): it finds a paper only where nothing
  better does, and only if the two do not contradict each other in the rest of their names;
- a feed's entry that waits for the record of the paper it speaks of becomes part of that paper when the record is here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from papers.services.ingest.clean_record import STRONG_SCHEMES, CleanPaper

IdentifierPair = tuple[str, str]
"""(scheme, value)."""


@dataclass(slots=True, eq=False)
class ResolvedPaper:
    """A paper, stored (`paper_id`) or not yet, with the records of this batch that are about it."""

    paper_id: int | None = None
    arxiv_id: str | None = None
    names: set[IdentifierPair] = field(default_factory=set)
    records: list[CleanPaper] = field(default_factory=list)
    new_names: list[IdentifierPair] = field(default_factory=list)
    absorbed: list[int] = field(default_factory=list)
    """Stored papers that turn out to be this one."""


def resolve_papers(
    papers: Iterable[CleanPaper],
    stored: Mapping[int, Iterable[IdentifierPair]],
    waiting: Mapping[IdentifierPair, Sequence[int]] | None = None,
) -> list[ResolvedPaper]:
    """The papers that the records are about, each once, in the order of the records.

    `stored` has all names of each paper that a record may mean, `waiting` by a record's name those that wait for it.
    """
    found = _Names()
    for paper_id in sorted(stored):
        found.add_stored(paper_id, stored[paper_id])
    for name, ids in (waiting or {}).items():
        found.waiting[name] = [own for paper_id in ids for own in sorted(stored.get(paper_id, ()))[:1]]
    for paper in papers:
        found.add_record(paper)
    return found.targets()


class _Names:
    """Which paper has which name so far."""

    def __init__(self) -> None:
        self.owners: dict[IdentifierPair, ResolvedPaper] = {}
        self.touched: dict[ResolvedPaper, None] = {}
        self.waiting: dict[IdentifierPair, list[IdentifierPair]] = {}
        """By a record's name, a name of each paper that waits for it."""

    def targets(self) -> list[ResolvedPaper]:
        return list(self.touched)

    def add_stored(self, paper_id: int, names: Iterable[IdentifierPair]) -> None:
        target = ResolvedPaper(paper_id=paper_id, names=set(names))
        target.arxiv_id = next((value for scheme, value in target.names if scheme == "arxiv"), None)
        for name in target.names:
            self.owners[name] = target

    def add_record(self, paper: CleanPaper) -> None:
        candidates = list(dict.fromkeys((*self._candidates(paper), *self._waiting(paper))))
        home = self._home(paper, candidates)
        for other in candidates:
            if other is not home and other.arxiv_id is None:
                self._absorb(home, other)
        home.arxiv_id = home.arxiv_id or paper.arxiv_id
        home.records.append(paper)
        self.touched[home] = None
        for name in paper.identifiers:
            if name not in self.owners:
                self.owners[name] = home
                home.names.add(name)
                home.new_names.append(name)

    def _candidates(self, paper: CleanPaper) -> list[ResolvedPaper]:
        """The targets that share a name with the record, the better names first."""
        strong = [self.owners[name] for name in paper.identifiers if name[0] != "url" and name in self.owners]
        if strong:
            return list(dict.fromkeys(strong))
        weak = (self.owners[name] for name in paper.identifiers if name[0] == "url" and name in self.owners)
        said = (*paper.identifiers, paper.claim) if paper.claim else paper.identifiers
        return [target for target in dict.fromkeys(weak) if not _contradict(said, target.names)][:1]

    def _waiting(self, paper: CleanPaper) -> list[ResolvedPaper]:
        """The entries of feeds that wait for the record; whatever has an id of its own by now is a paper of its own."""
        if not self.waiting:
            return []
        found = (self.owners[own] for name in paper.identifiers for own in self.waiting.get(name, ()))
        return [target for target in found if not any(scheme in STRONG_SCHEMES for scheme, _ in target.names)]

    def _home(self, paper: CleanPaper, candidates: list[ResolvedPaper]) -> ResolvedPaper:
        if paper.arxiv_id is not None:
            own = self.owners.get(("arxiv", paper.arxiv_id))
            return own or next((target for target in candidates if target.arxiv_id is None), None) or ResolvedPaper()
        with_arxiv = (target for target in candidates if target.arxiv_id is not None)
        return next(with_arxiv, None) or next(iter(candidates), None) or ResolvedPaper()

    def _absorb(self, home: ResolvedPaper, other: ResolvedPaper) -> None:
        """Make two targets one; of two stored papers, `home` stays."""
        for name in other.names:
            self.owners[name] = home
        home.names |= other.names
        home.records += other.records
        home.new_names += other.new_names
        home.absorbed += other.absorbed
        if other.paper_id is not None:
            if home.paper_id is None:
                home.paper_id = other.paper_id
            else:
                home.absorbed.append(other.paper_id)
        self.touched.pop(other, None)


def _contradict(names: Iterable[IdentifierPair], others: Iterable[IdentifierPair]) -> bool:
    """Whether a record and a paper that share an address are two: their better names differ, or each has an address
    that the other has not, and the record's first one, a feed's own name for it, is not among the shared."""
    names, theirs = tuple(names), set(others)
    schemes = {scheme for scheme, _ in theirs if scheme != "url"}
    if (own := {name for name in names if name[0] in schemes}) and not own & theirs:
        return True
    addresses = [name for name in names if name[0] == "url"]
    their_addresses = {name for name in theirs if name[0] == "url"}
    return (
        addresses[0] not in theirs and not set(addresses) <= their_addresses and not their_addresses <= set(addresses)
    )
