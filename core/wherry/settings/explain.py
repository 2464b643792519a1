"""What a validation error means for the reader: which key of the file, what is wrong, what would be allowed."""

from __future__ import annotations

import re
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from wherry.settings.locate import KeyPath
from wherry.settings.mistakes import MISSING_KEY, OWN, UNKNOWN_KEY, WRONG_VALUE, Mistake, suggestion
from wherry.settings.secret import HOW_TO_WRITE, SecretRef, looks_secret

_WORDS = {
    "valid string": "text in quotes",
    "valid boolean": "true or false",
    "valid integer": "whole number",
    "valid number": "number",
    "valid tuple": "list",
    "valid list": "list",
    "valid dictionary": "table",
    "valid dictionary or object to extract fields from": "table",
}
_TYPES = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "a table",
}
_BE = re.compile(r"\AInput should be (?:an? )?")
_MODEL_TYPE = re.compile(r"valid dictionary or instance of \w+")


def explain(error: ValidationError, model: type[BaseModel], data: dict[str, Any], at: KeyPath = ()) -> list[Mistake]:
    """The mistakes of one validation, with key paths as in the file. ``at`` is where ``data`` stands in it."""
    return _without_echo([_mistake(detail, model, data, at) for detail in error.errors(include_url=False)])


def _without_echo(mistakes: list[Mistake]) -> list[Mistake]:
    """A misspelt key is also a missing one; that is told once."""
    meant = {
        (*mistake.path[:-1], mistake.fix.split("?")[0].removeprefix("did you mean "))
        for mistake in mistakes
        if mistake.code == UNKNOWN_KEY
    }
    return [mistake for mistake in mistakes if mistake.code != MISSING_KEY or mistake.path not in meant]


def _mistake(detail: ErrorDetails, model: type[BaseModel], data: dict[str, Any], at: KeyPath) -> Mistake:
    path, parent, kind = _trace(detail["loc"], model, data)
    if detail["type"] == "union_tag_invalid":
        path = (*path, str(detail["ctx"]["discriminator"]).strip("'"))
    says, fix, code = _sentence(detail, path, parent, kind)
    secret = any(isinstance(part, str) and looks_secret(part) for part in path)
    return Mistake((*at, *path), _without(says, detail["input"] if secret else None), fix, code)


def _without(says: str, secret: object) -> str:
    return says.replace(secret, "…") if isinstance(secret, str) and secret else says


def _sentence(detail: ErrorDetails, path: KeyPath, parent: Any, kind: Any) -> tuple[str, str, str]:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            return "is not a key here", suggestion(path[-1], _keys(parent)), UNKNOWN_KEY
        case "missing":
            return "is missing", _wanted(parent, path[-1]), MISSING_KEY
        case "literal_error" | "enum":
            return _choice(
                detail["input"],
                _options(kind) or re.findall(r"'([^']*)'", str(context.get("expected"))),
                path,
            )
        case "union_tag_invalid":
            return _choice(context.get("tag"), re.findall(r"'([^']*)'", str(context.get("expected_tags"))), path)
        case "union_tag_not_found":
            tag = str(context.get("discriminator", "")).strip("'")
            return f"is a table without {tag}", f"{tag} is one of: {', '.join(_tags(kind))}", MISSING_KEY
        case kind_of_error if kind_of_error == OWN:
            return str(context["says"]), str(context.get("fix", "")), WRONG_VALUE
        case "value_error":
            return f"is not right: {detail['msg'].removeprefix('Value error, ')}", "", WRONG_VALUE
    if _is_secret(kind):
        return "must be a reference to a secret", HOW_TO_WRITE, WRONG_VALUE
    return (
        _plain_words(detail["msg"], detail["input"]),
        _wanted(parent, path[-1] if path else ""),
        WRONG_VALUE,
    )


