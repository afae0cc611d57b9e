"""Forms of the curators' desk: rules that list papers by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from papers.models import ListRule, Topic

if TYPE_CHECKING:  # Django's classes take type arguments only in its stubs
    _RuleForm = forms.ModelForm[ListRule]
else:
    _RuleForm = forms.ModelForm


class ListRuleForm(_RuleForm):
    """What is to be listed without a curator."""

    class Meta:
        model = ListRule
        fields = ("topic", "min_votes", "limit", "is_enabled")
        labels = {
            "topic": "Topic",
            "min_votes": "Minimum votes",
            "limit": "Maximum papers per day",
            "is_enabled": "Enabled",
        }
        help_texts = {
            "topic": "Leave empty for papers of any topic or none.",
            "min_votes": "Enter 0 to ignore votes.",
            "limit": "",
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)
        topics = self.fields["topic"]
        assert isinstance(topics, forms.ModelChoiceField)  # noqa: S101
        topics.queryset = Topic.objects.curated().order_by("name", "pk")
        topics.empty_label = "any"
        self.fields["min_votes"].widget.attrs["max"] = 100_000

    def clean_min_votes(self) -> int:
        votes = int(self.cleaned_data["min_votes"] or 0)
        if votes > 100_000:
            raise forms.ValidationError("Nothing gets that many votes.")
        return votes

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors and data.get("topic") is None and not data.get("min_votes"):
            self.add_error("topic", "Choose a topic, or enter a minimum number of votes.")
        return data
