"""Copying files: before the transaction, under a name that a second try finds again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wherry.errors import ConfigError, Rejected, TryAgain
from wherry.protocol import boundary
from wherry.protocol.steps import Step
from wherry.records import Create
from wherry.roles import OpensFiles
from wherry.runs.job import Job
from wherry.store.blobs import Blob, shown_name
from wherry.threads import fan_out


def copy_files(job: Job, steps: Sequence[Step]) -> None:
    wanted = [step for step in steps if step.draft.file and isinstance(step.decision, Create)]
    for _ in fan_out(lambda step: copy_file(job, step), wanted, width=4):
        pass


def copy_file(job: Job, step: Step) -> None:
    source, draft = job.wired.source, step.draft
    origin = f"{job.wired.lane.route.source}/{draft.file}"
    step.later = ""
    try:
        blob = job.wired.blobs.find(origin)
        if blob is None and isinstance(source, OpensFiles):
            with boundary.opened(source, draft.file) as pieces:
                blob = _kept(job, origin, pieces)
    except Rejected as error:
        step.refusal = error
    except TryAgain as error:
        step.later = error.message
    else:
        found = {"blob": blob.name, "size": blob.size, "sha256": blob.sha256} if blob else {}
        draft.body.update(found, name=shown_name(str(draft.body.get("name", ""))))


def _kept(job: Job, origin: str, pieces: Iterable[bytes]) -> Blob:
    """The bytes, in the project's folder. Raises ConfigError where that does not take them."""
    try:
        return job.wired.blobs.put(origin, pieces)
    except OSError as error:
        raise ConfigError(
            f"a file could not be kept in {job.wired.store.files}: {error.strerror}", code="WHERRY-2315",
            fix="make room there, or give the user who runs Wherry the right to write there; the next run goes on",
        ) from error  # fmt: skip
