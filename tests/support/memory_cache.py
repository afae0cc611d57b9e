"""A cache in memory that takes what the one in Redis takes, and gives back what that gives back."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.cache.backends.locmem import LocMemCache

from config.cached_values import CachedValues

_MISSING = object()


class SealedMemoryCache(LocMemCache):
    """Django's, with values as `config.cached_values` writes and reads them: tuples become lists, objects an error."""

    @property
    def _values(self) -> CachedValues:
        return CachedValues(settings.SECRET_KEY, settings.VERSION)

    def add(self, key: str, value: Any, timeout: Any = None, version: int | None = None) -> bool:
        stored = self._values.write(self.make_key(key, version), value)
        return super().add(key, stored, timeout or self.default_timeout, version)

    def set(self, key: str, value: Any, timeout: Any = None, version: int | None = None) -> None:
        stored = self._values.write(self.make_key(key, version), value)
        super().set(key, stored, timeout or self.default_timeout, version)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        stored = super().get(key, _MISSING, version)
        if stored is _MISSING:
            return default
        data = stored if isinstance(stored, bytes) else str(stored).encode()
        return self._values.read(self.make_key(key, version), data)
