"""Erased shoppers stay out of a data set prepared again from files that still hold them."""

import contextlib
from pathlib import Path

import pytest

from edge.core.keys import PseudonymKey, pseudonym
from training.__main__ import main
from training.dataset import open_dataset
from training.erased import digest, leave_out, list_path

KEY = PseudonymKey.from_hex("5e" * 32)


def plain(root: Path) -> Path:
    """A shop's files with three shoppers: raw, raw, a pseudonym already."""
    root.mkdir()
    hidden = pseudonym(KEY, "demo", "customer", "C")
    rows = [
        f'e{n},purchase-complete,2026-05-0{n + 1}T10:00:00Z,p1,{customer},{visitor},"analytics,personalization"'
        for n, (customer, visitor) in enumerate([("Ann", ""), ("", "bob"), (hidden, "")])
    ]
    head = "event_id,type,time,product_id,customer_id,visitor_id,consent"
    (root / "events.csv").write_text("\n".join([head, *rows, f"{rows[0][:0]}e9{rows[0][2:].replace('Ann', 'Dan')}"]))
    (root / "products.csv").write_text("id,title,price\np1,Tea,1\n")
    return root


def test_prepared_again_the_erased_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By raw id or pseudonym; the counts follow; without a list nothing is asked for."""
    monkeypatch.setenv("ENDCAP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ENDCAP_PSEUDONYM_KEY", "11" * 32 + "," + "5e" * 32)
    source = plain(tmp_path / "plain")
    names = [pseudonym(KEY, "demo", "customer", "Ann"), pseudonym(KEY, "demo", "visitor", "bob")]
    names += [pseudonym(KEY, "demo", "customer", "C")]
    path = list_path(tmp_path / "data", "demo")
    for listed, left in ((None, 4), (names, 1), ([], 4)):
        if listed is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(digest(name) for name in listed))
        monkeypatch.setattr("sys.argv", ["training", "prepare", str(source)])
        with contextlib.suppress(SystemExit):
            main()
        dataset = open_dataset(tmp_path / "data" / "datasets" / "demo")
        assert (dataset.summary.lines, dataset.summary.shoppers) == (left, left)
        assert len(list(dataset.replay())) == left


def test_where_nothing_is_prepared_there_is_nothing_to_leave_out(tmp_path: Path) -> None:
    """No list, or no data set."""
    assert leave_out(tmp_path, tmp_path, "demo", list) == 0
    path = list_path(tmp_path, "demo")
    path.parent.mkdir()
    path.write_text(digest("x"))
    assert leave_out(tmp_path, tmp_path, "demo", lambda: [KEY]) == 0
