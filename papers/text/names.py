"""How the names of authors and organizations read, and by which keys they are found and followed."""

import re
import unicodedata
from dataclasses import dataclass
from itertools import islice, product

from papers.text.cleaning import clean_line, fold
from papers.text.tex import to_text

PARTICLES = frozenset(
    {"af", "al", "bin", "da", "das", "de", "degli", "dei", "del", "della", "den", "der", "di", "do", "dos", "du", "el"}
    | {"ibn", "la", "le", "los", "ten", "ter", "van", "vom", "von", "zu", "zum", "zur"}
)
"""Written small before a family name, and part of it."""

_ET_AL = re.compile(r"(?:^|[\s,;])(?:and\s)?et\.?\s?al(?:ii)?$|^others$", re.I)
_LONGEST_ET_AL = len(", and et. alii")
_SUFFIX = re.compile(r"(?:Jr|Sr|II|III|IV)\.?", re.I)
# What somebody is, and no part of a name. The second kind are initials just as well: "Holm, M.D.".
_DEGREE = re.compile(
    r"(?:Ph\.?\s?D|Dr\.?\s?(?:rer|med|phil|ing)\b.{0,20}|Sc\.?D|D\.?Sc|M\.?Sc|B\.?Sc|M\.?Phil|D\.?Phil|Pharm\.?D|Psy\.?D|Ed\.?D"
    r"|MBBS|MB\s?Ch\.?B|MPH|MBA|DVM|DDS|FRS|FRCP|FRCS|FACP|FACS|Esq)\.?",
    re.I,
)
_DEGREE_OR_INITIALS = re.compile(r"(?:M\.?\s?D|M\.?\s?S|M\.?\s?A|B\.?\s?A|B\.?\s?S|D\.?\s?O|R\.?\s?N|M\.?\s?Eng)\.?")
_SEPARATOR = re.compile(r"[(),;:，、；]|\sand\s|\s&\s|\s(?:for|on behalf of)\s(?=the\s|[A-Z]\S{1,60}\s[Cc]ollab)", re.I)
_KINDS = {",": ",", "，": ",", "、": ",", ";": ";", "；": ";", ":": ":"}
_MARKS_BEHIND = " ,;:*∗⋆†‡§¶‖#✉¹²³⁰⁴⁵⁶⁷⁸⁹˒"
_NUMBERS_BEHIND = re.compile(r"(?<=[^\W\d_][^\W\d_])[0-9]{1,2}$")
_AND = re.compile(r"\sand\s|\s&\s|[;；]", re.I)
# In these scripts the family stands first, and a comma parts people.
_MOST_DEGREES = 5
_IDEOGRAPHS = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")
_FOOTNOTE = re.compile(r"\(\s*([0-9]{1,3}|[a-z*†‡§]{1,2})\s*\)\s*")
_KEYS = re.compile(r"\s*(?:[0-9]{1,3}|[a-z*†‡§])(?:(?:\s*+(?:,|and|&|;)\s*+|\s++)(?:[0-9]{1,3}|[a-z*†‡§]))*\s*")
_ARTICLE = re.compile(r"the\s", re.I)
_GROUP_OF_AUTHORS = re.compile(r"\b(?:collaboration|consortium)$", re.I)
_COLLABORATION = re.compile(r"\b(?:collaborations?|consortium|team|group|project)\b", re.I)
# Many authors may share a long affiliation: what is kept must not grow with both.
_MAX_AFFILIATION = 500
_MAX_AFFILIATIONS = 20
_APOSTROPHES = re.compile(r"['`]")
_ASCII_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class ParsedAuthor:
    """An author as a source names them."""

    name: str
    affiliation: str | None = None


def clean_name(raw: str) -> str:
    """A name for display; empty when there is no name in it (":", "et al.")."""
    line = clean_line(raw)
    if "\\" in line or "{" in line or "~" in line:
        line = " ".join(to_text(line).replace("~", " ").split())
    line = _without_et_al(line).lstrip(" ,;:").rstrip(_MARKS_BEHIND)
    for _ in range(_MOST_DEGREES):
        head, comma, tail = line.rpartition(",")
        if not comma or not _is_degree(tail.strip(), head):
            break
        line = head.rstrip(_MARKS_BEHIND)
    return line if any(map(str.isalnum, line)) else ""


