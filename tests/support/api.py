"""Calls of the API in tests: a client with a token, and what its answers say."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from django.test import Client
from django.utils import timezone

from papers.models import User
from papers.services.accounts.api_tokens import create_token

ALL_SCOPES = ("read", "write")


class ApiClient:
    """A program: each call returns Django's answer; paths are below /api/v1."""

    def __init__(self, user: User | None = None, *, scopes: Collection[str] = ALL_SCOPES, key: str = "") -> None:
        self.key = key
        if user is not None:
            _, self.key = create_token(user=user, name="test", scopes=scopes, now=timezone.now())
        self.client = Client(enforce_csrf_checks=True)

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        about: dict[str, Any] = {
            "headers": {**({"Authorization": f"Bearer {self.key}"} if self.key else {}), **headers}
        }
        if body is not None:
            about |= {"data": json.dumps(body), "content_type": "application/json"}
        return self.client.generic(method, f"/api/v1{path}", **about)

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def put(self, path: str, body: object = None) -> Any:
        return self.call("PUT", path, body)

    def post(self, path: str, body: object) -> Any:
        return self.call("POST", path, body)

    def delete(self, path: str) -> Any:
        return self.call("DELETE", path)
