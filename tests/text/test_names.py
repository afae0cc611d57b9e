"""Names of authors as sources send them, cleaned, split and made into keys. The cases are those of real records."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.text.names import ParsedAuthor, author_key, clean_name, read_people, split_authors

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=60)


def clean_names(raw: list[str]) -> list[str]:
    return list(filter(None, map(clean_name, raw)))


def test_names_that_are_none_are_left_out() -> None:
    raw = [
        "GLM-4. 5 Team",
        ":",
        "A\n  Person",
        "",
        "et al",
        "et. al.",
        "...",
        "J. Doe et al.",
        "Others",
        "江常皓",
        "飞 叶",
    ]
    assert clean_names(raw) == ["GLM-4. 5 Team", "A Person", "J. Doe", "江常皓", "飞 叶"]


def test_names_have_accents_and_no_controls() -> None:
    raw = ["Sophie G\x7fötz", "\u202aAvishai Zagoury\u202c", "P\\'al Erd\\H{o}s", "Jean~Dupont,", "Ales\u030c X"]
    assert clean_names(raw) == ["Sophie Götz", "Avishai Zagoury", "Pál Erdős", "Jean Dupont", "Aleš X"]


def test_a_name_that_holds_all_authors_is_kept_whole() -> None:
    raw = "Xiangyu Kongand Xiaoxia Xingand " * 40
    assert clean_names([raw]) == [raw.strip()]


def test_three_thousand_authors_keep_their_order() -> None:
    raw = [f"Author {number}" for number in range(3_303)]
    assert clean_names(raw) == raw
    assert [author.name for author in split_authors(", ".join(raw))] == raw


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            "A. Person, B. Other and C. Third",
            [ParsedAuthor("A. Person"), ParsedAuthor("B. Other"), ParsedAuthor("C. Third")],
        ),
        ("A. Person, and B. Other; C. Third & D. Fourth", ["A. Person", "B. Other", "C. Third", "D. Fourth"]),
        (
            "C. Neri (Dresdner Kleinwort, London, UK) and D. Foo",
            [ParsedAuthor("C. Neri", "Dresdner Kleinwort, London, UK"), ParsedAuthor("D. Foo")],
        ),
        (
            "A. Person (1 and 2), B. Other (2), for the X collaboration ((1) Somewhere, U.S.A., (2) Elsewhere)",
            [
                ParsedAuthor("A. Person", "Somewhere, U.S.A.; Elsewhere"),
                ParsedAuthor("B. Other", "Elsewhere"),
                ParsedAuthor("X collaboration"),
            ],
        ),
        (
            "A. Person (Uni (Dept of X), Town), B. Other",
            [ParsedAuthor("A. Person", "Uni (Dept of X), Town"), ParsedAuthor("B. Other")],
        ),
        ("The Big Collaboration: A. Person, B. Other, et al.", ["Big Collaboration", "A. Person", "B. Other"]),
        ("A. Person on behalf of the Euclid Consortium", ["A. Person", "Euclid Consortium"]),
        ("Euclid Collaboration, A. Person", ["Euclid Collaboration", "A. Person"]),
        ("The Anh Nguyen, Fernando Iemma", ["The Anh Nguyen", "Fernando Iemma"]),
        ('J. Smith, Jr., K. Lee III and M. M\\"uller', ["J. Smith, Jr.", "K. Lee III", "M. Müller"]),
        ("A. Person (never closed, B. Other", ["A. Person (never closed", "B. Other"]),
        ("A. Person (1)", [ParsedAuthor("A. Person")]),
        ("飞 叶, 江常皓", ["飞 叶", "江常皓"]),
        ("et. al.", []),
        (" , ,; ", []),
        ("", []),
    ],
)
def test_authors_in_one_string_are_split(raw: str, expected: list[ParsedAuthor | str]) -> None:
    assert split_authors(raw) == [ParsedAuthor(author) if isinstance(author, str) else author for author in expected]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        # family names and initials alternate
        ("Holm, C., Ruiz-Lopez, B. C., van den Berg, A., Li, X.",
         ["C. Holm", "B. C. Ruiz-Lopez", "A. van den Berg", "X. Li"]),
        ("Holm, C., Ruiz, B., & Li, X.", ["C. Holm", "B. Ruiz", "X. Li"]),
        ("Holm, C., Jr., Ruiz, B. and Dupont, J.-P.", ["C. Holm, Jr.", "B. Ruiz", "J.-P. Dupont"]),
        ("Holm, C, Ruiz, BC, Li, X", ["C Holm", "BC Ruiz", "X Li"]),
        ("Петров, Ю. А., Иванов, И.", ["Ю. А. Петров", "И. Иванов"]),
        ("García Márquez, G., Li, X., LHCb Collaboration", ["G. García Márquez", "X. Li", "LHCb Collaboration"]),
        ("Holm, M.D., Ruiz, B.", ["M.D. Holm", "B. Ruiz"]),
        # semicolons, or "and" between them
        ("Holm, Chiara; Ruiz, Berta C.; Li, Xin", ["Chiara Holm", "Berta C. Ruiz", "Xin Li"]),
        ("Holm, Chiara; Ruiz Lopez, Berta Carla; and Plato", ["Chiara Holm", "Berta Carla Ruiz Lopez", "Plato"]),
        ("Holm, Chiara, Jr.; Ruiz, Berta, PhD", ["Chiara Holm, Jr.", "Berta Ruiz"]),
        ("Holm, Chiara and Ruiz, Berta and van den Berg, Anna Maria",
         ["Chiara Holm", "Berta Ruiz", "Anna Maria van den Berg"]),
        ("Holm, Chiara; CERN Team", ["Chiara Holm", "CERN Team"]),
        ("Ann Lee;Bo Chen;María García", ["Ann Lee", "Bo Chen", "María García"]),
        ("A. Person, B. Other; C. Third, D. Fourth", ["A. Person", "B. Other", "C. Third", "D. Fourth"]),
        # suffixes, degrees and marks
        ("Chiara Holm, PhD, Berta Ruiz, M.D., Xin Li III", ["Chiara Holm", "Berta Ruiz", "Xin Li III"]),
        ("Chiara Holm, Jr., Berta Ruiz, MPH, PhD", ["Chiara Holm, Jr.", "Berta Ruiz"]),
        ("Chiara Holm*, Berta Ruiz†, Xin Li¹˒²", ["Chiara Holm", "Berta Ruiz", "Xin Li"]),
        ("Chiara Holm1,2, Berta Ruiz2,*, Xin Li1", ["Chiara Holm", "Berta Ruiz", "Xin Li"]),
        # groups, one name, other scripts
        ("A. Person, B. Other, and C. Third (LHCb Collaboration)",
         ["A. Person", "B. Other", "C. Third", "LHCb Collaboration"]),
        ("A. Person (Research Group, Some University)", [ParsedAuthor("A. Person", "Research Group, Some University")]),
        ("Plato, Aristotle and Hypatia", ["Plato", "Aristotle", "Hypatia"]),
        ("王伟、李雷；韩梅梅", ["王伟", "李雷", "韩梅梅"]),
        ("山田 太郎，鈴木 花子", ["山田 太郎", "鈴木 花子"]),
        ("Qwen Team, Google, IBM", ["Qwen Team", "Google", "IBM"]),
    ],
)  # fmt: skip
def test_a_comma_may_be_part_of_a_name(raw: str, expected: list[ParsedAuthor | str]) -> None:
    assert split_authors(raw) == [ParsedAuthor(author) if isinstance(author, str) else author for author in expected]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("Holm, Chiara", ["Chiara Holm"]),
        ("Chiara Holm", ["Chiara Holm"]),
        ("Chiara Holm, Berta Ruiz", ["Chiara Holm", "Berta Ruiz"]),
        ("Chiara Holm and Berta Ruiz", ["Chiara Holm", "Berta Ruiz"]),
        ("Holm, C., Ruiz, B.", ["C. Holm", "B. Ruiz"]),
        ("Chiara Holm, PhD", ["Chiara Holm"]),
        ("Holm, Chiara, Jr.", ["Chiara Holm, Jr."]),
        ("Holm, Jr., Chiara", ["Chiara Holm, Jr."]),
        ("van den Berg, Anna Maria", ["Anna Maria van den Berg"]),
        ("Ruiz Lopez, Berta C.", ["Berta C. Ruiz Lopez"]),
        ("LHCb Collaboration", ["LHCb Collaboration"]),
        ("Plato", ["Plato"]),
        ("王伟, 李雷", ["王伟", "李雷"]),
        ("王, 伟", ["王伟"]),
        ("Holm,", ["Holm"]),
        (" ; , ", []),
    ],
)
def test_a_field_of_one_or_several(field: str, expected: list[str]) -> None:
    assert [each.name for each in read_people(field)] == expected


@given(st.text(alphabet="AB. ,;()and1:\\'{}", max_size=60))
def test_any_string_of_authors_gives_names(raw: str) -> None:
    assert all(author.name.strip() == author.name != "" for author in split_authors(raw))


@pytest.mark.parametrize(
    ("names", "key"),
    [
        (
            ["Özgür Müller", "Müller, Özgür", "OZGUR MULLER", "Ozgür  Müller", "Mu\u0308ller, O\u0308zgu\u0308r"],
            "ozgur muller",
        ),
        (["J. Smith", "Smith, J.", "J Smith"], "j smith"),
        (["Chiara Holm", "Holm, Chiara, Ph.D.", "Chiara Holm, PhD", "Chiara Holm, M.D."], "chiara holm"),
        (["John Smith Jr.", "Smith, John, Jr.", "John Smith, Jr."], "john smith jr"),
        (["Anne-Marie O’Neil", "O'Neil, Anne Marie"], "anne marie oneil"),
        (["Łukasz Ørsted-Þór"], "lukasz orsted thor"),
        (["飞 叶"], "飞 叶"),
        (["がぎ"], "がぎ"),
        (["김민수"], "김민수"),
        (["हिन्दी नाम"], "हिन्दी नाम"),
        (["𝐁old Name"], "bold name"),
        ([":"], ""),
    ],
)
def test_one_author_has_one_key(names: list[str], key: str) -> None:
    assert {author_key(name) for name in names} == {key}


@given(ANY_TEXT)
def test_a_key_is_its_own_key(name: str) -> None:
    key = author_key(name)
    assert key == author_key(key)


@given(st.text(st.characters(max_codepoint=127, exclude_characters=",")))
def test_names_of_ascii_are_read_as_all_others(name: str) -> None:
    assert author_key(f"{name} ω") == f"{author_key(name)} ω".strip()
