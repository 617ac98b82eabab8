#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of run_summary, which runs on the controller alone (action_plugins/run_summary.py)."""

DOCUMENTATION = r"""
module: run_summary
short_description: Report at the end of a playbook what changed, where it answers, how long it took and what comes next
version_added: "1.0"
author: Holdfast
description:
  - Collects the results that tasks of all hosts registered as C(__*_result), or published as C(<role>_*_result);
    nothing has to be handed over.
  - Prints a box for people, and sets the same as a run-wide statistic C(holdfast) for ansible-runner, AWX and scripts.
attributes:
  check_mode: {support: full, description: Says what would change.}
  diff_mode: {support: none, description: Changes nothing.}
options:
  playbook: {description: Name of the playbook., type: str, required: true}
  started: {description: Seconds since 1970 when it began., type: int, required: true}
  rows:
    description: Further lines of the box by their label. A value per host is shown by value, empty lines are left out.
    type: dict
    default: {}
  answers:
    description: Where the result can be seen. Not shown after a check run.
    type: list
    elements: str
    default: []
  next:
    description:
      - What an operator would run next. A playbook with its arguments as the key, what it is for as the value.
      - Shown as a line to paste, with the inventory, limit and credentials that this run was given on the command line.
    type: dict
    default: {}
  data: {description: Further values for the machine-readable result., type: dict, default: {}}
"""

EXAMPLES = r"""
- name: Report what happened
  run_summary:
    playbook: site
    started: "{{ run_started }}"
    answers: [https://api.example.org]
    next: {status.yml: shows what runs where}
  run_once: true
"""

RETURN = r"""
result:
  description: The machine-readable result.
  type: dict
  returned: always
  sample: {playbook: site, changed: {web1: [redis_config]}}
"""
