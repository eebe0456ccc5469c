"""Keys and pseudonyms."""

import stat
import threading
from pathlib import Path

import pytest

from edge.core import keys
from edge.core.keys import PseudonymKey, load_key, pseudonym

KEY = PseudonymKey.from_hex("00" * 32)


def test_a_pseudonym_is_stable_and_says_its_key() -> None:
    """The same shopper has the same name everywhere; the key's id stands before it."""
    name = pseudonym(KEY, "demo", "customer", "1")
    assert name == pseudonym(KEY, "demo", "customer", "1")
    assert name.startswith(f"{KEY.id}.")
    assert len(name) == len(KEY.id) + 1 + 22


def test_pseudonyms_differ_by_shop_kind_id_and_key() -> None:
    """Nobody is mistaken for somebody else, and shops cannot compare their shoppers."""
    other = PseudonymKey.from_hex("11" * 32)
    names = [
        pseudonym(KEY, "demo", "customer", "1"),
        pseudonym(KEY, "demo", "visitor", "1"),
        pseudonym(KEY, "demo", "customer", "2"),
        pseudonym(KEY, "shop", "customer", "1"),
        pseudonym(other, "demo", "customer", "1"),
    ]
    assert len(set(names)) == len(names)


def test_a_pseudonym_does_not_hold_the_id() -> None:
    """Not in clear, and not for ids that cannot be written as UTF-8 either."""
    assert "household-17" not in pseudonym(KEY, "demo", "customer", "household-17")
    assert pseudonym(KEY, "demo", "customer", "\ud800")


@pytest.mark.parametrize(("text", "why"), [("zz", "hexadecimal"), ("00" * 8, "8 bytes"), ("", "0 bytes")])
def test_a_bad_key_says_how_to_make_one(text: str, why: str) -> None:
    """The remedy stands in the message; the key does not."""
    with pytest.raises(ValueError, match=why) as error:
        PseudonymKey.from_hex(text)
    assert "openssl rand" in str(error.value)


def test_the_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    """The second call finds the first one's key."""
    first = load_key(tmp_path / "new", None)
    assert load_key(tmp_path / "new", None) == first
    assert stat.S_IMODE((tmp_path / "new" / "pseudonym.key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["pseudonym.key"]


def test_processes_that_start_together_agree_on_the_key(tmp_path: Path) -> None:
    """Several at once: one key wins, and all have it."""
    found: list[PseudonymKey] = []
    threads = [threading.Thread(target=lambda: found.append(load_key(tmp_path, None))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_given_key_is_used_and_nothing_is_written(tmp_path: Path) -> None:
    """From the settings, for instance."""
    assert load_key(tmp_path, "00" * 32) == KEY
    assert list(tmp_path.iterdir()) == []


def test_a_shoppers_keys_share_a_hash_tag() -> None:
    """On a cluster, everything of one shopper lies on one node, everything of a shop's stream on another."""
    shopper = "k1.abc"
    tagged = [make("demo", shopper) for make in (keys.profile_key, keys.session_key, keys.consent_key, keys.trail_key)]
    assert {name[name.index("{") : name.index("}") + 1] for name in tagged} == {"{demo/k1.abc}"}
    assert len(set(tagged)) == 4
    shop = [keys.events_key("demo"), keys.seen_key("demo", "e}1"), keys.overlay_key("demo"), keys.changes_key("demo")]
    assert {name[name.index("{") : name.index("}") + 1] for name in shop} == {"{demo}"}
    assert len(set(shop)) == 4


def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """A file where the data directory should be: what, why, and the setting that mends it."""
    (tmp_path / "data").write_text("")
    with pytest.raises(ValueError, match=r"cannot use .*data/pseudonym\.key.*ENDCAP_DATA_DIR"):
        load_key(tmp_path / "data", None)
