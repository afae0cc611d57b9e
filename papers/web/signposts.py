"""Link headers by which programs find what a paper's page is about (signposting.org, RFC 8288)."""

from __future__ import annotations

from urllib.parse import quote

from django.conf import settings
from django.urls import reverse

from papers.catalogue.identifiers import parse_orcid
from papers.citations.registry import CITATION_FORMATS
from papers.models import Paper

MOST_AUTHORS = 20
_DESCRIPTIONS = ("bib", "csl", "md")
"""Names of formats of citations."""
_URI = "/:?#[]@!$&'()*+,;=%-._~"


def signposts(paper: Paper) -> str:
    """The value of `Link` on a paper's page. No queries."""
    origin = settings.SITE.origin
    links = [("cite-as", _persistent(paper), ""), ("type", "https://schema.org/ScholarlyArticle", "")]
    for name in _DESCRIPTIONS:
        path = reverse("papers:paper-export", args=[paper.public_id, name])
        links.append(("describedby", origin + path, CITATION_FORMATS[name].media_type.partition(";")[0]))
    orcids = (parse_orcid(str(author.get("orcid") or "")) for author in paper.authors)
    known = list(dict.fromkeys(orcid for orcid in orcids if orcid))[:MOST_AUTHORS]
    links += [("author", f"https://orcid.org/{orcid}", "") for orcid in known]
    return ", ".join(_link(*link) for link in links if link[1])


def _persistent(paper: Paper) -> str:
    """The address that names the work for good: its DOI's, else arXiv's, else this page's."""
    if paper.doi:
        return f"https://doi.org/{paper.doi}"
    source: str = paper.links.get("abs", {}).get("url", "")
    return source if source.startswith("https://arxiv.org/") else settings.SITE.origin + paper.get_absolute_url()


def _link(relation: str, address: str, media_type: str) -> str:
    kind = f'; type="{media_type}"' if media_type else ""
    return f'<{quote(address, safe=_URI)}>; rel="{relation}"{kind}'
