"""Secret keys: made, shown once, removed, replaced without a gap; what is kept opens nothing."""

import hashlib
import hmac
import re
from pathlib import Path

import pytest

from edge.core.access import (
    FILE,
    PUBLISHABLE,
    PUBLISHABLE_FILE,
    KeysError,
    is_origin,
    make_key,
    matching,
    read_keys,
    remove_key,
    rotate_key,
    shop_of,
)


def test_a_key_opens_its_shop(tmp_path: Path) -> None:
    """In the header, whatever the case of the scheme; each key its own shop."""
    one, other = make_key(tmp_path, "demo"), make_key(tmp_path, "other")
    keys = read_keys(tmp_path)
    assert shop_of(keys, f"Bearer {one}") == "demo"
    assert shop_of(keys, f"bearer  {other} ") == "other"
    assert re.fullmatch(r"sk_[\w-]{43}", one)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer sk_", "Bearer pk_{}", "Basic {}", "{}", "Bearer {}x"])
def test_anything_else_opens_nothing(tmp_path: Path, header: str | None) -> None:
    """No header, another scheme, a publishable key, one character more."""
    key = make_key(tmp_path, "demo")
    shown = header and header.format(key)
    assert shop_of(read_keys(tmp_path), shown) is None
    assert shop_of((), f"Bearer {key}") is None


def test_what_is_kept_does_not_hold_the_key(tmp_path: Path) -> None:
    """Only its digest, which as a key opens nothing."""
    key = make_key(tmp_path, "demo")
    kept = (tmp_path / FILE).read_text()
    assert key not in kept
    assert key.removeprefix("sk_") not in kept
    assert shop_of(read_keys(tmp_path), f"Bearer sk_{hashlib.sha256(key.encode()).hexdigest()}") is None


def test_keys_are_replaced_without_a_gap(tmp_path: Path) -> None:
    """Both open until the old one is removed; removing it twice says so."""
    old = make_key(tmp_path, "demo")
    new = make_key(tmp_path, "demo")
    (first, second) = read_keys(tmp_path)
    assert {shop_of(read_keys(tmp_path), f"Bearer {key}") for key in (old, new)} == {"demo"}
    assert remove_key(tmp_path, first.id)
    assert not remove_key(tmp_path, first.id)
    assert read_keys(tmp_path) == (second,)
    assert shop_of(read_keys(tmp_path), f"Bearer {old}") is None
    assert shop_of(read_keys(tmp_path), f"Bearer {new}") == "demo"


def test_no_file_means_no_keys(tmp_path: Path) -> None:
    """A new installation lets nobody in."""
    assert read_keys(tmp_path) == ()


@pytest.mark.parametrize("damage", [b"", b"{", b"[{}]", b"\xff\xfe", b'[{"id": "x"}]'])
def test_a_damaged_file_is_said_to_be_one(tmp_path: Path, damage: bytes) -> None:
    """With its name and the remedy; and nothing is written over it."""
    (tmp_path / FILE).write_bytes(damage)
    for act in (lambda: read_keys(tmp_path), lambda: make_key(tmp_path, "demo"), lambda: remove_key(tmp_path, "x")):
        with pytest.raises(KeysError, match=r"secret-keys.json cannot be read.*move it away"):
            act()
    assert (tmp_path / FILE).read_bytes() == damage


def test_every_key_is_compared_in_constant_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By hmac.compare_digest over digests, all of them, also after a match: the time tells nothing."""
    shown = [make_key(tmp_path, f"shop{n}") for n in range(4)]
    keys = read_keys(tmp_path)
    compared: list[str] = []
    really = hmac.compare_digest

    def compare(kept: str, given: str) -> bool:
        compared.append(kept)
        return really(kept, given)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    for key in (shown[0], shown[3], "sk_wrong"):
        compared.clear()
        shop_of(keys, f"Bearer {key}")
        assert compared == [kept.sha256 for kept in keys]


def test_with_origins_a_key_is_publishable(tmp_path: Path) -> None:
    """In a file of its own, bound to each origin once, and never a secret key."""
    key = make_key(tmp_path, "demo", ["https://a.example", "https://b.example:8443", "https://a.example"])
    (kept,) = read_keys(tmp_path, PUBLISHABLE)
    assert kept.origins == ("https://a.example", "https://b.example:8443")
    assert re.fullmatch(r"pk_[\w-]{43}", key)
    assert matching((kept,), key) == kept
    assert shop_of((kept,), f"Bearer {key}") is None
    assert read_keys(tmp_path) == ()
    assert key not in (tmp_path / PUBLISHABLE_FILE).read_text()
    assert remove_key(tmp_path, kept.id)
    assert read_keys(tmp_path, PUBLISHABLE) == ()


@pytest.mark.parametrize("origin", ["*", "null", "", "a.example", "https://a.example/", "https://A.example", "ftp://a"])
def test_a_key_is_bound_to_what_browsers_send(tmp_path: Path, origin: str) -> None:
    """Anything else would never match, or match everybody; nothing is made then."""
    assert not is_origin(origin)
    with pytest.raises(KeysError, match="no origin"):
        make_key(tmp_path, "demo", ["https://good.example", origin])
    assert read_keys(tmp_path, PUBLISHABLE) == ()


@pytest.mark.parametrize("origins", [(), ("https://a.example",)])
def test_a_key_and_its_successor_are_in_force_together(tmp_path: Path, origins: tuple[str, ...]) -> None:
    """Like the old one in all, and no third beside the two."""
    kind = PUBLISHABLE if origins else "sk_"
    old = make_key(tmp_path, "demo", origins)
    (first,) = read_keys(tmp_path, kind)
    new = rotate_key(tmp_path, first.id)
    _, second = read_keys(tmp_path, kind)
    assert (second.shop, second.origins, second.replaces) == ("demo", origins, first.id)
    assert matching((first, second), old) == first
    assert matching((first, second), new) == second
    for name in (first.id, second.id):
        with pytest.raises(KeysError, match="two keys are in force already"):
            rotate_key(tmp_path, name)
    remove_key(tmp_path, first.id)
    rotate_key(tmp_path, second.id)
    with pytest.raises(KeysError, match="there is no key"):
        rotate_key(tmp_path, first.id)
