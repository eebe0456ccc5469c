"""The second engine: what it needs, what it leaves behind, and that it computes what the first one computes."""

import ipaddress
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from ibis.backends import BaseBackend
from numpy.typing import NDArray

from backend.event_log.rows import SCHEMA
from backend.event_log.store import EventLog
from edge.core.index import ARRAYS
from tests.backend.event_log.handmade import event, order
from training import engine as engines
from training import index, readiness, sample, spark
from training.dataset import Dataset, open_dataset, prepare
from training.facts import Facts, collect
from training.log import resolved
from training.pairs import Meetings, count_meetings

NEEDS_SPARK = pytest.mark.skipif(spark.missing() is not None, reason=f"Spark cannot start here: {spark.missing()}")


@dataclass(frozen=True)
class Built:
    """Everything a bundle is made from, as one engine computed it."""

    lines: pa.Table
    facts: Facts
    meetings: Meetings
    arrays: dict[str, NDArray[Any]]
    ready: dict[str, str]
    replayed: list[str]


def build(directory: Path, engine: BaseBackend) -> Built:
    """The bundle inputs of all days, and whose events are replayed for one order."""
    dataset = open_dataset(directory, engine)
    facts = collect(engine, dataset.lines(), dataset.products())
    until = facts.last_day + 1
    meetings = count_meetings(facts, until)
    arrays = index.build(facts, meetings, until)
    rows = facts.lines.order_by("order", "item", "session", "interest", "price")
    return Built(
        engines.arrow(engine, rows),
        facts,
        meetings,
        arrays,
        readiness.of(facts, arrays, 0, 1),
        [shopper for _, shopper, _ in dataset.replay(orders=an_order(dataset))],
    )


def an_order(dataset: Dataset) -> list[str]:
    """The event id of some order."""
    lines = dataset.lines()
    first = engines.arrow(dataset.engine, lines.filter(lines.type == "purchase-complete").event_id.min().as_table())
    return [str(first[0][0].as_py())]


@dataclass(frozen=True)
class Session:
    """What a Spark session gave, what it printed on this process's own streams, where it listened, who was left."""

    built: Built
    nulls: list[str | None]
    logged: list[tuple[Any, ...]]
    listening: set[str]
    left: list[int]
    temporary: list[str]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small shop, prepared: enough for every array to hold something."""
    root = tmp_path_factory.mktemp("engines")
    plain = sample.generate(root / "plain", shoppers=60, products=60, weeks=20, ends=date(2026, 10, 31))
    return prepare(plain, root / "prepared").directory


@pytest.fixture(scope="module")
def on_duckdb(shop: Path) -> Built:
    """In process."""
    with engines.opened("duckdb") as engine:
        return build(shop, engine)


@pytest.fixture(scope="module")
def session(shop: Path, event_log: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """On Spark, in a JVM that has ended by the time the tests look."""
    temporary = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(temporary))
        # The JVM lives for seconds: compiling its code a second time, better, costs more than it brings.
        patch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")
        before = children()
        with engines.opened("spark", spark_master="local[2]") as engine:
            loaded = engines.load(engine, pa.table({"text": ["a", None]}))
            nulls = engines.arrow(engine, loaded.order_by("text"))["text"].to_pylist()
            built = build(shop, engine)
            logged = log_rows(engine, event_log / "demo")
            (jvm,) = children() - before
            listening = addresses(jvm)
        yield Session(
            built, nulls, logged, listening, sorted(children() - before), [path.name for path in temporary.iterdir()]
        )


@pytest.fixture(scope="module")
def event_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An event log on disk: two days, an order without a delivery, and one that was written twice."""
    log = EventLog(str(tmp_path_factory.mktemp("log")))
    log.write("demo", [order(1), order(2, delivery=None), event("v", query="Tea")], "a")
    log.write("demo", [order(1), order(30)], "b")
    assert log.root is not None
    return log.root


