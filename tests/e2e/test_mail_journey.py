"""A visitor's way: an address, an e-mail, a button, a choice, and leaving again; with what only a browser does."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.running_site import ROOT, Site

Open = Callable[..., BrowserContext]


def satisfies_axe(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def confirmation_link(page: Page, site: Site) -> str:
    """The link of the newest e-mail in the outbox, once a worker has written it."""
    link = page.locator(".sent a").first
    for _ in range(30):
        page.goto(f"{site.url}/outbox")
        if link.is_visible():
            break
        page.wait_for_timeout(1_000)
    satisfies_axe(page)
    link.click()
    found = re.search(r"http\S+/subscribe/confirm/\S+", page.locator(".kept-text").inner_text())
    assert found
    satisfies_axe(page)
    return found[0]


def in_shell(site: Site, code: str) -> list[str]:
    """The last words that some code says, run beside the site. For what stands in a mail alone: none is due today."""
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=site.environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()


def key_of(site: Site) -> str:
    """The key of the one-click header, as a mail program has it."""
    code = "from digests.models import Schedule as S; from tests.support.mail import mail_key as k; "
    return in_shell(site, f"{code}print(k(S.objects.get(frequency='daily')))")[0]


def test_from_the_strip_to_the_last_mail(site: Site, open_context: Open) -> None:
    admin = open_context().new_page()
    admin.goto(site.admin_link)
    admin.get_by_role("button", name="Sign in").click()
    admin.wait_for_url(re.compile("/setup$"))
    admin.goto(site.url)
    admin.get_by_label("Get trending papers").fill("visitor@example.org")
    admin.get_by_role("button", name="Subscribe").click()
    expect(admin.get_by_role("heading", level=1)).to_have_text("Check your inbox")
    link = confirmation_link(admin, site)

    phone: Any = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
    visitor = open_context(**phone).new_page()
    visitor.goto(site.url)
    expect(visitor.get_by_role("complementary", name="Follow")).to_contain_text("in your feed reader")
    visitor.goto(link)
    satisfies_axe(visitor)
    visitor.get_by_role("button", name="Confirm subscription").click()
    visitor.get_by_role("link", name="E-mail preferences").click()
    expect(visitor.get_by_role("button", name="Trending weekly")).to_have_attribute("aria-pressed", "true")
    visitor.get_by_text("Time, length and pause").click()
    visitor.get_by_label("Time zone").fill("Berlin")
    satisfies_axe(visitor)
    visitor.get_by_role("button", name="Everything daily").click()
    expect(visitor.get_by_role("status").first).to_have_text("Saved.")
    expect(visitor.get_by_role("button", name="Everything daily")).to_have_attribute("aria-pressed", "true")
    visitor.get_by_text("Time, length and pause").click()
    expect(visitor.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    satisfies_axe(visitor)

    # Django's refusal of buttons on pages that send no Origin (S11) shows in a browser alone.
    visitor.goto(f"{site.url}/u/{key_of(site)}")
    satisfies_axe(visitor)
    visitor.get_by_role("button", name="Unsubscribe from the daily e-mail").click()
    expect(visitor.get_by_role("heading", level=1)).to_have_text("You are unsubscribed")
    visitor.get_by_role("button", name="Undo").click()
    expect(visitor.get_by_role("heading", level=1)).to_have_text("You are subscribed again")


MAILED = """
from django.utils import timezone
from digests.models import Delivery, Schedule, Subscriber
from digests.models.mail_keys import digest_of_key
from digests.services.mail_keys import key_of_reader
from digests.services.preferences import get_or_create_subscriber
from papers.models import Paper, User
now, papers = timezone.now(), list(Paper.objects.order_by("pk").values_list("pk", flat=True)[:30])
reader = get_or_create_subscriber(User.objects.get(email="rita@example.org"))
Subscriber.objects.filter(pk=reader.pk).update(confirmed_at=now)
schedule = Schedule.objects.create(subscriber=reader, frequency="daily", covers_from=now, max_papers=20)
Delivery.objects.create(
    schedule=schedule, subscriber=reader, period_on=now.date(), due_at=now, planned_at=now, not_before=now, floor=now,
    state="sent", sent_at=now, key_digest=digest_of_key("a-mail"), paper_ids=papers[:20], causes=[""] * 20,
    more_ids=papers[20:])
print(key_of_reader(reader), papers[0])
"""


def test_from_a_mail_into_the_library(site: Site, open_context: Open, reader_cookies: Any) -> None:
    key, paper = in_shell(site, MAILED)
    phone: Any = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
    page = open_context(**phone).new_page()
    page.goto(f"{site.url}/mail/a-mail")
    expect(page.locator(".card")).to_have_count(20)
    satisfies_axe(page)
    page.get_by_role("link", name="And 10 more").click()
    expect(page.locator(".card")).to_have_count(10)
    satisfies_axe(page)

    # Nobody is signed in here: the link is the right to save, and the button is what saves.
    ways = {
        "/seen": ("Mark as seen", "Marked as seen"),
        "/vote": ("Vote", "You voted"),
        "": ("Save to library", "Saved"),
    }
    for act, (button, done) in ways.items():
        page.goto(f"{site.url}/s/{key}/{paper}{act}")
        satisfies_axe(page)
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(done)
        satisfies_axe(page)
    page.goto(f"{site.url}/subscriptions/{key}/sent")
    satisfies_axe(page)

    rita = open_context(storage_state=reader_cookies).new_page()
    rita.goto(f"{site.url}/library")
    expect(rita.locator(f"#paper-{paper}")).to_be_visible()
