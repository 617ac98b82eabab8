"""Directives of nginx's http block: what an operator cannot set like this, and what all of them come to."""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.names import CERTIFICATE, words
from ansible_collections.holdfast.platform.plugins.plugin_utils.numbers import WORD_BYTES

NAME = re.compile(r"[a-z][a-z0-9_]*")
# The http block of every host. What nginx_settings says stands in place of this.
ALWAYS: dict[str, Any] = {
    "default_type": "application/octet-stream",
    "sendfile": True,
    "tcp_nopush": True,
    "server_tokens": False,
    "types_hash_max_size": 2048,
    # A client that is slow or silent does not hold a connection for long
    "client_header_timeout": "15s",
    "client_body_timeout": "30s",
    "send_timeout": "30s",
    "keepalive_timeout": "65s",
    "reset_timedout_connection": True,
    "gzip": True,
    "gzip_min_length": 1024,
    "gzip_proxied": "any",
    "gzip_vary": True,
    "gzip_types": "text/plain text/css text/javascript text/xml application/javascript application/json "
    "application/xml image/svg+xml",
    "proxy_http_version": "1.1",
    "proxy_connect_timeout": "3s",
    "proxy_send_timeout": "30s",
    # Requests that may be repeated go to the next server when one fails; others only if nothing had been sent yet
    "proxy_next_upstream": "error timeout",
    "proxy_next_upstream_timeout": "15s",
    "limit_req_status": 429,
    "limit_conn_status": 429,
    "ssl_prefer_server_ciphers": False,
    "ssl_session_cache": "shared:holdfast:10m",
    "ssl_session_timeout": "1d",
    "ssl_session_tickets": False,  # their key would live as long as the workers
}
# Every site says these itself, so that they would count nowhere: by name, what is meant instead
ELSEWHERE = {
    "add_header": "nginx_headers",
    "client_max_body_size": "nginx_body_limit_mb",
    "error_page": "nginx_error_page",
    "proxy_hide_header": "nginx_headers",
    "proxy_read_timeout": "read_timeout_seconds of a site",
    "server_name": "server_names of a site",
    "set_real_ip_from": "nginx_trusted_proxies",
    "ssl_certificate": "nginx_certificate",
    "ssl_certificate_key": "nginx_certificate",
    "ssl_protocols": "nginx_tls_profile",
    "worker_connections": "nginx_worker_connections",
}
FIXED = frozenset({"proxy_http_version", "proxy_next_upstream_tries", "proxy_set_header"})
BLOCKS = words("events geo http if limit_except location map server split_clients stream types upstream")
OTHER_CONTEXT = words(
    "alias daemon env internal listen load_module multi_accept pid proxy_pass return rewrite set stub_status "
    "thread_pool try_files user worker_processes worker_rlimit_nofile worker_shutdown_timeout"
)
REPEATED = words(
    "access_log add_trailer allow auth_request_set deny error_log fastcgi_param gzip_disable include js_set "
    "limit_conn limit_conn_zone limit_req limit_req_zone log_format mirror perl_set proxy_cache_path "
    "proxy_cache_valid proxy_cookie_domain proxy_cookie_flags proxy_cookie_path proxy_pass_header proxy_redirect "
    "sub_filter"
)
# What people set: a name that is nearly one of these is a misspelt one, any other may come with a module
KNOWN = REPEATED | words(
    "absolute_redirect aio auth_basic auth_basic_user_file charset chunked_transfer_encoding "
    "client_body_buffer_size client_body_temp_path client_body_timeout client_header_buffer_size "
    "client_header_timeout default_type directio etag expires gzip gzip_buffers gzip_comp_level gzip_http_version "
    "gzip_min_length gzip_proxied gzip_static gzip_types gzip_vary http2_max_concurrent_streams if_modified_since "
    "ignore_invalid_headers index keepalive_disable keepalive_requests keepalive_time keepalive_timeout "
    "large_client_header_buffers limit_conn_dry_run limit_conn_log_level limit_conn_status limit_rate "
    "limit_rate_after limit_req_dry_run limit_req_log_level limit_req_status lingering_close lingering_time "
    "lingering_timeout log_not_found map_hash_bucket_size map_hash_max_size max_ranges merge_slashes "
    "open_file_cache output_buffers port_in_redirect postpone_output proxy_bind proxy_buffer_size proxy_buffering "
    "proxy_buffers proxy_busy_buffers_size proxy_cache proxy_cache_bypass proxy_cache_key proxy_cache_lock "
    "proxy_cache_use_stale proxy_connect_timeout proxy_headers_hash_bucket_size proxy_headers_hash_max_size "
    "proxy_ignore_client_abort proxy_ignore_headers proxy_intercept_errors proxy_max_temp_file_size "
    "proxy_next_upstream proxy_next_upstream_timeout proxy_no_cache proxy_request_buffering proxy_send_timeout "
    "proxy_socket_keepalive proxy_ssl_name proxy_ssl_server_name proxy_ssl_verify proxy_temp_path real_ip_header "
    "real_ip_recursive recursive_error_pages request_pool_size reset_timedout_connection resolver resolver_timeout "
    "send_timeout sendfile sendfile_max_chunk server_name_in_redirect server_names_hash_bucket_size "
    "server_names_hash_max_size server_tokens ssl_buffer_size ssl_ciphers ssl_client_certificate ssl_conf_command "
    "ssl_dhparam ssl_early_data ssl_ecdh_curve ssl_prefer_server_ciphers ssl_session_cache ssl_session_ticket_key "
    "ssl_session_tickets ssl_session_timeout ssl_stapling ssl_stapling_verify ssl_trusted_certificate "
    "ssl_verify_client ssl_verify_depth tcp_nodelay tcp_nopush types_hash_bucket_size types_hash_max_size "
    "underscores_in_headers variables_hash_bucket_size variables_hash_max_size"
)
QUOTED = re.compile(r"""(?<!\S)("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')(?!\S)|\\.|\$\{\w+\}""")
TIME = re.compile(r"\d+|(\d+(y|M|w|d|h|m|s|ms) ?)+")
SIZE = re.compile(r"\d+[kKmMgG]?")