def log_rows(engine: BaseBackend, shop: Path) -> list[tuple[Any, ...]]:
    """A shop's log as an engine reads it without anything of ours, each event once; with the day its folder names."""
    files: Any = shop if engine.name == "pyspark" else sorted(shop.rglob("*.parquet"))
    rows = resolved(engines.read_parquet(engine, files, "event_log")).order_by("time", "event_id", "line")
    others = [name for name in (*SCHEMA.names, "day") if name not in {"time", "recorded"}]
    found = engines.arrow(engine, rows.select(*others, time=rows.time.cast("timestamp")))  # UTC without a zone
    return [tuple(row.values()) for row in found.to_pylist()]


def children() -> set[int]:
    """The processes this one has started that still run."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it ended meanwhile
            continue
        if parent == os.getpid():
            found.add(int(path.parent.name))
    return found


def addresses(pid: int) -> set[str]:
    """The addresses a process listens on."""
    sockets = {str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()}
    found = set()
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            values = row.split()
            if values[3] == "0A" and f"socket:[{values[9]}]" in sockets:
                found.add(str(plain_address(values[1].partition(":")[0])))
    return found


def plain_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The kernel writes addresses as little-endian words in hex."""
    words = [bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8)]
    address = ipaddress.ip_address(b"".join(words))
    return getattr(address, "ipv4_mapped", None) or address


@NEEDS_SPARK
def test_both_engines_number_the_same_facts(on_duckdb: Built, session: Session) -> None:
    """Every line with its item, order, session, shopper, day, interest and price, of the same types; every product."""
    assert session.built.lines.schema == on_duckdb.lines.schema
    assert session.built.lines.equals(on_duckdb.lines)
    assert session.built.facts.products.equals(on_duckdb.facts.products)
    ours, theirs = on_duckdb.facts, session.built.facts
    assert (ours.first_day, ours.last_day, ours.shoppers) == (theirs.first_day, theirs.last_day, theirs.shoppers)


@NEEDS_SPARK
def test_both_engines_count_the_same_meetings(on_duckdb: Built, session: Session) -> None:
    """Which products met, how often, against which chance: to the last bit."""
    ours, theirs = on_duckdb.meetings, session.built.meetings
    assert len(ours.left) > 50
    for name in ("left", "right", "together", "sold"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)
    assert ours.chance == theirs.chance


@NEEDS_SPARK
@pytest.mark.parametrize("name", ARRAYS)
def test_both_engines_give_the_same_array(name: str, on_duckdb: Built, session: Session) -> None:
    """Each array of a bundle's index: type, shape and every value, floats included."""
    ours, theirs = on_duckdb.arrays[name], session.built.arrays[name]
    assert ours.dtype == theirs.dtype
    assert ours.size
    np.testing.assert_array_equal(ours, theirs)


@NEEDS_SPARK
def test_both_engines_say_the_same_of_the_shelves(on_duckdb: Built, session: Session) -> None:
    """Readiness counts through the engine, too."""
    assert session.built.ready == on_duckdb.ready


@NEEDS_SPARK
def test_both_engines_find_the_same_shoppers_to_replay(on_duckdb: Built, session: Session) -> None:
    """One order, one shopper."""
    assert len(on_duckdb.replayed) == 1
    assert session.built.replayed == on_duckdb.replayed


@NEEDS_SPARK
def test_both_engines_read_the_same_event_log(event_log: Path, session: Session) -> None:
    """Values, times in UTC, missing values, days; an event that stands there twice counts once."""
    with engines.opened("duckdb") as engine:
        ours = log_rows(engine, event_log / "demo")
    assert [row[0] for row in ours] == ["v", "e1", "e1", "e2", "e2", "e30", "e30"]
    assert session.logged == ours


@NEEDS_SPARK
def test_missing_values_stay_missing(session: Session) -> None:
    """On the way into Spark through pandas they would become the text NaN."""
    assert sorted(session.nulls, key=str) == [None, "a"]


