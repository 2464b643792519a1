"""Settings of a workspace connection."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class WorkspaceSettings(BaseModel):
    """The workspace lives in the project's own store: it needs no address and no sign-in."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field("workspace", description="Name shown for the workspace, for example in `wherry status`.")
    page_size: int = Field(500, ge=1, le=5000, description="Documents read at once when it is a source.")
