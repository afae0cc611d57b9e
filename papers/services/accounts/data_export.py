"""An account's data as one zip: JSON for programs, BibTeX for papers, Markdown for notes."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterable
from typing import IO, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Case, ForeignObjectRel, Model, Q, QuerySet, TextField, Value, When
from django.utils.text import slugify

from papers.citations.registry import format_papers
from papers.hooks import account_exported
from papers.models import Followed, LibraryItem, Paper, SharedListPaper, TaggedPaper, User

# Keys to the account, not what is in it; and what the admin notes of others.
_LEFT_OUT = frozenset(
    {"feedkey", "loginlink", "usersession", "authenticator", "socialtoken", "logentry", "emailconfirmation"}
)
_SECRET_FIELDS = frozenset(
    {"token_digest", "session_key", "password", "key_digest", "key_nonce", "clubmail.message", "clubmail.lease"}
)
_IN_MEMORY_BYTES = 2_000_000

EXPORT_README = """What Broadsheet keeps of you.

account.json   everything, for programs: your profile, votes, comments, tags, library, and what else there is.
papers.bib     the papers you voted for, tagged or saved, for reference managers.
notes/         your notes, one Markdown file a paper.
"""


def export_account(user: User) -> IO[bytes]:
    """The zip, open at its start; the caller closes it. In memory up to 2 MB, else in a temporary file."""
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", EXPORT_README)
        archive.writestr(
            "account.json", json.dumps(_account(user), cls=DjangoJSONEncoder, indent=1, ensure_ascii=False)
        )
        with archive.open("papers.bib", "w") as entry:
            for part in format_papers(_papers(user).iterator(chunk_size=500), "bib"):
                entry.write(part.encode())
        for item in _notes(user):
            name = slugify(item.paper.public_id.replace("/", "-").replace(".", "_")).replace("_", ".")
            archive.writestr(f"notes/{name}.md", f"# {item.paper.title}\n\n{item.note}\n")
    file.seek(0)
    return file


def _account(user: User) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "profile": {
            "email": user.email,
            "username": user.username,
            "time_zone": user.time_zone,
            "date_joined": user.date_joined,
            "last_login": user.last_login,
        },
        "tagged_papers": list(
            TaggedPaper.objects.filter(tag__user=user)
            .order_by("tag__name", "created_at")
            .values("tag__name", "paper__public_id", "created_at")
        ),
        "shared_list_papers": _list_papers(user),
        "following": list(Followed.objects.of(user).values("kind", "name", "key")),
    }
    for relation in User._meta.related_objects:
        if relation.related_model._meta.model_name not in _LEFT_OUT and relation.field.concrete:
            parts[_name(relation)] = _rows(relation, user)
    account_exported.notify(user, parts)
    return parts


def _name(relation: ForeignObjectRel) -> str:
    return relation.get_accessor_name() or f"{relation.related_model._meta.model_name}_{relation.field.name}"


def _rows(relation: ForeignObjectRel, user: User) -> list[dict[str, Any]]:
    """The rows of another table that point to the account; a paper is named by its public id."""
    model: type[Model] = relation.related_model
    names = {
        field.name: {field.name, f"{model._meta.model_name}.{field.name}"} for field in model._meta.concrete_fields
    }
    fields = [field for field in model._meta.concrete_fields if not names[field.name] & _SECRET_FIELDS]
    columns = ["paper__public_id" if field.name == "paper" else field.attname for field in fields]
    found: QuerySet[Any] = model._default_manager.filter(**{relation.field.name: user})
    return list(found.order_by("pk").values(*columns))


def _list_papers(user: User) -> list[dict[str, Any]]:
    """What somebody put on shared lists or wrote there; another's note at it is not theirs."""
    found = SharedListPaper.objects.filter(Q(added_by=user) | Q(noted_by=user)).order_by("shared_list", "position")
    own_note = Case(When(noted_by=user, then="note"), default=Value(""), output_field=TextField())
    columns = ("shared_list__slug", "paper__public_id", "added_at", "noted_at")
    return list(found.annotate(own_note=own_note).values(*columns, "own_note"))


def _papers(user: User) -> QuerySet[Paper]:
    """Each paper once; three short lists of keys, not one join of three tables."""
    return Paper.objects.for_cards().filter(pk__in=set(_paper_ids(user))).order_by("pk")


def _paper_ids(user: User) -> Iterable[int]:
    yield from user.votes.values_list("paper", flat=True)
    yield from user.library.values_list("paper", flat=True)
    yield from TaggedPaper.objects.filter(tag__user=user).values_list("paper", flat=True)


def _notes(user: User) -> QuerySet[LibraryItem]:
    return user.library.exclude(note="").select_related("paper").order_by("pk")
