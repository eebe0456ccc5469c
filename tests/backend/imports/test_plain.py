"""The plain format into the event log: judged, in pseudonyms, replaced by itself, heeding denials."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from redis import Redis

from backend import audit
from backend.event_log.rows import LogError
from backend.imports.run import Declared, import_plain, sweep
from backend.settings import Settings
from edge.core.consent import Decision, encode_decision
from edge.core.keys import consent_key
from edge.core.snapshot import read_snapshot
from tests.backend.imports.conftest import ALL, logged, named
from tests.serving import KEY
from training import sample
from training.rules import DataError

COLUMNS = "event_id,type,time,product_id,customer_id,visitor_id,session_id,order_id,quantity,price,discount,currency,"
EVENTS = f"""{COLUMNS}consent,source
o1,purchase-complete,2026-05-01T10:00:00Z,p1,7,,s1,100,2,5.00,1.00,EUR,,web
o1,purchase-complete,2026-05-01T10:00:00Z,p2,7,,s1,100,1,3.00,,EUR,,web
v1,detail-page-view,2026-05-01T09:00:00+02:00,p1,,dev-1,s2,,,,,,analytics,web
v2,detail-page-view,2026-05-02T09:00:00Z,p1,,dev-2,,,,,,,personalization,app
o2,purchase-complete,2026-05-03T10:00:00Z,m1,8,,,101,1,9.00,,EUR,"analytics,personalization",store
bad,purchase-complete,2026-05-03T10:00:00Z,p1,,,,,1,9.00,,EUR,analytics,
"""
PRODUCTS = """id,title,price,category,currency
p1,Tea,5,Drinks > Tea,EUR
p2,Cup,3,Home,EUR
m1,Pills,9,Health > Medicine,EUR
"""


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A small directory in the plain format."""
    directory = tmp_path / "plain"
    directory.mkdir()
    (directory / "events.csv").write_text(EVENTS)
    (directory / "products.csv").write_text(PRODUCTS)
    return directory


Tell = Callable[[str, int, int], None]


def test_rows_arrive_in_pseudonyms_with_what_they_allow(settings: Settings, plain: Path, tell: Tell) -> None:
    """What rows say of consent stands; the declaration fills in where they say nothing."""
    report = import_plain(settings, plain, ALL, tell)
    rows = logged(settings)
    assert [(row["event_id"], row["line"]) for row in rows] == [("v1", 0), ("o1", 0), ("o1", 1), ("o2", 0)]
    view, first, _, last = rows
    assert (view["visitor_id"], view["customer_id"], view["consent"]) == (named("visitor", "dev-1"), None, "analytics")
    assert view["time"].isoformat() == "2026-05-01T07:00:00+00:00"
    assert (first["customer_id"], first["order_id"]) == (named("customer", "7"), "100")
    assert (first["quantity"], first["price"], first["discount"], first["currency"]) == (2, 5.0, 1.0, "EUR")
    assert first["consent"] == "analytics,marketing,personalization"
    assert last["consent"] == "analytics,personalization"
    assert {row["source"] for row in rows} == {"import"}
    assert (report.rows, report.days, report.products) == (4, 2, 3)
    assert report.refused == {"events.csv": {"neither visitor_id nor customer_id": 1}}
    assert report.left_out["no consent to analytics"] == 1
    assert "4 rows on 2 days" in str(report)
    assert "1 x neither" in str(report)


def test_nothing_on_disk_names_a_person(settings: Settings, plain: Path, tell: Tell) -> None:
    """Not the log, not the list of refused rows, and the import's directory is gone."""
    import_plain(settings, plain, ALL, tell)
    left = [path for path in settings.data_dir.rglob("*") if path.is_file()]
    for path in left:
        assert b"dev-1" not in path.read_bytes(), path
    rejected = [path for path in left if path.name.endswith("rejected.csv")]
    assert list(csv.DictReader(rejected[0].read_text().splitlines())) == [
        {"file": "events.csv", "line": "7", "reason": "neither visitor_id nor customer_id"}
    ]
    assert not [path for path in (settings.data_dir / "imports").rglob("*") if path.is_dir() and path.name != "demo"]


