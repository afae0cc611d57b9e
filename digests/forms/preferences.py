"""The shape of what people type about mail: an address, what comes how often and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from digests.models import Schedule, Subscriber, Subscription
from digests.models.subscriber import MAX_PAPERS
from digests.schedule import DAILY, FREQUENCIES, RULE_FIELDS, WEEKLY
from papers.forms.fields import find_time_zone
from papers.models import SharedList, Topic
from papers.models.email_fields import AddressFormField

_OFTEN = [("", "off"), *((name, name) for name in FREQUENCIES)]
_WEEKDAYS = list(enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")))
_HOURS = [(f"{hour:02}:{minute:02}", f"{hour:02}:{minute:02}") for hour in range(24) for minute in (0, 30)]
_SIZES = [(count, f"up to {count}") for count in (5, 10, 20, 30, MAX_PAPERS)]
_MONTH_DAYS = [*((day, str(day)) for day in range(1, 29)), (31, "last")]
_KINDS = {
    Subscription.Kind.TRENDING: ("Trending papers", "What readers are voting for now."),
    Subscription.Kind.TOP: ("Most voted papers", "The top papers of the past day, week or month."),
    Subscription.Kind.DAILY: ("Today’s edition", "Everything on the daily page since your last e-mail."),
    Subscription.Kind.FOR_YOU: ("For you", "New papers similar to those you vote for, save and tag."),
    Subscription.Kind.FOLLOWED: ("Following", "New papers by the authors and organizations you follow."),
    Subscription.Kind.VERSIONS: ("New versions", "New versions of papers you saved or tagged."),
}
# They need a library, or follows: an address without an account has none.
_OF_AN_ACCOUNT = (Subscription.Kind.FOR_YOU, Subscription.Kind.FOLLOWED, Subscription.Kind.VERSIONS)
_TOPIC = "topic-"
_LIST = "list-"
TOPICS_SHOWN = 300
"""More topics than these are found by the search."""


class Preset(StrEnum):
    """What one press chooses."""

    TRENDING_WEEKLY = "trending-weekly"
    TOPICS_DAILY = "topics-daily"
    EVERYTHING_DAILY = "everything-daily"


_PRESETS = {
    Preset.TRENDING_WEEKLY: ("Trending weekly", "The papers readers vote for, once a week."),
    Preset.TOPICS_DAILY: ("My topics daily", "New papers in the topics you choose."),
    Preset.EVERYTHING_DAILY: ("Everything daily", "All papers of the day, your topics marked."),
}


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
        label="New e-mail address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
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
    lists: Mapping[str, Sequence[int]]
    """Frequency → shared lists."""
    when: Mapping[str, Any]
    """As `save_schedule` takes it."""
    paused_until: date | None
    keeps_papers: bool


@dataclass(frozen=True, slots=True)
class PresetCard:
    """A preset on the page."""

    name: Preset
    label: str
    help_text: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class TopicRow:
    """A topic on the page."""

    name: str
    """Of its field."""
    label: str
    often: str
    """Its frequency, which it would get if it is not chosen."""
    words: str
    """What the search looks at, in lower case."""


class PreferencesForm(forms.Form):
    """Presets, topics, everything else that can come by mail, and the hour for all of them."""

    find = forms.CharField(
        label="Search topics",
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "spellcheck": "false"}),
    )
    local_time = forms.ChoiceField(label="Time", choices=_HOURS)
    time_zone = forms.CharField(
        label="Time zone",
        max_length=64,
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"}),
    )
    weekday = forms.TypedChoiceField(label="Weekly e-mail on", choices=_WEEKDAYS, coerce=int)
    month_day = forms.TypedChoiceField(label="Monthly e-mail on day", choices=_MONTH_DAYS, coerce=int)
    skips_weekends = forms.BooleanField(label="No daily e-mail at weekends; Monday’s includes them", required=False)
    max_papers = forms.TypedChoiceField(label="Papers per e-mail", choices=_SIZES, coerce=int)
    paused_until = forms.DateField(
        label="Pause until",
        required=False,
        help_text="Leave empty for no pause.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    keeps_papers = forms.BooleanField(label="After a pause, send its best papers", required=False, initial=True)

    def __init__(
        self,
        *args: Any,
        subscriber: Subscriber,
        topics: Iterable[Topic],
        lists: Iterable[SharedList] = (),
        today: date,
        time_zone: str,
        **options: Any,
    ) -> None:
        """`topics`: those that can be chosen; `lists`: the shared lists that the reader has chosen on their pages and
        may read; `time_zone`: where the reader has none yet."""
        self._reader_id = subscriber.user_id
        self._lists = {f"{_LIST}{one.pk}": one for one in lists}
        self._topics = {f"{_TOPIC}{topic.pk}": topic for topic in topics}
        options.setdefault("label_suffix", "")
        schedules = list(subscriber.schedules.prefetch_related("subscriptions").order_by("pk"))
        options["initial"] = _initial(schedules, time_zone)
        super().__init__(*args, **options)
        self.today = today
        kinds = [kind for kind in _KINDS if kind not in _OF_AN_ACCOUNT or subscriber.user_id is not None]
        for kind in kinds:
            self.fields[kind] = _often(*_KINDS[kind])

    # --- What the page shows ---------------------------------------------------------------------------------------

    def presets(self) -> list[PresetCard]:
        """The three cards, of which one may be what is chosen now."""
        current = self._current_preset()
        return [PresetCard(name, *said, is_chosen=name is current) for name, said in _PRESETS.items()]

    def subjects(self) -> list[forms.BoundField]:
        """The lines for what can come beside topics."""
        return [self[name] for name in self.fields if name in _KINDS]

    def frequencies(self) -> list[str]:
        """How often a topic may come."""
        return list(FREQUENCIES)

    def chosen_topics(self) -> list[TopicRow]:
        """The topics that are chosen, or ticked on a page that is not saved yet."""
        return [self._row(name, often) for name in self._topics if (often := self._often_of(name))]

    def offered_topics(self) -> list[TopicRow]:
        """The others, those that the search finds."""
        often = next((row.often for row in self.chosen_topics()), DAILY.name)
        rows = [self._row(name, often) for name in self._topics if not self._often_of(name)]
        words = self.typed_search.lower().split()
        return [row for row in rows if all(word in row.words for word in words)][:TOPICS_SHOWN]

    def chosen_lists(self) -> list[TopicRow]:
        """The shared lists that are mailed. One that the sent page did not have yet is as it was."""
        return [
            TopicRow(name, one.name, often if often in FREQUENCIES else "", "")
            for name, one in self._lists.items()
            if (often := str(self.data.get(name, self.initial.get(name, "")))) or self.is_bound
        ]

    @property
    def topic_count(self) -> int:
        return len(self._topics)

    @property
    def shows_all_topics(self) -> bool:
        """Whether no topic is left out, so that a search in the page finds all there are."""
        return not self.typed_search and len(self._topics) - len(self.chosen_topics()) <= TOPICS_SHOWN

    @property
    def typed_search(self) -> str:
        """What topics are searched for."""
        return " ".join(str(self.data.get("find", "")).split())[:100]

    @property
    def is_search(self) -> bool:
        """Whether it was sent to search topics, and not to be saved: by the button, or by Enter behind other words."""
        entered = "enter" in self.data and self.typed_search != self.data.get("found", "")
        return self.is_bound and ("search" in self.data or entered)

    def _often_of(self, name: str) -> str:
        often = str(self.data.get(name, "") if self.is_bound else self.initial.get(name, ""))
        return often if often in FREQUENCIES else ""

    def _row(self, name: str, often: str) -> TopicRow:
        topic = self._topics[name]
        return TopicRow(name, topic.name, often, f"{topic.name} {topic.description[:200]}".lower())

    def _current_preset(self) -> Preset | None:
        kinds = {name: often for name in _KINDS if (often := self.initial.get(name))}
        topics = {often for name in self._topics if (often := self.initial.get(name))}
        if kinds == {Subscription.Kind.TRENDING: WEEKLY.name} and not topics:
            return Preset.TRENDING_WEEKLY
        if kinds == {Subscription.Kind.DAILY: DAILY.name} and topics <= {DAILY.name}:
            return Preset.EVERYTHING_DAILY
        return Preset.TOPICS_DAILY if not kinds and topics == {DAILY.name} else None

    # --- What was sent ---------------------------------------------------------------------------------------------

    @property
    def preset(self) -> Preset | None:
        """The card that was pressed."""
        pressed = self.data.get("preset", "")
        return next((name for name in Preset if name == pressed), None)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if any(self.data.get(name, "") and not self._often_of(name) for name in self._topics):
            raise ValidationError("Choose how often each topic should come.")
        if self.preset is Preset.TOPICS_DAILY and not self._preset_topics():
            raise ValidationError("Choose one or more topics below first, then press “My topics daily” again.")
        return data

    def _preset_topics(self) -> list[int]:
        """The topics that are ticked; else the reader's own."""
        ticked = [self._topics[row.name].pk for row in self.chosen_topics()]
        if ticked or self.preset is not Preset.TOPICS_DAILY or self._reader_id is None:
            return ticked
        return [topic.pk for topic in self._topics.values() if topic.owner_id == self._reader_id]

    def clean_time_zone(self) -> str:
        return find_time_zone(str(self.cleaned_data["time_zone"]))

    def clean_paused_until(self) -> date | None:
        """A day to come; one that has passed is no pause."""
        until: date | None = self.cleaned_data["paused_until"]
        if until is not None and (until - self.today).days > 366 * 2:
            raise ValidationError("Choose a date within the next two years, or unsubscribe instead.")
        return until if until is not None and until > self.today else None

    def chosen(self) -> ChosenPreferences:
        """What a valid form says."""
        said = self.cleaned_data
        kinds, topics = self._chosen_of_preset() if self.preset else self._chosen_one_by_one()
        when = {name: said[name] for name in (*RULE_FIELDS, "max_papers")}
        when["local_time"] = time.fromisoformat(said["local_time"])
        lists: dict[str, list[int]] = {}
        for row in self.chosen_lists():
            if row.often:
                lists.setdefault(row.often, []).append(self._lists[row.name].pk)
        return ChosenPreferences(kinds, topics, lists, when, said["paused_until"], said["keeps_papers"])

    def _chosen_of_preset(self) -> tuple[dict[str, list[str]], dict[str, list[int]]]:
        if self.preset is Preset.TRENDING_WEEKLY:
            return {WEEKLY.name: [Subscription.Kind.TRENDING.value]}, {}
        kinds = [Subscription.Kind.DAILY.value] if self.preset is Preset.EVERYTHING_DAILY else []
        return {DAILY.name: kinds}, {DAILY.name: self._preset_topics()}

    def _chosen_one_by_one(self) -> tuple[dict[str, list[str]], dict[str, list[int]]]:
        kinds: dict[str, list[str]] = {}
        topics: dict[str, list[int]] = {}
        for name in _KINDS:
            if often := self.cleaned_data.get(name):
                kinds.setdefault(often, []).append(name)
        for row in self.chosen_topics():
            topics.setdefault(row.often, []).append(self._topics[row.name].pk)
        return kinds, topics


def _often(label: str, help_text: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, help_text=help_text, choices=_OFTEN, required=False)


def _initial(schedules: Sequence[Schedule], time_zone: str) -> dict[str, Any]:
    """What is chosen at the moment. Of hours that differ the first counts."""
    going = [schedule for schedule in schedules if schedule.ended_at is None]
    found: dict[str, Any] = {}
    for schedule in going:
        for one in schedule.subscriptions.all():
            name = f"{_TOPIC}{one.topic_id}" if one.topic_id is not None else one.kind
            name = f"{_LIST}{one.shared_list_id}" if one.shared_list_id is not None else name
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
