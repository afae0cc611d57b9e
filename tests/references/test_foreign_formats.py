"""What other programs export, and lists as people write them: each entry is read, or its line is told."""

from __future__ import annotations

import io
import zipfile

import pytest

from papers.references.common import ReferenceEntry
from papers.references.parser import FORMAT_NAMES, parse_references

NBIB = """
PMID- 39000001
OWN - NLM
IS  - 1234-5678 (Electronic)
VI  - 3
DP  - 2026 Nov 20
TI  - Tides in small basins: what the smallest of them
      tell about the others.
LID - 10.5555/tides.2026 [doi]
LID - S1234-5678(26)00001-1 [pii]
FAU - Holm, Chiara
AU  - Holm C
OT  - ice
OT  - small
      basins
AID - 10.5555/tides.2026 [doi]
SO  - J Tides. 2026;3:1-9. doi: 10.5555/tides.2026.

PMID- 39000002
TI  - Without a DOI.
FAU - Ruiz, Berta
DP  - 2025
"""
ENW = """%0 Journal Article
%A Holm, Chiara
%A Ruiz, Berta
%T Tides in small basins
%D 2026
%R 10.5555/tides.2026
%K ice
snow
%U https://journal.example/tides

%0 Generic
%T Attention to tides
%U http://arxiv.org/abs/2503.11692
%X We comment on arXiv:2503.11685.
"""
WOS = """FN Clarivate Analytics Web of Science
VR 1.0
PT J
AU Holm, C
   Ruiz, B
TI Tides in small
   basins
SO JOURNAL OF TIDES
DE sea ice; small
   basins
PY 2026
DI 10.5555/tides.2026
UT WOS:000000000000001
ER

PT J
AU Li, X
TI Snow
DI 10.5555/snow.2026
ER

EF
"""
ENDNOTE = """<?xml version="1.0" encoding="UTF-8"?><xml><records>
<record><database name="My.enl">My.enl</database><ref-type name="Journal Article">17</ref-type>
<contributors><authors><author><style face="normal" size="100%">Holm, Chiara</style></author></authors></contributors>
<titles><title><style face="normal">Tides in </style><style face="italic">small</style><style> basins</style></title>
<secondary-title><style>J. Tides</style></secondary-title></titles>
<keywords><keyword><style>ice</style></keyword><keyword>snow</keyword></keywords>
<dates><year><style>2026</style></year></dates>
<electronic-resource-num><style>https://doi.org/10.5555/tides.2026</style></electronic-resource-num></record>
<record><titles><title>On arXiv</title></titles><urls><related-urls><url><style>http://arxiv.org/abs/2503.11692</style></url>
</related-urls></urls></record>
</records></xml>"""
OF_PROGRAMS = {"nbib": NBIB, "enw": ENW, "wos": WOS, "endnote": ENDNOTE}


def rows(text: str) -> tuple[ReferenceEntry, ...]:
    return parse_references(text.encode()).references


def named(text: str) -> list[str]:
    return [row.names[0].value if row.names else "" for row in rows(text)]


def test_formats_of_programs_are_read() -> None:
    for name, text in OF_PROGRAMS.items():
        found = parse_references(text.encode())
        assert found.format == name
        assert found.format in FORMAT_NAMES
        assert len(found.references) == 2
        first = found.references[0]
        assert first.names[0].value == "10.5555/tides.2026", name
        assert first.title.startswith("Tides in small basins"), name
        assert (first.author, first.year) == ("holm", 2026), name
    assert [rows(text)[1].names[0].value for text in OF_PROGRAMS.values()] == [
        "https://pubmed.ncbi.nlm.nih.gov/39000002/",
        "2503.11692",
        "10.5555/snow.2026",
        "2503.11692",
    ]
    assert [rows(text)[0].tags for text in OF_PROGRAMS.values()] == [
        ("ice", "small basins"),
        ("ice", "snow"),
        ("sea ice", "small basins"),
        ("ice", "snow"),
    ]


