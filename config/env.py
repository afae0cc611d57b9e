"""Typed readers of the environment; an error names the variable and the form it takes."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured
from dotenv import load_dotenv
from dotenv.parser import parse_stream

from papers.text.hostnames import ascii_address
from papers.text.ip_addresses import unmapped_network
from papers.text.mailboxes import AddressError, read_mailbox

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def contact_address(text: str) -> str:
    """Where people are reached, as an address for programs: an e-mail address becomes `mailto:`; empty for nothing.

    Raises:
        ImproperlyConfigured: it is neither an e-mail address nor one of https.
    """
    given = text.strip()
    if not given or re.fullmatch(r"https://[^\s<>\"]{3,500}", given):
        return given
    mailbox = given.removeprefix("mailto:")
    if re.fullmatch(r"[^\s<>@\"]{1,64}@[^\s<>@\"]{1,255}", mailbox):
        return f"mailto:{mailbox}"
    raise ImproperlyConfigured(
        "BROADSHEET_SECURITY_CONTACT must be an e-mail address, or an address that begins with https://."
    )


def load_env_file(path: Path) -> None:
    """Put what a file of `NAME=value` lines says into the environment, except where that has the name already.

    Raises:
        ImproperlyConfigured: the file is there and can't be read, isn't UTF-8, or a line of it has another form.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            lines = list(parse_stream(file))
    except FileNotFoundError:
        return
    except OSError as error:
        raise ImproperlyConfigured(f"The settings in {path} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ImproperlyConfigured(f"The settings in {path} are not in UTF-8: save the file as UTF-8.") from error
    for line in lines:
        # dotenv would leave such a line out, or take two lines for one; its text may hold a password.
        if line.error:
            raise ImproperlyConfigured(
                f"Line {line.original.line} of {path} is not NAME=value, or has a quotation mark without its other one."
            )
    load_dotenv(path)


class Env:
    """Reads variables from a mapping, by default the process's environment.

    An empty value counts as not set, because that is what `NAME=` in a compose file means.
    """

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = os.environ if variables is None else variables
        self._known: set[str] = set()

    def text(self, name: str, default: str = "") -> str:
        """The value without surrounding white space, or `default`."""
        self._known.add(name)
        return self._variables.get(name, "").strip() or default

    def unknown(self, prefix: str) -> dict[str, str]:
        """The variables that begin so and were never asked for; with each, the one that may be meant, or nothing."""
        names = sorted(name for name in self._variables if name.startswith(prefix) and name not in self._known)
        by_rest = {name.removeprefix(prefix): name for name in sorted(self._known)}
        close = {name: get_close_matches(name.removeprefix(prefix), by_rest, n=1, cutoff=0.7) for name in names}
        return {name: by_rest[found[0]] if found else "" for name, found in close.items()}

    def is_set(self, name: str) -> bool:
        return bool(self.text(name))

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.text(name).lower()
        if not value:
            return default
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
        raise ImproperlyConfigured(f"{name} must be one of 1, true, yes, on, 0, false, no, off, not {value!r}.")

    def number(self, name: str, default: int, *, at_least: int = 0, at_most: int = 10**12) -> int:
        value = self.text(name)
        if not value:
            return default
        if not re.fullmatch(r"\d{1,12}", value) or not at_least <= int(value) <= at_most:
            span = f"at least {at_least}" + (f" and at most {at_most}" if at_most < 10**12 else "")
            raise ImproperlyConfigured(f"{name} must be a whole number of {span}, not {value!r}.")
        return int(value)

    def decimal(self, name: str, default: float) -> float:
        """A number of at least 0."""
        value = self.text(name)
        if not value:
            return default
        if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
            raise ImproperlyConfigured(f"{name} must be a number such as 0.25, not {value!r}.")
        return float(value)

    def seconds(self, name: str, default: int) -> int:
        """A duration in seconds, from `90`, `90s`, `15m`, `12h` or `2d`."""
        value = self.text(name)
        if not value:
            return default
        match = re.fullmatch(r"(\d{1,9})([smhd]?)", value)
        if match is None:
            raise ImproperlyConfigured(f"{name} must be a duration such as 90, 15m, 12h or 2d, not {value!r}.")
        return int(match[1]) * _UNITS[match[2] or "s"]

    def list(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The items of a list separated by commas or white space."""
        items = tuple(item for item in re.split(r"[,\s]+", self.text(name)) if item)
        return items or default

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.text(name).lower()
        if not value:
            return default
        if value not in choices:
            raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
        return value

    def url(self, name: str, default: str, *, schemes: tuple[str, ...] = ("http", "https")) -> str:
        """An address of one of `schemes`; one of http or https has a host, and comes without a slash at the end."""
        value = self.text(name, default)
        try:
            value = ascii_address(value)
            parts = urlsplit(value)
            is_web = parts.scheme in ("http", "https")
            good = parts.scheme in schemes and (bool(parts.hostname) or not is_web) and parts.port != 0
        except ValueError:
            good = is_web = False
        if not good:
            wanted = " or ".join(f"{scheme}://" for scheme in schemes)
            raise ImproperlyConfigured(
                f"{name} must be an address that begins with {wanted}, with a number for its port, if any; write "
                "@ : / # ? % in a password as %40 %3A %2F %23 %3F %25."
            )
        return value.rstrip("/") if is_web else value

    def time_zone(self, name: str) -> str | None:
        """The name of a time zone, None when it isn't set."""
        value = self.text(name)
        try:
            return ZoneInfo(value).key if value else None
        except (KeyError, ValueError, OSError) as error:
            raise ImproperlyConfigured(
                f"{name} must be a time zone such as Europe/Berlin, America/New_York or UTC, not {value!r}."
            ) from error

    def networks(self, name: str) -> tuple[IPv4Network | IPv6Network, ...]:
        """IP addresses and networks, separated by commas or white space; IPv4 ones written as IPv6 are IPv4's."""
        try:
            return tuple(unmapped_network(ip_network(word)) for word in self.list(name))
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{name} must be IP addresses or networks such as 127.0.0.1, 10.0.0.0/8 or fd00::/8: {error}."
            ) from error

    def mailbox(self, name: str, default: str) -> str:
        """An e-mail address, with or without a name before it: `Daily Papers <papers@lab.example.org>`. In ASCII but
        for the name.
        """
        value = self.text(name, default)
        try:
            return str(read_mailbox(value))
        except AddressError as error:
            raise ImproperlyConfigured(
                f"{name} must be an e-mail address such as papers@lab.example.org or "
                f"Daily Papers <papers@lab.example.org>, not {value!r}. {error}"
            ) from error

    def secret(self, name: str) -> str:
        """The value of `name`, else the content of the file that `name`_FILE points to, else an empty string."""
        value, path = self.text(name), self.text(f"{name}_FILE")
        if value or not path:
            return value
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which can't be read: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which is not text in UTF-8.") from error

    def path(self, name: str, default: Path) -> Path:
        """An absolute path; `~` is the home folder, a relative one starts at the working folder."""
        value = self.text(name)
        try:
            return Path(value).expanduser().absolute() if value else default
        except RuntimeError as error:  # ~name of nobody here
            raise ImproperlyConfigured(
                f"{name} begins with the home folder of an account, and there is none: "
                f"write the whole path, not {value!r}."
            ) from error
