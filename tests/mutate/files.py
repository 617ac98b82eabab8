"""What is measured: Python that runs on controllers and hosts, with or without a suffix; and a copy to do it in."""

from __future__ import annotations

import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACES = (
    *("filter_plugins/*.py", "library/*.py", "action_plugins/*.py", "vars_plugins/*.py"),
    *("ansible_collections/holdfast/platform/plugins/*_utils/*.py", "playbooks/files/*.py", "roles/*/files/**/*"),
)
# Whose tests have another name
NAMED = {
    "filters": "filter_module",
    "nftables_matches": "nftables",
    "postgresql_failover": "postgresql_replication",
    "certificate_set": "certificates",
    "certificate_checks": "certificates",
    "secret_file": "certificates",
    "sshd_in_force": "base_hardening",
    "sysctl": "base_hardening",
    "sysctl_in_force": "base_hardening",
    "firewall_in_force": "firewall_programs",
    "ssh_source": "firewall_programs",
    **dict.fromkeys(
        (
            "process",
            "refusal",
            "files",
            "units",
            "guard",
            "journal",
            "wanted",
            "strangers",
            "activation",
            "transaction",
            "revert",
        ),
        "config_transaction",
    ),
    **dict.fromkeys(("sql", "scram", "psql", "postgresql_server"), "postgresql_state"),
    **dict.fromkeys(
        (f"postgresql_{name}" for name in ("queries", "kinds", "facts", "absent", "grants", "steps")),
        "postgresql_state",
    ),
    **dict.fromkeys(("cluster_queries", "cluster", "standby", "failover", "wal"), "postgresql_standby"),
    **dict.fromkeys(("docker", "ledger", "container", "masking", "gate", "containers"), "container_set"),
    **dict.fromkeys(("apt_process", "apt", "held_services", "held_units"), "package_set"),
    **dict.fromkeys(("keys", "openssl"), "certificates"),
    "ssh_connection": "host_facts",
    "restore_test": "backup_programs",
    "cron": "schedule",
    **dict.fromkeys(("job_command", "job_output", "job_record"), "run_job"),
}
TESTS = ("tests/unit/filters", "tests/unit/modules")


def measured(root: Path = ROOT) -> list[str]:
    """Return the names of all files that are measured."""
    paths = [path for place in PLACES for path in sorted(root.glob(place)) if path.is_file()]
    return [str(path.relative_to(root)) for path in paths if path.suffix == ".py" or _is_python(path)]


def _is_python(path: Path) -> bool:
    with path.open("rb") as stream:
        return path.suffix == "" and stream.readline().rstrip().endswith(b"python3")


def own_tests(name: str, root: Path = ROOT) -> list[str]:
    """Return the test files that are named after a file, and that of all actions."""
    stem = Path(name).stem.replace("-", "_")
    of_all = ["tests/unit/modules/test_actions.py"] if name.startswith("action_plugins/") else []
    if stem.startswith("facts_"):
        stem = "host_facts"
    paths = root.glob(f"tests/unit/*/test_{NAMED.get(stem, stem)}*.py")
    return sorted({*(str(path.relative_to(root)) for path in paths), *of_all})


def copy(target: Path) -> str:
    """Copy what git knows or would add, as it is now; return what tells this state from others."""
    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    state = sha256()
    for name in sorted(name for name in names if (ROOT / name).is_file()):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name, follow_symlinks=False)
        if name.startswith(("tests/unit/", "tests/mutate/", *(place.partition("*")[0] for place in PLACES))):
            state.update(name.encode() + (ROOT / name).read_bytes())
    return state.hexdigest()[:12]
