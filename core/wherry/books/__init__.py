"""The books: movements taken in, grouped into balanced journal entries, posted once, tied out against the target.

The way of a movement, in the order to read it:

1. ``subledger``  a record of the source is kept as a movement (``bodies`` reads it, ``store.movements`` holds the row).
2. ``gathering``  ``arrange``: which movements are free, placed in an open period (``periods``), given their accounts
                  (``tables``, ``charts``), and summed up into entries (``grouping``, ``numbering``, ``rates``).
3. ``booking``    ``book``: the entries become drafts (``drafts``) and items of the ledger, queued for approval or the
                  target; from there they go the way of every document. ``stuck`` notes what keeps them back,
                  ``gathered`` that nothing has changed since.
4. ``frozen``     what was sent, or may have been, keeps its members for good; ``unbooked``: what becomes of them where
                  an entry is reversed or given up. ``keys`` spells the key that an entry has.
5. ``confirming`` the source is told what the target really has.

After that: ``held``, ``pairing`` and ``tieout`` compare what was written with what stands in the target (``balances``);
``profiles``, ``fields``, ``templates``, ``plaintext``, ``cells`` and ``sheets`` make files of entries and read those of
people; ``pack`` is the file of a month end. What people do with all this stands a level higher, in
``wherry.bookkeeping``.

Words: an entry is *posted* where the target holds it, *fixed* where it holds it or may hold it; a movement is *free*
while it stands in no fixed entry, *left out* with a reason, *held* until a person says more, *aside* where a selection
passes it over.
"""
