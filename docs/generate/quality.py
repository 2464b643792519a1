"""The pages of the quality scale: every rule of it, and the plugins of this repository with the tier they carry."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEAD = """# Quality scale

What a plugin can be relied on for, in four tiers. `wherry plugin check` judges a plugin by these rules, one by one,
with its evidence, and names the tier that it reached: the highest whose rules, and those of the tiers before it,
all hold.

| mark | outcome | means |
|---|---|---|
| ✓ | met | it holds; the evidence says how that is known |
| ✗ | missed | it does not; the file and line say where |
| ? | not measured | nothing was found that could tell. It counts as missing |
| – | not asked | the rule is not for plugins of its kind |

```console
$ wherry plugin check traede --no-run
```

Most rules are proved by running the suites of the kit that the plugin's tests subclass. `--no-run` leaves that out, and
what only the kit can tell is then not measured. For what neither a look nor the kit can tell, a plugin names its tests:

```text
[tool.wherry.quality]
tier = "gold"                                # what it carries; checked with --at-least
shapes = ["tests/test_shapes.py"]
sdk = ["tests/test_sdk.py"]                  # or "none", where the vendor has no library
bounds = ["tests/test_bounds.py"]
```

**The badge** (`--badge FILE`) is the same as JSON: tier, date, version of the kit, every rule with its outcome, and
hashes of package, tests and rules, so that whoever has the same files can make it again. It says `simulated`, or
`live` where `--live CONNECTION` tried the vendor's own system: a kit that trusts only the author's simulator proves
only the author's beliefs.
"""
ASKED = {"source": "sources", "sink": "sinks", "mapper": "mappers", "matcher": "matchers"}


def page() -> str:
    """Every rule with what it asks, why, what to do, and what proves it."""
    from wherry.authoring.scale import TIERS, of_tier

    lines = [HEAD]
    for tier in TIERS[1:]:
        lines += [f"## {tier.capitalize()}", ""]
        for rule in of_tier(tier):
            lines += [f"### {rule.id}", "", *_rule(rule), ""]
    return "\n".join(lines)


def _rule(rule: Any) -> Iterator[str]:
    yield rule.asks
    yield ""
    yield f"- *Why:* {rule.why}"
    yield f"- *Do:* {rule.do}."
    asked = " and ".join(ASKED[role] for role in rule.roles) if rule.roles else "every plugin"
    yield f"- *Asked of:* {asked}{' that reach a system by network' if rule.network else ''}."
    yield f"- *Told by:* {_how(rule)}."


def _how(rule: Any) -> str:
    if rule.proofs and rule.declared:
        return f"the kit's checks, or the tests named as `{rule.declared}`"
    if rule.proofs or rule.id == "kit-green":
        return "the kit's checks"
    if rule.declared:
        return f"the tests named as `{rule.declared}`, which are run"
    if rule.id == "branch-coverage":
        return "counting branches while all tests run (`--measure`, or a report of `coverage json`)"
    return "looking at its metadata, sources and page"


def plugins(root: Path) -> str:
    """The plugins of this repository."""
    lines = ["# Plugins", "", "What comes with Wherry, each a distribution of its own. The tier is that of the "
             "[quality scale](quality.md); `make tiers` checks that each still reaches it.", "",
             "| plugin | install | what | tier |", "|---|---|---|---|"]  # fmt: skip
    for folder in sorted((root / "plugins").iterdir()):
        if (folder / "pyproject.toml").is_file():
            lines.append(_row(folder))
    return "\n".join(lines)


def _row(folder: Path) -> str:
    told = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    project = told["project"]
    tier = told.get("tool", {}).get("wherry", {}).get("quality", {}).get("tier", "not judged")
    name = next(iter(project["entry-points"]["wherry.plugins"]))
    page = f"[{name}](../../plugins/{folder.name}/README.md)"
    return f"| {page} | `pip install {project['name']}` | {project['description']} | {tier} |"
