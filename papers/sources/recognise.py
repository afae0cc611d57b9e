"""Which kind of source somebody means who pastes an address, an ISSN or a name. Pure: others ask the address."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qs, urljoin, urlsplit

from papers.catalogue.identifiers import parse_issn
from papers.sources.meta_tags import decode_page
from papers.sources.oai import base_address
from papers.sources.other_site import LIST_PATH, site_address, site_name
from papers.text.urls import normalise_url
from papers.text.xml import feed_html

MAX_FEEDS = 20
MAX_TITLE = 100

_PREPRINT_SERVERS = {"biorxiv": "bioRxiv", "medrxiv": "medRxiv"}
_PREPRINT_HOST = re.compile(r"(?:www\.|api\.)?(biorxiv|medrxiv)\.org")
_COLLECTION = re.compile(r"/collection/([a-z0-9-]{3,80})/?", re.I)
_CROSSREF = re.compile(r"/(?:v1/)?journals/([0-9]{4}-[0-9]{3}[0-9xX])(?:/works)?/?")
_ROR = re.compile(r"ror\.org/0[a-z0-9]{6}[0-9]{2}")
_OPENALEX = re.compile(r"/(?:institutions/|authors/|sources/|topics/)?([iast][0-9]{3,12})/?", re.I)
_OPENALEX_FILTERS = {
    "I": "authorships.institutions.lineage",
    "A": "authorships.author.id",
    "S": "primary_location.source.id",
    "T": "primary_topic.id",
}
_OAI_PATH = re.compile(r"/(?:oai2?d?|oai-pmh|oaipmh|oaiserver)(?:/(?:request|oai))?/?$", re.I)
_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]{0,30}:)?(OAI-PMH|rss|feed|RDF|html)(?=[\s>])", re.I)
_TITLE = re.compile(rb"<title(?:\s[^<>]{0,200})?>\s{0,50}(?:<!\[CDATA\[)?([^<\]]{1,300})", re.I)
_REPOSITORY = re.compile(rb"<repositoryName>([^<]{1,300})</repositoryName>")
_FEED_TYPES = frozenset({"application/rss+xml", "application/atom+xml", "application/rdf+xml"})
_ISSN_TAGS = frozenset({"citation_issn", "prism.issn", "prism.eissn", "dc.identifier.issn"})
_HEAD = 20_000


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A source as it could be made."""

    kind: str
    base_url: str = ""
    query: str = ""
    name: str = ""
    api_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A feed that a page names."""

    url: str
    title: str


@dataclass(frozen=True, slots=True)
class AtAddress:
    """What an answer is: `kind` is `feed` or `oai`, or empty for a page, of which the feeds and the ISSN count."""

    kind: str = ""
    title: str = ""
    feeds: tuple[FeedLink, ...] = ()
    issn: str = ""


def suggested_by_text(text: str) -> Suggestion | None:
    """The source that a text names without a look at anything; None where it is an address to be looked at, or no
    source at all."""
    text = " ".join(text.split())
    word = text.lower()
    if word in _PREPRINT_SERVERS:
        return Suggestion(word, name=_PREPRINT_SERVERS[word])
    if issn := parse_issn(text):
        return Suggestion("crossref", query=issn, name=f"Journal {issn}")
    address = address_in(text)
    if address is None:
        return None
    parts = urlsplit(address)
    if server := _PREPRINT_HOST.fullmatch(parts.netloc.lower()):
        collection = _COLLECTION.fullmatch(parts.path)
        if collection or parts.path in ("", "/") or parts.netloc.lower().startswith("api."):
            category = collection[1].replace("-", " ").lower() if collection else ""
            return Suggestion(server[1].lower(), query=category, name=_PREPRINT_SERVERS[server[1].lower()])
    if parts.netloc.lower() == "api.crossref.org" and (journal := _CROSSREF.fullmatch(parts.path)):
        return suggested_by_text(journal[1])
    if parts.path.rstrip("/").endswith(LIST_PATH) and parts.netloc.lower() != "huggingface.co":
        site = site_address(address)
        return Suggestion("broadsheet", site, name=site_name(site))
    return _of_openalex(parts)


def _of_openalex(parts: SplitResult) -> Suggestion | None:
    """Works of what an address of OpenAlex, or of ROR, names: an institution, an author, a journal, a topic, or a
    filter that somebody made there."""
    if _ROR.fullmatch(f"{parts.netloc.lower()}{parts.path}"):
        return Suggestion(
            "openalex", query=f"authorships.institutions.ror:https://ror.org{parts.path}", name="OpenAlex"
        )
    if parts.netloc.lower() not in ("openalex.org", "api.openalex.org"):
        return None
    if named := _OPENALEX.fullmatch(parts.path):
        code = named[1].upper()
        return Suggestion("openalex", query=f"{_OPENALEX_FILTERS[code[0]]}:{code}", name=f"OpenAlex {code}")
    if parts.path.rstrip("/") == "/works" and (said := parse_qs(parts.query, max_num_fields=50).get("filter")):
        return Suggestion("openalex", query=said[0], name="OpenAlex")
    return None


def address_in(text: str) -> str | None:
    """The URL that a text is, also without its scheme; None where it is not one."""
    text = text.strip()
    if not text or any(map(str.isspace, text)) or "." not in text:
        return None
    address = text if re.match(r"https?://", text, re.I) else f"https://{text}" if "://" not in text else ""
    return address if address and normalise_url(address) else None


def is_oai_address(address: str) -> bool:
    """Whether an address looks like a repository's, so that it is asked who it is."""
    parts = urlsplit(address)
    return "verb=" in parts.query or _OAI_PATH.search(parts.path) is not None


