"""A run second by second: how much was asked for, what came of it, how long it took.

In: what came of each request, the moment it was meant for, and its time. Out: `Seconds`, of several senders added up.
A page is useful when nothing is left out of it; excess when it is the list prepared for overload; lesser when anything
else is missing (a deadline passed, no profile); failed when it is no right answer at all.
"""

from collections.abc import Collection, Iterable
from typing import Literal

import msgspec

Kind = Literal["useful", "excess", "lesser", "failed"]


class Second(msgspec.Struct):
    """Pages that were meant for one second. `took_ms`: from the intended moment to the whole answer, one for each."""

    useful: int = 0
    excess: int = 0
    lesser: int = 0
    failed: int = 0
    took_ms: list[float] = msgspec.field(default_factory=list)

    @property
    def asked(self) -> int:
        """All of them."""
        return self.useful + self.excess + self.lesser + self.failed

    def add(self, kind: Kind, took_ms: float) -> None:
        """Count one."""
        setattr(self, kind, getattr(self, kind) + 1)
        self.took_ms.append(took_ms)


Seconds = dict[int, Second]


def kind_of(degraded: Collection[str]) -> Kind:
    """What a right answer is, by what it says is missing. That the shop does not know a product is not the server's."""
    lacking = set(degraded) - {"unknown_product"}
    if "overload" in lacking:
        return "excess"
    return "lesser" if lacking else "useful"


def added(parts: Iterable[Seconds]) -> Seconds:
    """Several senders' seconds as one, in order."""
    whole: Seconds = {}
    for part in parts:
        for number, second in part.items():
            total = whole.setdefault(number, Second())
            for kind in ("useful", "excess", "lesser", "failed"):
                setattr(total, kind, getattr(total, kind) + getattr(second, kind))
            total.took_ms += second.took_ms
    return dict(sorted(whole.items()))


def together(seconds: Seconds, begins: float, ends: float) -> Second:
    """What was meant for the seconds from `begins` to before `ends`, as if they were one."""
    whole = added({0: second} for number, second in seconds.items() if begins <= number < ends)
    return whole.get(0, Second())
