"""``wherry simulate qbwc --set NAME=VALUE``: how the stand-in's computer is to be, and which service it polls.

==================  ================================================================================================
``edition``         ``premier`` (as it is), ``enterprise``, or ``pro``, which has no sales orders
``multicurrency``   ``no`` (as it is) or ``yes``
``sales_tax``       ``no`` (as it is) or ``yes``: what nobody says is then taxable, at 7.75 %
``sample``          ``yes`` (as it is) enters a few customers and items, ``no`` leaves the chart of accounts alone
``closing``         the closing date of the books
``qwc``             the path of a .QWC file: the Connector is set up from it; with ``password``
``url``             in place of ``qwc``: the service's address; with ``user`` and ``password``
``every``           seconds between sessions; what the .QWC file says, or 60
``soap``            ``1.1`` (as it is) or ``1.2``
``owner``           the OwnerID that the Connector names to QuickBooks, and ``file_id`` the FileID it finds there
==================  ================================================================================================
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from wherry.errors import ConfigError

from . import NotAdded, QbwcSimulator
from .calling import Soap
from .company import EDITIONS, Edition
from .connector import OWNER

_KNOWN = ("edition", "multicurrency", "sales_tax", "sample", "closing", "owner", "file_id", "qwc", "url", "user",
          "password", "every", "soap", "currency")  # fmt: skip
_CONNECTOR = ("url", "user", "password")
_QWC = ("qwc", "password")
_EVERY, _LONGEST = 60, 86_400


def simulator(options: Mapping[str, str]) -> QbwcSimulator:
    """The stand-in with these options; with ``qwc`` (a file's path) and ``password``, or with ``url``, ``user`` and
    ``password``, it polls that service.

    ``currency`` is taken and has no effect: the files are kept in US dollars. Raises ConfigError for a name or value
    that it does not have.
    """
    if unknown := [name for name in options if name not in _KNOWN]:
        raise ConfigError(f"the stand-in of QuickBooks Desktop has no option {unknown[0]!r}",
                          fix=f"options: {', '.join(_KNOWN[:-1])}", code="WHERRY-2851")  # fmt: skip
    made = QbwcSimulator(
        edition=cast(Edition, _choice(options, "edition", "premier", EDITIONS)),
        multicurrency=_choice(options, "multicurrency", "no", ("yes", "no")) == "yes",
        sales_tax=_choice(options, "sales_tax", "no", ("yes", "no")) == "yes",
        sample=_choice(options, "sample", "yes", ("yes", "no")) == "yes",
        owner=options.get("owner", OWNER),
        file_id=options.get("file_id", ""),
    )
    made.company().closing = _date(options.get("closing", ""))
    _connect(made, options)
    return made


def _connect(made: QbwcSimulator, options: Mapping[str, str]) -> None:
    needed = _QWC if "qwc" in options else _CONNECTOR
    said = [name for name in needed if options.get(name)]
    if not said:
        return
    if lacking := [name for name in needed if name not in said]:
        raise ConfigError(f"the Connector of the stand-in lacks its {lacking[0]}",
                          fix="set qwc and password, or url, user and password, or none of them",
                          code="WHERRY-2853")  # fmt: skip
    soap = cast(Soap, _choice(options, "soap", "1.1", ("1.1", "1.2")))
    if needed == _QWC:
        _added(made, options, soap)
    else:
        made.connect(options["url"], options["user"], options["password"], soap=soap, interval=_seconds(options))


def _added(made: QbwcSimulator, options: Mapping[str, str], soap: Soap) -> None:
    path = Path(options["qwc"])
    every: dict[str, Any] = {"interval": _seconds(options)} if "every" in options else {}
    try:
        made.add_application(path.read_text("utf-8"), options["password"], soap=soap, **every)
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong("qwc", options["qwc"], f"the path of a .QWC file ({type(error).__name__})") from None
    except NotAdded as refused:
        raise ConfigError(f"the Connector does not take {path.name}: {refused}",
                          fix="start wherry serve first, and make the file again with wherry qbwc file",
                          code="WHERRY-2854") from None  # fmt: skip


def _seconds(options: Mapping[str, str]) -> float:
    said = options.get("every", str(_EVERY))
    if said.isascii() and said.isdigit() and 1 <= int(said) <= _LONGEST:
        return float(said)
    raise _wrong("every", said, f"a number of seconds from 1 to {_LONGEST}")


def _date(said: str) -> str:
    try:
        return dt.date.fromisoformat(said).isoformat() if said else ""
    except ValueError:
        raise _wrong("closing", said, "a date such as 2026-03-31") from None


def _choice(options: Mapping[str, str], name: str, usual: str, known: tuple[str, ...]) -> str:
    said = options.get(name, usual)
    if said in known:
        return said
    raise _wrong(name, said, ", ".join(known))


def _wrong(name: str, said: str, allowed: str) -> ConfigError:
    return ConfigError(f"{said!r} is no {name} of the stand-in", fix=f"write {allowed}", code="WHERRY-2852")
