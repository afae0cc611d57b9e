"""A feed as feedparser can be given it: well-formed, without what takes it time with the square of a length. Pure.

feedparser hands XML to a parser in C, and all that is not well-formed to one in Python that looks at the rest of the
text anew for each mark that is not closed. What is broken is therefore mended here first, by lxml.
"""

from __future__ import annotations

import re
from email.message import Message
from html.entities import html5
from xml.parsers import expat

from papers.catalogue.identifiers import begins_with_doi
from papers.outbound.errors import SourceError
from papers.text.xml import Element, element_as_xml, parse_any_xml, without_doctype

_MAX_ELEMENTS = 200_000
_MAX_ATTRIBUTES = 64
_MAX_PREFIXES = 100
_MAX_TAGS = 200
_MAX_TAG = 2_000
_MAX_PERSON = 20_000
_MAX_WORD = 64

# In the names of people feedparser looks for e-mail addresses, anew from each letter of a word.
_PEOPLE = frozenset({"author", "creator", "contributor", "managingeditor", "webmaster", "publisher", "owner"})
_PEOPLE |= {"name", "email"}
# Each of these it compares with all before.
_TAGS = frozenset({"category", "subject", "keywords"})
_DC = "{http://purl.org/dc/elements/1.1/}"
_CREATOR, _DC_TITLE, _DC_IDENTIFIER = f"{_DC}creator", f"{_DC}title", f"{_DC}identifier"
_MOST_IDS = 20
# Lists in what feedparser makes of a feed: an element of that name would take a list's place.
_ITS_OWN = frozenset({"authors", "contributors", "links", "tags", "enclosures", "entries", "namespaces"})
_ITS_OWN |= {f"{name}_detail" for name in ("author", "title", "summary", "subtitle", "rights", "publisher", "info")}
_ITS_OWN |= {f"{name}_parsed" for name in ("published", "updated", "created", "expired")}
_PREFIX = re.compile(rb"xmlns:([^\s=]++)")
_WORD = re.compile(rf"[\w.+-]{{{_MAX_WORD}}}[\w.+-]++")
_DECLARATION = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml\s[^<>?]{0,200}\?>")
_ROOT = re.compile(rb"\s{0,100}<\w")
_AMPERSAND = re.compile(
    rb"<!\[CDATA\[(?:[^\]]++|\](?!\]>))*+(?:\]\]>|\Z)|&(?:([A-Za-z][A-Za-z0-9]{1,30};)|#[0-9]{1,7};|#x[0-9A-Fa-f]{1,6};)?"
)
_XML_NAMED = frozenset({b"amp;", b"lt;", b"gt;", b"quot;", b"apos;"})
# What feeds use without saying so.
_PREFIXES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "prism": "http://prismstandard.org/namespaces/basic/2.0/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}


def readable(data: bytes, *, content_type: str) -> tuple[bytes, str]:
    """A feed, and its content type, which names its encoding; both as they came where nothing is to be mended.

    Raises:
        SourceError: it is no XML, not even a broken one, or declares entities in two-byte characters, or more prefixes
            than any feed has.
    """
    if len(set(_PREFIX.findall(data))) > _MAX_PREFIXES:
        raise SourceError("The feed declares too many prefixes. Look what is at the address.")
    if b"\x00" in data[:4] and b"<!ENTITY" in data.replace(b"\x00", b""):
        raise SourceError("The feed declares entities of its own, which are not read.")
    root = parse_any_xml(_with_characters(without_doctype(data)), encoding=_charset(content_type))
    if root is None:
        raise SourceError("It is neither RSS nor Atom. Give the source the address of the feed itself.")
    if not _trim(root) and _is_plain(data):
        declaration = _DECLARATION.match(data)
        # On a line of its own: feedparser looks for an encoding up to the end of the first line.
        end = declaration.end() if declaration else 0
        return data[:end] + b"\n" * bool(end) + data[end:], content_type
    mended = element_as_xml(root)
    if not _is_well_formed(mended):
        raise SourceError("The feed is not well-formed XML, and can’t be mended. Look what is at the address.")
    return mended, "application/xml; charset=utf-8"


def _charset(content_type: str) -> str | None:
    header = Message()
    header["content-type"] = content_type
    return header.get_content_charset()


