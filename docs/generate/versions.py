"""The page of plugin versions: which range to declare, and what goes away when."""

from __future__ import annotations

from wherry import __version__
from wherry.authoring.making import api
from wherry.plugins.outdated import RENAMED

TEXT = """
# Versions that plugins are made for

What plugins are written against (hooks, roles, records, errors, the kit) has the version of the core. This is
**{version}**.

## The range

A plugin declares it as its own requirement on `wherry`; nothing else is needed, and nothing else counts:

```text
dependencies = ["wherry{range}"]
```

It is read from the package's metadata **before anything is imported**. A core outside the range refuses the plugin
(`WHERRY-2032`), naming
both versions; the flows of other plugins run. A package without a requirement on `wherry` is taken by every core.

## One cycle

- Within a minor version nothing changes that a plugin can notice, but that there may be more: hooks, arguments of
  hooks, optional roles, fields
  with defaults.
- **What a plugin uses without a warning in one minor version works in the next one.** So the range may hold the
  version after this one. From 1.0 on it may hold the whole
  major version.
- What goes away is told for one minor version: once for each plugin, in the answer of every command that loads it and
  in `wherry plugin list --broken`
  (`WHERRY-1125`), with what takes its place and the version in which it stops to work. The plugin works all the
  while.
- Hooks get more arguments, never fewer: a plugin names those that it wants. Methods of roles never change; a new
  ability is a role of its own.

## What goes away

{table}
"""


def page() -> str:
    """The page."""
    rows = [f"| `{old}` | `{told.new}` | {told.since} | {told.until} |" for old, told in sorted(RENAMED.items())]
    head = ["| old | in its place | told since | works until |", "|---|---|---|---|"]
    table = "\n".join([*head, *rows]) if rows else "Nothing at present."
    return TEXT.format(version=__version__, range=api(__version__), table=table)
