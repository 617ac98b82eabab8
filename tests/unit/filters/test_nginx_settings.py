"""Directives that an operator may set, over ours, and those that are refused by name (TLS-02)."""

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        # What the role sets itself, and what it does not
        {"keepalive_timeout": "75s 60s", "gzip_types": "text/css image/svg+xml", "client_body_timeout": 10},
        {
            "proxy_connect_timeout": "500ms",
            "server_names_hash_bucket_size": 256,
            "gzip": False,
            "send_timeout": "1m 30s",
        },
        {"keepalive_requests": 1500, "underscores_in_headers": True, "add_trailer": ["X-A a", "X-B b"]},
        {"log_format": ['own \'{"a": "$uri"}\'', 'two "$uri;"'], "access_log": "/var/log/nginx/own.log own"},
        {"limit_req_zone": "$http_x_key zone=keys:1m rate=5r/s", "proxy_cache_path": "/var/cache/nginx keys_zone=a:1m"},
        {
            "resolver": "192.0.2.1 [2001:db8::1] valid=30s",
            "sub_filter": '\'</head>\' "<b>\\";</b>"',
            "root": "/srv/a\\ b",
        },
        {"add_trailer": "X-A ${http_a}b", "index": "a#b.html"},
        # Of modules that we do not know
        {"brotli": True, "brotli_types": "text/css", "more_set_headers": "'Server: x'", "geoip2_proxy": "192.0.2.1"},
        {"large_client_header_buffers": "4 16k", "server_names_hash_max_size": "1k", "default_type": "a" * 4000},
    ],
)
def test_what_is_right_is_fine(filters: Filters, settings: dict[str, Any]) -> None:
    """As nginx spells it."""
    assert filters["nginx_setting_findings"]({"nginx_settings": settings}, True) == []


QUOTES = "put a value with ; { } # or a space in quotes, on one line, without a trailing ;"


@pytest.mark.parametrize(
    ("settings", "finding"),
    [
        ({"keepalive_timout": 5}, "has keepalive_timout; did you mean keepalive_timeout?"),
        (
            {"limit_req_zone $x": "zone=a:1m"},
            "has 'limit_req_zone $x'; write the name of the directive alone, and what follows it as its value",
        ),
        (
            {"Gzip": True},
            "has 'Gzip'; write the name of the directive alone, and what follows it as its value",
        ),
        (
            {"client_max_body_size": "20m"},
            "has client_max_body_size, which each site sets itself; set nginx_body_limit_mb instead",
        ),
        ({"ssl_protocols": "TLSv1.3"}, "has ssl_protocols, which each site sets itself; set nginx_tls_profile instead"),
        ({"add_header": "X-A a"}, "has add_header, which each site sets itself; set nginx_headers instead"),
        (
            {"proxy_read_timeout": "5s"},
            "has proxy_read_timeout, which each site sets itself; set read_timeout_seconds of a site instead",
        ),
        (
            {"proxy_http_version": "1.0"},
            "has proxy_http_version, which each site sets itself and relies on; take it out",
        ),
        (
            {"map": "$a $b { default 1; }"},
            "has map, which is a block; put it into a file of your own in /etc/nginx/conf.d",
        ),
        (
            {"worker_processes": 4},
            "has worker_processes, which does not belong in the http block; take it out",
        ),
        ({"charset": "utf-8; deny all"}, f"has charset: utf-8; deny all; {QUOTES}"),
        ({"charset": "utf-8;"}, f"has charset: utf-8;; {QUOTES}"),
        ({"charset": "utf-8\ngzip off"}, f"has charset: utf-8\ngzip off; {QUOTES}"),
        ({"charset": "utf-8 # ours"}, f"has charset: utf-8 # ours; {QUOTES}"),
        ({"log_format": "own '{"}, f"has log_format: own '{{; {QUOTES}"),
        ({"log_format": 'own "a"b'}, f'has log_format: own "a"b; {QUOTES}'),
        ({"root": "/srv\\"}, f"has root: /srv\\; {QUOTES}"),
        ({"charset": ""}, "has charset: ''; write a text, a number, true or false, or a list of these"),
        ({"charset": None}, "has charset: None; write a text, a number, true or false, or a list of these"),
        (
            {"charset": {"a": 1}},
            "has charset: {'a': 1}; write a text, a number, true or false, or a list of these",
        ),
        ({"add_trailer": []}, "has add_trailer 0 times; write it once"),
        ({"gzip": [True, False]}, "has gzip 2 times; write it once"),
        (
            {"default_type": "a" * 4001},
            "has default_type with a word of more than 4000 bytes, which nginx does not read; make it shorter",
        ),
        (
            {"send_timeout": "5x"},
            "has send_timeout: 5x, which is not a time; write seconds, or a number and its unit, such as 30s",
        ),
        ({"map_hash_bucket_size": "big"}, "has map_hash_bucket_size: big; write a whole number"),
    ],
)
def test_one_finding_each(filters: Filters, settings: dict[str, Any], finding: str) -> None:
    """The directive, its value and the fix."""
    assert filters["nginx_setting_findings"]({"nginx_settings": settings}, True) == [f"nginx_settings {finding}"]


