"""The fake upstream has the shapes and the faults that the tests of everything else count on."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.support.fake_upstream import (
    TODAY,
    Behaviour,
    FakeUpstream,
    fake_upstream,
    fake_upstream_process,
    make_catalogue,
    weekdays,
)

ATOM = "{http://www.w3.org/2005/Atom}"
ARXIV = "{http://arxiv.org/schemas/atom}"
OAI = "{http://www.openarchives.org/OAI/2.0/}"
SEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with fake_upstream() as running:
        yield running


def get(upstream: FakeUpstream, path: str, **params: str) -> str:
    with urlopen(f"{upstream.url}{path}?{urlencode(params)}", timeout=5) as answer:
        return bytes(answer.read()).decode()


def oai(upstream: FakeUpstream, **params: str) -> ET.Element:
    return ET.fromstring(get(upstream, "/oai", **{name.rstrip("_"): value for name, value in params.items()}))


def oai_ids(page: ET.Element) -> list[str]:
    return [text.removeprefix("oai:arXiv.org:") for item in page.iter(f"{OAI}identifier") if (text := item.text)]


def oai_error(page: ET.Element) -> str | None:
    error = page.find(f"{OAI}error")
    return None if error is None else error.get("code")


def api_ids(body: str) -> list[str]:
    found = [entry.findtext(f"{ATOM}id", "") for entry in ET.fromstring(body).iter(f"{ATOM}entry")]
    return [address.removeprefix("http://arxiv.org/abs/") for address in found]


def harvest(upstream: FakeUpstream, **params: str) -> list[str]:
    """All ids of a list, by following its tokens."""
    page = oai(upstream, verb="ListRecords", metadataPrefix="arXivRaw", **params)
    ids = oai_ids(page)
    while token := page.findtext(f".//{OAI}resumptionToken"):
        page = oai(upstream, verb="ListRecords", resumptionToken=token)
        ids += oai_ids(page)
    return ids


def test_the_catalogue_is_always_the_same():
    days = weekdays(TODAY, 3)
    assert days == [date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20)]
    assert make_catalogue(days, 10) == make_catalogue(days, 10)
    assert len(make_catalogue(days, 10).papers) == 30
    assert weekdays(date(2026, 11, 22), 2) == [date(2026, 11, 19), date(2026, 11, 20)], "a weekend announces nothing"


def test_the_feed_tells_what_was_announced_today(upstream):
    entries = list(ET.fromstring(get(upstream, "/atom/cs.CL")).iter(f"{ATOM}entry"))
    kinds = {entry.findtext(f"{ATOM}id", ""): entry.findtext(f"{ARXIV}announce_type") for entry in entries}
    new = {f"oai:arXiv.org:{arxiv_id}v1" for arxiv_id in upstream.catalogue.new_ids(TODAY, ["cs.CL"])}
    assert {name for name, kind in kinds.items() if kind in ("new", "cross")} == new
    assert {"new", "cross"} <= set(kinds.values())
    assert all(name.endswith("v2") for name, kind in kinds.items() if kind and kind.startswith("replace"))


def test_both_forms_of_the_feed_have_the_same_items(upstream):
    atom = {entry.findtext(f"{ATOM}id") for entry in ET.fromstring(get(upstream, "/atom/cs+stat")).iter(f"{ATOM}entry")}
    rss = {item.findtext("guid") for item in ET.fromstring(get(upstream, "/rss/cs+stat")).iter("item")}
    assert len(atom) >= 10
    assert atom == rss


def test_a_feed_is_empty_at_the_weekend_and_wrong_for_an_unknown_category(upstream):
    upstream.set(today=date(2026, 11, 21))
    assert "<entry>" not in get(upstream, "/atom/cs")
    with pytest.raises(HTTPError) as error:
        get(upstream, "/atom/nonsense")
    assert error.value.code == 400
    assert b"Feed error for query: nonsense" in error.value.read()


def test_a_stale_feed_is_freshly_built(upstream):
    upstream.set(today=date(2026, 11, 19))
    yesterday = ET.fromstring(get(upstream, "/rss/cs"))
    upstream.set(today=TODAY)
    upstream.script("/rss", Behaviour(is_stale=True))
    stale, fresh = ET.fromstring(get(upstream, "/rss/cs")), ET.fromstring(get(upstream, "/rss/cs"))
    guids = [[item.findtext("guid") for item in feed.iter("item")] for feed in (yesterday, stale, fresh)]
    assert guids[1] == guids[0] != guids[2]
    assert "20 Nov 2026" in stale.findtext("channel/lastBuildDate", "")


def test_a_search_pages_through_what_it_finds(upstream):
    first = get(upstream, "/api/query", search_query="cat:cs.CL", max_results="5")
    second = get(upstream, "/api/query", search_query="cat:cs.CL", max_results="50", start="5")
    total = int(ET.fromstring(first).findtext(f"{SEARCH}totalResults", ""))
    assert len(api_ids(first)) == 5
    assert total == len(api_ids(first)) + len(api_ids(second)) == len(set(api_ids(first) + api_ids(second)))


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("cat:cs.CL AND cat:cs.LG", lambda categories: {"cs.CL", "cs.LG"} <= categories),
        ("cat:cs.CL ANDNOT cat:cs.LG", lambda categories: "cs.CL" in categories and "cs.LG" not in categories),
        ("cat:cs.CL cat:cs.LG", lambda categories: bool({"cs.CL", "cs.LG"} & categories)),
    ],
)
def test_a_search_knows_and_or_andnot(upstream, query, wanted):
    found = {
        name.partition("v")[0] for name in api_ids(get(upstream, "/api/query", search_query=query, max_results="99"))
    }
    papers = upstream.catalogue.papers.values()
    assert found == {paper.arxiv_id for paper in papers if wanted(set(paper.categories))}


def test_ids_are_looked_up_in_the_order_asked_and_unknown_ones_are_absent(upstream):
    ids = list(upstream.catalogue.papers)
    asked = f"{ids[7]},0808.05394,{ids[4]}v1,{ids[4]}"
    assert api_ids(get(upstream, "/api/query", id_list=asked)) == [f"{ids[7]}v1", f"{ids[4]}v1", f"{ids[4]}v2"]
    with pytest.raises(HTTPError) as error:
        get(upstream, "/api/query", id_list="abc")
    assert error.value.code == 400
    assert "https://arxiv.org/api/errors#incorrect_id_format_for_abc" in error.value.read().decode()


def test_an_empty_page_of_a_search_still_says_how_many_there_are(upstream):
    upstream.script("/api/query", Behaviour(is_empty=True))
    body = get(upstream, "/api/query", search_query="cat:cs.CL")
    assert api_ids(body) == []
    assert int(ET.fromstring(body).findtext(f"{SEARCH}totalResults", "")) > 10


def test_a_harvest_follows_tokens_to_the_end(upstream):
    upstream.set(page_size=7)
    ids = harvest(upstream, set="cs")
    wanted = [paper.arxiv_id for paper in upstream.catalogue.papers.values() if "cs." in " ".join(paper.categories)]
    assert sorted(ids) == sorted(wanted)
    assert len(upstream.log("/oai")) == -(-len(wanted) // 7)


def test_a_set_has_the_cross_lists_too(upstream):
    ids = harvest(upstream, set="stat:stat:ML")
    papers = upstream.catalogue.papers.values()
    assert sorted(ids) == sorted(paper.arxiv_id for paper in papers if "stat.ML" in paper.categories)
    assert any(upstream.catalogue.papers[arxiv_id].categories[0] != "stat.ML" for arxiv_id in ids)


def test_what_changed_since_a_day_has_the_new_versions(upstream):
    page = oai(upstream, verb="ListRecords", metadataPrefix="arXivRaw", from_=TODAY.isoformat())
    assert set(oai_ids(page)) == {paper.arxiv_id for paper, _ in upstream.catalogue.announced(TODAY)}
    raw = "{http://arxiv.org/OAI/arXivRaw/}"
    assert any(len(record.findall(f".//{raw}version")) == 2 for record in page.iter(f"{OAI}record"))


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"verb": "Listen"}, "badVerb"),
        ({"verb": "ListRecords"}, "badArgument"),
        ({"verb": "ListRecords", "metadataPrefix": "marc"}, "cannotDisseminateFormat"),
        ({"verb": "ListRecords", "metadataPrefix": "arXiv", "from": "2026-11-19T00:00:00Z"}, "badArgument"),
        ({"verb": "ListRecords", "metadataPrefix": "arXiv", "until": "2026-11-21"}, "badArgument"),
        ({"verb": "ListRecords", "metadataPrefix": "arXiv", "from": "2026-11-21"}, "badArgument"),
        ({"verb": "ListRecords", "metadataPrefix": "arXiv", "set": "math"}, "noRecordsMatch"),
        ({"verb": "ListRecords", "resumptionToken": "old"}, "badResumptionToken"),
        ({"verb": "GetRecord", "metadataPrefix": "arXiv", "identifier": "oai:arXiv.org:1"}, "idDoesNotExist"),
    ],
)
def test_oai_errors_come_with_status_200(upstream, params, code):
    assert oai_error(oai(upstream, **params)) == code


def test_a_repeated_argument_is_an_error(upstream):
    with urlopen(f"{upstream.url}/oai?verb=Identify&verb=Identify", timeout=5) as answer:
        assert b'code="badArgument"' in answer.read()


def test_a_token_can_expire_in_the_middle_of_a_harvest(upstream):
    upstream.set(page_size=7)
    upstream.script("/oai", Behaviour(error="badResumptionToken", query={"resumptionToken": "*"}))
    first = oai(upstream, verb="ListRecords", metadataPrefix="arXivRaw")
    token = first.findtext(f".//{OAI}resumptionToken", "")
    assert oai_error(first) is None
    assert oai_error(oai(upstream, verb="ListRecords", resumptionToken=token)) == "badResumptionToken"
    assert oai_error(oai(upstream, verb="ListRecords", resumptionToken=token)) is None


def test_a_record_can_come_on_two_pages(upstream):
    upstream.set(page_size=7)
    upstream.script("/oai", Behaviour(repeat=1))
    ids = harvest(upstream)
    assert len(ids) == len(set(ids)) + 1


def test_records_can_be_missing_or_spoilt(upstream):
    ids = list(upstream.catalogue.new_ids(TODAY))
    whole = get(upstream, "/atom/cs+stat").count("<entry>")
    upstream.script("/atom", Behaviour(drop_ids=(ids[0], ids[1])), Behaviour(drop=3), Behaviour(spoil_ids=(ids[0],)))
    assert get(upstream, "/atom/cs+stat").count("<entry>") == whole - 2
    assert get(upstream, "/atom/cs+stat").count("<entry>") == whole - 3
    spoilt = get(upstream, "/atom/cs+stat")
    assert spoilt.count("<entry>") == whole
    assert f"<id>oai:arXiv.org:{ids[0]}v1</id>" not in spoilt


def test_the_daily_list_has_its_day_and_not_tomorrows(upstream):
    items = json.loads(get(upstream, "/api/daily_papers", date="2026-11-19"))
    featured = [paper for paper in upstream.catalogue.papers.values() if paper.is_featured]
    assert {item["paper"]["id"] for item in items} == {
        paper.arxiv_id for paper in featured if paper.announced_on == date(2026, 11, 19)
    }
    assert {item["paper"]["submittedOnDailyAt"] for item in items} == {"2026-11-19T00:00:00.000Z"}
    assert len(json.loads(get(upstream, "/api/daily_papers", week="2026-W47"))) == len(featured)
    with pytest.raises(HTTPError) as error:
        get(upstream, "/api/daily_papers", date="2026-11-21")
    assert error.value.code == 400


def test_statuses_are_given_once_and_in_order(upstream):
    upstream.script("/api/query", Behaviour(status=429, headers={"Retry-After": "7"}), Behaviour(status=503, times=2))
    statuses = []
    for _ in range(4):
        try:
            get(upstream, "/api/query")
            statuses.append(200)
        except HTTPError as error:
            statuses.append(error.code)
    assert statuses == [429, 503, 503, 200]
    assert [entry.status for entry in upstream.log("/api/query")] == statuses


def test_the_log_shows_two_requests_at_once(upstream):
    upstream.script("/rss", Behaviour(stall_seconds=0.2, times=2))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: get(upstream, "/rss/cs"), range(2)))
    first, second = upstream.log("/rss")
    assert first.ended_at is not None
    assert second.started_at < first.ended_at
    assert first.ended_at - first.started_at >= 0.2


def test_an_unknown_behaviour_is_refused(upstream):
    with pytest.raises(ValueError, match="explode"):
        Behaviour.from_json({"explode": True})


def test_recorded_answers_are_served_from_a_folder(tmp_path: Path):
    (tmp_path / "hf_daily_papers_raw").mkdir()
    (tmp_path / "hf_daily_papers_raw" / "2026-02-10.json").write_text('[{"paper": {"id": "2602.00001"}}]')
    (tmp_path / "arxiv_api_recorded").mkdir()
    kept = {"url": "https://x/?search_query=a&start=0&max_results=10", "status_code": 400, "body": "<feed/>"}
    (tmp_path / "arxiv_api_recorded" / "q.json").write_text(json.dumps(kept))
    (tmp_path / "oai_arxiv_some").mkdir()
    record = "<record><header><identifier>oai:arXiv.org:math/0306266</identifier></header></record>"
    (tmp_path / "oai_arxiv_some" / "list.xml").write_text(
        f'<OAI-PMH xmlns="{OAI[1:-1]}"><request metadataPrefix="arXiv"/><ListRecords>{record}</ListRecords></OAI-PMH>'
    )
    with fake_upstream(folder=tmp_path) as upstream:
        assert "2602.00001" in get(upstream, "/api/daily_papers", date="2026-02-10")
        with pytest.raises(HTTPError) as error:
            get(upstream, "/api/query", search_query="a")
        assert error.value.code == 400
        assert oai_ids(oai(upstream, verb="ListRecords", metadataPrefix="arXiv")) == ["math/0306266"]
        one = oai(upstream, verb="GetRecord", metadataPrefix="arXiv", identifier="oai:arXiv.org:math/0306266")
        assert oai_ids(one) == ["math/0306266"]
        assert oai_error(oai(upstream, verb="ListRecords", metadataPrefix="arXivRaw")) == "noRecordsMatch"


def test_it_runs_as_a_process_with_a_script(tmp_path: Path):
    script = tmp_path / "script.json"
    script.write_text(json.dumps([{"path": "/oai", "behaviours": [{"status": 503}]}]))
    arguments = ("--today", "2026-11-20", "--days", "2", "--per-day", "5", "--script", str(script))
    with fake_upstream_process(*arguments) as upstream:
        with pytest.raises(HTTPError):
            urlopen(f"{upstream.url}/oai?verb=Identify", timeout=5)
        with urlopen(f"{upstream.url}/rss/cs+stat", timeout=5) as answer:
            assert answer.read().count(b"<item>") == 6, "five new papers and one new version"
        assert [entry.path for entry in upstream.log()] == ["/oai", "/rss/cs+stat"]


def test_a_port_in_use_is_told_on_the_command_line(upstream):
    command = [sys.executable, "-m", "tests.support.fake_upstream", "--port", upstream.url.rpartition(":")[2]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode != 0
    assert "Address already in use" in done.stderr
