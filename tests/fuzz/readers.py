"""Every reader of what strangers write, and the pieces of which inputs for them are made."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from papers.catalogue import identifiers, links
from papers.catalogue.paper_ref import InvalidReferenceError, parse_reference
from papers.citations import markdown
from papers.outbound.errors import SourceError
from papers.query import parser
from papers.references.parser import parse_references as read_references
from papers.references.text_lists import parse_list
from papers.services.ingest import clean_record
from papers.services.reading.comments import MAX_COMMENT_LENGTH
from papers.sources import biorxiv, crossref, doi, journal_entries, oai, openalex, recognise, record_markup, webpage
from papers.sources.feed import parse_feed_entries
from papers.sources.html_words import html_text
from papers.sources.xml import parse_cut_xml
from papers.text import cleaning as text
from papers.text import html, mathml, names, tex, tex_math, venues, xml
from papers.text.role_features import sentence_features
from papers.text.sentences import find_sentences

Reader = Callable[[str], Any]
OWN_ERRORS = (SourceError, InvalidReferenceError)
"""What a reader may raise: a refusal is an answer, too."""


PREPRINT = ("title", "authors", "abstract", "date", "version", "published", "license", "type", "category")


def feed_with(element: str) -> Reader:
    """A feed whose one entry has the text in an element."""

    def read(given: str) -> Any:
        item = f"<item><title>T</title><{element}>{given}</{element}></item>"
        feed = f"<rss version='2.0'><channel>{item}</channel></rss>"
        return parse_feed_entries(feed.encode(), url="https://feed.example/")

    return read


def page_by(given: str) -> list[str]:
    """The authors of a page whose one author has this name, as they are kept."""
    content = given.replace('"', "'")
    page = f'<meta name="citation_title" content="T"><meta name="citation_author" content="{content}">'
    paper = webpage.parse_page(page.encode("utf-8", "replace"), url="https://page.example/")
    return [name for author in paper.authors or () if (name := names.clean_name(author.name))]


def record_in(read: Callable[..., Any], row: Callable[[str], Any], **options: Any) -> Reader:
    """A registry's answer in JSON, of which one record has the text in its fields."""
    return lambda given: read(json.dumps(row(given)).encode(), **options)


def dublin_core(given: str) -> Any:
    """A repository's record whose fields are the text, and the text as the record itself."""
    names = ("title", "creator", "identifier", "relation", "description", "date", "type")
    fields = "".join(f"<{name}>{escape(given)}</{name}>" for name in names)
    header = "<header><identifier>oai:a:1</identifier><datestamp>2026-01-01</datestamp></header>"
    record = f"<record>{header}<metadata><dc>{fields}</dc></metadata></record>"
    page = f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>{record}{given}</ListRecords></OAI-PMH>'
    return oai.parse_page(page.encode("utf-8", "replace"))


