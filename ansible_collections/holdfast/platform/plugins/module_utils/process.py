# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs that are started and listened to."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile

SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
TEST_SECONDS = 120


def run(argv: list[str], seconds: int | None = TEST_SECONDS, **more: str) -> tuple[int, str]:
    """Run a command, with more in its environment, and return its exit code and everything it said."""
    path = f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}"
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "PATH": path, **more}
    with tempfile.TemporaryFile() as said:  # not a pipe: a daemon that a command leaves behind would keep it open
        try:
            code = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                timeout=seconds,
                check=False,
                env=environment,
            ).returncode
        except subprocess.TimeoutExpired:
            return 124, f"{shlex.join(argv)}: no answer within {seconds} s"
        except OSError as problem:
            return 127, f"{argv[0]}: {problem.strerror}"
        said.seek(0)
        return code, said.read().decode(errors="replace").strip()
