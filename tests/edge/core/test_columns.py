"""A profile as columns: the same whether made from the object or read from its bytes, old bytes included."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.codec import decode_columns, decode_profile, encode_profile
from edge.core.columns import NO_PROFILE, ProfileColumns, numbers_of
from edge.core.context import History
from edge.core.former_profile import stored_id
from edge.core.ids import key_of
from edge.core.index import Index
from edge.core.profile import Bought, Profile

SCALARS = ("shop", "shopper", "revision", "updated", "orders", "first_order_day", "last_order_day", "parts")

ids = st.one_of(
    st.integers(0, 10**19).map(str), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9)
)
days = st.integers(0, 25_000)
bought = st.builds(
    lambda count, first, span, recent: Bought(count, first, first + span, recent),
    st.integers(-3, 300),
    days,
    st.integers(0, 800),
    st.integers(0, 2**24 - 1),
)
profiles = st.builds(
    Profile,
    shop=st.just("demo"),
    shopper=st.text(max_size=8),
    revision=st.integers(0, 10**6),
    updated=st.integers(0, 2**33),
    orders=st.integers(0, 900),
    first_order_day=days,
    last_order_day=days,
    bought=st.dictionaries(ids, bought, max_size=12),
    viewed=st.dictionaries(ids, st.integers(0, 2**33), max_size=6),
    order_minutes=st.lists(st.integers(0, 2**25), max_size=24),
    tally=st.dictionaries(st.sampled_from(["search", "return", "purchase-complete"]), st.integers(1, 99)),
    parts=st.integers(0, 8),
)


def same(one: ProfileColumns, other: ProfileColumns) -> None:
    """Equal in every column."""
    for name in (*SCALARS, "texts"):
        assert getattr(one, name) == getattr(other, name)
    np.testing.assert_array_equal(one.keys, other.keys)
    np.testing.assert_array_equal(one.numbers, other.numbers)
    assert one.keys.dtype == other.keys.dtype == np.int64
    assert one.numbers.dtype == other.numbers.dtype == np.int32


@given(profiles)
def test_columns_read_from_bytes_are_those_of_the_profile(profile: Profile) -> None:
    """Training reads the object, serving the bytes: the columns are the same, and so is the object."""
    data = encode_profile(profile)
    assert decode_profile(data) == profile
    same(decode_columns(data), ProfileColumns.of(profile))


@given(profiles)
def test_columns_tell_the_ids_in_their_order(profile: Profile) -> None:
    """Those bought and those viewed, letter for letter."""
    columns = decode_columns(encode_profile(profile))
    assert columns.bought == tuple(profile.bought)
    assert columns.viewed == tuple(profile.viewed)
    assert columns.keys.tolist() == [key_of(id_) for id_ in (*profile.bought, *profile.viewed)]
    assert columns.numbers.T.tolist() == [
        [one.count, one.first_day, one.last_day, one.recent] for one in profile.bought.values()
    ]


@pytest.mark.parametrize("id_", ["0", "7", "007", "-5", "1" * 18, "1" * 19, "٣", "x", "1e3", " 1", ""])
def test_an_id_is_a_number_in_the_store_where_its_key_is_one(id_: str) -> None:
    """The codec and the index agree on what a canonical decimal is: a stored number is the key itself."""
    number = stored_id(id_)
    assert isinstance(number, int) == (key_of(id_) >= 0) if id_ else True
    if isinstance(number, int):
        assert number == key_of(id_)


def test_numbers_past_32_bits_stay_at_their_limit() -> None:
    """A count that no shopper reaches does not spoil the record."""
    numbers = numbers_of({"a": Bought(2**40, -(2**40), 5, 1), "b": Bought(1, 2, 3, 4)})
    assert numbers.T.tolist() == [[2**31 - 1, -(2**31), 5, 1], [1, 2, 3, 4]]


def test_no_profile_has_no_columns() -> None:
    """What a stranger's history is made of."""
    assert (NO_PROFILE.bought, NO_PROFILE.viewed, NO_PROFILE.orders) == ((), (), 0)
    assert NO_PROFILE.numbers.shape == (4, 0)


# --- a history, against the formula product by product ---------------------------------------------------------------


