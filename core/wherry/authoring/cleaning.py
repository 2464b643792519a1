"""Takes out of a recorded session what is nobody's business: secrets, e-mail addresses, names, telephones, addresses.

In two passes over the whole session: first every value that a telling key holds is given a pseudonym, then each of them
is replaced wherever it stands, in answers, in what was asked and in free text. So one person is one pseudonym from the
first call to the last, and what refers to what still does. Free text (notes, descriptions) goes as a whole: nobody can
tell whom it names. Numbers, ids and what things are called stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from wherry.redaction import STARS, is_secret_name, scrub

SHORTEST = 4
"""Shorter values are replaced where a telling key holds them, and not in free text: they would riddle it."""
EMAIL = re.compile(r"[A-Za-z0-9._%+'\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*\.[A-Za-z]{2,}")
_KEYS: dict[str, str] = {
    "person": r"(?:first|last|given|family|middle|full|contact|owner|user|sales(?:person|rep))_?names?|author",
    "company": r"(?:company|customer|client|supplier|vendor|display|legal|fullyqualified|printoncheck)_?name"
    r"|company|customer|client",
    "deal": r"deal_?name|subject",
    "phone": r"(?:mobile|home|work|primary|alternate|hs_calculated)?_?(?:phone|fax|mobile|tel(?:ephone)?)(?:_?number)?"
    r"|freeformnumber",
    "place": r"(?:billing|shipping|mailing)?_?(?:street|address)_?(?:line)?_?\d?|line\d|city|zip|post(?:al)?_?code"
    r"|lat(?:itude)?|long(?:itude)?",
    "site": r"domain|website|web_?addr|homepage",
    "note": r"notes?|private_?note|hs_note_body|(?:customer_?|private_?)?memo|comments?|descriptions?|messages?"
    r"|remarks?",
}
_PARTIES: dict[str, str] = {
    "person": r"(?:contact|person|owner|user|author|employee|technician|assignee|sales_?rep)s?(?:_?ref)?",
    "company": r"(?:company|companies|(?:customer|client|supplier|vendor)s?)(?:_?ref)?",
}
"""Keys of objects, or of lists of them, whose ``name`` is that of a person or company."""
_NAMED_BY = ("person", "company", "phone", "place", "site")
_SHAPES: dict[str, str] = {
    "email": "person-{n}@example.com", "person": "Person {n}", "company": "Company {n}", "deal": "Deal {n}",
    "phone": "+1 555 0{n:03d}", "place": "Place {n}", "site": "company-{n}.example", "note": "Note {n}",
    "hidden": "Hidden {n}",
}  # fmt: skip
_Matchers = dict[str, re.Pattern[str]]
_MATCHERS: _Matchers = {category: re.compile(pattern, re.IGNORECASE) for category, pattern in _KEYS.items()}
_PARTY: _Matchers = {category: re.compile(pattern, re.IGNORECASE) for category, pattern in _PARTIES.items()}


class Cleaner:
    """Pseudonyms of one session. ``hide`` are further keys whose values are nobody's business."""

    def __init__(self, hide: Iterable[str] = ()) -> None:
        self._hide = {name.lower() for name in hide}
        self._by_value: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._built: tuple[int, Callable[[str], str]] = (0, str)

    # -- first pass: who is there -------------------------------------------------------------------------------------

    def learn(self, value: Any, party: str = "") -> None:
        """Enters what an answer says of people and companies. ``party``: the value is one, or a list of them."""
        if isinstance(value, Mapping):
            named = any(self._category(str(key)) in _NAMED_BY for key in value) or any("mail" in str(k) for k in value)
            for key, inner in value.items():
                self._learn_field(str(key), inner, party or ("company" if named else ""))
        elif isinstance(value, list):
            for inner in value:
                self.learn(inner, party)
        elif isinstance(value, str):
            for found in EMAIL.findall(value):
                self._enter("email", found)

    def _learn_field(self, key: str, value: Any, party: str) -> None:
        category = self._category(key) or (party if key.lower() == "name" else "")
        if category and isinstance(value, str) and value.strip() and not EMAIL.fullmatch(value):
            self._enter(category, value)
        else:
            self.learn(value, _first(_PARTY, key))

    def _category(self, key: str) -> str:
        return "hidden" if key.lower() in self._hide else _first(_MATCHERS, key)

    def _enter(self, category: str, value: str) -> None:
        if value not in self._by_value:
            number = self._numbers[category] = self._numbers.get(category, 0) + 1
            self._by_value[value] = _SHAPES[category].format(n=number)

    # -- second pass: out with it -------------------------------------------------------------------------------------

    def cleaned(self, value: Any, key: str = "") -> Any:
        """The same structure with pseudonyms, secrets starred; what is no text stays as it is."""
        if key and is_secret_name(key) and value:
            return STARS
        if isinstance(value, Mapping):
            return {str(name): self.cleaned(inner, str(name)) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.cleaned(inner, key) for inner in value]
        return self.text(value) if isinstance(value, str) else value

    def text(self, value: str) -> str:
        """A text with every value replaced that was learned, the longest first."""
        if value in self._by_value:
            return self._by_value[value]
        found = scrub(self._pattern()(value))
        return EMAIL.sub(lambda hit: self._pseudonym(hit.group()), found)

    def _pseudonym(self, email: str) -> str:
        if email not in self._by_value.values():
            self._enter("email", email)
            return self._by_value[email]
        return email

    def _pattern(self) -> Callable[[str], str]:
        if self._built[0] != len(self._by_value):
            self._built = (len(self._by_value), self._build())
        return self._built[1]

    def _build(self) -> Callable[[str], str]:
        known = sorted((value for value in self._by_value if len(value) >= SHORTEST), key=len, reverse=True)
        if not known:
            return lambda text: text
        pattern = re.compile("|".join(rf"(?<!\w){re.escape(value)}(?!\w)" for value in known))
        return lambda text: pattern.sub(lambda hit: self._by_value[hit.group()], text)

    def summary(self) -> dict[str, int]:
        """Category → how many values were replaced."""
        return dict(sorted(self._numbers.items()))


def _first(matchers: _Matchers, key: str) -> str:
    return next((category for category, matcher in matchers.items() if matcher.fullmatch(key)), "")


def parts(query: Iterable[tuple[str, str]], clean: Cleaner) -> Iterator[tuple[str, str]]:
    """A query without secrets and with pseudonyms."""
    for name, value in query:
        yield name, STARS if is_secret_name(name) else clean.text(value)
