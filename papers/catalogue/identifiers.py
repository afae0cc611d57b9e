"""The identifiers of papers and authors (arXiv id, DOI, ORCID), their spellings, their one stored form.

The stored forms are: an arXiv id without its version (`2301.00001`, `hep-th/9901001`), a bare lower-case DOI
(`10.1000/xyz`), and an ORCID with its hyphens. The stored form of an address is `papers.text.urls.normalise_url`'s.
"""

import re
from collections.abc import Iterator
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
    r"(?:(?P<new>[0-9]{4}\.[0-9]{4,5})"
    rf"|(?P<archive>{'|'.join(sorted(OLD_ARCHIVES, key=len, reverse=True))})"
    r"(?:\.[a-z]{2}|\.[a-z]+-[a-z]+)?/(?P<number>[0-9]{7}))"
    r"(?:v(?P<version>[1-9][0-9]{0,2}))?"
)
_HOSTS = (
    r"(?:https?://)?(?:[a-z]+\.)?(?:arxiv\.org|alphaxiv\.org|ar5iv\.org|ar5iv\.labs\.arxiv\.org|xxx\.lanl\.gov)"
    r"/(?:(?:abs|pdf|html|src|e-print|format|ps|overview)/|ftp/arxiv/papers/[0-9]{4}/)(?:arxiv:)?"
    r"|(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co|arxiv-vanity\.com)/papers/"
    r"|(?:https?://)?(?:www\.)?(?:scirate\.com|papers\.cool)/arxiv/"
    r"|(?:https?://)?(?:(?:dx|www)\.)?doi\.org/10\.48550/arxiv\."
)
_PREFIX = (
    r"(?:arxiv(?:\s(?:preprint|e-?prints?))?(?::|%3a|\s)\s?(?:arxiv:\s?)?|oai:arxiv\.org:|doi:\s?10\.48550/arxiv\."
    rf"|10\.48550/arxiv\.|{_HOSTS})"
)
# Letters and digits of ASCII: `re.I` takes ſ for s else, and `\d` the digits of every script.
_WHOLE = re.compile(rf"{_PREFIX}?{_ID}(?:\.pdf)?/?(?:[?#]\S*)?(?:\s*[\[(][a-z.-]+[\])])?", re.I | re.A)
_INSIDE = re.compile(rf"(?<![\w./-])(?P<prefix>{_PREFIX})?{_ID}(?:\.pdf)?(?![\w/]|\.[0-9]|-\w)", re.I | re.A)
# The number alone, as old records have it beside the archive.
_OLD_NUMBER = re.compile(r"(?:arxiv:\s?)?([0-9]{7})(v[0-9]{1,3})?", re.I | re.A)
# A CSV reader that took the id for a number drops its leading zero. Three digits before the point can only be the
# months 704 to 912, and those had four digits after it; fewer digits could be a typing error as well.
_FLOAT = re.compile(r"[789](?:0[1-9]|1[0-2])\.[0-9]{4}")

_DOI_PREFIX = r"10\.[0-9]{4,9}(?:\.[0-9]{1,9}){0,9}(?:/|%2f)"
# Where a DOI ends before the next blank: at a query or fragment, at markup, at typographic marks, at the next entry of
# a list. The semicolon of the SICI form (`3.0.co;2-9`) is the only one that is part of a DOI.
_END = (
    r"[?&](?:amp;)?[A-Za-z_][\w.-]{0,40}=|\?$|#[A-Za-z]|\]\(|</|<[A-Za-z]{1,10}/?>"
    r"|(?<!&lt)(?<!&gt)(?<!&amp)(?:(?<!co);|;(?!2))|[|`\\^“”„«»…。，；：、（）「」『』【】《》]"
    rf"|,(?=[A-Za-z]{{2,12}}:|https?://|(?:dx\.)?doi\.org/|{_DOI_PREFIX})"
)
_END_OF_DOI = re.compile(_END, re.I | re.A)
_DOI_REST = rf"(?:(?!{_END})[^\s\"]){{1,1000}}"
_DOI = re.compile(rf"(?<![0-9A-Za-z.]){_DOI_PREFIX}{_DOI_REST}", re.I | re.A)
# The same behind letters, for fields that hold nothing but a DOI: "DOI10.1000/xyz".
_DOI_OF_FIELD = re.compile(rf"(?<![0-9.]){_DOI_PREFIX}{_DOI_REST}", re.I | re.A)
_DOI_AHEAD = re.compile(
    rf"(?:doi\s?:?\s?|urn:doi:|info:doi/|(?:https?://)?(?:(?:dx|www)\.)?doi\.org/(?:doi:)?){{0,2}}{_DOI_PREFIX}",
    re.I | re.A,
)
_ESCAPED = re.compile(r"%(?:2[3CF89]|3[A-CE]|5[BD])", re.I)
_IN_ADDRESS = re.compile(r"(?:https?://|\bdoi\.org/)\S*$", re.I)
_NAMED_MARKS = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
_FOREIGN_MARKS = str.maketrans({"\u2010": "-", "\u2011": "-", **dict.fromkeys("\u00ad\u200b\u2060\ufeff", None)})
# bioRxiv and medRxiv write the version behind the DOI, which has none.
_BIORXIV = re.compile(r"(10\.(?:1101|64898)/(?:[0-9]{4}\.[0-9]{2}\.[0-9]{2}\.)?[0-9]{6,8})v[0-9]{1,3}(?:\.\S*)?")
_CLOSING = {")": "(", "]": "[", "}": "{", ">": "<"}
_ARXIV_DOI = "10.48550/arxiv."
_FOUR_DIGITS = re.compile(r"[0-9]{4}")


