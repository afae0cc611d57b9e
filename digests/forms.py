"""The shape of what people type about mail: an address, what comes how often and when; and of a channel for notices."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from digests.models import Channel, Schedule, Subscriber, Subscription
from digests.models.channel import new_signing_secret
from digests.models.subscriber import MAX_PAPERS
from digests.schedule import FREQUENCIES, RULE_FIELDS
from papers.forms.fields import find_time_zone
from papers.models import Topic
from papers.models.email_fields import AddressFormField, checked
from papers.outbound.errors import RefusedError
from papers.outbound.host_rate_limit import host_group_of

if TYPE_CHECKING:  # Django's classes take type arguments only in its stubs
    _ChannelForm = forms.ModelForm[Channel]
else:
    _ChannelForm = forms.ModelForm

_OFTEN = [("", "no mail"), *((name, name) for name in FREQUENCIES)]
_WEEKDAYS = list(enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")))
_HOURS = [(f"{hour:02}:{minute:02}", f"{hour:02}:{minute:02}") for hour in range(24) for minute in (0, 30)]
_SIZES = [(count, f"{count} papers") for count in (5, 10, 20, 30, MAX_PAPERS)]
_MONTH_DAYS = [*((day, str(day)) for day in range(1, 29)), (31, "last")]
_KINDS = {
    Subscription.Kind.TRENDING: ("Trending papers", "What readers vote for now."),
    Subscription.Kind.TOP: ("Most voted papers", "Of the day, week or month that has just ended."),
    Subscription.Kind.DAILY: ("Today’s edition", "Everything on the daily page since your last mail."),
    Subscription.Kind.FOR_YOU: ("For you", "The best new papers like those you vote for, save and tag."),
    Subscription.Kind.FOLLOWED: ("Who you follow", "New papers of the authors and organizations you follow."),
    Subscription.Kind.VERSIONS: ("New versions", "When a paper that you saved or tagged gets a new version."),
}
# They need a library, or follows: an address without an account has none.
_OF_AN_ACCOUNT = (Subscription.Kind.FOR_YOU, Subscription.Kind.FOLLOWED, Subscription.Kind.VERSIONS)
_TOPIC = "topic-"


class AddressForm(forms.Form):
    """The strip on top of lists: one address, and a field that only programs fill in."""

    email = AddressFormField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "placeholder": "you@example.org"}),
    )
    website = forms.CharField(required=False, max_length=500)
    topic = forms.SlugField(required=False, max_length=80, widget=forms.HiddenInput())

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)


class AddressChangeForm(forms.Form):
    """Another address for a reader's mail."""

    email = AddressFormField(
        label="Another address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)


@dataclass(frozen=True, slots=True)
class ChosenPreferences:
    """What a reader wants: what comes how often, and when."""

    kinds: Mapping[str, Sequence[str]]
    """Frequency → kinds."""
    topics: Mapping[str, Sequence[int]]
    """Frequency → topics."""
    when: Mapping[str, Any]
    """As `save_schedule` takes it."""
    paused_until: date | None
    keeps_papers: bool


class PreferencesForm(forms.Form):
    """One line for each thing that can come by mail, and the hour for all of them."""

    local_time = forms.ChoiceField(label="At", choices=_HOURS)
    time_zone = forms.CharField(
        label="Time zone",
        max_length=64,
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"}),
    )
    weekday = forms.TypedChoiceField(label="Weekly mail on", choices=_WEEKDAYS, coerce=int)
    month_day = forms.TypedChoiceField(label="Monthly mail on day", choices=_MONTH_DAYS, coerce=int)
    skips_weekends = forms.BooleanField(label="No daily mail on weekends; Monday’s brings the rest", required=False)
    max_papers = forms.TypedChoiceField(label="At most", choices=_SIZES, coerce=int)
    paused_until = forms.DateField(
        label="No mail before",
        required=False,
        help_text="Empty: no pause.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    keeps_papers = forms.BooleanField(label="Then bring the best of what came meanwhile", required=False, initial=True)

    def __init__(
        self, *args: Any, subscriber: Subscriber, topics: Iterable[Topic], today: date, time_zone: str, **options: Any
    ) -> None:
        """`topics`: those that can be chosen; `time_zone`: where the reader has none yet."""
        options.setdefault("label_suffix", "")
        schedules = list(subscriber.schedules.prefetch_related("subscriptions").order_by("pk"))
        options["initial"] = _initial(schedules, time_zone)
        super().__init__(*args, **options)
        self.today = today
        kinds = [kind for kind in _KINDS if kind not in _OF_AN_ACCOUNT or subscriber.user_id is not None]
        for kind in kinds:
            self.fields[kind] = _often(*_KINDS[kind])
        for topic in topics:
            self.fields[f"{_TOPIC}{topic.pk}"] = _often(topic.name, topic.description)

    def subjects(self) -> list[forms.BoundField]:
        """The lines for what can come, topics behind the rest."""
        return [self[name] for name in self.fields if name in _KINDS or name.startswith(_TOPIC)]

    def clean_time_zone(self) -> str:
        return find_time_zone(str(self.cleaned_data["time_zone"]))

    def clean_paused_until(self) -> date | None:
        """A day to come; one that has passed is no pause."""
        until: date | None = self.cleaned_data["paused_until"]
        if until is not None and (until - self.today).days > 366 * 2:
            raise ValidationError("That is more than two years away. Unsubscribe instead, or choose an earlier day.")
        return until if until is not None and until > self.today else None

    def chosen(self) -> ChosenPreferences:
        """What a valid form says."""
        said = self.cleaned_data
        kinds: dict[str, list[str]] = {}
        topics: dict[str, list[int]] = {}
        for name, often in said.items():
            if often and name in _KINDS:
                kinds.setdefault(often, []).append(name)
            elif often and name.startswith(_TOPIC):
                topics.setdefault(often, []).append(int(name.removeprefix(_TOPIC)))
        when = {name: said[name] for name in (*RULE_FIELDS, "max_papers")}
        when["local_time"] = time.fromisoformat(said["local_time"])
        return ChosenPreferences(kinds, topics, when, said["paused_until"], said["keeps_papers"])


def _often(label: str, help_text: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, help_text=help_text, choices=_OFTEN, required=False)


def _initial(schedules: Sequence[Schedule], time_zone: str) -> dict[str, Any]:
    """What is chosen at the moment. Of hours that differ the first counts."""
    going = [schedule for schedule in schedules if schedule.ended_at is None]
    found: dict[str, Any] = {}
    for schedule in going:
        for one in schedule.subscriptions.all():
            name = one.kind if one.topic_id is None else f"{_TOPIC}{one.topic_id}"
            found.setdefault(name, schedule.frequency)
    model = next(iter([*going, *schedules]), None) or Schedule(time_zone=time_zone)

    def chosen(name: str) -> Any:
        """What the first schedule says that heeds this part of its rule."""
        heeding = (one for one in going if name in FREQUENCIES[one.frequency].rule_fields)
        return getattr(next(heeding, model), name)

    return {
        **found,
        "local_time": f"{model.local_time:%H}:{'30' if model.local_time.minute >= 30 else '00'}",
        "time_zone": model.time_zone,
        "weekday": chosen("weekday"),
        "month_day": day if (day := chosen("month_day")) <= 28 else 31,
        "skips_weekends": chosen("skips_weekends"),
        "max_papers": min((size for size, _ in _SIZES), key=lambda size: abs(size - model.max_papers)),
        "paused_until": model.paused_until,
        "keeps_papers": True,
    }


_NOTIFY_FIELDS = ("notify_queue", "notify_edition", "notify_stale", "notify_late")
_ROOM = re.compile(r"[!#][^\s/?#\\]{1,250}")


class ChannelForm(_ChannelForm):
    """A channel: where it posts, and which notices."""

    where = forms.CharField(
        label="Address",
        required=False,
        max_length=2_000,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    token = forms.CharField(
        label="Access token", required=False, max_length=2_000, widget=forms.PasswordInput({"autocomplete": "off"})
    )

    class Meta:
        model = Channel
        fields = ("name", "kind", "room", *_NOTIFY_FIELDS, "edition_size", "edition_at", "is_enabled")
        labels = {
            "name": "Name",
            "kind": "Kind",
            "room": "Room",
            "edition_size": "Papers of the day, at most",
            "edition_at": "Not before",
        }
        help_texts = {"edition_size": "", "edition_at": "By the group’s clock."}
        widgets = {
            "room": forms.TextInput({"autocomplete": "off"}),
            "edition_at": forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)
        kept = "Empty: it stays as it is." if self.instance.pk else ""
        self.fields["where"].help_text = (
            kept or "A mail address, or that of an incoming webhook; for Matrix of the server."
        )
        self.fields["token"].help_text = f"For Matrix alone. {kept}".strip()

    def notification_fields(self) -> list[forms.BoundField]:
        """The boxes that choose which notices a channel gets."""
        return [self[name] for name in _NOTIFY_FIELDS]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        kind, where = data.get("kind"), str(data.get("where", "")).strip()
        is_moved = kind != self.initial.get("kind", kind)
        if not where and (not self.instance.address or is_moved):
            self.add_error("where", "Give its address.")
        elif where:
            self._check_address(str(kind), where)
        if kind == Channel.Kind.MATRIX:
            if not _ROOM.fullmatch(data.get("room", "")):
                self.add_error("room", "A room’s id begins with ! and ends with the server, such as !abc:example.org.")
            if not data.get("token") and (not self.instance.secret or is_moved):
                self.add_error("token", "Give the access token of the account that writes.")
        return data

    def _check_address(self, kind: str, where: str) -> None:
        try:
            if kind == Channel.Kind.MAIL:
                validate_email(checked(where))
            else:
                host_group_of(where)
        except RefusedError as error:
            self.add_error("where", str(error))
        except ValidationError as error:
            self.add_error("where", error if "@" in where else "This is no mail address.")

    def save(self, commit: bool = True) -> Channel:
        channel, data = self.instance, self.cleaned_data
        if data["where"]:
            where = data["where"].strip()
            channel.address = checked(where) if channel.kind == Channel.Kind.MAIL else where
        if channel.kind == Channel.Kind.MATRIX:
            channel.secret = data["token"] or channel.secret
        elif channel.kind == Channel.Kind.WEBHOOK and not channel.secret.startswith("whsec_"):
            channel.secret = new_signing_secret()
        return super().save(commit)
