"""What a batch does to one shopper: worked out from what is stored, before anything is written.

In: the shopper's new entries, and what the store holds. Out: a `Plan`: the profile's new bytes, the marks to set, and
what became of each entry. Pure, but for counting records that were not believed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from backend.consume.entries import Item
from backend.identity.parts import OWN, Parts, combine, read_parts
from edge.core.codec import PROFILE_VERSION, encode_profile
from edge.core.consent import Decision, in_force
from edge.core.errors import CodecError
from edge.core.events import Purpose
from edge.core.profile import Profile, apply
from edge.profiles import believed_decision, believed_profile

# `applied`: the profile holds it. `counted`: kept for analytics only. `duplicate`: another entry was the same event.
Outcome = Literal["applied", "counted", "duplicate", "refused"]
_NEWER = 16  # versions ahead that are believed to be versions, and not damage
KEEPS = frozenset[Purpose]({"personalization", "analytics"})


class PartsNeededError(Exception):
    """The profile is made of several histories, and they were not given."""


class EventFailedError(Exception):
    """One event could not be applied; `item` is it, the cause says why."""

    def __init__(self, item: Item) -> None:
        super().__init__(item.entry.decode())
        self.item = item


@dataclass(slots=True)
class Group:
    """A shopper's entries of one batch, in stream order. Entries that name nobody are a group each, without shopper.

    `parts` says of entries that belong to a part of a merged profile which one that is; `unlinked` that the shopper is
    anonymous and leads to nobody so far.
    """

    tag: str  # the shopper, or what stands in a key for an event of nobody
    shopper: str | None
    items: list[Item] = field(default_factory=list)
    marks: dict[bytes, int] = field(default_factory=dict)  # those stored already, as far as known: mark -> score
    parts: dict[bytes, str] = field(default_factory=dict)
    unlinked: bool = False

    def subjects(self) -> set[str]:
        """Everybody whose decision on consent these events depend on."""
        names = {self.shopper}
        for item in self.items:
            names |= {item.event.visitor_id, item.event.customer_id}
        return {name for name in names if name}


@dataclass(slots=True)
class Plan:
    """What to write for one group, if profile and consent still are what they were when read."""

    group: Group
    profile_before: bytes
    consent_before: bytes
    profile_after: bytes  # empty: the profile stays as it is
    marks: list[tuple[bytes, int | None]]  # to set; those without a score must only be absent
    outcomes: list[tuple[Outcome, bool]]  # by item of the group, and whether the day's counts grow
    parts_after: dict[str, bytes] = field(default_factory=dict)  # of a merged profile: those that changed

    @property
    def writes(self) -> bool:
        """Whether there is anything to write at all."""
        return bool(self.marks)


def make_plan(
    shop: str,
    group: Group,
    records: Mapping[str, bytes | None],
    profile: bytes | None,
    now: float,
    parts: Mapping[bytes, bytes] | None = None,
) -> Plan:
    """Apply what is new to the profile. `records` are stored decisions by subject, `parts` what the profile is made of.

    Raises EventFailedError, and PartsNeededError where the profile has parts, or gets one, and they are not given.
    """
    decisions = {subject: _decision(records.get(subject), shop, subject, now) for subject in group.subjects()}
    marks, made = dict(group.marks), list[tuple[bytes, int | None]]()
    outcomes: list[tuple[Outcome, bool]] = []
    new: list[Item] = []
    for item in group.items:
        allowed = _allowed(item, group.shopper, decisions)
        if not allowed:
            outcomes.append(("refused", False))
            continue
        personal = group.shopper is not None and "personalization" in allowed
        mine, other = _marks(item, personal)
        stored, told = marks.get(mine), other in marks
        if stored not in {None, item.score} or (stored is None and told and not personal):
            outcomes.append(("duplicate", False))
            continue
        outcomes.append(("applied", not told) if personal else ("counted", True))
        if stored is not None:
            continue  # the same entry once more: it was written before a crash, and not acknowledged
        marks[mine] = item.score
        made.append((mine, item.score))
        if other is not None and not told:
            made.append((other, None))
        if personal:
            new.append(item)
    after, parts_after = _changed(shop, group, new, profile, now, parts) if new else (b"", {})
    return Plan(group, profile or b"", records.get(group.tag) or b"", after, made, outcomes, parts_after)


def _changed(
    shop: str,
    group: Group,
    new: Sequence[Item],
    profile: bytes | None,
    now: float,
    parts: Mapping[bytes, bytes] | None,
) -> tuple[bytes, dict[str, bytes]]:
    """The profile's bytes after these events, and those of its parts that changed."""
    histories: _Histories | None = None
    for item in new:
        try:
            histories = histories or _Histories(_profile(profile, shop, group.tag), group, parts)
            histories.apply(item, now)
        except PartsNeededError:
            raise
        except Exception as error:  # whatever one event does, the others must not stay behind it
            raise EventFailedError(item) from error
    try:
        return histories.encode() if histories else (b"", {})
    except Exception as error:  # likewise; which of them it was shows when they go one by one, newest first
        raise EventFailedError(new[-1]) from error