READERS: dict[str, Reader] = {
    "preprint": record_in(
        biorxiv.parse_page,
        lambda given: {"collection": [dict.fromkeys(PREPRINT, given) | {"doi": "10.1101/1"}]},
        server="biorxiv",
    ),
    "work of Crossref": record_in(
        crossref.parse_works,
        lambda given: {"message": {"items": [{"DOI": "10.5555/1", "title": [given], "abstract": given}]}},
    ),
    "DOI of Crossref": record_in(
        crossref.parse_works, lambda given: {"message": {"items": [{"DOI": given, "title": ["T"]}]}}
    ),
    "work of OpenAlex": record_in(
        openalex.parse_works,
        lambda given: {"results": [{"id": given, "display_name": given, "abstract_inverted_index": {given: [0]}}]},
    ),
    "filter of OpenAlex": openalex.conditions_of,
    "Dublin Core": dublin_core,
    "pasted source": recognise.suggested_by_text,
    "page of a source": lambda given: recognise.look_at_answer(
        given.encode("utf-8", "replace"), url="https://a.example/"
    ),
    "sentences": find_sentences,
    "features of a sentence": lambda given: sentence_features([given]),
    "references": lambda given: read_references(given.encode("utf-8", "replace")),
    "one entry": lambda given: read_references(b"@article{" + given.encode("utf-8", "replace")),
    "value on a line": lambda given: read_references(b"@article{a,\n title = {" + given.encode("utf-8", "replace")),
    "list": lambda given: list(parse_list(given)),
    "RIS": lambda given: read_references(b"TY  - JOUR\nTI  - " + given.encode("utf-8", "replace")),
    "PubMed": lambda given: read_references(b"PMID- 1\nTI  - " + given.encode("utf-8", "replace")),
    "EndNote": lambda given: read_references(b"%0 Book\n%T " + given.encode("utf-8", "replace")),
    "Web of Science": lambda given: read_references(b"PT J\nTI " + given.encode("utf-8", "replace")),
    "one field": lambda given: read_references(b"@article{a, title = " + given.encode("utf-8", "replace")),
    "given": parse_reference,
    "any xml": lambda given: xml.parse_any_xml(given.encode("utf-8", "replace")),
    "cut xml": lambda given: parse_cut_xml(given.encode("utf-8", "replace")),
    "feed": lambda given: parse_feed_entries(given.encode("utf-8", "replace"), url="https://feed.example/"),
    "html": html_text,
    "html of a feed": feed_with("description"),
    "author of a feed": feed_with("author"),
    "category of a feed": feed_with("category"),
    "page": page_by,
    "abstract in JATS": doi.plain_abstract,
    "title of a record": record_markup.plain_line,
    "frame of an abstract": lambda given: journal_entries.without_frame([given, f"Author(s): {given}"]),
    "abstract": text.clean_abstract,
    "title": text.clean_title,
    "authors": names.split_authors,
    "people": names.read_people,
    "author": lambda given: names.author_key(names.clean_name(given)),
    "searched": text.search_text,
    "TeX": tex.to_text,
    "formula": tex_math.to_unicode,
    "drawn formula": lambda given: mathml.to_mathml(given[:2_000]),
    "paragraphs": html.paragraphs,
    "excerpt": lambda given: html.excerpt(given, 300),
    "comment": lambda given: html.markdown.__wrapped__(given[:MAX_COMMENT_LENGTH]),
    "exported": markdown.to_markdown,
    "links": lambda given: links.find_links(given, given, given),
    "venue": venues.find_venue,
    "withdrawn": lambda given: clean_record._WITHDRAWN.search(given),
    "arXiv id": identifiers.find_arxiv_id,
    "DOIs in a text": lambda given: list(identifiers.find_dois(given)),
    "DOIs": identifiers.parse_dois,
    "question": parser.parse,
}
UNITS = (
    *("\n", " ", "\t", "\u2029", "\u200d", "\x0b", "\n ", "a", "a ", "1", "1.", "1,", ",", ", ", ";", ".", ". ", "a."),
    *("<!--", "<!---->", "<?", "<??>", "<!", "<![", "<![CDATA[", "<a ", "<a", "<a>", "</a", "</a>", "<a href=", "<a='"),
    *("<p>", "<a href=http://a.b>", "<script>", "</script", "<title>", "<title ", "<tex-math>", "<annotation>", "-"),
    *("&lt;!--", "&lt;![", "&", "&#", "&#9", "<!ENTITY", "<!DOCTYPE", "<?xml encoding='", "{", "}", "{}", "\\"),
    *("\\cite{", "\\cite[", "\\emph{", "\\'", "^{", "$", "$$", "$1", "\\(", "\\[", "\\\\", "\\frac", "\\text{"),
    *("\\left(", "\\operatorname{", "\\href{a}{", "`", "``", "'", '"', "(", ")", "()", "(1) ", "a (1), ", "(a,"),
    *("the ", "the team ", "et al ", " and ", " for ", "https://", "http://a.b", "a.b/", "10.1234/", "10.1234.1."),
    *("10.1234 ", "2401.12345", "arXiv:", "hep-th/", "@", "a@", "@a.", "@a{", "@a{b,", "@string{a=", "#", "# [", "["),
    *("]", "[[", "[a](", "TY", "TY  - ", "*", "**", "_", "~", "~~", "> ", "- ", "|", "OR ", "NOT ", '{"a":', "author:"),
    *("10.1234/;", "10.1234/,", "10.1234%2f", "10.1234/a?", "a, Jr, ", ", PhD", "Holm, C., ", "a, b; ", "%", "&lt;"),
    *("<a/>", "<sub>", "<math>", "</math>", "<msup>", "<i a=", "a={", "\na={", "\\}", "[1] ", "\n- ", "PMID- ", "%0 "),
    *("this paper ", "withdrawn ", "accepted ", "Accepted to ", "NeurIPS ", "published in "),
)  # fmt: skip
