"""Balances as plain-text accounting programs read them from exported files: Beancount, hledger and Ledger.

None of them is needed to run Wherry; ``installed`` tells which are here.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from wherry.money import parse

Balances = Counter[tuple[str, str]]
"""(account as the file names it, currency) → minor units, debits positive; zeros left out."""


def beancount(path: Path) -> Balances:
    """What Beancount makes of a file. Raises ValueError for one that it finds fault with."""
    loader: Any = importlib.import_module("beancount.loader")
    data: Any = importlib.import_module("beancount.core.data")
    entries, errors, _ = loader.load_file(str(path))
    if errors:
        raise ValueError(f"{path.name}: {errors[0].message}")
    found: Balances = Counter()
    for entry in entries:
        for posting in entry.postings if isinstance(entry, data.Transaction) else ():
            currency = posting.units.currency
            found[posting.account, currency] += parse(posting.units.number, currency).minor
    return _without_zeros(found)


def hledger(path: Path) -> Balances:
    """What hledger makes of a file, which it checks strictly first. Raises ValueError."""
    _run("hledger", "-f", str(path), "check", "--strict")
    said = _run("hledger", "-f", str(path), "balance", "--flat", "-N", "-O", "json", "--no-elide")
    found: Balances = Counter()
    for account, _, _, amounts in json.loads(said)[0]:
        for amount in amounts:
            quantity, currency = amount["aquantity"], amount["acommodity"]
            number = Decimal(quantity["decimalMantissa"]).scaleb(-quantity["decimalPlaces"])
            found[account, currency] += parse(format(number, "f"), currency).minor
    return _without_zeros(found)


def ledger(path: Path) -> Balances:
    """What Ledger makes of a file of hledger's form. Raises ValueError."""
    form = "%(account)\t%(quantity(amount))\t%(commodity(amount))\n"
    said = _run("ledger", "--init-file", os.devnull, "--strict", "-f", str(path), "register", "-F", form)
    found: Balances = Counter()
    for line in said.splitlines():
        account, quantity, currency = line.split("\t")
        found[account, currency] += parse(quantity, currency).minor
    return _without_zeros(found)


def _run(*command: str) -> str:
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"{command[0]}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def _without_zeros(found: Balances) -> Balances:
    return Counter({key: minor for key, minor in found.items() if minor})


FORMS = {"beancount": "beancount", "hledger": "hledger", "ledger": "hledger"}
"""Program → the profile whose files it reads."""
_ALL: dict[str, Callable[[Path], Balances]] = {"beancount": beancount, "hledger": hledger, "ledger": ledger}


def installed() -> dict[str, Callable[[Path], Balances]]:
    """The programs that are there, by name."""
    there = {"beancount": importlib.util.find_spec("beancount") is not None}
    there |= {name: shutil.which(name) is not None for name in ("hledger", "ledger")}
    return {name: read for name, read in _ALL.items() if there[name]}
