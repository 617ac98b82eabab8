"""Kernel settings of machines and containers."""

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]


def test_locks_hold_until_the_next_start(filters: Filters) -> None:
    locked = filters["kernel_settings"]({}, ["bpf", "kexec"], False)
    assert "-kernel.unprivileged_bpf_disabled = 1" in locked
    assert "-kernel.kexec_load_disabled = 1" in locked
    assert not [line for line in filters["kernel_settings"]({}, [], False) if "disabled" in line or "forward" in line]


# What CIS (Debian 12, 1.5 and 3.3) and the kernel's own documentation of each setting ask for; `*` is every interface
HARDENED = """
dev.tty.ldisc_autoload = 0
fs.protected_fifos = 2
fs.protected_hardlinks = 1
fs.protected_regular = 2
fs.protected_symlinks = 1
fs.suid_dumpable = 0
kernel.dmesg_restrict = 1
kernel.kptr_restrict = 2
kernel.perf_event_paranoid = 3
kernel.yama.ptrace_scope = 1
net.core.bpf_jit_harden = 2
net.ipv4.conf.*.accept_redirects = 0
net.ipv4.conf.*.accept_source_route = 0
net.ipv4.conf.*.log_martians = 1
net.ipv4.conf.*.rp_filter = 1
net.ipv4.conf.*.secure_redirects = 0
net.ipv4.conf.*.send_redirects = 0
net.ipv4.icmp_echo_ignore_broadcasts = 1
net.ipv4.icmp_ignore_bogus_error_responses = 1
net.ipv4.tcp_rfc1337 = 1
net.ipv4.tcp_syncookies = 1
net.ipv6.conf.*.accept_redirects = 0
net.ipv6.conf.*.accept_source_route = 0
"""


def test_what_hardens_a_machine(filters: Filters) -> None:
    lines = [line.lstrip("-") for line in filters["kernel_settings"]({}, [], False)]
    assert lines == HARDENED.split("\n")[1:-1]


def test_own_settings_win_and_null_leaves_one_alone(filters: Filters) -> None:
    given = {"vm.swappiness": 10, "net.ipv4.tcp_rfc1337": None, "fs.suid_dumpable": 2, "Vm.b": 1, "vm.C": 2}
    lines = filters["kernel_settings"](given, [], False)
    assert lines[-4:] == ["fs.suid_dumpable = 2", "Vm.b = 1", "vm.C = 2", "vm.swappiness = 10"]
    assert not [line for line in lines if "rfc1337" in line or line.startswith("-fs.suid")]
    assert lines[:-4] == sorted(lines[:-4])
    assert "-kernel.dmesg_restrict = 1" in lines


def test_a_container_has_those_of_its_network_alone(filters: Filters) -> None:
    lines = filters["kernel_settings"]({"vm.swappiness": 10, "net.core.somaxconn": 2048}, ["bpf"], True)
    assert lines[-1] == "net.core.somaxconn = 2048"
    assert {line.lstrip("-").split(".")[0] for line in lines} == {"net"}
    assert "-net.ipv4.tcp_syncookies = 1" in lines


@pytest.mark.parametrize("arguments", [([], [], False), ({}, "bpf", False), ({}, [], "no")])
def test_what_it_takes(refusal: Callable[..., str], arguments: tuple[Any, ...]) -> None:
    assert "kernel_settings takes settings" in refusal("kernel_settings", *arguments)
