"""Where an address in running text ends, and the one stored form of an http or https address."""

import re
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from papers.text.hostnames import ascii_host

MAX_URL_LENGTH = 2_000

_TRACKING = re.compile(r"utm_\w+|fbclid|gclid|mc_[ce]id|ref_src", re.I)
_HOST = re.compile(
    r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?)*\.?|\[[0-9a-f:.]+\]"
)


def strip_trailing_punctuation(text: str) -> str:
    """A DOI or URL out of a sentence, without the sentence's marks; a bracket that was opened inside stays."""
    surplus = {close: text.count(close) - text.count(opening) for opening, close in ("()", "[]", "{}", "<>")}
    end = len(text)
    while end:
        last = text[end - 1]
        if surplus.get(last, 0) > 0:
            surplus[last] -= 1
        elif last not in ".,;:!?'\"":
            break
        end -= 1
    return text[:end]


def normalise_url(url: str) -> str | None:
    """One spelling for one http or https address; None for anything else, also for one with a user name in it.

    Host in lower case and ASCII, no default port, no fragment, no tracking parameters, non-ASCII percent-encoded.
    """
    url = url.strip()
    if not url or len(url) > MAX_URL_LENGTH or re.search(r"[\s\\<>\"\x00-\x1f\x7f-\x9f]", url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
        host = _ascii_host(parts.hostname or "")
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in ("http", "https") or "@" in parts.netloc or not host:
        return None
    if port is not None and port != {"http": 80, "https": 443}[scheme]:
        host = f"{host}:{port}"
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    return urlunsplit((scheme, host, path, _clean_query(parts.query), ""))


def _ascii_host(host: str) -> str:
    """`host` in lower-case ASCII, or an empty string when it cannot be one.

    Raises:
        ValueError: `host` has no valid form.
    """
    if not host:
        return ""
    host = f"[{host.lower()}]" if ":" in host else ascii_host(host)
    return host if _HOST.fullmatch(host) else ""


def _clean_query(query: str) -> str:
    if not query:
        return ""
    if _TRACKING.search(query):
        pairs = parse_qsl(query, keep_blank_values=True)
        return urlencode([(key, value) for key, value in pairs if not _TRACKING.fullmatch(key)])
    return quote(query, safe="/%:@!$&'()*+,;=~-._?")
