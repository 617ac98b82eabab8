# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs that are given text and asked for text, openssl first."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ansible_collections.holdfast.platform.plugins.module_utils.refusal import Refused


def completed(*argv: str, text: str = "", seconds: int = 60, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program that has to answer, and return how it ended."""
    try:
        return subprocess.run(
            argv,
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=seconds,
            env={**os.environ, **environment},
        )
    except subprocess.TimeoutExpired:
        raise Refused(f"{argv[0]} gave no answer within {seconds} s") from None
    except OSError as problem:
        raise Refused(f"{argv[0]}: {problem.strerror}") from None


def openssl(*argv: str, text: str = "") -> str:
    done = completed("openssl", *argv, text=text)
    if done.returncode != 0:
        raise Refused(f"openssl {argv[0]} failed: {done.stderr.strip()}")
    return done.stdout


def public_key(key: Path) -> str:
    """Return the public half of a key, or nothing when there is no usable key."""
    try:
        return openssl("pkey", "-inform", "PEM", "-in", str(key), "-pubout")
    except Refused:
        return ""
