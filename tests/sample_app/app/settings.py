"""Settings from the environment. Messages name the variable and never repeat its value: it may hold a password."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

# Unless the URL says otherwise: a vanished host must be noticed in seconds, not after the kernel's quarter of an hour.
CONNECTION_DEFAULTS = {"connect_timeout": "3", "tcp_user_timeout": "10000", "application_name": "sample-app"}
LOG_LEVELS = ("debug", "info", "warning", "error")
SHORTEST_SECRET = 16


@dataclass(frozen=True)
class Database:
    """A URL that libpq understands, and the two pool parameters that it does not."""

    url: str = field(repr=False)
    connection_limit: int = 10
    pool_timeout: int = 10


@dataclass(frozen=True)
class Settings:
    """Everything the service is told from outside."""

    database: Database
    redis_url: str = field(repr=False)
    redis_ca_file: str | None
    secret: str = field(repr=False)
    version: str
    environment: str
    log_level: str


def split_database_url(url: str) -> Database:
    """Take ``connection_limit`` and ``pool_timeout`` out of a database URL; the rest stays as it was spelt."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError("DATABASE_URL must start with postgresql://")
    if "?" in parts.query:
        raise ValueError("DATABASE_URL has more than one '?'; parameters after the first are joined with '&'")
    ours: dict[str, int] = {}
    theirs: list[str] = []
    for parameter in filter(None, parts.query.split("&")):
        name, _, value = parameter.partition("=")
        if name in ("connection_limit", "pool_timeout"):
            if name in ours:
                raise ValueError(f"DATABASE_URL has {name} twice")
            ours[name] = _number(name, value)
        else:
            theirs.append(parameter)
    named = {parameter.partition("=")[0] for parameter in theirs}
    theirs += [f"{name}={value}" for name, value in CONNECTION_DEFAULTS.items() if name not in named]
    return Database(parts._replace(query="&".join(theirs)).geturl(), **ours)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings, or say which variable is wrong."""
    redis_url = _required(environment, "REDIS_URL")
    if urlsplit(redis_url).scheme not in ("redis", "rediss"):
        raise ValueError("REDIS_URL must start with rediss:// or redis://")
    secret = _required(environment, "APP_SECRET")
    if len(secret) < SHORTEST_SECRET:
        raise ValueError(f"APP_SECRET must have at least {SHORTEST_SECRET} characters")
    log_level = environment.get("LOG_LEVEL", "info").lower()
    if log_level not in LOG_LEVELS:
        raise ValueError(f"LOG_LEVEL must be one of {', '.join(LOG_LEVELS)}")
    return Settings(
        database=split_database_url(_required(environment, "DATABASE_URL")),
        redis_url=redis_url,
        redis_ca_file=environment.get("REDIS_CA_FILE") or None,
        secret=secret,
        version=environment.get("APP_VERSION", "unknown"),
        environment=environment.get("APP_ENV", "production"),
        log_level=log_level,
    )


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise ValueError(f"{name} is missing from the environment")
    return value


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit()) or not 1 <= int(value) <= 1000:
        raise ValueError(f"{name} in DATABASE_URL must be a whole number from 1 to 1000")
    return int(value)