@dataclass(frozen=True, slots=True)
class ArxivId:
    """An arXiv id as stored, and the version it was named with (None: whichever is newest)."""

    value: str
    version: int | None = None

    def __str__(self) -> str:
        return self.value if self.version is None else f"{self.value}v{self.version}"


def parse_arxiv_id(text: str) -> ArxivId | None:
    """The arXiv id that `text` as a whole spells: bare, prefixed, versioned, as a URL, a DOI or a damaged float."""
    text = text.strip().replace("\xa0", " ")
    if _FLOAT.fullmatch(text):
        text = f"0{text}"
    match = _WHOLE.fullmatch(text)
    return _arxiv_id(match) if match else None


def parse_eprint(text: str, archive: str = "") -> ArxivId | None:
    """The arXiv id in a field for it, where an old number may stand alone and `archive` beside it: `math.CA`."""
    if (match := _OLD_NUMBER.fullmatch(text.strip())) and archive:
        return parse_arxiv_id(f"{archive.strip().lower()}/{match[1]}{match[2] or ''}")
    return parse_arxiv_id(text)


def find_arxiv_id(text: str) -> ArxivId | None:
    """The first arXiv id anywhere in `text`; see `find_arxiv_ids`."""
    return next((found for _, found in find_arxiv_ids(text)), None)


def find_arxiv_ids(text: str) -> Iterator[tuple[tuple[int, int], ArxivId]]:
    """The arXiv ids anywhere in `text`, each with where it begins and ends.

    A bare number with four digits on both sides of its point is not taken for one: it is too often a measurement.
    """
    if not _FOUR_DIGITS.search(text):  # which all ids have; a tenth of the time that looking for one takes
        return
    for match in _INSIDE.finditer(text.replace("\xa0", " ")):
        is_any_number = not match["prefix"] and not match["version"] and len(match["new"] or "") == 9
        if not is_any_number and (found := _arxiv_id(match)):
            yield match.span(), found


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
    return tuple(dict.fromkeys(doi for _, doi in _dois(text[:MAX_URL_LENGTH], _DOI_OF_FIELD)))


def find_dois(text: str) -> Iterator[tuple[tuple[int, int], str]]:
    """The DOIs anywhere in `text`, each with where it begins and ends, bare and in lower case."""
    return _dois(text, _DOI)


def begins_with_doi(text: str) -> bool:
    """Whether a DOI is what a text begins with: bare, as a URI, as its address at doi.org or behind the word "doi"."""
    return _DOI_AHEAD.match(text.strip()) is not None


def is_preprint_doi(doi: str) -> bool:
    """Whether a DOI is one of bioRxiv's or medRxiv's, whose feeds are no journals'."""
    return doi.startswith(("10.1101/", "10.64898/"))


def parse_whole_doi(text: str) -> str | None:
    """The DOI that a text is, in one of the forms of `begins_with_doi`; None where it holds more than one DOI."""
    text = " ".join(text.split())
    ahead = _DOI_AHEAD.match(text)
    if ahead is None or " " in text[ahead.end() :] or len(found := parse_dois(text)) != 1:
        return None
    return found[0]


def _dois(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[tuple[int, int], str]]:
    position = 0
    while match := pattern.search(text, position):
        doi, position = _one_doi(text, match)
        if doi:
            yield (match.start(), position), doi


def _one_doi(text: str, match: re.Match[str]) -> tuple[str, int]:
    """The DOI that begins with a match, or an empty text, and where it ends."""
    written = match[0]
    if "&" in written:
        for name, mark in _NAMED_MARKS:
            written = written.replace(name, mark)
    end = _END_OF_DOI.search(written)
    written = written[: end.start()] if end else written
    if "?" in written and _IN_ADDRESS.search(text, max(0, match.start() - 60), match.start()):
        written = written.partition("?")[0]
    read = match.start() + max(len(written), 8)
    if "%" in written:
        is_address = _IN_ADDRESS.search(text, max(0, match.start() - 60), match.start())
        written = unquote(written) if is_address else written
        written = _ESCAPED.sub(lambda escape: unquote(escape[0]), written)
        end = _END_OF_DOI.search(written)
        written = re.split(r'[\s"]', written[: end.start()] if end else written, maxsplit=1)[0]
    doi = _trimmed(written.translate(_FOREIGN_MARKS)).lower()
    if version := _BIORXIV.fullmatch(doi):
        doi = version[1]
    prefix, _, suffix = doi.partition("/")
    return (doi if prefix and suffix.strip("/") else ""), read


def _trimmed(text: str) -> str:
    """A DOI up to the first bracket that closes what was not opened in it, without the marks of its sentence."""
    open_brackets: list[str] = []
    for place, char in enumerate(text):
        if char in "([{<":
            open_brackets.append(char)
        elif char in _CLOSING:
            if _CLOSING[char] not in open_brackets:
                text = text[:place]
                break
            open_brackets.remove(_CLOSING[char])
    while (shorter := strip_trailing_punctuation(text.rstrip("*’‘/"))) != text:
        text = shorter
    return text


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


_ISSN = re.compile(
    r"(?:(?:e-?|p-?)?issn(?:-l)?[\s:]{0,5}|urn:issn:|https?://portal\.issn\.org/resource/issn/)?"
    r"([0-9]{4})[-–]?([0-9]{3}[0-9x])",
    re.I,
)


def parse_issn(text: str) -> str | None:
    """The ISSN that `text` is, as `2167-8359`, if its check digit is right (ISO 3297)."""
    match = _ISSN.fullmatch(text.strip())
    if match is None:
        return None
    digits = (match[1] + match[2]).upper()
    total = sum(weight * int(digit) for weight, digit in zip(range(8, 1, -1), digits[:7], strict=True))
    check = -total % 11
    return f"{digits[:4]}-{digits[4:]}" if digits[7] == ("X" if check == 10 else str(check)) else None
