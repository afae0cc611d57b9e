"""How a reader names a paper: by an arXiv id in any spelling, a DOI, or a page's address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from papers.catalogue.identifiers import arxiv_id_of_doi, begins_with_doi, parse_arxiv_id, parse_doi
from papers.text.cleaning import safe_text
from papers.text.urls import MAX_URL_LENGTH, normalise_url, strip_trailing_punctuation

MAX_LENGTH = MAX_URL_LENGTH
MAX_ADDRESS = 1_000
"""Of an address once it is ASCII, which may be nine times as long as it was."""

# What publishers put behind a DOI in the addresses of their pages.
_BEHIND_DOI = re.compile(
    r"(?:\.pdf|v\d+(?:\.full|\.abstract|\.full-text)?(?:\.pdf)?|/(?:full|pdf|epdf|epub|abstract|fulltext|full-text|summary"
    r"|meta|html|references|citations|supplementary-material)(?:[/.].*)?)$",
    re.I,
)
_BARE_ADDRESS = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?/\S+", re.I)
# Whose papers all have an id or a DOI: what has none there is no paper, and needs not be asked for.
_KNOWN_HOSTS = {
    "arxiv.org": "That is no paper’s page on arXiv. A paper’s address there reads like arxiv.org/abs/2401.01234.",
    "doi.org": "There is no DOI in that address. It reads like doi.org/10.1000/xyz.",
    "huggingface.co": "That is no paper’s page on Hugging Face. Give its arXiv id.",
}
HELP = "Give an arXiv id such as 2401.01234, a DOI such as 10.1000/xyz, or the address of a paper’s page."


class InvalidReferenceError(Exception):
    """A text names no paper; the message says what would."""


@dataclass(frozen=True, slots=True)
class PaperRef:
    """The name of a paper in its one form."""

    scheme: str
    """arxiv, doi or url; as in `models.Identifier`."""
    value: str

    @property
    def doi_in_url(self) -> str | None:
        """A DOI that stands in a page's address, as many publishers have it: a guess that doi.org knows better."""
        path = unquote(urlsplit(self.value).path) if self.scheme == "url" else ""
        doi = parse_doi(path)
        return parse_doi(_BEHIND_DOI.sub("", doi)) if doi else None


def parse_reference(text: str) -> PaperRef:
    """The paper that `text` names.

    Raises:
        InvalidReferenceError: it names none.
    """
    text = " ".join(safe_text(text[: MAX_LENGTH + 1]).split()).strip("<>\"'")
    if not text:
        raise InvalidReferenceError(HELP)
    if len(text) > MAX_LENGTH:
        raise InvalidReferenceError(f"That is too long. {HELP}")
    if arxiv := parse_arxiv_id(text) or parse_arxiv_id(strip_trailing_punctuation(text)):
        return PaperRef("arxiv", arxiv.value)
    if begins_with_doi(text):
        return _doi(text)
    if re.match(r"https?:", text, re.I) or _BARE_ADDRESS.fullmatch(text):
        return _address(text)
    raise InvalidReferenceError(f"That is neither an arXiv id nor a DOI nor an address. {HELP}")


def find_reference(*texts: str) -> str:
    """The first of `texts`, or of the words in them, that names a paper; where none does, the first that is not empty.

    Telephones share a page as an address, or as a sentence with the address in it, or as its title.
    """
    given = [text[:MAX_LENGTH].strip() for text in texts if text.strip()]
    for text in given:
        for part in (text, *text.split()):
            named = part.strip("<>[]()\"'")
            if _is_reference(named):
                return named
    return given[0] if given else ""


def _is_reference(text: str) -> bool:
    try:
        parse_reference(text)
    except InvalidReferenceError:
        return False
    return True


def _doi(text: str) -> PaperRef:
    doi = parse_doi(text)
    if doi is None or len(doi) > 500:
        raise InvalidReferenceError(f"That is not a whole DOI. {HELP}")
    if doi.startswith("10.48550/arxiv."):
        arxiv = arxiv_id_of_doi(doi)
        if arxiv is None:
            raise InvalidReferenceError("That DOI is arXiv’s, and there is no arXiv id in it.")
        return PaperRef("arxiv", arxiv.value)
    return PaperRef("doi", doi)


def _address(text: str) -> PaperRef:
    url = normalise_url(text if re.match(r"https?:", text, re.I) else f"https://{text}")
    if url is None or len(url) > MAX_ADDRESS:
        raise InvalidReferenceError(f"That address can’t be read, or is too long. {HELP}")
    host = urlsplit(url).hostname or ""
    for known, words in _KNOWN_HOSTS.items():
        if host == known or host.endswith(f".{known}"):
            raise InvalidReferenceError(words)
    return PaperRef("url", url)
