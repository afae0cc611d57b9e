"""BibTeX as programs and people write it: where each field ends, and what a mistake costs."""

from __future__ import annotations

import pytest

from papers.references.common import ReferenceEntry
from papers.references.parser import parse_references

TIDES, ICE = "2503.11692", "10.5555/ice.2026"


def rows(text: str) -> tuple[ReferenceEntry, ...]:
    found = parse_references(text.encode())
    assert found.format == "bibtex"
    return found.references


def named(text: str) -> list[str]:
    return [row.names[0].value if row.names else "" for row in rows(text)]


@pytest.mark.parametrize(
    "inside",
    [
        # names of fields that are no words
        "__markedentry = {[rita:6]},",
        "bdsk-file-1 = {YnBsaXN0MDDSAQIDBFx=},",
        "x:y.z+1/2 = {a},",
        "Été = {a},",
        "_ = {a},",
        # values that are none
        "note = ,",
        "pages = 1--9,",
        "month = 1~jan,",
        "number = foo bar baz,",
        'title = "A "quoted" word",',
        "title = {A} and {B},",
        "title = A {B} C,",
        "file = {:C\\:\\\\papers\\\\a.pdf:PDF},",
        # braces and quotation marks
        'title = "Tides {"}in{"} basins",',
        "title = {{{Tides}} in {small {basins}}},",
        "title = {An open \\{ brace},",
        "title = {A closed \\} brace},",
        "title = {\\{both\\}},",
        'title = "Holm\\"o",',
        "title = {100% of it},",
        "title = {A} B},",
        # macros
        'month = jan # "~3",',
        "month = unknown-macro,",
        'title = "a" # {b} # c,',
        # commas and remarks
        ",,",
        "% a remark, with = in it\n",
        "title = {A}",
    ],
)
def test_a_field_costs_no_other(inside: str) -> None:
    for before, after in (("", f"eprint = {{{TIDES}}},"), (f"eprint = {{{TIDES}}},", "")):
        assert named(f"@article{{k,\n  {before}\n  {inside}\n  {after}\n}}\n\n@misc{{l, doi = {{{ICE}}}}}") == [
            TIDES,
            ICE,
        ]


@pytest.mark.parametrize(
    "key",
    [
        "Holm et al 2026",
        "https://doi.org/10.1002/(SICI)1099-1395(199904)12:4<279::AID-POC1>3.0.CO;2-9",
        'Holm"2026',
        "Holm#1",
        "100%",
        "a=b",
        "(a)",
        "Hölm:2026/ü",
        "{Holm}",
        "",
        "10.5555/other.1",
        "DBLP:journals/corr/abs-2503-11692",
        "\n  Holm2026",
    ],
)
def test_a_key_is_all_up_to_the_first_comma(key: str) -> None:
    [row] = rows(f"@article{{{key},\n  title = {{Tides}},\n  eprint = {{{TIDES}}}\n}}")
    assert (row.title, [each.value for each in row.names]) == ("Tides", [TIDES])


