"""The page that adds a source: what is pasted, what it would bring, what is stored, and what is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from papers.models import FetchRun, Paper, Source
from papers.services.fetching.fetch_runner import fetch_source, preview_source
from papers.services.fetching.source_suggestion import look_at
from tests.support import factories
from tests.support.fake_upstream import Behaviour, FakeUpstream, fake_upstream
from tests.support.fetch_runs import disable_rate_limits
from tests.support.people import client_of, curator, reader, staff

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "/curate/sources/new"
KEY = "a-key-that-nobody-sees"
FEED = """<rss version="2.0"><channel><title>Shore News</title><item><title>Crabs &amp; clocks</title>
<link>https://shore.example/1</link><author>Ada Holm</author><pubDate>Wed, 18 Nov 2026 08:00:00 GMT</pubDate></item>
<item><title/><link>https://shore.example/2</link></item></channel></rss>"""
PAGE = """<html><head><title>Shore</title><link rel="alternate" type="application/rss+xml" title="All"
href="/feeds/shore">
<link rel="alternate" type="application/atom+xml" title="Comments" href="/feeds/comments"></head></html>"""
OAI = """<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-11-20T12:00:00Z</responseDate>{}</OAI-PMH>"""
RECORD = (
    "<record><header><identifier>oai:theses.example:1</identifier><datestamp>2026-11-19</datestamp></header><metadata>"
    '<dc xmlns="http://purl.org/dc/elements/1.1/"><title>A thesis on tides</title><creator>Ito, Jun</creator></dc>'
    "</metadata></record>"
)


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    disable_rate_limits(monkeypatch)


@pytest.fixture
def upstream(settings: Any) -> Iterator[FakeUpstream]:
    with fake_upstream() as running:
        settings.FETCH_ALLOW = (running.host,)
        yield running


@pytest.fixture
def browser() -> Client:
    return client_of(curator())


def answer(upstream: FakeUpstream, path: str, body: str, *, content_type: str = "application/xml", **more: Any) -> None:
    headers = {"Content-Type": content_type}
    upstream.script(path, Behaviour(status=more.pop("status", 200), body=body, headers=headers, times=9, **more))


def look(browser: Client, text: str) -> str:
    return browser.post(ADDRESS, {"address": text, "look": "1"}).content.decode()


def chosen(**fields: str) -> dict[str, str]:
    return {
        "kind": "feed",
        "base_url": "https://shore.example/rss",
        "query": "",
        "name": "Shore",
        "often": "3600",
        **fields,
    }


def test_a_feed_is_seen_before_it_is_added(upstream: FakeUpstream, browser: Client) -> None:
    answer(upstream, "/feeds/shore", FEED)
    seen = look(browser, f"{upstream.url}/feeds/shore")
    assert "RSS or Atom feed" in seen
    assert "Crabs &amp; clocks" in seen
    assert "Ada Holm" in seen
    assert "18 November 2026" in seen
    assert "1 more could not be read" in " ".join(seen.split())
    assert 'value="Shore News"' in seen
    assert "econds" not in seen.replace("a few seconds", ""), "no interval in seconds"
    assert not Source.objects.exists()
    assert not Paper.objects.exists()
    assert not FetchRun.objects.exists()


def test_another_broadsheet_is_seen_before_it_is_followed(upstream: FakeUpstream, browser: Client) -> None:
    with transaction.atomic():
        factories.listing(factories.paper(public_id="2603.99001", title="Crabs next door"))
    theirs = Client().get(f"/api/daily_papers?date={factories.TODAY}").content.decode()
    answer(upstream, "/api/daily_papers", theirs, content_type="application/json")
    seen = look(browser, f"{upstream.url}/api/daily_papers")
    assert "Crabs next door" in seen
    assert f'name="base_url" value="{upstream.url}"' in seen
    assert 'name="kind" value="broadsheet"' in seen
    host = upstream.url.partition("//")[2]
    browser.post(ADDRESS, chosen(kind="broadsheet", base_url=upstream.url, name=host, lists_all="on", add="1"))
    source = Source.objects.get(kind="broadsheet")
    assert (source.base_url, source.name, source.lists) == (upstream.url, host, "all")


def test_a_page_leads_to_its_feeds(upstream: FakeUpstream, browser: Client) -> None:
    answer(upstream, "/pages/shore", PAGE, content_type="text/html")
    answer(upstream, "/feeds/shore", FEED)
    seen = look(browser, f"{upstream.url}/pages/shore")
    assert "Crabs &amp; clocks" in seen
    assert f'name="base_url" value="{upstream.url}/feeds/shore"' in seen
    assert f'name="address" value="{upstream.url}/feeds/comments">Comments' in seen


