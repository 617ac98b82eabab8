"""The environment contract of the sample application."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sample_app.app.settings import read_settings, split_database_url

URL = "postgresql://fantasy_api_app:p4ss%3Fw%40rd@data1:5432/fantasy_api"
GOOD = {"DATABASE_URL": URL, "REDIS_URL": "rediss://:r3dis@data1:6379/0", "APP_SECRET": "0123456789abcdef"}


def test_pool_parameters_are_taken_out_and_the_rest_stays_as_spelt() -> None:
    database = split_database_url(
        f"{URL}?sslmode=verify-full&connection_limit=20&sslrootcert=/tls/ca.crt&pool_timeout=15"
        "&connect_timeout=5&application_name=x&tcp_user_timeout=1"
    )
    assert (
        database.url
        == f"{URL}?sslmode=verify-full&sslrootcert=/tls/ca.crt&connect_timeout=5&application_name=x&tcp_user_timeout=1"
    )
    assert (database.connection_limit, database.pool_timeout) == (20, 15)


def test_defaults_apply_where_the_url_is_silent() -> None:
    database = split_database_url(URL)
    assert database.url == f"{URL}?connect_timeout=3&tcp_user_timeout=10000&application_name=sample-app"
    assert (database.connection_limit, database.pool_timeout) == (10, 10)


@given(st.integers(1, 1000), st.integers(1, 1000), st.permutations(range(3)))
def test_order_of_parameters_does_not_matter(limit: int, timeout: int, order: list[int]) -> None:
    parameters = [f"connection_limit={limit}", f"pool_timeout={timeout}", "sslmode=require"]
    database = split_database_url(f"{URL}?{'&'.join(parameters[place] for place in order)}")
    left = dict(parse_qsl(urlsplit(database.url).query))
    assert (database.connection_limit, database.pool_timeout, left["sslmode"]) == (limit, timeout, "require")
    assert not {"connection_limit", "pool_timeout"} & left.keys()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (f"{URL}?sslmode=require?connection_limit=20", "more than one '?'"),
        (f"{URL}?connection_limit=0", "connection_limit in DATABASE_URL must be a whole number from 1 to 1000"),
        (f"{URL}?pool_timeout=2s", "pool_timeout in DATABASE_URL must be"),
        (f"{URL}?pool_timeout=²", "pool_timeout in DATABASE_URL must be"),
        (f"{URL}?pool_timeout=1&pool_timeout=2", "pool_timeout twice"),
        ("mysql://a:p4ss%3Fw%40rd@b/c", "must start with postgresql://"),
    ],
)
def test_wrong_database_url_is_named_without_its_password(url: str, message: str) -> None:
    with pytest.raises(ValueError, match="DATABASE_URL") as refusal:
        split_database_url(url)
    assert message in str(refusal.value)
    assert "p4ss" not in str(refusal.value)


def test_settings_have_defaults_and_hide_secrets() -> None:
    settings = read_settings(GOOD)
    assert (settings.version, settings.environment, settings.log_level) == ("unknown", "production", "info")
    assert settings.redis_ca_file is None
    shown = repr(settings)
    assert not [secret for secret in ("p4ss", "r3dis", GOOD["APP_SECRET"]) if secret in shown]


def test_settings_are_read() -> None:
    more = {"APP_VERSION": "1.1.0", "APP_ENV": "staging", "LOG_LEVEL": "DEBUG", "REDIS_CA_FILE": "/tls/ca.crt"}
    settings = read_settings(GOOD | more)
    assert (settings.version, settings.environment, settings.log_level) == ("1.1.0", "staging", "debug")
    assert settings.redis_ca_file == "/tls/ca.crt"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"DATABASE_URL": ""}, "DATABASE_URL is missing"),
        ({"REDIS_URL": ""}, "REDIS_URL is missing"),
        ({"REDIS_URL": "http://s3cret"}, "REDIS_URL must start with rediss://"),
        ({"APP_SECRET": ""}, "APP_SECRET is missing"),
        ({"APP_SECRET": "s3cret"}, "APP_SECRET must have at least 16 characters"),
        ({"LOG_LEVEL": "trace"}, "LOG_LEVEL must be one of debug, info, warning, error"),
    ],
)
def test_wrong_setting_is_named_without_its_value(change: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message) as refusal:
        read_settings(GOOD | change)
    assert "s3cret" not in str(refusal.value)
