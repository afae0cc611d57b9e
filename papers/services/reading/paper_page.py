"""What a paper's page shows beside the paper itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.conf import settings

from papers.catalogue.identifiers import parse_arxiv_id
from papers.citations.bibtex import entry
from papers.citations.page_metadata import highwire_tags, json_ld
from papers.citations.record import citation_record
from papers.models import FormerAddress, Identifier, Listing, Paper, PaperExternalCounts
from papers.services.reading.beside_paper import BesidePaper
from papers.services.reading.paper_versions import VersionChanges, read_versions


@dataclass(frozen=True, slots=True)
class PaperDetails:
    """What the page tells of a paper beside its own columns."""

    versions: list[VersionChanges]
    """Newest first."""
    external_counts: list[PaperExternalCounts]
    days: list[date]
    """The editions that list it, oldest first."""


@dataclass(frozen=True, slots=True)
class PaperCitation:
    """The paper for a bibliography, and for programs that read its page."""

    bibtex: str
    tags: list[tuple[str, str]]
    json_ld: str
    """For a `<script>` that no browser runs; nothing in it can end that element."""


def citation_of(paper: Paper) -> PaperCitation:
    """How the paper is cited. No queries."""
    record = citation_record(paper)
    page = settings.SITE.origin + paper.get_absolute_url()
    return PaperCitation(
        bibtex=entry(record),
        tags=highwire_tags(record),
        json_ld=json_ld(record, page=page),
    )


@dataclass(frozen=True, slots=True)
class PaperLink:
    """An address elsewhere at which the paper, its code or its project is."""

    name: str
    url: str
    found: str
    """The source that gave it, or `abstract` or `comment`, where it was read from the text."""

    @property
    def is_found(self) -> bool:
        return self.found in ("abstract", "comment")


def links_of(paper: Paper) -> list[PaperLink]:
    """The paper's links in the order of use. No queries."""
    names = {"abs": "Source", "pdf": "PDF", "html": "HTML", "code": "Code", "project": "Project page"}
    links: list[PaperLink] = []
    for kind, name in names.items():
        if row := paper.links.get(kind):
            is_arxiv = kind == "abs" and "arxiv.org/" in row["url"]
            links.append(PaperLink(name="arXiv" if is_arxiv else name, url=row["url"], found=row.get("found", "")))
    return links


def id_in_words(paper: Paper) -> str:
    """The paper's id as people write it: `arXiv:2401.00001`, else its DOI; empty where it has neither. No queries."""
    if arxiv := parse_arxiv_id(paper.public_id):
        return f"arXiv:{arxiv.value}"
    doi = paper.doi or (paper.public_id.removeprefix("doi/") if paper.public_id.startswith("doi/") else "")
    return f"doi:{doi}" if doi else ""


def paper_details(paper: Paper, *, beside: BesidePaper | None = None) -> PaperDetails:
    """What is known of `paper`. Three queries, or four; fewer where it is known what there is `beside` it."""
    counts = PaperExternalCounts.objects.filter(paper=paper).order_by("source")
    days = Listing.objects.filter(paper=paper, hidden_at=None).order_by("day").values_list("day", flat=True)
    return PaperDetails(
        versions=read_versions(paper) if beside is None or beside.has_versions else [],
        external_counts=list(counts) if beside is None or beside.has_external_counts else [],
        days=list(days[:10]),
    )


def identifiers_of(paper: Paper) -> list[Identifier]:
    """The names by which it is known elsewhere. One query."""
    return list(Identifier.objects.filter(paper=paper).order_by("scheme", "value"))


def find_moved_paper(public_id: str) -> str | None:
    """The address now of a paper that had this one before. One query."""
    return FormerAddress.objects.filter(public_id=public_id).values_list("paper__public_id", flat=True).first()
