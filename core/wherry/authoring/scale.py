"""The quality scale as data: what each tier asks of a plugin, why, and which checks of the kit prove it.

Source: experience.md, quality scale. docs/reference/quality.md is written from this; ``wherry plugin check`` judges by
it. A rule with ``proofs`` is met by what the kit found; every other is looked at in ``inspecting``.
"""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

Tier = Literal["none", "bronze", "silver", "gold", "platinum"]
TIERS: tuple[Tier, ...] = get_args(Tier)
PAGE = "docs/reference/quality.md"
READS, WRITES = ("source",), ("sink",)
MOVES = ("source", "sink")


class Rule(Struct, frozen=True):
    """One rule. ``roles``: it is asked of plugins with any of them; of all where empty.

    ``network``: only of plugins that reach a system by network. ``proofs`` is role → words that names of the kit's
    checks hold: at least one of them passed, and none failed. ``declared`` is the key of ``[tool.wherry.quality]``
    that names the tests which prove it, where the kit cannot.
    """

    id: str
    tier: Tier
    asks: str
    why: str
    do: str
    roles: tuple[str, ...] = ()
    network: bool = False
    proofs: dict[str, tuple[str, ...]] = {}
    declared: str = ""

    @property
    def docs(self) -> str:
        """Where the rule is explained."""
        return f"{PAGE}#{self.id}"


