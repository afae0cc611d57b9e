"""Fields for e-mail addresses: typed as people write them, stored and looked for in their one form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.lookups import IExact

from papers.text.mailboxes import AddressError, canonical, canonical_or_same

if TYPE_CHECKING:  # Django's classes take type arguments only in its stubs
    _EmailField = models.EmailField[str, str]
else:
    _EmailField = models.EmailField


def checked(address: str) -> str:
    """The one form of an address.

    Raises:
        ValidationError: it has none.
    """
    try:
        return canonical(address)
    except AddressError as error:
        raise ValidationError(str(error), code="invalid") from error


class AddressFormField(forms.EmailField):
    """An e-mail address; what is cleaned is its one form. Where there is none, the error says why."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return checked(text) if text and "@" in text else text


class AddressField(_EmailField):
    """An e-mail address in its one form, however it was typed: stored so, and looked for so.

    Text that is no address stays as it is, so that looking for it finds nothing.
    """

    def to_python(self, value: Any) -> Any:
        return _same(super().to_python(value))

    def get_prep_value(self, value: Any) -> Any:
        return _same(super().get_prep_value(value))

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = _same(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value

    def formfield(self, **options: Any) -> Any:
        return super().formfield(**{"form_class": AddressFormField, **options})

    def deconstruct(self) -> Any:
        """As Django's own: the column is the same, so migrations need not know of this class."""
        name, _, arguments, options = super().deconstruct()
        return name, "django.db.models.EmailField", arguments, options


def _same(value: Any) -> Any:
    return canonical_or_same(value) if isinstance(value, str) and value else value


@AddressField.register_lookup
class AddressIExact(IExact):
    """`__iexact`, to which Django gives the text as it was typed."""

    prepare_rhs = True
