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
from typing import Any

from pydantic import Field
from wherry.errors import ConfigError
from wherry.simulator import Options

from . import NotAdded, QbwcSimulator
from .calling import Soap
from .company import Edition
from .connector import OWNER

_CONNECTOR = ("url", "user", "password")
_QWC = ("qwc", "password")
_EVERY, _LONGEST = 60, 86_400


class QbwcOptions(Options):
    """What the table above says. ``currency`` is taken and has no effect: the files are kept in US dollars."""

    edition: Edition = "premier"
    multicurrency: bool = False
    sales_tax: bool = False
    sample: bool = True
    closing: dt.date | None = None
    owner: str = OWNER
    file_id: str = ""
    qwc: str = ""
    url: str = ""
    user: str = ""
    password: str = ""
    every: float | None = Field(None, ge=1, le=_LONGEST)
    soap: Soap = "1.1"
    currency: str = ""


def simulator(options: Mapping[str, str]) -> QbwcSimulator:
    """The stand-in with these options; with ``qwc`` (a file's path) and ``password``, or with ``url``, ``user`` and
    ``password``, it polls that service. Raises ConfigError for a name or value that it does not have."""
    said = QbwcOptions.of(options)
    made = QbwcSimulator(edition=said.edition, multicurrency=said.multicurrency, sales_tax=said.sales_tax,
                         sample=said.sample, owner=said.owner, file_id=said.file_id)  # fmt: skip
    made.company().closing = said.closing.isoformat() if said.closing else ""
    _connect(made, said)
    return made


def _connect(made: QbwcSimulator, said: QbwcOptions) -> None:
    needed = _QWC if said.qwc else _CONNECTOR
    lacking = [name for name in needed if not getattr(said, name)]
    if len(lacking) == len(needed):
        return
    if lacking:
        raise ConfigError(f"the Connector of the stand-in lacks its {lacking[0]}",
                          fix="set qwc and password, or url, user and password, or none of them",
                          code="WHERRY-2853")  # fmt: skip
    if said.qwc:
        _added(made, said)
    else:
        made.connect(said.url, said.user, said.password, soap=said.soap, interval=said.every or _EVERY)


def _added(made: QbwcSimulator, said: QbwcOptions) -> None:
    path = Path(said.qwc)
    every: dict[str, Any] = {"interval": said.every} if said.every else {}
    try:
        made.add_application(path.read_text("utf-8"), said.password, soap=said.soap, **every)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{said.qwc!r} cannot be read ({type(error).__name__})",
                          fix="set qwc to the path of a .QWC file", code="WHERRY-2852") from None  # fmt: skip
    except NotAdded as refused:
        raise ConfigError(f"the Connector does not take {path.name}: {refused}",
                          fix="start wherry serve first, and make the file again with wherry qbwc file",
                          code="WHERRY-2854") from None  # fmt: skip