@pytest.mark.parametrize("name", OF_PROGRAMS)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_and_cut_ends(name: str, line_end: str) -> None:
    text = OF_PROGRAMS[name].replace("\n", line_end)
    assert len(rows(text)) == 2
    cut = rows(text[: int(len(text) * 0.8)])
    assert cut[0].names[0].value == "10.5555/tides.2026"
    assert all(row.names or row.problem for row in cut)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        # RIS: a first or last line is missing, tags of two programs, DOIs in odd places
        ("TY  - JOUR\nTI  - A\nDO  - 10.5555/a\nER  - \n\nTI  - B\nDO  - 10.5555/b\nER  - \n",
         ["10.5555/a", "10.5555/b"]),
        ("TY  - JOUR\nT1  - A\nM3  - doi: 10.5555/a\nN1  - doi: 10.5555/a\n", ["10.5555/a"]),
        ("TY  - JOUR\nTI  - A\nDO  - 10.5555/a;PMID:1\nTY  - JOUR\nUR  - https://doi.org/10.5555%2Fb\n",
         ["10.5555/a", "10.5555/b"]),
        ("TY  - UNPB\nT1  - A\nM1  - arXiv:2503.11692\nER  - \n", ["2503.11692"]),
        ("TY  - JOUR\nTI  - A\nJO  - arXiv preprint arXiv:2503.11692\nER  - \n", ["2503.11692"]),
        ("\ufeffTY - JOUR\nTI - A\nDO - 10.5555/a\nER - \n", ["10.5555/a"]),
        # CSV of many programs
        ("sep=;\nTitle;DOI;Manual Tags\nA;10.5555/a;ice, snow\n", ["10.5555/a"]),
        ('"sep=,"\nTitle,DOI\nA,10.5555/a\n', ["10.5555/a"]),
        ("sep=\t\r\nTitle\tDOI\r\nA\t10.5555/a\r\n", ["10.5555/a"]),
        ('"Title";"DOI"\n"A; B";"10.5555/a"\n', ["10.5555/a"]),
        ("Authors,Title,Year,Source title,DOI,Link\nHolm C.,A,2026,J,10.5555/a,https://s.example/1\n", ["10.5555/a"]),
        ('"Document Title",Authors,"Publication Year","DOI","PDF Link"\n"A","C. Holm",2026,"10.5555/a","https://x.example/1"\n',
         ["10.5555/a"]),
        ("PMID,Title,Authors,DOI\n39000001,A,Holm C,\n39000002,B,Ruiz B,10.5555/b\n",
         ["https://pubmed.ncbi.nlm.nih.gov/39000001/", "10.5555/b"]),
        ("PT\tAU\tTI\tPY\tDI\nJ\tHolm, C\tA\t2026\t10.5555/a\n", ["10.5555/a"]),
        ('Key,Title,DOI,Extra\nK,A,,"arXiv:2503.11692 [cs]"\nL,B,,"Citation Key: b\narXiv: 2503.11685"\n',
         ["2503.11692", "2503.11685"]),
        ("Titel;Autor;Jahr;DOI\nÜber Eis;Holm;2026;10.5555/a\n", ["10.5555/a"]),
        ("title,doi\nA\u2028B,10.5555/a\n\nC\x0cD,10.5555/b\n", ["10.5555/a", "10.5555/b"]),
        ("Title,Authors,Year\nA study of ice,Chiara Holm,2026\n", [""]),
        # JSON
        ('[{"title": "A", "externalIds": {"ArXiv": "2503.11692", "DOI": "10.5555/a"}}]', ["2503.11692"]),
        ('["2503.11692", "https://doi.org/10.5555/a", "no id"]', ["2503.11692", "10.5555/a", ""]),
        ('{"status": "ok", "message": {"items": [{"title": ["A"], "DOI": "10.5555/A"}]}}', ["10.5555/a"]),
        ('{"results": [{"title": "A", "doi": "https://doi.org/10.5555/a"}]}', ["10.5555/a"]),
        # lists
        ("# my list\n2503.11692\n2503.11685\n", ["2503.11692", "2503.11685"]),
        ("# Ice\n\n- [Tides](https://arxiv.org/abs/2503.11692)\n- 2503.11685\n\n# Snow\n\n* 10.5555/a\n",
         ["2503.11692", "2503.11685", "10.5555/a"]),
        ("## arXiv:2503.11692\nread this\n", ["2503.11692", ""]),
        ("- Ice https://arxiv.org/abs/2601.04242 builds on https://arxiv.org/abs/2503.11692\n2503.11685 and 2503.11677",
         ["2601.04242", "2503.11692", "2503.11685", "2503.11677"]),
        ("2503.11692 and 10.5555/a", ["2503.11692", "10.5555/a"]),
        ("2503.11692;2503.11685,2503.11677|10.5555/a", ["2503.11692", "2503.11685", "2503.11677", "10.5555/a"]),
        ("10.5555/a.1;10.5555/b.1", ["10.5555/a.1", "10.5555/b.1"]),
        ("<https://doi.org/10.5555/a>\n<https://arxiv.org/abs/2503.11692>\n", ["10.5555/a", "2503.11692"]),
        ("Holm C. Tides. J Tides. 2026;3:1. doi:10.5555/tides.2026;PMID:39000001", ["10.5555/tides.2026"]),
        ("Holm C. Tides, doi:10.5555/tides.2026, arXiv:2503.11692 [cs.CL] (2026).", ["2503.11692"]),
        ("[1] C. Holm. Flower pose. arXiv:2503.11692, 2025.\n[2] X. Li. Ice. doi:10.5555/ice.2026",
         ["2503.11692", "10.5555/ice.2026"]),
        ("[1] C. Holm. Flower pose.\n    arXiv:2503.11692, 2025.\n[2] X. Li. Ice.\n    No id.\n[3] Snow, 10.5555/snow",
         ["2503.11692", "", "10.5555/snow"]),
        ("1. Holm C. Tides.\n2026. doi: 10.5555/a\n2. Li X. Ice. 2025. doi: 10.5555/b\n", ["10.5555/a", "10.5555/b"]),
        ("\\bibitem{a} C. Holm, arXiv:2503.11692.\n\\bibitem[Li(2026)]{b} X. Li,\n doi:10.5555/b",
         ["2503.11692", "10.5555/b"]),
        ("[2503.11692]\n[2503.11685]", ["2503.11692", "2503.11685"]),
        ("{2503.11692, 10.5555/a}", ["2503.11692", "10.5555/a"]),
        ('<!DOCTYPE NETSCAPE-Bookmark-file-1>\n<DL><p>\n<DT><A HREF="https://arxiv.org/abs/2503.11692">Tides</A>\n</DL>\n',
         ["2503.11692"]),
        ("Tides https://arxiv.org/abs/2503.11692 (code https://github.com/holm/tides)", ["2503.11692"]),
        ("https://doi.org/10.5555%2Ffly.1\nhttps://doi.org/10.5555/fly.2?utm_source=mail&utm_medium=email",
         ["10.5555/fly.1", "10.5555/fly.2"]),
        ("10.1002/(SICI)1<2::AID-A3>3.0.CO;2-9\nhttps://doi.org/10.1002/(SICI)1<2::AID-A3>3.0.CO;2-8",
         ["10.1002/(sici)1<2::aid-a3>3.0.co;2-9", "10.1002/(sici)1<2::aid-a3>3.0.co;2-8"]),
    ],
)  # fmt: skip
def test_other_shapes(text: str, values: list[str]) -> None:
    found = [value for value in named(text) if value or "" in values]
    assert found == values


