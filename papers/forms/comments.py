"""Comments, and reports of them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from papers.services.reading.comments import MAX_COMMENT_LENGTH
from papers.text.cleaning import is_blank, safe_text


class CommentForm(forms.Form):
    """A comment, in Markdown."""

    body = forms.CharField(
        label="Comment",
        max_length=MAX_COMMENT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={"required": "Write something first."},
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", "auto_id": "comment-%s", **options})

    def clean_body(self) -> str:
        body = safe_text(self.cleaned_data["body"]).strip()
        if is_blank(body):
            raise ValidationError("Write something first.")
        return body


class CommentReportForm(forms.Form):
    """Why a comment should not stand."""

    reason = forms.CharField(
        label="What is wrong with this comment?",
        required=False,
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})
