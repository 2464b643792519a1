"""What an entry is called: its key, its number, its memo and its date. All of it depends on the entry's own group only,
so that a movement more in one bucket renames nothing in another."""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Container, Mapping, Sequence
from hashlib import blake2b

from msgspec import Struct

from wherry.accounting import Bucket, Movement

LONGEST = 21
"""Characters of a number: what the narrowest of the targets takes."""
_DIGEST = 8
"""Characters of five bits each: at least so many stand for what a number has no room for."""
_WEEK = re.compile(r"(\d{4})-(W\d\d[a-z]?)").fullmatch
_SHORT_PARTY = re.compile(r"[A-Z0-9]*[0-9][A-Z0-9]*").fullmatch
_MONTH = re.compile(r"\d\d(\d\d)-(\d\d)").fullmatch
_PARTS_IF_MOVED = 6
_MARK = 4
_PLAIN = re.compile(r"[^\x00-\x1f\x7f]+").fullmatch


class JournalType(Struct, frozen=True):
    """How entries of one type are called: ``code`` in the number, the memo, and whether they bear the first day."""

    code: str
    memo: str
    first_day: bool = False


TYPES: Mapping[str, JournalType] = {
    "asset-movement": JournalType("ASSET", "Asset movements"),
    "valuation": JournalType("VALUE", "Valuation"),
    "transaction": JournalType("TXN", "Transactions"),
    "gain-loss": JournalType("GAIN", "Realised gains and losses"),
    "depreciation": JournalType("DEPR", "Depreciation"),
    "revenue": JournalType("REV", "Revenue"),
    "adjustment": JournalType("ADJ", "Adjustments", first_day=True),
    "true-up": JournalType("TRUEUP", "True-up against locked balances", first_day=True),
}
"""Type of a movement → how its entries are called. A type that is not here is called by its own name."""
_UNTYPED = JournalType("", "Journal")
LOCKED = "locked periods"
"""What a true-up is moved from: one brings the balances of all of them to what the records say by now."""


class Name(Struct, frozen=True, kw_only=True):
    """What makes a group of movements one entry, whoever its members are."""

    bucket: Bucket
    currency: str
    type: str = ""
    parties: tuple[str, ...] = ()
    rate: str = ""
    """The exchange rate that its members say themselves, and where they have it from."""
    moved: str = ""
    """The period that its members are moved from; empty where they stand in their own."""
    single: Movement | None = None
    """The only member, where every movement is an entry of its own."""

    @property
    def party(self) -> str:
        return ", ".join(self.parties)


