"""The entities this stand-in keeps: what each can do, what it needs, what it can be asked for."""

from dataclasses import dataclass

NAMED, TXN, FIXED = "named", "transaction", "fixed"
_META = "Id MetaData.CreateTime MetaData.LastUpdatedTime"
_PERSON = (
    f"{_META} DisplayName CompanyName GivenName MiddleName FamilyName Suffix PrintOnCheckName FullyQualifiedName "
    "Active Balance"
)
_TREE = f"{_META} Name FullyQualifiedName Active"
_SALE = f"{_META} DocNumber TxnDate CustomerRef TotalAmt Balance DueDate"


@dataclass(frozen=True, slots=True)
class Kind:
    """One entity. `asked` are the fields a query may name: notes, lines and addresses are not among them."""

    name: str
    group: str
    asked: frozenset[str]
    required: tuple[str, ...] = ()
    unique: str = ""
    operations: frozenset[str] = frozenset()

    @property
    def path(self) -> str:
        """The entity's part of an address."""
        return self.name.lower()

    @property
    def hideable(self) -> bool:
        """Whether it is made inactive instead of being deleted."""
        return "Active" in self.asked


def _kind(name: str, group: str, asked: str, operations: str = "", required: str = "", unique: str = "") -> Kind:
    return Kind(name, group, frozenset(asked.split()), tuple(required.split()), unique, frozenset(operations.split()))


_WRITE = "create update"
KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        _kind("Customer", NAMED, f"{_PERSON} Job ParentRef Notes", _WRITE, unique="DisplayName"),
        _kind("Vendor", NAMED, f"{_PERSON} Vendor1099", _WRITE, unique="DisplayName"),
        _kind("Item", NAMED, f"{_TREE} Sku Type UnitPrice ParentRef", _WRITE, "Name", "Name"),
        _kind(
            "Account",
            NAMED,
            f"{_TREE} AcctNum AccountType AccountSubType Classification ParentRef SubAccount CurrentBalance",
            _WRITE,
            "Name",
            "Name",
        ),
        _kind("Class", NAMED, _TREE, _WRITE, "Name", "Name"),
        _kind("Department", NAMED, _TREE, _WRITE, "Name", "Name"),
        _kind("Term", NAMED, f"{_META} Name Active", _WRITE, "Name", "Name"),
        _kind("TaxCode", NAMED, f"{_META} Name Active"),
        _kind("TaxRate", NAMED, f"{_META} Name Active"),
        _kind("TaxAgency", FIXED, f"{_META} DisplayName"),
        _kind("Invoice", TXN, _SALE, "create update delete void", "CustomerRef Line"),
        _kind("Estimate", TXN, f"{_SALE} TxnStatus ExpirationDate", "create update delete", "CustomerRef Line"),
        _kind("CreditMemo", TXN, _SALE, "create update delete void", "CustomerRef Line"),
        _kind("SalesReceipt", TXN, _SALE, "create update delete void", "Line"),
        _kind("JournalEntry", TXN, f"{_META} DocNumber TxnDate", "create update delete", "Line"),
        _kind("Preferences", FIXED, _META, "update"),
        _kind("CompanyInfo", FIXED, f"{_META} CompanyName"),
        _kind("CompanyCurrency", NAMED, f"{_META} Code Name Active", _WRITE, "Code", "Code"),
        _kind("ExchangeRate", FIXED, "SourceCurrencyCode AsOfDate", "update"),
    )
}
BY_PATH = {kind.path: kind for kind in KINDS.values()}
SALES = frozenset({"Invoice", "Estimate", "CreditMemo", "SalesReceipt"})
SHARED_NAMES = ("Customer", "Vendor", "Employee")
"""Their display names come from one pool."""
INDEXED = ("DisplayName", "Name", "DocNumber", "Sku", "AcctNum", "Code")

CLASSIFICATIONS: dict[str, str] = {
    "Bank": "Asset",
    "Accounts Receivable": "Asset",
    "Other Current Asset": "Asset",
    "Fixed Asset": "Asset",
    "Other Asset": "Asset",
    "Accounts Payable": "Liability",
    "Credit Card": "Liability",
    "Other Current Liability": "Liability",
    "Long Term Liability": "Liability",
    "Equity": "Equity",
    "Income": "Revenue",
    "Other Income": "Revenue",
    "Cost of Goods Sold": "Expense",
    "Expense": "Expense",
    "Other Expense": "Expense",
}
SUBTYPES: dict[str, tuple[str, ...]] = {
    "Bank": ("Checking", "Savings", "CashOnHand", "MoneyMarket", "TrustAccounts", "RentsHeldInTrust"),
    "Accounts Receivable": ("AccountsReceivable",),
    "Other Current Asset": (
        "OtherCurrentAssets",
        "Inventory",
        "UndepositedFunds",
        "PrepaidExpenses",
        "EmployeeCashAdvances",
        "AllowanceForBadDebts",
        "DevelopmentCosts",
        "Retainage",
    ),
    "Fixed Asset": (
        "OtherFixedAssets",
        "Buildings",
        "FurnitureAndFixtures",
        "MachineryAndEquipment",
        "Vehicles",
        "Land",
    ),
    "Other Asset": ("OtherLongTermAssets", "Goodwill", "Licenses", "SecurityDeposits"),
    "Accounts Payable": ("AccountsPayable",),
    "Credit Card": ("CreditCard",),
    "Other Current Liability": (
        "OtherCurrentLiabilities",
        "GlobalTaxPayable",
        "SalesTaxPayable",
        "PayrollTaxPayable",
        "LineOfCredit",
        "LoanPayable",
    ),
    "Long Term Liability": ("OtherLongTermLiabilities", "NotesPayable", "ShareholderNotesPayable"),
    "Equity": ("OpeningBalanceEquity", "RetainedEarnings", "OwnersEquity", "PartnersEquity", "CommonStock"),
    "Income": ("SalesOfProductIncome", "ServiceFeeIncome", "OtherPrimaryIncome", "DiscountsRefundsGiven"),
    "Other Income": ("OtherMiscellaneousIncome", "InterestEarned", "DividendIncome", "ExchangeGainOrLoss"),
    "Cost of Goods Sold": (
        "SuppliesMaterialsCogs",
        "OtherCostsOfServiceCos",
        "CostOfLaborCos",
        "ShippingFreightDeliveryCos",
    ),
    "Expense": (
        "OtherMiscellaneousServiceCost",
        "OfficeGeneralAdministrativeExpenses",
        "AdvertisingPromotional",
        "Travel",
        "RentOrLeaseOfBuildings",
        "Utilities",
        "BankCharges",
        "LegalProfessionalFees",
    ),
    "Other Expense": ("OtherMiscellaneousExpense", "Depreciation", "Amortization", "ExchangeGainOrLoss"),
}
"""Account type → some of its subtypes; the first is what an account gets that names none."""
