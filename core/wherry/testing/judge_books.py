"""The judge of journals: by what stands in the target, who is in it, how often, and what the hub and the source say.

Nothing is asked of the hub but what it claims; members are read from the amounts (see ``wherry.testing.wallets``).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from wherry.errors import EXIT_PERSON
from wherry.testing.errand import Claims
from wherry.testing.judge import RUN, Wrong
from wherry.testing.rigs import Mark, Post
from wherry.testing.wallets import ACCOUNTS, WALLET, Expected, Group, Move, Version, group_of

_CATEGORIES = {account: category for category, account in ACCOUNTS.items()}


class BooksCase(Struct, frozen=True, kw_only=True):
    """What a judgement goes by."""

    versions: Mapping[Version, Move]
    """Every version of a movement that there ever is."""
    wanted: Expected
    posts: Sequence[Post]
    claims: Claims
    marks: Sequence[Mark] | None = None
    """What the source was told; None where it does not want to know."""
    latest: bool = False
    """A version may be passed over for a newer one, if it was never booked; groups may be others than usual."""


class Read(Struct, frozen=True):
    """An entry, and what stands in it."""

    post: Post
    versions: Counter[Version]
    group: Group


def judge_books(case: BooksCase) -> list[Wrong]:
    """Everything that is wrong: booked twice, not at all, otherwise, or said otherwise than it is."""
    read, found = [], list[Wrong]()
    for post in case.posts:
        one = _read(case, post)
        if isinstance(one, Wrong):
            found.append(one)
        else:
            read.append(one)
    found += [*_versions(case, read), *_groups(case, read), *_claims(case, read)]
    if case.marks is not None:
        found += _marks(case, read, case.marks)
    return sorted(found)


# -- what stands in the target -----------------------------------------------------------------------------------------


def _read(case: BooksCase, post: Post) -> Read | Wrong:
    """An entry read from its amounts; or why it is none of ours as it stands."""
    debits = {account: minor for account, minor in post.lines.items() if account != WALLET}
    if post.spoilt or sum(debits.values()) != -post.lines.get(WALLET, 0):
        return Wrong("false", post.number, post.spoilt or f"it does not balance: {dict(post.lines)}")
    versions = Counter({
        (_CATEGORIES.get(account, account), place): times
        for account, minor in debits.items() for place, times in _digits(minor)
    })  # fmt: skip
    wallets = {case.versions[one].wallet for one in versions if one in case.versions}
    if not versions or set(versions) - set(case.versions) or len(wallets) != 1:
        return Wrong("false", post.number, f"nobody booked this: {dict(post.lines)}")
    return Read(post, versions, group_of(dt.date.fromisoformat(post.date), wallets.pop()))


def _digits(minor: int) -> Iterator[tuple[int, int]]:
    """(place, how often) of an amount, from five times taken back to four times booked."""
    place = 0
    while minor:
        times = (minor + 5) % 10 - 5
        if times:
            yield place, times
        minor, place = (minor - times) // 10, place + 1


def _versions(case: BooksCase, read: Sequence[Read]) -> Iterator[Wrong]:
    for version, move in case.versions.items():
        times = [one.versions[version] for one in read]
        booked, back = sum(max(0, n) for n in times), sum(max(0, -n) for n in times)
        must, must_back = case.wanted.count(version, 1), case.wanted.count(version, -1)
        name, worth = f"movement {move.id}", f"as {10**move.place} pennies of {move.category}"
        if booked > must:
            yield Wrong("duplicate", name, f"booked {booked} times {worth}, must be {must}")
        if back > must_back:
            yield Wrong("duplicate", name, f"taken back {back} times {worth}, must be {must_back}")
        if case.latest and booked - back == must - must_back:
            continue
        if booked < must:
            yield Wrong("lost", name, f"booked {booked} times {worth}, must be {must}")
        if back < must_back:
            yield Wrong("lost", name, f"taken back {back} times {worth}, must be {must_back}")


def _groups(case: BooksCase, read: Sequence[Read]) -> Iterator[Wrong]:
    """Each group has one entry, beside those of what came late, and in each stands who has to."""
    found: dict[Group, list[Counter[Version]]] = {}
    for one in read:
        found.setdefault(one.group, []).append(one.versions)
    for group, entries in found.items():
        must = case.wanted.entries.get(group, [])
        if len(entries) > max(1, len(must)):
            yield Wrong("duplicate", " ".join(group), f"{len(entries)} entries of one group, must be {len(must)}")
        if not case.latest and sorted(map(_told, entries)) != sorted(map(_told, must)):
            yield Wrong("false", " ".join(group), f"holds {[*map(_told, entries)]}, must hold {[*map(_told, must)]}")


def _told(versions: Counter[Version]) -> list[tuple[Version, int]]:
    return sorted((version, times) for version, times in versions.items() if times)


# -- what is said of it ------------------------------------------------------------------------------------------------


def _claims(case: BooksCase, read: Sequence[Read]) -> Iterator[Wrong]:
    claims = case.claims
    if claims.exit not in (0, EXIT_PERSON):
        yield Wrong("lost", RUN, f"ended with {claims.exit}: {claims.error}")
    for thing, state in claims.open.items():
        yield Wrong("lost", thing, f"stuck as {state}: {claims.reasons.get(thing, '')}")
    there = {one.post.id: one for one in read}
    said = {target for thing, target in claims.written.items() if thing.startswith("journal_entry/")}
    for target in sorted(said ^ {post.id for post in case.posts}):
        why = "said to be there, and is not" if target in said else "it is there, but nobody knows of it"
        yield Wrong("false", f"entry {target}", why)
    members: dict[str, Counter[Version]] = {target: Counter() for target in said}
    for member in claims.members:
        version = _CATEGORIES.get(member.category, member.category), len(str(abs(member.minor))) - 1
        members[member.target][version] += 1 if member.minor > 0 else -1
    for target, versions in members.items():
        if target in there and versions != there[target].versions:
            held = dict(there[target].versions)
            yield Wrong("false", f"entry {target}", f"said to have {dict(versions)}, and has {held}")


def _marks(case: BooksCase, read: Sequence[Read], marks: Sequence[Mark]) -> Iterator[Wrong]:
    """A record is confirmed under the entry that it stands in, once that is there; and all are."""
    stands, told = case.wanted.stands, set()
    booked = [(case.versions[version], one.post.id) for one in read for version, n in one.versions.items() if n > 0]
    right = {(move.id, target) for move, target in booked}
    wanted = {(move.id, target) for move, target in booked if not case.latest or stands.get(move.id) == move}
    for mark in marks:
        target = mark.note.rpartition(" ")[2]
        told.add((mark.record, target))
        if target not in mark.there:
            yield Wrong("false", f"record {mark.record}", f"confirmed before it was there: {mark.note!r}")
        elif (mark.record, target) not in right:
            yield Wrong("false", f"record {mark.record}", f"confirmed under an entry it does not stand in: {mark.note}")
    for record, target in sorted(wanted - told):
        yield Wrong("lost", f"record {record}", f"stands in entry {target}, and was not confirmed")
