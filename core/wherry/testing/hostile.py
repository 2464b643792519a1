"""Texts that a source may send and a person may type: what no plugin may stumble over."""

from __future__ import annotations

HOSTILE = (
    "", " ", "\x00\x01\x1f", "\u202eelbat\u202c", "\N{RIGHT-TO-LEFT MARK}\u05e9\u05dc\u05d5\u05dd", "🚂🛤️👩‍🔧",
    "a" * 10_000, "Bolt " * 2_000, "'; DROP TABLE product; --", "{{7*7}}", "../../etc/passwd", "İstanbul ﬁlter ß ẞ",
    "e\u0301" * 50, "\ufeffBolt", "Bolt\u200bM8", "1e999", "None", "<b>Bolt</b>", "%s %d {0}",
)  # fmt: skip
"""Texts that a source may send as a name or a number."""
SPOKEN = (
    "O'Brien & Söhne <b>\"x\"</b> \\ 50% {0} ${HOME} ]]> --", "=SUM(A1:A9)", "tab\there\r\nand\nthere",
    "🚂 naïve \u202eelbat\u202c", "'; DROP TABLE x; --", "\x00\x07\ufffe", "x" * 5_000,
    "  two  blanks &amp; &lt;one&gt;  ", 'one, two; "three" | four, 5,00',
)  # fmt: skip
"""The same as free text of a document: quotes, marks of every syntax, lines, letters of two bytes and of four."""
