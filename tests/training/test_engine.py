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


def test_an_opened_engine_spills_into_a_directory_that_goes_with_it() -> None:
    """The memory it may hold is bounded; what does not fit lies where nothing is left afterwards."""
    with engines.opened("duckdb", memory_mib=300) as engine:
        setting = "SELECT current_setting('memory_limit'), current_setting('temp_directory')"
        limit, directory = engine.raw_sql(setting).fetchone()
        assert limit == "300.0 MiB"
        assert Path(directory).is_dir()
    assert not Path(directory).exists()


def test_more_than_fits_is_still_counted() -> None:
    """Two hundred megabytes of distinct texts through an engine that may hold 100: it takes to the disk."""
    with engines.opened("duckdb", memory_mib=100) as engine:
        engine.raw_sql("CREATE VIEW many AS SELECT repeat('x', 100) || range AS text FROM range(2_000_000)")
        kept = engines.keep(engine, "kept", engine.table("many"))
        assert engines.scalar(engine, kept.text.max()) == "x" * 100 + "999999"


def test_what_is_kept_for_a_while_is_dropped_after() -> None:
    """Its memory is free for the next one, which may have the same name."""
    with engines.opened("duckdb") as engine:
        for _ in range(2):
            with engines.kept(engine, "few", engines.load(engine, THREE)) as few:
                assert engines.scalar(engine, few.count()) == 3
        assert engine.raw_sql("SELECT count(*) FROM duckdb_tables()").fetchone() == (0,)


def test_a_loaded_table_keeps_its_missing_values() -> None:
    """Arrow in, Arrow out."""
    with engines.opened("duckdb") as engine:
        assert engines.arrow(engine, engines.load(engine, THREE).order_by("id"))["count"].to_pylist() == [1, 2, None]