def test_a_repository_is_asked_who_it_is(upstream: FakeUpstream, browser: Client) -> None:
    upstream.script(
        "/pages/oai",
        Behaviour(status=200, body=OAI.format("<Identify><repositoryName>Theses</repositoryName></Identify>")),
        Behaviour(status=200, body=OAI.format(f"<ListRecords>{RECORD}</ListRecords>")),
    )
    seen = look(browser, f"{upstream.url}/pages/oai?verb=ListSets")
    assert "Repository (OAI-PMH)" in seen
    assert "A thesis on tides" in seen
    assert "Jun Ito" in seen
    assert 'value="Theses"' in seen
    assert "Sets" in seen
    assert f'name="base_url" value="{upstream.url}/pages/oai"' in seen


def test_a_repository_may_refuse_the_question_and_be_known_by_that(upstream: FakeUpstream, browser: Client) -> None:
    answer(upstream, "/pages/repository", OAI.format('<error code="badVerb"/>'), status=422)
    seen = look(browser, f"{upstream.url}/pages/repository")
    assert "Repository (OAI-PMH)" in seen
    assert "422" in seen


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("what", "That is not an address"),
        ("2167-8358", "That is not an address"),
        ("{upstream}/feeds/missing-for-sure", "404"),
        ("rss.arxiv.org/rss/cs.CL", "arXiv has sources of its own"),
        ("http://10.1.2.3/feed", "10.1.2.3"),
        ("http://127.0.0.1:1/feed", "127.0.0.1"),
    ],
)
def test_what_can_be_no_source_is_told_in_words(upstream: FakeUpstream, browser: Client, text: str, words: str) -> None:
    seen = look(browser, text.replace("{upstream}", upstream.url))
    assert words in seen
    assert 'name="add"' not in seen


def test_a_page_without_feeds_says_so(upstream: FakeUpstream, browser: Client) -> None:
    answer(upstream, "/pages/bare", "<html><title>Bare</title></html>", content_type="text/html")
    assert "names no feed or ISSN" in look(browser, f"{upstream.url}/pages/bare")


def test_an_empty_form_is_said_to_be_empty(browser: Client) -> None:
    response = browser.post(ADDRESS, {"address": " ", "look": "1"})
    assert response.status_code == 422
    assert "Enter an address" in response.content.decode()


def test_a_look_ends_within_its_time(upstream: FakeUpstream) -> None:
    answer(upstream, "/feeds/slow", FEED, stall_seconds=5.0)
    began = timezone.now()
    seen = look_at(f"{upstream.url}/feeds/slow", now=began, seconds=1.0)
    assert timezone.now() - began < timedelta(seconds=3)
    assert "No response within" in seen.error
    assert seen.entries == ()


def test_what_takes_longer_than_all_the_time_says_so(upstream: FakeUpstream, settings: Any) -> None:
    source = factories.source("biorxiv", base_url=f"{upstream.url}/pages/slow")
    message = json.dumps({"messages": [{"status": "no posts found"}], "collection": []})
    answer(upstream, "/pages/slow", message, content_type="application/json", stall_seconds=0.3)
    preview = preview_source(source, now=timezone.now(), total_seconds=0.7, max_batches=1)
    assert "does not answer within the 1 seconds" in preview.error


@pytest.mark.parametrize(("button", "is_enabled"), [("add", True), ("off", False)])
def test_it_is_added_as_it_was_chosen(browser: Client, button: str, is_enabled: bool) -> None:
    response = browser.post(ADDRESS, chosen(lists_all="on", often="86400", **{button: "1"}), follow=True)
    source = Source.objects.get()
    assert (source.kind, source.base_url, source.name) == ("feed", "https://shore.example/rss", "Shore")
    assert (source.interval_seconds, source.lists, source.is_enabled) == (86400, "all", is_enabled)
    assert (source.next_fetch_at is not None) is is_enabled
    assert "Shore has been added" in response.content.decode()
    again = browser.post(ADDRESS, chosen(add="1"))
    assert again.status_code == 422
    assert "already exists: Shore" in again.content.decode()
    assert Source.objects.count() == 1


def test_a_registry_is_asked_at_its_own_address_alone(browser: Client) -> None:
    browser.post(ADDRESS, chosen(kind="crossref", base_url="https://evil.example", query="2167-8359", add="1"))
    source = Source.objects.get()
    assert (source.kind, source.base_url, source.query, source.lists) == ("crossref", "", "2167-8359", "nothing")


def test_a_key_is_stored_encrypted_and_never_shown(browser: Client) -> None:
    asked = chosen(kind="openalex", base_url="https://evil.example", query="primary_topic.id:T10028", api_key=KEY)
    shown = [browser.post(ADDRESS, {**asked, "query": "tides", "add": "1"})]
    browser.post(ADDRESS, {**asked, "off": "1"})
    source = Source.objects.get()
    assert (source.api_key, source.base_url) == (KEY, "")
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(source)::text FROM papers_source source")
        assert KEY not in cursor.fetchone()[0]
    boss = client_of(staff())
    shown += [browser.post(ADDRESS, {**asked, "add": "1"}), boss.get("/status")]
    shown.append(boss.get(f"/admin/papers/source/{source.pk}/change/"))
    assert [response.status_code for response in shown] == [422, 422, 200, 200]
    assert not any(KEY in response.content.decode() for response in shown)


