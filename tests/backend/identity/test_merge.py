"""A visitor becomes a customer: merged once, both histories kept apart beneath, undone on request."""

import itertools
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from backend.consume import consumer
from backend.identity import merge as merging
from backend.identity.merge import absorb, unlink
from backend.identity.parts import OWN, PARTS_CAP
from backend.identity.records import ContendedError
from backend.identity.resolve import resolve
from edge.core import keys
from edge.core.profile import Profile, apply
from tests.backend.consume.feed import BEGAN, NOW, SHOP, append, deny, visitor
from tests.backend.identity.conftest import A, B, Shop, V, W, act, look, same

pytestmark = pytest.mark.store


def whole(*events: Any) -> Profile:
    """The profile of these events, each once."""
    profile = Profile(SHOP, "")
    for event in sorted(events, key=lambda event: event.time):
        apply(profile, event, NOW)
    return profile


async def test_a_login_merges_the_visitors_history_in_time_order(shop: Shop) -> None:
    """Looks before the login and purchases of the customer before that make one profile; the visitor has none left."""
    before = act("purchase-complete", "tea", customer_id=A, minute=0)
    anonymous = look("milk", 5, visitor_id=V)
    login = look("cake", 9, visitor_id=V, customer_id=A)
    await shop.take(before, anonymous, login)
    assert same(shop.profile(A), whole(before, anonymous, login))
    assert shop.profile(V) is None
    assert shop.parts(A).keys() == {OWN, V}
    profile = shop.profile(A)
    assert profile
    assert list(profile.viewed) == ["milk", "cake"]
    assert profile.parts == 1
    assert shop.names(A) == {V}


async def test_each_event_of_a_merged_profile_changes_its_own_part_and_the_whole(shop: Shop) -> None:
    """After the login the customer goes on; the device's part stays what it was."""
    events = [look("milk", 1, visitor_id=V), look("cake", 2, visitor_id=V, customer_id=A)]
    events += [act("purchase-complete", "tea", minute=3, customer_id=A, visitor_id=V, order_id="o1")]
    await shop.take(*events)
    assert same(shop.profile(A), whole(*events))
    assert list(shop.parts(A)[V].viewed) == ["milk"]
    assert shop.parts(A)[OWN].orders == 1


async def test_a_login_without_a_history_is_a_note(shop: Shop) -> None:
    """Nothing to merge: no parts; but the link is there, and what comes late goes where it belongs."""
    await shop.take(look("cake", 9, visitor_id=V, customer_id=A))
    assert shop.parts(A) == {}
    link = shop.link(V)
    assert link
    assert (link.shopper, link.state) == (A, "merged")
    await shop.take(look("milk", 5, visitor_id=V))
    assert shop.seen(A) == {"milk", "cake"}
    assert shop.parts(A).keys() == {OWN, V}


@pytest.mark.parametrize("seed", range(6))
async def test_the_order_of_arrival_does_not_matter(shop: Shop, seed: int) -> None:
    """Looks before and after one login, shuffled, some twice, in batches of any size: the same profiles."""
    early = [look(f"e{n}", n, visitor_id=V) for n in range(5)]
    login = look("cake", 10, visitor_id=V, customer_id=A)
    own = [look(f"o{n}", 11 + n, visitor_id=V, customer_id=A) for n in range(3)]
    random = Random(seed)
    events = [*early, login]
    random.shuffle(events)
    await shop.take_together(*events[:3])
    await shop.take_together(*events[2:], *own)
    await shop.take(random.choice(events))
    assert same(shop.profile(A), whole(*early, login, *own))
    assert shop.profile(V) is None


async def test_what_is_done_logged_out_after_the_first_login_is_nobodys(shop: Shop) -> None:
    """It stays the device's own, whoever logs in next."""
    await shop.take(look("milk", 1, visitor_id=V), look("cake", 2, visitor_id=V, customer_id=A))
    await shop.take(look("beer", 3, visitor_id=V), look("bread", 4, visitor_id=V, customer_id=A))
    assert shop.seen(A) == {"milk", "cake", "bread"}
    assert shop.seen(V) == {"beer"}


async def test_a_shared_device_gives_the_second_customer_nothing(shop: Shop) -> None:
    """Whatever lies on it: B gets only what B did."""
    await shop.take(look("milk", 1, visitor_id=V), look("cake", 2, visitor_id=V, customer_id=A))
    await shop.take(look("beer", 3, visitor_id=V), look("salt", 4, visitor_id=V, customer_id=B))
    await shop.take(look("rice", 5, visitor_id=V), look("oil", 6, visitor_id=V, customer_id=A))
    assert shop.seen(B) == {"salt"}
    assert shop.seen(A) == {"milk", "cake", "oil"}
    assert shop.seen(V) == {"beer", "rice"}
    link = shop.link(V)
    assert link
    assert link.state == "shared"


