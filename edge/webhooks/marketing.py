"""The marketing purpose of a customer's stored consent, as the shop's platform tells it; no other purpose is touched.

In: a choice. Out: the stored decision with that purpose changed, newer wins. Wanting mail is not wanting to be
followed: a customer of whom nothing is stored yet gains nothing by it.
"""

from typing import Any

from redis.asyncio import Redis

from edge.core.consent import Decision, decode_decision, encode_decision
from edge.core.errors import CodecError
from edge.core.events import PURPOSES
from edge.core.keys import CONSENT_TTL_S, consent_key
from edge.errors import EndcapError
from edge.webhooks.meaning import MarketingChoice
from edge.webhooks.stock import Outcome

ERASED = "erased"  # the source of a tombstone
_ATTEMPTS = 20
_WRITE = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""


class BusyConsentError(EndcapError):
    """A customer's consent was changed by others in every one of many attempts."""


async def choose(redis: "Redis", shop: str, choice: MarketingChoice) -> Outcome:
    """Change the marketing purpose; `stale` when a newer decision or an erasure stands. Raises BusyConsentError."""
    key = consent_key(shop, choice.customer)
    for _ in range(_ATTEMPTS):
        stored: Any = await redis.get(key)
        decision = _changed(shop, choice, stored)
        if decision is None:
            return "stale"
        arguments = [stored or b"", encode_decision(decision), CONSENT_TTL_S]
        if await redis.register_script(_WRITE)(keys=[key], args=arguments):
            return "taken"
    raise BusyConsentError(f"a customer's consent kept changing under {_ATTEMPTS} attempts; send it again")


def _changed(shop: str, choice: MarketingChoice, stored: bytes | None) -> Decision | None:
    """The decision to store; None when nothing is to change."""
    if stored is None:
        # Nothing else was decided, so nothing else may be denied: what is named here still needs the request's word.
        others = tuple(purpose for purpose in PURPOSES if purpose != "marketing")
        return None if choice.wanted else Decision(shop, choice.customer, others, choice.time, choice.source)
    try:
        known = decode_decision(stored)
    except CodecError:
        return None  # of a newer version: its program will hear of the next choice
    if known.time >= choice.time or known.source == ERASED:
        return None
    granted = {*known.granted, "marketing"} if choice.wanted else {*known.granted} - {"marketing"}
    kept = tuple(purpose for purpose in PURPOSES if purpose in granted)
    return Decision(shop, choice.customer, tuple(sorted(kept)), choice.time, choice.source)
