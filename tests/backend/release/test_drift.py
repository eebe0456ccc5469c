"""Drift: nothing where the shop goes on as before; what was changed on purpose is found and named."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backend.release import drift, drift_page
from backend.release.drift import GROWING, INDEXED, Report, measure
from backend.release.state import ReleaseError
from edge.core.bundle import read_manifest
from edge.core.errors import BundleError, EndcapError
from edge.core.features import FEATURE_NAMES
from tests.backend.program import backend
from tests.conftest import ENDS
from training import drift as distributions
from training import sample
from training.dataset import Dataset, prepare

Row = list[str]
TIME, PRODUCT, VISITOR, CUSTOMER, PRICE = 2, 3, 4, 5, 9
CHANGED_FROM = (ENDS - timedelta(weeks=2)).isoformat()


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[Callable[[Row], Row]], Dataset]:
    """The sample shop with its last two weeks changed, row by row."""

    def make(change: Callable[[Row], Row]) -> Dataset:
        source = sample.generate(tmp_path / "plain", ends=ENDS)
        head, *rows = (source / "events.csv").read_text().splitlines()
        split = [row.split(",") for row in rows]
        told = [",".join(change(row) if row[TIME] >= CHANGED_FROM else row) for row in split]
        (source / "events.csv").write_text("\n".join([head, *told]) + "\n")
        return prepare(source, tmp_path / "prepared")

    return make


def dearer(row: Row) -> Row:
    """Twice the price."""
    row[PRICE] = f"{2 * float(row[PRICE]):.2f}" if row[PRICE] else ""
    return row


def shifted(row: Row) -> Row:
    """The products of every third shelf are bought instead of their neighbours'."""
    if row[PRODUCT]:
        row[PRODUCT] = f"p{(int(row[PRODUCT][1:]) - 1) // 12 * 12 + 1:03d}"
    return row


def strangers(row: Row) -> Row:
    """Everybody is somebody else, who was never here before."""
    for at in (VISITOR, CUSTOMER):
        row[at] = f"{row[at]}-new" if row[at] else ""
    return row


def names(report: Report) -> set[str]:
    """What drifted."""
    return {f"{one.group}/{one.name}" for one in report.drifted}


def test_a_shop_that_goes_on_as_before_has_not_drifted(releases: Any, shop_dir: Dataset) -> None:
    """The two newest weeks, which the live model has not seen, against the weeks it was measured on."""
    heard: list[float] = []
    report = measure(shop_dir, releases.settings, lambda _, done: heard.append(done))
    assert report.enough
    assert names(report) == set()
    assert report.version == releases.live
    assert report.first_day > str(read_manifest(releases.shop / releases.live).data["last_day"])
    assert report.orders > 100
    assert {one.name for one in report.findings if one.group == "features"} == set(FEATURE_NAMES)
    assert {one.name for one in report.findings if one.group == "inputs"} == {
        "price", "category", "product", "basket", "shopper",
    }  # fmt: skip
    assert heard == sorted(heard)


def test_growing_and_indexed_features_are_shown_and_trigger_nothing(releases: Any, shop_dir: Dataset) -> None:
    """Each says why; all others are watched; and the names are features there are."""
    assert set(FEATURE_NAMES) >= GROWING | INDEXED
    unwatched = {one.name for one in measure(shop_dir, releases.settings).findings if one.unwatched}
    assert unwatched == GROWING | INDEXED


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (dearer, {"inputs/price"}),
        (shifted, {"inputs/category"}),
        (strangers, {"inputs/shopper", "features/from_own"}),
    ],
)
def test_what_was_changed_on_purpose_is_found(
    releases: Any, changed: Callable[..., Dataset], change: Callable[[Row], Row], found: set[str]
) -> None:
    """Prices doubled, categories shifted, other shoppers: named, with PSI beyond the limit."""
    report = measure(changed(change), releases.settings)
    assert found <= names(report), [one for one in report.findings if one.group == "inputs"]
    for one in report.drifted:
        assert one.psi >= one.psi_limit or (one.ks or 0) >= one.ks_limit


def test_prices_alone_move_nothing_else(releases: Any, changed: Callable[..., Dataset]) -> None:
    """The finding points at the cause."""
    assert names(measure(changed(dearer), releases.settings)) == {"inputs/price"}


