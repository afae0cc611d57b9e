"""What comes by mail, and when: by the link in a mail, and signed in."""

from __future__ import annotations

import json
import re
from datetime import date, time, timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from digests.content.rendering import MailRenderer
from digests.models import Schedule, SignUp, Subscriber
from digests.services import double_opt_in
from digests.services.mail_export import export_mail
from papers.services.accounts.email_addresses import ensure_confirmed_address
from tests.support import factories
from tests.support.mail import first_link_path, mail_key, set_up_mail
from tests.support.pages import page_text, parse_html
from tests.support.people import anonymous_client, client_of, reader

pytestmark = pytest.mark.django_db

CHOICE = {
    "local_time": "07:30",
    "time_zone": "berlin",
    "weekday": "2",
    "month_day": "31",
    "max_papers": "10",
    "skips_weekends": "on",
    "paused_until": "",
}


def save(subscriber: Subscriber, **fields: str) -> Any:
    return anonymous_client().post(f"/subscriptions/{mail_key(subscriber)}", CHOICE | fields)


def test_a_choice_becomes_schedules() -> None:
    subscriber, topic = factories.subscriber(), factories.topic()
    save(subscriber, **{"trending": "weekly", "top": "monthly", f"topic-{topic.pk}": "weekly"})
    schedules = {one.frequency: one for one in subscriber.schedules.all()}
    assert set(schedules) == {"weekly", "monthly"}
    weekly = schedules["weekly"]
    assert (weekly.weekday, weekly.local_time, weekly.time_zone) == (2, time(7, 30), "Europe/Berlin")
    assert (schedules["monthly"].month_day, weekly.max_papers) == (31, 10)
    assert {(one.kind, one.topic) for one in weekly.subscriptions.all()} == {("trending", None), ("topic", topic)}
    save(subscriber, trending="daily")
    assert list(subscriber.schedules.filter(ended_at=None).values_list("frequency", flat=True)) == ["daily"]


def test_what_is_chosen_is_shown() -> None:
    subscriber = factories.subscriber()
    save(subscriber, trending="weekly", paused_until=str(timezone.localdate() + timedelta(days=9)))
    page = parse_html(anonymous_client().get(f"/subscriptions/{mail_key(subscriber)}").content.decode())
    chosen = {one.getparent().get("name"): one.get("value") for one in page.xpath("//option[@selected]")}
    assert (chosen["trending"], chosen["top"], chosen["weekday"], chosen["month_day"]) == ("weekly", "", "2", "31")
    assert page.xpath("//input[@name='time_zone']/@value") == ["Europe/Berlin"]
    assert page.xpath("//input[@name='paused_until']/@value") == [str(timezone.localdate() + timedelta(days=9))]


def test_the_next_mail_is_told_at_the_reader_s_own_hour() -> None:
    user = reader("rita")
    ensure_confirmed_address(user)
    client = client_of(user)
    client.post("/subscriptions", CHOICE | {"trending": "daily", "time_zone": "Asia/Tokyo", "local_time": "18:30"})
    lead = parse_html(client.get("/subscriptions").content.decode()).xpath("string(//p[@class='lead'])")
    assert re.search(r"daily e-mail \w+ \d+ \w+, 18:30\.", str(lead))


def test_a_pause_holds_all_mail_until_its_day() -> None:
    subscriber = factories.subscriber()
    until = timezone.localdate() + timedelta(days=20)
    save(subscriber, trending="daily", daily="weekly", paused_until=until.isoformat())
    assert {one.paused_until for one in subscriber.schedules.all()} == {until}
    assert all(one.next_on and one.next_on >= until for one in subscriber.schedules.all())
    save(subscriber, trending="daily", daily="weekly")
    assert all(one.paused_until is None and one.next_on and one.next_on < until for one in subscriber.schedules.all())


@pytest.mark.parametrize(
    "wrong",
    [{"time_zone": "Nowhere"}, {"weekday": "9"}, {"max_papers": "4000"}, {"trending": "hourly"},
     {"local_time": "25:00"}, {"paused_until": "9999-01-01"}, {"paused_until": "soon"}, {"topic-1": "x"}],
)  # fmt: skip
def test_nonsense_changes_nothing(wrong: dict[str, str]) -> None:
    subscriber = factories.subscriber()
    page = save(subscriber, **({"trending": "daily"} | wrong))
    assert page.status_code == 200
    if "topic-1" not in wrong:
        assert not Schedule.objects.exists()


