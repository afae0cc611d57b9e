"""The people of the tests: a reader, a curator, an administrator, and a stranger, who has no account."""

from __future__ import annotations

from typing import Any

from django.test import Client

from papers.models import User

PASSWORD = "correct-horse-battery"


def reader(name: str = "rita", **fields: Any) -> User:
    return User.objects.create_user(f"{name}@example.org", name, PASSWORD, **fields)


def curator(name: str = "carl") -> User:
    return reader(name, is_curator=True)


def staff(name: str = "ada") -> User:
    return User.objects.create_superuser(f"{name}@example.org", name, PASSWORD)


def anonymous_client() -> Client:
    """The browser of somebody who isn't signed in."""
    return Client()


def client_of(user: User) -> Client:
    """The browser of somebody who is."""
    client = Client()
    client.force_login(user)
    return client


def sure_client_of(user: User) -> Client:
    """The browser of somebody who is, and has typed the password once more a moment ago."""
    client = client_of(user)
    client.post("/sign-in/again", {"password": PASSWORD})
    return client
