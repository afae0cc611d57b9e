"""The addresses that are a paper, on hosts whose path is its name. Pure.

Anybody can put a paper's number into an address, a query or a text; that names no paper. Only here listed are the hosts
whose page at such a path can be nothing but that paper's: arXiv with its mirrors, the readers of arXiv's papers, the
DOI's resolver, and publishers whose paths are DOIs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote, urlsplit

from papers.catalogue.identifiers import arxiv_id_of_doi, parse_arxiv_id, parse_whole_doi
from papers.text.urls import normalise_url

Name = tuple[str, str]
"""(scheme, value): `arxiv` or `doi`, in its stored form."""

_ARXIV = ("/abs/", "/pdf/", "/html/", "/format/", "/src/", "/e-print/", "/ps/")
# Where an arXiv id stands: by host, the beginnings of the path. Without "www.", which all of them may have.
_ARXIV_PATHS: Mapping[str, tuple[str, ...]] = {
    "arxiv.org": _ARXIV,
    "xxx.lanl.gov": _ARXIV,
    "alphaxiv.org": ("/abs/", "/pdf/", "/html/", "/overview/"),
    "ar5iv.org": ("/abs/", "/html/", "/pdf/"),
    "ar5iv.labs.arxiv.org": ("/abs/", "/html/", "/pdf/"),
    "arxiv-vanity.com": ("/papers/",),
    "huggingface.co": ("/papers/",),
    "hf.co": ("/papers/",),
    "papers.cool": ("/arxiv/",),
    "scirate.com": ("/arxiv/",),
    "ui.adsabs.harvard.edu": ("/abs/arxiv:",),
}
_MIRROR = re.compile(r"[a-z]{2,10}\.arxiv\.org")
"""`export.arxiv.org` and those of countries: all are arXiv's own."""

_DOI = ("/doi/", "/doi/abs/", "/doi/full/", "/doi/pdf/", "/doi/epdf/", "/doi/pdfdirect/", "/doi/reader/")
# Where a DOI stands, and is all that stands there.
_DOI_PATHS: Mapping[str, tuple[str, ...]] = {
    "doi.org": ("/",),
    "dx.doi.org": ("/",),
    "annualreviews.org": _DOI,
    "biorxiv.org": ("/content/",),
    "dl.acm.org": _DOI,
    "iopscience.iop.org": ("/article/",),
    "journals.aps.org": tuple(
        f"/{journal}/{kind}/"
        for journal in ("pra", "prb", "prc", "prd", "pre", "prl", "prx", "prxquantum", "prresearch", "rmp")
        for kind in ("abstract", "pdf")
    ),
    "journals.sagepub.com": _DOI,
    "link.aps.org": _DOI,
    "link.springer.com": ("/article/", "/chapter/", "/"),
    "medrxiv.org": ("/content/",),
    "onlinelibrary.wiley.com": _DOI,
    "pnas.org": _DOI,
    "pubs.acs.org": _DOI,
    "royalsocietypublishing.org": _DOI,
    "science.org": _DOI,
    "tandfonline.com": _DOI,
    "worldscientific.com": _DOI,
}
_WILEY = re.compile(r"[a-z0-9]{2,40}\.onlinelibrary\.wiley\.com")
"""Its societies' journals."""

_OAI = "oai:arxiv.org:"


def paper_at(address: str) -> Name | None:
    """The paper that an address or URI is, and not only speaks of.

    Queries and fragments count for nothing. An address with a user name or an unusual port is nobody's.
    """
    address = address.strip()
    if address[: len(_OAI)].lower() == _OAI:
        return _arxiv(address[len(_OAI) :])
    if address[:4].lower() in ("doi:", "info", "urn:"):
        return paper_of_doi(address)
    url = normalise_url(address)
    if url is None:
        return None
    parts = urlsplit(url)
    host, path = parts.netloc.removeprefix("www."), unquote(parts.path)
    for prefix in _ARXIV_PATHS.get("arxiv.org" if _MIRROR.fullmatch(host) else host, ()):
        if path[: len(prefix)].lower() == prefix:
            return _arxiv(path[len(prefix) :])
    found: Name | None = None
    for prefix in _DOI_PATHS.get("onlinelibrary.wiley.com" if _WILEY.fullmatch(host) else host, ()):
        if path.startswith(prefix):
            found = paper_of_doi(path[len(prefix) :]) or found
    return found


def paper_of_doi(text: str) -> Name | None:
    """The paper of a field that is a DOI, bare, as a URI or as its address; one of arXiv's own is an arXiv id.

    A DOI somewhere inside other words does not count.
    """
    text = text.strip()
    if text[:4].lower() == "http":
        return paper_at(text)
    if (doi := parse_whole_doi(text)) is None:
        return None
    if doi.startswith("10.48550/arxiv."):
        arxiv = arxiv_id_of_doi(doi)
        return ("arxiv", arxiv.value) if arxiv else None
    return "doi", doi


def only_paper(names: Iterable[Name]) -> Name | None:
    """The one paper that all these names are of, by its arXiv id if it has one; None for none, or for two of a kind.

    An arXiv paper and the DOI of its journal are one paper as far as arXiv's record says so.
    """
    found = dict.fromkeys(names)
    for scheme in ("arxiv", "doi"):
        of_scheme = [name for name in found if name[0] == scheme]
        if of_scheme:
            return of_scheme[0] if len(of_scheme) == 1 else None
    return None


def _arxiv(text: str) -> Name | None:
    """The paper whose id is all of `text`, also with its version, as a file's name or behind `arXiv:`."""
    text = text[:-1] if text.endswith("/") else text
    if text[:6].lower() == "arxiv:":
        text = text[6:]
    # Longer ones are no id; with a colon, a second slash or a host it would be another address.
    if len(text) > 40 or not re.fullmatch(r"[a-z.-]{0,20}/?[\d.]{7,11}(?:v\d{1,3})?(?:\.pdf)?", text, re.I):
        return None
    found = parse_arxiv_id(text)
    return ("arxiv", found.value) if found else None
