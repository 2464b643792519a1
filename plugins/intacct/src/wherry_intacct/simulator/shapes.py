"""The names of the stand-in: elements of functions, in order where that counts, and fields that can be asked for.

Those of functions are of contracts/intacct/fields, of adjustments and reversals Sage's reference.
"""

from __future__ import annotations

from typing import Any

Obj = dict[str, Any]


class Refused(Exception):
    """What the company would answer for a function: a number, words, a correction."""

    def __init__(self, text: str, number: str = "BL01001973", correction: str = "") -> None:
        super().__init__(text)
        self.text, self.number, self.correction = text, number, correction


CONTROL = "senderid password controlid uniqueid dtdversion includewhitespace policyid showadditionalerrorinfo"
_DIMENSIONS = "projectid vendorid employeeid itemid classid"
LEGACY = {
    "create_invoice": "customerid datecreated dateposted datedue termname batchkey action invoiceno ponumber "
    "description externalid billto shipto basecurr currency exchratedate exchratetype exchrate nogl supdocid "
    "customfields taxsolutionid invoiceitems",
    "update_invoice": "customerid datecreated dateposted datedue termname action invoiceno ponumber description payto "
    "returnto basecurr currency exchratedate exchratetype exchrate supdocid customfields updateinvoiceitems",
    "reverse_invoice": "datereversed description",
    "create_aradjustment": "customerid datecreated dateposted batchkey adjustmentno action invoiceno description "
    "externalid basecurr currency exchratedate exchratetype exchrate nogl taxsolutionid aradjustmentitems",
    "update_aradjustment": "customerid datecreated dateposted adjustmentno action invoiceno description basecurr "
    "currency exchratedate exchratetype exchrate updatearadjustmentitems",
    "create_sotransaction": "transactiontype datecreated dateposted createdfrom customerid documentno origdocdate "
    "referenceno termname datedue message shippingmethod shipto billto supdocid externalid basecurr currency "
    "exchratedate exchratetype exchrate vsoepricelist customfields state projectid sotransitems subtotals",
    "update_sotransaction": "datecreated dateposted referenceno termname datedue origdocdate message shippingmethod "
    "shipto billto supdocid externalid basecurr currency exchratedate exchratetype exchrate vsoepricelist customfields "
    "state projectid updatesotransitems updatesubtotals",
    "lineitem": "glaccountno accountlabel offsetglaccountno amount allocationid memo locationid departmentid key "
    f"totalpaid totaldue customfields {_DIMENSIONS} contractid warehouseid taxentries",
    "sotransitem": "itemid itemdesc taxable warehouseid quantity unit discountpercent price locationid departmentid "
    "memo projectid customerid vendorid employeeid classid",
}
GENERIC = {
    "CUSTOMER": "RECORDNO CUSTOMERID NAME DISPLAYCONTACT STATUS ONETIME CUSTTYPE PARENTID TERMNAME COMMENTS CURRENCY "
    "TAXID CREDITLIMIT ONHOLD",
    "DISPLAYCONTACT": "PRINTAS COMPANYNAME PREFIX FIRSTNAME LASTNAME PHONE1 PHONE2 CELLPHONE FAX EMAIL1 EMAIL2 URL1 "
    "URL2 MAILADDRESS TAXABLE",
    "ITEM": "RECORDNO ITEMID NAME STATUS ITEMTYPE EXTENDED_DESCRIPTION BASEPRICE UPC TAXABLE",
    "GLBATCH": "RECORDNO JOURNAL BATCH_DATE REVERSEDATE BATCH_TITLE HISTORY_COMMENT REFERENCENO BASELOCATION_NO "
    "SUPDOCID STATE ENTRIES",
    "GLENTRY": "DOCUMENT ACCOUNTNO CURRENCY TRX_AMOUNT TR_TYPE EXCH_RATE_DATE EXCH_RATE_TYPE_ID EXCHANGE_RATE "
    "DESCRIPTION ALLOCATION DEPARTMENT LOCATION PROJECTID CUSTOMERID VENDORID EMPLOYEEID ITEMID CLASSID",
}
_PLACES = "LOCATIONID DEPARTMENTID PROJECTID CLASSID VENDORID EMPLOYEEID"
_AR = "RECORDID CUSTOMERID WHENCREATED WHENDUE TRX_TOTALENTERED TOTALENTERED TOTALDUE CURRENCY DESCRIPTION STATE " \
      "EXTERNALID DOCNUMBER"  # fmt: skip
