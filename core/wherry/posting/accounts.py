"""The one account of a target's chart that a word of a journal line means."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable, Iterable

from wherry.accounting import ChartAccount
from wherry.errors import ConfigError
from wherry.posting.bodies import refusal
from wherry.records import Item


def out_of_use(account: ChartAccount) -> str:
    """Why nothing is posted to an account; empty where it can be."""
    return "inactive" if not account.active else "" if account.posting else "a heading, or one without postings"


class Chart:
    """The accounts, found by code, name or id, whatever the case of letters. ``barred`` says why one of them takes no
    lines, as in ``account 1000 (Cash) is inactive``; empty where it does. ``system`` is whose chart it is."""

    def __init__(
        self, accounts: Iterable[ChartAccount], system: str, barred: Callable[[ChartAccount], str] = out_of_use
    ) -> None:
        self.accounts = list(accounts)
        self.by_id = {account.id: account for account in self.accounts}
        self._system, self._barred = system, barred
        self._found: defaultdict[str, dict[str, ChartAccount]] = defaultdict(dict)
        for account in self.accounts:
            for word in {account.id, account.code, account.name} - {""}:
                self._found[word.casefold()][account.id] = account

    def find(self, word: str) -> list[ChartAccount]:
        """The accounts that a word could mean; one whose code it is comes before one whose name or id it is."""
        found = list(self._found.get(word.strip().casefold(), {}).values())
        return [account for account in found if account.code == word.strip()] or found

    def account(self, word: str, item: Item, field: str) -> ChartAccount:
        """The one account that a word means. Raises Rejected where there is none that takes lines."""
        found = self.find(word)
        if len(found) == 1 and not self._barred(found[0]):
            return found[0]
        raise refusal(
            item, self._why_not(word, found), field, f"correct the account in {self._system}, in the map or in the "
            "table of accounts; then try it again", "WHERRY-4638",
        )  # fmt: skip

    def sold_to(self, word: str | None, key: str) -> ChartAccount | None:
        """The income account that new items are sold to: the one that the setting ``key`` names, else the first; None
        where there is none. Raises ConfigError where the word is not one income account that takes lines."""
        income = [one for one in self.accounts if one.type == "income" and not self._barred(one)]
        if word is None:
            return income[0] if income else None
        found = [one for one in self.find(word) if one in income]
        if len(found) == 1:
            return found[0]
        names = ", ".join(f"{one.code} ({one.name})" for one in income[:10])
        raise ConfigError(
            f"{key} = {word!r} is {'more than one' if found else 'no'} income account in {self._system}",
            fix=f"name one of: {names}" if names else f"add an income account in {self._system}",
            code="WHERRY-2661", key=key,
        )  # fmt: skip

    def _why_not(self, word: str, found: list[ChartAccount]) -> str:
        if not found:
            near = difflib.get_close_matches(word.casefold(), self._found, 3)
            return f"{self._system} has no account {word}" + (f"; near it: {', '.join(near)}" if near else "")
        if len(found) == 1:
            return f"account {found[0].code} ({found[0].name}) is {self._barred(found[0])}"
        names = " and ".join(f"{account.name} (id {account.id})" for account in found)
        return f"account {word} could mean {names}"
