"""The schema: what was promised holds, what is there is recorded, and the page says all of it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from django.test import Client

from config.api_urls import api
from papers.web.api_reference import read_reference
from tests.support.api_contract import RECORD, broken, contract

SCHEMA: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema()))
RECORDED = RECORD.read_text(encoding="utf-8").splitlines()


def test_nothing_that_clients_count_on_has_changed() -> None:
    assert broken(RECORDED, contract(SCHEMA)) == []


def test_what_is_new_is_recorded() -> None:
    assert contract(SCHEMA) == RECORDED, "python -m tests.support.api_contract, and a line in CHANGELOG.md"


def test_a_breaking_change_is_found() -> None:
    def changed(change: Any) -> list[str]:
        other = copy.deepcopy(SCHEMA)
        change(other["paths"], other["components"]["schemas"])
        return broken(RECORDED, contract(other))

    assert changed(lambda paths, _: paths.pop("/api/v1/me"))
    assert changed(lambda _, schemas: schemas["PaperRecord"]["properties"].pop("title"))
    assert changed(lambda _, schemas: schemas["PaperRecord"]["properties"].update(votes={"type": "string"}))
    assert changed(lambda _, schemas: schemas["LibraryChoice"].update(required=["state"]))
    assert changed(lambda paths, _: paths["/api/v1/papers"]["get"]["parameters"][0].update(required=True))
    required = {"in": "query", "name": "why", "schema": {"type": "string"}, "required": True}
    assert changed(lambda paths, _: paths["/api/v1/papers"]["get"]["parameters"].append(required))
    optional = {"in": "query", "name": "why", "schema": {"type": "string"}}
    assert not changed(lambda paths, _: paths["/api/v1/papers"]["get"]["parameters"].append(optional))
    assert not changed(lambda _, schemas: schemas["PaperRecord"]["properties"].update(mood={"type": "string"}))


def test_it_is_whole() -> None:
    assert SCHEMA["openapi"] == "3.1.0"
    operations = [one for address in SCHEMA["paths"].values() for one in address.values()]
    assert len({one["operationId"] for one in operations}) == len(operations) > 60
    for one in operations:
        assert one["summary"], one["operationId"]
        assert one["description"], one["operationId"]
        assert one["security"], one["operationId"]
    bodies = {
        content["schema"].get("$ref", content["schema"].get("anyOf", [{}])[0].get("$ref"))
        for one in operations
        for content in one.get("requestBody", {}).get("content", {}).values()
    }
    for name in bodies:
        assert SCHEMA["components"]["schemas"][name.rsplit("/", 1)[1]]["examples"], name


@pytest.mark.django_db
def test_the_page_says_all_of_it() -> None:
    answer = Client().get("/api/docs")
    page = answer.content.decode().replace("<wbr>", "")
    groups = read_reference(SCHEMA)
    for operation in (operation for group in groups for operation in group.operations):
        assert f"{operation.method} {operation.path}" in page
        assert f'id="{operation.anchor}"' in page
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "authors[].orcid" in page
    served = Client().get("/api/v1/openapi.json")
    assert served.json() == SCHEMA
    assert served["Content-Type"] == "application/json"
