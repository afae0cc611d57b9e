"""What the outbound client is asked, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

# arXiv answers 406 where no Accept header is sent.
ACCEPT = "application/atom+xml, application/xml;q=0.9, */*;q=0.8"
MAX_BYTES = 10_000_000
IDLE_SECONDS = 150.0  # arXiv was seen to take 124 seconds to answer "Rate exceeded."
DEADLINE_SECONDS = 180.0
WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """One GET, or one POST where there is a body.

    `group` is the host group whose rate limit it keeps to; a source with its own base URL still names its group.
    """

    url: str
    group: str
    params: Mapping[str, str | int] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """More headers, such as Authorization. They go to this host only, not where it redirects to."""
    accept: str = ACCEPT
    body: bytes = b""
    """What to POST; its answer may not be a redirect."""
    content_type: str = ""
    method: str = "POST"
    """How a body is sent: POST or PUT."""
    is_private: bool = False
    """The address itself is a secret, such as one that everybody may post to: the log names the host alone."""
    etag: str = ""
    last_modified: str = ""
    max_bytes: int = MAX_BYTES
    """Of the decoded body."""
    deadline_seconds: float = DEADLINE_SECONDS
    """From the first connection to the last byte, redirects included, waiting for slots not."""
    idle_seconds: float = IDLE_SECONDS
    wait_seconds: float = WAIT_SECONDS
    """How long to wait for a slot of the group before giving up with `HostBusyError`."""


@dataclass(frozen=True, slots=True)
class FetchResponse:
    """A whole answer of status 200 or 203, or a 304 to the validators that were sent."""

    url: str
    """Where the answer came from, after redirects."""
    status: int
    headers: Mapping[str, str]
    """With names in lower case."""
    body: bytes
    etag: str
    """As it came; after a 304 without one, what was sent."""
    last_modified: str
    moved_to: str | None
    """The address to use from now on, where the asked one said 301 or 308."""
    permanent_redirects: int
    wire_bytes: int
    """Of the body as it came, packed."""
    seconds: float
    """Of the whole exchange, without the waits for slots."""

    @property
    def is_not_modified(self) -> bool:
        return self.status == HTTPStatus.NOT_MODIFIED

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


@dataclass(frozen=True, slots=True)
class RequestReport:
    """What one request cost, for the log of a run. Each redirect is a request of its own."""

    url: str
    status: int | None
    wire_bytes: int
    decoded_bytes: int
    seconds: float
    error: str = ""
