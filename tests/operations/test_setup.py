"""The first-run page: what is asked, what follows, and that it can be skipped, answered again, and watched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from papers.forms.fields import time_zones
from papers.forms.setup import SetupForm, category_groups
from papers.models import Edition, FetchRun, Installation, Source
from papers.services.operations.heartbeat import record_heartbeat
from papers.services.operations.installation import group_settings, invalidate_group_settings
from papers.services.operations.sample import add_sample, remove_sample
from papers.services.operations.setup import FIRST_FETCH_GRACE, current_answers, expand_categories, prepare_sources
from tests.support.people import anonymous_client, client_of, reader, staff

ANSWERS = {
    "group_name": "Language Lab",
    "time_zone": "Europe/Berlin",
    "categories": ["cs.CL", "quant-ph"],
    "access": "members",
}


def form(**changes: Any) -> SetupForm:
    return SetupForm({**ANSWERS, **changes}, fixed={})


class TestForm:
    @pytest.mark.parametrize(
        ("typed", "zone"),
        [
            ("Europe/Berlin", "Europe/Berlin"),
            (" america/new york ", "America/New_York"),
            ("utc", "UTC"),
            ("berlin", "Europe/Berlin"),
        ],
    )
    def test_a_time_zone_is_read_as_people_type_it(self, typed: str, zone: str) -> None:
        asked = form(time_zone=typed)
        assert asked.is_valid(), asked.errors
        assert asked.cleaned_data["time_zone"] == zone

    @pytest.mark.parametrize("typed", ["Springfield", "UTC+1", "", "/", "../../etc/passwd"])
    def test_what_is_no_time_zone(self, typed: str) -> None:
        assert "time_zone" in form(time_zone=typed).errors

    def test_zones_on_offer_are_ones_that_it_takes(self) -> None:
        assert time_zones()[0] == "UTC"
        assert len(time_zones()) > 300
        for zone in time_zones()[::40]:
            assert form(time_zone=zone).is_valid()

    @pytest.mark.parametrize("codes", [["cs.XX"], ["cs.CL", "<b>"], ["astro-ph"]])
    def test_categories_that_take_no_papers(self, codes: list[str]) -> None:
        assert "categories" in form(categories=codes).errors

    def test_something_must_be_read(self) -> None:
        assert "categories" in form(categories=[]).errors
        assert form(categories=[], huggingface="on").is_valid()

    def test_what_the_environment_says_cannot_be_sent(self) -> None:
        sent = SetupForm(
            {**ANSWERS, "access": "public"}, initial={"access": "members"}, fixed={"access": "BROADSHEET_ACCESS"}
        )
        assert sent.is_valid()
        assert sent.cleaned_data["access"] == "members"


class TestPicker:
    def test_it_has_every_active_category_once(self) -> None:
        codes = [option.code for group in category_groups(()) for option in group.options]
        assert len(codes) == len(set(codes))
        assert {"cs.CL", "stat.ML", "hep-th", "quant-ph", "eess.SY"} <= set(codes)
        assert "cmp-lg" not in codes

    def test_it_counts_what_is_chosen(self) -> None:
        groups = {group.name: group for group in category_groups({"cs.CL", "cs.LG", "hep-th"})}
        assert groups["Computer Science"].chosen_count == 2
        assert groups["Physics"].chosen_count == 1
        assert groups["Economics"].chosen_count == 0

    def test_a_category_is_found_by_its_other_names(self) -> None:
        found = {option.code: option.aliases for group in category_groups(()) for option in group.options}
        assert "cs.SY" in found["eess.SY"]


def test_patterns_become_categories() -> None:
    assert expand_categories(["cs.CL", "cmp-lg", "econ.*", "cats"]) == ("cs.CL", "econ.EM", "econ.GN", "econ.TH")


@pytest.mark.django_db
class TestAnswering:
    def test_it_stores_the_choices_and_has_the_sources_visited_now(
        self, django_capture_on_commit_callbacks: Any
    ) -> None:
        browser = client_of(staff())
        with django_capture_on_commit_callbacks() as after:
            answer = browser.post("/setup", ANSWERS)
        assert answer["Location"] == reverse("papers:setup-progress")
        assert after, "The workers are told once the answers are stored."
        row = Installation.objects.get()
        assert (row.group_name, row.time_zone, row.access) == ("Language Lab", "Europe/Berlin", "members")
        arxiv = Source.objects.filter(kind__startswith="arxiv", is_enabled=True)
        assert arxiv
        assert all(set(source.categories) == {"cs.CL", "quant-ph"} for source in arxiv)
        assert all(source.next_fetch_at and source.next_fetch_at <= datetime.now(UTC) for source in arxiv)
        assert not Source.objects.filter(kind="huggingface", is_enabled=True).exists()

    def test_asking_again_shows_what_holds_and_changes_what_was_changed(self) -> None:
        browser = client_of(staff())
        browser.post("/setup", ANSWERS)
        before = set(Source.objects.values_list("pk", flat=True))
        assert current_answers().categories == ("cs.CL", "quant-ph")
        browser.post("/setup", {**ANSWERS, "categories": ["math.AG"], "huggingface": "on"})
        assert current_answers().categories == ("math.AG",)
        assert current_answers().huggingface
        assert before <= set(Source.objects.values_list("pk", flat=True))
        page = browser.get("/setup")
        assert page.context["form"].chosen_categories() == ["math.AG"]

    def test_a_wrong_answer_changes_nothing_and_keeps_what_was_typed(self) -> None:
        answer = client_of(staff()).post("/setup", {**ANSWERS, "time_zone": "Springfield"})
        assert answer.status_code == 200
        page = answer.content.decode()
        assert "There is no such time zone" in page
        assert 'value="Language Lab"' in page
        assert not Installation.objects.exists()

    def test_the_defaults_are_chosen_beforehand(self, settings: Any) -> None:
        settings.ARXIV_CATEGORIES = ("cs.CL", "econ.*")
        asked = client_of(staff()).get("/setup").context["form"]
        assert asked.chosen_categories() == ["cs.CL", "econ.EM", "econ.GN", "econ.TH"]
        assert not asked["huggingface"].value()
        assert asked["access"].value() == "public"

    def test_what_the_environment_says_is_shown_as_fixed(self, settings: Any) -> None:
        settings.ACCESS = "members"
        page = client_of(staff()).get("/setup").content.decode()
        assert "BROADSHEET_ACCESS" in page

    def test_it_can_be_skipped(self, django_capture_on_commit_callbacks: Any) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            answer = client_of(staff()).post("/setup/skip")
        assert answer["Location"] == reverse("papers:today")
        assert group_settings().is_set_up
        assert not group_settings().members_only
        arxiv = Source.objects.filter(kind__startswith="arxiv", is_enabled=True)
        assert {source.kind for source in arxiv} == {"arxiv_rss", "arxiv_oai"}
        assert all(source.next_fetch_at and source.next_fetch_at <= datetime.now(UTC) for source in arxiv)

    def test_the_first_start_makes_the_default_sources_and_gives_time_to_answer(self, settings: Any) -> None:
        now = datetime.now(UTC)
        prepare_sources(now=now)
        prepare_sources(now=now)
        rss = Source.objects.get(kind="arxiv_rss")
        assert set(rss.categories) == set(settings.ARXIV_CATEGORIES)
        assert rss.next_fetch_at == now + FIRST_FETCH_GRACE
        assert not Source.objects.get(kind="huggingface").is_enabled
        client_of(staff()).post("/setup/skip")
        rss.refresh_from_db()
        assert rss.next_fetch_at
        assert rss.next_fetch_at <= datetime.now(UTC), "an answer has them visited at once"

    def test_sources_that_a_group_deleted_stay_away(self) -> None:
        client_of(staff()).post("/setup", ANSWERS)
        Source.objects.all().delete()
        invalidate_group_settings()
        prepare_sources(now=datetime.now(UTC))
        assert not Source.objects.exists()

    def test_it_is_for_the_staff(self) -> None:
        rita = client_of(reader())
        for path in ("/setup", "/setup/progress"):
            assert anonymous_client().get(path)["Location"].startswith("/sign-in?next=")
            assert rita.get(path).status_code == 404
        assert rita.post("/setup", ANSWERS).status_code == 404
        assert not Installation.objects.exists()


@pytest.mark.django_db
class TestProgress:
    @pytest.fixture
    def arxiv(self) -> Source:
        return Source.objects.create(kind="arxiv_rss", name="arXiv announcements", next_fetch_at=datetime.now(UTC))

    def run(self, source: Source, **fields: Any) -> FetchRun:
        now = datetime.now(UTC)
        return FetchRun.objects.create(source=source, started_at=now, heartbeat_at=now, **fields)

    def look(self, **headers: str) -> str:
        return client_of(staff()).get("/setup/progress", headers=headers).content.decode()

    def test_it_shows_how_far_a_source_has_come_and_looks_again(self, arxiv: Source) -> None:
        self.run(arxiv, progress="fetching cs.CL, 40 of 68")
        page = self.look()
        assert "fetching cs.CL, 40 of 68" in page
        assert "hx-trigger" in page
        assert "Refresh" in page

    def test_htmx_gets_the_part_that_moves(self, arxiv: Source) -> None:
        part = self.look(HX_Request="true")
        assert "arXiv announcements" in part
        assert "<html" not in part

    def test_before_the_first_fetch_it_does_not_say_that_all_was_asked(self, arxiv: Source) -> None:
        Source.objects.update(next_fetch_at=datetime.now(UTC) + timedelta(minutes=5))
        part = self.look(HX_Request="true")
        assert "Your papers will be fetched soon" in part
        assert "complete the setup page" in part
        assert "hx-trigger" in part

    def test_it_stops_looking_when_all_is_over(self, arxiv: Source) -> None:
        Source.objects.update(next_fetch_at=datetime.now(UTC) + timedelta(hours=1))
        self.run(arxiv, state=FetchRun.State.DONE, new=68)
        Edition.objects.create(day=datetime.now(UTC).date(), listed_count=68)
        part = self.look(HX_Request="true")
        assert "hx-trigger" not in part
        assert reverse("papers:day", args=[datetime.now(UTC).date()]) in part

    def test_what_is_said_of_the_sample_goes_with_it(self, arxiv: Source) -> None:
        add_sample()
        admin = client_of(staff())
        shown = []
        for _ in range(2):
            part = admin.get("/setup/progress", headers={"HX-Request": "true"}).content.decode()
            shown.append("Remove sample" in part)
            remove_sample()
        assert shown == [True, False]

    def test_a_failure_is_shown_with_its_reason_and_the_next_try(self, arxiv: Source) -> None:
        Source.objects.update(
            next_fetch_at=datetime.now(UTC) + timedelta(hours=1), error_count=1, last_error="No connection to arXiv."
        )
        self.run(arxiv, state=FetchRun.State.FAILED, error="No connection to arXiv.")
        page = self.look()
        assert "No connection to arXiv." in page
        assert "Retries automatically" in page

    def test_workers_that_do_not_run_are_named(self, arxiv: Source) -> None:
        admin = client_of(staff())
        assert "have not started yet" in admin.get("/setup/progress").content.decode()
        record_heartbeat(now=datetime.now(UTC) - timedelta(hours=1))
        assert "not running" in admin.get("/setup/progress").content.decode()

    def test_the_sample_can_be_removed(self) -> None:
        from papers.services.operations.sample import has_sample

        answer = client_of(staff()).post("/setup/remove-sample")
        assert answer["Location"] == reverse("papers:today")
        assert not has_sample()
