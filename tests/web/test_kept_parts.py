"""Parts of pages that are everybody's: rendered once a process for their values, and made of nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

import pytest
from django.template import Context, Template, TemplateSyntaxError, engines
from django.test import RequestFactory
from django.utils import timezone
from django.utils.safestring import mark_safe

from papers.models import User
from papers.process_memory import forget_everything
from tests.support.people import client_of, reader, staff


def compiled(text: str) -> Template:
    return engines["django"].from_string(text).template  # type: ignore[attr-defined,no-any-return]


def rendered(template: Template, **values: Any) -> str:
    return str(template.render(Context(values)))


def test_it_is_rendered_once_for_the_same_values() -> None:
    template = compiled("{% kept words=words %}{% for word in words %}{% now 'u' %}{{ word }}{% endfor %}{% endkept %}")
    first = rendered(template, words=("a", "b"))
    assert rendered(template, words=("a", "b")) == first
    assert rendered(template, words=("a", "c")) != first
    assert rendered(template, words=("a", "b")) == first
    forget_everything()
    assert rendered(template, words=("a", "b")) != first


def test_nothing_but_the_named_values_is_seen_inside() -> None:
    template = compiled(
        "{{ user.username }}|{% kept value=value %}{{ value }}{{ user.username }}{{ request.path }}{{ csrf_token }}"
        "{{ messages }}{{ group.name }}{{ other }}{% endkept %}"
    )
    hidden = {"request": RequestFactory().get("/secret"), "csrf_token": "t", "messages": ["m"], "group": {"name": "g"}}
    assert rendered(template, value="x", other="y", user=User(username="rita"), **hidden) == "rita|x"


def test_what_differs_in_how_it_is_shown_is_kept_apart() -> None:
    template = compiled("{% kept value=value %}{{ value }}{% endkept %}")
    values: list[Any] = ["<b>", mark_safe("<b>"), 1, True, 1.0, "1", None, "None", (1,), (True,), [1], date(2026, 1, 1)]
    plain = compiled("{{ value }}")
    for _ in range(2):
        assert [rendered(template, value=each) for each in values] == [rendered(plain, value=each) for each in values]


def test_named_tuples_are_told_apart_by_what_is_in_them() -> None:
    class Chip(NamedTuple):
        label: str
        papers: int

    template = compiled(
        "{% kept chips=chips %}{% for chip in chips %}{{ chip.label }} {{ chip.papers }}{% endfor %}{% endkept %}"
    )
    assert rendered(template, chips=(Chip("<", 1),)) == "&lt; 1"
    assert rendered(template, chips=(Chip("<", True),)) == "&lt; True"
    assert rendered(template, chips=(Chip(mark_safe("<"), 1),)) == "< 1"


def test_text_is_escaped_where_the_page_escapes_it() -> None:
    part = "{% kept value=value %}{{ value }}{% endkept %}"
    template = compiled(f"{part}{{% autoescape off %}}{part}{{% endautoescape %}}")
    assert rendered(template, value="<i>") == "&lt;i&gt;<i>"


@pytest.mark.parametrize("value", [User(username="rita"), {"name": {1}}, {1}, time(12), object()])
def test_only_values_that_say_all_they_show_are_kept_by(value: object) -> None:
    with pytest.raises(TypeError, match=r"Nothing is kept by a "):
        rendered(compiled("{% kept value=value %}{{ value }}{% endkept %}"), value=value)


def test_a_moment_is_kept_for_each_time_zone() -> None:
    template = compiled("{% kept value=value %}{{ value|date:'H:i' }}{% endkept %}")
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    for zone, shown in (("Asia/Tokyo", "21:00"), ("UTC", "12:00"), ("Asia/Tokyo", "21:00")):
        with timezone.override(zone):
            assert rendered(template, value=noon) == shown


def test_what_a_record_has_by_name_is_told_apart() -> None:
    template = compiled("{% kept value=value %}{{ value.name }}{{ value.count }}{% endkept %}")
    records = [{"name": "a", "count": 1}, {"name": "a", "count": True}, {"name": mark_safe("<"), "count": 1}]
    assert [rendered(template, value=record) for record in records] == ["a1", "aTrue", "<1"]


@pytest.mark.parametrize(
    "inside", ["{% csrf_token %}", "{% if value %}{% csrf_token %}{% endif %}", "{% block part %}{% endblock %}"]
)
def test_tokens_and_blocks_do_not_stand_inside(inside: str) -> None:
    with pytest.raises(TemplateSyntaxError, match="no form token"):
        compiled(f"{{% kept value=value %}}{inside}{{% endkept %}}")


def test_each_value_has_a_name() -> None:
    with pytest.raises(TemplateSyntaxError, match="has a name"):
        compiled("{% kept value %}{% endkept %}")


@pytest.mark.django_db
def test_one_readers_name_and_rights_are_on_no_other_readers_page() -> None:
    chief, other = staff(), reader()
    first = client_of(chief).get("/papers/new").content.decode()
    assert "Administration" in first
    assert chief.username in first
    second = client_of(other).get("/papers/new").content.decode()
    assert other.username in second
    assert "Administration" not in second
    assert chief.username not in second
    User.objects.filter(pk=other.pk).update(unread_mentions=7, uses_shortcuts=False)
    third = client_of(other).get("/papers/new").content.decode()
    assert "Mentions (7)" in third
    assert "Turn shortcuts off or on" in third
    assert "Mentions (7)" not in client_of(chief).get("/papers/new").content.decode()
