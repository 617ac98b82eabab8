# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values of environment files, hidden in every text that leaves the host."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit


class Secrets:
    """Hides the values of environment files in every text that leaves the host."""

    def __init__(self, paths: list[str]) -> None:
        self.words: set[str] = set()
        for path in paths:
            try:
                lines = Path(path).read_text(errors="replace").splitlines()
            except OSError:
                continue
            for line in lines:
                self.learn(line.partition("=")[2])

    def learn(self, value: str) -> None:
        password = None
        if "://" in value:
            try:
                password = urlsplit(value).password
            except ValueError:
                password = value
        self.words |= {word for word in (password, unquote(password or "")) if word}
        if len(value) >= 8 and not value.startswith("/"):
            self.words.add(value)

    def hide(self, text: str) -> str:
        for word in sorted(self.words, key=len, reverse=True):
            text = text.replace(word, "********")
        return text
