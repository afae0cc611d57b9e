"""What the classifier of sentence roles sees of an abstract: features as numbers of buckets. Pure, without numpy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from zlib import crc32

from papers.text.formulas import find_formulas

BUCKETS = 1 << 16
"""Features fall into as many buckets by their CRC-32 (ISO 3309); weights are kept by bucket."""

MAX_WORDS = 80
"""Of a sentence; what follows is not looked at."""

_TOKEN = re.compile(r"https?:\S+|www\.\S+|\S{0,60}github\S*|[a-z]+|[0-9][0-9.,]*|[?:%∑]")
_CUES = {
    "aim": """
        propose proposes proposed present presents introduce introduces study studies investigate investigates address
        addresses aim aims consider considers explore explores examine examines describe describes develop develops
        report reports analyze analyse discuss discusses review reviews survey goal objective purpose devoted focus
        focuses""",
    "own": "we our i here paper work article letter study thesis report survey tutorial book note chapter",
    "result": """
        show shows shown find finds found prove proves proved demonstrate demonstrates demonstrating demonstrated reveal
        reveals achieve achieves achieving outperforms outperform obtain obtained derive derived results findings
        conclude suggest suggests indicate indicates confirm yields improves improvement observe observed theorem exists
        implies evidence""",
    "method": """
        using use uses used based apply applied employ employs employing trained train evaluate evaluated combines
        integrates consists performed simulations measured computed calculated adopt leverages via experiments
        constructed each""",
    "gap": """
        however although despite while yet challenge challenging remains remain limited lack lacking existing recent
        recently often typically important crucial critical traditional current previous unclear difficult known well
        widely has have been""",
    "resource": """
        available release released code dataset github publicly open source data software package library download
        repository online corpus catalogue catalog zenodo licence license freely implementation contains comprises""",
    "next": """
        future potential pave paves opens promising provides provide insights enables enabling implications useful may
        could""",
}
_CLASSES: dict[str, tuple[str, ...]] = {}
for _kind, _telling in _CUES.items():
    for _word in _telling.split():
        _CLASSES[_word] = tuple(dict.fromkeys((*_CLASSES.get(_word, ()), _kind)))


def sentence_features(sentences: Sequence[str]) -> list[list[int]]:
    """The buckets of each sentence of an abstract, in order: its words and those about it, its place, its neighbours.

    A bucket stands once in a sentence's list, which is sorted.
    """
    words = [_words(sentence) for sentence in sentences]
    cues = [_cues(found) for found in words]
    count = len(sentences)
    found = []
    for index, own in enumerate(words):
        names = [*_ngrams(own), *cues[index], *_place(index, count, len(own))]
        names += [f"<{cue}" for cue in cues[index - 1]] if index else ["<^"]
        names += [f">{cue}" for cue in cues[index + 1]] if index + 1 < count else [">$"]
        found.append(sorted({crc32(name.encode()) & (BUCKETS - 1) for name in names}))
    return found


def _words(sentence: str) -> list[str]:
    """Its words in small letters: formulas as ∑, numbers as 0, addresses as one word."""
    parts, position = [], 0
    for formula in find_formulas(sentence):
        parts += [sentence[position : formula.start], "∑"]
        position = formula.end
    text = "".join([*parts, sentence[position:]]).lower()
    return [_plain(word) for word in _TOKEN.findall(text)[:MAX_WORDS]]


def _plain(word: str) -> str:
    if word[0].isdigit():
        return "0"
    return "@url" if len(word) > 5 and ("/" in word or "github" in word) else word


def _ngrams(words: Sequence[str]) -> Iterable[str]:
    """Words, pairs and threes, the first words as such, and the ends of longer words."""
    yield from words
    for first, second in pairwise(words):
        yield f"{first} {second}"
    for first, second, third in zip(words, words[1:], words[2:], strict=False):
        yield f"{first} {second} {third}"
    for number, word in enumerate(words[:4]):
        yield f"^{number} {word}"
        yield f"^ {word}"
    for word in words:
        if len(word) > 4:
            yield f"-{word[-3:]}"
            yield f"{word[:5]}-"


def _cues(words: Sequence[str]) -> list[str]:
    """Which kinds of telling words it has, alone and as pairs of kinds."""
    kinds = sorted({kind for word in words for kind in _CLASSES.get(word, ())})
    first = sorted({kind for word in words[:5] for kind in _CLASSES.get(word, ())})
    own = [f"own+{kind}" for kind in kinds if "own" in kinds]
    return [f"={kind}" for kind in kinds] + [f"=1{kind}" for kind in first] + [f"={kind}" for kind in own]


def _place(index: int, count: int, length: int) -> Iterable[str]:
    """Where it stands, from both ends and in fifths, among how many, and about how long it is."""
    yield f"#{min(index, 6)}"
    yield f"#-{min(count - 1 - index, 4)}"
    yield f"#/{index * 5 // count}"
    yield f"#{min(index, 3)}of{min(count, 8)}"
    yield f"#l{min(length // 6, 8)}"
    yield "#"