def is_initial(key: str) -> bool:
    """Whether a key says too little to be somebody's name: a single letter, as that of `H∞`; an ideograph is one."""
    return len(key) == 1 and key.isascii()


def in_order_of_speech(name: str) -> str:
    """One person's name as it is said: "Holm, Chiara" as "Chiara Holm", "Holm, C., Jr." as "C. Holm, Jr."."""
    parts = [part for each in name.split(",") if (part := each.strip())]
    suffixes = [part for part in parts[1:] if _SUFFIX.fullmatch(part)][:1]
    given = [part for part in parts[1:] if not _SUFFIX.fullmatch(part) and not _is_degree(part, parts[0])]
    if not given:
        return ", ".join([*parts[:1], *suffixes])
    if _IDEOGRAPHS.search(parts[0]):
        return parts[0] + "".join(given)
    return ", ".join([" ".join([*given, parts[0]]), *suffixes])


def is_one_person(text: str) -> bool:
    """Whether a field for authors names one, also as "Holm, Chiara", and not a list of them."""
    if _AND.search(text) or "、" in text or "，" in text:
        return False
    parts = [part for each in text.split(",") if (part := each.strip())]
    parts = [part for part in parts if not _SUFFIX.fullmatch(part) and not _is_degree(part, parts[0])]
    if len(parts) != 2:
        return len(parts) < 2
    family, given = parts
    if _IDEOGRAPHS.search(family) and _IDEOGRAPHS.search(given):
        return len(family) < 2
    return not (" " in family and " " in given) or family[0].islower() or _has_initial(given.split()[-1])


def read_people(text: str) -> list[ParsedAuthor]:
    """The people, or the one person, in a field for authors whose shape nobody says, each in the order of speech."""
    line = clean_line(text)
    if not is_one_person(line):
        return split_authors(line)
    name = clean_name(in_order_of_speech(line))
    return [ParsedAuthor(name)] if name else []


def _is_degree(part: str, name: str) -> bool:
    """Whether a part behind a comma is a degree; of letters that may be initials, only behind a whole name."""
    if _DEGREE.fullmatch(part):
        return True
    return " " in name.strip() and _DEGREE_OR_INITIALS.fullmatch(part) is not None


def _has_initial(word: str) -> bool:
    """Whether a word is "C." or "J.-P.", but no "Jr."."""
    letters = [part for part in re.split(r"[.-]", word) if part]
    return "." in word and bool(letters) and all(len(part) <= 2 and part[0].isupper() for part in letters)


def _are_initials(text: str) -> bool:
    """Whether all of a text is initials: "B. C.", "J.-P."."""
    words = text.split()
    return bool(words) and all(map(_has_initial, words))


def _are_bare_initials(text: str) -> bool:
    """Whether a text is "B" or "BC", which may be a name of something as well."""
    return len(text) <= 2 and text.isalpha() and text.isupper() and not _IDEOGRAPHS.search(text)


def _without_et_al(line: str) -> str:
    stem = line.rstrip(" .,;)")
    found = _ET_AL.search(stem, max(0, len(stem) - _LONGEST_ET_AL))
    return stem[: found.start()] if found else line


def split_authors(raw: str) -> list[ParsedAuthor]:
    """The authors named in one string, as arXivRaw and the RSS send them, in their order.

    Commas, semicolons and "and" part authors outside brackets; what is in brackets is an affiliation, or the key of
    one in a list at the end ("A. Person (1), B. Other (2) ((1) Somewhere, (2) Elsewhere)"). Someone who writes for a
    collaboration is followed by the collaboration. Brackets without a partner part nothing. Where family names and
    initials alternate, or where semicolons or "and" stand between "Family, Given", a comma is part of a name.
    """
    pieces, brackets = _split_names(clean_line(raw))
    footnotes: dict[str, str] = {}
    for inside in brackets:
        footnotes.update(_footnotes(inside))
    authors: list[ParsedAuthor] = []
    for piece in _with_given_names(_with_suffixes(pieces)):
        cleaned = clean_name(_without_article(piece.name))
        if cleaned:
            authors.append(ParsedAuthor(cleaned, _affiliation(piece.insides, footnotes)))
            authors += [ParsedAuthor(_without_article(group)) for group in filter(_is_collaboration, piece.insides)]
    return authors


@dataclass(slots=True)
class _Piece:
    """What stands between two separators: its words, the brackets behind it, and the separator before it."""

    name: str
    insides: list[str]
    mark: str


