"""The catalogue snapshot: written whole, read in place by row, refused when it cannot be believed."""

import hashlib
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.core import snapshot as module
from edge.core.cards import card_of, family_key, text_key
from edge.core.errors import BundleError
from edge.core.products import Product
from edge.core.snapshot import Snapshot, read_snapshot, write_snapshot

MILK = Product("1", "Milk", 2.5, category="Dairy > Milk", brand="Alder", compare_at_price=3.0, listed=20_000)
EGGS = Product("egg-2", "Eggs", 1.0, available=False, category="Dairy > Eggs")
SKIM = Product("3", "Milk, 2 oz", 2.0, category="Dairy > Milk", brand="Alder")
DAMAGES = ["missing", "foreign", "version", "flipped", "truncated", "not products", "no columns", "outside"]


def sealed(body: bytes, version: int = 2) -> bytes:
    """A file of this body, whose checksum is right."""
    return b"endcap-catalogue %d %s\n" % (version, hashlib.sha256(body).hexdigest().encode()) + body


def old(path: Path, *products: Product) -> bytes:
    """A file as version 1 wrote it."""
    path.write_bytes(sealed(msgspec.msgpack.encode({"as_of": 5.0, "products": products}), version=1))
    return path.read_bytes()


def names(directory: Path) -> list[str]:
    """What lies in a directory."""
    return sorted(path.name for path in directory.iterdir())


def test_the_snapshot_is_written_whole_and_read_back(tmp_path: Path) -> None:
    """Products and the moment they were read; no temporary file stays."""
    path = tmp_path / "new" / "demo.cat"
    assert write_snapshot(path, [MILK, EGGS], as_of=5.0) == 2
    snapshot = read_snapshot(path)
    assert snapshot.products == [MILK, EGGS]
    assert (snapshot.as_of, len(snapshot)) == (5.0, 2)
    assert names(path.parent) == ["demo.cat"]


