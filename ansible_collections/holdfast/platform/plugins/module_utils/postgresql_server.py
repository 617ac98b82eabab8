# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The local server whose roles and databases are compared, asked as its administrator."""

from __future__ import annotations

import re
import subprocess

from ansible_collections.holdfast.platform.plugins.module_utils.psql import as_postgres, options
from ansible_collections.holdfast.platform.plugins.module_utils.refusal import Refused

# Nothing of these sessions reaches a log, the statistics or the list of activities: some statements carry verifiers.
QUIET = {
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_min_error_statement": "panic",
    "track_activities": "off",
    "pg_stat_statements.track_utility": "off",
    "pgaudit.log": "none",
    "auto_explain.log_min_duration": "-1",
    # The next run repeats what a failover may lose, so that a lost synchronous standby does not hold up this one.
    "synchronous_commit": "local",
    "lc_messages": "C",
    "standard_conforming_strings": "on",
}


class Server:
    """The local server, asked as its administrator through the socket."""

    def __init__(self, version: int, port: int) -> None:
        self.program = f"/usr/lib/postgresql/{version}/bin/psql"
        self.port = port

    def psql(self, script: str) -> str:
        """Run a script; what an error says never includes the statement."""
        quiet = " ".join(f"-c {name}={value}" for name, value in QUIET.items())
        try:
            done = as_postgres([self.program, *options(self.port)], script, 300, PGOPTIONS=quiet)
        except (FileNotFoundError, LookupError) as problem:
            raise Refused(f"PostgreSQL is not installed: {self.program} or user postgres is missing") from problem
        except subprocess.TimeoutExpired as problem:
            raise Refused("PostgreSQL did not answer within 300 s") from problem
        if done.returncode != 0:
            text = re.sub(r"SCRAM-SHA-256\S*", "********", done.stderr.decode(errors="replace").strip())
            raise Refused(f"PostgreSQL refuses: {text}")
        return done.stdout.decode()
