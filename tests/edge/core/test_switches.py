"""Switches: surfaces off, and the share of shoppers served."""

from pathlib import Path

import pytest

from edge.core.errors import BundleError
from edge.core.switches import Switches, bucket, read_switches, write_switches

SHOPPERS = [f"k1.{number}" for number in range(2000)]


def test_everything_is_on_by_default(tmp_path: Path) -> None:
    """No file, no restriction."""
    switches = read_switches(tmp_path, "demo")
    assert switches.off == ()
    assert all(switches.serves(shopper) for shopper in SHOPPERS)
    assert switches.serves(None)


def test_switches_are_read_back(tmp_path: Path) -> None:
    """As thrown."""
    write_switches(tmp_path, "demo", Switches(off=("pdp",), serve_percent=25))
    assert read_switches(tmp_path, "demo") == Switches(off=("pdp",), serve_percent=25)


@pytest.mark.parametrize("body", [b"{", b'{"off": ["attic"]}', b'{"serve_percent": 101}', b'{"of": []}'])
def test_a_damaged_file_is_refused_with_the_remedy(tmp_path: Path, body: bytes) -> None:
    """A typo must not switch a shop on or off."""
    write_switches(tmp_path, "demo", Switches())
    (tmp_path / "demo" / "switches.json").write_bytes(body)
    with pytest.raises(BundleError, match=r"switches\.json.*backend switch"):
        read_switches(tmp_path, "demo")


def test_the_share_is_about_right_and_the_same_for_a_shopper() -> None:
    """25 percent of shoppers, always the same ones; a larger share includes the smaller."""
    quarter = {shopper for shopper in SHOPPERS if Switches(serve_percent=25).serves(shopper)}
    half = {shopper for shopper in SHOPPERS if Switches(serve_percent=50).serves(shopper)}
    assert 400 < len(quarter) < 600
    assert quarter < half
    assert not any(Switches(serve_percent=0).serves(shopper) for shopper in (*SHOPPERS, None))


def test_buckets_are_fixed_for_ever() -> None:
    """Written down: a change would move shoppers between arms."""
    assert [bucket(shopper) for shopper in ("k1.a", "k1.b", "k1.c")] == [87, 71, 60]
