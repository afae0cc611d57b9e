"""A fetch of several parts, of which one may fail while the others go on. Pure."""

from __future__ import annotations

from http import HTTPStatus

from papers.outbound.errors import HostBusyError, HttpStatusError, NetworkError, RefusedError, SlotLostError
from papers.sources.base import SourceError

MAX_NETWORK_ERRORS = 2
"""After so many in one fetch it is the network or the service that fails, and not a part."""
_OF_THE_SERVICE = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_ACCEPTABLE,
        HTTPStatus.GONE,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
    }
)


class PartFailures:
    """The parts of a fetch that failed, each with its reason."""

    def __init__(self) -> None:
        self._failed: list[tuple[str, SourceError]] = []

    def note(self, part: str, error: SourceError) -> None:
        """Keep what happened to a part, as `part` says it in a reader's words.

        Raises:
            SourceError: `error` itself, where asking for other parts would be no use: the service refuses, or nothing
                reaches it.
        """
        self._failed.append((part, error))
        lost = sum(isinstance(failure, NetworkError) for _, failure in self._failed)
        if _is_of_the_service(error) or (isinstance(error, NetworkError) and lost >= MAX_NETWORK_ERRORS):
            raise error

    def raise_if_any(self) -> None:
        """End the fetch as failed, with all reasons, where a part did.

        Raises:
            SourceError: a part failed.
        """
        if self._failed:
            waits = [error.retry_after_seconds for _, error in self._failed if error.retry_after_seconds is not None]
            said = " ".join(dict.fromkeys(f"{part}: {error}" for part, error in self._failed))
            if len(self._failed) == 1:
                error = self._failed[0][1]
                error.args = (said, *error.args[1:])
                raise error
            raise SourceError(said, retry_after_seconds=max(waits, default=None)) from self._failed[0][1]


def _is_of_the_service(error: SourceError) -> bool:
    if isinstance(error, HttpStatusError):
        return error.status in _OF_THE_SERVICE
    return isinstance(error, HostBusyError | RefusedError | SlotLostError)
