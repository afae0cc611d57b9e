"""What programs make by an id of their own: the same id twice makes one thing, and answers the same."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from papers.models import ClientKey, User


class ClientKeyTakenError(Exception):
    """The id was given to something of another kind."""


@dataclass(frozen=True, slots=True)
class MadeRow:
    """What an act made, and the paper that it found instead or beside."""

    made_id: int | None = None
    paper_id: int | None = None


def make_once(*, user: User, key: uuid.UUID, kind: str, make: Callable[[], MadeRow]) -> tuple[MadeRow, bool]:
    """What `make` made under this id, now or before; and whether that was now. Two at once make one thing.

    What fails is not remembered: it may be tried again under its id.

    Raises:
        ClientKeyTakenError: the id was given to something of another kind.
        Whatever `make` raises.
    """
    with transaction.atomic():
        # Who comes second waits here for the first, and then finds its row.
        row, is_new = ClientKey.objects.get_or_create(
            user=user, key=key, defaults={"kind": kind, "created_at": timezone.now()}
        )
        if row.kind != kind:
            raise ClientKeyTakenError("This id was given to something else.")
        if not is_new:
            return MadeRow(row.made_id, row.paper_id), False
        made = make()
        ClientKey.objects.filter(user=user, key=key).update(made_id=made.made_id, paper=made.paper_id)
        return made, True
