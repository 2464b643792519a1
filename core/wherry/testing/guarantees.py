"""What the checks of the kit prove, in the words of those whose books are at stake, and how often each was tried.

A check carries its guarantee; ``wherry.testing.report`` prints them as a table once the checks ran.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

Check = TypeVar("Check", bound=Callable[..., Any])
ATTRIBUTE = "guarantee"

# -- of a sink ---------------------------------------------------------------------------------------------------------

BOOKS = "It looks up whose books these are before it writes, and notices when they are another company's."
EACH_ONCE = "Every record goes out exactly once and in its turn: none is left out, none goes twice."
SAME_BYTES = "The same record makes the same call, whatever the machine, its time zone and the day."
NEVER_TWICE = "A lost answer never makes a second document."
FOUND_AGAIN = "What was lost on the way is found again, and what is not there is known not to be there."
PLAINLY_SAID = "Only a plain answer counts: junk, half an answer or another's is neither success nor refusal."
EACH_ITS_OWN = "Each record gets its own answer: one bad record holds up no other, and says what to do about it."
CHANGES = "A change is made once, to the right document, and leaves nothing of the former version behind."
PEOPLE = "What people enter or change in the target is neither written over nor taken for ours."
TAKEN_BACK = "What is taken back is taken back once, and leaves its trace."
EXACT = "Amounts, sides, dates and lines arrive exactly, to the last penny."
CLOSED = "Nothing is written into a period that is closed."
LIMITS = "It waits as long as the system asks it to, and a call that was turned away is not counted as made."
ATOMIC = "A write, its link and its result are stored together or not at all."
REFERENCES = "What it writes refers to things that are there."

# -- of a source -------------------------------------------------------------------------------------------------------

ACCOUNT = "It knows whose account it reads, and says so the same way each time."
NONE_LOST = "No record is missed: not at the edge of a page, not in a crowd of one moment, not while people work."
GOES_ON = "A read goes on where the last one ended, wherever that was, and reads nothing long settled again."
ENDS = "Every read comes to an end, and hands over what it has as it goes."
TRUE_COPY = "A record says what the system holds, digit by digit, and changes only when it does."
RELATIVES = "What belongs to a record is found with it, and nothing else."
GONE = "What was deleted, archived or merged away is noticed."
OUTAGES = "An outage, a lost sign-in or junk never passes for an empty system; nothing is lost by it."
OFFERS = "What else it offers, such as files or single records, is what a read would give."

# -- of a matcher ------------------------------------------------------------------------------------------------------

DECIDES = "Every record gets one decision, the same each time it is asked."
RIGHT_LINK = "It links only to what is there, and two things never become one by their name."
ASKS_PEOPLE = "What it cannot tell it asks a person, with the likeliest first and a reason."

# -- of a webhook ------------------------------------------------------------------------------------------------------

SIGNED = "Only what the system signed is believed, once; anything else leaves no trace."

# -- of all of them ----------------------------------------------------------------------------------------------------

HARMLESS = "Strange text is only text: it is kept, cleaned or refused, and harms nothing beside it."
SECRETS = "Secrets appear in no call that is stored, no log, no error and on no screen."
ONE_DOOR = "It talks to its own system alone, through the hub's guarded client."
HANDS_OFF = "What it is given it leaves as it was, and it remembers nothing between calls that it would need."
BOUNDED = "However much passes through it, it keeps none of it."

counted: Counter[str] = Counter()
"""What the check that runs now has tried so far, such as ``answers lost``; the report takes it after each check."""


def guarantee(words: str) -> Callable[[Check], Check]:
    """Say what a check proves."""

    def mark(check: Check) -> Check:
        setattr(check, ATTRIBUTE, words)
        return check

    return mark


def tried(what: str, times: int = 1) -> None:
    """Note that something was really done to the plugin: ``tried("answers lost", 3)``."""
    counted[what] += times
