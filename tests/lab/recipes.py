"""What goes into the images; pure, so that the tag follows from it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

FILES = Path(__file__).parent / "files"
RELEASES = ("trixie", "bookworm")  # the first is the default
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

RUNTIME_PACKAGES = ("ca-certificates", "python3")
CACHE_PACKAGES = ("apt-cacher-ng", "ca-certificates")
# What a bare server from a provider has; nothing that a role ought to install itself
HOST_PACKAGES = (
    "ca-certificates", "cron", "dbus", "iproute2", "iputils-ping", "less", "logrotate", "netbase", "openssh-server",
    "procps", "python3", "sudo", "systemd", "systemd-sysv", "systemd-timesyncd", "tzdata",
)  # fmt: skip
# Units about hardware and consoles, which a container does not have
MASKED = (
    "console-getty.service", "dev-hugepages.mount", "dev-mqueue.mount", "getty.target", "getty@tty1.service",
    "modprobe@.service", "sys-fs-fuse-connections.mount", "sys-kernel-config.mount", "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount", "systemd-firstboot.service", "systemd-modules-load.service",
    "systemd-remount-fs.service", "systemd-udev-trigger.service", "systemd-udevd.service",
    "systemd-udevd-control.socket", "systemd-udevd-kernel.socket",
)  # fmt: skip
APT_OPTIONS = ('Acquire::Languages "none"', 'Acquire::Retries "3"')
DPKG_OPTIONS = (
    "force-unsafe-io",  # a test host is never worth an fsync
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-include=/usr/share/doc/*/examples/*",
)


@dataclass(frozen=True)
class Recipe:
    """Everything an image follows from; @FILES@ in a hook is the folder of this checkout's files."""

    name: str
    release: str
    packages: tuple[str, ...] = ()
    mirror: tuple[str, str] = ("", "")
    apt_options: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ("/bin/sh",)

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:10]

    @property
    def tag(self) -> str:
        return f"holdfast/{self.name}:{self.release}-{self.digest}"

    @property
    def alias(self) -> str:
        """The name without the hash always means the newest."""
        return f"holdfast/{self.name}:{self.release}"

    @property
    def sources(self) -> str:
        return sources(self.release, *self.mirror)

    def bootstrap_argv(self, sources_file: str) -> list[str]:
        return [
            "mmdebstrap",
            "--variant=minbase",
            "--format=tar",
            f"--include={','.join(self.packages)}",
            *(f"--aptopt={option}" for option in (*APT_OPTIONS, *self.apt_options)),
            *(f"--dpkgopt={option}" for option in DPKG_OPTIONS),
            *(f"--customize-hook={hook.replace('@FILES@', str(FILES))}" for hook in self.hooks),
            self.release,
            "-",
            sources_file,
        ]

    @property
    def change(self) -> str:
        """The setting the engine puts on the image; no label, every container made from it would inherit that."""
        return f"CMD {json.dumps(list(self.command))}"


def sources(release: str, archive: str, security: str) -> str:
    """Return the apt sources of an ordinary Debian server of this release."""
    stanza = "Types: deb\nURIs: {}\nSuites: {}\nComponents: main\nSigned-By: {}\n"
    return "\n".join(
        [
            stanza.format(archive, f"{release} {release}-updates", KEYRING),
            stanza.format(security, f"{release}-security", KEYRING),
        ]
    )


def _texts(*names: str) -> dict[str, str]:
    return {name: (FILES / name).read_text() for name in names}


CLEAN = (
    'mv "$1"/etc/apt/sources.list.d/*.sources "$1/etc/apt/sources.list.d/debian.sources"',
    'rm -f "$1"/var/log/dpkg.log "$1"/var/log/apt/* "$1"/var/log/alternatives.log "$1"/var/log/bootstrap.log',
)


def host_recipe(release: str, mirror: tuple[str, str], apt_options: tuple[str, ...] = ()) -> Recipe:
    """Return a systemd host with sshd and one unprivileged user, as a provider delivers it."""
    detect = "/usr/local/lib/lab/apt-cache-or-direct"
    hooks = (
        'chroot "$1" useradd --create-home --no-user-group --shell /bin/bash operator',
        'echo "operator ALL=(ALL:ALL) NOPASSWD: ALL" >"$1/etc/sudoers.d/90-operator"',
        'chmod 0440 "$1/etc/sudoers.d/90-operator"',
        'mkdir -p "$1/usr/local/lib/lab"',
        'install -m 0755 "@FILES@/lab-init" "@FILES@/apt-cache-or-direct" "$1/usr/local/lib/lab/"',
        f'echo \'Acquire::http::Proxy-Auto-Detect "{detect}";\' >"$1/etc/apt/apt.conf.d/01lab-cache"',
        *(f'ln -sf /dev/null "$1/etc/systemd/system/{unit}"' for unit in MASKED),
        # Every host is somebody of its own: keys and identity are made at the first boot
        'rm -f "$1"/etc/ssh/ssh_host_* "$1/var/lib/dbus/machine-id"; : >"$1/etc/machine-id"',
        'rm -f "$1/etc/hostname" "$1/etc/resolv.conf"',
        'touch "$1/etc/hostname" "$1/etc/resolv.conf"',
        *CLEAN,
    )
    return Recipe(
        "debian", release, HOST_PACKAGES, mirror, apt_options, hooks,
        _texts("lab-init", "apt-cache-or-direct"), ("/usr/local/lib/lab/lab-init",),
    )  # fmt: skip


def runtime_recipe(release: str, mirror: tuple[str, str], apt_options: tuple[str, ...] = ()) -> Recipe:
    """Return the small image that applications are built upon."""
    return Recipe("runtime", release, RUNTIME_PACKAGES, mirror, apt_options, CLEAN, {}, ("/usr/bin/python3",))


def cache_recipe(release: str, mirror: tuple[str, str], apt_options: tuple[str, ...] = ()) -> Recipe:
    """Return the cache that lets ten hosts download a package once."""
    folder = "/etc/apt-cacher-ng"
    hooks = (
        f'rm -f "$1"{folder}/*.conf',
        f'install -m 0644 "@FILES@/apt-cacher-ng.conf" "$1{folder}/acng.conf"',
        *CLEAN,
    )
    return Recipe(
        "cache", release, CACHE_PACKAGES, mirror, apt_options, hooks,
        _texts("apt-cacher-ng.conf"), ("/usr/sbin/apt-cacher-ng", "-c", folder),
    )  # fmt: skip
