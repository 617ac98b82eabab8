# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The config transaction: compare, swap, test, activate, or put everything back."""

from __future__ import annotations

import shlex
import tempfile
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.activation import ACTIVATION_SECONDS, Activation
from ansible_collections.holdfast.platform.plugins.module_utils.claims import note
from ansible_collections.holdfast.platform.plugins.module_utils.durable import write_durably
from ansible_collections.holdfast.platform.plugins.module_utils.files import STATE, private_folder
from ansible_collections.holdfast.platform.plugins.module_utils.guard import Guard, alone
from ansible_collections.holdfast.platform.plugins.module_utils.journal import Journal
from ansible_collections.holdfast.platform.plugins.module_utils.process import run
from ansible_collections.holdfast.platform.plugins.module_utils.refusal import Refused
from ansible_collections.holdfast.platform.plugins.module_utils.strangers import Strangers
from ansible_collections.holdfast.platform.plugins.module_utils.units import OPPOSITE, UNITS, Units, in_order
from ansible_collections.holdfast.platform.plugins.module_utils.wanted import Wanted


class Transaction(Activation):
    """One call of the module."""

    def __init__(self, arguments: dict[str, Any], check: bool, diff: bool) -> None:
        super().__init__(arguments)
        self.folder = STATE / arguments["name"]
        self.guard = Guard(self.folder)
        self.strangers = Strangers(self.folder.name)
        self.action: str = arguments.get("action", "apply")
        self.confirm_seconds: int = arguments.get("confirm_seconds", 0)
        self.check, self.diff = check, diff
        self.redone: list[str] = []
        self.unconfirmed = False

    def run(self) -> dict[str, Any]:
        if self.check:
            return self.act()
        with alone(self.folder.name):
            actions = {"apply": self.act, "ask": self.confirm, "confirm": self.confirm, "revert": self.revert}
            return actions[self.action]()

    def act(self) -> dict[str, Any]:
        if not self.check:
            self.clean()
        journal = self.open_journal()
        pending = journal is not None
        if journal and not self.check:
            journal.recover()
        self.compare()
        wanted = (journal.owed if journal else []) + [entry for file in self.changes for entry in file.on_change]
        wanted = self.stops(wanted)
        declared = [unit["name"] for unit in self.arguments["units"]]
        named = [entry.split(" ", 1)[1] for entry in wanted if not entry.startswith("run ")]
        self.units = Units(list(dict.fromkeys(declared + named)))
        self.refuse_masked()
        self.live = [name for name in self.units.names if self.is_live(name, pending)]
        moves = self.unit_moves()
        lost = self.lost()
        self.redone = [entry.split(" ", 1)[1] for entry in lost]
        wanted = in_order(wanted + lost)
        if self.check:
            self.check_staged()
            due = [entry for entry in wanted if self.due(entry) and f"start {entry.split(' ', 1)[1]}" not in moves]
            self.activated = [entry for entry in due if not entry.startswith("stop ")]
            moves += [entry for entry in due if entry not in self.activated]
        elif pending or self.changes or moves or lost:
            self.commit(journal or Journal(self.folder), wanted)
            moves = self.unit_changes
        else:
            self.remember()
        return self.result(pending, moves)

    def remember(self) -> None:
        """Note for later runs which files are ours, and what is in force."""
        self.strangers.remember(self.files)
        note(self.arguments)

    def stops(self, wanted: list[str]) -> list[str]:
        """Add the stop of each unit whose file goes; drop one that a killed run owed when the file is to come back."""
        kept = {Path(file["dest"]).name for file in self.arguments["files"] if file["state"] != "absent"}
        declared = {unit["name"] for unit in self.arguments["units"]} | kept
        gone = [file.path.name for file in self.changes if file.goes_as_unit() and file.path.name not in declared]
        dropped = {f"stop {name}" for name in kept} | {
            f"{verb} {name}" for verb in ("restart", "reload") for name in gone
        }
        return [entry for entry in wanted if entry not in dropped] + [f"stop {name}" for name in gone]

    def refuse_masked(self) -> None:
        """Say at once what would only come out when everything else is done; a file of ours may replace the mask."""
        ours = {entry["dest"] for entry in self.arguments["files"] if entry["state"] != "absent"}
        for unit in self.arguments["units"]:
            name = unit["name"]
            wanted = unit.get("enabled") or unit.get("state") == "started"
            if wanted and self.units.masked(name) and str(UNITS / name) not in ours:
                raise Refused(f"{name} is masked; `systemctl unmask {name}` on this host. Nothing was changed.")

    def open_journal(self) -> Journal | None:
        """Return the journal of a transaction that has something left to do."""
        journal = Journal.load(self.folder)
        return journal if journal and journal.stage != "reverted" else None

    def clean(self) -> None:
        """Remove copies that were made before anything was changed, and what says that a change was taken back."""
        if self.folder.exists() and not self.open_journal():
            Journal(self.folder).close()

    def confirm(self) -> dict[str, Any]:
        """Keep the change: whoever demands this came in with it. Says so, or what became of the change before.

        Who may have come in before it was whole, because the connection of the run was lost, asks first.
        """
        journal = Journal.load(self.folder)
        stage = journal.stage if journal else ""
        if journal and journal.token != self.arguments["token"]:
            stage = "superseded"
        elif journal and (stage == "reverted" or (stage == "unconfirmed" and self.action == "confirm")):
            journal.close()
            stage = "confirmed" if stage == "unconfirmed" else stage
        return {"changed": False, "stage": stage}

    def revert(self) -> dict[str, Any]:
        """Take the change back, all by ourselves; at boot what is started comes later and finds the old files."""
        journal = self.open_journal()
        if journal:
            journal.stage = "reverting"
            journal.save()
            names = [entry.split(" ", 1)[1] for entry in journal.undo if not entry.startswith("run ")]
            self.units = Units(list(dict.fromkeys(names)))
            self.go_back(journal, boot=not self.guard.mark.exists())
            # The journal stays, for somebody may want to know. It outlives the program: nothing is left to do.
            Journal(self.folder, "reverted", token=journal.token).save()
        self.guard.forget()
        return {"changed": journal is not None}

    def result(self, pending: bool, moves: list[str]) -> dict[str, Any]:
        result: dict[str, Any] = {
            "changed": bool(self.changes or moves or pending or self.activated),
            "changes": [{"dest": file.dest, "action": file.action} for file in self.changes],
            "activated": self.activated,
            "units_changed": moves,
            "pending_before": pending,
            "redone": self.redone,
        }
        if self.diff:
            result["diff"] = self.differences
        if self.originals:
            result["originals"] = {dest: str(copy) for dest, copy in self.originals.items()}
            result["warnings"] = [
                f"{dest} was not written by Holdfast; what it said is kept in {copy}"
                for dest, copy in self.originals.items()
            ]
        if self.unconfirmed:
            result["unconfirmed"] = True
        return result

    def compare(self) -> None:
        default = self.arguments["on_change"]
        files = [
            Wanted(**{**entry, "on_change": default if entry.get("on_change") is None else entry["on_change"]})
            for entry in self.arguments["files"]
        ]
        listed = {file.dest for file in files}
        for folder in self.arguments["exclusive"]:
            found = sorted(path for path in Path(folder["path"]).glob("*") if fnmatch(path.name, folder["pattern"]))
            kept = {*listed, *(str(Path(folder["path"], name)) for name in folder.get("keep") or [])}
            unlisted = [str(path) for path in found if str(path) not in kept and not path.is_dir()]
            files += [
                Wanted(name, "absent", "root", "root", "0644", secret=True, on_change=default) for name in unlisted
            ]
        # What starts a unit at boot goes with its file
        links = [link for file in files if file.goes_as_unit() for link in UNITS.glob(f"*.*/{file.path.name}")]
        files += [
            Wanted(str(link), "absent", "root", "root", "0644")
            for link in sorted(links)
            if link.is_symlink() and str(link) not in listed
        ]
        self.files, self.changes = files, [file for file in files if file.action]
        self.originals = self.strangers.among(self.changes)
        self.differences = [file.difference() for file in self.changes] if self.diff else []

    def commit(self, journal: Journal, wanted: list[str]) -> None:
        try:
            for file in self.changes:
                file.refuse_what_cannot_be()
            self.check_staged()
            self.strangers.keep(self.originals)
            for file in self.changes:
                journal.keep(file.before)
            if self.confirm_seconds:
                # Before the swap: what sudo and sshd read at each login is in force with it.
                self.guard.stand_by(self.arguments["revert"], self.units.names)
                self.guard.set_timer(self.confirm_seconds)
        except (Refused, OSError):
            self.clean()
            raise
        journal.stage, journal.token = "swapping", self.arguments.get("token", "")
        journal.save()
        try:
            for file in self.changes:
                file.apply()
            self.test()
        except (Refused, OSError) as problem:
            journal.put_back()
            journal.end()
            raise Refused(f"{problem}\nEvery file was put back; the old configuration is still in force.") from problem
        journal.stage, journal.owed = "activating", wanted
        journal.save()
        self.activate_or_put_back(journal)
        self.remember()
        if not self.unconfirmed:
            journal.close()

    def test(self) -> None:
        for command in self.arguments["test"] if self.changes else []:
            code, text = run(command)
            if code != 0:
                raise Refused(f"`{shlex.join(command)}` refuses the new configuration: {text or f'exit code {code}'}")

    def check_staged(self) -> None:
        for file in self.changes:
            if not file.check or file.state != "file":
                continue
            if self.check and file.before.kind == "absent":
                continue  # the program that checks it may come with a package that check mode does not install
            if not self.check:
                private_folder(self.folder)
            with tempfile.TemporaryDirectory(dir=None if self.check else self.folder) as folder:
                staged = Path(folder, file.path.name)
                write_durably(staged, file.data, int(file.mode, 8), file.uid or 0, file.gid or 0)
                code, text = run([part.replace("%s", str(staged)) for part in file.check])
            if code != 0:
                raise Refused(f"`{shlex.join(file.check)}` refuses the new {file.dest}: {text}\nNothing was changed.")

    def activate_or_put_back(self, journal: Journal) -> None:
        try:
            stops = [entry for entry in journal.owed if entry.startswith("stop ") and self.due(entry)]
            self.note_undo(journal, stops, [])
            if self.confirm_seconds and stops:
                journal.save()
            self.activate(stops)  # while systemd still knows how, which is what it forgets next
            self.read_units(journal)
            moves, due = self.unit_moves(), [entry for entry in journal.owed if self.due(entry) and entry not in stops]
            self.note_undo(journal, moves, due)
            if self.confirm_seconds:
                journal.save()
            self.activate(in_order(moves + due))
            if self.confirm_seconds and (journal.originals or journal.undo):
                journal.stage = "unconfirmed"
                journal.save()
                self.guard.set_timer(self.confirm_seconds)  # from now on, however long the activation took
        except Refused as problem:
            if not journal.originals and not self.guard.armed():
                journal.undo = []  # nothing to put back; a declared unit is tried again by the next run anyway
                journal.end()
                raise
            try:
                self.go_back(journal)
            except Refused as second:
                raise Refused(
                    f"{problem}\nEvery file was put back, but the old configuration does not start either: {second}"
                ) from second
            journal.close()
            raise Refused(
                f"{problem}\nEvery file was put back and the old configuration is in force again."
            ) from problem
        self.unconfirmed = journal.stage == "unconfirmed"

    def note_undo(self, journal: Journal, moves: list[str], due: list[str]) -> None:
        """Remember how to take back what is about to be done; what an earlier run knew of a unit is older."""
        known = {entry.split(" ", 1)[1] for entry in journal.undo}
        undo = []
        for verb, name in (move.split(" ", 1) for move in reversed(moves)):
            if verb != "start" or name not in self.live:  # a killed run may have left one stopped that did run
                undo.append(f"{OPPOSITE[verb]} {name}")
        journal.undo += [entry for entry in undo + due if entry.split(" ", 1)[1] not in known]

    def go_back(self, journal: Journal, boot: bool = False) -> None:
        """Put the files back and the units into the state that goes with them."""
        first = [entry for entry in journal.undo if entry.startswith(("stop ", "disable "))]
        for entry in first:  # while systemd still knows the unit; one that failed must not keep trying
            verb, name = entry.split(" ", 1)
            run(["systemctl", verb, *["--no-block"] * boot, name], ACTIVATION_SECONDS)
        journal.put_back()
        self.read_units(journal)
        rest = in_order([entry for entry in journal.undo if entry not in first])
        self.activate([entry for entry in rest if not boot or entry.startswith(("run ", "enable "))])
