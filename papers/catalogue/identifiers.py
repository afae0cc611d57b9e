"""What it knows: the identifiers of papers and authors (arXiv id, DOI, ORCID), their spellings, their one stored form.

The stored forms are: an arXiv id without its version (`2301.00001`, `hep-th/9901001`), a bare lower-case DOI
(`10.1000/xyz`), and an ORCID with its hyphens. The stored form of an address is `papers.text.urls.normalise_url`'s.
"""

import re
from dataclasses import dataclass
from datetime import date
from urllib.parse import unquote

from papers.text.urls import MAX_URL_LENGTH, strip_trailing_punctuation

# Archives that gave out ids of the old form before April 2007; any other word before a slash is no arXiv id.
OLD_ARCHIVES = [
    "acc-phys",
    "adap-org",
    "alg-geom",
    "ao-sci",
    "astro-ph",
    "atom-ph",
    "bayes-an",
    "chao-dyn",
    "chem-ph",
    "cmp-lg",
    "comp-gas",
    "cond-mat",
    "cs",
    "dg-ga",
    "funct-an",
    "gr-qc",
    "hep-ex",
    "hep-lat",
    "hep-ph",
    "hep-th",
    "math",
    "math-ph",
    "mtrl-th",
    "nlin",
    "nucl-ex",
    "nucl-th",
    "patt-sol",
    "physics",
    "plasm-ph",
    "q-alg",
    "q-bio",
    "quant-ph",
    "solv-int",
    "supr-con",
]

_ID = (
    r"(?:(?P<new>\d{4}\.\d{4,5})"
    rf"|(?P<archive>{'|'.join(sorted(OLD_ARCHIVES, key=len, reverse=True))})"
    r"(?:\.[a-z]{2}|\.[a-z]+-[a-z]+)?/(?P<number>\d{7}))"
    r"(?:v(?P<version>[1-9]\d{0,2}))?"
)
_HOSTS = (
    r"(?:https?://)?(?:[a-z]+\.)?(?:arxiv\.org|alphaxiv\.org|ar5iv\.org|ar5iv\.labs\.arxiv\.org)"
    r"/(?:abs|pdf|html|src|e-print|format|ps)/(?:arxiv:)?"
    r"|(?:https?://)?(?:www\.)?huggingface\.co/papers/"
    r"|(?:https?://)?(?:dx\.)?doi\.org/10\.48550/arxiv\."
)
_PREFIX = rf"(?:arxiv:\s?|oai:arxiv\.org:|doi:\s?10\.48550/arxiv\.|10\.48550/arxiv\.|{_HOSTS})"
_WHOLE = re.compile(rf"{_PREFIX}?{_ID}(?:\.pdf)?/?(?:[?#]\S*)?(?:\s*\[[a-z.-]+\])?", re.I)
_INSIDE = re.compile(rf"(?<![\w./-])(?P<prefix>{_PREFIX})?{_ID}(?:\.pdf)?(?![\w/]|\.\d|-\w)", re.I)
# A CSV reader that took the id for a number drops its leading zero. Three digits before the point can only be the
# months 704 to 912, and those had four digits after it; fewer digits could be a typing error as well.
_FLOAT = re.compile(r"[789](?:0[1-9]|1[0-2])\.\d{4}")

_DOI = re.compile(r"10\.\d{4,9}(?:\.\d{1,9}){0,9}/[^\s\"]+", re.I)
# The start of a further DOI in the same field. Inside one DOI "10." comes after a slash or a bracket, never so.
_NEXT_DOI = re.compile(r"(?:[,;] ?| )(?:and )?(?=(?:doi: ?)?(?:https?://)?(?:(?:dx\.)?doi\.org/)?10\.\d{4,9}/)", re.I)
_ARXIV_DOI = "10.48550/arxiv."


@dataclass(frozen=True, slots=True)
class ArxivId:
    """An arXiv id as stored, and the version it was named with (None: whichever is newest)."""

    value: str
    version: int | None = None

    def __str__(self) -> str:
        return self.value if self.version is None else f"{self.value}v{self.version}"


