"""The shape of what readers bring along: a file or a pasted list, and what is to become of it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from papers.forms.fields import TagsField
from papers.models import LibraryItem
from papers.references.common import MAX_BYTES


class LibraryImportForm(forms.Form):
    """A file of references, or a list of them."""

    file = forms.FileField(label="A file", required=False, allow_empty_file=True)
    pasted = forms.CharField(
        label="Or paste a list",
        required=False,
        strip=False,
        max_length=1_000_000,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        self.is_too_large: bool = options.pop("is_too_large", False)
        super().__init__(*args, **{"label_suffix": "", **options})

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = self.cleaned_data
        file = said.get("file")
        if self.is_too_large:
            raise ValidationError(f"The file is larger than {MAX_BYTES // 1_000_000} MB. Split it into smaller files.")
        if file is None and not (said.get("pasted") or "").strip() and not self.errors:
            raise ValidationError("Choose a file or paste a list.")
        return said

    def content(self) -> tuple[bytes, str]:
        """What a valid form brings, and the file's name."""
        file = self.cleaned_data.get("file")
        if file is not None:
            return file.read(MAX_BYTES + 1), file.name or ""
        return self.cleaned_data["pasted"].encode("utf-8", "replace"), ""


class ApplyImportForm(forms.Form):
    """What is to become of the papers of an import."""

    state = forms.ChoiceField(
        label="Add to library as", required=False, initial=LibraryItem.State.TO_READ,
        choices=[*LibraryItem.State.choices[:3], ("", "don’t add, tags only")],
    )  # fmt: skip
    tags = TagsField(label="Tags for all papers")
    uses_file_tags = forms.BooleanField(label="Use the file’s keywords as tags", required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})
