"""What comes to a shared list by mail: to whom, once, and only as long as the reader may read the list."""

from __future__ import annotations

import email
import email.policy
from datetime import datetime, timedelta
from typing import Any

import pytest

from config.site_url import Site
from digests.content.keys import row_of_mail
from digests.models import Delivery, Subscription
from digests.models.delivery import DeliveryState
from digests.models.mail_keys import KeyPurpose, derive_key
from digests.services.limits import set_limits
from digests.services.mail_export import export_mail
from digests.services.planning import plan_due
from digests.services.preferences import (
    get_or_create_subscriber,
    list_frequency,
    read_choice,
    restore_choice,
    save_preferences,
    subscribe_to_list,
)
from digests.services.sending import send_waiting
from digests.services.unsubscribe import undo_unsubscribe, unsubscribe_from_one
from digests.services.weekly_offer import make_weekly
from papers.models import ListVisibility, Paper, SharedList, User
from papers.services.ingest.releases import re_release
from papers.services.shared_lists.entries import add_papers, remove_papers
from papers.services.shared_lists.history import undo_changes
from papers.services.shared_lists.settings import (
    ListDraft,
    change_list,
    create_list,
    delete_list,
    name_member,
    unname_member,
)
from tests.support import factories
from tests.support.api import ApiClient
from tests.support.factories import NOW, TODAY
from tests.support.mail import RecordingTransport
from tests.support.pages import get_page, page_text
from tests.support.people import client_of, reader

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
DUE = factories.at_hour(TODAY + DAY, 7) + timedelta(minutes=30)


@pytest.fixture(autouse=True)
def _site(settings: Any) -> None:
    settings.SITE = Site.from_url("https://papers.example.org")
    settings.SITE_URL = settings.SITE.url
    settings.DEFAULT_FROM_EMAIL = "Language Lab <papers@example.org>"


@pytest.fixture
def rita() -> User:
    return reader()


def a_list(*, visibility: str = "members", name: str = "Tides") -> tuple[SharedList, User]:
    owner = factories.user()
    return create_list(ListDraft(name, visibility=visibility), owner=owner, now=NOW), owner


def subscribed(user: User, *lists: SharedList, frequency: str = "daily") -> None:
    subscriber = get_or_create_subscriber(user)
    subscriber.confirmed_at = NOW
    subscriber.save()
    for one in lists:
        subscribe_to_list(subscriber=subscriber, shared_list=one, frequency=frequency, now=NOW)


def put(shared_list: SharedList, by: User, **fields: Any) -> Paper:
    created_at = fields.pop("created_at", NOW)
    paper = factories.paper(**fields)
    Paper.objects.filter(pk=paper.pk).update(created_at=created_at)
    add_papers(shared_list, paper_ids=[paper.pk], by=by, now=NOW)
    return paper


def plan(now: datetime = DUE) -> Delivery:
    """The one mail that is planned, or skipped, then; what was planned counts as sent."""
    before = set(Delivery.objects.values_list("pk", flat=True))
    plan_due(now=now)
    found = Delivery.objects.exclude(pk__in=before).get()
    Delivery.objects.filter(pk=found.pk, state=DeliveryState.PLANNED).update(state=DeliveryState.SENT)
    return found


def letters() -> list[str]:
    """The texts of the mails that were planned."""
    post = RecordingTransport()
    send_waiting(clock=lambda: DUE, transport=post)
    found = [email.message_from_bytes(message, policy=email.policy.default) for _, message in post.taken]
    return [next(mail.iter_parts()).get_content() for mail in found]