def _is_plain(data: bytes) -> bool:
    """Whether it is well-formed, and nothing but a declaration stands before its root."""
    declaration = _DECLARATION.match(data)
    if not _ROOT.match(data, declaration.end() if declaration else 3 if data.startswith(b"\xef\xbb\xbf") else 0):
        return False
    return _is_well_formed(data)


def _is_well_formed(data: bytes) -> bool:
    try:
        expat.ParserCreate(namespace_separator=" ").Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError):
        return False
    return True


def _with_characters(data: bytes) -> bytes:
    """The names of characters that HTML has and XML has not as numbers, and `&` by its name where it is a sign."""
    return _AMPERSAND.sub(_numbered, data) if b"&" in data else data


def _numbered(match: re.Match[bytes]) -> bytes:
    if match[0] == b"&":
        return b"&amp;"
    if match[1] is None or match[1] in _XML_NAMED:
        return match[0]
    characters = html5.get(match[1].decode("ascii"), "")
    return "".join(f"&#{ord(char)};" for char in characters).encode("ascii") or match[0]


def _trim(root: Element) -> bool:
    """Shorten what would take long; whether anything was changed."""
    is_changed = False
    for count, element in enumerate(root.iter("*")):
        if count > _MAX_ELEMENTS:
            raise SourceError("The feed has too many elements. Look what is at the address.")
        name = str(element.tag).rpartition("}")[2]
        if ":" in name:
            element.tag, name = _whole_name(name), name.rpartition(":")[2]
            is_changed = True
        for attribute in list(element.attrib)[_MAX_ATTRIBUTES:]:
            del element.attrib[attribute]
            is_changed = True
        name = name.lower()
        is_changed |= _settle(element, name)
        if name in _PEOPLE:
            is_changed |= _shorten(element, _MAX_PERSON)
        elif name in _TAGS:
            is_changed |= _shorten(element, _MAX_TAG)
        tags = [child for child in element.iterchildren("*") if str(child.tag).rpartition("}")[2].lower() in _TAGS]
        for child in tags[_MAX_TAGS:]:
            element.remove(child)
            is_changed = True
    return is_changed


def _settle(element: Element, name: str) -> bool:
    """Lead an element to where feedparser reads it, or out of its way: some names are those of its own lists."""
    if name == "authors" and len(element) == 0 and (element.text or "").strip():
        element.tag = _CREATOR
        return True
    if name in _ITS_OWN and element.getparent() is not None:
        element.tag = f"x-{name}"
        return True
    if name in _PEOPLE and "@" in (element.text or "") and len(element) == 0:
        whole = (element.text or "")[:_MAX_PERSON]
        element.text = _without_address(whole)
        return element.text != whole
    if name in ("item", "entry"):
        return _keep_one(element)
    return False


def _without_address(text: str) -> str:
    """A person's name without their e-mail address: `office@tides.science (Chiara Holm)`, `Chiara Holm <…>`.

    feedparser knows of no ending that has more than four letters.
    """
    words = text.split()
    named = [word for word in words if "@" not in word]
    rest = " ".join(named).strip(" ,;<>")
    if rest.startswith("(") and rest.endswith(")"):
        rest = rest[1:-1]
    return rest.strip()


def _keep_one(entry: Element) -> bool:
    """Of several titles or ids of Dublin Core, of which feedparser keeps the last, leave the one that is wanted."""
    unwanted: list[Element] = []
    if any(child.text and child.text.strip() for child in entry.iterchildren("{*}title") if child.tag != _DC_TITLE):
        unwanted += entry.iterchildren(_DC_TITLE)
    ids = list(entry.iterchildren(_DC_IDENTIFIER))
    dois = [each for each in ids if begins_with_doi(each.text or "")]
    unwanted += [each for each in ids if dois and each not in dois] if len(ids) <= _MOST_IDS else ids
    for each in unwanted:
        entry.remove(each)
    return bool(unwanted)


def _whole_name(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{_PREFIXES.get(prefix, 'urn:prefix:' + prefix)}}}{local.replace(':', '-')}"


def _shorten(element: Element, most: int) -> bool:
    """Cut the text directly in an element, and the words in it that are longer than any name."""
    texts = [element.text or "", *(child.tail or "" for child in element)]
    kept = [_WORD.sub(lambda match: match[0][:_MAX_WORD], text[:most]) for text in texts]
    if kept == texts or sum(map(len, texts)) <= _MAX_WORD:
        return False
    element.text = kept[0]
    for child, tail in zip(element, kept[1:], strict=True):
        child.tail = tail
    return True
