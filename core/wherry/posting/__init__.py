"""What sinks of accounting systems and ERPs share: the parts of one that no vendor changes.

- ``bodies``  what the body of an item says: currency, amounts, tax, total, customer, date; ``refusal`` for what cannot
  be said in the target's words
- ``entries`` the same of journal entries: in balance, at which rate, and as what one is called that takes another back
- ``accounts`` the one account that a word means in the target's chart
- ``tables``  a table of tax rates that the operator keeps
- ``texts``   texts without what JSON cannot carry, cut where they are too long
- ``facts``   amounts and numbers in words that two sides can be compared by

All of it is pure. A sink that needs something else writes that itself: nothing here asks to be used with the rest.
"""
