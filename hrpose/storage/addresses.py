"""Addresses of files: which are asked, where they may lead on to, and how they are shown."""

from __future__ import annotations

import base64
import os
import re
from typing import Any
from urllib.error import URLError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

ORIGIN = "https://download.openmmlab.com"
"""The host of the published files; $HRPOSE_MIRROR names another that has them under its paths."""

HIDDEN = "***"
"""What stands in place of a secret."""
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\"<>]+", re.IGNORECASE)
_VALUE = re.compile(r"[a-z][a-z0-9+.-]*://[^'\"<>]+", re.IGNORECASE)
"""In an argument or a value of a page, which is no sentence: a space in it is a slip."""
_PAIRS = re.compile("[&;]")
_LONG = 6  # letters; a shorter value is hidden where an address shows it, not wherever it occurs
_TIMEOUT = 30  # seconds that a server may say nothing


def is_address(source: str) -> bool:
    """Whether `source` is an http(s) address, not a path."""
    return source.lower().startswith(("http://", "https://"))


def mirrored(url: str) -> str:
    """The address to ask for `url`: with the host of $HRPOSE_MIRROR in place of `ORIGIN`."""
    mirror = os.environ.get("HRPOSE_MIRROR", "").rstrip("/")
    ours = mirror and url.startswith(f"{ORIGIN}/")
    return mirror + url.removeprefix(ORIGIN) if ours else url


def without_secrets(value: Any) -> Any:
    """`value` with the secrets of all addresses in it hidden: user and password, the values of a
    query, what stands behind '#'.

    Args:
        value: a text, in which an address ends at a space; or values in nested dicts, lists and
            tuples, such as a page or the arguments of a command.
    """
    if isinstance(value, str):
        if is_address(value) and not re.search(r"\s", value):  # all of it, quotes too
            return shown(value)
        return _ADDRESS.sub(lambda found: shown(found[0]), value)
    return _without_secrets(value)


def _without_secrets(value: Any) -> Any:
    if isinstance(value, str):
        if is_address(value):
            return shown(value)
        return _VALUE.sub(lambda found: shown(found[0]), value)
    if isinstance(value, dict):
        return {key: _without_secrets(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_without_secrets(item) for item in value)
    return value


def scrubbed(message: str, url: str) -> str:
    """`message`, an error about `url`, without the secrets of that or of any other address."""
    _, user, _, query, fragment = _parts(url)
    values = (_value(pair)[1] for pair in _PAIRS.split(query))
    secrets = [user, query, fragment, *(value for value in values if len(value) >= _LONG)]
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        message = message.replace(secret, HIDDEN)
    return without_secrets(message)


def open_address(url: str, start: int = 0) -> Any:
    """The server's answer for `url`, from byte `start` on if it knows parts.

    A user and password in the address are sent as HTTP's basic authorization, to that host alone.
    Redirects lead to http(s) only, and never from https down to http.

    Raises:
        OSError, http.client.HTTPException, ValueError: no answer, or one that is refused.
    """
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    request = Request(urlunsplit(parts._replace(netloc=host)), headers={"User-Agent": "hrpose"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    if user:
        token = base64.b64encode(unquote(user).encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {token}")
    opener = OpenerDirector()
    for handler in (
        ProxyHandler, UnknownHandler, HTTPHandler, HTTPSHandler, HTTPDefaultErrorHandler,
        HTTPErrorProcessor, _SafeRedirects,
    ):  # fmt: skip
        opener.add_handler(handler())
    return opener.open(request, timeout=_TIMEOUT)


class _SafeRedirects(HTTPRedirectHandler):
    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        """The next request; URLError where it would be less safe than the one before."""
        before, after = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if after not in ("http", "https") or (before == "https" and after != "https"):
            raise URLError(
                f"it leads on from {before} to {without_secrets(newurl)}, which is less safe; if "
                "you trust that, fetch the file yourself and give its path"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def shown(url: str) -> str:
    """The whole of an address, spaces in it too, with its secrets hidden."""
    scheme, user, place, query, fragment = _parts(url)
    text = f"{scheme}://{HIDDEN + '@' if user else ''}{place}"
    if query:
        pairs = (_value(pair) for pair in _PAIRS.split(query))
        text += "?" + "&".join(name + (HIDDEN if value else "") for name, value in pairs)
    return text + (f"#{HIDDEN}" if fragment else "")


def _parts(url: str) -> tuple[str, str, str, str, str]:
    """Scheme, user with password, host and path, query and fragment, as they are written."""
    scheme, _, rest = url.partition("://")
    rest, _, fragment = rest.partition("#")
    place, _, query = rest.partition("?")
    host, slash, path = place.partition("/")
    user, _, host = host.rpartition("@")
    return scheme, user, host + slash + path, query, fragment


def _value(pair: str) -> tuple[str, str]:
    """A part of a query: its name with '=', and its value; one without a name is all value."""
    name, equals, value = pair.partition("=")
    return (name + equals, value) if equals else ("", name)
