"""What passes between a process and its children that read strangers' bytes: jobs and their outcomes, pickled.

What comes back is unpickled by a reader that knows nothing but this project's own classes, dates and exceptions: a
child that strangers' bytes have led astray can send a wrong answer, and run nothing here.
"""

from __future__ import annotations

import builtins
import io
import pickle
import struct
from dataclasses import dataclass
from typing import Any

REQUEST_BYTES = 200
"""Of the message that comes with a job's socket: the name of its module, filled up with blanks."""
STARTED = b"S"
"""A child's first byte: the job has reached it."""
MAX_RESULT_BYTES = 256 * 1024 * 1024
_LENGTH = struct.Struct("!Q")
_PACKAGES = ("papers.",)
_NAMES = frozenset(
    {("datetime", name) for name in ("datetime", "date", "time", "timedelta", "timezone")}
    | {("builtins", name) for name in ("set", "frozenset", "bytearray", "complex")}
    | {("collections", "OrderedDict"), ("types", "MappingProxyType")}
)


@dataclass(frozen=True, slots=True)
class Job:
    """A call of a module's function."""

    module: str
    function: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the function returned, or the exception that it raised, with the traceback as text."""

    value: Any = None
    error: BaseException | None = None
    traceback: str = ""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        found = getattr(builtins, name, None) if module == "builtins" else None
        if isinstance(found, type) and issubclass(found, Exception):
            return found
        if "." not in name and (module.startswith(_PACKAGES) or (module, name) in _NAMES):
            found = super().find_class(module, name)
            if isinstance(found, type):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is not to be read here")


def pack(message: Job | Outcome) -> bytes:
    """The message with its length before it."""
    data = pickle.dumps(message, protocol=5)
    return _LENGTH.pack(len(data)) + data


def unpack_job(data: bytes) -> Job:
    """A job; it comes from the process that started this one."""
    job = pickle.loads(_whole(data))  # noqa: S301
    if not isinstance(job, Job):
        raise pickle.UnpicklingError("It is no job")
    return job


def unpack_outcome(data: bytes) -> Outcome:
    """An outcome.

    Raises:
        EOFError: it was cut.
        pickle.UnpicklingError: it holds something that is not to be read here.
    """
    outcome = _Unpickler(io.BytesIO(_whole(data))).load()
    if not isinstance(outcome, Outcome):
        raise pickle.UnpicklingError("It is no outcome")
    return outcome


def _whole(data: bytes) -> bytes:
    if len(data) < _LENGTH.size or len(data) - _LENGTH.size < _LENGTH.unpack_from(data)[0]:
        raise EOFError("The message was cut")
    return data[_LENGTH.size :]