async def test_no_order_of_logins_mixes_two_customers(shop: Shop) -> None:
    """All sequences of four turns by A, B and nobody: A's profile never holds B's products, nor B's A's."""
    for people in itertools.product((A, B, None), repeat=4):
        shop.redis.flushall()
        name = {A: "A", B: "B", None: "-"}
        turns = [look(f"{name[who]}{turn}", turn, visitor_id=V, customer_id=who) for turn, who in enumerate(people)]
        await shop.take(*turns)
        for who in (A, B):
            theirs = {product[0] for product in shop.seen(who)}
            assert theirs <= {name[who], "-"}, (people, theirs)
        anonymous = [product for who in (A, B, V) for product in shop.seen(who) if product[0] == "-"]
        assert sorted(anonymous) == sorted(f"-{turn}" for turn, who in enumerate(people) if who is None)


async def test_several_devices_are_several_parts(shop: Shop) -> None:
    """Each can be taken out by itself."""
    events = [look("milk", 1, visitor_id=V), look("rice", 2, visitor_id=W)]
    logins = [look("cake", 3, visitor_id=V, customer_id=A), look("salt", 4, visitor_id=W, customer_id=A)]
    await shop.take(*events, *logins)
    profile = shop.profile(A)
    assert profile
    assert profile.parts == 2
    assert same(profile, whole(*events, *logins))
    assert await unlink(shop.client, SHOP, V, A)
    assert same(shop.profile(A), whole(events[1], *logins))
    assert same(shop.profile(V), whole(events[0]))


async def test_of_many_devices_the_longest_unused_ones_can_no_more_be_taken_out(shop: Shop) -> None:
    """A customer's parts stay few; nothing is lost of the whole."""
    events = []
    for n in range(PARTS_CAP + 3):
        events += [look(f"p{n}", 2 * n, visitor_id=visitor(n))]
        events += [look("cake", 2 * n + 1, visitor_id=visitor(n), customer_id=A)]
    await shop.take(*events)
    assert len(shop.parts(A)) == PARTS_CAP + 1
    assert same(shop.profile(A), whole(*events))


async def test_an_undone_merge_restores_both_and_stays_undone(shop: Shop) -> None:
    """The customer keeps what was done logged in, the visitor gets its own back; the next login changes nothing."""
    anonymous, late = look("milk", 1, visitor_id=V), look("eggs", 1.5, visitor_id=V)
    login, after = look("cake", 2, visitor_id=V, customer_id=A), look("beer", 3, visitor_id=V)
    await shop.take(anonymous, login, late, after)
    assert shop.seen(A) == {"milk", "eggs", "cake"}
    assert await unlink(shop.client, SHOP, V, A)
    assert same(shop.profile(A), whole(login))
    assert same(shop.profile(V), whole(anonymous, late, after))
    profile = shop.profile(A)
    assert profile
    assert profile.parts == 0
    assert shop.parts(A) == {}
    await shop.take(look("bread", 4, visitor_id=V, customer_id=A), look("oil", 5, visitor_id=V))
    assert shop.seen(A) == {"cake", "bread"}
    assert shop.seen(V) == {"milk", "eggs", "beer", "oil"}
    assert not await unlink(shop.client, SHOP, V, A), "there is nothing left to undo"


async def test_events_heard_again_after_an_undone_merge_do_not_count_twice(shop: Shop) -> None:
    """Their marks went with them, there and back."""
    anonymous, late = look("milk", 1, visitor_id=V), look("eggs", 1.5, visitor_id=V)
    await shop.take(anonymous, look("cake", 2, visitor_id=V, customer_id=A), late)
    await unlink(shop.client, SHOP, V, A)
    await shop.take(anonymous, late)
    assert same(shop.profile(V), whole(anonymous, late))


async def test_only_those_who_are_linked_can_be_parted(shop: Shop) -> None:
    """A visitor of another customer, or of nobody, is left alone."""
    await shop.take(look("milk", 1, visitor_id=V), look("cake", 2, visitor_id=V, customer_id=A))
    assert not await unlink(shop.client, SHOP, V, B)
    assert not await unlink(shop.client, SHOP, W, A)
    assert shop.seen(A) == {"milk", "cake"}