@NEEDS_SPARK
def test_a_local_spark_listens_to_this_machine_only(session: Session) -> None:
    """No page of its own, no port that others reach."""
    assert session.listening
    assert all(ipaddress.ip_address(address).is_loopback for address in session.listening)


@NEEDS_SPARK
def test_nothing_is_left_when_spark_is_closed(session: Session) -> None:
    """No JVM, no temporary directory."""
    assert session.left == []
    assert [name for name in session.temporary if name.startswith("endcap")] == []


@NEEDS_SPARK
def test_an_interrupted_program_leaves_no_jvm(tmp_path: Path) -> None:
    """Ctrl-C while Spark computes: the program ends, its JVM with it, and neither left a word of Spark's own log."""
    program = (
        "import os, signal, threading\n"
        "from pathlib import Path\n"
        "from training import engine as engines\n"
        # A shell that starts the tests in the background has it ignored, and children inherit that.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "with engines.opened('spark', spark_master='local[1]') as engine:\n"
        "    print(*Path('/proc/self/task', str(os.getpid()), 'children').read_text().split(), flush=True)\n"
        "    rows = engine.sql('SELECT count(*) AS n FROM range(1000000000000) WHERE sqrt(id) < 0')\n"
        "    threading.Timer(3, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "    engines.keep(engine, 'forever', rows)\n"
    )
    environment = {"TMPDIR": str(tmp_path), "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1"}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | environment,
    ) as running:  # fmt: skip
        out, errors = running.communicate(timeout=240)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert "WARN" not in errors
    assert out.split()
    for pid in out.split():
        assert not Path("/proc", pid).exists()
    assert not list(tmp_path.glob("endcap-*"))


def java(directory: Path, version: str) -> Path:
    """A Java of this version that can say so, and nothing else."""
    program = directory / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\n")
    program.chmod(0o755)
    return directory


@pytest.mark.parametrize(("version", "number"), [("17.0.15", 17), ("21", 21), ("11.0.2", 11), ("1.8.0_401", 8)])
def test_java_s_version_is_read(version: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old Javas begin with 1."""
    monkeypatch.setenv("JAVA_HOME", str(java(tmp_path / "jdk", version)))
    assert spark.java_version() == number


def test_without_java_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of ours before anything starts, not a stack trace from a script of Spark's."""
    pytest.importorskip("pyspark")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(spark.SparkError, match=r"Java 17 or 21, none was found; install openjdk-17-jre-headless"),
        engines.opened("spark"),
    ):
        raise AssertionError("must not start")


def test_an_old_java_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spark 4 does not run on it; JAVA_HOME goes before the path."""
    pytest.importorskip("pyspark")
    monkeypatch.setenv("JAVA_HOME", str(java(tmp_path / "jdk", "11.0.2")))
    with pytest.raises(spark.SparkError, match="Java 11 was found"), engines.opened("spark"):
        raise AssertionError("must not start")


def test_without_pyspark_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra of its own, so most installations lack it."""
    monkeypatch.setitem(sys.modules, "pyspark", None)
    assert spark.missing() == "PySpark is not installed; pip install 'endcap[spark]'"


def test_a_cluster_keeps_its_own_settings(tmp_path: Path) -> None:
    """Memory, addresses and partitions are the cluster's business; the zone is UTC everywhere."""
    here, there = spark.settings("local[2]", tmp_path), spark.settings("spark://host:7077", tmp_path)
    assert here["spark.driver.bindAddress"] == "127.0.0.1"
    assert not {name for name in there if "memory" in name or "Address" in name or "partitions" in name}
    assert here["spark.sql.session.timeZone"] == there["spark.sql.session.timeZone"] == "UTC"
    assert here["spark.ui.enabled"] == there["spark.ui.enabled"] == "false"


@NEEDS_SPARK
def test_a_master_that_is_none_is_named() -> None:
    """What Spark says about it, in one line."""
    with (
        pytest.raises(spark.SparkError, match=r"Spark did not start on nonsense: .*Master must"),
        engines.opened("spark", spark_master="nonsense"),
    ):
        raise AssertionError("must not start")