def _with_suffixes(pieces: list[_Piece]) -> list[_Piece]:
    """The pieces that are names or parts of them; suffixes are joined to the name before, degrees and marks gone."""
    found: list[_Piece] = []
    for piece in pieces:
        name = piece.name.strip(" ,;:").rstrip(_MARKS_BEHIND)
        if found and _SUFFIX.fullmatch(name):
            found[-1].name += "" if "," in found[-1].name else f", {name}"
        elif found and piece.mark == "," and _is_degree(name, found[-1].name):
            continue
        elif any(map(str.isalpha, name)):
            piece.name = _NUMBERS_BEHIND.sub("", name) if " " in name and not _COLLABORATION.search(name) else name
            found.append(piece)
    return found


def _with_given_names(pieces: list[_Piece]) -> list[_Piece]:
    """The pieces with "Family" and "Given" of one person joined, in the order of speech."""
    is_pair = _pairs(pieces)
    found: list[_Piece] = []
    place = 0
    while place < len(pieces):
        piece = pieces[place]
        place += 1
        if is_pair[place - 1]:
            given = pieces[place]
            family, comma, suffix = piece.name.partition(",")
            first, more, behind = given.name.partition(",")
            name = in_order_of_speech(f"{family}, {first}{comma}{suffix}{more}{behind}")
            piece = _Piece(name, piece.insides + given.insides, piece.mark)
            place += 1
        found.append(piece)
    return found


def _pairs(pieces: list[_Piece]) -> list[bool]:
    """For each piece whether it is a family name whose given names are the next piece."""
    strong = ";" if any(piece.mark == ";" for piece in pieces) else "and"
    groups: list[list[int]] = []
    for place, piece in enumerate(pieces):
        if not groups or piece.mark == strong:
            groups.append([])
        groups[-1].append(place)
    pairs = [False] * len(pieces)
    if len(groups) > 1 and all(_is_family_and_given([pieces[at] for at in group], strong) for group in groups):
        for group in groups:
            pairs[group[0]] = len(group) == 2
        return pairs
    bare = len(pieces) > 3 and all(_are_bare_initials(piece.name) for piece in pieces[1::2]) and len(pieces) % 2 == 0
    place = 0
    while place + 1 < len(pieces):
        family, given = pieces[place].name, pieces[place + 1].name.partition(",")[0]
        is_family = not any(map(_has_initial, family.partition(",")[0].split()))
        is_comma = pieces[place + 1].mark == ","
        pairs[place] = is_comma and is_family and (_are_initials(given) or (bare and _are_bare_initials(given)))
        place += 1 + pairs[place]
    return pairs


def _is_family_and_given(group: list[_Piece], strong: str) -> bool:
    """Whether a part of a list is "Family, Given", or one name where semicolons part them."""
    if len(group) == 1:
        return strong == ";"
    if len(group) > 2 or any(map(_has_initial, group[0].name.split())):
        return False
    family, given = group[0].name, group[1].name
    if _IDEOGRAPHS.search(family) and len(family) > 1:
        return False
    is_two_names = " " in family and " " in given and not family[0].islower() and not _has_initial(given.split()[-1])
    return group[1].mark == "," and (strong == ";" or not is_two_names)


def _is_collaboration(inside: str) -> bool:
    """Whether what is in brackets behind a name is no affiliation but whom all of them write for."""
    return len(inside) < 100 and "," not in inside and _GROUP_OF_AUTHORS.search(inside) is not None


def _without_article(name: str) -> str:
    """ "The" goes before a collaboration, and nowhere else."""
    article = _ARTICLE.search(name)
    if article is None or _COLLABORATION.search(name, article.end()) is None:
        return name
    return name[: article.start()] + name[article.end() :]


def _split_names(text: str) -> tuple[list[_Piece], list[str]]:
    """The names outside brackets, each with the brackets behind it, and all the brackets."""
    is_balanced = text.count("(") == text.count(")")
    pieces: list[_Piece] = []
    name, insides, brackets, before = "", list[str](), list[str](), ""
    depth = start = opened = 0
    for match in _SEPARATOR.finditer(text):
        mark = match[0]
        if mark == "(" and is_balanced:
            if depth == 0:
                name += text[start : match.start()]
                opened = match.end()
            depth += 1
        elif mark == ")" and is_balanced and depth:
            depth -= 1
            if depth == 0:
                insides.append(text[opened : match.start()])
                start = match.end()
        elif depth == 0 and mark not in "()":
            name += text[start : match.start()]
            pieces.append(_Piece(name, insides, before))
            brackets += insides
            # Of "; and" the semicolon counts.
            before = ";" if before == ";" and not name.strip() else _KINDS.get(mark, "and")
            name, insides, start = "", [], match.end()
    pieces.append(_Piece(name + (text[start:] if depth == 0 else ""), insides, before))
    return pieces, brackets + insides