def look_at_answer(data: bytes, *, url: str, content_type: str = "") -> AtAddress:
    """What came from an address. Never fails."""
    root = _ROOT.search(data[:_HEAD])
    name = root[1].lower() if root else b""
    if name == b"oai-pmh":
        said = _REPOSITORY.search(data[:_HEAD])
        return AtAddress("oai", _words(said[1] if said else b""))
    if name in (b"rss", b"feed", b"rdf"):
        said = _TITLE.search(data[:_HEAD])
        return AtAddress("feed", _words(said[1] if said else b""))
    links = _Links(url)
    feed_html(decode_page(data, content_type=content_type), links)
    title = " ".join("".join(links.title).split())[:MAX_TITLE]
    return AtAddress("", title, tuple(links.feeds.values()), links.issn)


def suggested_by_answer(found: AtAddress, address: str) -> Suggestion | None:
    """The source that is best made of what is at an address: a repository or feed that it is, a feed or ISSN that its
    page names; None where it is nothing of that."""
    host = urlsplit(address).netloc.removeprefix("www.")
    if found.kind == "oai":
        return Suggestion("oai", base_address(address), name=found.title or host)
    if found.kind == "feed":
        return Suggestion("feed", address, name=found.title or host)
    if found.feeds:
        return Suggestion("feed", found.feeds[0].url, name=found.feeds[0].title or found.title or host)
    return Suggestion("crossref", query=found.issn, name=found.title or f"Journal {found.issn}") if found.issn else None


def _words(data: bytes) -> str:
    return " ".join(data.decode("utf-8", errors="replace").replace("&amp;", "&").split())[:MAX_TITLE]


class _Links:
    """Takes from a page its title, its feeds and its ISSN; no tree is built, so no page is too deep."""

    def __init__(self, url: str) -> None:
        self.feeds: dict[str, FeedLink] = {}
        self.issn = ""
        self.title: list[str] = []
        self._base = url
        self._is_title = False

    def start(self, tag: str, attributes: dict[str, Any]) -> None:
        values = {name: str(value or "") for name, value in attributes.items()}
        self._is_title = tag == "title" and not self.title
        if tag == "base" and values.get("href"):
            self._base = _joined(self._base, values["href"]) or self._base
        elif tag == "link":
            self._note_link(values)
        elif tag == "meta" and not self.issn:
            name = (values.get("name") or values.get("property") or "").strip().lower()
            self.issn = (name in _ISSN_TAGS and parse_issn(values.get("content", ""))) or ""

    def _note_link(self, values: dict[str, str]) -> None:
        kind = values.get("type", "").partition(";")[0].strip().lower()
        url = _joined(self._base, values.get("href", ""))
        is_feed = "alternate" in values.get("rel", "").lower().split() and kind in _FEED_TYPES
        if is_feed and url and len(self.feeds) < MAX_FEEDS:
            self.feeds.setdefault(url, FeedLink(url, " ".join(values.get("title", "").split())[:MAX_TITLE]))

    def end(self, tag: str) -> None:
        self._is_title = False

    def data(self, text: str) -> None:
        if self._is_title and len(self.title) < 100:
            self.title.append(text[:MAX_TITLE])

    def comment(self, text: str) -> None:
        """Comments are not read."""

    def close(self) -> None:
        """All is there."""


def _joined(base: str, href: str) -> str:
    """The URL of a link on a page; empty where it is not one of http or https."""
    try:
        address = urljoin(base, href.strip())
    except ValueError:
        return ""
    return address if normalise_url(address) else ""