def parse_arxiv_id(text: str) -> ArxivId | None:
    """The arXiv id that `text` as a whole spells: bare, prefixed, versioned, as a URL, a DOI or a damaged float."""
    text = text.strip()
    if _FLOAT.fullmatch(text):
        text = f"0{text}"
    match = _WHOLE.fullmatch(text)
    return _arxiv_id(match) if match else None


def find_arxiv_id(text: str) -> ArxivId | None:
    """The first arXiv id anywhere in `text`.

    A bare number with four digits on both sides of its point is not taken for one: it is too often a measurement.
    """
    for match in _INSIDE.finditer(text):
        is_any_number = not match["prefix"] and not match["version"] and len(match["new"] or "") == 9
        if not is_any_number and (found := _arxiv_id(match)):
            return found
    return None


def _arxiv_id(match: re.Match[str]) -> ArxivId | None:
    """The id in a match, unless its month or its number of digits cannot be."""
    version = int(match["version"]) if match["version"] else None
    if match["archive"]:
        archive, number = match["archive"].lower(), match["number"]
        is_given_out = "9107" <= number[:4] <= "9912" or "0001" <= number[:4] <= "0703"
        if is_given_out and _is_month(number[2:4]) and number[4:] != "000":
            return ArxivId(f"{archive}/{number}", version)
        return None
    month, number = match["new"].split(".")
    digits = 4 if month <= "1412" else 5
    if "0704" <= month <= "9012" and _is_month(month[2:]) and len(number) == digits and int(number):
        return ArxivId(f"{month}.{number}", version)
    return None


def _is_month(digits: str) -> bool:
    return "01" <= digits <= "12"


def arxiv_month(value: str) -> date:
    """The first day of the month in which an arXiv id (as stored) was given out.

    Raises:
        ValueError: `value` is not an arXiv id.
    """
    parsed = parse_arxiv_id(value)
    if parsed is None:
        raise ValueError(f"not an arXiv id: {value!r}")
    digits = parsed.value.rpartition("/")[2][:4]
    year = int(digits[:2])
    return date(year + (1900 if year > 90 else 2000), int(digits[2:]), 1)


def arxiv_id_of_doi(doi: str) -> ArxivId | None:
    """The arXiv id inside one of arXiv's own DOIs; None for every other DOI."""
    doi = doi.lower()
    return parse_arxiv_id(doi) if doi.startswith(_ARXIV_DOI) else None


def parse_doi(text: str) -> str | None:
    """The first DOI in a field that is meant to hold one, bare and in lower case; None when it is broken."""
    return next(iter(parse_dois(text)), None)


def parse_dois(text: str) -> tuple[str, ...]:
    """All DOIs in a field that is meant to hold one, in order, each once.

    The old DOIs of the SICI form, with `<>;():` in them, stay whole.
    """
    found: dict[str, None] = {}
    for part in _NEXT_DOI.split(" ".join(text[:MAX_URL_LENGTH].split())):
        if match := _DOI.search(unquote(part) if "doi.org/" in part else part):
            doi = strip_trailing_punctuation(match[0]).lower()
            if not doi.endswith("/"):
                found[doi] = None
    return tuple(found)


_ORCID = re.compile(r"(?:https?://(?:www\.)?orcid\.org/|orcid:\s*)?(\d{4}-?\d{4}-?\d{4}-?\d{3}[\dX])/?", re.I)


def parse_orcid(text: str) -> str | None:
    """The ORCID that `text` is, as `0000-0002-1825-0097`, if its check digit is right (ISO 7064, MOD 11-2)."""
    match = _ORCID.fullmatch(text.strip())
    if match is None:
        return None
    digits = match[1].replace("-", "").upper()
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    if digits[-1] != ("X" if check == 10 else str(check)):
        return None
    return "-".join(digits[start : start + 4] for start in (0, 4, 8, 12))