def test_rows_are_products_and_columns_say_of_them_what_rules_ask(tmp_path: Path) -> None:
    """Families and brands by key, categories by their place in the list, ids both ways."""
    write_snapshot(tmp_path / "demo.cat", [MILK, EGGS, SKIM])
    read = read_snapshot(tmp_path / "demo.cat")
    assert list(read.ids) == ["1", "egg-2", "3"]
    assert [read.ids.position.get(id_) for id_ in ("3", "egg-2", "4")] == [2, 1, None]
    assert read.price.tolist() == [2.5, 1.0, 2.0]
    assert read.available.tolist() == [True, False, True]
    assert read.listed.tolist() == [20_000, 0, 0]
    assert [read.categories[code] for code in read.category] == ["Dairy > Milk", "Dairy > Eggs", "Dairy > Milk"]
    assert read.family.tolist() == [family_key(one) for one in (MILK, EGGS, SKIM)]
    assert read.family[0] == read.family[2] != read.family[1]
    assert read.brand.tolist() == [text_key("Alder"), text_key(""), text_key("Alder")]
    assert [read.card(row) for row in range(3)] == [card_of(one) for one in (MILK, EGGS, SKIM)]
    with pytest.raises(ValueError, match="read-only"):
        read.price[0] = 1.0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.builds(
            Product,
            id=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40),
            title=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
            price=st.floats(0, 1e7, allow_nan=False),
            category=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
            listed=st.integers(0, 30_000),
        ),
        max_size=8,
    )
)
def test_whatever_products_are_they_come_back(tmp_path: Path, products: list[Product]) -> None:
    """From the file and in memory; of several with one id the last."""
    unique = list({product.id: product for product in products}.values())
    assert write_snapshot(tmp_path / "demo.cat", products) == len(unique)
    for read in (read_snapshot(tmp_path / "demo.cat"), Snapshot.of(products)):
        assert read.products == unique
        assert [read.ids.position.get(one.id) for one in unique] == list(range(len(unique)))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_snapshot_is_refused_with_the_remedy(tmp_path: Path, damage: str) -> None:
    """Every damage has its own message, and each names the file."""
    path = tmp_path / "demo.cat"
    write_snapshot(path, [MILK])
    good = path.read_bytes()
    body = good.partition(b"\n")[2]
    match damage:
        case "missing":
            path.unlink()
        case "foreign":
            path.write_bytes(b"PK\x03\x04 something else\n")
        case "version":
            path.write_bytes(good.replace(b"-catalogue 2 ", b"-catalogue 9 "))
        case "flipped":
            path.write_bytes(good[:-3] + bytes([good[-3] ^ 1]) + good[-2:])
        case "truncated":
            path.write_bytes(good[:-5])
        case "not products":
            path.write_bytes(sealed(b"\x01", version=1))
        case "no columns":
            path.write_bytes(sealed(b'{"as_of":0,"categories":[],"columns":{}}\0'))
        case "outside":
            path.write_bytes(sealed(body[: len(body) // 2]))
    with pytest.raises(BundleError, match=r"demo\.cat"):
        read_snapshot(path)


@pytest.mark.parametrize(
    ("column", "value"),
    [("category", 7), ("id_order", -1), ("cards_ptr", 3), ("records_ptr", 1 << 40)],
)
def test_columns_that_lead_nowhere_are_refused(tmp_path: Path, column: str, value: int) -> None:
    """Even under a right checksum: a row must never be read outside the file."""
    arrays = module._arrays([MILK, EGGS], {MILK.category: 0, EGGS.category: 1})
    arrays[column][0] = value
    with pytest.raises(ValueError, match=column):
        module._check(arrays, 2)
    arrays = module._arrays([MILK, EGGS], {MILK.category: 0, EGGS.category: 1})
    arrays["price"] = np.zeros(3)
    with pytest.raises(ValueError, match="3 rows of price for 2 products"):
        module._check(arrays, 2)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.integers(1, 2))
def test_no_bytes_get_past_the_reader(tmp_path: Path, body: bytes, version: int) -> None:
    """A right checksum over anything at all: refused, with our error."""
    path = tmp_path / "demo.cat"
    path.write_bytes(sealed(body, version))
    with pytest.raises(BundleError):
        read_snapshot(path)


def test_a_product_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    """The import fails and names it; the old catalogue stays."""
    write_snapshot(tmp_path / "demo.cat", [MILK])
    with pytest.raises(BundleError, match="'bad' cannot be in a catalogue"):
        write_snapshot(tmp_path / "demo.cat", [MILK, Product("bad", "", 1.0)])
    assert read_snapshot(tmp_path / "demo.cat").products == [MILK]


def test_an_older_file_is_read_and_its_columns_left_beside_it(tmp_path: Path) -> None:
    """Worked out once; the next process maps them, another version of the file has others, an import clears them."""
    path = tmp_path / "demo.cat"
    old(path, MILK, EGGS)
    assert read_snapshot(path).products == [MILK, EGGS]
    assert names(tmp_path) == ["demo.cat"], "only who serves leaves anything"
    kept = read_snapshot(path, keep=True)
    assert (kept.products, kept.as_of) == ([MILK, EGGS], 5.0)
    (beside,) = set(tmp_path.iterdir()) - {path}
    first = beside.stat().st_ino
    assert read_snapshot(path, keep=True).products == [MILK, EGGS]
    assert beside.stat().st_ino == first
    beside.write_bytes(b"damaged")
    assert read_snapshot(path, keep=True).products == [MILK, EGGS]
    assert beside.stat().st_ino != first
    old(path, SKIM)
    assert read_snapshot(path, keep=True).products == [SKIM]
    write_snapshot(path, [MILK])
    assert names(tmp_path) == ["demo.cat"]


def test_an_older_file_in_a_place_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is kept in memory."""
    path = tmp_path / "demo.cat"
    old(path, MILK)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "replace_file", full)
    assert read_snapshot(path, keep=True).products == [MILK]


def test_an_older_file_that_is_damaged_is_refused(tmp_path: Path) -> None:
    """As any other."""
    path = tmp_path / "demo.cat"
    path.write_bytes(old(path, MILK)[:-1])
    with pytest.raises(BundleError, match="damaged"):
        read_snapshot(path, keep=True)


def test_a_file_that_is_replaced_stays_whole_for_its_readers(tmp_path: Path) -> None:
    """What was mapped before an import is read on as it was."""
    path = tmp_path / "demo.cat"
    write_snapshot(path, [MILK, EGGS])
    before = read_snapshot(path)
    write_snapshot(path, [SKIM])
    assert before.products == [MILK, EGGS]
    assert read_snapshot(path).products == [SKIM]