@pytest.mark.parametrize(
    "text",
    [
        "@article{\n title = {Tides},\n eprint = {2503.11692}\n}",
        "@article{k\n title = {Tides},\n eprint = {2503.11692}\n}",
        "@article{k,\n title = {Tides}\n eprint = {2503.11692}\n}",
        "@article(k, title = {Tides}, eprint = {2503.11692})",
        "@ARTICLE {k , TITLE={Tides} , EPRINT={2503.11692} , }",
        "@web_page{k, title = {Tides}, eprint = {2503.11692}}",
        "@in-proceedings+x{k, title = {Tides}, eprint = {2503.11692}}",
        "  @article{k, title = {Tides}, eprint = 2503.11692 }",
        "@article{k,title={Tides},eprint={arXiv:2503.11692v2}}",
    ],
)
def test_an_entry_in_other_shapes(text: str) -> None:
    [row] = rows(text)
    assert (row.title, row.names[0].value) == ("Tides", TIDES)


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ("eprint = {0301001}, archivePrefix = {arXiv}, primaryClass = {astro-ph}", "astro-ph/0301001"),
        ("eprint = {0301001}, eprinttype = {arxiv}, eprintclass = {math.CA}", "math/0301001"),
        ("eprint = {9901001}, archivePrefix = {hep-th}", "hep-th/9901001"),
        ("eprint = {astro-ph/0301001}, archivePrefix = {arXiv}", "astro-ph/0301001"),
        ("eprint = {arXiv:astro-ph/0301001}", "astro-ph/0301001"),
        ("eprint = {10.5555/ice.2026}", ICE),
        ("eprint = {12345}, eprinttype = {jstor}, doi = {10.5555/ice.2026}", ICE),
        ("SLACcitation = {%%CITATION = HEP-TH/9901001;%%}", "hep-th/9901001"),
        ("eid = {arXiv:2503.11692}", TIDES),
        ("journal = {ArXiv}, volume = {abs/2503.11692}", TIDES),
        ("arxivId = {2503.11692}", TIDES),
        ("doi = {arXiv:2503.11692}", TIDES),
        ("doi = , doi = {10.5555/ice.2026}", ICE),
        ("doi = 10.5555/(ice)2026", "10.5555/(ice)2026"),
        ("doi = {10.5555/ice\\_2026}", "10.5555/ice_2026"),
        ("doi = {https://doi.org/10.5555\\%2Fice.2026}", ICE),
        ("doi = {10.5555/ice.2026}, crossref = {all}", ICE),
        ("bdsk-url-1 = {https://doi.org/10.5555/ice.2026}", ICE),
        ("url = {\\url{https://arxiv.org/abs/2503.11692}}", TIDES),
        ("url = {https://journal.example/a https://doi.org/10.5555/ice.2026}", "https://journal.example/a"),
        ("note = {arXiv: 2503.11692}", TIDES),
        ("pmid = {39000001}", "https://pubmed.ncbi.nlm.nih.gov/39000001/"),
    ],
)
def test_where_ids_stand(fields: str, value: str) -> None:
    assert named(f"@article{{k, title = {{Tides}}, {fields}}}") == [value]


def test_an_entry_takes_no_id_from_its_crossref() -> None:
    text = "@inproceedings{k, title={Tides}, crossref={all}}\n@proceedings{all, title={All}, doi={10.5555/all}}"
    assert named(text) == ["", "10.5555/all"]


@pytest.mark.parametrize(
    "broken",
    [
        "@misc{b,\n title = {A {B},\n doi = {10.5555/b},\n}",  # a brace too few in a value
        "@misc{b,\n title = {A},\n doi = {10.5555/b}\n",  # none at the end
        "@misc{b,\n doi = {10.5555/b},\n title = {A",
        '@misc{b,\n title = "A,\n doi = {10.5555/b},\n}',  # a quotation mark too few
        "@misc{b,\n title = {A}},\n doi = {10.5555/b},\n}",  # a brace too many
    ],
)
def test_a_missing_mark_costs_less_than_its_entry(broken: str) -> None:
    assert named(f"@misc{{a, doi={{10.5555/a}}}}\n\n{broken}\n\n@misc{{c,\n doi={{10.5555/c}}\n}}") == [
        "10.5555/a",
        "10.5555/b",
        "10.5555/c",
    ]


def test_what_begins_like_an_entry_and_is_none_is_told_with_its_line() -> None:
    text = (
        "@article Holm2026, doi={10.5555/a}\n\n@misc{b, doi={10.5555/b}}\n@misc\n@misc{c, doi={10.5555/c}}\n@book x\n"
    )
    found = rows(text)
    assert [(row.line, row.names[0].value if row.names else "") for row in found] == [
        (1, ""),
        (3, "10.5555/b"),
        (4, ""),
        (5, "10.5555/c"),
        (6, ""),
    ]
    assert all(row.problem for row in found if not row.names)


