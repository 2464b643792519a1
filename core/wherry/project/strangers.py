"""What is said of a connection that reaches another account than the one it is bound to."""

from __future__ import annotations

from wherry.errors import ConfigError, Guarded
from wherry.store import registry


def known_account(name: str, other: registry.Bound) -> ConfigError:
    return ConfigError(
        f"connection {name} reaches {other.account_name} ({other.account_id}), which is known here as {other.name}",
        fix=f"wherry connection adopt {name}, where it takes the place of {other.name}; else sign in to its own",
        code="WHERRY-2073", connection=name, known_as=other.name,
    )  # fmt: skip


def other_account(row: registry.Bound, name: str, id: str) -> Guarded:
    return Guarded(
        f"connection {row.name} is bound to {row.account_name} ({row.account_id}) and now reaches {name} ({id})",
        fix="put the right sign-in or setting back, or give the other account a connection of its own",
        code="WHERRY-7030", connection=row.name,
    )  # fmt: skip