def test_cures_are_accepted(filters: Filters) -> None:
    """What the sentences say to write is taken."""
    settings = {"keepalive_timeout": 5, "limit_req_zone": "$x zone=a:1m rate=1r/s", "charset": '"utf-8; # {"'}
    assert filters["nginx_setting_findings"]({"nginx_settings": settings}, True) == []
    assert filters["nginx_setting_findings"]({"nginx_body_limit_mb": 20, "nginx_certificate": "edge"}, True) == []


OURS = [
    "default_type", "sendfile", "tcp_nopush", "server_tokens", "types_hash_max_size", "client_header_timeout",
    "client_body_timeout", "send_timeout", "keepalive_timeout", "reset_timedout_connection", "gzip", "gzip_min_length",
    "gzip_proxied", "gzip_vary", "gzip_types", "ssl_protocols", "ssl_ciphers", "ssl_prefer_server_ciphers",
    "ssl_ecdh_curve", "ssl_session_cache", "ssl_session_timeout", "ssl_session_tickets", "proxy_http_version",
    "proxy_connect_timeout", "proxy_send_timeout", "proxy_next_upstream", "proxy_next_upstream_timeout",
    "limit_req_status", "limit_conn_status", "real_ip_header", "real_ip_recursive", "map_hash_bucket_size",
    "proxy_headers_hash_bucket_size", "server_names_hash_bucket_size", "variables_hash_bucket_size",
]  # fmt: skip


@pytest.mark.parametrize("name", OURS)
def test_what_the_role_sets_is_replaced_or_refused(filters: Filters, name: str) -> None:
    """Never written twice, which nginx refuses in the end."""
    value = {"ssl_ciphers": "HIGH", "ssl_ecdh_curve": "X25519"}.get(name, 5)
    if not filters["nginx_setting_findings"]({"nginx_settings": {name: value}}, True):
        lines = filters["nginx_directives"]({name: value}, dict.fromkeys(OURS, "ours"))
        assert [line for line in lines if line.split()[0] == name] == [f"{name} {value}"]
        assert len(lines) == len(OURS)
    else:
        assert name in ("ssl_protocols", "proxy_http_version")


def test_lines_of_the_http_block(filters: Filters) -> None:
    """A format stands before the log that uses it; nothing of what is empty."""
    settings = {"access_log": "/a own", "log_format": ["own '$uri'", "two '$uri'"], "etag": False, "gzip": True}
    ours = {"gzip": "ours", "ssl_ciphers": "", "send_timeout": "", "sendfile": True}
    lines = filters["nginx_directives"](settings, ours)
    named = (
        "log_format",
        "access_log",
        "etag",
        "gzip",
        "send_timeout",
        "sendfile",
        "ssl_ciphers",
        "types_hash_max_size",
    )
    assert [line for line in lines if line.split()[0] in named] == [
        "log_format own '$uri'",
        "log_format two '$uri'",
        "access_log /a own",
        "etag off",
        "gzip on",
        "sendfile on",
        "types_hash_max_size 2048",
    ]


@pytest.mark.parametrize(
    ("length", "size"),
    # Asked of nginx 1.22 on amd64, name by name: 64 bytes less are refused
    [(1, 128), (110, 128), (111, 192), (174, 192), (175, 256), (238, 256), (239, 320), (253, 320)],
)
def test_tables_hold_the_longest_name(filters: Filters, length: int, size: int) -> None:
    """Of every kind of name that a site brings along."""
    site = {"id": "api", "cors_origins": [], "headers": {}, "server_names": []}
    small = dict.fromkeys(
        (f"{name}_hash_bucket_size" for name in ("map", "proxy_headers", "server_names", "variables")), 128
    )
    assert filters["nginx_hash_sizes"]([]) == filters["nginx_hash_sizes"]([site]) == small
    long = "a" * length
    for key, value, table in (
        ("server_names", ["a", long], "server_names"),
        ("cors_origins", [long], "map"),
        ("headers", {long: "x"}, "proxy_headers"),
    ):
        sizes = filters["nginx_hash_sizes"]([site, {**site, key: value}])
        assert sizes == {**small, f"{table}_hash_bucket_size": size}
    assert filters["nginx_hash_sizes"]([{**site, "id": "a" * 94}])["variables_hash_bucket_size"] == 192  # 17 before it


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"ssl_ciphers": "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES256-SHA256"},
        {"ssl_ciphers": "TLS_AES_128_GCM_SHA256:ECDHE+AESGCM:!aNULL:-SHA1:+HIGH:@STRENGTH"},
        {"ssl_ciphers": "'HIGH !MD5'", "ssl_ecdh_curve": "auto"},
        {"ssl_ecdh_curve": "?X25519MLKEM768:X25519:prime256v1:secp384r1"},
    ],
)
def test_ciphers_that_openssl_knows(filters: Filters, settings: dict[str, Any]) -> None:
    """Names, words and what changes their order."""
    assert filters["nginx_cipher_findings"]({"nginx_settings": settings}) == []


