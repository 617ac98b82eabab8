# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes one line per task result: when, how long, whose CPU, and which files the task wrote."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: bench_trace
type: notification
short_description: Trace of a run for the benchmarks
description: Writes to the file in E(BENCH_TRACE); E(BENCH_ACCOUNT) names the CPU account of the host.
author: Holdfast
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Only meaningful with one host: several hosts run at the same time."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "bench_trace"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.out = Path(os.environ["BENCH_TRACE"]).open("w", buffering=1)  # noqa: SIM115 - open until the process ends
        self.account = os.environ.get("BENCH_ACCOUNT", "")
        self.write("start")

    def write(self, event: str, **more: Any) -> None:
        times = os.times()
        used = Path(self.account).read_text().split()[-1 if "cpuacct" in self.account else 1] if self.account else "0"
        line = {
            "event": event,
            "at": time.time(),
            "own": times.user + times.system,
            "workers": times.children_user + times.children_system,
            "host": int(used) / (1e9 if "cpuacct" in self.account else 1e6),
        }
        self.out.write(json.dumps({**line, **more}) + "\n")

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self.write("play", name=play.get_name())

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:  # noqa: ARG002 - its name
        self.write("task", name=task.get_name(), action=task.action)

    def v2_runner_on_ok(self, result: Any) -> None:
        found = result._result
        lists = {name: found[name] for name in ("changes", "installed") if isinstance(found.get(name), list)}
        files = [change for change in lists.get("changes", []) if isinstance(change, dict)]
        self.write("ok", **{**lists, "changes": files})

    def v2_runner_on_skipped(self, result: Any) -> None:  # noqa: ARG002
        self.write("skipped")

    def v2_playbook_on_stats(self, stats: Any) -> None:  # noqa: ARG002
        self.write("end")