def test_the_field_for_a_key_is_where_one_may_be_wanted(browser: Client) -> None:
    for kind, has_field in (("openalex", True), ("crossref", False)):
        page = browser.post(ADDRESS, chosen(kind=kind, query="?", add="1")).content.decode()
        assert ('name="api_key"' in page) is has_field


def test_an_administrator_changes_a_key_or_leaves_it(browser: Client) -> None:
    browser.post(ADDRESS, chosen(kind="openalex", query="primary_topic.id:T10028", api_key=KEY, off="1"))
    source, boss = Source.objects.get(), client_of(staff())
    form = {
        **{"kind": "openalex", "name": "Topic", "base_url": "", "categories": "", "query": source.query},
        **{"api_key": "", "interval_seconds": "86400", "lists": "nothing", "list_limit": "0", "list_categories": ""},
    }
    for typed, stored in (({}, KEY), ({"api_key": "another"}, "another"), ({"forgets_key": "on"}, "")):
        answered = boss.post(f"/admin/papers/source/{source.pk}/change/", {**form, **typed})
        assert answered.status_code == 302, answered.context["adminform"].form.errors
        assert Source.objects.get().api_key == stored


def test_a_key_goes_to_its_service_and_into_no_record_of_the_visit(upstream: FakeUpstream) -> None:
    answer(upstream, "/pages/works", json.dumps({"meta": {"count": 0}, "results": []}), content_type="application/json")
    source = factories.source(
        "openalex", base_url=f"{upstream.url}/pages", query="primary_topic.id:T10028", api_key=KEY, is_enabled=True
    )
    run = fetch_source(source.pk, now=timezone.now())
    assert run is not None
    assert run.state == FetchRun.State.DONE, run.error
    assert upstream.log("/pages/works")[0].params["api_key"] == KEY
    upstream.clear_script()
    answer(upstream, "/pages/works", f"bad api_key {KEY}", status=403)
    failed = fetch_source(source.pk, now=timezone.now())
    source.refresh_from_db()
    assert failed is not None
    assert failed.state == FetchRun.State.FAILED
    assert KEY not in f"{run.requests}{failed.requests}{failed.error}{source.last_error}"
    assert "does not take this key" in source.last_error


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "arxiv_rss"},
        {"kind": "gopher"},
        {"kind": "crossref", "query": "2167-8358"},
        {"kind": "biorxiv", "query": "alchemy"},
        {"base_url": ""},
        {"base_url": "file:///etc/passwd"},
        {"name": " "},
        {"often": "1"},
        {"name": "x" * 121},
    ],
)
def test_what_was_not_offered_is_not_stored(browser: Client, wrong: dict[str, str]) -> None:
    response = browser.post(ADDRESS, chosen(add="1", **wrong))
    assert response.status_code == 422
    assert not Source.objects.exists()


def test_other_sets_can_be_looked_at_again(upstream: FakeUpstream, browser: Client) -> None:
    answer(upstream, "/pages/oai", OAI.format(f"<ListRecords>{RECORD}</ListRecords>"))
    asked = chosen(kind="oai", base_url=f"{upstream.url}/pages/oai", query="theses", again="1")
    assert "A thesis on tides" in browser.post(ADDRESS, asked).content.decode()
    assert upstream.log("/pages/oai")[0].params["set"] == "theses"
    assert not Source.objects.exists()


def test_only_those_who_look_after_the_site_are_led_there(browser: Client) -> None:
    assert ADDRESS in browser.get("/status").content.decode()
    assert ADDRESS in browser.get("/curate").content.decode()
    assert ADDRESS not in client_of(reader()).get("/status").content.decode()
    assert Client(enforce_csrf_checks=True).post(ADDRESS, chosen(add="1")).status_code in (302, 403)


def test_what_was_added_is_fetched(upstream: FakeUpstream) -> None:
    now = timezone.now()
    row = {"doi": "10.64898/2026.11.18.600001", "title": "Tides", "authors": "Holm, A.", "version": "1"}
    row |= {"date": now.date().isoformat(), "category": "ecology", "abstract": "Words."}
    body = json.dumps({"messages": [{"status": "ok", "total": 1}], "collection": [row]})
    answer(upstream, "/pages/preprints", body, content_type="application/json")
    source = factories.source("biorxiv", base_url=f"{upstream.url}/pages/preprints", lists="all")
    run = fetch_source(source.pk, now=now)
    assert run is not None
    assert (run.state, run.error) == (FetchRun.State.DONE, "")
    paper = Paper.objects.get()
    assert paper.public_id == "doi/10.64898/2026.11.18.600001"
    source.refresh_from_db()
    assert source.cursor == {"through": now.date().isoformat()}
