"""The head gate: pipelines, stages and activity, resolved by the source's metadata."""

from __future__ import annotations

import datetime as dt
import json
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from wherry.errors import ConfigError
from wherry.records import Record
from wherry.roles import Description, Pipeline, Stage
from wherry.triggers import Trigger, make_trigger

SALES = Pipeline(
    "default",
    "Sales",
    (
        Stage("sent", "Contract sent", "0.9"),
        Stage("closedwon", "Closed won", "1.0", closed=True),
        Stage("closedlost", "Closed lost", "0.0", closed=True),
        Stage("promised", "Promised", "1.0", closed=False),
    ),
)
RENTALS = Pipeline(
    "815", "Rentals", (Stage("signed", "Signed", "1", closed=True), Stage("out", "Out", "junk", closed=True))
)
SOURCE = Description(pipelines=(SALES, RENTALS))
PATHS = {"pipeline": "deal.pipeline", "stage": "deal.dealstage"}


def pipeline(id: str, *stages: str, active: bool = True, map: str | None = None) -> Any:
    return SimpleNamespace(id=id, stages=stages, active=active, map=map)


def trigger(
    *pipelines: Any, said: dict[str, str] = PATHS, description: Description | None = SOURCE, **flow: Any
) -> Trigger:
    usual = {"name": "won-deals", "source": "crm", "kinds": ("deal",), "filter": None}
    usual |= {"changed_since": None, "when": None}
    settings: Any = SimpleNamespace(pipelines=pipelines, **usual | flow)
    return make_trigger(settings, "deal", said, description, ZoneInfo("UTC"), {})


def deal(stage: str | None = "closedwon", place: str | None = "default", **fields: Any) -> Record:
    payload = json.dumps({"pipeline": place, "dealstage": stage} | fields).encode()
    return Record(kind="deal", id="7", version="1", payload=payload)


def test_without_pipelines_every_pipelines_won_stages_are_taken() -> None:
    """b_001_36: closed at probability 1, whatever the stage is called."""
    gate = trigger()
    heads = [deal(), deal("signed", "815"), deal("closedlost"), deal("promised"), deal("out", "815")]
    assert [reason is None for reason in gate.reasons(heads)] == [True, True, False, False, False]


def test_each_pipeline_has_its_own_stages() -> None:
    """b_001_35, b_001_38, b_001_39"""
    gate = trigger(pipeline("default", "sent", "won"), pipeline("815", "signed"))
    assert gate.reasons([deal("sent"), deal("closedwon"), deal("signed", "815")]) == [None, None, None]
    assert gate.reason(deal("out", "815")) == "stage Out is not a trigger stage"


def test_won_may_stand_alone_for_a_list() -> None:
    alone = SimpleNamespace(id="default", stages="won", active=True, map=None)
    assert trigger(alone).reasons([deal(), deal("sent")])[0] is None


def test_reasons_are_in_the_words_of_people() -> None:
    """b_001_42"""
    gate = trigger(pipeline("default", "won"))
    assert gate.reasons(
        [deal("sent"), deal("signed", "815"), deal(None), deal(place=None), deal("new"), deal("x", "y")]
    ) == [
        "stage Contract sent is not a trigger stage",
        "pipeline Rentals is not part of this flow",
        "it is in no stage",
        "it is in no pipeline",
        "stage new is not a trigger stage",
        "pipeline y is not part of this flow",
    ]


def test_a_pipeline_that_is_not_active_is_left_out() -> None:
    """b_001_49"""
    gate = trigger(pipeline("default", "won"), pipeline("815", "signed", active=False))
    assert gate.reasons([deal(), deal("signed", "815")]) == [None, "pipeline Rentals is not active"]


def test_equal_reasons_are_one_object() -> None:
    first, second = trigger().reasons([deal("sent"), deal("sent")])
    assert first is second


@pytest.mark.parametrize("gone", ["archived", "deleted", "merged"])
def test_what_left_the_source_goes_no_further(gone: Any) -> None:
    left = deal()
    left.gone = gone
    assert "at the source" in (trigger().reason(left) or "")


