"""Trial balances: what entries move, what two of them differ by, and their sums. Integer minor units throughout."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from msgspec import Struct

from wherry.accounting import Entry
from wherry.roles import Balance


class Difference(Struct, frozen=True, kw_only=True):
    """An account whose balance is not the same on both sides; debit balances are positive, minor units."""

    code: str
    name: str
    currency: str
    ours: int
    theirs: int

    @property
    def minor(self) -> int:
        """What is too much in theirs: negative where it is too little."""
        return self.theirs - self.ours


def of_entries(entries: Iterable[Entry], names: Mapping[str, str] | None = None) -> list[Balance]:
    """What the entries move, gross on both sides, by currency and account; ``names`` are code → name."""
    told = names or {}
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for entry in entries:
        for line in entry.lines:
            sums[entry.currency, line.account][line.side == "credit"] += line.minor
    return [Balance(code, told.get(code, ""), debit, credit, currency)
            for (currency, code), (debit, credit) in sorted(sums.items())]  # fmt: skip


def added(*parts: Iterable[Balance]) -> list[Balance]:
    """Several trial balances in one, such as the opening one and what moved since."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    names: dict[tuple[str, str], str] = {}
    for balance in (one for part in parts for one in part):
        key = balance.currency, balance.code
        sums[key][0] += balance.debit
        sums[key][1] += balance.credit
        names[key] = names.get(key) or balance.name
    return [Balance(code, names[currency, code], debit, credit, currency)
            for (currency, code), (debit, credit) in sorted(sums.items())]  # fmt: skip


def net(balances: Iterable[Balance]) -> list[Balance]:
    """Each account on the one side where it stands, as most trial balances are printed; those at zero are left out."""
    return [Balance(one.code, one.name, max(left, 0), max(-left, 0), one.currency)
            for one in added(balances) if (left := one.debit - one.credit)]  # fmt: skip


def compare(ours: Iterable[Balance], theirs: Iterable[Balance]) -> list[Difference]:
    """Accounts that stand differently, gross or net; an account that one side does not have stands at zero there."""
    sides = [{(one.currency, one.code): one for one in added(part)} for part in (ours, theirs)]
    differences = []
    for key in sorted({*sides[0], *sides[1]}):
        held = [side.get(key) for side in sides]
        left = [one.debit - one.credit if one else 0 for one in held]
        if left[0] != left[1]:
            name = next((one.name for one in held if one and one.name), "")
            differences.append(
                Difference(code=key[1], name=name, currency=key[0], ours=left[0], theirs=left[1])
            )  # fmt: skip
    return differences


def totals(balances: Iterable[Balance]) -> dict[str, tuple[int, int]]:
    """Currency → debits and credits; equal in every trial balance that is one."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for one in balances:
        sums[one.currency][0] += one.debit
        sums[one.currency][1] += one.credit
    return {currency: (debit, credit) for currency, (debit, credit) in sorted(sums.items())}