def test_two_names_of_one_paper_side_by_side_are_one_entry() -> None:
    [row] = rows("Holm C. Tides. J. Tides 3, 1 (2026), doi:10.5555/tides [arXiv:2503.11692 [hep-ph]].")
    assert [name.value for name in row.names] == ["2503.11692", "10.5555/tides"]


def zipped(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name in names:
            file.writestr(name, "x")
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "Excel"),
        (zipped("word/document.xml"), "Word"),
        (zipped("a.txt"), "Extract it first"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "CSV"),
        (b"SQLite format 3\x00", "BibTeX"),
        (b"{\\rtf1\\ansi 2503.11692}", "plain text"),
        (
            b'<?xml version="1.0"?><opml version="2.0"><body><outline xmlUrl="https://a.example/f"/></body></opml>',
            "OPML",
        ),
        ('<?xml version="1.0" encoding="utf-16"?><opml/>'.encode("utf-16"), "OPML"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE PubmedArticleSet PUBLIC "a" "b">\n<PubmedArticleSet/>', ".nbib"),
        (b'<modsCollection xmlns="http://www.loc.gov/mods/v3"/>', "MODS"),
        (b'<b:Sources xmlns:b="x"><b:Source/></b:Sources>', "Word"),
        (b'<rss version="2.0"><channel/></rss>', "feed"),
    ],
)
def test_what_is_not_read_is_named_with_what_to_give_instead(data: bytes, said: str) -> None:
    found = parse_references(data)
    assert found.references == ()
    assert said in found.notes[0]


def test_a_long_line_is_read_to_its_end() -> None:
    ids = [f"2401.{number:05}" for number in range(1, 2_001)]
    assert named(", ".join(ids)) == ids


def test_as_many_entries_are_told_as_the_file_has() -> None:
    assert len(rows("TY  - JOUR\nER  - \nTY  - JOUR\nTI  - A\nER  - \nTY  - BOOK\n")) == 3
    assert len(rows("PT J\nER\n\nPT J\nTI A\nDI 10.5555/a\nER\n")) == 2
    assert len(rows("[1] A. Holm, Ice.\n[2] B. Ruiz, Snow.\n")) == 2
    text = "title,doi\n" + "".join(f"T{number},10.5555/{number}\n" for number in range(500))
    assert len(rows(text)) == 500