RULES: tuple[Rule, ...] = (
    # -- bronze -------------------------------------------------------------------------------------------------------
    Rule(
        "installs-alone", "bronze",
        "It depends on no other plugin, and its requirement on `wherry` has a lower and an upper end.",
        "An operator can install and remove it without touching another, and a core that it was not made for refuses "
        "it before it is imported.",
        'write `dependencies = ["wherry>=0.1,<0.3"]` with your range in pyproject.toml',
    ),
    Rule(
        "settings-described", "bronze",
        "Every setting of a connection has a description.",
        "The description is what an operator reads in the editor, in `wherry plugin info` and in the setup.",
        'give each field of the settings model `Field(description="…")`', MOVES,
    ),
    Rule(
        "connection-test", "bronze",
        "A connection can be tested: `check` asks the system, and says the same account each time.",
        "`wherry connection test` must find out what is wrong before a flow does.",
        "implement `check` and run the kit's suite for the role", MOVES,
        proofs={"source": ("check_names_the_same_account",), "sink": ("check_names_the_same_account",)},
    ),
    Rule(
        "account-guard", "bronze",
        "An account has an id that is its own, and another account shows as another.",
        "Links and marks are bound to it: a credential that leads to other books must be noticed before it writes.",
        "return the system's own id of the account in `Account.id`", MOVES,
        proofs={
            "source": ("check_names_the_same_account",),
            "sink": ("another_company", "check_names_the_same_account"),
        },
    ),
    Rule(
        "error-classes", "bronze",
        "It raises Wherry's errors and no others, each with what to do next and a code that never changes.",
        "The engine acts by the class of an error, and an operator by its sentence.",
        "raise ConfigError, AccessLost, TryAgain, Rejected, Unsure or ContractBroken, with `fix=` and `code=`",
    ),
    Rule(
        "base-url", "bronze",
        "The address of the system can be set: `base_url` reaches the client.",
        "Without it there is no simulator, no test company and no proxy.",
        "build the client's Profile with the connection's `base_url`, the vendor's own where it is not set",
        MOVES, network=True,
    ),
    Rule(
        "docs-page", "bronze",
        "A page for operators comes with it: set-up, settings, limits.",
        "Who sets it up has nothing else to go by.",
        "write README.md with headings for set-up, settings and limits, and name it as `readme` in pyproject.toml",
    ),
    Rule(
        "removal-steps", "bronze",
        "The page says how to remove it, and what stays behind.",
        "Nobody should have to guess what becomes of documents that were written.",
        "add a heading Removal to README.md",
    ),
    Rule(
        "kit-green", "bronze",
        "A suite of the kit runs for every role that the plugin has, and none of its checks fails.",
        "It is what tells a connector from one that seems to work.",
        "subclass the suite of each role in tests/, and mend what fails",
        ("source", "sink", "mapper", "matcher"),
    ),
    # -- silver -------------------------------------------------------------------------------------------------------
    Rule(
        "re-auth", "silver",
        "A sign-in that is lost ends the run with AccessLost, whenever it happens.",
        "The flow is paused and an operator is told to connect again; nothing is taken for empty.",
        "leave 401 to the core, or classify it as AccessLost", MOVES, network=True,
        proofs={"source": ("lost_sign_in", "sign_in_that_runs_out"), "sink": ("lost_sign_in",)},
    ),
    Rule(
        "rate-limit", "silver",
        "Limits are known and kept to, and an answer 429 is waited for as long as it says.",
        "A vendor that is asked too often shuts everybody of the account out.",
        "declare the vendor's limits in the Profile, and let the core retry", MOVES, network=True,
        proofs={"source": ("waits_as_long",), "sink": ("waits_as_long", "turned_away")},
    ),
    Rule(
        "resumable-paging", "silver",
        "Reading goes on after any page without loss.",
        "A run that is killed must not begin anew, nor leave something out.",
        "make marks that hold the place in the system's own order", READS,
        proofs={"source": ("goes_on_after_any_page",)},
    ),
    Rule(
        "safe-write", "silver",
        "A lost answer never makes a second document: the call is recognised, or what it did is found.",
        "This is what Wherry is for.",
        "claim `resend_for` if the target recognises a repeated call, or implement `ask` and `found`", WRITES,
        proofs={"sink": ("repeated_create", "found_as_ours", "rolled_back", "same_again_is_unchanged")},
    ),
    Rule(
        "secrets-masked", "silver",
        "Planted secrets turn up in no log, no error and no stored call.",
        "Logs are sent around; a token in one opens the books.",
        "take secrets from the core's client alone, and put none into messages", MOVES, network=True,
        proofs={"source": ("secrets_are_in",), "sink": ("secrets_are_in",)},
    ),
    Rule(
        "branch-coverage", "silver",
        "The plugin's tests reach 90 % of its branches, simulator left out.",
        "What no test went through, nobody knows.",
        "`pip install coverage`, then `wherry plugin check --measure`",
    ),
    # -- gold ---------------------------------------------------------------------------------------------------------
    Rule(
        "custom-fields", "gold",
        "A source tells its fields, those of the account's own among them.",
        "Maps can then be checked before a run, and an editor offers what there is.",
        "implement `describe`", READS, proofs={"source": ("description_knows",)},
    ),
    Rule(
        "preview", "gold",
        "What would be written can be shown without writing it.",
        "`wherry plan` is how an operator gains trust.",
        "keep `encode` and `facts` pure", WRITES,
        proofs={"sink": ("encoding_is_pure", "facts_ask_nobody", "what_is_rolled_back")},
    ),
    Rule(
        "simulator", "gold",
        "An offline stand-in of the system comes with it.",
        "Everybody can try the plugin with no account, and tests lose answers in earnest.",
        "implement `wherry_simulator` with the toolkit of `wherry.simulator`", MOVES, network=True,
    ),
    Rule(
        "diagnostics", "gold",
        "It reads the vendor's own word on errors, and logs through `services.log` alone.",
        "`Bad request` helps nobody; the vendor's code and sentence do.",
        "give the Profile a `classify`, or read the vendor's error in `decode`; print nothing", MOVES, network=True,
    ),
    Rule(
        "reversal", "gold",
        "What was written can be taken back, and leaves its trace.",
        "A document is never deleted; it is voided or reversed.",
        'answer items with `action = "void"`', WRITES, proofs={"sink": ("a_void_takes",)},
    ),
    Rule(
        "vendor-shapes", "gold",
        "The simulator answers in the vendor's own shapes: judged by its published schema, or by recorded sessions.",
        "A kit that trusts only the author's own simulator proves only the author's beliefs.",
        "record a session (`wherry dev record`) or take the vendor's schema, test the simulator against it, and name "
        'the test: `[tool.wherry.quality]` `shapes = ["tests/test_shapes.py"]`',
        MOVES, network=True, declared="shapes",
    ),
    Rule(
        "vendor-sdk", "gold",
        "The vendor's own client library passes against the simulator.",
        "It reads answers more strictly than we do.",
        'name the test: `[tool.wherry.quality]` `sdk = ["tests/test_sdk.py"]`; where the vendor has no library, '
        '`sdk = "none"` and the page says so',
        MOVES, network=True, declared="sdk",
    ),
    # -- platinum -----------------------------------------------------------------------------------------------------
    Rule(
        "strict-types", "platinum",
        "Every function is annotated, and `py.typed` says so to others.",
        "Half of what goes wrong with a new version of the core is found before it runs.",
        "annotate what is listed, and put an empty py.typed into the package",
    ),
    Rule(
        "chaos", "platinum",
        "It holds when answers are lost after the write, pages repeat, clocks differ and 429 rains.",
        "All of it happens in the first year.",
        "run the kit's checks of faults, and its kill sweep for a sink", MOVES, network=True,
        proofs={
            "source": ("outage", "temporary_fault", "never_rests", "breaks_off", "junk_is_never"),
            "sink": ("repeated", "found_as_ours", "carried_out_late", "turned_away", "junk_settles"),
        },
    ),
    Rule(
        "bounded", "platinum",
        "Ten thousand records pass in bounded memory and time.",
        "The first sync is the largest one.",
        "keep nothing of what passed; run the kit's check, or name yours: `[tool.wherry.quality]` `bounds = […]`",
        MOVES, proofs={"source": ("nothing_is_kept",), "sink": ("nothing_is_kept",)}, declared="bounds",
    ),
)  # fmt: skip


def of_tier(tier: Tier) -> tuple[Rule, ...]:
    """The rules of one tier."""
    return tuple(rule for rule in RULES if rule.tier == tier)
