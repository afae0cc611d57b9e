"""Questions for timing searches, from the papers that are there: each list has as many different ones as asked for."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

_PLAIN = re.compile(r"[A-Za-z]{4,}")
_LOOKED_AT = 2_000
RARE, COMMON = (3, 60), 0.04
"""A rare word is in so many papers, a common one in at least this share of them."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Some papers and some words of them."""

    public_ids: list[str]
    titles: list[str]
    abstracts: list[str]
    names: list[str]
    categories: list[str]
    rare: list[str]
    common: list[str]


def _sample() -> Sample:
    from papers.models import Paper
    from papers.models.search_index import lexemes_of
    from papers.services.search.word_statistics import load_word_frequencies

    newest = Paper.objects.order_by("-pk").values_list("pk", flat=True)[0]
    dice = random.Random(11)
    chosen = dice.sample(range(1, newest + 1), min(_LOOKED_AT, newest))
    rows = list(
        Paper.objects.filter(pk__in=chosen).values_list("public_id", "title", "abstract", "authors", "primary_category")
    )
    words = sorted(
        {word for _, title, abstract, _, _ in rows for word in _PLAIN.findall(f"{title} {abstract}".lower())}
    )
    lexemes = {word: found.row[0].word for word, found in lexemes_of(words).items() if len(found.row) == 1}
    known = load_word_frequencies(set(lexemes.values()))
    forms = {lexeme: word for word, lexeme in lexemes.items()}  # one form of each, so that none is asked for twice
    least, most = max(RARE[0], known.least + 1), max(RARE[1], 3 * known.least)
    rare = [word for lexeme, word in forms.items() if least <= known.of(lexeme) <= most]
    common = sorted(forms, key=known.of, reverse=True)
    common = [forms[lexeme] for lexeme in common if known.share(lexeme) >= COMMON] or [forms[common[0]]]
    dice.shuffle(rare)
    return Sample(
        public_ids=[row[0] for row in rows],
        titles=[row[1] for row in rows],
        abstracts=[row[2] for row in rows],
        names=sorted({author["name"].replace('"', "") for row in rows for author in row[3][:3]}),
        categories=sorted({row[4] for row in rows if row[4]}),
        rare=rare or common,
        common=common,
    )


_kept: list[Sample] = []


def questions(kind: str, number: int) -> list[str]:
    """As many paths as asked for, each asking something else, as far as there is."""
    if not _kept:
        _kept.append(_sample())
    dice = random.Random(kind)
    return [QUESTION_KINDS[kind](_kept[0], dice, turn) for turn in range(number)]


def _asked(text: str, **more: str) -> str:
    return f"/papers?{urlencode({'q': text, **more})}"


def _words(text: str) -> list[str]:
    return _PLAIN.findall(text) or ["model"]


def _three(sample: Sample, dice: random.Random) -> str:
    words = [word for word in _words(dice.choice(sample.titles)) if len(word) > 4] or ["model"]
    return " ".join(dice.sample(words, min(3, len(words))))


def _question(sample: Sample, dice: random.Random) -> str:
    words = re.findall(r"[\w-]+", dice.choice(sample.abstracts))
    start = dice.randrange(max(1, len(words) - 20))
    return " ".join(words[start : start + 20])


def _phrase(sample: Sample, dice: random.Random) -> str:
    words = _words(dice.choice(sample.titles))
    start = dice.randrange(max(1, len(words) - 1))
    return '"' + " ".join(words[start : start + 2]) + '"'


Asking = Callable[[Sample, random.Random, int], str]
QUESTION_KINDS: Mapping[str, Asking] = {
    "one rare word": lambda sample, _, turn: _asked(sample.rare[turn % len(sample.rare)]),
    "one common word": lambda sample, _, turn: _asked(sample.common[turn % len(sample.common)]),
    "three words": lambda sample, dice, _: _asked(_three(sample, dice)),
    "a question of 20 words": lambda sample, dice, _: _asked(_question(sample, dice)),
    "a phrase": lambda sample, dice, _: _asked(_phrase(sample, dice)),
    "words in a category": lambda sample, dice, _: _asked(
        f"{_three(sample, dice)} cat:{dice.choice(sample.categories)}"
    ),
    "words of the last year, with code": lambda sample, dice, _: _asked(f"{_three(sample, dice)} after:1y has:code"),
    "a common word, newest first": lambda sample, _, turn: _asked(
        sample.common[turn % len(sample.common)], sort="newest"
    ),
    "an author": lambda sample, dice, _: _asked(f'author:"{dice.choice(sample.names)}"'),
    "papers like three others": lambda sample, dice, _: _asked(
        " ".join(f"like:{public_id}" for public_id in dice.sample(sample.public_ids, 3))
    ),
    "similar papers": lambda sample, _, turn: f"/papers/{quote(sample.public_ids[turn % len(sample.public_ids)])}",
}


def hostile(number: int) -> dict[str, list[str]]:
    """Questions that nobody asks in good faith, by kind. The web server reads addresses of 8,190 bytes."""
    if not _kept:
        _kept.append(_sample())
    sample, dice = _kept[0], random.Random(5)
    plain = [*sample.rare, *sample.common]

    def many(joined: str, count: int) -> str:
        return joined.join(dice.choices(plain, k=count))

    kinds: dict[str, Callable[[], str]] = {
        "8,000 characters of words": lambda: _asked(many(" ", 2_000))[:8_000],
        "10,000 characters": lambda: _asked(many(" ", 3_000))[:10_000],
        "500 words with OR": lambda: _asked(many("|", 500))[:8_100],
        "common words with OR": lambda: _asked(" OR ".join(dice.choices(sample.common, k=256))),
        "500 brackets": lambda: _asked("(" * 500 + many(" ", 5) + ")" * 400),
        "brackets in brackets": lambda: _asked("".join(f"({word} OR (" for word in dice.choices(plain, k=200))),
        "only stop words": lambda: _asked(" ".join(dice.choices(["the", "of", "and", "to", "is", "in", "a"], k=300))),
        "control characters": lambda: _asked("".join(map(chr, range(1, 32))) * 20 + many("\x00", 5)),
        "%, _ and backslashes": lambda: _asked(("%_\\" * 300) + many("%", 5) + "author:%_\\"),
        "quotation marks and minus signs": lambda: _asked('-"' * 300 + many('" -', 30)),
    }
    return {kind: [make() for _ in range(number)] for kind, make in kinds.items()}