class _Histories:
    """A profile while events change it: by itself, or as the sum of its parts, where it has any."""

    def __init__(self, profile: Profile, group: Group, stored: Mapping[bytes, bytes] | None) -> None:
        self._profile, self._group = profile, group
        self._parts: Parts | None = None
        self._changed: set[str] = set()
        if profile.parts or group.parts:
            if stored is None:
                raise PartsNeededError
            self._parts = read_parts(stored, profile.shop, profile.shopper, profile)

    def apply(self, item: Item, now: float) -> None:
        """Change the history that an event belongs to."""
        if self._parts is None:
            apply(self._profile, item.event, now)
            return
        name = self._group.parts.get(item.entry, OWN)
        self._changed |= {name, OWN}
        apply(self._parts.setdefault(name, Profile(self._profile.shop, name)), item.event, now)

    def encode(self) -> tuple[bytes, dict[str, bytes]]:
        """The profile's bytes, and those of the parts that changed."""
        if self._parts is None:
            return encode_profile(self._profile), {}
        whole = combine(self._profile.shop, self._profile.shopper, self._parts)
        return encode_profile(whole), {name: encode_profile(self._parts[name]) for name in sorted(self._changed)}


def _marks(item: Item, personal: bool) -> tuple[bytes, bytes | None]:
    """The mark an entry leaves, and the one left by the other kind of entry for the same order.

    Of the two, whichever is set first has counted the order; each is set only while the other's state is known.
    """
    if item.mark_counted is None:
        return item.mark, None
    return (item.mark, item.mark_counted) if personal else (item.mark_counted, item.mark)


def _allowed(item: Item, shopper: str | None, decisions: Mapping[str, Decision | None]) -> frozenset[Purpose]:
    event = item.event
    subjects: Iterable[str | None] = {event.visitor_id, event.customer_id, shopper}
    return in_force(event.consent, [decisions[name] for name in subjects if name]) & KEEPS


def _decision(data: bytes | None, shop: str, subject: str, now: float) -> Decision | None:
    """A stored decision; bytes that are none deny everything, since what stood there may have been a denial."""
    if data is None:
        return None
    return believed_decision(data, shop, subject) or Decision(shop, subject, (), now, "unreadable")


def _profile(data: bytes | None, shop: str, shopper: str) -> Profile:
    """The stored profile, or an empty one where there is none to believe.

    Raises CodecError for one of a newer program: writing over it would throw away what that program wrote.
    """
    if data and PROFILE_VERSION < data[0] < PROFILE_VERSION + _NEWER:
        raise CodecError(f"the stored profile has version {data[0]}, this program reads {PROFILE_VERSION}; update it")
    return believed_profile(data, shop, shopper) or Profile(shop, shopper)
