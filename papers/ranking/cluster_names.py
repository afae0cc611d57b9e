"""What papers of one theme have in common, in words of their titles; nothing where no words do. Pure.

A good name stands in most of the papers and in the titles of half of them, and in few titles elsewhere. Words with
hyphens stay whole, so that a name never begins within one.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from papers.ranking.terms import singular

MAX_WORDS = 4
MOST_ELSEWHERE = 0.03
"""A name may be in this share of other titles: "language models" and "deep learning" name nothing."""
_MOST_CHARACTERS = 40
_LEAST_CHARACTERS = 4
_LONG_WORD = 7

# A word with its hyphens; or what ends a phrase.
_TOKEN = re.compile(r"[^\W_](?:[\w@+]|['’](?=\w)|[-‐‑–](?=\w))*|[^\s\w]")
_WORD = re.compile(r"[^\W_]+")
_GAP = r"[\s\-‐‑–]"
_HYPHENS = str.maketrans(dict.fromkeys("-‐‑–", " "))
_SMALL = frozenset(
    re.findall(
        r"\w+",
        """
        a about across after against all along am among amid an and any are around as at be been before behind being
        below beneath beyond beside between both but by can cannot could d did do does doing done down during each
        either else et even ever every few for from further had has have having he hence her here his how however i
        if in into is it its itself just less let like ll low many may me might mine more most much must my nearly
        neither never no nor not now of off often on once one only onto or other our out over own per quite rather
        re s same shall she should since so some still such t than that the their them then there therefore these
        they this those through throughout thus to too toward towards two under unless until up upon us very via was
        we well were what when where whether which while who whose why will with within without would yet you your
        """,
    )
)
# What titles have whatever they are about: no name by themselves, nor several of them together.
_DULL = frozenset(
    re.findall(
        r"\w+",
        """
        aligned analyses analysis application approach architecture article aspect assessment automated automatic
        behavior benchmark better capability case challenge characterization class classification code combining
        common comparative comparison complex comprehensive constraint context control critical cross data dataset
        deep demonstration design detection determination development different direct distribution domain dynamic
        early effect effectiveness efficiency empirical end environment error estimation evaluation evidence
        evolution experiment experimental exploration extended feature field first formation foundation framework
        function future general generation global good guide high human identification impact implementation
        improvement individual information insight integration interaction introduction investigation issue joint
        key knowledge language large law learning level light limit linear local long low machine management mapping
        measurement mechanism method model modeling modelling modern modular multi multiple natural network neural
        new next number observation open optimal optimization order overview paper parameter part performance
        perspective phase point power practical practice prediction preliminary principle problem process processing
        progress property quality question random range real reasoning recent relation report representation
        research result review risk robustness role safe scale secure scaling scheme search sequence series set
        shape short simulation single size small social solution source space specific state statistical step
        strategy structural structure study support survey system target task technical technique technology term
        test theoretical theory time tool trace training transfer type understanding universal update use user
        validation value variable version view way work year zero
        """,
    )
)
# Words of praise and deeds, before which a name does not begin. Gerunds that are dull, too.
_PRAISE = frozenset(
    re.findall(
        r"\w+",
        """
        accurate adaptive advanced aware effective effectively efficient efficiently enhanced explainable fast
        faster flexible generalizable generalized generic improved lightweight novel online practical principled
        reliable robust scalable simple stable towards toward trustworthy unified universal unsupervised versatile
        """,
    )
)
_DEEDS = re.compile(
    r"(?:achiev|advanc|analy[sz]|apply|assess|benchmark|boost|bridg|build|characteri[sz]|combin|compar|construct|design"
    r"|detect|determin|develop|discover|enabl|enhanc|estimat|evaluat|examin|explor|extend|extract|generat|identify|improv"
    r"|incorporat|infer|integrat|introduc|investigat|learn|leverag|making|mapp|measur|mitigat|model|optimi[sz]|predict"
    r"|prob|quantify|reduc|refin|rethink|reveal|revisit|scal|solv|steer|study|support|test|towards|track|train|uncover"
    r"|understand|unify|unlock|us|validat)ing"
)


# An adjective or adverb, with which a name does not end; and beginnings of compounds that are one: "multi-agent".
_DESCRIBES = re.compile(
    r"(?:ly|ive|(?<!retriev)(?<!remov)(?<!propos)(?<!sign)(?<!met)(?<!cryst)(?<!interv)"
    r"(?<!materi)(?<!potenti)(?<!tri)al)$"
)
_HALVES = frozenset(
    (
        "cross",
        "few",
        "fine",
        "high",
        "intra",
        "inter",
        "large",
        "long",
        "low",
        "multi",
        "non",
        "off",
        "on",
        "post",
        "pre",
        "semi",
        "zero",
    )
)


class _Phrase(NamedTuple):
    """Some words of a text that stand side by side: in a form to compare, and as they are written."""

    key: str
    written: str
    words: int


class PaperText(NamedTuple):
    """A paper's words, ready to be searched for phrases."""

    title: str
    text: str
    abstract: str
    phrases: tuple[_Phrase, ...]
    """Of its title, those that may be a name."""

    @classmethod
    def of(cls, title: str, abstract: str) -> PaperText:
        return cls(comparable(title), comparable(f"{title} | {abstract}"), abstract, tuple(_phrases(title)))


