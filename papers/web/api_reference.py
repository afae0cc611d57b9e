"""The schema of the API in the shape of its page: pure, from OpenAPI 3.1 to what a template walks through."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MOST_DEEP = 3


@dataclass(frozen=True, slots=True)
class ReferenceField:
    """A parameter, or a member of a body or an answer."""

    name: str
    type: str
    """In words, such as `list of text`."""
    is_required: bool
    description: str
    place: str = ""
    """`path` or `query`; empty for what is in a body."""


@dataclass(frozen=True, slots=True)
class ReferenceOperation:
    """One address by one method."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    needs: str
    """The scope that a token must have; empty where none is needed."""
    parameters: list[ReferenceField]
    body: list[ReferenceField]
    answers: list[tuple[str, str, list[ReferenceField]]]
    """Status, what it means, and the members of what is good."""
    errors: str
    """The statuses of what is not."""
    example: str
    """An answer as JSON; empty where there is none."""

    @property
    def steps(self) -> list[str]:
        """The path in pieces, between which a line may break."""
        return [f"/{step}" for step in self.path.strip("/").split("/")]


@dataclass(frozen=True, slots=True)
class ReferenceGroup:
    """The operations of one resource."""

    name: str
    anchor: str
    operations: list[ReferenceOperation]


def read_reference(schema: Mapping[str, Any]) -> list[ReferenceGroup]:
    """The groups, in the order in which they first come."""
    groups: dict[str, list[ReferenceOperation]] = {}
    for path, address in schema["paths"].items():
        for method, operation in address.items():
            name = next(iter(operation.get("tags", [])), "Other")
            groups.setdefault(name, []).append(_operation(schema, path, method, operation))
    return [ReferenceGroup(name, name.lower().replace(" ", "-"), operations) for name, operations in groups.items()]


def _operation(schema: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> ReferenceOperation:
    scopes = [scope for way in operation.get("security", []) for scope in next(iter(way.values()), [])]
    good = {status: one for status, one in operation["responses"].items() if status < "300"}
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return ReferenceOperation(
        anchor=operation["operationId"].replace("_", "-"),
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=_plain(operation.get("description", "")),
        needs=next(iter(scopes), ""),
        parameters=[_parameter(schema, one) for one in operation.get("parameters", [])],
        body=_members(schema, body),
        answers=[(status, one["description"], _members(schema, _schema_of(one))) for status, one in good.items()],
        errors=", ".join(status for status in sorted(operation["responses"]) if status >= "400"),
        example=_example(schema, good),
    )


def _parameter(schema: Mapping[str, Any], one: Mapping[str, Any]) -> ReferenceField:
    return ReferenceField(
        name=one["name"],
        type=_type(schema, one["schema"]),
        is_required=one.get("required", False),
        description=_plain(one.get("description", "")),
        place=one["in"],
    )


def _plain(text: str) -> str:
    """A description without the marks of Markdown's code."""
    return text.replace("`", "")


def _schema_of(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = answer.get("content", {}).get("application/json", {}).get("schema", {})
    return found


def _members(
    schema: Mapping[str, Any], one: Mapping[str, Any], before: str = "", deep: int = 0
) -> list[ReferenceField]:
    """The members of an object, those of objects inside it behind a dot."""
    found = _resolved(schema, one)
    rows: list[ReferenceField] = []
    for name, member in found.get("properties", {}).items():
        rows.append(
            ReferenceField(
                name=f"{before}{name}",
                type=_type(schema, member),
                is_required=name in found.get("required", ()),
                description=_plain(member.get("description", "")),
            )
        )
        inner, mark = _inner(member)
        if deep < _MOST_DEEP and "properties" in _resolved(schema, inner):
            rows += _members(schema, inner, f"{before}{name}{mark}.", deep + 1)
    return rows


def _inner(member: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """What a list or a member that may be null holds, and how that is marked."""
    if "items" in member:
        return member["items"], "[]"
    others = [one for one in member.get("anyOf", ()) if one.get("type") != "null"]
    return (others[0], "") if len(others) == 1 else (member, "")


def _resolved(schema: Mapping[str, Any], one: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in one:
        return one
    found: Mapping[str, Any] = schema["components"]["schemas"][one["$ref"].rsplit("/", 1)[1]]
    return found


_WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "null"}
_FORMATS = {"date-time": "moment", "date": "day", "uuid": "UUID", "uri": "address"}


def _type(schema: Mapping[str, Any], one: Mapping[str, Any]) -> str:
    if "$ref" in one:
        resolved = _resolved(schema, one)
        return _type(schema, resolved) if "enum" in resolved else str(resolved.get("title", "object"))
    if "anyOf" in one:
        return " or ".join(_type(schema, each) for each in one["anyOf"])
    if "enum" in one or "const" in one:
        return ", ".join(json.dumps(value) for value in one.get("enum", [one.get("const")]))
    if one.get("type") == "array":
        return f"list of {_type(schema, one.get('items', {}))}"
    if one.get("type") == "object":
        return "object"
    return _FORMATS.get(one.get("format", "")) or _WORDS.get(str(one.get("type", "")), "anything")


def _example(schema: Mapping[str, Any], good: Mapping[str, Any]) -> str:
    """The example of the first good answer that has one; of a page, with one item."""
    for answer in good.values():
        found = _resolved(schema, _schema_of(answer))
        if examples := found.get("examples"):
            return json.dumps(examples[0], indent=2, ensure_ascii=False)
        items = found.get("properties", {}).get("items", {}).get("items", {})
        if items and (examples := _resolved(schema, items).get("examples")):
            more = {"next": None} if "next" in found["properties"] else {}
            return json.dumps({"items": examples[:1], **more}, indent=2, ensure_ascii=False)
    return ""
