"""Writes what redis.conf says, and tells what of it a running server takes over."""

from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

# What CONFIG SET of 7.0.15 and of 8.0.2 answers "can't set immutable config" or "can't set protected config" to, asked
# for every name of CONFIG GET *. The union is exact for both: no name that both know can be set in one of them alone.
IMMUTABLE = """
    aclfile always-show-logo aof-rewrite-cpulist aof_rewrite_cpulist appenddirname appendfilename bgsave-cpulist
    bgsave_cpulist bio-cpulist bio_cpulist cluster-config-file cluster-enabled cluster-port daemonize databases
    dbfilename dir disable-thp enable-debug-command enable-module-command enable-protected-configs io-threads
    io-threads-do-reads logfile pidfile rdbchecksum replicaof server-cpulist server_cpulist set-proc-title slaveof
    socket-mark-id supervised syslog-enabled syslog-facility syslog-ident tcp-backlog unixsocket unixsocketperm
"""
# CONFIG SET does not know them: "Unknown option"
ONLY_AT_START = "include loadmodule rename-command user"
RESTART_DIRECTIVES = frozenset(f"{IMMUTABLE} {ONLY_AT_START}".split())
# Their values are passwords
SECRET_DIRECTIVES = ("masterauth", "requirepass", "tls-client-key-file-pass", "tls-key-file-pass")
WORDS = {True: "yes", False: "no"}


def _text(item: object) -> str:
    """Return a value as redis.conf has it."""
    return WORDS[item] if isinstance(item, bool) else str(item)


def redis_directives(own: dict[str, object], settings: dict[str, object]) -> dict[str, Any]:
    """Return the lines of each directive in two groups: what only a start reads, and what a running server takes over.

    A setting of a module, whose name has a dot, counts as one that only a start reads.
    """
    if not isinstance(own, dict) or not isinstance(settings, dict):
        raise TypeError("redis_directives takes two dicts, directives of the role and settings")
    groups: dict[str, Any] = {"restart": {}, "runtime": {}}
    merged = {**own, **{str(name).lower(): value for name, value in settings.items()}}
    for name in sorted(merged):
        value = merged[name]
        place = "restart" if name in RESTART_DIRECTIVES or "." in name else "runtime"
        groups[place][name] = [_text(item) for item in (value if isinstance(value, list) else [value])]
    return {**groups, "secret": any(name in merged for name in SECRET_DIRECTIVES)}


FilterModule = filter_module(redis_directives)