def test_an_unknown_pipeline_is_told_with_the_known_ids_and_labels() -> None:
    with pytest.raises(ConfigError, match="did you mean 'default'") as caught:
        trigger(pipeline("815", "signed"), pipeline("defalt", "won"))
    assert caught.value.where["key"] == "flows.won-deals.pipelines.1.id"
    assert caught.value.where["allowed"] == ["default", "815"]
    assert "815 (Rentals)" in caught.value.fix


def test_an_unknown_stage_is_told_with_the_known_ids_and_labels() -> None:
    with pytest.raises(ConfigError, match="did you mean 'closedwon'") as caught:
        trigger(pipeline("default", "closedwn"))
    assert caught.value.where["key"] == "flows.won-deals.pipelines.0.stages"
    assert "closedwon (Closed won)" in caught.value.fix
    assert "won means closed at probability 1" in caught.value.fix


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        (pipeline("default", "Closed Won"), "stages are ids: 'Closed Won' is closedwon"),
        (pipeline("rentals", "signed"), "pipelines are ids: 'rentals' is 815"),
    ],
)
def test_a_label_in_place_of_an_id_is_told_the_id(said: Any, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        trigger(said)
    assert hint in caught.value.message


def test_a_pipeline_named_twice_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="named twice"):
        trigger(pipeline("default", "won"), pipeline("default", "sent"))


def test_won_in_a_pipeline_that_has_no_such_stage_is_a_mistake() -> None:
    lost = Description(pipelines=(Pipeline("p", "P", (Stage("a", "A", "0.5"),)),))
    with pytest.raises(ConfigError, match="no stage that is closed at probability 1") as caught:
        trigger(pipeline("p", "won"), description=lost)
    assert "a (A)" in caught.value.fix
    with pytest.raises(ConfigError, match="the meaning of won"):
        trigger(description=lost)


def test_a_stage_whose_id_is_won_is_taken_at_its_word() -> None:
    named = Description(
        pipelines=(Pipeline("p", "P", (Stage("won", "Won", "0.5"), Stage("z", "Z", "1", closed=True))),)
    )
    gate = trigger(pipeline("p", "won"), description=named)
    assert gate.reasons([deal("won", "p"), deal("z", "p")]) == [None, "stage Z is not a trigger stage"]


def test_a_kind_without_pipelines_passes_whole() -> None:
    plain = trigger(said={}, description=Description())
    assert plain.reasons([deal("anything", "anywhere")]) == [None]
    assert plain.fields == ()


def test_pipelines_for_a_kind_that_has_none_are_a_mistake() -> None:
    with pytest.raises(ConfigError, match="a deal has no pipelines at this source"):
        trigger(pipeline("default", "won"), said={}, description=Description())
    assert trigger(pipeline("default", "won"), said={}, kinds=("deal", "product")).reason(deal()) is None


def test_a_kind_with_stages_and_no_pipelines_has_one() -> None:
    gate = trigger(said={"stage": "deal.dealstage"}, description=Description(pipelines=(SALES,)))
    assert gate.reasons([deal(place=None), deal("sent", None)]) == [None, "stage Contract sent is not a trigger stage"]
    assert gate.fields == ("dealstage",)


def test_a_gate_whose_source_was_not_asked_says_so_when_it_is_needed() -> None:
    unasked = trigger(description=None)
    assert unasked.fields == ("dealstage", "pipeline")
    with pytest.raises(ConfigError, match="pipelines of deal are not known") as caught:
        unasked.reasons([deal()])
    assert caught.value.fix == "connect the source first: wherry connection test crm"


def test_the_fingerprint_follows_ids_filter_and_start_but_no_label() -> None:
    """b_001_46"""
    usual = trigger().fingerprint
    relabelled = Description(pipelines=(Pipeline("default", "Verkauf", SALES.stages), RENTALS))
    assert trigger(description=relabelled).fingerprint == usual
    assert trigger(filter="deal.amount > 1").fingerprint != usual
    assert trigger(changed_since=dt.date(2016, 1, 1)).fingerprint != usual
    assert trigger(pipeline("815", "won")).fingerprint != usual
    assert trigger(pipeline("default", "won"), pipeline("815", "won", active=False)).fingerprint != usual


