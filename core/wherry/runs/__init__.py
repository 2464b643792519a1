"""One run of a flow: records read, mapped and matched, and handed to the write protocol, page by page.

``engine`` is the way of a record from its source to the ledger, top to bottom.
"""
