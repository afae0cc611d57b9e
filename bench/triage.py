"""A reader's triage of one day: 197 papers, ten opened, five saved, done; with the seconds that the reader waits for.

    make bench-triage [JSON=result.json]

It starts a site of its own and reads it with Chromium by keyboard. A press counts from the key to the next frame; an
opened paper from the key to its title, and back to the card. Then it tells clicks and keys for ten common tasks, each
done once by them, so a number that is wrong stops it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.running_site import ROOT, Site, running_site

PAPERS, OPENED, SAVED = 197, 10, 5
MOST_SECONDS = 20.0
MOST_MILLISECONDS_TO_PAINT = 100.0
DAY = "/papers/date/2026-05-12"
# From a key, sent by a page's script as the browser sends it, to the frame that shows what it did.
_TO_PAINT = """async (key) => {
  const began = performance.now();
  document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  await new Promise(requestAnimationFrame);
  const { port1, port2 } = new MessageChannel();
  await new Promise((painted) => { port1.onmessage = painted; port2.postMessage(0); });
  return performance.now() - began;
}"""


@dataclass(slots=True)
class Triage:
    """What it took."""

    presses: list[float] = field(default_factory=list)
    """Milliseconds from a key to its frame."""
    openings: list[float] = field(default_factory=list)
    """Seconds to a paper and back to its card."""
    loading: float = 0.0
    """Seconds for the day, and until it is done with."""

    @property
    def waited(self) -> float:
        """Seconds in all."""
        return self.loading + sum(self.openings) + sum(self.presses) / 1000

    @property
    def p95(self) -> float:
        """Milliseconds from a key to its frame, 95 of 100."""
        return sorted(self.presses)[int(len(self.presses) * 0.95)]


@dataclass(frozen=True, slots=True)
class Task:
    """Something that readers do often, from the list of a day; each with a current card of its own."""

    name: str
    keys: tuple[str, ...]
    """One way, by keyboard."""
    clicks: tuple[str, ...]
    """The other, as selectors of what is clicked."""
    shows: str
    """The selector of what is there when it is done; `{card}` is the card."""


TASKS = (
    Task("open a paper", ("o",), ("{card} .card-title a",), "article.paper"),
    Task("read the whole abstract", ("a",), ("{card} .abstract summary",), "{card} .abstract .full"),
    Task("vote", ("v",), ("{card} .vote",), "{card} .vote[aria-pressed=true]"),
    Task("save to read", ("s",), ("{card} .save",), "{card} .save[aria-pressed=true]"),
    Task("mark as seen, and go on", ("n",), ("{card} .mark-seen",), "{card} .mark-seen[aria-pressed=true]"),
    Task("open tags and note", ("t",), ("{card} .own-link",), "{card} .mine input[name=tags]"),
    Task("take back a vote just given", ("v", "z"), ("{card} .vote", "[data-undo]"), "#notice >> text=Undone"),
    Task("go to the library", ("g", "l"), ("[data-library]",), "h1 >> text=Library"),
    Task("show one category", (), (".chips .chip >> nth=0",), ".chips [aria-current]"),
    Task("be done with the day", ("A",), ("[data-done]",), "[data-done][aria-pressed=true]"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="where the figures go")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_site(Path(folder)) as site, _browser() as browser:
        _fill(site, Path(folder) / "day.jsonl")
        done = _triage(_reader(browser, site, "rita@example.org"), site)
        _print_triage(done)
        _print_tasks(browser, site)
    if options.json:
        options.json.write_text(json.dumps({**asdict(done), "waited": done.waited, "p95": done.p95}))
    if done.waited > MOST_SECONDS or done.p95 > MOST_MILLISECONDS_TO_PAINT:
        sys.exit("Too slow.")


@contextmanager
def _browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        sys.exit("This needs Chromium (Debian: apt install chromium).")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])


def _fill(site: Site, file: Path) -> None:
    """One day of papers, in five categories, with abstracts of the usual length."""
    rows = [
        {
            "arxiv_id": f"2605.{number:05}",
            "title": f"Paper number {number} on what can be learnt from few examples",
            "abstract": f"What paper {number} says of it, in a sentence of some length. " * 22,
            "authors": ["Ada Lovelace", "Carl Gauss", "Emmy Noether"],
            "categories": [("cs.CL", "cs.LG", "cs.CV", "stat.ML", "math.ST")[number % 5]],
            "announced_on": "2026-05-12",
        }
        for number in range(1, PAPERS + 1)
    ]
    file.write_text("\n".join(map(json.dumps, rows)))
    command = [sys.executable, "manage.py", "import_papers", str(file), "--list", "arxiv"]
    subprocess.run(command, cwd=ROOT, env=site.environment, capture_output=True, check=True)


def _reader(browser: Browser, site: Site, email: str) -> Page:
    """The page of somebody who has just signed in."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, service_workers="block")
    page = context.new_page()
    page.goto(site.link_for(email))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(site.url + "/")
    return page


