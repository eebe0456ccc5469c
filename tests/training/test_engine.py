"""The query engine's door: Parquet and tables in, Arrow and files out."""

from datetime import UTC, datetime
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from training import engine as engines

THREE = pa.table({"id": ["b", "a", "c"], "count": [2, 1, None]})


def test_a_parquet_file_is_a_table_by_name(tmp_path: Path) -> None:
    """Its rows come back as Arrow, missing values as missing."""
    pq.write_table(THREE, tmp_path / "three.parquet")
    engine = engines.connect()
    table = engines.read_parquet(engine, tmp_path / "three.parquet", "three")
    assert engines.arrow(engine, table.order_by("id")).to_pylist() == [
        {"id": "a", "count": 1},
        {"id": "b", "count": 2},
        {"id": "c", "count": None},
    ]
    assert table.get_name() == "three"
    engine.disconnect()


def test_what_is_kept_outlives_its_source(tmp_path: Path) -> None:
    """A kept table was computed once: the file it came from may go."""
    path = tmp_path / "three.parquet"
    pq.write_table(THREE, path)
    engine = engines.connect()
    table = engines.read_parquet(engine, path, "three")
    kept = engines.keep(engine, "kept", table.filter(table["count"].notnull()))
    path.unlink()
    assert engines.scalar(engine, kept.count()) == 2
    engine.disconnect()


def test_a_scalar_is_a_python_value() -> None:
    """Counts are ints, sums of nothing are None."""
    engine = engines.connect()
    table = ibis.memtable(THREE)
    assert engines.scalar(engine, table["count"].sum()) == 3
    assert engines.scalar(engine, table.filter(table.id == "z")["count"].sum()) is None
    engine.disconnect()


def test_parquet_is_written_in_the_order_asked_for(tmp_path: Path) -> None:
    """Readers stream the file: what stands first comes first, and it is compressed."""
    engine = engines.connect()
    engines.write_parquet(engine, ibis.memtable(THREE).order_by("id"), tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet")["id"].to_pylist() == ["a", "b", "c"]
    assert pq.read_metadata(tmp_path / "out.parquet").row_group(0).column(0).compression == "ZSTD"
    engine.disconnect()


def test_times_are_in_utc_on_every_machine(tmp_path: Path) -> None:
    """A zone in the data is translated; the engine's own zone is UTC."""
    engine = engines.connect(tmp_path / "spill")
    late = ibis.memtable(pa.table({"time": ["2026-05-01T23:00:00-02:00"]}))
    found = engines.scalar(engine, late.time.cast("timestamp('UTC')").cast("timestamp").max())
    assert found == datetime(2026, 5, 2, 1, tzinfo=UTC).replace(tzinfo=None)
    engine.disconnect()