def test_a_repeated_import_replaces_itself(settings: Settings, plain: Path, tell: Tell) -> None:
    """Also under other declarations: what is not declared any more is gone."""
    import_plain(settings, plain, ALL, tell)
    files = sorted((settings.data_dir / "events").rglob("*.parquet"))
    import_plain(settings, plain, ALL, tell)
    assert sorted((settings.data_dir / "events").rglob("*.parquet")) == files
    import_plain(settings, plain, Declared(()), tell)
    assert [row["event_id"] for row in logged(settings)] == ["v1", "o2"]
    import_plain(settings, plain, Declared((), restricted=("Medicine",)), tell)
    assert [row["event_id"] for row in logged(settings)] == ["v1"]


@pytest.mark.parametrize("category", ["Health", "medicine", "health > medicine", "Health>Medicine"])
def test_restricted_categories_stay_out(settings: Settings, plain: Path, tell: Tell, category: str) -> None:
    """By path or by one of its names, whatever the case; the catalogue keeps its products."""
    report = import_plain(settings, plain, replace(ALL, restricted=(category,)), tell)
    assert "o2" not in {row["event_id"] for row in logged(settings)}
    assert report.left_out["product of a restricted category"] == 1
    assert len(read_snapshot(settings.data_dir / "catalogue" / "demo.cat").products) == 3


def test_the_shops_own_restricted_categories_stay_out(settings: Settings, plain: Path, tell: Tell) -> None:
    """Without being named again."""
    listed = settings.model_copy(update={"restricted_categories": "Weapons, Health > Medicine"})
    import_plain(listed, plain, ALL, tell)
    assert [row["event_id"] for row in logged(settings)] == ["v1", "o1", "o1"]


def test_without_products_the_catalogue_says_what_is_restricted(settings: Settings, plain: Path, tell: Tell) -> None:
    """It knows the categories from an earlier import."""
    import_plain(settings, plain, ALL, tell)
    (plain / "products.csv").unlink()
    report = import_plain(settings, plain, replace(ALL, restricted=("Medicine", "Nothing")), tell)
    assert report.left_out["product of a restricted category"] == 1
    assert [row["event_id"] for row in logged(settings)] == ["v1", "o1", "o1", "o2"]  # of the first import


def test_who_denied_or_was_erased_does_not_come_back(
    settings: Settings, plain: Path, tell: Tell, redis: "Redis"
) -> None:
    """A stored decision beats the importer's declaration; an unreadable one counts as a denial."""
    customer, device = named("customer", "7"), named("visitor", "dev-1")
    redis.set(consent_key("demo", customer), encode_decision(Decision("demo", customer, (), 0.0, "erased")))
    redis.set(consent_key("demo", device), b"\x09nonsense")
    report = import_plain(settings, plain, ALL, tell)
    assert [row["event_id"] for row in logged(settings)] == ["o2"]
    assert report.left_out["shopper has denied it, or was erased"] == 3
    redis.set(consent_key("demo", customer), encode_decision(Decision("demo", customer, ("analytics",), 0.0, "web")))
    redis.delete(consent_key("demo", device))
    import_plain(settings, plain, ALL, tell)
    assert [row["consent"] for row in logged(settings, event_id="o1")] == ["analytics"] * 2
    assert len(logged(settings)) == 4


def test_the_products_become_the_catalogue_unless_told_otherwise(settings: Settings, plain: Path, tell: Tell) -> None:
    """With the prices of the file."""
    path = settings.data_dir / "catalogue" / "demo.cat"
    import_plain(settings, plain, replace(ALL, catalogue=False), tell)
    assert not path.exists()
    import_plain(settings, plain, ALL, tell)
    assert {product.id: product.price for product in read_snapshot(path).products} == {"p1": 5, "p2": 3, "m1": 9}


def test_without_a_products_file_events_may_name_any_product(settings: Settings, plain: Path, tell: Tell) -> None:
    """The catalogue stays as it is."""
    (plain / "products.csv").unlink()
    assert import_plain(settings, plain, ALL, tell).products == 0
    assert len(logged(settings)) == 4
    assert not (settings.data_dir / "catalogue").exists()


def test_with_a_products_file_unknown_products_are_refused(settings: Settings, plain: Path, tell: Tell) -> None:
    """As training would refuse them."""
    (plain / "products.csv").write_text(PRODUCTS.replace("p2,", "p3,"))
    report = import_plain(settings, plain, ALL, tell)
    assert report.refused["events.csv"]["product is not in the products file"] == 1


def test_the_audit_log_has_a_line_without_ids(settings: Settings, plain: Path, tell: Tell) -> None:
    """Counts, the declaration, and who."""
    import_plain(settings, plain, ALL, tell)
    (entry,) = audit.read(settings.data_dir)
    assert (entry.action, entry.actor, entry.details["rows"]) == ("import", "import plain", 4)
    assert entry.details["consent"] == ["personalization", "analytics", "marketing"]


