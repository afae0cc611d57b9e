"""The shape of what people say of one subscription: the line, and how many papers at most."""

from __future__ import annotations

from typing import Any

from django import forms

from digests.models import Subscription
from digests.services.limits import SIZES, LinePreview, line_value
from papers.text.counts import counted


class LimitsForm(forms.Form):
    """A line, a number, and whether a mail says that nothing was above it."""

    line = forms.ChoiceField(label="Line", widget=forms.RadioSelect)
    max_papers = forms.TypedChoiceField(
        label="At most", coerce=int, empty_value=None, required=False, help_text="The rest is named in the e-mail."
    )
    sends_empty = forms.BooleanField(label="Also send an e-mail when nothing is above the line", required=False)

    def __init__(self, *args: Any, subscription: Subscription, preview: LinePreview, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        options["initial"] = {
            "line": line_value(subscription),
            "max_papers": subscription.max_papers or "",
            "sends_empty": subscription.schedule.sends_empty,
        }
        super().__init__(*args, **options)
        lines: Any = self.fields["line"]
        lines.choices = [
            (one.value, f"{one.label} — {one.passing:,} of {preview.total:,}" if preview.total else one.label)
            for one in preview.choices
        ]
        sizes: Any = self.fields["max_papers"]
        own = {subscription.max_papers} if subscription.max_papers is not None else set()
        sizes.choices = [
            ("", "as many as fit"),
            *((size, counted(size, "paper")) for size in sorted({*SIZES, *own})),
        ]
