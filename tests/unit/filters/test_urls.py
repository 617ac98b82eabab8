"""Connection URLs: escaped, one query string, no secret in a message."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]
SECRET = "p@ss:w/o?r#d %+&é"
PARTS = {"scheme": "postgresql", "user": "app", "password": SECRET, "host": "data1", "port": 5432, "database": "api"}
DOCUMENT = "postgresql://user:pass@host:5432/db?sslmode=require"


@pytest.mark.parametrize(
    ("parts", "url"),
    [
        ({}, "postgresql://app:p%40ss%3Aw%2Fo%3Fr%23d%20%25%2B%26%C3%A9@data1:5432/api?sslmode=verify-full"),
        ({"password": "", "host": "fd00::5"}, "postgresql://app@[fd00::5]:5432/api?sslmode=verify-full"),
        ({"password": "", "user": "", "port": 0}, "postgresql://data1/api?sslmode=verify-full"),
        ({"password": "", "parameters": {"sslmode": "require"}}, "postgresql://app@data1:5432/api?sslmode=require"),
        (
            {"password": "x", "parameters": {"b": True, "a": 20, "c": "x y"}},
            "postgresql://app:x@data1:5432/api?a=20&b=true&c=x%20y&sslmode=verify-full",
        ),
        ({"scheme": "rediss", "user": "", "password": "x", "database": 1}, "rediss://:x@data1:5432/1"),
        ({"scheme": "rediss", "password": "x", "database": ""}, "rediss://app:x@data1:5432"),
    ],
)
def test_urls(filters: Filters, parts: dict[str, Any], url: str) -> None:
    """Escaped by hand."""
    assert filters["connection_url"](PARTS | parts) == url


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"scheme": "mysql"}, "scheme must be one of postgresql, rediss, got 'mysql'"),
        ({"host": "data1:5432"}, "host 'data1:5432' is neither a name nor an address; give the port as port"),
        ({"host": "a/b"}, "host 'a/b' is neither"),
        ({"host": None}, "host must be text, got NoneType"),
        ({"port": "5432"}, "port must be a whole number"),
        ({"port": True}, "port must be a whole number"),
        ({"port": 65536}, "got 65536"),
        ({"user": ""}, "password is set, but user is empty"),
        ({"user": None}, "user must be text, got NoneType"),
        ({"password": 3}, "password must be text, got int"),
        ({"database": True}, "database must be text or a number, got bool"),
        ({"database": None}, "database must be text or a number, got NoneType"),
        ({"scheme": "rediss"}, "database of a rediss URL must be a number, got 'api'"),
        ({"parameters": "a=1"}, "parameters must be a dict, got str"),
        ({"parameters": {"a b": 1}}, "'a b' is not the name of a parameter"),
        ({"parameters": {3: 1}}, "3 is not the name of a parameter"),
        ({"parameters": {"a": None}}, "parameter a must be text, a whole number or a boolean, got NoneType"),
        ({"parameters": {"sslmode": "prefer"}}, "sslmode would accept a connection without TLS"),
        ({"pasword": SECRET}, "pasword is not a part of a URL"),
    ],
)
def test_wrong_parts_are_refused_without_the_secret(refusal: Refusal, parts: dict[str, Any], words: str) -> None:
    """The message names the part, never the password."""
    message = refusal("connection_url", PARTS | parts)
    assert words in message
    assert SECRET not in message


def test_parts_are_a_dict(refusal: Refusal) -> None:
    """A ready URL is not parts."""
    assert "must be a dict, got str" in refusal("connection_url", DOCUMENT)


@pytest.mark.parametrize(
    ("url", "parameters", "result"),
    [
        (DOCUMENT, {"pool_timeout": 20, "connection_limit": 20}, f"{DOCUMENT}&connection_limit=20&pool_timeout=20"),
        (DOCUMENT, {"sslmode": "require"}, DOCUMENT),
        (DOCUMENT, {}, DOCUMENT),
        ("postgresql://host/db", {"a": "x&y"}, "postgresql://host/db?a=x%26y"),
        ("postgresql://host/db?", {"a": 1}, "postgresql://host/db?a=1"),
        ("postgresql://host/db", {}, "postgresql://host/db"),
    ],
)
def test_parameters_join_with_one_question_mark(
    filters: Filters, url: str, parameters: dict[str, Any], result: str
) -> None:
    """Document 002 appends a second question mark, which no client reads."""
    assert filters["url_with_parameters"](url, parameters) == result


@pytest.mark.parametrize(
    ("url", "parameters", "words"),
    [
        (f"{DOCUMENT}?connection_limit=20", {}, "url has 2 question marks"),
        ("postgresql://user:pa?ss@host/db?a=1", {}, "escape ? in a password as %3F"),
        ("postgresql://user:pa#ss@host/db", {}, "escape # in a password as %23"),
        ("host:pass/db", {}, "url must be"),
        (None, {}, "url must be"),
        (DOCUMENT, {"sslmode": "disable"}, "parameter sslmode is in the url with another value already"),
    ],
)
def test_broken_urls_are_refused_without_showing_them(
    refusal: Refusal, url: object, parameters: dict[str, Any], words: str
) -> None:
    """A URL holds a password, so no part of it is shown."""
    message = refusal("url_with_parameters", url, parameters)
    assert words in message
    assert "pass@" not in message
    assert "pa?ss" not in message
    assert "pa#ss" not in message
    assert "disable" not in message


TEXT = st.text(st.characters(codec="utf-8"), min_size=1)


@given(user=TEXT, password=TEXT, database=TEXT, values=st.dictionaries(st.sampled_from("abcd"), TEXT))
def test_every_part_comes_back(
    filters: Filters, user: str, password: str, database: str, values: dict[str, str]
) -> None:
    """The standard library's own reader finds what was put in, whether parameters come at once or later."""
    parts = PARTS | {"user": user, "password": password, "database": database}
    url = filters["connection_url"](parts | {"parameters": values})
    read = urlsplit(url)
    assert (unquote(read.username or ""), unquote(read.password or "")) == (user, password)
    assert unquote(read.path) == f"/{database}"
    wanted = {name: [value] for name, value in values.items()} | {"sslmode": ["verify-full"]}
    assert parse_qs(read.query, strict_parsing=True) == wanted
    later = filters["url_with_parameters"](filters["connection_url"](parts), values)
    assert parse_qs(urlsplit(later).query, strict_parsing=True) == wanted
