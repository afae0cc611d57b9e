"""Reads a compose file as Docker Compose does, as far as ours goes; what it does not know is an error. Pure.

The words are those of the Compose Specification (https://github.com/compose-spec/compose-spec).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_KEYS = {
    "build", "cap_add", "cap_drop", "command", "depends_on", "entrypoint", "env_file", "environment", "healthcheck",
    "image", "init", "logging", "mem_limit", "ports", "read_only", "restart", "security_opt", "shm_size",
    "stop_grace_period", "stop_signal", "tmpfs", "user", "volumes", "working_dir",
}  # fmt: skip
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class ComposeError(Exception):
    """What is wrong with the file, or what is missing in the environment; a sentence."""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """How a service is asked whether it is well. All times in seconds."""

    command: tuple[str, ...]
    interval: float = 30.0
    timeout: float = 30.0
    retries: int = 3
    start_period: float = 0.0

    @property
    def patience(self) -> float:
        """How long it may take from the start until Docker calls it unhealthy, at most."""
        return self.start_period + self.retries * (self.interval + self.timeout)


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """One service: its keys as they stand in the file, variables put in."""

    name: str
    keys: Mapping[str, Any]
    environment: Mapping[str, str]

    @property
    def image(self) -> str:
        return str(self.keys["image"])

    @property
    def conditions(self) -> dict[str, str]:
        """Service → what this one waits for: service_started, service_healthy or service_completed_successfully."""
        wanted = self.keys.get("depends_on") or {}
        if isinstance(wanted, list):
            return dict.fromkeys(wanted, "service_started")
        return {name: (how or {}).get("condition", "service_started") for name, how in wanted.items()}

    @property
    def command(self) -> tuple[str, ...]:
        return _words(self.keys.get("command"))

    @property
    def health_check(self) -> HealthCheck | None:
        given = self.keys.get("healthcheck")
        if not given or given.get("disable"):
            return None
        kind, *rest = given["test"] if isinstance(given["test"], list) else ("CMD-SHELL", given["test"])
        if kind not in ("CMD", "CMD-SHELL"):
            raise ComposeError(f"{self.name}: a health check of kind {kind} is not known here.")
        times = {key: seconds(given[key]) for key in ("interval", "timeout", "start_period") if key in given}
        command = tuple(rest) if kind == "CMD" else ("/bin/sh", "-c", *rest)
        return HealthCheck(command, retries=int(given.get("retries", 3)), **times)

    @property
    def grace(self) -> float:
        """Seconds between the wish to stop and the kill."""
        return seconds(self.keys.get("stop_grace_period", "10s"))

    def run_options(self, *, project: str) -> Iterator[str]:
        """The options of `podman run` that make this service's container; without name, network and command."""
        keys = self.keys
        for name, value in self.environment.items():
            yield f"--env={name}={value}"
        for key, option in (("cap_add", "cap-add"), ("cap_drop", "cap-drop"), ("ports", "publish"), ("tmpfs", "tmpfs")):
            yield from (f"--{option}={value}" for value in _list(keys.get(key)))
        # Podman knows the option without its value.
        yield from (f"--security-opt={value.removesuffix(':true')}" for value in _list(keys.get("security_opt")))
        for volume in _list(keys.get("volumes")):
            source, _, rest = volume.partition(":")
            yield f"--volume={source if source.startswith(('/', '.')) else f'{project}_{source}'}:{rest}"
        for key, option in (
            *(("restart", "restart"), ("shm_size", "shm-size"), ("mem_limit", "memory"), ("user", "user")),
            *(("stop_signal", "stop-signal"), ("working_dir", "workdir")),
        ):
            if keys.get(key):
                yield f"--{option}={keys[key]}"
        yield f"--stop-timeout={self.grace:.0f}"
        yield from (f"--{option}" for key, option in (("init", "init"), ("read_only", "read-only")) if keys.get(key))
        if keys.get("entrypoint"):
            yield f"--entrypoint={shlex.join(_words(keys['entrypoint']))}"


@dataclass(frozen=True, slots=True)
class ComposeFile:
    """All services, each after those that it waits for."""

    name: str
    services: dict[str, ServiceSpec]


