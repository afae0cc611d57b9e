"""The feeds that an OPML file lists (opml.org/spec2.opml), as feed readers write it. Pure; for files of strangers."""

from __future__ import annotations

from dataclasses import dataclass

from papers.text.cleaning import safe_text
from papers.text.urls import normalise_url
from papers.text.xml import Element, XmlError, parse_xml

MAX_FEEDS = 500
_MOST_OUTLINES = 20_000
_MOST_CHARACTERS = 200
_LONGEST_ADDRESS = 2_000


class OpmlError(ValueError):
    """The file is no OPML; the message says so to whoever chose it."""


@dataclass(frozen=True, slots=True)
class ListedFeed:
    """A feed as the file names it."""

    title: str
    address: str
    """http or https."""


@dataclass(frozen=True, slots=True)
class OpmlFile:
    """What the file lists: each address once, in its order."""

    feeds: tuple[ListedFeed, ...]
    left_out: int
    """How many outlines have no http or https address, or are beyond `MAX_FEEDS`."""


def parse_opml(data: bytes) -> OpmlFile:
    """The feeds of an OPML file, whatever folders they are in.

    Raises:
        OpmlError: it is not OPML, or is broken.
    """
    try:
        root = parse_xml(data)
    except XmlError as error:
        raise OpmlError("This is not an OPML file, or it is broken.") from error
    if _name(root) != "opml":
        raise OpmlError("This is not an OPML file.")
    found: dict[str, ListedFeed] = {}
    left_out = 0
    for number, outline in enumerate(root.iter()):
        if number > _MOST_OUTLINES:
            break
        given = _attribute(outline, "xmlurl") if _name(outline) == "outline" else ""
        if not given:
            continue
        address = normalise_url(given.strip()) if len(given) <= _LONGEST_ADDRESS else None
        if address is None or len(found) >= MAX_FEEDS:
            left_out += 1
            continue
        title = _attribute(outline, "title") or _attribute(outline, "text")
        words = " ".join(safe_text(title[: 4 * _MOST_CHARACTERS]).split())[:_MOST_CHARACTERS]
        found.setdefault(address, ListedFeed(title=words or address, address=address))
    return OpmlFile(tuple(found.values()), left_out)


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _attribute(element: Element, name: str) -> str:
    """Programs write `xmlUrl`, `xmlurl` and `XMLURL`."""
    return next((str(value) for key, value in element.attrib.items() if str(key).lower() == name), "")