@pytest.mark.parametrize(
    ("settings", "finding"),
    [
        (
            {"ssl_ciphers": "ECDHE-RSA-AES256-GCM-SHA512:HIGH"},
            "ssl_ciphers names ECDHE-RSA-AES256-GCM-SHA512, which OpenSSL does not know; "
            "correct it (`openssl ciphers` lists all)",
        ),
        (
            {"ssl_ciphers": "HIGH:!EXPRT"},
            "ssl_ciphers names EXPRT, which OpenSSL does not know; correct it (`openssl ciphers` lists all)",
        ),
        (
            {"ssl_ciphers": "TLS_AES_256_GCM_SHA384"},
            "ssl_ciphers names no cipher of TLS 1.2; add one, those of TLS 1.3 are offered anyway",
        ),
        (
            {"ssl_ciphers": "!aNULL:!MD5"},
            "ssl_ciphers names no cipher of TLS 1.2; add one, those of TLS 1.3 are offered anyway",
        ),
        (
            {"ssl_ecdh_curve": "X25519:secp256r2"},
            "ssl_ecdh_curve names secp256r2, which OpenSSL does not know; write groups such as X25519:prime256v1",
        ),
    ],
)
def test_ciphers_that_openssl_does_not_know(filters: Filters, settings: dict[str, Any], finding: str) -> None:
    """nginx would not start."""
    assert filters["nginx_cipher_findings"]({"nginx_settings": settings}) == [f"nginx_settings: {finding}"]


@pytest.mark.parametrize(
    ("options", "finding"),
    [
        ({"nginx_body_limit_mb": 0}, "nginx_body_limit_mb is 0; give 1 to 1048576"),
        ({"nginx_body_limit_mb": 1048577}, "nginx_body_limit_mb is 1048577; give 1 to 1048576"),
        ({"nginx_worker_connections": 63}, "nginx_worker_connections is 63; give 64 to 1048576"),
        ({"nginx_worker_connections": 1048577}, "nginx_worker_connections is 1048577; give 64 to 1048576"),
        ({"nginx_hsts_seconds": -1}, "nginx_hsts_seconds is -1; give 0 to 2147483648"),
        (
            {"nginx_http3_enabled": True},
            "nginx_http3_enabled is true, but the nginx of Debian 12 has no HTTP/3; set it to false",
        ),
        ({"nginx_status_port": 80}, "nginx_status_port is 80, which sites have; choose another"),
        ({"nginx_status_port": 443}, "nginx_status_port is 443, which sites have; choose another"),
        *[
            (
                {"nginx_certificate": name},
                f"nginx_certificate is {name!r}; write a file name of /etc/holdfast/tls without suffix, not ca",
            )
            for name in (
                "ca",
                "nginx.crt",
                "nginx.key",
                "shop.example.org.pem",
                "../nginx",
                "",
                "a" * 101,
                "x; return 200",
            )
        ],
    ],
)
def test_options_of_the_role(filters: Filters, options: dict[str, Any], finding: str) -> None:
    """One is wrong at a time."""
    assert filters["nginx_setting_findings"](options, False) == [finding]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"nginx_body_limit_mb": 1, "nginx_worker_connections": 64, "nginx_hsts_seconds": 0, "nginx_status_port": 81},
        {"nginx_body_limit_mb": 1048576, "nginx_worker_connections": 1048576, "nginx_certificate": "a" * 100},
        {"nginx_certificate": "cafe.example.org"},
        *({"nginx_certificate": name} for name in ("crt", "nginx-crt", "nginx.crt.org", "nginx.key2")),
    ],
)
def test_options_that_are_right(filters: Filters, options: dict[str, Any]) -> None:
    """Both ends of each range are inside."""
    assert filters["nginx_setting_findings"](options, False) == []
    assert filters["nginx_setting_findings"]({**options, "nginx_http3_enabled": True}, True) == []
