"""The answers of HubSpot's API, as far as they are read here."""

from __future__ import annotations

from typing import Any

from msgspec import Raw, Struct, field


class Next(Struct):
    after: str = ""


class Paging(Struct):
    next: Next | None = None


class Paged(Struct, kw_only=True):
    """An answer, or a part of one, that may go on."""

    paging: Paging | None = None

    @property
    def after(self) -> str:
        """The cursor of the next page; empty at the end."""
        return self.paging.next.after if self.paging and self.paging.next else ""


class End(Struct):
    id: str


class Ends(Paged, kw_only=True):
    """What a list tells with a record: the first page of what it is associated with, an entry for each type."""

    results: list[End] = field(default_factory=list)


class CrmObject(Struct):
    """One CRM record as answers carry it; ``properties`` stay the bytes that HubSpot sent."""

    id: str
    properties: Raw = Raw(b"{}")
    updatedAt: str = ""
    associations: Raw = Raw(b"{}")


class Fault(Struct):
    """One error inside a 207."""

    category: str = ""
    subCategory: Any = None
    message: str = ""
    context: dict[str, list[str]] = field(default_factory=dict)

    @property
    def means_none(self) -> bool:
        """The input exists no more, or nothing is associated with it: an answer, not a failure."""
        return self.category == "OBJECT_NOT_FOUND" or "NO_ASSOCIATIONS_FOUND" in str(self.subCategory)


class Objects(Paged, kw_only=True):
    """A page of a list or a search, or the answer of a batch read."""

    results: list[CrmObject]
    total: int | None = None
    errors: list[Fault] = field(default_factory=list)


class AssociationType(Struct):
    category: str = ""
    typeId: int = 0
    label: str | None = None


class Target(Struct):
    """The far end of an association. Live v4 answers give the id as a number, the contract says text."""

    toObjectId: str | int
    associationTypes: list[AssociationType] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.toObjectId)


class Associated(Paged, kw_only=True, rename={"origin": "from"}):
    """What one record is associated with."""

    origin: End
    to: list[Target] = field(default_factory=list)


class Associations(Struct):
    results: list[Associated]
    errors: list[Fault] = field(default_factory=list)


class Owner(Struct):
    id: str
    email: str | None = None
    firstName: str | None = None
    lastName: str | None = None
    updatedAt: str = ""
    archived: bool = False


class Owners(Paged, kw_only=True):
    results: list[Owner]


class Property(Struct):
    name: str
    label: str = ""
    type: str = ""
    groupName: str = ""


class Properties(Struct):
    results: list[Property]


class StageInfo(Struct):
    id: str
    label: str = ""
    displayOrder: int = 0
    metadata: dict[str, Any] = field(default_factory=dict)
    archived: bool = False


class PipelineInfo(Struct):
    id: str
    label: str = ""
    stages: list[StageInfo] = field(default_factory=list)
    archived: bool = False


class Pipelines(Struct):
    results: list[PipelineInfo]


class AccountDetails(Struct):
    """HubSpot tells no name of an account, only its number."""

    portalId: int
    accountType: str = ""
    timeZone: str = ""
    companyCurrency: str = ""


class FileInfo(Struct):
    id: str
    name: str | None = None
    extension: str | None = None
    size: int | None = None
    type: str | None = None
    access: str | None = None
    fileMd5: str | None = None
    updatedAt: str = ""
    archived: bool = False


class Files(Struct):
    results: list[FileInfo]


class SignedUrl(Struct):
    url: str