def expected(index: Index, profile: Profile) -> dict[str, np.ndarray]:
    """What a history holds, worked out with a loop over the products."""
    position = {id_: at for at, id_ in enumerate(index.ids)}
    rows = sorted((position[id_], one) for id_, one in profile.bought.items() if id_ in position and one.count > 0)
    items = np.array([at for at, _ in rows], np.int32)
    counts, first, last = (
        np.array([getattr(one, name) for _, one in rows], np.float32) for name in ("count", "first_day", "last_day")
    )
    held = np.array([[one.recent >> age & 1 for age in range(24)] for _, one in rows], np.float32).reshape(-1, 24)
    fading = np.stack([0.9 ** np.arange(24), 0.7 ** np.arange(24)], axis=1).astype(np.float32)
    often = held @ fading
    weight = counts * np.exp2((last - np.float32(profile.last_order_day)) / np.float32(60)) + 2 * often[:, 0]
    since = [next((age for age in range(24) if one.recent >> age & 1), 24) for _, one in rows]
    narrow = np.zeros(len(index.category_paths) + 1)
    for at, share in zip(items.tolist(), weight, strict=True):
        narrow[index.category_of[at].max()] += share
    favourites = sorted((code for code in range(len(narrow) - 1) if narrow[code] > 0), key=lambda code: -narrow[code])
    return {
        "items": items,
        "counts": counts,
        "first_day": first,
        "last_day": last,
        "often": often,
        "weight": weight.astype(np.float32),
        "since": np.array(since, np.float32),
        "viewed": np.array([position[id_] for id_ in profile.viewed if id_ in position], np.int32),
        "favourites": np.array(favourites[:8], np.int32),
    }


def check(index: Index, profile: Profile, history: History) -> None:
    """The same in every column, of the same kind."""
    for name, wanted in expected(index, profile).items():
        got = getattr(history, name)
        assert got.dtype == wanted.dtype, name
        np.testing.assert_allclose(got, wanted, rtol=1e-6, err_msg=name)
    by_weight = np.argsort(-history.weight, kind="stable")  # weights that differ in their last bit may change places
    assert history.rank[by_weight].tolist() == list(range(len(by_weight)))
    scalars = ("orders", "first_order_day", "last_order_day")
    assert [getattr(history, name) for name in scalars] == [getattr(profile, name) for name in scalars]


def test_a_history_is_what_the_formula_says_for_thousands_of_profiles(known: Index) -> None:
    """Of all lengths, with returns, unknown products and ids that are no numbers; from the object and from bytes."""
    rng = np.random.default_rng(11)
    strange = [f"SKU-{n}" for n in range(40)] + [str(10**9 + n) for n in range(40)]
    pool = [*known.ids, *strange]
    for number in range(2_000):
        some = [pool[at] for at in rng.permutation(len(pool))[: rng.integers(0, 40)]]
        profile = Profile("demo", "s", orders=number % 7, first_order_day=19_000, last_order_day=20_000)
        for id_ in some:
            first = int(rng.integers(19_000, 20_001))
            last = int(rng.integers(first, 20_001))
            profile.bought[id_] = Bought(
                int(rng.integers(-2, 30)), first, last, int(rng.integers(0, 2**24)) * (last % 2)
            )
        profile.viewed = {pool[at]: 1 for at in rng.integers(0, len(pool), rng.integers(0, 9))}
        check(known, profile, History.of(known, profile))
        if number % 10 == 0:
            stored = encode_profile(profile)
            check(known, decode_profile(stored), History.of(known, decode_columns(stored)))


def test_a_history_of_ids_that_are_no_numbers(index: Index) -> None:
    """The handmade shop's products have names; those it does not have are left out."""
    profile = Profile("demo", "s", orders=2, first_order_day=19_990, last_order_day=19_999, updated=10)
    profile.bought = {
        "soap": Bought(2, 19_990, 19_999, 3),
        "gone": Bought(9, 1, 1),
        "tea": Bought(1, 19_990, 19_990, 2),
    }
    profile.viewed = {"bread": 1, "nowhere": 2, "tea": 3}
    check(index, profile, History.of(index, profile))
    check(index, profile, History.of(index, decode_columns(encode_profile(profile))))
    check(index, Profile("", ""), History.of(index, None))


# --- bytes of before -------------------------------------------------------------------------------------------------

FORMER = Path(__file__).parent / "former_profile.bin"


def test_profiles_of_the_former_version_are_read() -> None:
    """Bytes that version 2 wrote, kept since: nothing of them is lost, and they are written as the present version."""
    data = FORMER.read_bytes()
    profile = decode_profile(data)
    assert (data[0], profile.shopper, profile.orders, profile.parts) == (2, "k1.someone", 3, 2)
    assert profile.bought == {
        "1029743": Bought(3, 20_000, 20_009, 0b101),
        "007": Bought(1, 20_000, 20_000, 0b100),
        "SKU-1": Bought(-1, 0, 0),
    }
    assert profile.viewed == {"SKU-1": 1_728_777_600, "5": 1_728_777_700}
    assert profile.order_minutes == [28_812_960, 28_805_760, 28_800_000]
    assert profile.tally == {"purchase-complete": 3, "return": 1, "detail-page-view": 2}
    again = encode_profile(profile)
    assert again[0] == 3
    assert decode_profile(again) == profile
    same(decode_columns(data), decode_columns(again))