def test_pipelines_in_another_order_are_the_same_trigger() -> None:
    there, back = pipeline("default", "won", "sent"), pipeline("815", "won")
    assert trigger(there, back).fingerprint == trigger(back, pipeline("default", "sent", "won")).fingerprint


# -- status ------------------------------------------------------------------------------------------------------------


def by_status(*wanted: str, usual: str = "", **flow: Any) -> Trigger:
    when = SimpleNamespace(status=wanted) if wanted else None
    return trigger(said={"status": "deal.status", "when": usual}, description=Description(), when=when, **flow)


def test_a_status_takes_what_is_as_far_along_or_further() -> None:
    """b_003_16, b_003_17"""
    heads = [deal(status=status) for status in ("draft", "Assigned", " FINALIZED ", "invoiced", "paid", "", None)]
    taken = {
        wanted: [reason is None for reason in by_status(wanted).reasons(heads)]
        for wanted in ("invoiced", "assigned", "draft", "paid")
    }
    assert taken == {
        "invoiced": [False, False, False, True, False, False, False],
        "assigned": [False, True, True, True, False, False, False],
        "draft": [True, True, True, True, False, False, False],
        "paid": [False, False, False, False, True, False, False],
    }
    both = by_status("finalized", "paid").reasons(heads)
    assert [reason is None for reason in both] == [False, False, True, True, True, False, False]


def test_a_status_is_guessed_only_where_the_source_speaks_these_words() -> None:
    with pytest.raises(ConfigError, match="'finalised' is none of") as caught:
        by_status("finalised", usual="invoiced")
    assert caught.value.fix.startswith("did you mean finalized?")
    for word, usual in (("unassigned", "invoiced"), ("paid", "invoiced"), ("finalised", "")):
        assert by_status(word, usual=usual).reason(deal(status=word)) is None


def test_a_status_that_is_not_taken_is_told_with_what_is() -> None:
    gate = by_status("finalized", "paid")
    assert gate.reason(deal(status="Draft")) == "its status is Draft; this flow takes finalized or paid"
    assert gate.reason(deal(status=None)) == "it has no status; this flow takes finalized or paid"
    assert gate.reason(deal(status="Draft")) is gate.reason(deal(status="draft"))


def test_the_sources_habit_counts_where_the_flow_says_nothing() -> None:
    assert by_status(usual="invoiced").reason(deal(status="assigned")) is not None
    assert by_status("assigned", usual="invoiced").reason(deal(status="assigned")) is None
    assert by_status().reason(deal(status="anything")) is None


@pytest.mark.parametrize("status", ["Void", "voided", " CANCELLED ", "canceled"])
def test_what_is_void_is_left_out_whatever_is_taken(status: str) -> None:
    for gate in (by_status(), by_status("draft"), by_status("void")):
        assert gate.reason(deal(status=status)) == f"its status is {status.strip()}"
        assert gate.is_void(deal(status=status))
    assert not by_status().is_void(deal(status="draft"))
    assert not trigger().is_void(deal(status="void")), "this kind has no status"


def test_statuses_need_no_description_and_change_the_fingerprint() -> None:
    gate = trigger(said={"status": "deal.status"}, description=None, when=SimpleNamespace(status=("assigned",)))
    assert gate.reason(deal(status="assigned")) is None
    assert gate.fields == ("status",)
    prints = [by_status(), by_status("assigned"), by_status("invoiced"), by_status(usual="invoiced")]
    assert len({one.fingerprint for one in prints}) == 3


def test_a_kind_without_a_status_cannot_be_chosen_by_one() -> None:
    with pytest.raises(ConfigError, match="has no status") as caught:
        trigger(when=SimpleNamespace(status=("invoiced",)))
    assert (caught.value.code, caught.value.where["key"]) == ("WHERRY-2226", "flows.won-deals.when")
    assert trigger(kinds=("deal", "invoice"), when=SimpleNamespace(status=("invoiced",))).reason(deal()) is None
