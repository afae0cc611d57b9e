"""Preferences on one screen: three presets, topics with a search, a way out and a way to be forgotten."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from digests.models import Delivery, Schedule, SignUp, Subscriber, Suppression
from papers.services.accounts.email_addresses import ensure_confirmed_address
from tests.digests.test_preferences import CHOICE
from tests.support import factories
from tests.support.mail import mail_key
from tests.support.pages import parse_html
from tests.support.people import anonymous_client, client_of, reader

pytestmark = pytest.mark.django_db


def post(subscriber: Subscriber, **fields: str) -> Any:
    answer = anonymous_client().post(f"/subscriptions/{mail_key(subscriber)}", CHOICE | fields)
    assert answer.status_code == 200
    return parse_html(answer.content.decode())


def page_of(subscriber: Subscriber) -> Any:
    return parse_html(anonymous_client().get(f"/subscriptions/{mail_key(subscriber)}").content.decode())


def words(element: Any) -> str:
    return " ".join(element.text_content().split())


def gets(subscriber: Subscriber) -> dict[str, set[str]]:
    """What comes, by frequency."""
    going = subscriber.schedules.filter(ended_at=None)
    return {
        one.frequency: {each.topic.name if each.topic else each.kind for each in one.subscriptions.all()}
        for one in going
    }


def pressed(page: Any) -> list[str]:
    return [one.get("value") for one in page.xpath("//button[@name='preset'][@aria-pressed='true']")]


def test_each_preset_is_one_press_and_shown_as_chosen() -> None:
    subscriber, agents = factories.subscriber(), factories.topic("Agents")
    page = post(subscriber, preset="trending-weekly")
    assert (gets(subscriber), pressed(page)) == ({"weekly": {"trending"}}, ["trending-weekly"])
    page = post(subscriber, **{"preset": "topics-daily", f"topic-{agents.pk}": "daily"})
    assert (gets(subscriber), pressed(page)) == ({"daily": {"Agents"}}, ["topics-daily"])
    page = post(subscriber, **{"preset": "everything-daily", f"topic-{agents.pk}": "weekly"})
    assert (gets(subscriber), pressed(page)) == ({"daily": {"daily", "Agents"}}, ["everything-daily"])
    labels = [words(one) for one in page.xpath("//button[@name='preset']//strong")]
    assert labels == ["Trending weekly", "My topics daily", "Everything daily"]
    post(subscriber, trending="monthly", top="daily")
    assert pressed(page_of(subscriber)) == []


def test_a_preset_keeps_the_hour_that_was_chosen() -> None:
    subscriber = factories.subscriber()
    post(subscriber, preset="everything-daily", local_time="18:30")
    assert str(subscriber.schedules.get().local_time) == "18:30:00"


def test_my_topics_without_a_topic_asks_for_one_and_changes_nothing() -> None:
    subscriber = factories.subscriber()
    factories.topic("Agents")
    post(subscriber, preset="trending-weekly")
    page = post(subscriber, preset="topics-daily")
    assert "Choose one or more topics" in page.xpath("string(//*[@role='alert'])")
    assert gets(subscriber) == {"weekly": {"trending"}}


def test_my_topics_are_a_reader_s_own_where_none_is_ticked() -> None:
    user = reader("rita")
    ensure_confirmed_address(user)
    factories.topic("Mine", owner=user)
    factories.topic("For all")
    page = client_of(user).post("/subscriptions", CHOICE | {"preset": "topics-daily"})
    assert gets(Subscriber.objects.get(user=user)) == {"daily": {"Mine"}}
    assert "Saved." in page.content.decode()


def test_a_preset_is_undone_with_one_press_too() -> None:
    subscriber, agents = factories.subscriber(), factories.topic("Agents")
    post(subscriber, **{"trending": "weekly", "top": "monthly", f"topic-{agents.pk}": "weekly"})
    before = gets(subscriber)
    page = post(subscriber, preset="everything-daily")
    assert gets(subscriber) != before
    (token,) = page.xpath("//button[@name='undo']/@value")
    other = factories.subscriber()
    anonymous_client().post(f"/subscriptions/{mail_key(other)}", {"undo": token})
    assert gets(other) == {}, "another reader's"
    answer = anonymous_client().post(f"/subscriptions/{mail_key(subscriber)}", {"undo": token})
    assert "Your earlier choice is back." in answer.content.decode()
    assert gets(subscriber) == before
    anonymous_client().post(f"/subscriptions/{mail_key(subscriber)}", {"undo": "made:up"})
    assert gets(subscriber) == before


def test_what_is_undone_leaves_out_topics_that_are_gone() -> None:
    subscriber, agents, rag = factories.subscriber(), factories.topic("Agents"), factories.topic("RAG")
    post(subscriber, **{f"topic-{agents.pk}": "weekly", f"topic-{rag.pk}": "weekly"})
    (token,) = post(subscriber, preset="trending-weekly").xpath("//button[@name='undo']/@value")
    agents.delete()
    anonymous_client().post(f"/subscriptions/{mail_key(subscriber)}", {"undo": token})
    assert gets(subscriber) == {"weekly": {"RAG"}}


@pytest.mark.parametrize("button", [{"search": "1"}, {"enter": "1", "found": ""}])
def test_topics_are_searched_without_javascript_and_nothing_is_saved(button: dict[str, str]) -> None:
    subscriber = factories.subscriber()
    agents, vision = factories.topic("Agents"), factories.topic("Vision", description="Images and video")
    page = post(subscriber, **{"find": "VIDEO images", f"topic-{agents.pk}": "daily", **button})
    assert gets(subscriber) == {}
    assert page.xpath("//ul[@class='topic-options']//input/@name") == [f"topic-{vision.pk}"]
    assert page.xpath(f"//select[@name='topic-{agents.pk}']/option[@selected]/@value") == ["daily"], "still ticked"
    assert page.xpath("//input[@name='find']/@value") == ["VIDEO images"]
    assert not page.xpath("//*[@role='alert']")


def test_enter_in_another_field_saves() -> None:
    subscriber = factories.subscriber()
    page = post(subscriber, enter="1", find="video", found="video", trending="daily")
    assert gets(subscriber) == {"daily": {"trending"}}
    first = page.xpath("//main//form[.//button[@name='preset']]//button")[0]
    assert (first.get("name"), first.get("tabindex"), first.get("aria-hidden")) == ("enter", "-1", "true")


def test_hundreds_of_topics_are_ticked_and_found() -> None:
    subscriber = factories.subscriber()
    topics = [factories.topic(f"Topic {number:03}") for number in range(320)]
    page = page_of(subscriber)
    assert len(page.xpath("//ul[@class='topic-options']//input[@type='checkbox']")) == 300
    assert words(page.xpath("//p[@data-topic-count]")[0]) == "300 shown; search to find the others."
    assert not page.xpath("//*[@data-has-all]"), "the script leaves the search to the server"
    page = post(subscriber, find="319", search="1")
    assert page.xpath("//ul[@class='topic-options']//input/@name") == [f"topic-{topics[319].pk}"]
    post(subscriber, **{f"topic-{topics[319].pk}": "daily", f"topic-{topics[5].pk}": "daily"})
    assert gets(subscriber) == {"daily": {"Topic 319", "Topic 005"}}


def test_a_topic_with_a_frequency_of_nowhere_changes_nothing() -> None:
    subscriber, agents = factories.subscriber(), factories.topic("Agents")
    page = post(subscriber, **{f"topic-{agents.pk}": "hourly", "trending": "daily"})
    assert page.xpath("//*[@role='alert']")
    assert not Schedule.objects.exists()


def test_the_page_names_the_ways_out_in_their_words() -> None:
    subscriber = factories.subscriber()
    factories.schedule(subscriber, kinds=["trending"])
    (part,) = page_of(subscriber).xpath("//section[contains(@class, 'leaving')]")
    names = [words(one) for one in part.xpath(".//a | .//button")]
    assert names == ["Unsubscribe", "Forget my address", "E-mails sent to you"]
    (form,) = part.xpath(".//form")
    answer = Client(enforce_csrf_checks=True).post(form.get("action"), {"what": "all"})
    assert "You are unsubscribed" in answer.content.decode()
    assert gets(subscriber) == {}


def test_looking_forgets_nothing_and_the_button_forgets_all() -> None:
    subscriber = factories.subscriber(email="Rita@example.org")
    schedule = factories.schedule(subscriber, factories.topic())
    factories.delivery(schedule, state="sent", sent_at=factories.NOW)
    SignUp.objects.create(email="rita@example.org", asked_at=timezone.now())
    Suppression.objects.create(address="rita@example.org", reason="unsubscribed")
    other = factories.schedule(factories.subscriber(), kinds=["trending"])
    path = f"/subscriptions/{mail_key(subscriber)}/forget"
    for method in ("GET", "HEAD", "OPTIONS"):
        Client(enforce_csrf_checks=True).generic(method, path)
    assert Subscriber.objects.filter(pk=subscriber.pk).exists()
    answer = Client(enforce_csrf_checks=True).post(path)
    assert "Your address is forgotten" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert not SignUp.objects.exists()
    assert not Suppression.objects.exists()
    assert not Delivery.objects.exists()
    assert list(Schedule.objects.all()) == [other]
    assert anonymous_client().post(path).status_code == 404


def test_an_address_with_an_account_is_not_forgotten_by_a_link() -> None:
    user = reader("rita")
    subscriber = factories.subscriber(email=user.email, user=user)
    assert anonymous_client().post(f"/subscriptions/{mail_key(subscriber)}/forget").status_code == 404
    assert Subscriber.objects.filter(pk=subscriber.pk).exists()
    assert "Forget my address" not in anonymous_client().get(f"/subscriptions/{mail_key(subscriber)}").content.decode()


def test_privacy_says_who_can_forget_an_address() -> None:
    assert "Forget my address" in anonymous_client().get("/privacy").content.decode()
