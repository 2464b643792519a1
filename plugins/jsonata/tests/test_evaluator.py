"""What the evaluating process says, told here without a process: values, bounds, refusals, and its lines."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from wherry_jsonata import evaluator
from wherry_jsonata.evaluator import Evaluator, Exceeded, Inexact, Unknown, Unreadable, serve

BOUNDS: dict[str, Any] = {
    "steps": 500, "depth": 40, "seconds": 5, "output": 400, "memory": 512, "when": "", "currency": "GBP",
    "timezone": "Europe/London",
}  # fmt: skip


@pytest.fixture(autouse=True)
def unlimited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The limits of the system are for the process that evaluates, not for this one; the alarms set so far."""
    alarms: list[float] = []
    monkeypatch.setattr(evaluator, "_limit", lambda asked: None)
    monkeypatch.setattr(evaluator, "_alarm", alarms.append)
    return alarms


def answer(text: str, value: Any = None, **bounds: Any) -> Any:
    """What an expression gives of a value."""
    told = Evaluator({**BOUNDS, **bounds, "map": text}).answer("map", {} if value is None else value)
    return json.loads(told)["value"]


def spoken(*lines: Any, **asked: Any) -> list[Any]:
    """What the process would say to these lines, after the first one."""
    out = io.StringIO()
    said = "\n".join(json.dumps(line) for line in ({**BOUNDS, **asked}, *lines))
    serve(io.StringIO(said), out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize(("text", "wanted"), [
    ("deal.name", "Rail"),
    ("{ 'n': deal.count, 'yes': deal.won, 'none': deal.gone, 'list': [1, [2]] }",
     {"n": 3, "yes": True, "none": None, "list": [1, [2]]}),
    ("$money('1234.56', 'USD')", {"minor": 123456, "currency": "USD"}),
    ("$decimal('2.50')", "2.50"),
    ("$id('77')", "id:77"),
    ("$date(deal.gone)", None),
    ("$pad('7', -3, '0')", "007"),
    ("$pad('7', 3, '-')", "7--"),
    ("$pad(deal.missing, 3)", None),
    ("deal.missing", None),
])  # fmt: skip
def test_a_result_is_plain_values(text: str, wanted: Any) -> None:
    deal = {"name": "Rail", "count": 3, "won": True, "gone": None}
    assert answer(text, {"deal": deal}) == wanted


@pytest.mark.parametrize(("text", "said"), [
    ("{ 'price': 0.1 + 0.2 }", "price is 0.3"),
    ("[1, { 'a': [1.5] }]", r"\[1\].a\[0\] is 1.5"),
    ("{ 'f': function($x){ $x } }", "f is a function"),
])  # fmt: skip
def test_what_no_draft_can_hold_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(Inexact, match=said):
        answer(text)


def test_a_result_that_lies_too_deep_is_none() -> None:
    value: Any = 1
    for _ in range(60):
        value = [value]
    with pytest.raises(Inexact, match="more than 50 levels"):
        evaluator._judge(value, "the result")


@pytest.mark.parametrize("name", evaluator.BANNED)
def test_what_gives_another_answer_tomorrow_is_named(name: str) -> None:
    with pytest.raises(Unknown, match=rf"\${name} is not to be had"):
        answer(f"${name}()")


@pytest.mark.parametrize("text", ["$pad(7, 3)", "$pad('7', 'wide')", "$pad('7', 99999)"])
def test_a_text_is_padded_to_a_width_within_reason(text: str) -> None:
    with pytest.raises(Unknown, match="at most 10000"):
        answer(text)


@pytest.mark.parametrize(("text", "bound"), [
    ("($f := function($x){ $f($x + 1) }; $f(0))", "steps"),
    ("($f := function($x){ 1 + $f($x + 1) }; $f(0))", "depth"),
    ("$map([1..60], function($x){ 'ten letters' })", "output"),
])  # fmt: skip
def test_a_bound_that_is_reached_is_named(text: str, bound: str) -> None:
    with pytest.raises(Exceeded) as caught:
        answer(text, steps=2_000 if bound != "steps" else 300)
    assert caught.value.bound == bound


def test_what_was_counted_of_one_record_is_not_counted_of_the_next() -> None:
    made = Evaluator({**BOUNDS, "map": "$sum([1..10].($ + 1))", "steps": 120})
    assert [made.answer("map", {}) for _ in range(20)] == ['{"value": 65}'] * 20


def test_two_expressions_do_not_get_in_each_others_way() -> None:
    made = Evaluator({**BOUNDS, "map": "{ 'map': deal }", "when": "deal = 'won'"})
    said = [made.answer(part, {"deal": "won"}) for part in ("when", "map", "when")]
    assert said == ['{"value": true}', '{"value": {"map": "won"}}', '{"value": true}']


def test_an_expression_that_is_none_says_which_of_them_it_is() -> None:
    with pytest.raises(Unreadable, match=r"^when$"):
        Evaluator({**BOUNDS, "map": "1", "when": "deal ="})


def test_each_line_gets_one_and_a_bad_one_stops_no_other(unlimited: list[float]) -> None:
    ready, good, wrong, again = spoken(
        {"part": "map", "value": {"n": "7"}}, {"part": "map", "value": {"n": "seven"}},
        {"part": "map", "value": {"n": "8"}}, map="$decimal(n)",
    )  # fmt: skip
    assert (ready, good, again) == ({"value": True}, {"value": "7"}, {"value": "8"})
    assert wrong["error"]["sort"] == "value"
    assert wrong["error"]["message"]
    assert unlimited == [5.0, 0] * 4, "each is given its time, and takes it back"


@pytest.mark.parametrize(("text", "told"), [
    ("$sum('x')", {"sort": "expression", "code": "T0412"}),
    ("1 / 0", {"sort": "value"}),
    ("$money('x', 'USD')", {"sort": "value"}),
    ("$no_such(1)", {"sort": "expression", "code": "T1006"}),
    ("($f := function($x){ $f($x + 1) }; $f(0))", {"sort": "bound", "bound": "steps"}),
])  # fmt: skip
def test_what_goes_wrong_is_told_with_whose_it_is(text: str, told: dict[str, Any]) -> None:
    _, wrong = spoken({"part": "map", "value": {}}, map=text)
    assert {name: wrong["error"].get(name) for name in told} == told
    assert isinstance(wrong["error"]["place"], int)


@pytest.mark.parametrize(("error", "bound"), [(MemoryError(), "memory"), (RecursionError(), "depth")])
def test_what_the_language_runs_out_of_is_a_bound_too(error: BaseException, bound: str) -> None:
    assert evaluator._told(error, 7) == {"sort": "bound", "bound": bound, "place": 7, "message": ""}


def test_an_unreadable_expression_is_told_at_once_with_its_place() -> None:
    [told] = spoken(map="deal.", when="1")
    assert (told["error"]["sort"], told["error"]["bound"]) == ("expression", "map")
    assert told["error"]["place"] > 0


def test_an_unknown_currency_or_zone_is_told_at_once() -> None:
    [told] = spoken(map="1", timezone="Nowhere/Land")
    assert told["error"]["message"]


def test_a_line_that_never_begins_is_the_end() -> None:
    out = io.StringIO()
    serve(io.StringIO(""), out)
    assert out.getvalue() == ""
