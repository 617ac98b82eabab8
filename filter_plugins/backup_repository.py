"""What the backups of a host lack, and what a run leaves behind of them or for later."""

from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.numbers import SLACK_SECONDS


def backup_notes(situation: dict[str, Any]) -> list[str]:
    """Return what is so by the inventory and would be a surprise later: nobody saves it, or a lost host loses both."""
    if not isinstance(situation, dict):
        raise TypeError("backup_notes takes what is known of the host and its backups, a mapping")
    host, repository, notes = situation["host"], situation["repository"], []
    if situation["database"] and not repository and not situation["archives"]:
        notes.append(f"nothing backs up the databases of {host}; put a host into group backup")
    elif situation["database"] and repository == host:
        notes.append(
            f"{host} keeps the backups of its own databases, and a lost host loses both; "
            "put another host into group backup"
        )
    if situation["directories"]:
        folders = ", ".join(situation["directories"])
        notes.append(f"nothing saves {folders} of {host} (app_data_directories); copy them by other means")
    left = sorted(set(situation["present"]) - set(situation["stanzas"]) if situation["keeps"] else ())
    return notes + [
        f"stanza {stanza} in the repository of {host} belongs to no database host; its backups stay, and nothing "
        f"expires them, until you remove archive/{stanza} and backup/{stanza} from /var/lib/pgbackrest"
        for stanza in left
    ]


def backup_events(situation: dict[str, Any]) -> list[str]:
    """Return what this run leaves for later, and what stays where it is when it moves the backups of a host."""
    if not isinstance(situation, dict):
        raise TypeError("backup_events takes what is known of the host and its backups, a mapping")
    host = situation["host"]
    events = [
        f"stanza {stanza} waits: this run leaves out its database host, which {host} does not know yet; "
        "run site.yml for both"
        for stanza in (situation["deferred"] if situation["keeps"] else ())
    ]
    before, now = situation["repository_before"], situation["repository_address"]
    if situation["database"] and before and now and before != now and not situation["moved"]:
        events.append(
            f"the backups of {host} go to {situation['repository']} ({now}) from now on; those made until now stay on "
            f"{before}: keep that host, and its passphrase, as long as you may need them"
        )
    return events


def backup_pair_findings(situation: dict[str, Any]) -> list[str]:
    """Return why a database host and its repository would not find each other."""
    if not isinstance(situation, dict):
        raise TypeError("backup_pair_findings takes what is known of the host and its backups, a mapping")
    host, repository, found = situation["host"], situation["repository"], []
    if not situation["database"] or not repository:
        return []
    known = (
        situation["repository_before"] == situation["repository_address"]
        and situation["stanza"] in situation["stanzas_before"]
    )
    if not situation["repository_in_run"] and not known:
        found.append(
            f"--limit leaves out {repository}, which has to take in the backups of {host} "
            f"(stanza {situation['stanza']}); add it: --limit {host},{repository}"
        )
    port, other_port = situation["port"], situation["repository_port"]
    if port != other_port:
        found.append(
            f"backup_port is {port} for {host} and {other_port} for {repository}, which keeps its backups; "
            "set it once, in group_vars/all"
        )
    wait, minutes = situation["archive_seconds"] + SLACK_SECONDS, situation["repository_rpo_minutes"]
    if wait > minutes * 60:
        found.append(
            f"backup_rpo_minutes is {minutes} for {repository}, but WAL of {host} is archived every {wait} s at the "
            "latest; set backup_rpo_minutes and backup_archive_timeout_seconds once, in group_vars/all"
        )
    return found


FilterModule = filter_module(backup_events, backup_notes, backup_pair_findings)
