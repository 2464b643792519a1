"""HubSpot's error answers, and the shapes that several endpoints share."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from wherry.simulator import Call, Refusal, Reply

# What HubSpot calls an error of a given status when nothing more precise is known.
CATEGORIES = {
    400: "VALIDATION_ERROR",
    401: "EXPIRED_AUTHENTICATION",
    403: "MISSING_SCOPES",
    404: "OBJECT_NOT_FOUND",
    409: "CONFLICT",
    423: "LOCKED",
    429: "RATE_LIMITS",
}
MESSAGES = {
    401: "The OAuth token used to make this call expired.",
    403: "This app hasn't been granted all required scopes to make this call.",
    404: "Resource not found",
    423: "The record is locked by another operation; try again shortly.",
    477: "This account is being migrated between data centres.",
}
POLICIES = {
    "TEN_SECONDLY_ROLLING": "You have reached your ten_secondly_rolling limit.",
    "SECONDLY": "You have reached your secondly limit.",
    "DAILY": "You have reached your daily limit.",
}


@lru_cache(maxsize=100_000)
def instant(ms: int) -> str:
    """Milliseconds since 1970 as HubSpot writes them: the fraction is left out when it is zero."""
    stamp = dt.datetime.fromtimestamp(ms // 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{stamp}.{ms % 1000:03d}Z" if ms % 1000 else f"{stamp}Z"


def error_body(status: int, message: str = "", category: str = "", **more: Any) -> dict[str, Any]:
    """The body of an error answer ("Handling errors" in HubSpot's API guide)."""
    return {
        "status": "error",
        "message": message or MESSAGES.get(status, "internal error"),
        "correlationId": str(uuid.uuid4()),
        "category": category or CATEGORIES.get(status, "INTERNAL_ERROR"),
        **more,
    }


def refused(status: int, message: str = "", category: str = "", **more: Any) -> Refusal:
    """An error answer to raise."""
    return Refusal(Reply(status, error_body(status, message, category, **more)))


def invalid(message: str, code: str = "", **context: Sequence[str]) -> Refusal:
    """A 400 with one detail."""
    detail: dict[str, Any] = {"message": message, "context": dict(context)}
    return refused(400, message, errors=[{**detail, "code": code} if code else detail])


def not_found(name: str, key: str) -> Refusal:
    """A 404 for one record or definition."""
    return refused(404, f"{name} {key} was not found", context={"id": [key]})


def too_many(policy: str, headers: Mapping[str, str] | None = None) -> Reply:
    """A 429; HubSpot promises no Retry-After."""
    body = error_body(429, POLICIES[policy], errorType="RATE_LIMIT", policyName=policy, requestId=str(uuid.uuid4()))
    return Reply(429, body, dict(headers or {}))


def dressed(status: int) -> Reply:
    """The answer to a scripted fault, worded as HubSpot would."""
    return too_many("TEN_SECONDLY_ROLLING") if status == 429 else Reply(status, error_body(status))


def item_error(category: str, message: str, context: dict[str, list[str]]) -> dict[str, Any]:
    """One error inside a 207."""
    return {
        "status": "error",
        "category": category,
        "message": message,
        "context": context,
        "errors": [],
        "links": {},
    }


def batch(now_ms: int, results: list[Any], errors: Sequence[dict[str, Any]] = (), status: int = 200) -> Reply:
    """The answer of a batch call: 207 once a single input failed."""
    body: dict[str, Any] = {
        "status": "COMPLETE",
        "results": results,
        "startedAt": instant(now_ms),
        "completedAt": instant(now_ms),
    }
    if not errors:
        return Reply(status, body)
    return Reply(207, {**body, "numErrors": len(errors), "errors": list(errors)})


def body_of(call: Call) -> dict[str, Any]:
    """The JSON object in the body, or a 400."""
    body = call.object()
    if body is None:
        raise invalid("Invalid input JSON: an object is expected")
    return body


def inputs_of(call: Call, most: int) -> list[dict[str, Any]]:
    """The `inputs` of a batch call, within its limit."""
    inputs = body_of(call).get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(i, dict) for i in inputs):
        raise invalid("inputs must be a list of objects")
    if len(inputs) > most:
        raise invalid(f"The maximum number of inputs supported in a batch request is {most}; got {len(inputs)}")
    return inputs


def whole(call: Call, name: str, default: int, most: int) -> int:
    """A whole number from the query, between 1 and `most`, or a 400."""
    said = call.whole(name, default)
    if said is None or not 1 <= said <= most:
        raise invalid(f"{name} must be a whole number from 1 to {most}, not {call.query[name]}", "INVALID_LIMIT")
    return said


def names(call: Call, name: str) -> list[str]:
    """A list in the query, given with commas or by repeating the name."""
    return [part.strip() for text in call.query.getlist(name) for part in text.split(",") if part.strip()]


def next_page(call: Call, after: str) -> dict[str, Any]:
    """The `paging` of an answer that has a next page."""
    query = call.query.multi_items()
    kept = [(k, v) for k, v in query if k != "after"] + [("after", after)]
    link = "&".join(f"{k}={v}" for k, v in kept)
    return {"next": {"after": after, "link": f"{call.base}{call.path}?{link}"}}