class TestWhatComes:
    def test_papers_of_any_age_that_others_put_there_each_once(self, rita: User) -> None:
        tides, owner = a_list()
        name_member(tides, person=rita, role="editor", now=NOW)
        subscribed(rita, tides)
        old = put(tides, owner, created_at=NOW - 900 * DAY, listed_at=NOW - 900 * DAY)
        put(tides, rita)  # which the reader knows
        assert plan().paper_ids == [old.pk]
        assert plan(DUE + DAY).state == "skipped"

    def test_removed_and_put_back_is_no_news(self, rita: User) -> None:
        tides, owner = a_list()
        subscribed(rita, tides)
        paper = put(tides, owner)
        assert plan().paper_ids == [paper.pk]
        undo_changes(remove_papers(tides, paper_ids=[paper.pk], by=owner, now=DUE), by=owner, now=DUE)
        remove_papers(tides, paper_ids=[paper.pk], by=owner, now=DUE)
        add_papers(tides, paper_ids=[paper.pk], by=owner, now=DUE)
        assert plan(DUE + DAY).state == "skipped"

    def test_on_two_lists_and_in_a_topic_it_comes_once(self, rita: User) -> None:
        (tides, owner), (rivers, other) = a_list(), a_list(name="Rivers")
        subscribed(rita, tides, rivers)
        paper = put(tides, owner, created_at=NOW)
        add_papers(rivers, paper_ids=[paper.pk], by=other, now=NOW)
        found = plan()
        assert found.paper_ids == [paper.pk]
        assert len(found.causes[0].split(",")) == 2

    def test_hidden_papers_come_once_they_are_shown_again(self, rita: User) -> None:
        tides, owner = a_list()
        subscribed(rita, tides)
        paper, other = put(tides, owner), put(tides, owner)
        Paper.objects.filter(pk=paper.pk).update(hidden_at=NOW)
        assert plan().paper_ids == [other.pk]
        Paper.objects.filter(pk=paper.pk).update(hidden_at=None)
        re_release([paper.pk], now=DUE)
        assert plan(DUE + DAY).paper_ids == [paper.pk]

    def test_the_mail_says_for_which_list(self, rita: User) -> None:
        tides, owner = a_list()
        subscribed(rita, tides)
        put(tides, owner, title="Of rivers")
        plan_due(now=DUE)
        (text,) = letters()
        assert "Of rivers" in text
        assert "Tides" in text


class TestRights:
    """A reader who loses the right gets no more mail from a list."""

    def lose(self, how: str, tides: SharedList, rita: User) -> None:
        if how == "unnamed":
            unname_member(tides, person=rita)
        elif how == "hidden":
            change_list(tides, ListDraft("Tides", visibility=ListVisibility.NAMED), now=NOW)
        else:
            delete_list(tides)

    @pytest.mark.parametrize(
        ("visibility", "how", "when"),
        [
            ("named", "unnamed", "before it is planned"),
            ("named", "unnamed", "before it leaves"),
            ("members", "hidden", "before it is planned"),
            ("members", "hidden", "before it leaves"),
            ("everybody", "hidden", "before it leaves"),
            ("named", "deleted", "before it is planned"),
        ],
    )
    def test_no_paper_and_no_name(self, rita: User, visibility: str, how: str, when: str) -> None:
        tides, owner = a_list(visibility=visibility)
        rivers, other = a_list(name="Rivers")
        if visibility == "named":
            name_member(tides, person=rita, role="reader", now=NOW)
        subscribed(rita, tides, rivers)
        put(tides, owner, title="A secret")
        put(rivers, other, title="No secret")
        if when == "before it is planned":
            self.lose(how, tides, rita)
            plan_due(now=DUE)
        else:
            plan_due(now=DUE)
            self.lose(how, tides, rita)
        (text,) = letters()
        assert "No secret" in text
        assert "A secret" not in text
        assert "Tides" not in text

    def test_nothing_is_sent_where_nothing_else_is_in_it(self, rita: User) -> None:
        tides, owner = a_list(visibility="named")
        name_member(tides, person=rita, role="reader", now=NOW)
        subscribed(rita, tides)
        put(tides, owner)
        plan_due(now=DUE)
        unname_member(tides, person=rita)
        assert letters() == []
        assert plan(DUE + DAY).state == "skipped"

    def test_the_filter_and_the_statement_agree(self) -> None:
        from papers.models import SharedListMember

        people = [factories.user(), factories.user(), factories.user(is_curator=True), factories.user()]
        lists = []
        for visibility in ListVisibility.values:
            for owner in (people[0], None):
                made, _ = a_list(visibility=visibility)
                SharedList.objects.filter(pk=made.pk).update(owner=owner)
                SharedListMember.objects.create(shared_list=made, user=people[1], role="reader", since=NOW)
                lists.append(made)
                put(made, factories.user())
        for person in people:
            subscribed(person, *lists)
        plan_due(now=DUE)
        for person in people:
            readable = SharedList.objects.readable_by(person).filter(pk__in=[one.pk for one in lists])
            expected = set(readable.values_list("entries__paper", flat=True))
            found = Delivery.objects.get(subscriber__user=person)
            assert set(found.paper_ids) == expected
            rows = Subscription.objects.filter(schedule__subscriber__user=person).with_rights()
            told = {row.shared_list_id for row in rows if row.may_read}  # type: ignore[attr-defined]  # with_rights
            assert told == set(readable.values_list("pk", flat=True))


