"""What a partner looks up in a Python session: every public class tells its fields, and the errors have one base."""

from __future__ import annotations

import importlib
import inspect
import pydoc

import pytest
import wherry
from wherry import ConfigError, Rejected, WherryError
from wherry.cli.context import Face
from wherry.cli.failures import draw

MODULES = (
    "accounting", "endpoints", "entities", "hookspecs", "records", "roles", "http", "simulator", "testing.holding",
    "testing.rigs", "testing.sink_trial", "testing.trial", "testing.mapper_trial", "testing.atomic_trial",
    "testing.simulator_trial",
)  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
def test_help_and_signature_know_every_class_of_a_plugin_author(module: str) -> None:
    home = importlib.import_module(f"wherry.{module}")
    shown = [one for one in vars(home).values() if inspect.isclass(one) and one.__module__.startswith("wherry.")]
    assert shown
    for one in shown:
        assert one.__name__ in pydoc.render_doc(one)
        try:
            inspect.signature(one)
        except ValueError:  # an exception or a protocol of another kind: Python has no signature for it
            continue


def test_the_base_of_all_errors_is_among_the_exports() -> None:
    assert issubclass(ConfigError, WherryError)
    assert "WherryError" in wherry.__all__


@pytest.mark.parametrize(("code", "links"), [("WHERRY-4000", True), ("LEDGERLY-4000", False)])
def test_only_codes_of_ours_are_said_to_stand_on_our_page(
    code: str, links: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    draw(Face(), Rejected("it cannot be said", code=code).as_data())
    told = capsys.readouterr().err
    assert code in told
    assert ("docs/reference/errors.md#" in told) is links
