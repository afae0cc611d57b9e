"""What is wrong with a feed, by the texts that define them: RFC 4287 and 5005 for Atom, jsonfeed.org/version/1.1."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

ATOM = "{http://www.w3.org/2005/Atom}"
HISTORY = "{http://purl.org/syndication/history/1.0}"
# RFC 3339 as RFC 4287, 3.3 narrows it: an upper-case T, and Z where there is no offset.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_TAG = re.compile(r"tag:[a-z0-9.-]+,\d{4}(-\d\d){0,2}:[A-Za-z0-9._~!$&'()*+,;=:@/?%-]+")  # RFC 4151
_ONCE = {"feed": ("id", "title", "updated"), "entry": ("id", "title", "updated")}
_AT_MOST_ONCE = {
    "feed": ("generator", "icon", "logo", "rights", "subtitle"),
    "entry": ("content", "published", "rights", "source", "summary"),
}


def atom_problems(body: bytes) -> list[str]:
    """What breaks a rule of Atom in a document; nothing where it is valid."""
    try:
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, huge_tree=True))
    except etree.XMLSyntaxError as error:
        return [f"no XML: {error}"]
    if root.tag != f"{ATOM}feed":
        return [f"the root is {root.tag}"]
    return list(_atom(root))


def _atom(root: Any) -> Iterator[str]:
    entries = root.findall(f"{ATOM}entry")
    yield from _counts(root, "feed")
    yield from _links(root, "feed")
    yield from _history(root)
    if not root.findall(f"{ATOM}author") and not all(entry.findall(f"{ATOM}author") for entry in entries):
        yield "neither the feed nor every entry has an author"
    if not any(link.get("rel") == "self" for link in root.findall(f"{ATOM}link")):
        yield "the feed has no link to itself"
    ids = Counter(entry.findtext(f"{ATOM}id") for entry in entries)
    yield from (f"the id {name} is there {count} times" for name, count in ids.items() if count > 1)
    for number, entry in enumerate(entries):
        yield from (f"entry {number}: {problem}" for problem in _entry(entry))
    for element in root.iter(f"{ATOM}updated", f"{ATOM}published"):
        if not is_time(element.text or ""):
            yield f"{element.text} is no time"
    for element in root.iter(f"{ATOM}id"):
        if not is_iri(element.text or ""):
            yield f"{element.text} is no IRI"


def _entry(entry: Any) -> Iterator[str]:
    yield from _counts(entry, "entry")
    yield from _links(entry, "entry")
    content = entry.find(f"{ATOM}content")
    if content is None and not any(_rel(link) == "alternate" for link in entry.findall(f"{ATOM}link")):
        yield "neither content nor a link"
    for element in entry.findall(f"{ATOM}content") + entry.findall(f"{ATOM}title"):
        if element.get("type", "text") in ("text", "html") and len(element):
            yield f"{element.tag} has elements in it"
        if not (element.text or "").strip():
            yield f"{element.tag} is empty"
    for person in entry.iter(f"{ATOM}author"):
        if [child.tag for child in person].count(f"{ATOM}name") != 1 or not (
            person.findtext(f"{ATOM}name") or ""
        ).strip():
            yield "an author without one name"
    if any(not category.get("term") for category in entry.findall(f"{ATOM}category")):
        yield "a category without a term"


def _counts(element: Any, kind: str) -> Iterator[str]:
    found = Counter(child.tag for child in element)
    yield from (f"{name} is there {found[ATOM + name]} times" for name in _ONCE[kind] if found[ATOM + name] != 1)
    yield from (f"{name} is there more than once" for name in _AT_MOST_ONCE[kind] if found[ATOM + name] > 1)


def _links(element: Any, kind: str) -> Iterator[str]:
    links = element.findall(f"{ATOM}link")
    alternates = Counter((link.get("type"), link.get("hreflang")) for link in links if _rel(link) == "alternate")
    if any(count > 1 for count in alternates.values()):
        yield f"more than one alternate of a {kind}"
    yield from (f"{link.get('href')} is no address" for link in links if not is_web(link.get("href", "")))


def _rel(link: Any) -> str:
    return str(link.get("rel", "alternate"))


def _history(root: Any) -> Iterator[str]:
    """RFC 5005: at most one link of each relation; an archive says where the current document is."""
    found = Counter(_rel(link) for link in root.findall(f"{ATOM}link"))
    for relation in ("first", "next", "previous", "last", "current", "prev-archive", "next-archive", "self"):
        if found[relation] > 1:
            yield f"{found[relation]} links {relation}"
    if found["next"] and (address_of(root, "next") == address_of(root, "self")):
        yield "the next document is this one"
    is_archive = root.find(f"{HISTORY}archive") is not None
    if is_archive and not found["current"]:
        yield "an archive without a link to the current document"
    if is_archive and root.find(f"{HISTORY}complete") is not None:
        yield "an archive that says it is complete"


def address_of(root: Any, relation: str) -> str:
    """Where a feed's link leads, empty where it has none."""
    return next((link.get("href", "") for link in root.findall(f"{ATOM}link") if _rel(link) == relation), "")