class TestChoosing:
    def test_on_the_page_of_the_list(self, rita: User) -> None:
        tides, _ = a_list()
        client = client_of(rita)
        subscribed(rita)
        client.post(f"{tides.get_absolute_url()}/mail", {"often": "weekly"})
        assert list_frequency(rita, tides) == "weekly"
        pressed = get_page(tides.get_absolute_url(), client).xpath("//button[@name='often'][@aria-pressed='true']")
        assert [button.text for button in pressed] == ["Weekly"]
        client.post(f"{tides.get_absolute_url()}/mail", {"often": "daily"})
        assert list_frequency(rita, tides) == "daily"
        assert rita.subscriber.schedules.filter(ended_at=None).count() == 1
        client.post(f"{tides.get_absolute_url()}/mail", {"often": ""})
        assert list_frequency(rita, tides) == ""
        assert not rita.subscriber.schedules.filter(ended_at=None).exists()

    def test_another_frequency_keeps_its_line(self, rita: User) -> None:
        tides, _ = a_list()
        subscribed(rita, tides)
        drawn = Subscription.objects.get()
        set_limits(subscription=drawn, value="votes-3", max_papers=5, now=NOW)
        subscribe_to_list(subscriber=rita.subscriber, shared_list=tides, frequency="weekly", now=NOW)
        found = Subscription.objects.get()
        assert (found.pk, found.schedule.frequency, found.limits_in_words) == (
            drawn.pk, "weekly", "only with 3 votes or more, at most 5",
        )  # fmt: skip

    def test_weekly_instead_of_daily_is_for_lists_too(self, rita: User) -> None:
        tides, _ = a_list()
        subscribed(rita, tides)
        make_weekly(subscriber=rita.subscriber, now=NOW)
        assert list_frequency(rita, tides) == "weekly"

    def test_beside_what_comes_already(self, rita: User) -> None:
        tides, _ = a_list()
        subscribed(rita)
        save_preferences(subscriber=rita.subscriber, kinds={"daily": ["trending"]}, topics={}, when={}, now=NOW)
        subscribed(rita, tides)
        save_preferences(subscriber=rita.subscriber, kinds={"daily": ["top"]}, topics={}, when={}, now=NOW)
        kinds = Subscription.objects.filter(schedule__ended_at=None).order_by("kind").values_list("kind", flat=True)
        assert list(kinds) == ["list", "top"]
        subscribe_to_list(subscriber=rita.subscriber, shared_list=tides, frequency="", now=NOW)
        assert rita.subscriber.schedules.filter(ended_at=None).count() == 1

    def test_what_ended_does_not_come_back_with_it(self, rita: User) -> None:
        tides, _ = a_list()
        subscribed(rita)
        save_preferences(subscriber=rita.subscriber, kinds={"daily": ["trending"]}, topics={}, when={}, now=NOW)
        save_preferences(subscriber=rita.subscriber, kinds={}, topics={}, when={}, now=NOW)
        subscribed(rita, tides)
        assert list(Subscription.objects.values_list("kind", flat=True)) == ["list"]

    def test_the_page_of_preferences(self, rita: User) -> None:
        tides, _ = a_list(visibility="everybody")
        subscribed(rita, tides)
        client = client_of(rita)
        page = get_page("/subscriptions", client)
        assert page.xpath(f"//select[@name='list-{tides.pk}']")
        chosen = {"local_time": "07:30", "time_zone": "UTC", "weekday": "0", "month_day": "1", "max_papers": "20"}
        client.post("/subscriptions", chosen)  # a page from before the list was chosen
        assert list_frequency(rita, tides) == "daily"
        client.post("/subscriptions", {**chosen, f"list-{tides.pk}": "weekly"})
        assert list_frequency(rita, tides) == "weekly"
        client.post("/subscriptions", {**chosen, f"list-{tides.pk}": ""})
        assert list_frequency(rita, tides) == ""

    def test_a_list_that_one_may_no_longer_read_is_not_named_there(self, rita: User) -> None:
        tides, _ = a_list()
        subscribed(rita, tides)
        change_list(tides, ListDraft("Tides", visibility="named"), now=NOW)
        assert "Tides" not in page_text("/subscriptions", client_of(rita))
        found = ApiClient(rita, scopes=["read", "write"]).get("/subscriptions").json()
        assert found["schedules"][0]["lists"] == []

    def test_undone(self, rita: User) -> None:
        tides, _ = a_list()
        subscribed(rita, tides)
        token = read_choice(rita.subscriber)
        save_preferences(subscriber=rita.subscriber, kinds={}, topics={}, lists={}, when={}, now=NOW)
        assert list_frequency(rita, tides) == ""
        assert restore_choice(subscriber=rita.subscriber, token=token, now=NOW)
        assert list_frequency(rita, tides) == "daily"
        word = unsubscribe_from_one(subscription=Subscription.objects.get(), now=NOW)
        assert list_frequency(rita, tides) == ""
        assert undo_unsubscribe(word, now=NOW)
        assert list_frequency(rita, tides) == "daily"

    def test_by_the_api(self, rita: User) -> None:
        tides, _ = a_list()
        hidden, _ = a_list(visibility="named")
        subscribed(rita)
        api = ApiClient(rita, scopes=["read", "write"])
        wanted = {"schedules": [{"frequency": "weekly", "lists": [tides.slug]}]}
        answer = api.call("PUT", "/subscriptions", wanted)
        (schedule,) = answer.json()["schedules"]
        assert schedule == {"frequency": "weekly", "kinds": [], "topics": [], "lists": [tides.slug], "limits": []}
        assert (
            api.call(
                "PUT", "/subscriptions", {"schedules": [{"frequency": "daily", "lists": [hidden.slug]}]}
            ).status_code
            == 422
        )
        assert api.call("PUT", "/subscriptions", {"schedules": []}).json()["schedules"] == []