def comparable(text: str) -> str:
    """A text in which a phrase's key is found as a part, between spaces; what ends a phrase is a bar."""
    words = (_key(token) if token[0].isalnum() else "|" for token in _TOKEN.findall(text))
    return f" {' '.join(words)} "


def name_cluster(
    papers: Sequence[PaperText], share_elsewhere: Callable[[str], float], *, abstracts: Sequence[str]
) -> str:
    """A name for what these papers share, such as "speculative decoding"; empty where there is no good one.

    `share_elsewhere` tells which share of other papers' titles has a key. `abstracts`, of the whole day, say which
    words are written with a capital.
    """
    candidates = {phrase.key: phrase for paper in papers for phrase in paper.phrases}
    scores = {key: _score(phrase, papers, share_elsewhere) for key, phrase in candidates.items()}
    best = max(candidates, key=lambda key: (scores[key], key), default="")
    return _as_written(candidates[best], papers, abstracts) if best and scores[best] else ""


def _score(phrase: _Phrase, papers: Sequence[PaperText], share_elsewhere: Callable[[str], float]) -> float:
    """How well a phrase names what these papers share; 0 where it does not."""
    asked = f" {phrase.key} "
    texts = sum(asked in paper.text for paper in papers)
    titles = sum(asked in paper.title for paper in papers)
    most = len(papers) if len(papers) <= 3 else -(-7 * len(papers) // 10)
    if (
        texts < most
        or 2 * titles < len(papers)
        or (phrase.words == 1 and not _is_rare_word(phrase, len(papers), titles))
    ):
        return 0.0
    elsewhere = share_elsewhere(phrase.key)
    return (texts + titles) * phrase.words**0.5 / (0.2 + 100 * elsewhere) ** 0.3 if elsewhere <= MOST_ELSEWHERE else 0.0


def _is_rare_word(phrase: _Phrase, papers: int, titles: int) -> bool:
    """Whether a single word says enough: it is in all titles, and long, a name with capitals or digits, or of many."""
    is_special = not phrase.written[1:].islower() or len(phrase.key) > _LONG_WORD
    return titles == papers and (is_special or papers > 2)


def _phrases(title: str) -> Iterator[_Phrase]:
    """The runs of up to four words, but for those that say nothing."""
    run: list[tuple[str, str]] = []
    for token in [*_TOKEN.findall(title), "|"]:
        if token[0].isalnum() and token.lower() not in _SMALL:
            run.append((_key(token), token))
            continue
        for start in range(len(run)):
            for end in range(start + 1, min(len(run), start + MAX_WORDS) + 1):
                if (phrase := _phrase(run[start:end])) is not None:
                    yield phrase
        run.clear()


def _phrase(run: Sequence[tuple[str, str]]) -> _Phrase | None:
    """These words as a name; None where they cannot be one."""
    written = " ".join(token for _, token in run)
    words = [word for key, _ in run for word in key.split()]
    if not _LEAST_CHARACTERS <= len(written) <= _MOST_CHARACTERS or len(words) > MAX_WORDS:
        return None
    if all(word in _DULL or word in _PRAISE or word.isdigit() or _DEEDS.fullmatch(word) for word in words):
        return None
    if words[0] in _PRAISE or words[0].isdigit() or _DEEDS.fullmatch(words[0]):
        return None
    if words[-1] in _PRAISE or _DESCRIBES.search(words[-1]) or (len(run) == 1 and words[0] in _HALVES):
        return None
    return _Phrase(" ".join(words), written, len(words))


def _as_written(phrase: _Phrase, papers: Sequence[PaperText], all_abstracts: Sequence[str]) -> str:
    """A phrase in the number in which these papers have it, each word with its capitals within sentences."""
    pattern = re.compile(_GAP.join(map(_any_number, phrase.key.split())), re.I)
    ways = Counter(" ".join(match[0].lower().split()) for paper in papers for match in pattern.finditer(paper.abstract))
    way = ways.most_common(1)[0][0] if ways else phrase.written.lower()
    return _WORD.sub(lambda word: _cased(word[0], all_abstracts), way)


def _cased(word: str, abstracts: Sequence[str]) -> str:
    within = re.compile(rf"(?<=[\w,;:)][ \-‐‑–]){re.escape(word)}(?!\w)", re.I)
    ways = Counter(match[0] for text in abstracts for match in within.finditer(text))
    return ways.most_common(1)[0][0] if ways else word


def _any_number(word: str) -> str:
    return rf"(?<!\w){re.escape(word)}s?(?!\w)"


def _key(token: str) -> str:
    """A word to compare: small, without accents and the s of a plural, its hyphens as spaces."""
    word = token.lower()
    if not word.isascii():
        word = "".join(char for char in unicodedata.normalize("NFKD", word) if not unicodedata.combining(char))
    return " ".join(map(singular, word.translate(_HYPHENS).split()))
