"""What follows from BROADSHEET_SITE_URL: hosts, CSRF origins, cookie flags, sub-path."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from papers.text.hostnames import ascii_netloc

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Site:
    """The site as its readers' browsers see it."""

    url: str
    """Scheme, host, port and sub-path, without a slash at the end; links in mails and feeds begin with it."""
    host: str
    origin: str
    path: str
    """The sub-path (`/papers-of-our-lab`), empty at the root."""
    is_https: bool
    is_loopback: bool

    @classmethod
    def from_url(cls, url: str) -> Site:
        """The site at `url`.

        Raises:
            ImproperlyConfigured: it is not http or https, has no host, or has a query or an account in it.
        """
        parts = urlsplit(url)
        try:
            parts = parts._replace(netloc=ascii_netloc(parts.netloc))  # as browsers ask for it
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port = "", None
        if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or "@" in parts.netloc:
            raise ImproperlyConfigured(
                f"BROADSHEET_SITE_URL must look like https://papers.example.org or http://host:8000/path, not {url!r}."
            )
        shown = f"[{host}]" if ":" in host else host
        origin = f"{parts.scheme}://{shown}{f':{port}' if port else ''}"
        path = "/" + parts.path.strip("/") if parts.path.strip("/") else ""
        return cls(
            url=origin + path,
            host=shown,
            origin=origin,
            path=path,
            is_https=parts.scheme == "https",
            is_loopback=shown in _LOOPBACK,
        )

    @property
    def cookie_prefix(self) -> str:
        """What the names of cookies begin with, so that browsers hold their promises (RFC 6265bis, 4.1.3).

        `__Host-` on https: neither a page without TLS nor another host of the same domain can plant such a cookie. It
        needs Path=/, by which every other program of that host would be sent it; so a site under a sub-path has
        `__Secure-`, which only keeps pages without TLS out, and its cookies go to its own path alone.
        """
        if not self.is_https:
            return ""
        return "__Secure-" if self.path else "__Host-"

    def allowed_hosts(self) -> list[str]:
        """The site's own host, and loopback: the health checks of a container ask there."""
        return list(dict.fromkeys((self.host, *_LOOPBACK)))
