"""Where a paper says it was accepted or published ("Accepted to NeurIPS 2025 (spotlight)")."""

import re

from papers.text.tex_tables import word_set

MAX_VENUE_LENGTH = 100

# Conferences whose name and year alone, in a comment, say that a paper is in it.
_KNOWN_VENUES = word_set("""
AAAI AAMAS ACCV ACL ACMMM AISTATS ASE ASPLOS ASRU BMVC CAV CCS CHI CIKM COLING COLM CoLM COLT CoNLL CoRL CVPR DAC EACL
ECAI ECCV ECIR ECML EMNLP EuroSys FAccT FOCS FSE HPCA ICASSP ICCAD ICCV ICDE ICDM ICIP ICLR ICME ICML ICPR ICRA ICSE
IJCAI IJCNLP INTERSPEECH Interspeech IROS ISCA ISIT ISMAR ISMIR ISSTA ITSC IUI KDD L4DC LICS LREC LREC-COLING MICCAI
MICRO MIDL MLSys MMM NAACL NDSS NeurIPS NIPS NSDI OOPSLA OSDI PAKDD PLDI PODS POPL RecSys RLC RSS SIGCOMM SIGDIAL
SIGGRAPH SIGIR SIGMOD SODA SOSP STOC TheWebConf UAI UbiComp UIST UMAP VLDB WACV WMT WSDM WWW
""") | {"ACM MM", "SIGGRAPH Asia", "USENIX Security"}
_LONGEST_FIRST = sorted(_KNOWN_VENUES, key=lambda name: (-len(name), name))
_KNOWN = re.compile(rf"\b({'|'.join(map(re.escape, _LONGEST_FIRST))})(?:[\s'’`-]*|\s*\(?)((?:20)?[0-3]\d)\b(?![-/.]\d)")
# A comment that says one of these does not mean the conference it names.
_NOT_YET = re.compile(r"\b(?:submi|under review|in review|reject|withdrawn|in preparation|workshop at)", re.I)
_ACCEPTED = re.compile(
    r"\b(?i:accepted|published|appear(?:ed|s|ing)?|presented|in press|in proceedings(?: of)?)"
    r"(?i:\s+(?:as|for|with)\s+(?:an?\s+)?(?:[\w-]+\s+){0,3}?"
    r"(?:publication|presentation|paper|oral|spotlight|poster|talk|highlight|demo|article|inclusion))?"
    r"(?:\s+\([^()]{0,30}\))?\s*(?::|(?i:(?:\b(?:by|at|to|in|for|with)\b|(?<=proceedings)|(?<=proceedings of)))\s)\s*"
    r"(?i:the\s+)?(?i:(?:upcoming|main track of|main conference of|proceedings of)\s+(?:the\s+)?)*"
    r"(?P<venue>(?!Section|Theorem|Appendix|Part|Chapter|Ref|Table|Fig)"
    r"(?:[A-Z]|\d{1,4}(?:st|nd|rd|th)?\s+[A-Z]|'?\d\d\s).{1,200})",
    re.S,
)
_VENUE_END = re.compile(
    r"\s*(?:[;\n\[\]!|(]|\.\s*$|(?<=\w{6})\.\s|(?<=[A-Z0-9&])(?<=[A-Z0-9&].)\.\s"
    r"|\.\s+(?=\d|Code|Project|http|[A-Z][a-z]+\s(?:page|is|at|of|will|available|and|version)\b)"
    r"|,?\s+\d+\s*(?:pages|figures|tables|pp)\b|\s[-–—]+\s|:\s|https?://"
    r"|,\s*(?!20\d\d\b|[A-Z][\w&-]+\s*$)|,\s*20\d\d(?!\s*$|[,.;]).{9,}"
    r"|\s(?:with|as|on\s+\w+\s+\d|(?i:which|where|code|project|see|this|please|final|camera))\b).*",
    re.S,
)
# What a comment adds to the name of a venue; "Conference" only behind a year, elsewhere it is part of the name.
_VENUE_TAIL = re.compile(
    r"(?:[\s,:*-]+(?:oral|spotlight|poster|highlight|findings|main|long|short|full|papers?|track|presentation|proceedings|"
    r"camera[- ]ready|version|accepted|publication|(?<=\d )conference|(?<=main )conference))+$",
    re.I,
)


def find_venue(comment: str) -> str | None:
    """Where a comment says the paper was accepted or published, such as "NeurIPS 2025"; None when it does not."""
    accepted = _ACCEPTED.search(comment)
    venue = _tidy(accepted["venue"]) if accepted else ""
    if not venue and not _NOT_YET.search(comment) and (known := _KNOWN.search(comment)):
        venue = known[0]
    return _spell_year(venue) or None


def find_venue_in_abstract(abstract: str) -> str | None:
    """A well-known venue that an abstract says the paper was accepted at. Others are not looked for: prose misleads."""
    start = abstract.find("ccepted")
    known = _KNOWN.search(abstract, start, start + 70) if start > 0 else None
    return _spell_year(known[0]) if known else None


def _tidy(text: str) -> str:
    """The name at the beginning of `text`; empty when there is no name."""
    venue = _VENUE_TAIL.sub("", _VENUE_END.sub("", text, count=1)).strip(" .,;:'\"*")
    is_name = 2 <= len(venue) <= MAX_VENUE_LENGTH and re.search(r"[A-Za-z]&?[A-Za-z]", venue)
    return venue if is_name else ""


def _spell_year(venue: str) -> str:
    """`CVPR'25` and `CVPR2025` as `CVPR 2025`."""
    return _KNOWN.sub(lambda match: f"{match[1]} {match[2] if len(match[2]) == 4 else '20' + match[2]}", venue)