def _footnotes(inside: str) -> dict[str, str]:
    """The affiliations by key in a list such as "(1) Somewhere, (2) Elsewhere"."""
    parts = _FOOTNOTE.split(inside)
    return {key: text[:_MAX_AFFILIATION].strip(" ,;") for key, text in zip(parts[1::2], parts[2::2], strict=True)}


def _affiliation(insides: list[str], footnotes: dict[str, str]) -> str | None:
    """The affiliation in the brackets behind a name."""
    found: list[str] = []
    for inside in insides:
        if _KEYS.fullmatch(inside):
            found += [footnotes[key] for key in re.findall(r"[0-9]+|[a-z*†‡§]", inside) if key in footnotes]
        elif not _FOOTNOTE.match(inside) and not _is_collaboration(inside):
            found.append(" ".join(to_text(inside).split()))
    return "; ".join(list(filter(None, found))[:_MAX_AFFILIATIONS]) or None


def author_key(name: str) -> str:
    """What an author is followed by: folded words in the order of speech, so "Müller, Ö." and "Ö. Muller" agree.

    Not an identity: two people of one name share it, and "J. Smith" stays `j smith`.
    """
    if "," in name:
        parts = [part.strip() for part in name.split(",")]
        suffixes = [part for part in parts[1:] if _SUFFIX.fullmatch(part)]
        given = [part for part in parts[1:] if not _SUFFIX.fullmatch(part) and not _is_degree(part, parts[0])]
        name = " ".join([*given, parts[0], *suffixes])
    folded = _APOSTROPHES.sub("", fold(name))
    if folded.isascii():  # nearly all; in half the time
        return " ".join(_ASCII_WORD.findall(folded))
    return " ".join("".join(char if _is_of_word(char) else " " for char in folded).split())


_TRANSCRIBED = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Ø": "Oe", "Å": "Aa"}
)
_TWO_FOR_ONE = re.compile("ae|oe|ue|aa")
_MOST_PAIRS = 3


def transcribed_key(name: str) -> str:
    """The `author_key` of a name as it is typed where there is no ü: "Müller, J." is `j mueller`, and Åse `aase`."""
    return author_key(unicodedata.normalize("NFC", name).translate(_TRANSCRIBED))


def contracted_keys(key: str) -> list[str]:
    """The keys of all names that may have been typed so, at most seven: `muller` of `mueller`; mostly there are none.

    Whether a name is meant only its spelling tells, by `transcribed_key`: `xue` is no `xu`.
    """
    pairs = list(islice(_TWO_FOR_ONE.finditer(key), _MOST_PAIRS))
    found: list[str] = []
    for chosen in product((True, False), repeat=len(pairs)):
        contracted = key
        for pair, is_one in reversed(list(zip(pairs, chosen, strict=True))):
            if is_one:
                contracted = contracted[: pair.start() + 1] + contracted[pair.end() :]
        found.append(contracted)
    return found[:-1]  # the last is the key itself


_PLUSES = re.compile(r"\b([a-z])(\+\+|#)")
# As `papers_words` of the database has it: in these scripts each letter is a word of its own.
_LETTER_IS_WORD = re.compile("([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])")


def organization_key(name: str) -> str:
    """What an organization is found and followed by: its words, folded. "Google DeepMind" is `google deepmind`."""
    folded = _PLUSES.sub(lambda match: match[1] + ("sharp" if match[2] == "#" else "plusplus"), fold(name))
    return " ".join("".join(char if _is_of_word(char) else " " for char in folded).split())[:200].rstrip()


def organization_words(key: str) -> list[str]:
    """The words by which the search index knows an organization."""
    return _LETTER_IS_WORD.sub(r" \1 ", key).split()


def _is_of_word(char: str) -> bool:
    """Letters and digits, and the marks without which the letters of many scripts are not themselves."""
    return char.isalnum() or (char > "\x7f" and unicodedata.category(char)[0] == "M")