async def test_a_customer_who_denies_it_takes_nothing_in(shop: Shop) -> None:
    """Nor is it noted whose the device was; a visitor who denies it is not looked at either."""
    await shop.take(look("milk", 1, visitor_id=V), look("rice", 1, visitor_id=W))
    deny(shop.redis, A)
    await shop.take(look("cake", 2, visitor_id=V, customer_id=A))
    assert shop.profile(A) is None
    assert shop.names(A) == set()
    assert shop.seen(V) == {"milk"}
    deny(shop.redis, W)
    await shop.take(look("cake", 2, visitor_id=W, customer_id=B))
    assert shop.link(W) is None
    assert await absorb(shop.client, SHOP, W, B, 0.0) is None


class CrashedError(Exception):
    """The process ends here."""


class Dying:
    """A store client whose process ends before its n-th script or pipeline."""

    def __init__(self, client: Any, steps: int) -> None:
        self._client, self._left = client, steps

    def __getattr__(self, name: str) -> Any:
        if name in ("eval", "hdel", "pipeline", "sadd", "delete"):
            if self._left == 0:
                raise CrashedError
            self._left -= 1
        return getattr(self._client, name)


async def dying(shop: Shop, step: int, job: Any) -> bool:
    """Do a job with a client that ends at a step; whether it came to its end all the same."""
    try:
        await job(Dying(shop.client, step))
    except CrashedError:
        return False
    return True


async def test_a_crash_at_any_step_of_a_merge_counts_each_history_once(shop: Shop) -> None:
    """The process ends before each of the steps in turn; events go on; the next login finishes it."""
    for step in itertools.count():
        shop.redis.flushall()
        events = [look("milk", 1, visitor_id=V), act("purchase-complete", "tea", minute=0, customer_id=A)]
        await shop.take(*events)
        done = await dying(shop, step, lambda c: absorb(c, SHOP, V, A, (BEGAN + timedelta(minutes=2)).timestamp()))
        late, login = look("eggs", 1, visitor_id=V), look("cake", 3, visitor_id=V, customer_id=A)
        after = look("beer", 5, visitor_id=V)
        await shop.take(late, login, after)
        assert same(shop.profile(A), whole(*events, late, login)), step
        assert same(shop.profile(V), whole(after)), step
        assert shop.redis.hgetall(keys.parts_key(SHOP, V)) == {}, step
        if done:
            assert step >= 5
            return


async def test_a_crash_at_any_step_of_an_undoing_restores_each_history_once(shop: Shop) -> None:
    """Likewise; what the visitor does meanwhile is kept."""
    for step in itertools.count():
        shop.redis.flushall()
        anonymous, login = look("milk", 1, visitor_id=V), look("cake", 2, visitor_id=V, customer_id=A)
        beer = look("beer", 3, visitor_id=V)
        await shop.take(anonymous, login, beer)
        done = await dying(shop, step, lambda c: unlink(c, SHOP, V, A))
        await shop.take(look("oil", 4, visitor_id=V))
        await unlink(shop.client, SHOP, V, A)
        link = shop.link(V)
        assert link
        assert link.state == "unlinked"
        assert shop.seen(A) == {"cake"}, step
        profile = shop.profile(V)
        assert profile
        assert profile.tally == {"detail-page-view": 3}, step
        assert shop.parts(A) == {}, step
        if done:
            assert step >= 5
            return


async def test_a_look_that_another_consumer_is_writing_is_not_left_behind(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login between its resolving and its writing: the write is refused, and it goes where the login says."""
    first = look("milk", 1, visitor_id=V)

    calls = 0

    async def resolve_then_login(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        owners = await resolve(*arguments)
        if calls == 1:
            await absorb(shop.client, SHOP, V, A, (BEGAN + timedelta(minutes=2)).timestamp())
        return owners

    monkeypatch.setattr(consumer, "resolve", resolve_then_login)
    append(shop.redis, first)
    await consumer.Consumer(shop.client, SHOP).catch_up()
    assert calls == 2
    assert shop.seen(A) == {"milk"}
    assert shop.profile(V) is None


async def test_records_that_never_stand_still_end_in_an_error_not_in_a_loop(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what, and that nothing was lost."""

    async def never(*_: Any, **__: Any) -> bool:
        return False

    await shop.take(look("milk", 1, visitor_id=V), look("cake", 2, visitor_id=V, customer_id=A))
    for name in ("set_aside", "rewrite", "change_link"):
        monkeypatch.setattr(merging, name, never)
    with pytest.raises(ContendedError, match="merging"):
        await absorb(shop.client, SHOP, W, A, 0.0)
    with pytest.raises(ContendedError, match="parting"):
        await unlink(shop.client, SHOP, V, A)
