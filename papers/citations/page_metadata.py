"""What reference managers, search engines and chats read in a paper's page: Highwire tags, schema.org, OpenGraph."""

from __future__ import annotations

import json
from typing import Any

from papers.citations.person_names import PersonName
from papers.citations.record import CitationRecord
from papers.text.cleaning import plain_formulas


def highwire_tags(record: CitationRecord) -> list[tuple[str, str]]:
    """`citation_…`, as Google Scholar asks for them and Zotero reads them; an author a tag, in order."""
    tags = [
        ("citation_title", plain_formulas(record.title)),
        *(("citation_author", _last_first(name)) for name in record.names),
        ("citation_publication_date", record.published.strftime("%Y/%m/%d") if record.published else ""),
        ("citation_journal_title", record.journal_ref or record.venue),
        # Whoever reads these takes the words for those of the record with that id.
        ("citation_arxiv_id", "" if record.words_of else record.arxiv_id),
        ("citation_doi", "" if record.words_of else record.doi),
        ("citation_pdf_url", record.pdf_url),
        ("citation_abstract_html_url", record.url),
        ("citation_abstract", plain_formulas(record.abstract)),
    ]
    return [(name, content) for name, content in tags if content]


def json_ld(record: CitationRecord, *, page: str) -> str:
    """A schema.org ScholarlyArticle for a `<script>` that no browser runs: nothing in it can end that element."""
    fields: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "ScholarlyArticle",
        "@id": page,
        "url": page,
        "headline": plain_formulas(record.title)[:250],
        "name": plain_formulas(record.title),
        "author": [
            {"@type": "Organization" if name.is_group else "Person", "name": name.whole} for name in record.names
        ],
        "datePublished": record.published.isoformat() if record.published else None,
        "abstract": plain_formulas(record.abstract),
        "sameAs": [url for url in (record.url, f"https://doi.org/{record.doi}" if record.doi else "") if url],
        "identifier": [f"arXiv:{record.arxiv_id}"] if record.arxiv_id and not record.words_of else [],
        "keywords": list(record.categories),
    }
    text = json.dumps({name: value for name, value in fields.items() if value}, ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _last_first(name: PersonName) -> str:
    return name.family if name.is_group else ", ".join(filter(None, (name.family, name.given, name.suffix)))