def _triage(page: Page, site: Site) -> Triage:
    done, began = Triage(), time.monotonic()
    page.goto(site.url + DAY)
    done.loading += time.monotonic() - began
    done.presses.append(page.evaluate(_TO_PAINT, "j"))
    for number in range(PAPERS):
        if number % (PAPERS // OPENED) == 3 and len(done.openings) < OPENED:
            done.openings.append(_open_and_back(page))
        if number % (PAPERS // SAVED) == 7:
            done.presses.append(page.evaluate(_TO_PAINT, "s"))
        done.presses.append(page.evaluate(_TO_PAINT, "n"))
        if number < PAPERS - 1:  # what is not loaded yet is waited for
            began = time.monotonic()
            expect(page.locator(".card.current")).to_have_attribute("aria-posinset", str(number + 2))
            done.presses[-1] += _beyond(time.monotonic() - began)
    began = time.monotonic()
    page.keyboard.press("A")
    expect(page.locator("[data-done]")).to_have_attribute("aria-pressed", "true")
    done.loading += time.monotonic() - began
    expect(page.locator("#seen-count")).to_contain_text(f"{PAPERS} of {PAPERS}")
    return done


def _beyond(seconds: float) -> float:
    """Milliseconds of a look that found nothing yet; one that finds takes some itself."""
    return seconds * 1000 if seconds > 0.1 else 0.0


def _open_and_back(page: Page) -> float:
    began, title = time.monotonic(), page.locator(".card.current .card-title")
    words = title.inner_text()
    page.keyboard.press("o")
    page.wait_for_selector("article.paper h1")
    assert page.locator("h1").inner_text() == words
    page.go_back(wait_until="commit")
    page.wait_for_selector(".card.current")
    assert title.inner_text() == words
    return time.monotonic() - began


def _print_triage(done: Triage) -> None:
    print(
        f"{PAPERS} papers, {OPENED} opened, {SAVED} saved: {done.waited:.1f} s of waiting (at most {MOST_SECONDS:.0f})"
    )
    print(f"  the day, and done with it   {done.loading:.1f} s")
    print(f"  ten papers opened and left  {sum(done.openings):.1f} s, median {median(done.openings):.2f} s")
    print(
        f"  {len(done.presses)} keys to their frames     {sum(done.presses) / 1000:.1f} s, median"
        f" {median(done.presses):.0f} ms, p95 {done.p95:.0f} ms (at most {MOST_MILLISECONDS_TO_PAINT:.0f})"
    )


def _print_tasks(browser: Browser, site: Site) -> None:
    """Each done both ways, by a reader for each way."""
    for way in ("keys", "clicks"):
        page = _reader(browser, site, f"{way}@example.org")
        for place, task in enumerate(TASKS):
            acts = task.keys if way == "keys" else task.clicks
            if acts:
                _do(page, site, acts, task.shows, place=place, press=way == "keys")
    print(f"\n{'task':<30} {'keys':<8} clicks")
    for task in TASKS:
        print(f"{task.name:<30} {len(task.keys) or '–':<8} {len(task.clicks)}")


def _do(page: Page, site: Site, acts: tuple[str, ...], shows: str, *, place: int, press: bool) -> None:
    page.goto(site.url + DAY)
    for _ in range(place + 1):
        page.keyboard.press("j")
    card = f"#{page.locator('.card.current').get_attribute('id')}"
    for act in acts:
        if press:
            page.keyboard.press(act)
        else:
            page.locator(act.replace("{card}", card)).first.click()
        page.wait_for_timeout(300)
    expect(page.locator(shows.replace("{card}", card)).first).to_be_visible()


if __name__ == "__main__":
    main()
