"""The keys that a plugin's settings require, as lines of a new project file: to be filled in by whoever knows them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Container, Iterator
from decimal import Decimal
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

_SIMPLE: dict[Any, str] = {
    bool: "false", int: "1", str: '"fill-in"', Path: '"fill-in"', Decimal: '"1"', dt.date: "2026-01-01",
    list: "[]", tuple: "[]", dict: "{}",
}  # fmt: skip


def lines(model: type[BaseModel] | None, written: Container[str], prefix: str) -> Iterator[str]:
    """A line for each key that must be there and is not ``written`` yet. Secrets come from variables of the environment
    that begin with ``prefix``; what cannot be guessed is a placeholder, and a comment says what belongs there. Of the
    others those stand in a comment that the settings have an example for."""
    if model is None:
        return
    for name, field in model.model_fields.items():
        if field.is_required() and (field.alias or name) not in written:
            yield _line(field.alias or name, field, prefix)
        elif field.examples and (field.alias or name) not in written:
            yield f"# {field.alias or name} = {json.dumps(field.examples[0])}    # {field.description}"


def _line(name: str, field: FieldInfo, prefix: str) -> str:
    told = " ".join((field.description or "required").split()).rstrip(".")
    value = _value(name, field.annotation, prefix)
    if value is None:
        return f"# {name} = …    # fill in, it is required: {told}"
    how = "" if "env = " in value else "fill in: "
    return f"{name} = {value}    # {how}{told}"


def _value(name: str, annotation: Any, prefix: str) -> str | None:
    """TOML of a placeholder for a type; None where none can be guessed."""
    from wherry.settings import ClientAuth, OAuth2Auth, SecretRef, TokenAuth

    kinds = list(_kinds(annotation))
    app = next((one for one in kinds if isinstance(one, type) and issubclass(one, ClientAuth)), None)
    if app is not None and OAuth2Auth not in kinds:
        needed = {name: field for name, field in app.model_fields.items() if field.is_required()}
        told = ", ".join(f"{name} = {_value(name, field.annotation, prefix)}" for name, field in needed.items())
        return f'{{ kind = "client", {told} }}'
    if TokenAuth in kinds:
        return f'{{ kind = "token", token = {_env(prefix, "token")} }}'
    if OAuth2Auth in kinds:
        client, secret = _env(prefix, "client_id"), _env(prefix, "client_secret")
        return f'{{ kind = "oauth2", client_id = {client}, client_secret = {secret} }}'
    if SecretRef in kinds:
        return _env(prefix, name)
    chosen = next((one for one in kinds if get_origin(one) is Literal), None)
    if chosen is not None:
        return json.dumps(get_args(chosen)[0])
    simple = (_SIMPLE.get(get_origin(one) or one) for one in kinds)
    return next((one for one in simple if one is not None), None)


def _env(prefix: str, name: str) -> str:
    return f'{{ env = "{prefix}_{name.upper()}" }}'


def _kinds(annotation: Any) -> Iterator[Any]:
    """The types that a value may be of, those of a choice one by one."""
    if get_origin(annotation) is Annotated:
        yield from _kinds(get_args(annotation)[0])
    elif get_origin(annotation) in (None, Literal, list, tuple, dict):
        yield annotation
    else:
        for one in get_args(annotation):
            if one is not NoneType:
                yield from _kinds(one)