def read_compose_file(path: Path, environment: Mapping[str, str]) -> ComposeFile:
    """Read the file; `environment` has the variables that stand in it, and is what `env_file: .env` means.

    Raises:
        ComposeError: a variable is missing, a key is not known, or services wait for each other in a ring.
    """
    content = substituted(yaml.safe_load(path.read_text(encoding="utf-8")), environment)
    specs: dict[str, ServiceSpec] = {}
    for name, keys in content["services"].items():
        if unknown := keys.keys() - _KEYS:
            raise ComposeError(f"{name}: what {', '.join(sorted(unknown))} means is not known here.")
        if (files := _list(keys.get("env_file"))) not in ([], [".env"]):
            raise ComposeError(f"{name}: env_file {files} is not known here.")
        own = keys.get("environment") or {}
        own = dict(line.split("=", 1) for line in own) if isinstance(own, list) else own
        given = {**(environment if files else {}), **{key: str(value) for key, value in own.items()}}
        specs[name] = ServiceSpec(name, keys, given)
    return ComposeFile(str(content.get("name", path.parent.name)), _in_order(specs))


def read_env_file(path: Path) -> dict[str, str]:
    """`NAME=value` lines; # begins a comment line."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def substituted(value: Any, environment: Mapping[str, str]) -> Any:
    """The same structure with the variables of its strings put in.

    Raises:
        ComposeError: one is missing that has to be there.
    """
    if isinstance(value, str):
        return _put_in(value, environment)
    if isinstance(value, list):
        return [substituted(item, environment) for item in value]
    if isinstance(value, dict):
        return {key: substituted(item, environment) for key, item in value.items()}
    return value


def seconds(text: str | float) -> float:
    """A duration such as 1m30s.

    Raises:
        ComposeError: it is none.
    """
    parts = re.findall(r"([0-9.]+)(ms|s|m|h)", str(text))
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ComposeError(f"{text} is not a duration.")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _put_in(text: str, environment: Mapping[str, str]) -> str:
    """$NAME, ${NAME}, ${NAME:-default}, ${NAME:?sentence}, $$; a default may have variables of its own."""
    done, at = [], 0
    while (dollar := text.find("$", at)) >= 0:
        done.append(text[at:dollar])
        if text[dollar + 1 : dollar + 2] == "$":
            done.append("$")
            at = dollar + 2
        elif text[dollar + 1 : dollar + 2] == "{":
            end = _closing(text, dollar + 1)
            done.append(_braced(text[dollar + 2 : end], environment))
            at = end + 1
        elif found := _NAME.match(text, dollar + 1):
            done.append(environment.get(found[0], ""))
            at = found.end()
        else:
            raise ComposeError(f"A single $ in {text!r}.")
    return "".join([*done, text[at:]])


def _closing(text: str, opening: int) -> int:
    depth = 0
    for place in range(opening, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return place
    raise ComposeError(f"A brace is not closed in {text!r}.")


def _braced(inside: str, environment: Mapping[str, str]) -> str:
    found = _NAME.match(inside)
    if not found:
        raise ComposeError(f"${{{inside}}} names no variable.")
    name, rest = found[0], inside[found.end() :]
    operator = rest[:2] if rest[:1] == ":" else rest[:1]
    value = environment.get(name)
    is_there = bool(value) if operator.startswith(":") else value is not None
    if is_there or not operator:
        return value or ""
    otherwise = _put_in(rest[len(operator) :], environment)
    if operator in (":-", "-"):
        return otherwise
    if operator in (":?", "?"):
        raise ComposeError(f"{name} {otherwise}")
    raise ComposeError(f"${{{inside}}} is not known here.")


def _in_order(specs: Mapping[str, ServiceSpec]) -> dict[str, ServiceSpec]:
    ordered: dict[str, ServiceSpec] = {}
    while len(ordered) < len(specs):
        left = [spec for spec in specs.values() if spec.name not in ordered]
        ready = [spec for spec in left if spec.conditions.keys() <= ordered.keys()]
        if not ready:
            raise ComposeError(f"They wait for each other: {', '.join(specs.keys() - ordered.keys())}.")
        ordered.update((spec.name, spec) for spec in ready)
    return ordered


def _list(value: Any) -> list[str]:
    return [] if value is None else [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _words(value: Any) -> tuple[str, ...]:
    return tuple(shlex.split(value)) if isinstance(value, str) else tuple(str(word) for word in value or ())
