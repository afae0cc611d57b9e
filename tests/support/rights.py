"""What an address answers to each kind of person, as a row of the table of rights."""

from __future__ import annotations

from typing import Any, NamedTuple

ASKED_FOR_CODE = 302  # to the page where it is given or set up
WAY_IN = 302  # to the sign-in page; on every row below a stranger's 302 from a page that is not open means that


class Row(NamedTuple):
    """What an address answers to each person."""

    path: str
    stranger: int
    reader: int
    """To rita, whose the comment, the tags and the submission are that have an owner."""
    another: int
    """To another reader."""
    curator: int
    staff: int
    on_members_site: int = WAY_IN
    """What a stranger gets there; all others get the same as on a public site."""
    method: str = "GET"
    no_code: int = 0
    """To an administrator without the second factor where one is wanted; 0: the same as to another reader."""


def everybody(path: str, status: int = 200, **more: Any) -> Row:
    return Row(path, status, status, status, status, status, **more)


def members(path: str, status: int = 200, **more: Any) -> Row:
    """For whoever is signed in."""
    return Row(path, WAY_IN, status, status, status, status, **more)


def staff_alone(path: str, status: int = 200, **more: Any) -> Row:
    return Row(path, WAY_IN, 404, 404, 404, status, no_code=ASKED_FOR_CODE, **more)


def office(path: str, status: int = 200, **more: Any) -> Row:
    """For those who look after members."""
    return Row(path, WAY_IN, 404, 404, status, status, no_code=ASKED_FOR_CODE, **more)


def curators(path: str, status: int = 200, **more: Any) -> Row:
    """For curators; the administrator of these tests is one, too."""
    return Row(path, WAY_IN, 404, 404, status, status, no_code=ASKED_FOR_CODE, **more)