def test_a_link_gives_no_topic_of_somebody_else() -> None:
    subscriber, secret = factories.subscriber(), factories.topic("Secret", owner=factories.user())
    page = save(subscriber, **{f"topic-{secret.pk}": "daily"})
    assert "Secret" not in page.content.decode()
    assert not Schedule.objects.exists()


def test_a_reader_chooses_own_topics_and_new_versions(settings: Any) -> None:
    set_up_mail(settings)
    user = reader("rita")
    own = factories.topic("Mine", owner=user)
    browser = client_of(user)
    assert browser.get("/subscriptions").status_code == 200
    browser.post("/subscriptions", CHOICE | {"versions": "daily", f"topic-{own.pk}": "daily"})
    subscriber = Subscriber.objects.get(user=user)
    (schedule,) = subscriber.schedules.all()
    assert {one.kind for one in schedule.subscriptions.all()} == {"versions", "topic"}
    assert schedule.next_due_at is None  # nobody has shown yet whose mailbox it is
    double_opt_in.send_due_confirmations(now=timezone.now())
    (letter,) = mail.outbox
    anonymous_client().post(first_link_path(str(letter.body)))
    schedule.refresh_from_db()
    assert schedule.next_due_at is not None
    assert {one.kind for one in schedule.subscriptions.all()} == {"versions", "topic"}


