"""Whose token it is, and what it may do."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from ninja import Field

from papers.api.v1.base import READ, Record, asking, new_router, reader_of

router = new_router("You")


class TokenRecord(Record):
    """The token that asks."""

    name: str
    scopes: list[str] = Field(description="Of `read`, `write`, `curate`.")
    expires_at: datetime = Field(description="UTC.")


class ReaderRecord(Record):
    """The reader whose token it is."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "username": "rita",
                    "role": "reader",
                    "time_zone": "Europe/Berlin",
                    "token": {"name": "laptop", "scopes": ["read", "write"], "expires_at": "2027-03-04T12:00:00Z"},
                }
            ]
        }
    }

    username: str
    role: str = Field(description="`reader`, `curator` or `administrator`.")
    time_zone: str | None = Field(description="Such as `Europe/Berlin`; null: the group's.")
    token: TokenRecord | None = Field(description="null where a session asks.")


@router.get("/me", response=ReaderRecord, summary="Whose token this is", **READ)
def get_me(request: HttpRequest) -> ReaderRecord:
    """The account that the token acts for."""
    user, token = reader_of(request), asking(request).api_token
    record = TokenRecord(name=token.name, scopes=token.scopes, expires_at=token.expires_at) if token else None
    return ReaderRecord(username=user.username, role=user.role.value, time_zone=user.time_zone or None, token=record)