class Numbering:
    """Gives out keys and numbers, each once; ``taken`` are those of entries that exist already.

    ``home`` is the currency that numbers do not mention. ``references`` says which references name one movement only.
    """

    def __init__(
        self, prefix: str, home: str, types: Mapping[str, JournalType], last_day: bool, taken: Container[str] = ()
    ) -> None:
        self._prefix, self._home, self._types, self._last_day = prefix, home, types, last_day
        self._taken, self._given = taken, set[str]()

    def key_and_number(self, name: Name, *, plain: bool = True, some: Sequence[int] = ()) -> tuple[str, str]:
        """The first part that is free. Without ``plain`` the number is not made of the movement's reference. ``some``
        are the members where others of the group are left out by a selection: then the part is called after them, since
        the number of the whole group stands for the whole."""
        stem, count = stem_of(name), 1
        part = _mark(some, 0) if some else "1"
        while not self._free(f"{stem}/{part}"):
            count += 1
            part = _mark(some, count) if some else str(count)
        key = f"{stem}/{part}"
        number, salt = self._number(name, key, part, plain), 0
        while not self._free(number):
            number, salt = self._short(name, key, salt), salt + 1
        self._given |= {key, number}
        return key, number

    def date(self, name: Name) -> dt.date:
        """The bucket's last day, or its first one for some types; a single movement keeps its own date if it can."""
        bucket = name.bucket
        if name.single:
            own = name.single.date
            return own if bucket.first <= own <= bucket.last else bucket.first
        first = self._type(name.type).first_day or not self._last_day
        return bucket.first if first else bucket.last

    def memo(self, name: Name) -> str:
        if name.single and (told := name.single.description or name.single.reference):
            return told
        moved = f"moved from {name.moved}" if name.moved else ""
        return ", ".join(filter(None, (self._type(name.type).memo, name.bucket.name, name.party, moved)))

    def _free(self, text: str) -> bool:
        return text not in self._given and text not in self._taken

    def _type(self, type: str) -> JournalType:
        if not type:
            return _UNTYPED
        return self._types.get(type) or JournalType(type.upper(), type.replace("-", " ").capitalize())

    def _number(self, name: Name, key: str, part: str, plain: bool) -> str:
        party = f"-{name.party}" if name.party else ""
        moved = f"L{_compact_period(name.moved)}" if name.moved else ""
        more = moved + (f".{part}" if part != "1" else "")
        if name.single:
            text = f"{self._prefix}{name.single.reference}{more}" if plain and name.single.reference else ""
        elif name.type:
            parts = (self._prefix.rstrip(" -/"), self._type(name.type).code, _compact(name.bucket.name))
            foreign = f"-{_currency(name)}" if name.currency != self._home else ""
            text = "-".join(filter(None, parts)) + foreign + party + more
        else:
            foreign = f" {_currency(name)}" if name.currency != self._home else ""
            text = self._prefix + _compact(name.bucket.name) + foreign + party + more
        readable = not name.party or (len(name.parties) == 1 and _SHORT_PARTY(name.party))
        return text if len(text) <= LONGEST and readable and _PLAIN(text) else self._short(name, key)

    def _short(self, name: Name, key: str, salt: int = -1) -> str:
        """With letters that stand for what there is no room for. Of a long prefix the beginning is kept, so that day,
        week or month show in any case; the letters then stand for the whole of it too, since it names the partition."""
        bucket, room = name.bucket.name if name.single else _compact(name.bucket.name), LONGEST - 1 - _DIGEST
        prefix, said = self._prefix, f"{key}\n{salt}"
        if len(prefix) + len(bucket) > room:
            prefix = prefix[: max(0, room - len(bucket))].rstrip(" -/")
            said = said if prefix == self._prefix.rstrip(" -/") else f"{self._prefix}\n{said}"
        head = "".join(one for one in prefix + bucket if _PLAIN(one))[:room]
        return f"{head}-{letters(said, LONGEST - 1 - len(head))}"


def stem_of(name: Name) -> str:
    """The key without its part: bucket, currency with its own rate, type, parties and the period that its members are
    moved from, if they are; or the movement's own key."""
    if name.single:
        return name.single.key
    parties = "+".join(_escaped(party) for party in name.parties)
    currency = f"{name.currency}@{_escaped(name.rate)}" if name.rate else name.currency
    moved = (_escaped(name.moved),) if name.moved else ()
    return "/".join((_escaped(name.bucket.name), currency, _escaped(name.type), parties, *moved))


def moved_from(key: str) -> str:
    """The period that the members of a group's entry are moved from, by the key it has among those of its bucket."""
    parts = key.split("/")
    return _unescaped(parts[4]) if len(parts) == _PARTS_IF_MOVED else ""


def _mark(members: Sequence[int], salt: int) -> str:
    """A few letters that stand for these members."""
    return f"S{letters(f'{salt} {sorted(members)}', _MARK)}"


def reversing(number: str) -> str:
    """The number of the entry that takes one back: with an R behind it. What has no room for that is shortened by what
    stands for the whole of it, so that it is called like nothing else."""
    if len(number) < LONGEST:
        return f"{number}R" if number else ""
    return f"{number[: LONGEST - 2 - _DIGEST]}-{letters(number, _DIGEST)}R"


def letters(text: str, count: int) -> str:
    """So many letters and digits, at most 24, that stand for a text."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=15).digest()
    return base64.b32encode(digest).decode()[:count]


def _currency(name: Name) -> str:
    """``EUR``, or ``EUR@1.085`` where its members say their rate."""
    rate = name.rate.partition(" ")[0]
    return f"{name.currency}@{rate}" if rate else name.currency


def _escaped(text: str) -> str:
    for sign in "%/+":
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text


def _unescaped(text: str) -> str:
    for sign in "+/%":
        text = text.replace(f"%{ord(sign):02X}", sign)
    return text


def _compact_period(name: str) -> str:
    """``2610`` for the month 2026-10; nothing for all that are locked."""
    if name == LOCKED:
        return ""
    month = _MONTH(name)
    return f"{month[1]}{month[2]}" if month else name


def _compact(bucket: str) -> str:
    week = _WEEK(bucket)
    return f"{week[1]}{week[2]}" if week else bucket