def test_no_page_of_mail_and_no_export_names_a_list_that_one_may_no_longer_read(rita: User) -> None:
    tides, _ = a_list()
    subscribed(rita, tides)
    change_list(tides, ListDraft("Seances", visibility="named"), now=NOW)
    one = Subscription.objects.with_rights().get(shared_list=tides)
    assert one.label == "a shared list that you can no longer read"
    parts: dict[str, Any] = {}
    export_mail(rita, parts)
    assert parts["mail_schedules"][0]["about"] == [one.label]
    assert client_of(rita).get(f"/subscriptions/of/{one.pk}").status_code == 404


class TestAnOldMail:
    """The page of a mail asks for the right to a list each time, as the list's own page does."""

    def mail(self, rita: User) -> tuple[Delivery, str, SharedList, list[Paper]]:
        tides, owner = a_list()
        subscribed(rita, tides)
        subscription = Subscription.objects.get()
        set_limits(subscription=subscription, value="votes-1", max_papers=1, now=NOW - DAY)
        papers = [
            put(tides, owner, title=title, vote_count=votes) for title, votes in (("Ebb", 2), ("Flow", 1), ("Low", 0))
        ]
        found = plan()
        assert [found.paper_ids, found.more_ids, found.below_ids] == [[paper.pk] for paper in papers]
        key = derive_key(
            KeyPurpose.MAIL, row_of_mail(found.schedule_id, found.period_on), nonce=rita.subscriber.key_nonce
        )
        return found, key, tides, papers

    def pages(self, key: str) -> str:
        return " ".join(page_text(f"/mail/{key}{part}") for part in ("", "/more", "/below"))

    def test_shows_what_it_brought_as_long_as_the_list_may_be_read(self, rita: User) -> None:
        _, key, _, _ = self.mail(rita)
        assert all(word in self.pages(key) for word in ("Ebb", "Flow", "Low", "And 1 more", "1 below your line"))

    @pytest.mark.parametrize("ends", [False, True])
    def test_shows_nothing_of_a_list_that_one_may_no_longer_read(self, rita: User, ends: bool) -> None:
        _, key, tides, _ = self.mail(rita)
        change_list(tides, ListDraft("Tides", visibility="named"), now=NOW)
        if ends:  # nothing but the mail remembers then which list it was
            Subscription.objects.all().delete()
        text = self.pages(key)
        assert not any(word in text for word in ("Ebb", "Flow", "Low", "And 1 more", "1 below your line"))
        name_member(tides, person=rita, role="reader", now=NOW)
        assert "Flow" in self.pages(key)

    def test_shows_nothing_of_a_list_that_is_gone(self, rita: User) -> None:
        _, key, tides, _ = self.mail(rita)
        delete_list(tides)
        assert "Flow" not in self.pages(key)

    def test_shows_what_came_for_something_else_too(self, rita: User) -> None:
        found, key, tides, papers = self.mail(rita)
        Delivery.objects.filter(pk=found.pk).update(more_causes=[f"{found.causes[0]},999"])
        change_list(tides, ListDraft("Tides", visibility="named"), now=NOW)
        assert papers[1].title in self.pages(key)
        assert papers[0].title not in self.pages(key)
