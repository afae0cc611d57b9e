"""doi.org, which answers in CSL-JSON, and publishers' pages with citation tags."""

from __future__ import annotations

import json
from html import escape

from tests.support.fake_upstream.answer import Answer

CSL = "application/vnd.citationstyles.csl+json"
RECORDS = {
    "10.1000/ice": {
        "type": "journal-article",
        "DOI": "10.1000/ICE",
        "title": "Ice that <i>sings</i>",
        "container-title": "Journal of Ice",
        "author": [{"given": "Inga", "family": "Frost"}, {"name": "The Ice Collaboration"}],
        "published": {"date-parts": [[2026, 2, 3]]},
        "abstract": "<jats:title>Abstract</jats:title><jats:p>It sings at -4 °C.</jats:p>",
    },
    "10.1002/(sici)10<1::aid>3.0.co;2-2": {"title": "An old article", "DOI": "10.1002/(SICI)10<1::AID>3.0.CO;2-2"},
    "10.1000/untitled": {"title": [], "DOI": "10.1000/untitled"},
}
PAGES = {
    "snow": {"citation_title": "Snow that hums", "citation_author": "Frost, Inga", "citation_date": "2026/02/01"},
    "ice": {"citation_title": "Ice, as its page has it", "citation_doi": "10.1000/ice"},
    "liar": {"citation_title": "Not what it says", "citation_doi": "10.1000/nobody", "citation_arxiv_id": "2603.99999"},
    "plain": {"og:title": "A page like any other"},
    "doi/10.1000/ice/full": {"citation_title": "Not to be asked"},
}


def answer_record(doi: str, url: str) -> Answer:
    """`/doi/…`: a record; where the registry has none it leads on to the page, and what it does not know is 404."""
    if doi == "10.1000/page-only":
        return Answer("", "text/html", status=302, headers={"Location": f"{url}/pages/snow"})
    record = RECORDS.get(doi.lower())
    if record is None:
        return Answer("<html><title>DOI Not Found</title></html>", "text/html;charset=utf-8", status=404)
    return Answer(json.dumps(record), CSL)


def answer_page(name: str) -> Answer:
    """`/pages/…`: a publisher's page."""
    if name == "endless":
        return Answer(f"<html>{'a' * 10_000_000}", "text/html; charset=utf-8")
    if name == "inwards":
        return Answer("", "text/html", status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"})
    if name not in PAGES:
        return Answer("<html><title>Not found</title></html>", "text/html; charset=utf-8", status=404)
    tags = "".join(f'<meta name="{key}" content="{escape(value)}">' for key, value in PAGES[name].items())
    return Answer(f"<!doctype html><html><head>{tags}</head></html>", "text/html; charset=utf-8")
