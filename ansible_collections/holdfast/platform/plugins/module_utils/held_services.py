# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Services of new packages, which wait until they are configured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.holdfast.platform.plugins.module_utils.apt_process import journal_of, run_apt
from ansible_collections.holdfast.platform.plugins.module_utils.held_units import HELD, held_units
from ansible_collections.holdfast.platform.plugins.module_utils.refusal import Refused

POLICY = Path("/usr/sbin/policy-rc.d")
THEIRS = Path("/usr/sbin/policy-rc.d.before-holdfast")
STATE = Path("/var/lib/holdfast")
KNOWN = "known-packages"
MARK = "Managed by Holdfast"
# Debian asks this program before it starts a service. Whatever becomes of the run, it says no to nobody but the
# children of our apt, which alone have the variable.
POLICY_TEXT = """\
#!/bin/sh
# Managed by Holdfast, for one installation: services of new packages wait until they are configured. Inert in between.
theirs=%(theirs)s
name= action=
for word; do
    case $word in
    --*) ;;
    *) if [ -z "$name" ]; then name=$word; else action=${action:-$word}; fi ;;
    esac
done
case $name in *.*) unit=$name ;; *) unit=$name.service ;; esac
new() { [ -n "$HOLDFAST_HOLD" ] && ! grep -qxF -- "$DPKG_MAINTSCRIPT_PACKAGE" "$HOLDFAST_HOLD/%(known)s"; }
listens() {
    case $unit in
    dbus* | polkit* | systemd-* | cron.service) false ;; # asked by others while they are installed, or deaf
    *.service | *.socket) ;;
    *) false ;;
    esac
}
case $action in
*start*)
    if new && listens && ! systemctl is-active --quiet "$unit"; then
        # One no is taken for all units of a call, so that Debian would not even ask for the others of this package
        {
            echo "$unit"
            dpkg-query -L "$DPKG_MAINTSCRIPT_PACKAGE" | sed -n 's,^.*/lib/systemd/system/\\([^/@]*\\)$,\\1,p' |
                grep -E '\\.(service|socket|timer|path)$'
        } >>"$HOLDFAST_HOLD/%(held)s" 2>/dev/null
        exit 101
    fi ;;
esac
[ ! -x "$theirs" ] || exec "$theirs" "$@"
exit 0
"""
STARTED_BY_DEBIAN = ("enabled", "enabled-runtime", "generated")


def known_packages() -> list[str]:
    """Return the packages that have been in service: their services may be started, those of others never were."""
    code, text = run_apt(["dpkg-query", "-W", "-f", "${db:Status-Status}\t${Config-Version}\t${Package}\n"])
    if code != 0:
        raise Refused(f"dpkg-query failed: {text}")
    rows = [line.split("\t") for line in text.splitlines()]
    return sorted(
        {
            name
            for status, configured, name in rows
            if status in ("installed", "triggers-awaited", "triggers-pending")
            or (configured and status in ("unpacked", "half-configured", "half-installed"))
        }
    )


def is_ours(path: Path) -> bool:
    try:
        return MARK in path.read_text(errors="replace")
    except OSError:
        return False


@contextmanager
def services_held_back() -> Iterator[dict[str, str]]:
    """Let no service start that comes with a new package: it is not configured, and the firewall may not stand.

    An operator's own policy stays in force, and what a killed run has left behind is put in order.
    """
    STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
    (STATE / KNOWN).write_text("".join(f"{name}\n" for name in known_packages()))
    if os.path.lexists(POLICY) and not is_ours(POLICY):
        THEIRS.unlink(missing_ok=True)
        os.link(POLICY, THEIRS, follow_symlinks=False)  # it is never gone, not even for a moment
    staged = POLICY.with_name(".policy-rc.d.holdfast")
    staged.write_text(POLICY_TEXT % {"theirs": THEIRS, "known": KNOWN, "held": HELD.name})
    staged.chmod(0o755)
    staged.replace(POLICY)
    try:
        yield {"HOLDFAST_HOLD": str(STATE)}
    finally:
        if os.path.lexists(THEIRS):
            THEIRS.replace(POLICY)
        else:
            POLICY.unlink(missing_ok=True)
        (STATE / KNOWN).unlink(missing_ok=True)


def release(check: bool) -> tuple[list[str], list[str]]:
    """Start what was held back and no role has started or switched off meanwhile; return its names, and what failed.

    That is no failure of the run: Debian's packages do not fail either when a daemon of theirs cannot start yet.
    """
    due, warnings = [], []
    for unit in held_units():
        _code, text = run_apt(["systemctl", "show", "-p", "ActiveState,UnitFileState", "--", unit])
        state = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        if state.get("ActiveState") == "inactive" and state.get("UnitFileState", "") in STARTED_BY_DEBIAN:
            due.append(unit)
    if not check:
        code, text = (
            run_apt(["systemctl", "start", *due]) if due else (0, "")
        )  # in one call: systemd knows what comes first
        HELD.unlink(missing_ok=True)
        if code != 0:
            warnings = ["\n".join([f"`systemctl start {' '.join(due)}` failed: {text.strip()}", *journal_of(text)])]
    return due, warnings