def test_comments_hold_no_entries() -> None:
    text = (
        "@Comment{jabref-meta: grouping:\n0 AllEntriesGroup:;\n}\n"
        "@comment{\n@misc{old, doi={10.5555/old}}\n}\n"
        "@comment this is one, too\n"
        "@preamble{ {\\newcommand{\\x}{y}} }\n@xdata{x, doi={10.5555/x}}\n"
        "@misc{a, doi={10.5555/a}}\n@comment{never closed\n@misc{b, doi={10.5555/b}}"
    )
    assert named(text) == ["10.5555/a", "10.5555/b"]
    assert [row.line for row in rows(text)] == [10, 12]


def test_a_line_of_a_value_may_begin_like_an_entry() -> None:
    text = "@misc{a,\n abstract = {We write\n@misc{x, y}\nand stop.},\n doi={10.5555/a}\n}\n@misc{b, doi={10.5555/b}}"
    assert named(text) == ["10.5555/a", "10.5555/b"]


def test_macros_with_any_names_are_put_in() -> None:
    text = '@string(j:1 = "arXiv:2503")\n@STRING{J2 = j:1 # {.11692}}\n@misc{a, eprint = j2}'
    assert named(text) == [TIDES]


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("cp1252", "windows-1252"), ("cp1252", "Cp1252"), ("iso8859-2", "ISO8859_2"), ("gb18030", "GB18030"),
     ("shift_jis", "SJIS"), ("koi8-r", "KOI8-R"), ("mac_roman", "MacRoman"), ("utf-8", "UTF-8"), ("utf-8", "nonsense")],
)  # fmt: skip
def test_the_encoding_that_jabref_names_is_used(encoding: str, declared: str) -> None:
    title = {"gb18030": "潮汐", "shift_jis": "潮汐の", "koi8-r": "Приливы", "iso8859-2": "Příliv"}.get(
        encoding, "Ébène"
    )
    text = f"% Encoding: {declared}\n\n@misc{{a,\n title = {{{title}}},\n doi = {{10.5555/a}}\n}}\n"
    found = parse_references(text.encode(encoding))
    assert [row.title for row in found.references] == [title]
    assert found.notes == ()


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ('"{Tides in $B_s^0 \\to \\mu\\mu$}"', "Tides in $B_s^0 \\to \\mu\\mu$"),
        ("{{{Tides}}}", "Tides"),
        ("{{Tides} of {Ice}}", "Tides of Ice"),
        ("{{Tides} in $x_{1}$}", "Tides in $x_{1}$"),
        ("{Gr{\\\"o}{\\ss}e \\& {\\'E}t{\\'e}}", "Größe & Été"),
        ("{}", ""),
    ],
)
def test_titles_lose_the_braces_around_them(written: str, title: str) -> None:
    assert [row.title for row in rows(f"@misc{{a, doi={{10.5555/a}}, title = {written}}}")] == [title]


def test_keywords_lose_their_tex() -> None:
    [row] = rows("@misc{a, doi={10.5555/a}, keywords={ice,snow\\_1, {Sea Ice}}, mendeley-tags={R\\&D}}")
    assert row.tags == ("ice", "snow_1", "Sea Ice", "R&D")


def test_an_id_in_a_note_is_not_sure() -> None:
    [row] = rows("@misc{a, title={Ice}, annote={Comment on arXiv:2503.11692}}")
    assert [name.value for name in row.unsure] == [TIDES]
    [row] = rows("@misc{a, title={Ice}, url={https://ice.example/a}, annote={see doi:10.5555/other}}")
    assert [name.value for name in row.names] == ["https://ice.example/a", "10.5555/other"]
    assert [name.value for name in row.unsure] == ["10.5555/other"]
    for sure in ("note={arXiv: 2503.11692}", "journal={arXiv preprint arXiv:2503.11692}", "eprint={2503.11692}"):
        [row] = rows(f"@misc{{a, title={{Ice}}, {sure}}}")
        assert ([name.value for name in row.names], row.unsure) == ([TIDES], ())
