"""The wording of a topic."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from papers.catalogue.categories import expand_pattern
from papers.models import Topic, User
from papers.models.topic import DEFAULT_CLOSENESS
from papers.query.parser import parse
from papers.services.topics.topic_editor import TopicDraft
from papers.text.cleaning import safe_text, typed_line


class TopicForm(forms.Form):
    """A topic's wording. What it asks is judged by the service, which knows the papers."""

    name = forms.CharField(label="Name", max_length=120, widget=forms.TextInput({"autocomplete": "off"}))
    query = forms.CharField(
        label="Search",
        max_length=4000,
        required=False,
        help_text="Same syntax as the search box. Add an example, such as like:2401.00001, to match by meaning too.",
        widget=forms.Textarea({"rows": 3, "spellcheck": "false"}),
    )
    categories = forms.CharField(
        label="Limit to arXiv categories",
        max_length=400,
        required=False,
        help_text="For example cs.CL, cs.*. Leave empty for all.",
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    closeness = forms.FloatField(
        label="Minimum similarity to an example",
        min_value=0.1,
        max_value=0.99,
        required=False,
        help_text="Only used if the search has examples. 0.4 matches many papers, 0.7 few.",
        widget=forms.NumberInput({"step": "0.01"}),
    )
    for_all = forms.BooleanField(label="Topic for everyone", required=False)

    def __init__(self, *args: Any, viewer: User, is_new: bool = True, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        options["initial"] = {"closeness": DEFAULT_CLOSENESS} | options.get("initial", {})
        super().__init__(*args, **options)
        if not (is_new and viewer.may_curate):
            del self.fields["for_all"]

    @staticmethod
    def initial_of(topic: Topic) -> dict[str, Any]:
        return {
            "name": topic.name,
            "query": topic.query,
            "categories": ", ".join(topic.categories),
            "closeness": round(topic.closeness, 2),
        }

    def clean_name(self) -> str:
        name = typed_line(str(self.cleaned_data["name"]))
        if not name:
            raise ValidationError("Enter a name.")
        return name

    def clean_query(self) -> str:
        return " ".join(safe_text(str(self.cleaned_data["query"])).split())

    def clean_categories(self) -> tuple[str, ...]:
        patterns = [pattern for pattern in re.split(r"[,;\s]+", str(self.cleaned_data["categories"])) if pattern]
        if unknown := [pattern for pattern in patterns if not expand_pattern(pattern)]:
            raise ValidationError(f"arXiv has no category {unknown[0][:40]}. They look like cs.CL or cs.*.")
        return tuple(dict.fromkeys(patterns))

    def wording(self) -> TopicDraft:
        """What was typed, once it is valid."""
        found = self.cleaned_data
        return TopicDraft(
            name=found.get("name", ""),
            query=found.get("query", ""),
            categories=found.get("categories", ()),
            closeness=found.get("closeness"),
        )

    def preview_wording(self) -> TopicDraft:
        """What can be tried of it: it needs no name yet."""
        if self.is_bound:
            self.is_valid()
            return self.wording()
        return TopicDraft(
            name="",
            query=safe_text(self.initial.get("query", "")),
            categories=tuple(pattern for pattern in self.initial.get("categories", "").split(", ") if pattern),
            closeness=self.initial.get("closeness"),
        )

    def problems(self) -> tuple[str, ...]:
        """What of the search was not understood."""
        return parse(self.preview_wording().query).problems