OPTIONS = {"nginx_body_limit_mb": (1, 2**20), "nginx_worker_connections": (64, 2**20), "nginx_hsts_seconds": (0, 2**31)}


def option_findings(options: Mapping[str, Any], has_http3: bool) -> Iterator[str]:
    """Say which options of the role nginx would refuse."""
    for name, (least, most) in OPTIONS.items():
        if name in options and not least <= options[name] <= most:
            yield f"{name} is {options[name]}; give {least} to {most}"
    if options.get("nginx_status_port") in (80, 443):
        yield f"nginx_status_port is {options['nginx_status_port']}, which sites have; choose another"
    name = str(options.get("nginx_certificate", "nginx"))
    if not re.fullmatch(CERTIFICATE, name):
        yield f"nginx_certificate is {name!r}; write a file name of /etc/holdfast/tls without suffix, not ca"
    if options.get("nginx_http3_enabled") and not has_http3:
        yield "nginx_http3_enabled is true, but the nginx of Debian 12 has no HTTP/3; set it to false"


def name_findings(name: str) -> Iterator[str]:
    """Say why a directive cannot stand in the http block, or would count nowhere there."""
    if not NAME.fullmatch(name):
        yield f"has {name!r}; write the name of the directive alone, and what follows it as its value"
    elif name in ELSEWHERE:
        yield f"has {name}, which each site sets itself; set {ELSEWHERE[name]} instead"
    elif name in FIXED:
        yield f"has {name}, which each site sets itself and relies on; take it out"
    elif name in BLOCKS:
        yield f"has {name}, which is a block; put it into a file of your own in /etc/nginx/conf.d"
    elif name in OTHER_CONTEXT:
        yield f"has {name}, which does not belong in the http block; take it out"
    elif name not in KNOWN and (close := difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.93)):
        yield f"has {name}; did you mean {close[0]}?"


def word_findings(name: str, value: object) -> Iterator[str]:
    """Say why nginx could not read a value."""
    text = _spelled(value)
    bare = QUOTED.sub("", text)
    if not isinstance(value, (str, int, float)) or not text.strip():
        yield f"has {name}: {value!r}; write a text, a number, true or false, or a list of these"
    elif re.search(r"[;{}\n\r\0]|(^|\s)[#\"']", bare) or bare.endswith("\\"):
        yield f"has {name}: {text}; put a value with ; {{ }} # or a space in quotes, on one line, without a trailing ;"
    elif any(len(word.encode()) > WORD_BYTES for word in [*QUOTED.findall(text), *bare.split()]):
        yield f"has {name} with a word of more than {WORD_BYTES} bytes, which nginx does not read; make it shorter"
    elif (name.endswith("_timeout") and name != "keepalive_timeout") and not TIME.fullmatch(text):
        yield f"has {name}: {text}, which is not a time; write seconds, or a number and its unit, such as 30s"
    elif name.endswith(("_hash_bucket_size", "_hash_max_size")) and not SIZE.fullmatch(text):
        yield f"has {name}: {text}; write a whole number"


def nginx_setting_findings(options: Mapping[str, Any], has_http3: bool) -> list[str]:
    """Return one sentence for every option that nginx would refuse, and every directive its http block cannot have."""
    findings = [*option_findings(options, has_http3)]
    for name, value in options.get("nginx_settings", {}).items():
        items = value if isinstance(value, list) else [value]
        found = [*name_findings(str(name))] or [each for item in items for each in word_findings(name, item)]
        if not items or (len(items) > 1 and name in KNOWN - REPEATED):
            found.append(f"has {name} {len(items)} times; write it once")
        findings += [f"nginx_settings {finding}" for finding in dict.fromkeys(found)]
    return findings


def _spelled(value: object) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def nginx_directives(settings: Mapping[str, Any], ours: Mapping[str, Any]) -> list[str]:
    """Return the directives line by line, those of the operator in place of ours; formats before logs that use them."""
    merged = {name: value for name, value in {**ALWAYS, **ours, **settings}.items() if value != ""}
    return [
        f"{name} {_spelled(item)}"
        for name in sorted(merged, key=lambda name: (name != "log_format", name))
        for item in (merged[name] if isinstance(merged[name], list) else [merged[name]])
    ]


def _bucket(names: list[str]) -> int:
    """Return the bytes that nginx needs for its longest name: pointer, length and name, then the end of the bucket."""
    longest = max((len(name.encode()) for name in names), default=0)
    return max(128, -(-(8 + -(-(longest + 2) // 8) * 8 + 8) // 64) * 64)


def nginx_hash_sizes(sites: list[dict[str, Any]]) -> dict[str, int]:
    """Return how large the buckets of nginx's tables have to be for what sites say, with every key."""
    return {
        "map_hash_bucket_size": _bucket([origin for site in sites for origin in site["cors_origins"]]),
        "proxy_headers_hash_bucket_size": _bucket([header for site in sites for header in site["headers"]]),
        "server_names_hash_bucket_size": _bucket([name for site in sites for name in site["server_names"]]),
        "variables_hash_bucket_size": _bucket([f"holdfast_headers_{site['id']}" for site in sites]),
    }


FilterModule = filter_module(nginx_setting_findings, nginx_directives, nginx_hash_sizes)
