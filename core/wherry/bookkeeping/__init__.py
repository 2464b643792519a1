"""What bookkeepers ask and do: periods, charts of accounts, entries, exports, the tie-out and the month end.

The books themselves are ``wherry.books``, which knows a transaction and no hub: whatever a run needs of them is there.
Here is what a person types a command for: each function is given the hub, asks the target where it has to, and writes
with the person's name.

- ``charting``   the chart of accounts and the table of categories
- ``journals``   what would be booked, and posting exactly that; ``reversing`` takes a posted entry back
- ``trail``      entries as the ledger has them; ``fiscal``: periods, closing and opening them
- ``exporting``  files of entries; ``handing``: which entries go into them
- ``tying``      the tie-out, of which ``books.tieout`` is the comparison; ``documented``: what is no entry
- ``closing``    the month end, step by step: ``checklist`` what is open, ``packing`` what goes into its file, which
                 ``books.pack`` writes
"""
