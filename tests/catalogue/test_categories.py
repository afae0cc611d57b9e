"""arXiv's categories and their other names."""

import pytest

from papers.catalogue.categories import (
    aliases_of,
    archives,
    canonical_categories,
    canonical_code,
    category,
    category_name,
    expand_pattern,
    taxonomy,
)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("cs.CL", "cs.CL"),
        (" CS.cl ", "cs.CL"),
        ("cmp-lg", "cs.CL"),
        ("alg-geom", "math.AG"),
        ("q-alg", "math.QA"),
        ("chao-dyn", "nlin.CD"),
        ("supr-con", "cond-mat.supr-con"),
        ("cs.SY", "eess.SY"),
        ("cs.NA", "math.NA"),
        ("math.IT", "cs.IT"),
        ("math.MP", "math-ph"),
        ("stat.TH", "math.ST"),
        ("q-fin.EC", "econ.GN"),
        ("astro-ph", "astro-ph"),  # takes no papers any more, but old ones carry it
        ("68T50", None),
        ("68U10, 90C26", None),
        ("I.2.7; I.2.6", None),
        ("", None),
        ("test.soft", None),
    ],
)
def test_a_category_has_one_code(code: str, expected: str | None) -> None:
    assert canonical_code(code) == expected


def test_categories_of_a_paper_keep_their_order_and_come_once() -> None:
    codes = ["cs.SY", "cs.LG", "eess.SY", "I.2.6", "68T05", "cs.LG", "math.OC"]
    assert canonical_categories(codes) == ("eess.SY", "cs.LG", "math.OC")


def test_only_foreign_codes_leave_no_category() -> None:
    assert canonical_categories(["68T50", "I.2.7; I.2.6"]) == ()


def test_every_alias_leads_to_a_category_of_the_tree() -> None:
    in_tree = {c.code for archive in archives() for c in archive.categories}
    aliases = {alias for code in in_tree for alias in aliases_of(code)}
    assert len(aliases) == 24
    assert {canonical_code(alias) for alias in aliases} <= in_tree
    assert not aliases & in_tree


def test_names_are_known_under_every_code() -> None:
    assert category_name("cs.CL") == category_name("cmp-lg") == "Computation and Language"
    assert category_name("68T50") == "68T50"
    assert category("nowhere") is None


def test_the_tree_has_every_category_once() -> None:
    codes = [c.code for group in taxonomy() for archive in group.archives for c in archive.categories]
    assert len(codes) == len(set(codes)) == 152
    assert [group.name for group in taxonomy()][:3] == ["Physics", "Mathematics", "Quantitative Biology"]
    assert "Test" not in {group.name for group in taxonomy()}
    assert all(c.name for archive in archives() for c in archive.categories)


@pytest.mark.parametrize(
    ("pattern", "some"),
    [
        ("cs.*", {"cs.AI", "cs.CL", "eess.SY", "math.NA"}),
        ("cs", {"cs.AI", "cs.CL", "eess.SY", "math.NA"}),
        ("math.*", {"math.AG", "cs.IT", "math-ph"}),
        ("astro-ph", {"astro-ph", "astro-ph.CO"}),
        ("astro-ph.*", {"astro-ph", "astro-ph.CO"}),
    ],
)
def test_an_archive_stands_for_its_categories(pattern: str, some: set[str]) -> None:
    assert some <= set(expand_pattern(pattern))
    assert len(expand_pattern(pattern)) == len(set(expand_pattern(pattern)))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("cs.CL", ("cs.CL",)),
        ("cmp-lg", ("cs.CL",)),
        ("hep-th", ("hep-th",)),
        ("hep-th.*", ("hep-th",)),
        ("math-ph", ("math-ph",)),
        ("nonsense", ()),
        ("*", ()),
        ("", ()),
    ],
)
def test_a_single_category_stands_for_itself(pattern: str, expected: tuple[str, ...]) -> None:
    assert expand_pattern(pattern) == expected