def test_without_a_log_nothing_is_begun(settings: Settings, plain: Path, tell: Tell, tmp_path: Path) -> None:
    """EVENT_LOG=none is said before any work; a path that is no directory, too."""
    with pytest.raises(LogError, match="EVENT_LOG"):
        import_plain(settings.model_copy(update={"event_log": "none"}), plain, ALL, tell)
    assert not (settings.data_dir / "imports").exists()
    with pytest.raises(DataError, match="not a directory"):
        import_plain(settings, plain / "events.csv", ALL, tell)


def test_many_days_come_in_groups_of_whole_days(
    settings: Settings, tmp_path: Path, tell: Tell, told: list[tuple[str, int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every row once, whatever the size of a group."""
    source = sample.generate(tmp_path / "sample", ends=date(2026, 10, 31))
    monkeypatch.setattr("backend.imports.intake._GROUP_ROWS", 500)
    monkeypatch.setattr("backend.imports.intake._BATCH_ROWS", 300)
    report = import_plain(settings, source, ALL, tell)
    assert len(logged(settings)) == report.rows > 3_000
    writing = [done for what, done, _ in told if what == "writing days"]
    assert len(writing) > 3
    assert writing[-1] == report.rows


def test_imports_given_up_are_swept_away(tmp_path: Path) -> None:
    """After a month: they hold raw ids."""
    for name, age in (("old", 31), ("new", 1), ("mine", 40)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").touch()
        os.utime(tmp_path / name, (0, (tmp_path / name).stat().st_mtime - age * 86_400))
    (tmp_path / "old.rejected.csv").touch()
    os.utime(tmp_path / "old.rejected.csv", (0, 0))
    sweep(tmp_path, keep=tmp_path / "mine")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "new"]


DRIVER = """
import os, signal, sys
from pathlib import Path
from backend.imports import intake, run, shopify
from backend.imports.run import Declared
from backend.settings import Settings
kind, source, die_at = sys.argv[1], sys.argv[2:-1], int(sys.argv[-1])
shopify.STRETCH, intake._GROUP_ROWS, intake._BATCH_ROWS = 60_000, 400, 200
calls = 0
def tell(what, done, total):
    global calls
    calls += 1
    if calls == die_at:
        os.kill(os.getpid(), signal.SIGKILL)
declared = Declared(("analytics",))
if kind == "plain":
    run.import_plain(Settings(), Path(source[0]), declared, tell)
else:
    run.import_shopify(Settings(), [Path(one) for one in source], declared, tell)
"""


def drive(data: Path, store: str, kind: str, source: list[Path], die_at: int) -> int:
    """Import in a process of its own, which kills itself at its n-th word; the exit status."""
    environment = os.environ | {"ENDCAP_DATA_DIR": str(data), "REDIS_URL": store, "ENDCAP_PSEUDONYM_KEY": KEY}
    line = [sys.executable, "-c", DRIVER, kind, *map(str, source), str(die_at)]
    return subprocess.run(line, env=environment, timeout=120, check=False).returncode


def everything(data: Path) -> dict[str, pa.Table]:
    """The files of a log, without when they were recorded; and the catalogue's products."""
    found = {str(path.relative_to(data)): pq.read_table(path).drop_columns("recorded")
             for path in sorted((data / "events").rglob("*.parquet"))}  # fmt: skip
    products: list[Any] = read_snapshot(data / "catalogue" / "demo.cat").products
    return found | {"products": sorted(products, key=lambda product: product.id)}


def test_killed_at_any_point_it_goes_on(tmp_path: Path, session_store: str, redis: "Redis") -> None:
    """SIGKILL while judging, between groups, at the end: the outcome is that of an undisturbed run."""
    source = sample.generate(tmp_path / "sample", ends=date(2026, 10, 31))
    assert drive(tmp_path / "calm", session_store, "plain", [source], 0) == 0
    deaths = [drive(tmp_path / "data", session_store, "plain", [source], at) for at in (1, 3, 5, 7)]
    assert deaths == [-9] * 4
    assert drive(tmp_path / "data", session_store, "plain", [source], 0) == 0
    assert everything(tmp_path / "data") == everything(tmp_path / "calm")
    assert not list((tmp_path / "data" / "imports" / "demo").glob("*/"))
