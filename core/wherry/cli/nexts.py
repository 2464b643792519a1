"""The ``Next:`` lines of what waits: what a person would do about it, never the command that was just typed."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wherry.operating import behind, desk, leaving
from wherry.records import FOR_A_PERSON

if TYPE_CHECKING:
    from wherry.hub import Hub

_MOST = 2
SEND_AGAIN = "--send-again"


def of_number(hub: Hub, id: str) -> list[str]:
    """Of an open item by its ``E-7``."""
    return of_item(desk.shown(hub, desk.number(id)))


def of_outcomes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of what became of several things: the first that a person must look at."""
    left = next((row for row in rows if row["state"] in FOR_A_PERSON), None)
    if left is not None:
        return [f"wherry errors show {left['id']}"]
    held = next((row["held_up_by"] for row in rows if row.get("held_up_by")), "")
    return [behind.see(held)] if held else []


def of_item(shown: Mapping[str, Any]) -> list[str]:
    """Of an open item as ``wherry.operating.desk.shown`` tells of it."""
    if shown.get("flow_gone"):
        return []  # what to do stands in its fix
    if shown["class"] == "waiting":
        return _behind(shown)
    if shown["class"] == "triage":
        return [f"wherry triage show {asked}" for asked in shown["questions"][:_MOST]] or ["wherry triage list"]
    return _itself(shown, shown["approval"], shown["evidence"], shown["leaves_with"])


def _itself(
    row: Mapping[str, Any], approval: str, evidence: Mapping[str, Any] | None, leaves_with: str
) -> list[str]:  # fmt: skip
    id, flow = row["id"], shlex.quote(row["flow"])
    if row["class"] == "queued":
        if approval == "wanted":
            return [f"wherry approve {flow} {id}"]
        return [f"wherry run {flow}"] if leaves_with == leaving.RUN else []  # what calls us comes for it
    if row["class"] == "differs":
        return [f"wherry errors resolve {id}", f"wherry errors retry {id}"]
    if row["class"] == "decide":
        hits = [hit["target"] for hit in (evidence or {}).get("found", ())]
        links = [f"wherry errors resolve {id} --link {shlex.quote(hit)}" for hit in hits[:_MOST]]
        unseen = [f"--link {shlex.quote(row.get('target') or 'ID')}"] if evidence is None else []  # look there first
        return links or [f"wherry errors resolve {id} {way}" for way in (*unseen, SEND_AGAIN)]
    if row["class"] == "refused" and SEND_AGAIN in row["fix"]:  # what was written is there no more
        return [f"wherry errors resolve {id} --send-again", f"wherry errors resolve {id} --abandon"]
    return [f"wherry errors retry {id}"]


def _behind(shown: Mapping[str, Any]) -> list[str]:
    """Of what waits for something else: what is to be done about that which holds everything up."""
    if shown["questions"]:
        return [f"wherry triage show {asked}" for asked in shown["questions"][:_MOST]]
    last = shown["needs"][-1] if shown["needs"] else None
    if last is None:
        return [f"wherry run {shlex.quote(shown['flow'])}"]
    if last["class"] == "queued" and last["approval"] == "wanted":
        return [f"wherry approve {shlex.quote(shown['flow'])} {shown['id']}"]
    if last["class"] in desk.CLASSES:
        return [f"wherry errors show {last['id']}"]
    return _itself(last, "", None, shown["leaves_with"])
