"""Authors' and organizations' pages, and what curators say of names."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.urls import reverse

from papers.catalogue.identifiers import parse_orcid
from papers.models import Author, AuthorClaim, CurationEvent, Followed, Paper
from papers.services.authors.disambiguation import claim_papers_by_orcid, parse_author_key
from papers.services.authors.lookup import find_author, find_organization
from papers.services.authors.profile import AuthorProfile, read_author_profile
from papers.services.ingest.clean_record import clean_record
from papers.services.reading.follows import follow, is_following
from papers.sources.base import RawAuthor as SourceAuthor
from tests.support import factories
from tests.support.pages import cards_on, get_page, page_text, text_of, titles_on
from tests.support.people import anonymous_client, client_of, curator, reader
from tests.support.query_counts import count_queries

pytestmark = pytest.mark.django_db

WANG = "/authors/wei-wang"


def test_a_name_on_a_card_leads_to_the_author_s_page() -> None:
    factories.listing(
        factories.paper(title="On engines", authors=["Ada Lovelace", "Émilie du Châtelet"], organization="CERN")
    )
    byline = get_page("/").find_class("byline")[0]
    assert [link.get("href") for link in byline.iter("a")] == [
        "/authors/ada-lovelace", "/authors/emilie-du-chatelet", "/organizations/cern",
    ]  # fmt: skip
    assert titles_on("/authors/emilie-du-chatelet") == ["On engines"]
    assert "Émilie du Châtelet" in page_text("/authors/emilie-du-chatelet")


def test_the_page_tells_years_categories_and_who_else() -> None:
    for year, title in ((2024, "First"), (2026, "Third"), (2026, "Second")):
        factories.paper(
            title=title, authors=["Ada Lovelace", "Charles Babbage"], published_at=factories.NOW.replace(year=year),
            listed_at=factories.NOW.replace(year=year), categories=["cs.CL", "cs.AI"],
        )  # fmt: skip
    facts = read_author_profile(find_author("ada-lovelace"))
    assert facts.years == ((2024, 1), (2025, 0), (2026, 2))
    assert facts.categories == (("cs.AI", 3), ("cs.CL", 3))
    assert [(one.name, one.count) for one in facts.people] == [("Charles Babbage", 3)]
    page = get_page("/authors/ada-lovelace")
    assert [text_of(row) for row in page.xpath("//table//tbody/tr")][:4] == ["20262", "20250", "20241", "20230"]
    assert page.xpath("//svg[@role='img']/@aria-label")


def test_who_is_one_of_thousands_works_with_none_of_them() -> None:
    factories.paper(authors=[f"A. Person{number}" for number in range(300)])
    assert read_author_profile(find_author("a-person7")).people == ()


@pytest.mark.parametrize("path", ["/authors/nobody", "/organizations/nowhere", "/authors/Ada-Lovelace", "/authors/-"])
def test_nobody_has_no_page(path: str) -> None:
    factories.paper()
    assert anonymous_client().get(path).status_code == 404


@pytest.mark.parametrize("of", ["authors", "organizations"])
@pytest.mark.parametrize(
    "key",
    ["%00", "a%00b", "x" * 5_000, "..%2f..%2fetc", "%ff%fe", "%E2%80%AE", "-", "' OR 1=1 --", "%F0%9F%91%BB", "-2"],
)
def test_strange_keys_are_nobody_s(of: str, key: str) -> None:
    client = client_of(reader())
    assert client.get(f"/{of}/{key}").status_code == 404
    assert client.get(f"/{of}/{key}.atom").status_code == 404
    assert client.post(f"/{of}/{key}/follow", {"on": "1"}).status_code == 404


def test_names_in_any_script_have_addresses() -> None:
    factories.paper(title="A", authors=["王伟"], organization="清华大学")
    assert titles_on(reverse("papers:author", args=["王伟"])) == ["A"]
    assert titles_on(reverse("papers:organization", args=["清华大学"])) == ["A"]


@pytest.mark.parametrize("name", ["Google DeepMind", "O’Reilly & Co.", "C++ Alliance", "Université de Genève", "a-b_c"])
def test_an_organization_s_link_leads_to_its_papers(name: str) -> None:
    factories.listing(factories.paper(title="Theirs", organization=name))
    factories.paper(title="Others", organization=f"{name} Labs")
    (link,) = get_page("/").xpath("//span[@class='organization']/a/@href")
    assert titles_on(link) == ["Theirs"]


def test_spellings_of_an_organization_that_differ_in_case_are_one() -> None:
    factories.paper(title="A", organization="OpenAI")
    factories.paper(title="B", organization="Openai")
    assert set(find_organization("openai").names) == {"OpenAI", "Openai"}
    assert sorted(titles_on("/organizations/openai")) == ["A", "B"]


def test_pages_of_a_long_list_go_on_behind_the_last_card() -> None:
    for number in range(60):
        factories.paper(title=f"P{number:02}", listed_at=factories.NOW - timedelta(hours=number))
    first = titles_on("/authors/ada-lovelace")
    assert first == [f"P{number:02}" for number in range(50)]
    (more,) = get_page("/authors/ada-lovelace").xpath("//p[@class='more']/a/@href")
    assert titles_on("/authors/ada-lovelace" + more) == [f"P{number:02}" for number in range(50, 60)]


def test_hidden_papers_are_nobody_s() -> None:
    factories.paper(hidden_at=factories.NOW)
    assert anonymous_client().get("/authors/ada-lovelace").status_code == 404


def test_an_author_s_feed_has_the_papers() -> None:
    factories.paper(title="On engines")
    assert "On engines" in anonymous_client().get("/authors/ada-lovelace.atom").content.decode()
    assert anonymous_client().get("/authors/ada-lovelace.json").json()["items"][0]["title"] == "On engines"


def test_two_spellings_become_one_and_two_again() -> None:
    carl, rita = curator(), reader()
    factories.paper(title="A", authors=["Yann LeCun"])
    factories.paper(title="B", authors=["Y. LeCun"])
    follow(user=rita, contributor=find_author("y-lecun"), name="Y. LeCun", now=factories.NOW)
    client = client_of(carl)
    client.post("/authors/yann-lecun/merge", {"other": "https://papers.example.org/authors/y-lecun?x=1"})
    cache.clear()
    assert sorted(titles_on("/authors/yann-lecun")) == ["A", "B"]
    assert anonymous_client().get("/authors/y-lecun")["Location"] == "/authors/yann-lecun"
    assert is_following(rita, find_author("yann-lecun"))
    assert Followed.objects.get(key="yann lecun").papers.count() == 2
    event = CurationEvent.objects.get(action="author-merged")
    assert "merged two author names: yann lecun" in page_text("/curate/log", client)
    for _ in range(2):  # the second press changes nothing
        client.post(f"/authors/acts/{event.pk}/undo")
    cache.clear()
    assert (titles_on("/authors/yann-lecun"), titles_on("/authors/y-lecun")) == (["A"], ["B"])
    assert is_following(rita, find_author("y-lecun"))
    assert not is_following(rita, find_author("yann-lecun"))


def test_namesakes_are_told_apart_paper_by_paper_and_put_together_again() -> None:
    mine, hers = (
        factories.paper(title="Graphs", authors=["Wei Wang"]),
        factories.paper(title="Genes", authors=["Wei Wang"]),
    )
    client = client_of(curator())
    answer = client.post(WANG + "/split", {"paper": [hers.pk]})
    assert answer["Location"] == "/authors/wei-wang-2"
    cache.clear()
    assert (titles_on(WANG), titles_on("/authors/wei-wang-2")) == (["Graphs"], ["Genes"])
    assert "Undo" in page_text(WANG, client)
    client.post(f"/authors/acts/{CurationEvent.objects.get(action='author-split').pk}/undo")
    cache.clear()
    assert sorted(titles_on(WANG)) == ["Genes", "Graphs"]
    assert anonymous_client().get("/authors/wei-wang-2").status_code == 404
    assert Paper.objects.get(pk=mine.pk).author_keys == ["wei wang"]  # papers stay as they are


def test_a_namesake_that_was_none_goes_back_and_its_address_leads_on() -> None:
    factories.paper(title="Graphs", authors=["Wei Wang"])
    hers = factories.paper(title="Genes", authors=["Wei Wang"])
    client = client_of(curator())
    client.post(WANG + "/split", {"paper": [hers.pk]})
    client.post(WANG + "/merge", {"other": "/authors/wei-wang-2"})
    cache.clear()
    assert sorted(titles_on(WANG)) == ["Genes", "Graphs"]
    assert anonymous_client().get("/authors/wei-wang-2")["Location"] == WANG
    client.post(f"/authors/acts/{CurationEvent.objects.get(action='author-merged').pk}/undo")
    cache.clear()
    assert (titles_on(WANG), titles_on("/authors/wei-wang-2")) == (["Graphs"], ["Genes"])


def test_a_wrong_act_is_told_in_words() -> None:
    factories.paper(authors=["Wei Wang"])
    client = client_of(curator())
    for path, data, words_ in (
        ("/merge", {"other": "Wang, Wei"}, "already the same author"),
        ("/merge", {"other": "---"}, "No such author here"),
        ("/split", {}, "Select at least one"),
        ("/orcid", {"orcid": "0000-0002-1825-0098"}, "That is not a valid ORCID"),
    ):
        assert words_ in client.post(WANG + path, data, follow=True).content.decode()
    assert not CurationEvent.objects.exists()


def test_an_orcid_claims_the_papers_whose_record_names_it() -> None:
    orcid = "0000-0002-1825-0097"
    mine = factories.paper(title="Mine", authors=[{"name": "Wei Wang", "orcid": orcid}])
    other = factories.paper(title="Other", authors=[{"name": "Wei Wang"}])
    client = client_of(curator())
    client.post(WANG + "/split", {"paper": [mine.pk]})
    client.post("/authors/wei-wang-2/orcid", {"orcid": f"https://orcid.org/{orcid}"})
    later = factories.paper(title="Later", authors=[{"name": "Wei Wang", "orcid": orcid}])
    claim_papers_by_orcid([later.pk, other.pk])
    cache.clear()
    assert sorted(titles_on("/authors/wei-wang-2")) == ["Later", "Mine"]
    assert titles_on(WANG) == ["Other"]
    assert AuthorClaim.objects.count() == 2
    assert Author.objects.get(pk="wei wang 2").orcid == orcid


def test_the_record_s_orcid_is_kept_and_shown() -> None:
    paper = clean_record(
        factories.raw_paper("doi", authors=(SourceAuthor("Ada Lovelace", orcid="0000-0002-1825-0097"),))
    )
    assert paper.authors == ({"name": "Ada Lovelace", "orcid": "0000-0002-1825-0097"},)
    factories.paper(authors=list(paper.authors))
    assert "ORCID 0000-0002-1825-0097" in page_text("/authors/ada-lovelace")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0000-0002-1825-0097", "0000-0002-1825-0097"),
        ("https://orcid.org/0000-0002-9079-593x", "0000-0002-9079-593X"),
        ("0000000218250097", "0000-0002-1825-0097"),
        ("0000-0002-1825-0096", None),
        ("", None),
    ],
)
def test_an_orcid_is_checked(text: str, found: str | None) -> None:
    assert parse_orcid(text) == found


def test_a_key_is_read_from_a_name_or_an_address() -> None:
    assert parse_author_key("LeCun, Yann") == parse_author_key("http://x/authors/yann-lecun?a=b") == "yann lecun"


def test_papers_a_year_are_drawn_with_the_empty_years_before() -> None:
    drawn = AuthorProfile(name="Ada", paper_count=7, years=((2024, 3), (2025, 0), (2026, 4))).by_year
    assert [(row.label, row.values) for row in drawn.rows[-4:]] == [
        ("2023", (0,)), ("2024", (3,)), ("2025", (0,)), ("2026", (4,)),
    ]  # fmt: skip
    assert len(drawn.rows) == 12
    assert (
        len(AuthorProfile(name="Ada", paper_count=9, years=tuple((year, 1) for year in range(1990, 2027))).by_year.rows)
        == 37
    )
    assert AuthorProfile(name="Ada", paper_count=0).by_year.is_empty


def test_a_page_costs_the_same_for_few_and_for_many() -> None:
    member = client_of(reader())
    factories.paper()
    member.get("/authors/ada-lovelace")
    costs = []
    for _ in range(2):
        for _ in range(10):
            factories.paper(authors=["Ada Lovelace", "Charles Babbage"])
        cache.clear()
        costs.append(
            (count_queries("/authors/ada-lovelace", anonymous_client()), count_queries("/authors/ada-lovelace", member))
        )
    assert costs[0] == costs[1]
    assert len(cards_on("/authors/ada-lovelace")) == 21


def test_an_author_s_list_is_not_found_by_walking_along_new() -> None:
    """`paper_newest` may not serve its order: of somebody who wrote long ago it would be walked to its end."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort = off")  # would rather walk, if any index had the order
    plan = find_author("ada-lovelace").papers().newest_sorted()[:51].explain()
    assert "Sort Key" in plan
    assert "paper_newest" in find_author("ada-lovelace").papers().newest()[:51].explain()
