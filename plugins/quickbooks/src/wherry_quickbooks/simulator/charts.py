"""A chart of accounts as a company of some size keeps it: numbered, accounts below accounts, some of them inactive.

Numbers have five digits, those of assets with a zero in front: what a spreadsheet takes away.
"""

from .values import Obj, ref

NUMBERS = {
    "bank": "01010", "undeposited": "01090", "receivable": "01100", "inventory": "01300", "payable": "20000",
    "tax": "22000", "equity": "30000", "retained": "32000", "sales": "40100", "services": "40200",
    "discounts": "40900", "cogs": "50100", "expense": "61000", "exchange": "79000",
}  # fmt: skip
"""Part that an account of every company plays → its number."""

ROWS = """
    101 01020  -   on  Bank|Savings|Savings
    102 01030  -   on  Bank|Checking|Payroll Account
    103 01040  -   off Bank|Checking|Old Checking
    104 01200  -   on  Other Current Asset|OtherCurrentAssets|Digital Assets
    105 01210  104 on  Other Current Asset|OtherCurrentAssets|Bitcoin
    106 01220  104 on  Other Current Asset|OtherCurrentAssets|Ether
    107 01230  104 on  Other Current Asset|OtherCurrentAssets|Stablecoins
    108 01240  104 off Other Current Asset|OtherCurrentAssets|Litecoin
    109 01400  -   on  Other Current Asset|PrepaidExpenses|Prepaid Expenses
    110 01410  109 on  Other Current Asset|PrepaidExpenses|Prepaid Insurance
    111 01450  -   on  Other Current Asset|EmployeeCashAdvances|Employee Advances
    112 01480  -   on  Other Current Asset|OtherCurrentAssets|Wallet Clearing
    113 01490  -   on  Other Current Asset|OtherCurrentAssets|Receivables Clearing
    114 01500  -   on  Fixed Asset|MachineryAndEquipment|Rental Equipment
    115 01510  114 on  Fixed Asset|MachineryAndEquipment|Rental Equipment at Cost
    116 01590  114 on  Fixed Asset|OtherFixedAssets|Accumulated Depreciation
    117 01600  -   on  Fixed Asset|Vehicles|Vehicles
    118 01700  -   on  Other Asset|SecurityDeposits|Security Deposits
    119 01800  -   on  Other Asset|Goodwill|Goodwill
    120 21000  -   on  Credit Card|CreditCard|Company Card
    121 21010  -   off Credit Card|CreditCard|Cancelled Card
    122 23000  -   on  Other Current Liability|OtherCurrentLiabilities|Customer Deposits
    123 23100  -   on  Other Current Liability|OtherCurrentLiabilities|Deferred Revenue
    124 24000  -   on  Other Current Liability|PayrollTaxPayable|Payroll Liabilities
    125 24010  124 on  Other Current Liability|PayrollTaxPayable|Federal Withholding
    126 24020  124 on  Other Current Liability|PayrollTaxPayable|State Withholding
    127 25000  -   on  Other Current Liability|LineOfCredit|Line of Credit
    128 27000  -   on  Long Term Liability|NotesPayable|Notes Payable
    129 27100  -   on  Long Term Liability|ShareholderNotesPayable|Shareholder Loan
    130 31000  -   on  Equity|CommonStock|Common Stock
    131 31100  -   on  Equity|OwnersEquity|Paid-in Capital
    132 40300  -   on  Income|ServiceFeeIncome|Rental Income
    133 40310  132 on  Income|ServiceFeeIncome|Storage
    134 40320  132 on  Income|ServiceFeeIncome|Switching
    135 40330  132 off Income|ServiceFeeIncome|Demurrage
    136 40400  -   on  Income|OtherPrimaryIncome|Staking Rewards
    137 40500  -   on  Income|OtherPrimaryIncome|Shipping Income
    138 50200  -   on  Cost of Goods Sold|ShippingFreightDeliveryCos|Freight and Delivery
    139 50300  -   on  Cost of Goods Sold|CostOfLaborCos|Direct Labor
    140 60100  -   on  Expense|AdvertisingPromotional|Advertising
    141 60200  -   on  Expense|BankCharges|Bank Charges
    142 60210  141 on  Expense|BankCharges|Network Fees
    143 60220  141 on  Expense|BankCharges|Exchange Fees
    144 60300  -   on  Expense|LegalProfessionalFees|Legal and Professional
    145 60400  -   on  Expense|RentOrLeaseOfBuildings|Rent
    146 60500  -   on  Expense|Utilities|Utilities
    147 60600  -   on  Expense|Travel|Travel
    148 60700  -   on  Expense|OfficeGeneralAdministrativeExpenses|Software
    149 60800  -   off Expense|OfficeGeneralAdministrativeExpenses|Fax and Telex
    150 70100  -   on  Other Income|InterestEarned|Interest Earned
    151 70200  -   on  Other Income|OtherMiscellaneousIncome|Realized Gains on Digital Assets
    152 80100  -   on  Other Expense|OtherMiscellaneousExpense|Realized Losses on Digital Assets
    153 80200  -   on  Other Expense|Depreciation|Depreciation
    154 80300  -   on  Other Expense|OtherMiscellaneousExpense|Impairment of Digital Assets
    155 -      -   on  Expense|OtherMiscellaneousServiceCost|Ask My Accountant
"""
"""Id, number, the id of the account above, whether it is active, and type, subtype and name. The last has no number."""


def further() -> list[Obj]:
    """The accounts beyond those that every company has, parents first."""
    made: dict[str, Obj] = {}
    for line in ROWS.strip().splitlines():
        number, code, parent, state, rest = line.split(maxsplit=4)
        made[number] = _account(number, code, made.get(parent), state == "on", rest.split("|"))
    return list(made.values())


def _account(number: str, code: str, above: Obj | None, active: bool, said: list[str]) -> Obj:
    kind, subtype, name = said
    name = name if active else f"{name} (deleted)"
    body: Obj = {"Id": number, "Name": name, "AccountType": kind, "AccountSubType": subtype, "Active": active}
    if code != "-":
        body["AcctNum"] = code
    if above is not None:
        full = f"{above['FullyQualifiedName']}:{name}"
        body |= {"SubAccount": True, "ParentRef": ref(above["Id"]), "FullyQualifiedName": full}
    return {"FullyQualifiedName": name, **body}
