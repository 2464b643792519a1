"""Sales tax and VAT: what a document's lines owe. Rounding is per rate, over the document, half up.

``us-automatic``: QuickBooks takes its own rate and overrules what the request says of tax. ``us-manual``: the code of
the whole document taxes its TAX lines, a TotalTax that is sent stands. ``uk``: every line carries a VAT code; amounts
are net, or gross when the document says TaxInclusive.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

from .answers import QboFault
from .company import Company
from .seed import rate_id
from .values import ZERO, Obj, ref, rounded

AUTOMATIC = "2"
HUNDRED = Decimal(100)


@dataclass(slots=True)
class Taxed:
    """The tax of a document; `nets` are the lines' amounts without it."""

    nets: list[Decimal]
    total: Decimal = ZERO
    detail: Obj = field(default_factory=dict)


def tax(company: Company, body: Obj, lines: list[Obj], currency: str) -> Taxed:
    """The tax of the sales lines of a document, as the company's mode has it."""
    return _vat(company, body, lines, currency) if company.tax == "uk" else _american(company, body, lines, currency)


def _american(company: Company, body: Obj, lines: list[Obj], currency: str) -> Taxed:
    amounts = [line["Amount"] for line in lines]
    taxable = sum((line["Amount"] for line in lines if _code(line) == "TAX"), ZERO)
    given: Obj = body.get("TxnTaxDetail") or {}
    if company.tax == "us-automatic":
        code = AUTOMATIC if _owes(company, body) else ""
        return _by_code(company, amounts, taxable, code, None, currency)
    code = (given.get("TxnTaxCodeRef") or {}).get("value", "") if company.tax == "us-manual" else ""
    return _by_code(company, amounts, taxable, code, given.get("TotalTax"), currency)


def _owes(company: Company, body: Obj) -> bool:
    customer = company.find("Customer", (body.get("CustomerRef") or {}).get("value", ""))
    return customer is None or customer.get("Taxable", True)


def _by_code(
    company: Company, amounts: list[Decimal], taxable: Decimal, code: str, said: Decimal | None, currency: str
) -> Taxed:
    if not code:
        return Taxed(amounts, ZERO, {"TotalTax": ZERO})
    rate = rate_of(company, code)
    total = rounded(taxable * rate / HUNDRED, currency) if said is None else rounded(said, currency)
    detail = {"TxnTaxCodeRef": ref(code), "TotalTax": total, "TaxLine": [_line(code, rate, taxable, total)]}
    return Taxed(amounts, total, detail)


def _vat(company: Company, body: Obj, lines: list[Obj], currency: str) -> Taxed:
    mode = body.get("GlobalTaxCalculation") or "TaxExcluded"
    amounts = [line["Amount"] for line in lines]
    if mode == "NotApplicable":
        if (body.get("TxnTaxDetail") or {}).get("TotalTax"):
            raise QboFault("6170", "TxnTaxDetail is not allowed when GlobalTaxCalculation is NotApplicable")
        return Taxed(amounts)
    if any(not _code(line) for line in lines):
        raise QboFault("6000", "Make sure that every line has a VAT code", "TaxCodeRef")
    rates = [rate_of(company, _code(line)) for line in lines]
    inclusive = mode == "TaxInclusive"
    if inclusive:
        amounts = [line["SalesItemLineDetail"].get("TaxInclusiveAmt", line["Amount"]) for line in lines]
    nets = [
        rounded(amount * HUNDRED / (HUNDRED + rate), currency) if inclusive else amount
        for amount, rate in zip(amounts, rates, strict=True)
    ]
    return _grouped([_code(line) for line in lines], rates, amounts, nets, currency)


def _grouped(
    codes: list[str], rates: list[Decimal], amounts: list[Decimal], nets: list[Decimal], currency: str
) -> Taxed:
    """One tax line for each code; gross lines owe exactly what they hold beyond their net."""
    by_code: defaultdict[str, list[int]] = defaultdict(list)
    for n, code in enumerate(codes):
        by_code[code].append(n)
    taxed, parts = Taxed(nets), []
    for code, members in by_code.items():
        net = sum((nets[n] for n in members), ZERO)
        held = sum((amounts[n] for n in members), ZERO) - net
        owed = held or rounded(net * rates[members[0]] / HUNDRED, currency)
        taxed.total += owed
        parts.append(_line(code, rates[members[0]], net, owed))
    taxed.detail = {"TotalTax": taxed.total, "TaxLine": parts}
    return taxed


def _line(code: str, rate: Decimal, net: Decimal, owed: Decimal) -> Obj:
    detail = {"TaxRateRef": ref(rate_id(code)), "PercentBased": True, "TaxPercent": rate, "NetAmountTaxable": net}
    return {"Amount": owed, "DetailType": "TaxLineDetail", "TaxLineDetail": detail}


def rate_of(company: Company, code: str) -> Decimal:
    """The rate behind a tax code, in percent."""
    found = company.find("TaxRate", rate_id(code))
    return found["RateValue"] if found else ZERO


def _code(line: Obj) -> str:
    return str((line["SalesItemLineDetail"].get("TaxCodeRef") or {}).get("value", ""))