def test_few_orders_say_nothing(releases: Any, shop_dir: Dataset) -> None:
    """Said so; and where the model knows all days there are none."""
    few = measure(shop_dir, releases.settings.model_copy(update={"drift_least_orders": 10_000}))
    assert (few.enough, few.drifted) == (False, ())
    assert "fewer than 10000" in few.note
    (releases.shop / "live.json").write_text(f'{{"live": "{releases.newer}"}}')
    none = measure(shop_dir, releases.settings)
    assert (none.enough, none.orders) == (False, 0)


def test_a_bundle_without_a_reference_is_said(releases: Any, shop_dir: Dataset) -> None:
    """Bundles made before there was one."""
    directory = releases.shop / releases.live
    (directory / distributions.FILE).unlink()
    raw = json.loads((directory / "manifest.json").read_text())
    del raw["files"][distributions.FILE]
    (directory / "manifest.json").write_text(json.dumps(raw))
    report = measure(shop_dir, releases.settings)
    assert not report.enough
    assert "no reference" in report.note


def test_without_a_live_model_there_is_nothing_to_drift_from(releases: Any, shop_dir: Dataset) -> None:
    """An error that says what to do."""
    (releases.shop / "live.json").unlink()
    with pytest.raises(ReleaseError, match="publish one first"):
        measure(shop_dir, releases.settings)


def test_the_page_draws_what_drifted(releases: Any, changed: Callable[..., Dataset]) -> None:
    """Plain SVG, no script, no request; every bar has its limit; hostile names are escaped."""
    report = measure(changed(shifted), releases.settings)
    html = drift_page.render(report)
    assert html.count("<svg") >= 3 + 8
    assert "Drifted:" in html
    assert "inputs/category" in html
    assert not re.search(r"<script|src=|href=|url\(", html)
    hostile = msgspec.structs.replace(
        report, findings=tuple(msgspec.structs.replace(one, bins=("<b>", *one.bins[1:])) for one in report.findings)
    )
    assert "<b>" not in drift_page.render(hostile)


def test_a_report_without_figures_is_a_page_too(releases: Any, shop_dir: Dataset) -> None:
    """It says why there are none."""
    few = measure(shop_dir, releases.settings.model_copy(update={"drift_least_orders": 10_000}))
    assert "they say nothing about drift" in drift_page.render(few)
    assert drift_page.table(few).row_count == 0


def test_reports_are_kept(tmp_path: Path) -> None:
    """As JSON; a damaged file says so."""
    report = drift.failed("v", "no room")
    drift.write(tmp_path, report)
    assert drift.read_report(tmp_path) == report
    assert drift.read_report(tmp_path / "nothing") is None
    drift.path_of(tmp_path).write_text("?")
    with pytest.raises(EndcapError, match="measure again"):
        drift.read_report(tmp_path)


def test_the_command_tells_machines_and_people(releases: Any, tmp_path: Path) -> None:
    """Exit status 0 and a table where nothing drifted; JSON; the page where it was asked for."""
    command = partial(backend, "drift", ENDCAP_DATA_DIR=str(releases.settings.data_dir))
    shown = command("--html", str(tmp_path / "page.html"))
    assert shown.returncode == 0, shown.stderr
    assert "inputs/price" in shown.stdout
    assert "<svg" in (tmp_path / "page.html").read_text()
    told = command("--json", ENDCAP_DRIFT_PSI="0.0001", ENDCAP_DRIFT_NATURAL="0")
    assert told.returncode == 1
    report = msgspec.json.decode(told.stdout, type=Report)
    assert report.drifted
    assert drift.read_report(releases.settings.data_dir / "reports" / "demo") == report


def test_a_damaged_reference_is_an_error(tmp_path: Path) -> None:
    """Unreadable, or of another version."""
    (tmp_path / distributions.FILE).write_text("?")
    with pytest.raises(BundleError, match="train again"):
        distributions.read(tmp_path)
    (tmp_path / distributions.FILE).write_bytes(distributions.encode(distributions.Reference({}, 0, version=99)))
    with pytest.raises(BundleError, match="version 99"):
        distributions.read(tmp_path)
