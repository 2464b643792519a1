"""The core's own plugin: the default mapper and matcher, against the same hooks as everybody's.

It is registered first, so whatever another plugin answers wins over it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.hookspecs import hookimpl
from wherry.roles import FieldMapper, Matcher, Services
from wherry.settings import Flow

if TYPE_CHECKING:
    from wherry.project.wiring import Wiring


class Defaults:
    """Answers for every flow; ``wiring`` is given once the project is open."""

    wiring: Wiring

    @hookimpl
    def wherry_field_mapper(self, flow: Flow, kind: str, services: Services) -> FieldMapper | None:
        return None if flow.mapper else self.wiring.map_mapper(flow, kind)

    @hookimpl
    def wherry_matcher(self, flow: Flow, entity: str) -> Matcher:
        return self.wiring.rule_matcher(flow, entity)
