"""What the stand-in's org is made of: objects, their fields and who refers to whom.

Field names and types are those of ``contracts/salesforce/sobjects.standard.json``, as far as they are of use here; the
ones that it lacks are Salesforce's object reference (Case, and what several currencies, record types and person
accounts add).
"""

from __future__ import annotations

from dataclasses import dataclass, field

_STAMPS = "CreatedDate:datetime SystemModstamp:datetime LastModifiedDate:datetime IsDeleted:boolean"
_ADDRESS = "{0}Street:textarea {0}City:string {0}State:string {0}PostalCode:string {0}Country:string"
NOTHING_DELETED = frozenset({"User", "Organization", "OpportunityStage", "RecordType"})
"""Objects without IsDeleted."""


@dataclass(frozen=True, slots=True)
class Object:
    """One object: prefix of its ids, field → type, relationship → object, and what a new row must name."""

    name: str
    prefix: str
    fields: dict[str, str]
    parents: dict[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()


def _object(name: str, prefix: str, fields: str, parents: str = "", required: str = "") -> Object:
    stamps = _STAMPS.replace(" IsDeleted:boolean", "") if name in NOTHING_DELETED else _STAMPS
    stamps = "SystemModstamp:datetime IsDeleted:boolean" if name == "ContentDocumentLink" else stamps
    told = dict(pair.split(":") for pair in f"Id:id {stamps} {fields}".split())
    return Object(name, prefix, told, dict(p.split(":") for p in parents.split()), tuple(required.split()))


STANDARD = {
    one.name: one
    for one in (
        _object(
            "Account", "001",
            "Name:string MasterRecordId:reference Type:picklist Phone:phone Website:url Industry:picklist "
            f"Description:textarea {_ADDRESS.format('Billing')} {_ADDRESS.format('Shipping')} OwnerId:reference",
            "Owner:User", "Name",
        ),
        _object(
            "Opportunity", "006",
            "Name:string AccountId:reference StageName:picklist Amount:currency Probability:percent CloseDate:date "
            "Type:picklist Description:textarea IsClosed:boolean IsWon:boolean Pricebook2Id:reference "
            "OwnerId:reference HasOpportunityLineItem:boolean NextStep:string LeadSource:picklist",
            "Account:Account Owner:User Pricebook2:Pricebook2", "Name StageName CloseDate",
        ),
        _object(
            "OpportunityLineItem", "00k",
            "OpportunityId:reference SortOrder:int PricebookEntryId:reference Product2Id:reference ProductCode:string "
            "Name:string Quantity:double TotalPrice:currency UnitPrice:currency ListPrice:currency ServiceDate:date "
            "Description:string",
            "Opportunity:Opportunity PricebookEntry:PricebookEntry Product2:Product2", "OpportunityId Quantity",
        ),
        _object(
            "Product2", "01t",
            "Name:string ProductCode:string Description:textarea IsActive:boolean Family:picklist "
            "StockKeepingUnit:string QuantityUnitOfMeasure:picklist",
            "", "Name",
        ),
        _object("Pricebook2", "01s", "Name:string IsActive:boolean IsStandard:boolean", "", "Name"),
        _object(
            "PricebookEntry", "01u",
            "Name:string Pricebook2Id:reference Product2Id:reference UnitPrice:currency IsActive:boolean "
            "ProductCode:string",
            "Pricebook2:Pricebook2 Product2:Product2", "Pricebook2Id Product2Id UnitPrice",
        ),
        _object(
            "Case", "500",
            "CaseNumber:string Subject:string Description:textarea Status:picklist Priority:picklist Origin:picklist "
            "IsClosed:boolean AccountId:reference OwnerId:reference",
            "Account:Account Owner:User",
        ),
        _object("User", "005", "Username:string Name:string FirstName:string LastName:string Email:email "
                "IsActive:boolean", "", "Username LastName"),
        _object(
            "ContentDocument", "069",
            "Title:string FileExtension:string FileType:string ContentSize:int LatestPublishedVersionId:reference "
            "OwnerId:reference",
            "LatestPublishedVersion:ContentVersion Owner:User",
        ),
        _object(
            "ContentVersion", "068",
            "ContentDocumentId:reference Title:string PathOnClient:string FileExtension:string FileType:string "
            "ContentSize:int IsLatest:boolean Checksum:string VersionData:base64 "
            "FirstPublishLocationId:reference",
            "ContentDocument:ContentDocument", "PathOnClient VersionData",
        ),
        _object(
            "ContentDocumentLink", "06A",
            "LinkedEntityId:reference ContentDocumentId:reference",
            "ContentDocument:ContentDocument", "LinkedEntityId ContentDocumentId",
        ),
        _object("OpportunityStage", "01J", "ApiName:string MasterLabel:string IsActive:boolean SortOrder:int "
                "IsClosed:boolean IsWon:boolean DefaultProbability:percent"),
        _object("Organization", "00D", "Name:string OrganizationType:picklist IsSandbox:boolean InstanceName:string "
                "TimeZoneSidKey:picklist"),
    )
}  # fmt: skip

WITH_CURRENCY = ("Account", "Opportunity", "OpportunityLineItem", "Product2", "PricebookEntry", "Case")
_OF_PERSONS = f"IsPersonAccount:boolean PersonEmail:email {_ADDRESS.format('PersonMailing')}"
PERSON = dict(pair.split(":") for pair in _OF_PERSONS.split())
STAGES = (
    # label, closed, won, probability
    ("Prospecting", False, False, 10),
    ("Qualification", False, False, 10),
    ("Proposal/Price Quote", False, False, 75),
    ("Negotiation/Review", False, False, 90),
    ("Closed Won", True, True, 100),
    ("Closed Lost", True, False, 0),
)
"""Part of the stages that a new org has."""
_SYSTEM = (
    "Id CreatedDate SystemModstamp LastModifiedDate IsDeleted IsClosed IsWon HasOpportunityLineItem MasterRecordId"
)
_OF_FILES = "ContentSize FileExtension LatestPublishedVersionId IsLatest Checksum"
COMPUTED = frozenset([*_SYSTEM.split(), *_OF_FILES.split(), "CaseNumber"])
"""What nobody can write."""
