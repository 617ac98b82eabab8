"""Builds connection URLs with correct escaping and exactly one query string."""

import ipaddress
import re
from typing import Any
from urllib.parse import quote, unquote

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

# No message of this file holds a URL, a password or the value of a parameter.
KEYS = ("scheme", "user", "password", "host", "port", "database", "parameters")
SCHEMES = ("postgresql", "rediss")
CLEAR_TEXT = ("disable", "allow", "prefer")  # values of sslmode with which libpq may go on without TLS
HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s#]+")


def _escaped(text: str) -> str:
    """Escape everything but letters, digits and ``-._~``."""
    return quote(text, safe="")


def _parameters(parameters: object) -> dict[str, str]:
    """Return the escaped parameters, sorted by name."""
    if not isinstance(parameters, dict):
        raise TypeError(f"parameters must be a dict, got {type(parameters).__name__}")
    escaped: dict[str, str] = {}
    for name, value in parameters.items():
        if not isinstance(name, str) or not PARAMETER.fullmatch(name):
            raise ValueError(f"parameters: {name!r} is not the name of a parameter")
        if not isinstance(value, (str, int)):
            raise TypeError(f"parameter {name} must be text, a whole number or a boolean, got {type(value).__name__}")
        escaped[str(name)] = _escaped(str(value).lower() if isinstance(value, bool) else str(value))
    return dict(sorted(escaped.items()))


def _joined(parameters: dict[str, str]) -> str:
    """Return the parameters as they stand in a query string."""
    return "&".join(f"{name}={value}" for name, value in parameters.items())


def _host(host: object) -> str:
    """Return the host, an IPv6 address in brackets."""
    if not isinstance(host, str):
        raise TypeError(f"host must be text, got {type(host).__name__}")
    if ":" in host:
        try:
            return f"[{ipaddress.IPv6Address(host)}]"
        except ValueError:
            raise ValueError(f"host {host!r} is neither a name nor an address; give the port as port") from None
    if not HOST_NAME.fullmatch(host):
        raise ValueError(f"host {host!r} is neither a name nor an address")
    return str(host)


def _account(parts: dict[str, Any]) -> str:
    """Return user and password up to the @, or nothing."""
    user, password = parts.get("user", ""), parts.get("password", "")
    for name, value in (("user", user), ("password", password)):
        if not isinstance(value, str):
            raise TypeError(f"{name} must be text, got {type(value).__name__}")
    if not user and not password:
        return ""
    if not user and parts["scheme"] != "rediss":
        raise ValueError("password is set, but user is empty; name the user")
    return f"{_escaped(user)}:{_escaped(password)}@" if password else f"{_escaped(user)}@"


def _database(parts: dict[str, Any]) -> str:
    """Return the path: the name of the database, for Redis its number."""
    database = parts.get("database", "")
    if isinstance(database, bool) or not isinstance(database, (str, int)):
        raise TypeError(f"database must be text or a number, got {type(database).__name__}")
    text = str(database)
    if text and parts["scheme"] == "rediss" and not re.fullmatch(r"[0-9]+", text):
        raise ValueError(f"database of a rediss URL must be a number, got {text!r}")
    return f"/{_escaped(text)}" if text else ""


def connection_url(parts: dict[str, Any]) -> str:
    """Return the URL of a PostgreSQL or Redis connection with TLS; PostgreSQL proves its name unless told less."""
    if not isinstance(parts, dict):
        raise TypeError(f"the parts of a URL must be a dict, got {type(parts).__name__}")
    if unknown := sorted(map(str, set(parts) - set(KEYS))):
        raise ValueError(f"{', '.join(unknown)} is not a part of a URL; use {', '.join(KEYS)}")
    scheme, port = parts.get("scheme"), parts.get("port", 0)
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {', '.join(SCHEMES)}, got {scheme!r}")
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:
        raise ValueError(f"port must be a whole number from 1 to 65535, or 0 for the usual one, got {port!r}")
    place = _host(parts.get("host")) + (f":{port}" if port else "")
    parameters = _parameters(parts.get("parameters", {}))
    if scheme == "postgresql" and parameters.setdefault("sslmode", "verify-full") in CLEAR_TEXT:
        raise ValueError("parameter sslmode would accept a connection without TLS; leave it out for verify-full")
    query = _joined(dict(sorted(parameters.items())))
    return f"{scheme}://{_account(parts)}{place}{_database(parts)}" + (f"?{query}" if query else "")


def url_with_parameters(url: str, parameters: dict[str, Any]) -> str:
    """Return the URL with further parameters, joined by exactly one question mark."""
    if not isinstance(url, str) or not URL.fullmatch(url):
        raise ValueError("url must be scheme://… without spaces and #; escape # in a password as %23 (value not shown)")
    base, *queries = url.split("?")
    if len(queries) > 1:
        raise ValueError(
            f"url has {len(queries)} question marks (not shown); join parameters with &, escape ? in a password as %3F"
        )
    pieces = queries[0].split("&") if queries and queries[0] else []
    present = {unquote(name): value for name, _, value in (piece.partition("=") for piece in pieces)}
    added = _parameters(parameters)
    for name in present.keys() & added.keys():
        if unquote(present[name]) != unquote(added[name]):
            raise ValueError(f"parameter {name} is in the url with another value already; remove one of them")
    rest = _joined({name: value for name, value in added.items() if name not in present})
    return "?".join(filter(None, [base, "&".join(filter(None, ["&".join(pieces), rest]))]))


FilterModule = filter_module(connection_url, url_with_parameters)
