"""Whose books a target's sign-in opens: looked at before the first write, and whenever it has become another sign-in.

Right data in the wrong company is the worst failure of all. Source: write-protocol.md, section 2 (finding 9 and I12).
"""

from __future__ import annotations

from wherry.errors import Guarded, TryAgain
from wherry.http.gate import SignsIn
from wherry.protocol.flight import Target


class Company:
    """The company of one drain's session. ``look`` comes before anything is written."""

    def __init__(self, target: Target) -> None:
        self._target = target
        http = target.sink.http
        self._signs_in = http if isinstance(http, SignsIn) else None
        self._looked_at = self._sign_in()

    def look(self) -> None:
        """Raises Guarded where the sign-in opens another account than the one that the connection is bound to."""
        self._looked_at = self._sign_in()
        target, account = self._target, self._target.sink.check()
        if account.id != target.account:
            raise Guarded(
                f"connection {target.name} reaches {account.name} ({account.id}), not the account it is bound to "
                f"({target.account}); nothing was sent",
                fix="put the right sign-in back, or give the other account a connection of its own",
                code="WHERRY-7031", connection=target.name,
            )  # fmt: skip

    def is_still_ours(self) -> bool:
        """Whether the sign-in is the one whose company was looked at. Another one's is looked at now, as ``look``."""
        if self._sign_in() == self._looked_at:
            return True
        self.look()
        return False

    def may_leave(self) -> None:
        """Raises TryAgain for a call that would leave with a sign-in whose company nobody has looked at."""
        if self._sign_in() != self._looked_at:
            name = self._target.name
            raise TryAgain(
                f"the sign-in of connection {name} has become another one: whose it is is looked at first",
                after=0.0, code="WHERRY-6061", connection=name,
            )  # fmt: skip

    def _sign_in(self) -> int:
        return self._signs_in.sign_in if self._signs_in is not None else 0