def test_a_new_address_counts_once_it_is_confirmed_and_the_old_one_is_told(
    settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    set_up_mail(settings)
    user = reader("rita")
    subscriber = factories.subscriber(email="rita@example.org", user=user)
    client_of(user).post("/subscriptions/move", {"email": "new@example.org"})
    double_opt_in.send_due_confirmations(now=timezone.now())
    subscriber.refresh_from_db()
    assert subscriber.email == "rita@example.org"
    (letter,) = mail.outbox
    assert letter.to == ["new@example.org"]
    with django_capture_on_commit_callbacks(execute=True):
        anonymous_client().post(first_link_path(str(letter.body)))
    subscriber.refresh_from_db()
    assert subscriber.email == "new@example.org"
    assert mail.outbox[-1].to == ["rita@example.org"]
    assert "new@example.org" in mail.outbox[-1].body


def test_an_address_of_another_subscriber_is_not_taken_over(settings: Any) -> None:
    set_up_mail(settings)
    user = reader("rita")
    factories.subscriber(email="rita@example.org", user=user)
    factories.subscriber(email="new@example.org")
    client_of(user).post("/subscriptions/move", {"email": "NEW@example.org"})
    double_opt_in.send_due_confirmations(now=timezone.now())
    assert anonymous_client().post(first_link_path(str(mail.outbox[0].body))).status_code == 410
    assert Subscriber.objects.filter(email="rita@example.org").exists()


def test_a_page_by_key_needs_no_cookie_and_is_for_no_search_engine() -> None:
    subscriber = factories.subscriber()
    page = anonymous_client().get(f"/subscriptions/{mail_key(subscriber)}")
    assert not page.cookies
    assert parse_html(page.content.decode()).xpath("//meta[@name='robots']/@content") == ["noindex"]
    assert anonymous_client().get("/subscriptions/wrong").status_code == 404


def test_the_archive_lists_what_was_sent_and_each_mail_is_a_page() -> None:
    subscriber = factories.subscriber()
    schedule = factories.schedule(subscriber)
    first, second, over = factories.paper(title="First"), factories.paper(title="Second"), factories.paper(title="Over")
    sent = factories.delivery(
        schedule, state="sent", sent_at=factories.NOW, paper_ids=[second.pk, first.pk], more_ids=[over.pk]
    )
    factories.delivery(schedule, state="skipped", period_on=date(2026, 3, 5))
    page = parse_html(anonymous_client().get(f"/subscriptions/{mail_key(subscriber)}/sent").content.decode())
    assert page.xpath("//ul[@class='sent']//a/@href") == [f"/mail/{mail_key(sent)}"]
    shown = anonymous_client().get(f"/mail/{mail_key(sent)}")
    assert shown["X-Robots-Tag"] == "noindex"
    titles = [one.text_content() for one in parse_html(shown.content.decode()).xpath("//h2[@class='card-title']")]
    assert titles == ["Second", "First"]
    rest = parse_html(anonymous_client().get(f"/mail/{mail_key(sent)}/more").content.decode())
    assert [one.text_content() for one in rest.xpath("//h2[@class='card-title']")] == ["Over"]


@pytest.mark.parametrize(("below", "said"), [([1], True), ([], False)])
def test_only_a_mail_with_a_line_says_that_nothing_was_above_it(below: list[int], said: bool) -> None:
    sent = factories.delivery(factories.schedule(), state="sent", sent_at=factories.NOW, paper_ids=[], below_ids=below)
    assert ("Nothing was above your line" in page_text(f"/mail/{mail_key(sent)}")) is said


def test_a_weekly_mail_is_not_called_daily() -> None:
    schedule = factories.schedule(frequency="weekly")
    sent = factories.delivery(schedule, state="sent", sent_at=factories.NOW, paper_ids=[factories.paper().pk])
    assert "Weekly Papers" in page_text(f"/mail/{mail_key(sent)}")
    parts = MailRenderer("https://papers.example.org", "", 2026).frame(frequency="weekly")
    assert all("Weekly Papers" in part and "Daily Papers" not in part for part in (parts.text, parts.html))


def test_more_of_a_daily_mail_are_the_other_papers_of_its_time() -> None:
    before = factories.listing(factories.paper(title="Before"))
    brought, other = factories.listing(factories.paper()), factories.listing(factories.paper(title="Other"))
    factories.listing(factories.paper(title="Hidden", hidden_at=factories.NOW))
    mail_row = factories.delivery(
        factories.schedule(), state="sent", sent_at=factories.NOW, paper_ids=[brought.paper_id], edition_count=2,
        from_release=before.release, to_release=other.release,
    )  # fmt: skip
    factories.listing(factories.paper(title="After"))
    page = parse_html(anonymous_client().get(f"/mail/{mail_key(mail_row)}/more").content.decode())
    assert [one.text_content() for one in page.xpath("//h2[@class='card-title']")] == ["Other"]


@pytest.mark.parametrize("wrong", ["-1", "x", "9" * 30, "²"])
def test_a_wrong_place_in_the_rest_is_no_error(wrong: str) -> None:
    sent = factories.delivery(
        factories.schedule(), state="sent", sent_at=factories.NOW, more_ids=[factories.paper().pk]
    )
    assert anonymous_client().get(f"/mail/{mail_key(sent)}/more", {"from": wrong}).status_code == 200


def test_a_sign_up_is_nobody_s_until_confirmed() -> None:
    SignUp.objects.create(email="rita@example.org", asked_at=factories.NOW)
    client_of(reader("rita")).get("/subscriptions")
    assert Subscriber.objects.get().confirmed_at is None


def test_only_who_will_be_asked_to_confirm_reads_so(settings: Any) -> None:
    set_up_mail(settings)
    user = reader("rita")
    client = client_of(user)
    assert "until you confirm this address" in client.get("/subscriptions").content.decode()
    ensure_confirmed_address(user)
    assert "until you confirm this address" not in client.get("/subscriptions").content.decode()


def test_an_account_with_a_confirmed_address_needs_no_letter() -> None:
    user = reader("rita")
    ensure_confirmed_address(user)
    client_of(user).post("/subscriptions", CHOICE | {"trending": "daily"})
    schedule = Schedule.objects.get(subscriber__user=user)
    assert schedule.next_due_at is not None
    assert not SignUp.objects.exists()


def test_an_export_has_a_reader_s_mail() -> None:
    user = reader("rita")
    schedule = factories.schedule(
        factories.subscriber(email=user.email, user=user), factories.topic("Agents"), kinds=["trending"]
    )
    factories.delivery(schedule, state="sent", sent_at=factories.NOW, paper_ids=[7])
    parts: dict[str, Any] = {}
    export_mail(user, parts)
    json.dumps(parts)
    assert parts["mail_schedules"][0]["about"] == ["trending papers", "Agents"]
    assert parts["mail_sent"] == [{"meant_for": "2026-03-04", "sent_at": "2026-03-04T12:00:00+00:00", "paper_ids": [7]}]
