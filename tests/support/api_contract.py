"""What clients of the API may count on, as lines of text, one a promise: compared with those that were recorded.

`python -m tests.support.api_contract` records them anew, which is right after something was added.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

RECORD = Path(__file__).resolve().parent.parent / "api" / "contract_v1.txt"
_MOST_DEEP = 6


def contract(schema: Mapping[str, Any]) -> list[str]:
    """All promises of a schema (OpenAPI 3.1), sorted."""
    return sorted(set(_lines(schema)))


def broken(recorded: list[str], now: list[str]) -> list[str]:
    """The promises that hold no more, and what is asked for since that was not: old clients don't send it."""
    lost = [line for line in recorded if line not in now]
    known = {line.partition(" takes ")[0] for line in recorded}
    asked = [
        line
        for line in now
        if line not in recorded and line.endswith(", required") and line.partition(" takes ")[0] in known
    ]
    return lost + [f"new: {line}" for line in asked if " takes " in line]


def _lines(schema: Mapping[str, Any]) -> Iterator[str]:
    for path, address in schema["paths"].items():
        for method, operation in address.items():
            name = f"{method.upper()} {path}"
            scopes = sorted({scope for way in operation.get("security", []) for one in way.values() for scope in one})
            yield f"{name} is {operation['operationId']}, for {', '.join(scopes) or 'anybody'}"
            for one in operation.get("parameters", []):
                needs = ", required" if one.get("required") else ""
                yield f"{name} takes {one['in']} {one['name']}: {_type(schema, one['schema'])}{needs}"
            for content in operation.get("requestBody", {}).get("content", {}).values():
                for member, kind, is_required in _members(schema, content["schema"]):
                    yield f"{name} takes body {member}: {kind}{', required' if is_required else ''}"
            for status, answer in operation["responses"].items():
                if status < "300":
                    yield f"{name} gives {status}"
                    for content in answer.get("content", {}).values():
                        for member, kind, _ in _members(schema, content["schema"]):
                            yield f"{name} gives {status} {member}: {kind}"


def _resolved(schema: Mapping[str, Any], one: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schema["components"]["schemas"][one["$ref"].rsplit("/", 1)[1]] if "$ref" in one else one
    return found


def _members(
    schema: Mapping[str, Any], one: Mapping[str, Any], before: str = "", deep: int = 0
) -> Iterator[tuple[str, str, bool]]:
    found = _resolved(schema, one)
    for option in found.get("anyOf", ()):
        yield from _members(schema, option, before, deep)
    if found.get("type") == "array":
        yield from _members(schema, found["items"], f"{before}[]", deep)
    for name, member in found.get("properties", {}).items():
        yield f"{before}.{name}", _type(schema, member), name in found.get("required", ())
        if deep < _MOST_DEEP:
            yield from _members(schema, member, f"{before}.{name}", deep + 1)


def _type(schema: Mapping[str, Any], one: Mapping[str, Any]) -> str:
    found = _resolved(schema, one)
    if "anyOf" in found:
        return " or ".join(_type(schema, option) for option in found["anyOf"])
    if "enum" in found or "const" in found:
        return "/".join(map(str, found.get("enum", [found.get("const")])))
    if found.get("type") == "array":
        return f"list of {_type(schema, found['items'])}"
    return " ".join(filter(None, [str(found.get("type", "anything")), found.get("format", "")]))


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from config.api_urls import api

    RECORD.write_text("\n".join(contract(json.loads(json.dumps(api.get_openapi_schema())))) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