_FEED_NAMES = frozenset(
    ("version", "title", "home_page_url", "feed_url", "description", "user_comment", "next_url", "icon", "favicon")
) | {"authors", "language", "expired", "hubs", "items"}
_ITEM_NAMES = frozenset(
    ("id", "url", "external_url", "title", "content_html", "content_text", "summary", "image", "banner_image")
) | {"date_published", "date_modified", "authors", "tags", "language", "attachments"}


def json_feed_problems(body: bytes) -> list[str]:
    """What breaks a rule of JSON Feed 1.1 in a document; nothing where it is valid."""
    try:
        found = json.loads(body.decode("utf-8"))
    except ValueError as error:
        return [f"no JSON: {error}"]
    return list(_json_feed(found)) if isinstance(found, dict) else ["no object"]


def _json_feed(found: Mapping[str, Any]) -> Iterator[str]:
    if found.get("version") != "https://jsonfeed.org/version/1.1":
        yield f"the version is {found.get('version')}"
    yield from _names(found, _FEED_NAMES)
    yield from _strings(found, ("title", "description", "user_comment", "language"))
    yield from _addresses(found, ("home_page_url", "feed_url", "next_url", "icon", "favicon"))
    if not found.get("title"):
        yield "no title"
    if "next_url" in found and found["next_url"] == found.get("feed_url"):
        yield "the next document is this one"
    items = found.get("items")
    if not isinstance(items, list):
        yield "items is no array"
        return
    ids = Counter(str(item.get("id")) for item in items)
    yield from (f"the id {name} is there {count} times" for name, count in ids.items() if count > 1)
    for number, item in enumerate(items):
        yield from (f"item {number}: {problem}" for problem in _item(item))


def _item(item: Mapping[str, Any]) -> Iterator[str]:
    yield from _names(item, _ITEM_NAMES)
    yield from _strings(item, ("id", "title", "content_html", "content_text", "summary", "language"))
    yield from _addresses(item, ("url", "external_url", "image", "banner_image"))
    if not item.get("id"):
        yield "no id"
    if not (item.get("content_html") or item.get("content_text")):
        yield "no content"
    yield from (
        f"{item[name]} is no time"
        for name in ("date_published", "date_modified")
        if not is_time(item.get(name, "2000-01-01T00:00:00Z"))
    )
    authors = item.get("authors", [])
    if not all(isinstance(one, dict) and (one.get("name") or one.get("url") or one.get("avatar")) for one in authors):
        yield "an author without a name"
    if not all(isinstance(tag, str) for tag in item.get("tags", [])):
        yield "a tag that is no text"


def _names(found: Mapping[str, Any], known: Iterable[str]) -> Iterator[str]:
    yield from (f"{name} is unknown" for name in found if name not in known and not name.startswith("_"))


def _strings(found: Mapping[str, Any], names: Iterable[str]) -> Iterator[str]:
    yield from (f"{name} is no text" for name in names if name in found and not isinstance(found[name], str))


def _addresses(found: Mapping[str, Any], names: Iterable[str]) -> Iterator[str]:
    yield from (f"{name} {found[name]} is no address" for name in names if name in found and not is_web(found[name]))


def is_time(text: str) -> bool:
    """Whether it is a moment as RFC 3339 writes it."""
    if not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_iri(text: str) -> bool:
    """Whether it is absolute: a tag URI, or another with a scheme."""
    return bool(_TAG.fullmatch(text)) if text.startswith("tag:") else is_web(text)


def is_web(address: str) -> bool:
    """Whether it is an absolute address of the web in which nothing stands that an address may not hold."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    odd = any(char.isspace() or char in '<>"{}|\\^`' or ord(char) < 33 for char in address)
    return parts.scheme in ("http", "https") and bool(parts.netloc) and not odd
