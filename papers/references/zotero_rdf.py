"""Zotero RDF: items are the children of the root; attachments, collections and notes are passed over."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from papers.references.common import MAX_FIELD, ReferenceEntry, make_entry
from papers.text.xml import Element, XmlError, element_text, iterate_children

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_PASSED_OVER = frozenset({"Attachment", "Collection", "AutomaticTag"})
NOT_READ = "The file can’t be read from here on: the XML is incomplete, or declares a document type."


def is_xml(text: str) -> bool:
    return text.lstrip("\ufeff \t\n")[:1] == "<"


def parse_rdf(data: bytes) -> Iterator[ReferenceEntry]:
    """The items. What is embedded in an item, as a journal in an article, is the item's."""
    line = 1
    try:
        for element in iterate_children(data):
            line = int(str(element.sourceline or line))
            if _name(element) not in _PASSED_OVER and (found := _item(element, line)) is not None:
                yield found
    except XmlError:
        yield ReferenceEntry(line, problem=NOT_READ)


def _item(element: Element, line: int) -> ReferenceEntry | None:
    title = _text(element, "{*}title")
    dois: list[str] = []
    urls: list[str] = []
    more: list[str] = []
    for found in islice(element.iterfind(".//{*}identifier"), 20):
        words = element_text(found).strip()[:MAX_FIELD]
        if words.upper().startswith("DOI "):
            dois.append(words[4:])
        elif words.startswith(("http:", "https:")):
            urls.append(words)
        else:
            more.append(words)
    if not title and not dois and not urls:
        return None
    more += [_text(element, "{*}description"), _text(element, "{*}number"), _text(element, "{*}coverage")]
    fields = {"title": title, "doi": " ".join(dois[:1]), "url": "".join(urls[:1]), "more": " ".join(filter(None, more))}
    fields |= {"author": f"{_text(element, f'{_AUTHORS}//{{*}}surname')},", "year": _text(element, "{*}date")}
    tags = [element_text(tag).strip()[:MAX_FIELD] for tag in list(element.iterfind("{*}subject"))[:50]]
    about = str(element.get(f"{_RDF}about") or "")
    return make_entry(line, fields | ({} if urls else {"url": about if about.startswith("http") else ""}), tags=tags)


# Whose editors and those of the journal, which is inside, have elements of their own.
_AUTHORS = "{*}authors"


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _text(element: Element, path: str) -> str:
    found = element.find(path)
    return "" if found is None else " ".join(element_text(found)[:MAX_FIELD].split())
