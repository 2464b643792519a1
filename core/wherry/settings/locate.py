"""On which line of a TOML text each key stands: the standard library's reader does not say.

The text was accepted by ``tomllib`` before it comes here, so this reader only has to find its way, not to judge.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections import Counter

KeyPath = tuple[str | int, ...]
"""Where a value stands: ``("flows", "won-deals", "pipelines", 0, "stages")``."""

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*'""")
_TEXT = re.compile(
    r'"""(?:\\[\s\S]|(?!""")[\s\S])*"{3,5}'
    r"|'''(?:(?!''')[\s\S])*'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
)
_PLAIN = re.compile(r"[^,\]}\n#]+")
_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def lines_of(text: str) -> dict[KeyPath, int]:
    """Key path → line number, counted from 1, of every key, table and array element in a valid TOML text."""
    return _Reader(text).read()


def line_of(lines: dict[KeyPath, int], path: KeyPath) -> int | None:
    """The line of a key path, or of the nearest table around it when the key itself is not there."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


def spelled(path: KeyPath) -> str:
    """A key path as people write it: ``flows.won-deals.pipelines[0].stages``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            shown = part if _BARE.match(part) else f'"{part[:60]}"'
            text += f".{shown}" if text else shown
    return text


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.lines: dict[KeyPath, int] = {}
        self.arrays: Counter[KeyPath] = Counter()

    def read(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self._space():
            if self._peek("[["):
                table = self._header("[[", "]]")
            elif self._peek("["):
                table = self._header("[", "]")
            else:
                self._pair(table)
        return self.lines

    def _space(self) -> bool:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at < len(self.text)

    def _peek(self, sign: str) -> bool:
        return self.text.startswith(sign, self.at)

    def _note(self, path: KeyPath) -> None:
        self.lines.setdefault(path, bisect_right(self.starts, self.at))

    def _header(self, opening: str, closing: str) -> KeyPath:
        start = self.at
        self.at += len(opening)
        parts = self._key()
        end, self.at = self.at + len(closing), start
        path: KeyPath = ()
        for n, part in enumerate(parts, 1):
            path = (*path, part)
            if opening == "[[" and n == len(parts):
                self.arrays[path] += 1
            self._note(path)
            if path in self.arrays:
                path = (*path, self.arrays[path] - 1)
                self._note(path)
        self.at = end
        return path

    def _key(self) -> list[str]:
        parts = []
        while True:
            self._space()
            match = _KEY.match(self.text, self.at)
            assert match, "the text is not valid TOML"
            self.at = match.end()
            parts.append(_plain(match.group()))
            self._space()
            if not self._peek("."):
                return parts
            self.at += 1

    def _pair(self, table: KeyPath) -> None:
        start = self.at
        parts = self._key()
        after, self.at = self.at, start
        for n in range(1, len(parts) + 1):
            self._note((*table, *parts[:n]))
        self.at = after + 1
        self._value((*table, *parts))

    def _value(self, path: KeyPath) -> None:
        self._space()
        if self._peek("["):
            self._array(path)
        elif self._peek("{"):
            self._inline(path)
        else:
            match = _TEXT.match(self.text, self.at) or _PLAIN.match(self.text, self.at)
            assert match, "the text is not valid TOML"
            self.at = match.end()

    def _array(self, path: KeyPath) -> None:
        self.at += 1
        index = 0
        while self._space() and not self._peek("]"):
            self._note((*path, index))
            self._value((*path, index))
            index += 1
            self._comma()
        self.at += 1

    def _inline(self, path: KeyPath) -> None:
        self.at += 1
        while self._space() and not self._peek("}"):
            self._pair(path)
            self._comma()
        self.at += 1

    def _comma(self) -> None:
        self._space()
        self.at += self._peek(",")


def _plain(key: str) -> str:
    if key[0] not in "\"'":
        return key
    value: str = tomllib.loads(f"key = {key}")["key"]
    return value
