"""Comments: threads, Markdown, who is named, editing, deleting, reporting; and that the count is always right."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.test import Client

from papers.models import Comment, CommentReport, Mention, Paper, User
from papers.services.reading.comments import (
    add_comment,
    delete_comment,
    edit_comment,
    read_discussion,
    recount_comments,
)
from papers.text.html import find_mentions, markdown
from papers.web.ratelimit import RATE_LIMITS
from tests.support import factories
from tests.support.factories import NOW
from tests.support.pages import cards_on, get_page, page_text
from tests.support.people import anonymous_client, client_of, curator, reader, staff


class TestMarkdown:
    @pytest.mark.parametrize(
        ("text", "html"),
        [
            ("*a* **b** ~~c~~ `d`", "<p><em>a</em> <strong>b</strong> <s>c</s> <code>d</code></p>"),
            ("a\nb", "<p>a<br/>\nb</p>"),
            ("# no head", "<p># no head</p>"),
            ("<b>x</b> & y", "<p>&lt;b&gt;x&lt;/b&gt; &amp; y</p>"),
            ("$5 and $6", "<p>$5 and $6</p>"),
            ("`$x$`", "<p><code>$x$</code></p>"),
            ("me@example.org", "<p>me@example.org</p>"),
            ("", ""),
        ],
    )
    def test_a_subset(self, text: str, html: str) -> None:
        assert markdown(text) == html

    def test_links_say_that_a_reader_set_them(self) -> None:
        for text in ("https://e.org/a_b", "[x](https://e.org/a_b)", "<https://e.org/a_b>"):
            assert 'href="https://e.org/a_b" rel="nofollow ugc noopener"' in markdown(text)

    @pytest.mark.parametrize(
        "text",
        [
            "[x](javascript:alert(1))",
            "[x](data:text/html,a)",
            "![x](https://e.org/p.png)",
            "<img src=x onerror=alert(1)>",
            '[x](https://e.org "a\\" onclick=\\"b")',
            "<style>*{}</style>",
            "$\\href{javascript:alert(1)}{x}$",
            '$\\style{position:fixed}{x}$ @"><script>',
        ],
    )
    def test_nothing_dangerous_comes_through(self, text: str) -> None:
        html = markdown(text)
        for evil in ("<script", "<img", "<style", "style=", 'href="javascript', 'href="data', "onclick=", "onerror=a"):
            assert evil not in html.replace("&lt;", "(").replace("onerror=alert(1)&gt;", "")

    def test_formulas_are_drawn_before_their_underscores_are_read(self) -> None:
        html = markdown("$a_1 * b_2 * c_3$ and \\(x\\)")
        assert html.count("<math") == 2
        assert "<em>" not in html

    def test_deep_nesting_and_long_texts_end(self) -> None:
        assert markdown(">" * 5_000 + "x")
        assert markdown("*a " * 3_000)
        assert markdown("[" * 3_000)

    def test_names(self) -> None:
        text = "@Rita and @bob. not a@rita `@code` [@link](https://e.org)"
        assert find_mentions(text) == ["rita", "bob"]
        html = markdown(text, frozenset({"rita"}))
        assert html.count('class="mention"') == 1
        assert '<span class="mention">@Rita</span>' in html


@pytest.fixture
def paper(db: None) -> Paper:
    return factories.paper(public_id="2603.60001")


def count(paper: Paper) -> int:
    paper.refresh_from_db()
    assert paper.comment_count == Comment.objects.visible().filter(paper=paper).count()
    return paper.comment_count


class TestTheService:
    def test_comments_are_counted_and_the_card_changes(self, paper: Paper) -> None:
        before = paper.changed_at
        comment = add_comment(user=factories.user(), paper_id=paper.pk, body="a")
        assert count(paper) == 1
        assert paper.changed_at > before
        delete_comment(comment=comment)
        delete_comment(comment=comment)
        assert count(paper) == 0

    def test_a_hidden_paper_takes_none(self, paper: Paper) -> None:
        Paper.objects.filter(pk=paper.pk).update(hidden_at=NOW)
        with pytest.raises(Paper.DoesNotExist):
            add_comment(user=factories.user(), paper_id=paper.pk, body="a")

    def test_editing_is_noted_only_where_something_changed(self, paper: Paper) -> None:
        comment = add_comment(user=factories.user(), paper_id=paper.pk, body="a")
        edit_comment(comment=comment, body="a")
        comment.refresh_from_db()
        assert comment.edited_at is None
        edit_comment(comment=comment, body="b")
        comment.refresh_from_db()
        assert comment.edited_at is not None

    def test_deleting_takes_the_words_and_leaves_the_place(self, paper: Paper) -> None:
        comment = add_comment(user=factories.user(), paper_id=paper.pk, body="secret")
        answer = add_comment(user=factories.user(), paper_id=paper.pk, body="b", parent=comment)
        delete_comment(comment=comment)
        assert Comment.objects.get(pk=comment.pk).body == ""
        found = read_discussion(paper).threads
        assert [(thread.comment.pk, thread.depth) for thread in found] == [(comment.pk, 0), (answer.pk, 1)]

    def test_threads_are_read_in_order_however_deep(self, paper: Paper) -> None:
        user, parent, keys = factories.user(), None, []
        for _ in range(30):
            parent = add_comment(user=user, paper_id=paper.pk, body="x", parent=parent)
            keys.append(parent.pk)
        late = add_comment(user=user, paper_id=paper.pk, body="y", parent=Comment.objects.get(pk=keys[0]))
        found = read_discussion(paper).threads
        assert [thread.comment.pk for thread in found] == [*keys, late.pk]
        assert [thread.depth for thread in found][:8] == [0, 1, 2, 3, 4, 5, 5, 5]

    def test_names_are_told_once_and_untold_with_the_comment(self, paper: Paper) -> None:
        rita, bob = factories.user("rita"), factories.user("bob")
        comment = add_comment(user=bob, paper_id=paper.pk, body="@rita @RITA @bob @nobody")
        rita.refresh_from_db()
        assert list(Mention.objects.values_list("user__username", flat=True)) == ["rita"]
        assert rita.unread_mentions == 1
        edit_comment(comment=comment, body="@rita again")
        rita.refresh_from_db()
        assert rita.unread_mentions == 1
        delete_comment(comment=comment)
        rita.refresh_from_db()
        assert rita.unread_mentions == 0

    def test_wrong_counts_are_put_right(self, paper: Paper, capsys: pytest.CaptureFixture[str]) -> None:
        factories.comment(paper)
        other = factories.paper(comment_count=4)
        assert recount_comments() == 2
        assert (count(paper), count(other)) == (1, 0)
        assert recount_comments() == 0
        call_command("recount_votes")
        assert "comments" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_many_who_comment_at_once_are_all_counted() -> None:
    paper, users = factories.paper(), [factories.user() for _ in range(24)]

    def write(user: User) -> None:
        try:
            add_comment(user=user, paper_id=paper.pk, body="a")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(write, users))
    assert count(paper) == 24


class TestThePage:
    @pytest.fixture
    def rita(self, paper: Paper) -> User:
        return reader()

    @pytest.fixture
    def client(self, rita: User) -> Client:
        return client_of(rita)

    def write(self, client: Client, paper: Paper, body: str = "Well.", **more: Any) -> Any:
        return client.post(f"{paper.get_absolute_url()}/comments", {"body": body, **more})

    def test_writing_answering_and_reading(self, client: Client, paper: Paper) -> None:
        response = self.write(client, paper, "First $x^2$")
        first = Comment.objects.get()
        assert response.headers["Location"] == f"{paper.get_absolute_url()}#comment-{first.pk}"
        self.write(client_of(factories.user("bob")), paper, "Second", answer=first.pk)
        page = get_page(paper.get_absolute_url())
        said = page.find_class("comment")
        assert [one.get("class") for one in said] == ["comment deep-0", "comment deep-1"]
        assert said[0].xpath(".//math")
        assert cards_on("/papers/new")[0].facts[2] == "2 comments"

    def test_a_preview_stores_nothing(self, client: Client, paper: Paper) -> None:
        page = self.write(client, paper, "**b** @rita", preview="1").content.decode()
        assert "<strong>b</strong>" in page
        assert 'class="mention"' in page
        assert "**b** @rita</textarea>" in page
        part = client.post(
            f"{paper.get_absolute_url()}/comments", {"body": "*b*", "preview": "1"}, headers={"HX-Request": "true"}
        ).content.decode()
        assert "<em>b</em>" in part
        assert "<form" not in part
        assert not Comment.objects.exists()

    @pytest.mark.parametrize("body", ["", "  \n ", "\x00", "\u200b\u200b", "\u3164", "x" * 10_001])
    def test_nothing_and_too_much_are_refused(self, client: Client, paper: Paper, body: str) -> None:
        response = self.write(client, paper, body)
        assert response.status_code == 200
        assert "banner error" in response.content.decode()
        assert not Comment.objects.exists()

    @pytest.mark.parametrize("answer", ["0", "x", "9" * 30, "-1"])
    def test_an_answer_to_nothing_is_404(self, client: Client, paper: Paper, answer: str) -> None:
        assert self.write(client, paper, answer=answer).status_code == 404

    def test_an_answer_stays_with_its_paper(self, client: Client, paper: Paper) -> None:
        elsewhere = factories.comment(factories.paper())
        assert self.write(client, paper, answer=elsewhere.pk).status_code == 404

    def test_editing_and_deleting_one_s_own(self, client: Client, paper: Paper) -> None:
        self.write(client, paper)
        comment = Comment.objects.get()
        client.post(f"/comments/{comment.pk}/edit", {"body": "Better."})
        text = page_text(paper.get_absolute_url())
        assert "Better." in text
        assert "edited" in text
        client.get(f"/comments/{comment.pk}/delete")
        assert count(paper) == 1
        client.post(f"/comments/{comment.pk}/delete")
        assert "[deleted]" in page_text(paper.get_absolute_url())
        assert client.post(f"/comments/{comment.pk}/edit", {"body": "x"}).status_code == 404

    def test_nobody_touches_the_comments_of_others_but_curators(self, client: Client, paper: Paper) -> None:
        comment = factories.comment(paper, factories.user("bob"))
        for act in ("edit", "delete"):
            assert client.post(f"/comments/{comment.pk}/{act}", {"body": "x"}).status_code == 404
        assert client_of(curator()).post(f"/comments/{comment.pk}/edit", {"body": "x"}).status_code == 404
        assert client_of(User.objects.get(username="carl")).post(f"/comments/{comment.pk}/delete").status_code == 302

    def test_a_report_is_kept_once_a_reader(self, client: Client, paper: Paper) -> None:
        comment = factories.comment(paper)
        for reason in ("rude", "very rude"):
            client.post(f"/comments/{comment.pk}/report", {"reason": reason})
        assert CommentReport.objects.get().reason == "very rude"

    def test_an_administrator_sees_reports_the_open_ones_first_and_settles_them(self, paper: Paper) -> None:
        kept, bad, worse = (factories.comment(paper, body=body) for body in ("Kept words", "Bad words", "Worse words"))
        made = CommentReport.objects.create
        reports = [made(comment=comment, user=factories.user()) for comment in (kept, bad, bad, worse)]
        ada, url = client_of(staff()), "/admin/papers/commentreport/"
        ada.post(url, {"action": "keep", "_selected_action": [reports[0].pk, reports[3].pk]})
        rows = [row.text_content() for row in get_page(url, ada).xpath("//table[@id='result_list']/tbody/tr")]
        assert [("Bad" in row) for row in rows] == [True, True, False, False]
        ada.post(url, {"action": "remove", "_selected_action": [reports[1].pk]})
        bad.refresh_from_db()
        assert (bad.body, count(paper)) == ("", 2)
        assert not CommentReport.objects.filter(resolved_at=None).exists()
        assert client_of(reader("otto")).get(url).status_code == 302

    def test_mentions(self, client: Client, paper: Paper, rita: User) -> None:
        self.write(client_of(factories.user("bob")), paper, "Look, @rita")
        assert "1 new mention" in page_text("/", client)
        page = get_page("/mentions", client)
        assert page.find_class("comment")[0].xpath(".//p/a/@href")[0].startswith(paper.get_absolute_url())
        client.post("/mentions")
        rita.refresh_from_db()
        assert rita.unread_mentions == 0
        assert "Look" in page_text("/mentions", client)

    def test_nobody_writes_without_end(self, client: Client, paper: Paper) -> None:
        for _ in range(RATE_LIMITS["comment"].attempts):
            assert self.write(client, paper).status_code == 302
        assert self.write(client, paper).status_code == 429
        assert count(paper) == RATE_LIMITS["comment"].attempts

    def test_a_stranger_reads_and_is_asked_to_sign_in(self, paper: Paper) -> None:
        factories.comment(paper, body="Open word")
        page = page_text(paper.get_absolute_url())
        assert "Open word" in page
        assert "Sign in to comment" in page
        assert self.write(anonymous_client(), paper).status_code == 302
        assert count_rows() == 1

    def test_a_reader_who_left_is_not_named(self, paper: Paper) -> None:
        comment = factories.comment(paper, factories.user("gone"))
        Comment.objects.filter(pk=comment.pk).update(user=None)
        assert "[deleted]" in page_text(paper.get_absolute_url())


def count_rows() -> int:
    return Comment.objects.count()
