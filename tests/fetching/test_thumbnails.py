"""Pictures of first pages: drawn small, one PDF at a time behind everything else, shown where the group wants them."""

from __future__ import annotations

import struct
import zlib
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.core.cache import cache

from papers.isolation.calls import call_isolated
from papers.models import Installation, LibraryItem, Paper, Source, Thumbnail
from papers.outbound.errors import HttpStatusError
from papers.services.fetching.thumbnails import (
    delete_old_thumbnails,
    is_thumbnail_due,
    make_next_thumbnail,
)
from papers.services.operations.cleanup import delete_expired_rows
from papers.services.operations.installation import invalidate_group_settings
from papers.sources.first_page import MAX_BYTES, MAX_HEIGHT, WIDTH, NoFirstPageError, draw_first_page
from tests.support import factories
from tests.support.factories import NOW
from tests.support.pages import get_page
from tests.support.people import client_of, reader


def pdf(*, width: int = 612, height: int = 792, marks: int = 40) -> bytes:
    """One page with some black bars on it."""
    drawn = " ".join(f"72 {60 + 16 * line} {200 + 37 * line % 260} 7 re f" for line in range(marks)).encode()
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R >>" % (width, height),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
    )
    body = b"%PDF-1.4\n" + b"".join(b"%d 0 obj\n%s\nendobj\n" % pair for pair in enumerate(objects, 1))
    return body + b"trailer << /Root 1 0 R /Size 5 >>\n%%EOF"


def pixels(png: bytes) -> tuple[int, int, int, bytes]:
    """Width, height, bits a pixel and the lines of a PNG of one data chunk."""
    width, height, bits = struct.unpack(">IIB", png[16:25])
    (length,) = struct.unpack(">I", png[33:37])
    return width, height, bits, zlib.decompress(png[41 : 41 + length])


class TestDrawing:
    def test_a_page(self) -> None:
        picture = call_isolated(draw_first_page, pdf())
        width, height, bits, lines = pixels(picture.png)
        assert (width, height) == (picture.width, picture.height) == (WIDTH, 208)
        assert len(picture.png) <= MAX_BYTES
        row = 1 + width * bits // 8
        assert len(lines) == row * height
        assert lines[1:row] == b"\xff" * (row - 1)  # white above
        assert b"\x00\x00" in lines[row * 100 + 1 : row * 110]  # black where a bar is

    def test_of_a_long_page_the_upper_part(self) -> None:
        assert draw_first_page(pdf(height=3000)).height == MAX_HEIGHT

    @pytest.mark.parametrize("data", [b"", b"<html>No PDF</html>", b"%PDF-1.4\n%%EOF", pdf()[:150]])
    def test_what_is_no_pdf(self, data: bytes) -> None:
        with pytest.raises(NoFirstPageError):
            draw_first_page(data)

    @pytest.mark.parametrize(("width", "height"), [(1, 14_000), (14_000, 1), (2_000_000, 2_000_000)])
    def test_what_is_no_page(self, width: int, height: int) -> None:
        with pytest.raises(NoFirstPageError):
            draw_first_page(pdf(width=width, height=height))


class Arxiv:
    """Answers with a PDF or what it is told, and keeps what it was asked."""

    def __init__(self, answer: httpx.Response | None = None) -> None:
        self.asked: list[str] = []
        self.ranks: list[int] = []
        self.answer = answer

    def client(self, *, priority: int) -> Any:
        self.ranks.append(priority)
        return self

    def fetch(self, request: Any) -> Any:
        self.asked.append(request.url)
        if self.answer is not None and self.answer.status_code != 200:
            raise HttpStatusError("no", url=request.url, status=self.answer.status_code, body=b"")
        return type("Answer", (), {"body": self.answer.content if self.answer else pdf()})


def choose(*, on: bool) -> None:
    Installation.objects.update_or_create(pk=1, defaults={"shows_thumbnails": on, "set_up_at": NOW})
    invalidate_group_settings()


