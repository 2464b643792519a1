"""The JSON schema of the project file, with the settings of installed plugins composed in, for editors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from wherry.settings.models import Project

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(models: Mapping[str, type[BaseModel]]) -> dict[str, Any]:
    """The schema of a project file; ``models`` is system → the settings model of its plugin."""
    whole = Project.model_json_schema()
    shapes = {}
    for system, model in sorted(models.items()):
        shape = model.model_json_schema(ref_template=f"#/$defs/{system}.{{model}}")
        whole["$defs"] |= {f"{system}.{name}": inner for name, inner in shape.pop("$defs", {}).items()}
        shapes[system] = _with_plugin(shape, system)
    whole["$defs"] |= {f"connection.{system}": shape for system, shape in shapes.items()}
    choices = [
        {
            "if": {"properties": {"plugin": {"const": system}}},
            "then": {"$ref": f"#/$defs/connection.{system}"},
        }
        for system in shapes
    ]
    connection: dict[str, Any] = {"type": "object", "required": ["plugin"], "allOf": choices}
    connection["properties"] = {"plugin": {"type": "string", "examples": list(shapes)}}
    whole["properties"]["connections"]["additionalProperties"] = connection
    whole["$defs"].pop("ConnectionTable", None)
    return {"$schema": DIALECT, **whole, "title": "Wherry project file"}


def _with_plugin(shape: dict[str, Any], system: str) -> dict[str, Any]:
    properties = {"plugin": {"const": system}, **shape.get("properties", {})}
    return {**shape, "properties": properties, "required": ["plugin", *shape.get("required", [])]}
