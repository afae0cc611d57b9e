"""Whether a question is in English, as far as its letters and its little words say. Pure, in linear time."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W\d_]+")
_MAX_CHARS = 1_000
_ENGLISH_WORDS = (
    "the of and to in is are for with on by from that this what which how why when where who does do can it its as an "
    "at be or not we you i using use between into than their there about has have was were will would should"
)
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
# Words that English has not, and that hardly a question in the language is without. No surnames, no units.
_OTHERS = tuple(
    frozenset(words.split())
    for words in (
        # German
        "der das und wie ist sind für mit nicht eine einen einer eines auf von zu zur zum im bei oder werden wird kann "
        "welche welcher welches warum durch über zwischen aus auch nach ich wir sich man den dem des",
        # French
        "le la les des du une est et dans pour avec sur par pas qui que quoi comment pourquoi quels quelles quelle "
        "sont aux ce cette ces entre peut être il elle nous vous son ses leur leurs où",
        # Spanish
        "el la los las una y es en para con por del al como cómo qué que cuál cuáles son entre sobre sin se su sus más "
        "puede está están porque cuando desde",
        # Portuguese
        "os uma e é em para com por do da dos das como que quais são entre sobre sem se seu sua mais pode não ao na no "
        "nos nas pelo pela",
        # Italian
        "il lo gli una è e di che per con del della dei delle degli nel nella come sono tra fra su si non più può cosa "
        "quale quali perché",
        # Dutch
        "het een van en is op met voor niet zijn wordt worden naar bij of hoe wat welke waarom kan door tussen uit ook",
        # Polish, Turkish, Swedish
        "jest nie się jak dla przez oraz czy które który która między są",
        "ve bir bu için ile nasıl nedir ne neden olan gibi daha",
        "och att det som är en ett för med inte hur vad kan mellan av på",
    )
)
_FEWEST_WORDS = 3
# What names of people and places have, in texts of any language.
_PARTS_OF_NAMES = re.compile(
    r"\b(?:de (?:la|las|los|le)|van (?:de|den|der|het)|von (?:den|der)|du bois|los (?:alamos|angeles)|des moines|"
    r"la (?:jolla|palma|niña|nina|silla|plata)|las (?:vegas|campanas)|el (?:niño|nino|capitan)|le (?:cun|roux))\b"
)
_FORMULA = re.compile(r"\$[^$]{0,200}\$|\\[a-z]+")
# The beginnings of the names of letters that English texts have.
_LATIN = ("LATIN", "GREEK", "FULLWIDTH LATIN", "MATHEMATICAL", "FEMININE", "MASCULINE", "MODIFIER")


def is_probably_english(text: str) -> bool:
    """False for a text mostly in other letters than Latin (Greek ones are formulas' too), or in another language.

    A few words without any little word among them may be anything, and count as English. What stands in formulas and in
    names of people and places says nothing.
    """
    text = _FORMULA.sub(" ", text[:_MAX_CHARS].lower())
    words = _WORD.findall(_PARTS_OF_NAMES.sub(" ", text))
    letters = sum(map(len, words))
    other = sum(_is_of_other_script(letter) for word in words if not word.isascii() for letter in word)
    if letters and other * 2 > letters:
        return False
    if len(words) < _FEWEST_WORDS:
        return True
    english = sum(word in _ENGLISH for word in words)
    foreign = max(len({word for word in words if word in known and _says_which(word)}) for known in _OTHERS)
    return foreign < 2 or foreign <= english


def _says_which(word: str) -> bool:
    """Single letters are variables' names: "y" and "e" are Spanish words as well."""
    return len(word) > 1 or not word.isascii()


def _is_of_other_script(letter: str) -> bool:
    name = unicodedata.name(letter, "LATIN")
    return not name.startswith(_LATIN)
