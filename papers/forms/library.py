"""A reader's own of one paper, what is done to several at once, and a tag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

from papers.forms.fields import TagsField
from papers.models import LibraryItem, Paper, RecommendationProfile
from papers.services.reading.bulk import REMOVE, BulkAct
from papers.services.reading.library import MAX_NOTE_LENGTH
from papers.services.reading.tags import TagError, parse_tag_name
from papers.services.recommend.feedback import COUNTED
from papers.web.http import parse_key

if TYPE_CHECKING:  # Django's classes take type arguments only in its stubs
    _ProfileForm = forms.ModelForm[RecommendationProfile]
else:
    _ProfileForm = forms.ModelForm

MAX_SELECTED_PAPERS = 500
"""Papers selected at once; no page shows more."""


class AnnotationsForm(forms.Form):
    """What a reader keeps of a paper."""

    state = forms.ChoiceField(
        label="In your library",
        required=False,
        choices=[("", "no"), *LibraryItem.State.choices],
        widget=forms.RadioSelect,
    )
    tags = TagsField()
    note = forms.CharField(required=False, max_length=MAX_NOTE_LENGTH, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, paper: Paper, **options: Any) -> None:
        """Several may stand on one page, so their ids differ by paper."""
        super().__init__(*args, **{"label_suffix": "", "auto_id": f"mine-{paper.pk}-%s", **options})
        self.datalist = self.fields["tags"].widget.attrs["list"] = f"own-tags-{paper.pk}"


class RecommendationProfileForm(_ProfileForm):
    """What the recommendations to a reader may learn from."""

    class Meta:
        model = RecommendationProfile
        fields = COUNTED


class BulkActionForm(forms.Form):
    """What to do with the selected papers."""

    state = forms.ChoiceField(
        label="Move to",
        required=False,
        choices=[("", "no change"), *LibraryItem.State.choices, (REMOVE, "remove from library")],
    )
    seen = forms.ChoiceField(
        label="Mark as", required=False, choices=[("", "no change"), ("1", "seen"), ("0", "not seen")]
    )
    tags = TagsField(label="Add tags")
    off = TagsField(label="Remove tags")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", "auto_id": "bulk-%s", **options})

    def act(self) -> BulkAct:
        """What a valid form asks for."""
        asked = self.cleaned_data
        seen = asked["seen"] == "1" if asked["seen"] else None
        return BulkAct(state=asked["state"], add_tags=asked["tags"], remove_tags=asked["off"], seen=seen)

    def papers(self) -> list[int]:
        """The keys of the selected papers; what is no key is left out."""
        given = self.data.getlist("paper")  # type: ignore[attr-defined]  # a QueryDict
        return [pk for value in given[:MAX_SELECTED_PAPERS] if (pk := parse_key(value)) is not None]


class TagForm(forms.Form):
    """A tag's name, and whether the group sees it."""

    name = forms.CharField(max_length=200)
    is_shared = forms.BooleanField(label="Share with the group", required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})

    def clean_name(self) -> str:
        try:
            return parse_tag_name(self.cleaned_data["name"])
        except TagError as error:
            raise ValidationError(str(error)) from error
