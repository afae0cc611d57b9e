"""docker-compose.yml is read as Docker Compose reads it, by what runs it on podman."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.containers.compose_file import ComposeError, read_compose_file, seconds, substituted
from tests.meta.source_files import ROOT

SECRETS = {"SECRET_KEY": "k" * 32, "POSTGRES_PASSWORD": "pp", "VALKEY_PASSWORD": "vv"}


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("plain", "plain"),
        ("$PORT and ${PORT}", "1 and 1"),
        ("${PORT:-8000}", "1"),
        ("${NONE:-8000}", "8000"),
        ("${EMPTY:-8000}${EMPTY-8000}", "8000"),
        ("$${PORT} $$(hostname)", "${PORT} $(hostname)"),
        ("${NONE:-at ${PORT:?is missing}}!", "at 1!"),
        ("$NONE.", "."),
    ],
)
def test_variables_are_put_in(text: str, becomes: str) -> None:
    assert substituted([{"key": text}], {"PORT": "1", "EMPTY": ""}) == [{"key": becomes}]


@pytest.mark.parametrize("text", ["${NONE:?is missing}", "${NONE:-${NONE?is missing}}", "${OPEN", "50 $ a month"])
def test_what_is_missing_or_no_variable_is_said(text: str) -> None:
    with pytest.raises(ComposeError):
        substituted(text, {})


def test_durations() -> None:
    assert (seconds("90s"), seconds("1m30s"), seconds("250ms")) == (90, 90, 0.25)
    with pytest.raises(ComposeError):
        seconds("soon")


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_our_file_does_not_start_without_its_secrets(missing: str) -> None:
    given = {name: value for name, value in SECRETS.items() if name != missing}
    with pytest.raises(ComposeError, match=missing):
        read_compose_file(ROOT / "docker-compose.yml", given)


def test_our_services_start_after_what_they_need() -> None:
    file = read_compose_file(ROOT / "docker-compose.yml", SECRETS)
    order = list(file.services)
    assert order.index("db") < order.index("prepare") < order.index("web")
    assert file.services["web"].environment["DATABASE_URL"] == "postgresql://broadsheet:pp@db:5432/broadsheet"
    assert "--publish=127.0.0.1:8000:8000" in file.services["web"].run_options(project="here")


def test_ours_run_without_rights_and_write_nothing_beside_their_volume() -> None:
    file = read_compose_file(ROOT / "docker-compose.yml", SECRETS)
    ours = [spec for spec in file.services.values() if spec.image == "broadsheet"]
    assert len(ours) > 2
    for spec in ours:
        options = set(spec.run_options(project="here"))
        assert options >= {"--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--tmpfs=/tmp"}
        volumes = {option for option in options if option.startswith("--volume")}
        assert volumes == {"--volume=here_data:/data", "--volume=here_backups:/backups"}


def test_a_folder_of_the_hosts_can_take_the_backups() -> None:
    file = read_compose_file(ROOT / "docker-compose.yml", {**SECRETS, "BACKUP_VOLUME": "/srv/backups"})
    assert "--volume=/srv/backups:/backups" in file.services["fetcher"].run_options(project="here")


@pytest.mark.parametrize("name", ["worker", "fetcher", "mailer", "beat"])
def test_what_goes_round_is_looked_at_without_starting_python(name: str, tmp_path: Path) -> None:
    """The check itself, on a file that was just touched, is old, and is not there."""
    service = read_compose_file(ROOT / "docker-compose.yml", SECRETS).services[name]
    assert service.health_check
    file = Path(service.environment["BROADSHEET_ALIVE_FILE"])
    here = tmp_path / "alive"
    command = [word.replace(str(file), str(here)) for word in service.health_check.command]
    assert "python" not in " ".join(command)
    assert "celery" not in " ".join(command)

    def is_well() -> bool:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    assert not is_well(), "it never came as far as its loop"
    here.touch()
    assert is_well()
    os.utime(here, (time.time() - 100, time.time() - 100))
    assert not is_well(), "it hangs"


def test_health_checks_ask_for_no_variable_that_only_docker_sets() -> None:
    """HOSTNAME is in what `docker exec` gives a command, and not in what podman gives it."""
    file = read_compose_file(ROOT / "docker-compose.yml", SECRETS)
    for spec in file.services.values():
        if check := spec.health_check:
            assert "$HOSTNAME" not in " ".join(check.command)


def test_a_key_that_is_not_known_and_a_ring_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "compose.yml"
    path.write_text("services: {a: {image: x, tmpfs: /tmp, gpus: all}}", encoding="utf-8")
    with pytest.raises(ComposeError, match="gpus"):
        read_compose_file(path, {})
    path.write_text("services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [a]}}", encoding="utf-8")
    with pytest.raises(ComposeError, match="wait for each other"):
        read_compose_file(path, {})
