"""XML from strangers: bounded, without entities, forgiving where one byte would cost a page."""

from __future__ import annotations

import pytest

from papers.sources.xml import BrokenXmlError, iterate_xml, parse_cut_xml, parse_xml, serialize
from papers.text.xml import child_text, element_text

BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;">]><a>&y;</a>'


@pytest.mark.parametrize(
    "document",
    [
        BOMB,
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd"><a/>',
        b"<!-- so that it is not the first -->\n<!DOCTYPE a []><a/>",
        b'\xef\xbb\xbf<?xml version="1.0"?> <!doctype a><a/>',
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'.encode("utf-16"),
    ],
)
def test_a_document_type_is_refused(document: bytes) -> None:
    with pytest.raises(BrokenXmlError):
        parse_xml(document)
    with pytest.raises(BrokenXmlError):
        list(iterate_xml(document, "a"))


def test_words_about_document_types_are_only_words() -> None:
    assert parse_xml(b"<a><![CDATA[<!DOCTYPE html>]]></a>").text == "<!DOCTYPE html>"


def test_an_entity_of_the_document_is_not_resolved() -> None:
    with pytest.raises(BrokenXmlError):
        parse_xml(b"<a>&unknown;</a>")


@pytest.mark.parametrize("control", [b"\x02", b"\x0b", b"\x1f", b"&#2;", b"&#31;", b"&#x1F;", b"&#0;"])
def test_a_control_character_costs_itself_and_no_more(control: bytes) -> None:
    assert parse_xml(b"<a>one" + control + b"two</a>").text == "onetwo"


@pytest.mark.parametrize("space", [b"&#9;", b"&#10;", b"&#13;", b"&#xA;", b"\t"])
def test_white_space_stays(space: bytes) -> None:
    assert len(parse_xml(b"<a>one" + space + b"two</a>").text or "") == 7


@pytest.mark.parametrize("document", [b"", b"broken xml", b"<a><b>", b"<a>\xff</a>"])
def test_what_is_not_whole_says_what_to_do(document: bytes) -> None:
    with pytest.raises(BrokenXmlError, match="asked for again"):
        parse_xml(document)


def test_a_cut_document_gives_what_came() -> None:
    root = parse_cut_xml(b"<a><b>1</b><b>2</b><b>3")
    assert root is not None
    assert [child.text for child in root] == ["1", "2", "3"]
    assert parse_cut_xml(b"") is None


def test_elements_come_one_by_one_and_are_emptied() -> None:
    seen = list(iterate_xml(b"<a><b>1</b><c/><b>2</b></a>", "b"))
    assert len(seen) == 2
    assert all(element.text is None for element in seen)


def test_what_came_before_the_cut_is_given_before_the_error() -> None:
    elements = iterate_xml(b"<a><b>1</b><b>2</b><b>3", "b")
    assert [next(elements).text, next(elements).text] == ["1", "2"]
    with pytest.raises(BrokenXmlError):
        next(elements)


def test_text_of_a_child_is_all_its_words() -> None:
    root = parse_xml(b"<a><b>one <i>two</i> three</b> tail<c/></a>")
    assert child_text(root, "b") == "one two three"
    assert child_text(root, "c") == ""
    assert child_text(root, "d") is None
    assert element_text(root) == "one two three tail"
    assert serialize(root[0]) == "<b>one <i>two</i> three</b>"
