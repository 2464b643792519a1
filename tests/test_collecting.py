"""The collector of circles keeps its usual pace but for the time of runs, and rests while modules are imported."""

from __future__ import annotations

import contextlib
import gc
import importlib
import sys
import weakref

import pytest
from wherry.catalogues import LazyCatalogue
from wherry.collecting import EVERY, between, paused, seldom
from wherry.matching.listing import Listing
from wherry.records import Draft, Listed


def test_the_usual_pace_comes_back_when_the_last_of_several_runs_has_ended() -> None:
    usual = gc.get_threshold()
    first, second = seldom(), seldom()
    first.__enter__()
    second.__enter__()
    assert gc.get_threshold()[0] > usual[0]
    first.__exit__(None, None, None)
    assert gc.get_threshold()[0] > usual[0]
    second.__exit__(None, None, None)
    assert gc.get_threshold() == usual


def test_it_comes_back_after_a_run_that_failed() -> None:
    usual = gc.get_threshold()
    with pytest.raises(ValueError, match="failed"), seldom():
        raise ValueError("failed")
    assert gc.get_threshold() == usual


def test_nothing_is_looked_through_while_modules_are_imported_not_even_where_one_fails() -> None:
    with contextlib.suppress(ImportError), paused():
        assert not gc.isenabled()
        with paused():
            pass
        assert not gc.isenabled(), "the outer one is not over"
        raise ImportError
    assert gc.isenabled()


def test_what_was_made_meanwhile_is_not_looked_through_afterwards() -> None:
    looks: list[str] = []
    note = lambda phase, info: looks.append(phase)  # noqa: E731
    gc.callbacks.append(note)
    sys.modules.pop("colorsys", None)
    try:
        with paused():
            importlib.import_module("colorsys")
            made = [[n] for n in range(5_000)]
        made.append([])
    finally:
        gc.callbacks.remove(note)
    assert looks == []


def test_between_batches_goes_what_holds_itself() -> None:
    """A run hardly ever looks by itself: what requests leave behind would stay, with the pages that they brought."""

    class Request:
        def __init__(self) -> None:
            self.itself = self

    with seldom():
        left = weakref.ref(Request())
        for _ in range(EVERY):
            between()
        assert left() is None


def test_what_a_catalogue_was_asked_goes_with_what_it_learns_next() -> None:
    """It names the drafts of a batch: in a circle they would stay until the collector looks."""
    catalogue = LazyCatalogue(Listing)
    catalogue.about([Draft(entity="product", key="id:1", body={"sku": "A"})])
    catalogue.by_sku("B")
    assert catalogue._looked is not None
    left = weakref.ref(catalogue._looked.skus)
    gc.disable()
    try:
        catalogue.learn(Listed("P-1", "A pump", "A"), ["id:1"])
        assert left() is None
    finally:
        gc.enable()
