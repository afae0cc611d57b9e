"""What browsers, search engines and other programs ask a site for by its well-known names."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from lxml import etree

from config.env import contact_address
from papers.services.lists import sitemap
from tests.support import factories
from tests.support.factories import NOW
from tests.support.people import anonymous_client

pytestmark = pytest.mark.django_db
ORIGIN = "http://127.0.0.1:8000"
MAP = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
SEARCH = {"o": "http://a9.com/-/spec/opensearch/1.1/"}


def xml(path: str) -> Any:
    answer = anonymous_client().get(path)
    assert answer.status_code == 200, path
    return etree.fromstring(answer.content)


def locations(path: str) -> list[str]:
    return [str(each.text) for each in xml(path).iterfind(".//s:loc", MAP)]


def test_browsers_learn_how_to_search() -> None:
    found = xml("/opensearch.xml")
    assert found.findtext("o:ShortName", namespaces=SEARCH)
    urls = {each.get("type"): each.get("template") for each in found.iterfind("o:Url", SEARCH)}
    assert urls["text/html"] == f"{ORIGIN}/papers?q={{searchTerms}}"
    factories.topic("Graph networks")
    typed = urls["application/x-suggestions+json"].removeprefix(ORIGIN).replace("{searchTerms}", "graph")
    answer = json.loads(anonymous_client().get(typed).content)
    assert answer[0] == "graph"
    assert answer[1]
    assert all(isinstance(each, str) for each in answer[1])
    assert b'type="application/opensearchdescription+xml"' in anonymous_client().get("/").content


def test_every_visible_paper_is_in_one_part(monkeypatch: Any) -> None:
    monkeypatch.setattr(sitemap, "PAPERS_A_PART", 5)
    papers = [factories.paper() for _ in range(12)]
    hidden = factories.paper(hidden_at=NOW)
    sample = factories.paper(is_sample=True)
    factories.listing(papers[0])
    factories.topic("trees")
    factories.topic("own", owner=factories.user())
    pages = [page for part in locations("/sitemap.xml") for page in locations(part.removeprefix(ORIGIN))]
    assert len(pages) == len(set(pages))
    assert {f"{ORIGIN}{paper.get_absolute_url()}" for paper in papers} <= set(pages)
    assert not {f"{ORIGIN}{paper.get_absolute_url()}" for paper in (hidden, sample)} & set(pages)
    assert f"{ORIGIN}/topics/trees" in pages
    assert f"{ORIGIN}/topics/own" not in pages
    for page in pages:
        if "/papers/date/" in page or "/topics" in page:
            assert anonymous_client().get(page.removeprefix(ORIGIN)).status_code == 200, page


def test_a_part_is_one_walk_along_the_primary_key() -> None:
    factories.paper()
    with CaptureQueriesContext(connection) as captured:
        anonymous_client().get("/sitemap-1.xml")
    (statement,) = [each["sql"] for each in captured if "papers_paper" in each["sql"] and "MAX" not in each["sql"]]
    assert "OFFSET" not in statement
    assert '"papers_paper"."id" >' in statement


def test_robots_name_the_sitemap_and_a_site_may_stay_out_of_search_engines(settings: Any) -> None:
    assert f"Sitemap: {ORIGIN}/sitemap.xml" in anonymous_client().get("/robots.txt").content.decode().splitlines()
    settings.SEARCH_ENGINES = False
    assert anonymous_client().get("/robots.txt").content.decode().split() == ["User-agent:", "*", "Disallow:", "/"]
    assert anonymous_client().get("/sitemap.xml").status_code == 404


def test_password_managers_find_the_page() -> None:
    answer = anonymous_client().get("/.well-known/change-password")
    assert (answer.status_code, answer["Location"]) == (302, "/account/password")


def test_a_hole_can_be_told(settings: Any) -> None:
    assert anonymous_client().get("/.well-known/security.txt").status_code == 404
    settings.SECURITY_CONTACT = contact_address("security@lab.example.org")
    lines = anonymous_client().get("/.well-known/security.txt").content.decode().splitlines()
    fields = dict(line.split(": ", 1) for line in lines)
    assert fields["Contact"] == "mailto:security@lab.example.org"
    assert fields["Canonical"] == f"{ORIGIN}/.well-known/security.txt"
    expires = datetime.fromisoformat(fields["Expires"])
    assert timedelta(days=100) < expires - timezone.now().astimezone(UTC) < timedelta(days=365)


@pytest.mark.parametrize("text", ["somebody", "http://example.org", "a@b\nContact: evil", "javascript:alert(1)"])
def test_no_contact_is_refused(text: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        contact_address(text)


def links_of(path: str) -> list[tuple[str, str, str]]:
    found = []
    for each in anonymous_client().get(path)["Link"].split(", "):
        address, relation, *kind = each.split("; ")
        found.append((relation.removeprefix("rel="), address.strip("<>"), *kind, "")[:3])
    return [(relation.strip('"'), address, kind) for relation, address, kind in found]


def test_a_paper_has_signposts() -> None:
    paper = factories.paper(
        doi="10.1000/a<b>,c",
        authors=[{"name": "Ada", "orcid": "0000-0002-1825-0097"}, {"name": "Bob"}, {"name": "Eve", "orcid": "x"}],
    )
    links = links_of(paper.get_absolute_url())
    assert ("cite-as", "https://doi.org/10.1000/a%3Cb%3E,c", "") in links
    assert [link[1] for link in links if link[0] == "author"] == ["https://orcid.org/0000-0002-1825-0097"]
    described = {link[2]: link[1] for link in links if link[0] == "describedby"}
    assert set(described) == {
        'type="application/x-bibtex"',
        'type="application/vnd.citationstyles.csl+json"',
        'type="text/markdown"',
    }
    for kind, address in described.items():
        answer = anonymous_client().get(address.removeprefix(ORIGIN))
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith(kind.split('"')[1])
