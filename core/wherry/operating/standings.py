"""What the store knows of a thing that was written: by whom, since when, what was found of it, what was decided.

It asks nobody outside.
"""

from __future__ import annotations

from shlex import quote as quoted

from wherry.operating import decided, desk
from wherry.operating.subjects import Finder, Subject, body_of
from wherry.store import findings, inquiries
from wherry.store.findings import Decision, Finding
from wherry.store.ledger import LinkRow

_BY_RULE = {
    "created": "made there", "person": "linked by {by}", "merged": "taken over from a record that was merged into it",
    "differs": "made there",
}  # fmt: skip
"""How a link came about, in words; every other rule is one by which a matcher found it."""


class Teller(Finder):
    """How things came to be where they are, and how they stand there."""

    def _how(self, one: Subject, link: LinkRow) -> str:
        """How it came to be there, and by what it was written last."""
        first = next((event for event in self.events_of(link.ref) if event.target == link.target), None)
        run, call = (first.run, first.call) if first is not None else (link.run, link.call)
        by_person = link.rule == "person"
        how = _BY_RULE.get(link.rule, f"found there by {link.rule}").format(by=link.made_by if by_person else "")
        said = how if by_person else how + _by(run, call)
        if first is not None and link.call and link.call != call:
            said += f"; last written on {moment(link.made_at)}{_by(link.run, link.call)}"
        word = self._approved(one)
        return said + (f", approved by {word[1]}" if word is not None and link.call else "")

    def _since(self, link: LinkRow) -> str:
        """When the target first held it, by the history; a link is written anew with every change."""
        return next((event.at for event in self.events_of(link.ref) if event.target == link.target), link.made_at)

    def decision(self, one: Subject) -> Decision | None:
        """What a person decided about what the target holds of it, as long as nothing came after. What a comparison
        finds decided it forgets: a finding that is kept came later."""
        if one.link is None or one.route is None or self._finding(one) is not None:
            return None
        found = findings.find_decisions(self.tx, one.route, [one.link.ref]).get(one.link.ref)
        return decided.stands(found, one.link, one.item.item if one.item is not None else None)

    def _finding(self, one: Subject) -> Finding | None:
        """What the target was last found to hold otherwise, if it was not written since."""
        if one.link is None or one.route is None:
            return None
        found = findings.find_findings(self.tx, one.route, [one.link.ref]).get(one.link.ref)
        return found if found and found.target == one.link.target and found.at >= one.link.made_at else None

    def gone(self, one: Subject) -> str:
        """When the target was found to hold it no more; empty where nobody found that."""
        item = one.item.item if one.item is not None else None
        if item is not None and one.link is not None and decided.evidence_of(item, one.link.target) is None:
            return str(desk.evidence(item)["at"])  # type: ignore[index]
        decision, finding = self.decision(one), self._finding(one)
        if decision is not None and decision.held is None:
            return decision.at
        return finding.at if finding is not None and finding.what == "missing" else ""

    def _reopening(self, one: Subject, word: str) -> str:
        """The command that puts it before a person again."""
        if one.record or one.ref is None:
            return f"wherry errors reopen {quoted(str(body_of(one.link).get('number') or '') or one.record or word)}"
        return f"wherry errors reopen {quoted(one.ref.key)} --kind {one.ref.entity}"

    def _approved(self, one: Subject) -> tuple[str, str] | None:
        """When the last word was given that it may be sent, and by whom."""
        told = inquiries.approvals_of(self.tx, one.ref, one.flow) if one.ref is not None else []
        return told[-1] if told else None

    def _imports(self, one: Subject) -> list[dict[str, str]]:
        """The files that its record came from, where it came from files."""
        flow = self.hub.project.flows.get(one.flow)
        if flow is None or not one.record:
            return []
        plugin = self.hub.project.connections[flow.source].plugin
        told = inquiries.imports_of(self.tx, plugin, one.kind, one.record)
        return [{"at": at, "by": who, "file": str(what.get("file") or ""), "sha256": str(what.get("sha256") or "")}
                for at, who, what in told]  # fmt: skip


def _by(run: str, call: int) -> str:
    return (f" by run {run}" if run else "") + (f", request {call}" if call else "")


def day(at: str) -> str:
    """``2026-01-05``."""
    return at[:10]


def moment(at: str) -> str:
    """``2026-01-05 09:00:00 UTC``."""
    return f"{at[:19].replace('T', ' ')} UTC"
