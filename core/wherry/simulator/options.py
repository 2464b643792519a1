"""What ``wherry simulate SYSTEM --set NAME=VALUE`` may say of a stand-in."""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from wherry.errors import ConfigError
from wherry.settings.explain import explain


class Options(BaseModel):
    """A subclass has a field for each option, with what it is unless it is said; ``yes`` and ``no`` make a bool."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @classmethod
    def of(cls, said: Mapping[str, str]) -> Self:
        """The options as they were said. Raises ConfigError for a name or a value that the stand-in does not have."""
        try:
            return cls.model_validate(dict(said))
        except ValidationError as error:
            wrong = explain(error, cls, dict(said))[0]
            name = ".".join(map(str, wrong.path))
            raise ConfigError(f"--set {name}: {wrong.says}", fix=wrong.fix, code="WHERRY-2097") from None