_AR_LINE = f"RECORDKEY ACCOUNTNO TRX_AMOUNT ENTRYDESCRIPTION ITEMID {_PLACES}"
COLUMNS = {
    "GLACCOUNT": "ACCOUNTNO TITLE ACCOUNTTYPE NORMALBALANCE CLOSINGTYPE STATUS REQUIRELOC REQUIREDEPT REQUIREPROJECT "
    "REQUIRECUSTOMER REQUIREVENDOR REQUIREEMPLOYEE REQUIREITEM REQUIRECLASS",
    "CUSTOMER": "CUSTOMERID NAME STATUS COMMENTS CURRENCY DISPLAYCONTACT.EMAIL1 DISPLAYCONTACT.PHONE1 "
    "DISPLAYCONTACT.URL1 DISPLAYCONTACT.PRINTAS",
    "ITEM": "ITEMID NAME STATUS ITEMTYPE EXTENDED_DESCRIPTION BASEPRICE",
    "ARINVOICE": _AR, "ARADJUSTMENT": _AR, "ARINVOICEITEM": _AR_LINE, "ARADJUSTMENTITEM": _AR_LINE,
    "SODOCUMENT": "DOCID DOCNO DOCPARID CUSTVENDID WHENCREATED WHENDUE TRX_TOTAL CURRENCY MESSAGE STATE EXTERNALID "
    "PONUMBER",
    "SODOCUMENTENTRY": f"DOCHDRID ITEMID UIQTY TRX_PRICE TRX_VALUE MEMO {_PLACES}",
    "GLBATCH": "JOURNAL BATCH_DATE BATCH_TITLE REFERENCENO STATE MODULE",
    "GLENTRY": "BATCHNO BATCH_DATE BATCHTITLE ACCOUNTNO TR_TYPE AMOUNT TRX_AMOUNT CURRENCY EXCHANGE_RATE DESCRIPTION "
    "DOCUMENT CUSTOMERID LOCATION DEPARTMENT PROJECTID CLASSID VENDORID EMPLOYEEID ITEMID",
}  # fmt: skip


def ordered(name: str, body: Obj) -> None:
    """Raises Refused for an element that a legacy function does not have, or that stands out of order."""
    if not _in_order(LEGACY[name], body):
        raise Refused(f"The elements of {name} are not those that are expected, or not in order.", "XL03000003")


def controlled(body: Obj) -> bool:
    """Whether ``control`` has its elements in their order."""
    return _in_order(CONTROL, body)


def _in_order(names: str, body: Obj) -> bool:
    known = names.split()
    places = [known.index(one) if one in known else -1 for one in body if not one.startswith("@")]
    return -1 not in places and places == sorted(places)


def named(name: str, body: Obj) -> Obj:
    """The fields of a generic object. Raises Refused for one that it does not have."""
    if wrong := body.keys() - set(GENERIC[name].split()):
        raise Refused(f"Field {sorted(wrong)[0]} is not a valid field of {name}.")
    return body


def required(body: Obj, *names: str) -> None:
    """Raises Refused for what is missing."""
    for name in names:
        if not body.get(name):
            raise Refused(f"Required field {name} is missing.")


def several(body: Any, name: str) -> list[Any]:
    """The elements of a name, however many."""
    found = body.get(name, []) if isinstance(body, dict) else []
    return found if isinstance(found, list) else [found]
