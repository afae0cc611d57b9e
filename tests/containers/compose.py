"""Does with podman what `docker compose` would do with docker-compose.yml, for a trial where there is no Docker.

    python -m tests.containers.compose --project NAME --env-file FILE up
    … run SERVICE COMMAND…    … exec SERVICE COMMAND…    … kill-each URL    … stop    … down

The containers' options, order and health checks are read from the file; none is written here.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.containers.compose_file import ComposeError, ComposeFile, ServiceSpec, read_compose_file, read_env_file

WELL_AGAIN_SECONDS = 60.0
COMPLETED_SECONDS = 600.0
PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Project:
    """The containers, network and volumes of one name."""

    name: str
    file: ComposeFile

    def container(self, service: str) -> str:
        return f"{self.name}-{service}-1"

    def spec(self, service: str) -> ServiceSpec:
        if service not in self.file.services:
            raise ComposeError(f"There is no service {service}.")
        return self.file.services[service]

    def up(self, services: Sequence[str] = ()) -> None:
        """Start all services, or these and what they wait for, and wait until each is well."""
        wanted = self._with_conditions(services or tuple(self.file.services))
        if podman("network", "exists", self.name, check=False).returncode:
            podman("network", "create", self.name)
        for name in wanted:
            spec = self.spec(name)
            for other, condition in spec.conditions.items():
                self.wait_for(other, condition)
            if podman("container", "exists", self.container(name), check=False).returncode:
                self._podman_run(spec, "--detach", f"--name={self.container(name)}", f"--network-alias={name}")
            say(f"{name} is started.")
        for name in wanted:
            self.wait_for(name, "service_healthy" if self.spec(name).health_check else "service_started")

    def run(self, service: str, command: Sequence[str]) -> int:
        """One command in a container of its own, made like the service's; without its ports, restarts and conditions.

        Returns:
            its exit code.
        """
        spec = self.spec(service)
        keys = {key: value for key, value in spec.keys.items() if key not in ("ports", "restart", "command")}
        bare = ServiceSpec(service, keys, spec.environment)
        return self._podman_run(bare, "--rm", "--interactive", command=command, check=False).returncode

    def exec(self, service: str, command: Sequence[str]) -> int:
        """A command in the service's container. Returns its exit code."""
        return podman("exec", "--interactive", self.container(service), *command, check=False, capture=False).returncode

    def wait_for(self, service: str, condition: str) -> None:
        """Wait for what the compose file calls a condition.

        Raises:
            ComposeError: it does not come true; its last lines are printed.
        """
        began = time.monotonic()
        spec = self.spec(service)
        if condition == "service_completed_successfully":
            self._wait_until(service, COMPLETED_SECONDS, lambda: self._state(service)["Status"] == "exited")
            if code := self._state(service)["ExitCode"]:
                raise ComposeError(f"{service} ended with {code}.{self._last_lines(service)}")
            say(f"{service} has done its work after {time.monotonic() - began:.0f} s.")
        elif condition == "service_healthy":
            check = spec.health_check
            if check is None:
                raise ComposeError(f"{service} has no health check.")
            self._wait_until(service, check.patience, lambda: self.is_healthy(service))
            say(f"{service} is healthy after {time.monotonic() - began:.0f} s.")
        else:
            self._wait_until(service, 60.0, lambda: self._state(service)["Status"] in ("running", "exited"))

    def is_healthy(self, service: str) -> bool:
        """What the service's own health check says, within its timeout; without one, whether it runs."""
        check = self.spec(service).health_check
        if self._state(service)["Status"] != "running":
            return False
        if check is None:
            return True
        try:
            ended = podman("exec", self.container(service), *check.command, check=False, timeout=check.timeout)
        except subprocess.TimeoutExpired:
            return False
        return ended.returncode == 0

    def kill(self, service: str, url: str) -> None:
        """End the service's own process by `kill -9`, then wait until it runs and the site is well again.

        Raises:
            ComposeError: that takes longer than a minute.
        """
        before = self._state(service)
        began = time.monotonic()
        self._kill_process(service)

        def is_well() -> bool:
            now = self._state(service)
            is_new = now["Status"] == "running" and now["Pid"] not in (0, before["Pid"])
            return is_new and self.is_healthy(service) and answers(url)

        self._wait_until(service, WELL_AGAIN_SECONDS, is_well)
        say(f"{service} was killed; it runs again, and the site is well, after {time.monotonic() - began:.0f} s.")

    def kill_preparing(self) -> None:
        """Kill the service that prepares in the middle of its work, on empty volumes; its policy starts it again."""
        service = "prepare"
        self.up(["db"])
        self._podman_run(self.spec(service), "--detach", f"--name={self.container(service)}", "--network-alias=prepare")
        self._wait_until(service, 60.0, lambda: "Making the tables" in self._logs(service))
        time.sleep(2)
        self._kill_process(service)
        self._wait_until(service, 60.0, lambda: self._logs(service).count("Making the tables") > 1)
        say("prepare was killed in the middle, and began again by itself.")

    def stop(self) -> None:
        """Stop all services, the last first, and say how they took it.

        Raises:
            ComposeError: one had to be killed.
        """
        for name in reversed(self.file.services):
            if self._state(name)["Status"] != "running":
                continue
            began = time.monotonic()
            podman("stop", self.container(name))
            took, code = time.monotonic() - began, self._state(name)["ExitCode"]
            say(f"{name} stopped with {code} after {took:.0f} s of {self.spec(name).grace:.0f}.")
            if code not in (0, 143):  # 143: it ended by the signal itself
                raise ComposeError(f"{name} did not stop by itself.{self._last_lines(name)}")

    def down(self) -> None:
        """Remove containers, network and volumes. Nothing has to be there."""
        for name in reversed(self.file.services):
            podman("rm", "--force", "--time=5", "--volumes", "--ignore", self.container(name))
        podman("network", "rm", "--force", self.name, check=False)
        for volume in podman("volume", "ls", "--quiet").stdout.split():
            if volume.startswith(f"{self.name}_"):
                podman("volume", "rm", "--force", volume)

    def _podman_run(
        self, spec: ServiceSpec, *options: str, command: Sequence[str] = (), check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        return podman(
            *("run", "--pull=never", f"--network={self.name}", *spec.run_options(project=self.name), *options),
            *(spec.image, *(command or spec.command)),
            check=check,
            capture=check,
        )

    def _kill_process(self, service: str) -> None:
        pid: int = self._state(service)["Pid"]
        if self.spec(service).keys.get("init"):  # process 1 is not the service's: its child is
            pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()[0])
        os.kill(pid, signal.SIGKILL)

    def _with_conditions(self, services: Sequence[str]) -> list[str]:
        wanted = set(services)
        for name in reversed(self.file.services):
            if name in wanted:
                wanted |= self.spec(name).conditions.keys()
        return [name for name in self.file.services if name in wanted]

    def _state(self, service: str) -> dict[str, Any]:
        found = podman("container", "inspect", self.container(service), check=False)
        state: dict[str, Any] = json.loads(found.stdout)[0]["State"] if found.returncode == 0 else {"Status": "absent"}
        return state

    def _logs(self, service: str) -> str:
        found = podman("logs", self.container(service), check=False)
        return found.stdout + found.stderr

    def _last_lines(self, service: str) -> str:
        return "".join(f"\n    {line}" for line in self._logs(service).splitlines()[-15:])

    def _wait_until(self, service: str, patience: float, is_done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + patience
        while not is_done():
            if time.monotonic() > deadline:
                raise ComposeError(
                    f"{service} was not what was waited for in {patience:.0f} s.{self._last_lines(service)}"
                )
            time.sleep(PAUSE_SECONDS)


def podman(
    *arguments: str, check: bool = True, capture: bool = True, timeout: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run podman. Raises ComposeError with its words where it fails, unless `check` is off."""
    ended = subprocess.run(["podman", *arguments], capture_output=capture, text=True, check=False, timeout=timeout)
    if check and ended.returncode:
        raise ComposeError(f"podman {arguments[0]} ended with {ended.returncode}: {ended.stderr.strip()}")
    return ended


def answers(url: str) -> bool:
    """Whether a page comes with 200, within ten seconds."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def say(line: str) -> None:
    sys.stdout.write(f"   {line}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--file", type=Path, default=Path("docker-compose.yml"))
    parser.add_argument("--env-file", type=Path, required=True)
    parser.add_argument("--project", default="")
    parser.add_argument("action", choices=("up", "run", "exec", "kill-each", "kill-preparing", "stop", "down"))
    parser.add_argument("words", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    words: list[str] = options.words
    try:
        file = read_compose_file(options.file, read_env_file(options.env_file))
        project = Project(options.project or file.name, file)
        match options.action:
            case "up":
                project.up(words)
            case "run":
                return project.run(words[0], words[1:])
            case "exec":
                return project.exec(words[0], words[1:])
            case "kill-each":
                for name, spec in file.services.items():
                    if spec.keys.get("restart") == "unless-stopped":
                        project.kill(name, words[0])
            case "kill-preparing":
                project.kill_preparing()
            case "stop":
                project.stop()
            case "down":
                project.down()
    except ComposeError as error:
        sys.stderr.write(f"tests/containers: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