def _choice(value: object, options: list[str], path: KeyPath) -> tuple[str, str, str]:
    hidden = not isinstance(value, str) or any(looks_secret(str(part)) for part in path)
    says = "is not one of the words allowed here" if hidden else f"{str(value)[:60]!r} is not allowed here"
    return says, suggestion(value, options), WRONG_VALUE


def _plain_words(message: str, value: object) -> str:
    words = _MODEL_TYPE.sub("valid dictionary", message)
    rest = _BE.sub("", words)
    if rest == words:
        return f"is not right: {words[:1].lower()}{words[1:]}"
    known = _WORDS.get(rest.split(",")[0], rest)
    article = "" if known[:4] in ("text", "true") or known[0].isdigit() or "than" in known else "a "
    given = _TYPES.get(type(value))
    other = given and given not in known and "than" not in known
    return f"must be {article}{known}" + (f", not {given}" if other else "")


def _wanted(parent: Any, key: object) -> str:
    """What to write for a key that is missing: its description, which of some says so itself."""
    field = parent.model_fields.get(key) if _is_model(parent) and isinstance(key, str) else None
    said = (field.description or "") if field else ""
    return said if said.startswith("write ") else f"write {key}" + (f" ({said.removesuffix('.')})" if said else "")


def _keys(parent: Any) -> list[str]:
    return [field.alias or name for name, field in parent.model_fields.items()] if _is_model(parent) else []


def _trace(loc: tuple[int | str, ...], model: Any, data: Any) -> tuple[KeyPath, Any, Any]:
    """The key path in the file, the model around the last key, and the type of the value there.

    A validation error's location also names which member of a union was tried; the file knows no such step.
    """
    path: KeyPath = ()
    parent, kind, value = None, model, data
    for part in loc:
        kind = _bare(kind)
        member = _member(kind, part) if _is_union(kind) else None
        if member is not None:
            kind = member
        elif isinstance(part, str) and "." in part and _holds(value, part.partition(".")[0]):
            path, parent, kind, value = (*path, *part.split(".")), None, None, None
        elif part not in ("[key]", "") and (
            _is_model(kind) or _holds(value, part) or get_origin(kind) in (dict, list, tuple)
        ):
            path, parent, kind, value = (*path, part), kind, _inner(kind, part), _below(value, part)
    return path, parent, _bare(kind)


def _holds(value: Any, part: int | str) -> bool:
    return (isinstance(value, dict) and part in value) or (isinstance(value, list) and isinstance(part, int))


def _below(value: Any, part: int | str) -> Any:
    if isinstance(value, dict):
        return value.get(part)
    return value[part] if isinstance(value, list) and isinstance(part, int) and part < len(value) else None


def _inner(kind: Any, part: int | str) -> Any:
    if _is_model(kind):
        field = next((field for name, field in kind.model_fields.items() if part in (name, field.alias)), None)
        return field.annotation if field else None
    args = get_args(kind)
    if not args:
        return None
    return args[1] if get_origin(kind) is dict and len(args) == 2 else args[0]


def _bare(kind: Any) -> Any:
    """Without ``Annotated`` and without ``| None``."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if _is_union(kind):
        members = [member for member in get_args(kind) if member is not type(None)]
        if len(members) == 1:
            return _bare(members[0])
    return kind


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _is_secret(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, SecretRef)


def _member(kind: Any, part: int | str) -> Any:
    models = [member for member in map(_bare, get_args(kind)) if _is_model(member)]
    return next((member for member in models if part in _model_tags(member) or part == member.__name__), None)


def _model_tags(model: type[BaseModel]) -> list[str]:
    return [tag for field in model.model_fields.values() for tag in _options(field.annotation)]


def _tags(kind: Any) -> list[str]:
    return [tag for member in map(_bare, get_args(kind)) if _is_model(member) for tag in _model_tags(member)]


def _options(kind: Any) -> list[str]:
    return [str(option) for option in get_args(kind)] if get_origin(kind) is Literal else []
