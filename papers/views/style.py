"""The page of components, for who changes how Broadsheet looks: each in every state, beside each other."""

from __future__ import annotations

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from papers.web.http import UserRequest
from papers.web.permissions import staff_only

COLOURS = ("paper", "raised", "sunken", "rule", "rule-strong", "ink", "ink-soft", "ink-faint", "accent", "warn", "good")
"""What the tokens are called; `tests/web/test_style_page.py` compares them with the style sheet."""


class SampleForm(forms.Form):
    """One of each kind of field; it goes nowhere."""

    words = forms.CharField(label="Words", help_text="What stands under a field says what is wanted.", max_length=20)
    address = forms.EmailField(label="Address")
    number = forms.IntegerField(label="Number", min_value=1, disabled=True, initial=7, required=False)
    kind = forms.ChoiceField(label="Kind", choices=[("a", "This one"), ("b", "Another one")])
    day = forms.DateField(label="Day", widget=forms.DateInput(attrs={"type": "date"}), required=False)
    text = forms.CharField(label="Text", widget=forms.Textarea(attrs={"rows": 3}), required=False)


@never_cache
@require_safe
@staff_only
def style(request: UserRequest) -> HttpResponse:
    """All components; nothing here is of the group's own data. No queries."""
    wrong = SampleForm({"wrong-words": "far more than twenty characters", "wrong-address": "nobody"}, prefix="wrong")
    return render(request, "papers/style.html", {"colours": COLOURS, "form": SampleForm(), "wrong": wrong})