@pytest.fixture
def listed() -> Paper:
    cache.clear()
    choose(on=True)
    Source.objects.all().delete()
    paper = factories.paper(title="Ice", public_id="2603.00007")
    return factories.listing(paper).paper


@pytest.mark.django_db
class TestMaking:
    def test_one_paper_behind_everything_else(self, listed: Paper) -> None:
        arxiv = Arxiv()
        made = make_next_thumbnail(now=NOW, make_client=arxiv.client)
        assert made is not None
        assert (made.paper_id, made.width, made.height) == (listed.pk, WIDTH, 208)
        assert arxiv.asked == ["https://export.arxiv.org/pdf/2603.00007"]
        assert arxiv.ranks == [-1]
        assert make_next_thumbnail(now=NOW, make_client=arxiv.client) is None
        assert len(arxiv.asked) == 1

    def test_nothing_where_the_group_does_not_want_them(self, listed: Paper) -> None:
        choose(on=False)
        arxiv = Arxiv()
        assert make_next_thumbnail(now=NOW, make_client=arxiv.client) is None
        assert arxiv.asked == []

    def test_nothing_while_a_source_is_to_be_read(self, listed: Paper) -> None:
        factories.source(next_fetch_at=NOW)
        assert not is_thumbnail_due(now=NOW)

    def test_nothing_of_old_editions(self, listed: Paper) -> None:
        assert is_thumbnail_due(now=NOW)
        assert not is_thumbnail_due(now=NOW + timedelta(days=9))

    @pytest.mark.parametrize(
        ("answer", "is_paused"),
        [(httpx.Response(404), False), (httpx.Response(503), True), (httpx.Response(200, content=b"<html>"), False)],
    )
    def test_what_fails_is_not_asked_for_again(self, listed: Paper, answer: httpx.Response, is_paused: bool) -> None:
        other = factories.listing(factories.paper(public_id="2603.00008")).paper
        made = make_next_thumbnail(now=NOW, make_client=Arxiv(answer).client)
        assert made is not None
        assert (made.width, bool(made.reason)) == (0, True)
        following = make_next_thumbnail(now=NOW, make_client=Arxiv().client)
        assert (following is None) == is_paused
        assert following is None or {made.paper_id, following.paper_id} == {listed.pk, other.pk}


@pytest.mark.django_db
class TestShowing:
    @pytest.fixture
    def picture(self, listed: Paper) -> Thumbnail:
        return Thumbnail.objects.create(paper=listed, image=b"\x89PNG", width=160, height=207, made_at=NOW)

    def test_on_a_card_with_its_size_and_served_for_long(self, picture: Thumbnail) -> None:
        (image,) = get_page("/papers/date/2026-03-04").xpath("//article//img")
        assert {key: image.get(key) for key in ("width", "height", "alt", "loading")} == {
            **{"width": "80", "height": "103", "alt": "", "loading": "lazy"}
        }
        answer = client_of(reader()).get(image.get("src"))
        assert (answer.content, answer["Content-Type"]) == (b"\x89PNG", "image/png")
        assert "max-age=31536000" in answer["Cache-Control"]
        assert "immutable" in answer["Cache-Control"]

    def test_nowhere_when_the_group_changes_its_mind(self, picture: Thumbnail) -> None:
        address = f"{picture.paper.get_absolute_url()}/first-page"
        rita = client_of(reader())
        assert rita.get(address).status_code == 200
        choose(on=False)
        assert not get_page("/papers/date/2026-03-04").xpath("//article//img")
        assert rita.get(address).status_code == 404

    def test_old_ones_of_papers_that_nobody_saved_are_deleted(self, picture: Thumbnail) -> None:
        assert delete_old_thumbnails(now=NOW + timedelta(days=29)) == 0
        saved = LibraryItem.objects.create(user=reader(), paper=picture.paper)
        assert delete_old_thumbnails(now=NOW + timedelta(days=31)) == 0
        saved.delete()
        assert delete_expired_rows(now=NOW + timedelta(days=31)) >= 1
        assert not Thumbnail.objects.exists()
