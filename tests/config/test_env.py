"""The readers of the environment: what they take, and that an error names the variable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.env import Env, load_env_file


def test_an_empty_value_counts_as_not_set() -> None:
    env = Env({"NAME": "  "})
    assert env.text("NAME", "default") == "default"
    assert not env.is_set("NAME")
    assert env.number("NAME", 7) == 7
    assert env.flag("NAME", default=True) is True


@pytest.mark.parametrize(
    ("value", "seconds"), [("90", 90), ("90s", 90), ("15m", 900), ("12h", 43_200), ("2d", 172_800)]
)
def test_a_duration_is_read_in_seconds(value: str, seconds: int) -> None:
    assert Env({"NAME": value}).seconds("NAME", 1) == seconds


@pytest.mark.parametrize("value", ["1", "true", "YES", "On"])
def test_what_means_yes(value: str) -> None:
    assert Env({"NAME": value}).flag("NAME", default=False) is True


@pytest.mark.parametrize("value", ["0", "false", "NO", "Off"])
def test_what_means_no(value: str) -> None:
    assert Env({"NAME": value}).flag("NAME", default=True) is False


def test_a_list_is_separated_by_commas_or_white_space() -> None:
    assert Env({"NAME": "cs.CL, cs.LG\n stat.ML,"}).list("NAME") == ("cs.CL", "cs.LG", "stat.ML")


def test_networks_are_read_as_such() -> None:
    found = Env({"NAME": "127.0.0.1 10.0.0.0/8,fd00::/8"}).networks("NAME")
    assert [str(network) for network in found] == ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"]


def test_an_address_loses_its_last_slash() -> None:
    assert Env({"NAME": "https://mirror.lab/oai/"}).url("NAME", "") == "https://mirror.lab/oai"


def test_a_socket_is_an_address_where_it_may_be() -> None:
    assert Env({"NAME": "unix:///run/redis.sock?db=1"}).url("NAME", "", schemes=("redis", "unix")) == (
        "unix:///run/redis.sock?db=1"
    )


REFUSED: list[tuple[str, Callable[[Env], Any]]] = [
    ("maybe", lambda env: env.flag("NAME", default=True)),
    ("-1", lambda env: env.number("NAME", 1)),
    ("1.5", lambda env: env.number("NAME", 1)),
    ("0", lambda env: env.number("NAME", 1, at_least=1)),
    ("65536", lambda env: env.number("NAME", 1, at_most=65_535)),
    ("1,5", lambda env: env.decimal("NAME", 1)),
    ("1 hour", lambda env: env.seconds("NAME", 1)),
    ("everyone", lambda env: env.choice("NAME", "public", ("public", "members"))),
    ("ftp://mirror.lab", lambda env: env.url("NAME", "")),
    ("mirror.lab", lambda env: env.url("NAME", "")),
    ("https://", lambda env: env.url("NAME", "")),
    ("https://mirror.lab:port", lambda env: env.url("NAME", "")),
    ("Berlin", lambda env: env.time_zone("NAME")),
    ("../etc/passwd", lambda env: env.time_zone("NAME")),
    ("10.0.0.1/8", lambda env: env.networks("NAME")),
    ("proxy.lab", lambda env: env.networks("NAME")),
]


@pytest.mark.parametrize(("value", "read"), REFUSED)
def test_an_error_names_the_variable(value: str, read: Callable[[Env], Any]) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"\bNAME\b"):
        read(Env({"NAME": value}))


def test_a_bad_address_is_not_repeated_because_it_may_hold_a_password() -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        Env({"DATABASE_URL": "mysql://me:hunter2@db/x"}).url("DATABASE_URL", "", schemes=("postgresql",))
    assert "hunter2" not in str(caught.value)


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from the file\n", encoding="utf-8")
    in_file = {"NAME_FILE": str(tmp_path / "key")}
    assert Env(in_file).secret("NAME") == "from the file"
    assert Env({**in_file, "NAME": "itself"}).secret("NAME") == "itself"
    with pytest.raises(ImproperlyConfigured, match="NAME_FILE"):
        Env({"NAME_FILE": str(tmp_path / "none")}).secret("NAME")


def test_a_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/rita")
    assert Env({"NAME": "data"}).path("NAME", Path("/")) == tmp_path / "data"
    assert Env({"NAME": "~/data"}).path("NAME", Path("/")) == Path("/home/rita/data")


@pytest.mark.parametrize("value", ["papers@lab.example.org", "broadsheet@[127.0.0.1]", "Daily Papers <a@[IPv6:::1]>"])
def test_a_mailbox_is_taken_as_it_is(value: str) -> None:
    assert Env({"FROM": value}).mailbox("FROM", "") == value
    assert Env({}).mailbox("FROM", value) == value


@pytest.mark.parametrize("value", ["papers", "@lab.example.org", "a@", "a@b@c", "Papers <a@b", "a@b.org\nBcc: x@y.org"])
def test_what_is_no_mailbox_is_refused(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="FROM must be an e-mail address such as"):
        Env({"FROM": value}).mailbox("FROM", "")


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"BROADSHEET_GROUP_NAME=Gr\xfcppe\n", "UTF-8"),
        ("PORT=8123\n".encode("utf-16"), "UTF-8"),
        (b'# ours\nPORT=8123\nBROADSHEET_GROUP_NAME="Lab\nBROADSHEET_ACCESS=members\n', "Line 3 of"),
        (b"PORT=8123\nBROADSHEET_SMTP_URL: smtp://me:hunter2@mail.lab\n", "Line 2 of"),
    ],
)
def test_a_file_of_settings_that_is_none_is_named(tmp_path: Path, content: bytes, wrong: str) -> None:
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(ImproperlyConfigured) as caught:
        load_env_file(tmp_path / ".env")
    assert wrong in str(caught.value)
    assert str(tmp_path / ".env") in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_folder_in_the_place_of_the_file_of_settings_is_named(tmp_path: Path) -> None:
    """As Docker makes one, where a file that is not there is mounted."""
    (tmp_path / ".env").mkdir()
    with pytest.raises(ImproperlyConfigured, match="Is a directory"):
        load_env_file(tmp_path / ".env")


def test_a_file_of_settings_as_other_systems_write_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST", "SECOND", "THIRD"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.delenv("PYTHON_DOTENV_DISABLED", raising=False)
    text = "FIRST=1\r\n\r\n# a comment\r\nexport SECOND = \"two words\" # behind it\r\nTHIRD='ü'\r\n"
    (tmp_path / ".env").write_bytes(text.encode("utf-8-sig"))
    load_env_file(tmp_path / ".env")
    env = Env()
    assert (env.text("FIRST"), env.text("SECOND"), env.text("THIRD")) == ("1", "two words", "ü")
    load_env_file(tmp_path / "none")


def test_names_that_nobody_asks_for_are_found_with_the_one_that_is_meant() -> None:
    env = Env({"BROADSHEET_ACESS": "members", "BROADSHEET_ACCESS": "", "BROADSHEET_KEY_FILE": "", "BROADSHEET_ZZ": "1"})
    env.choice("BROADSHEET_ACCESS", "", ("members",))
    env.secret("BROADSHEET_KEY")
    assert env.unknown("BROADSHEET_") == {"BROADSHEET_ACESS": "BROADSHEET_ACCESS", "BROADSHEET_ZZ": ""}


def test_a_prefix_too_many_is_found() -> None:
    env = Env({"BROADSHEET_PORT": "8123"})
    env.number("PORT", 8000)
    assert env.unknown("BROADSHEET_") == {"BROADSHEET_PORT": "PORT"}


def test_a_secret_in_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    with pytest.raises(ImproperlyConfigured, match="NAME_FILE"):
        Env({"NAME_FILE": str(tmp_path / "key")}).secret("NAME")


def test_the_home_folder_of_nobody_is_no_path() -> None:
    with pytest.raises(ImproperlyConfigured, match="NAME begins with the home folder"):
        Env({"NAME": "~no-such-account/data"}).path("NAME", Path("/"))


def test_an_address_cut_by_a_mark_in_its_password_says_how_to_write_it() -> None:
    with pytest.raises(ImproperlyConfigured, match="%23"):
        Env({"DATABASE_URL": "postgresql://me:hunter#2@db/x"}).url("DATABASE_URL", "", schemes=("postgresql",))
