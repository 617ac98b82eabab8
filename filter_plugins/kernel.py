"""Which settings of the kernel a host gets: what hardens it, what is locked until the next start, and one's own."""

from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

# Nothing about ip_forward: off breaks every published port of Docker, on is for the role that needs it.
# "*" stands for all, default and every interface: systemd's own file sets interfaces one by one, and theirs would win
HARDENING = {
    "dev.tty.ldisc_autoload": 0,
    "fs.protected_fifos": 2,
    "fs.protected_hardlinks": 1,
    "fs.protected_regular": 2,
    "fs.protected_symlinks": 1,
    "fs.suid_dumpable": 0,
    "kernel.dmesg_restrict": 1,
    "kernel.kptr_restrict": 2,
    "kernel.perf_event_paranoid": 3,
    "kernel.yama.ptrace_scope": 1,
    "net.core.bpf_jit_harden": 2,
    "net.ipv4.conf.*.accept_redirects": 0,
    "net.ipv4.conf.*.accept_source_route": 0,
    "net.ipv4.conf.*.log_martians": 1,
    "net.ipv4.conf.*.rp_filter": 1,
    "net.ipv4.conf.*.secure_redirects": 0,
    "net.ipv4.conf.*.send_redirects": 0,
    "net.ipv4.icmp_echo_ignore_broadcasts": 1,
    "net.ipv4.icmp_ignore_bogus_error_responses": 1,
    "net.ipv4.tcp_rfc1337": 1,
    "net.ipv4.tcp_syncookies": 1,
    "net.ipv6.conf.*.accept_redirects": 0,
    "net.ipv6.conf.*.accept_source_route": 0,
}
# Once set, these stay until the next start. Not modules_disabled: the firewall and containers load modules at any time
LOCKS = {"bpf": "kernel.unprivileged_bpf_disabled", "kexec": "kernel.kexec_load_disabled"}


def kernel_settings(settings: dict[str, Any], locks: list[str], container: bool) -> list[str]:
    """Return the lines of the host's file: what hardens it, skipped where the kernel lacks it, then what was set.

    A container shares all settings with its machine but for those of its network.
    """
    if not isinstance(settings, dict) or not isinstance(locks, list) or not isinstance(container, bool):
        raise TypeError("kernel_settings takes settings, a list of locks and whether the host is a container")
    own = HARDENING | {LOCKS[lock]: 1 for lock in locks}
    lines = [f"-{name} = {own[name]}" for name in sorted(own) if name not in settings]
    given = sorted(settings, key=lambda name: str(name).lower())
    lines += [f"{name} = {settings[name]}" for name in given if settings[name] is not None]
    return [line for line in lines if not container or line.startswith(("net.", "-net."))]


FilterModule = filter_module(kernel_settings)
