"""Spark as an engine of Ibis: started with its own JVM, quiet, reachable from this machine only where it runs here.

In: the URL of a Spark master (`local[2]`, `spark://host:7077`, `yarn`, ...), a directory for its temporary files. Out:
an Ibis backend, and the four things Ibis leaves open on it: keeping rows, dropping them, Arrow in, Arrow out.
"""

import gc
import os
import re
import shutil
import signal
import subprocess
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa
from ibis.backends import BaseBackend
from ibis.expr.types import Table
from ibis.util import gen_name

from edge.core.errors import EndcapError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

JAVA = (17, 21)  # what Spark 4 runs on
_JVM_ENDS_S = 20.0
_LOG_LINES = 5


class SparkError(EndcapError):
    """Spark cannot be used here: no PySpark, no Java that it runs on, or a master that does not answer."""


def java_version() -> int | None:
    """The major version of the Java that Spark would start, None where there is none."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None or not Path(java).is_file():
        return None
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found[1]) if found else None


def missing() -> str | None:
    """What keeps Spark from starting here, with the remedy; None when nothing does."""
    try:
        import pyspark  # noqa: F401 -- only whether it is there
    except ImportError:
        return "PySpark is not installed; pip install 'endcap[spark]'"
    version = java_version()
    if version in JAVA:
        return None
    found = "none was found" if version is None else f"Java {version} was found"
    wanted = " or ".join(map(str, JAVA))
    return f"Spark needs Java {wanted}, {found}; install openjdk-17-jre-headless, or name a Java by JAVA_HOME"


@contextmanager
def started(master: str, directory: Path) -> Iterator[BaseBackend]:
    """A session on `master`, ended with its JVM when the block ends, also by Ctrl-C. Raises SparkError."""
    if reason := missing():
        raise SparkError(reason)
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    log, interrupt = directory / "spark.log", signal.getsignal(signal.SIGINT)
    gateway: Any = None
    conf = SparkConf(loadDefaults=False).setAll(list(settings(master, directory).items()))
    with log.open("wb") as written:
        try:
            # The JVM's warnings are about itself; what goes wrong with a query comes back as an exception.
            streams = {"stdout": written, "stderr": written}
            gateway = launch_gateway(conf, streams)  # type: ignore[no-untyped-call]  # PySpark types it only in part
            session = SparkSession(SparkContext(conf=conf, gateway=gateway))
            if threading.current_thread() is threading.main_thread():
                # PySpark's own asks the JVM something in the middle of another answer, and fails.
                signal.signal(signal.SIGINT, interrupt)
        except Exception as error:  # of Py4J, the JVM or PySpark; nothing is lost, no run had begun
            with _sockets_left_open():
                _end(gateway)
                traceback.clear_frames(error.__traceback__)
            raise SparkError(f"Spark did not start on {master}: {_reason(error, log)}") from error
        try:
            yield ibis.pyspark.connect(session)
        except PySparkException as error:
            raise SparkError(f"Spark failed: {str(error).strip().splitlines()[0]}") from error
        finally:
            with _sockets_left_open():
                # On a connection of its own: this thread's may have been interrupted in the middle of an answer.
                stopping = threading.Thread(target=session.stop)
                stopping.start()
                stopping.join()
                _end(gateway)
                del session, stopping
                gc.collect()


def settings(master: str, directory: Path) -> dict[str, str]:
    """What Spark is told. A cluster has its own opinion of memory, partitions and addresses: those stay its own."""
    everywhere = {
        "spark.master": master,
        "spark.app.name": "endcap",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": str(directory / "warehouse"),
        "spark.driver.maxResultSize": "0",  # what is fetched are the arrays of an index, which must fit here anyway
    }
    if not master.startswith("local"):
        return everywhere
    return everywhere | {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": os.environ.get("SPARK_DRIVER_MEMORY", "2g"),
        "spark.local.dir": str(directory),
        "spark.sql.shuffle.partitions": "8",  # 200, the default, are meant for a cluster
    }


def load(engine: BaseBackend, table: pa.Table) -> Table:
    """An Arrow table as a view."""
    name = gen_name("loaded")
    _session().createDataFrame(table).createOrReplaceTempView(name)
    return engine.table(name)


def keep(engine: BaseBackend, name: str, expression: Table) -> Table:
    """The rows are computed now and stay on the executors, in memory or on disk: one that is lost fails the run."""
    # A cached view would outlive that, but every later query pays for planning again how its rows came about: over the
    # sample shop that was three quarters of all the time.
    with _planned(engine, expression) as plan:
        plan.localCheckpoint().createOrReplaceTempView(name)
    return engine.table(name)


def drop(name: str) -> None:
    """Forget what `keep` kept under this name."""
    _session().catalog.dropTempView(name)


def arrow(engine: BaseBackend, expression: Table) -> pa.Table:
    """The rows as Arrow, without the detour through pandas that Ibis takes."""
    with _planned(engine, expression) as plan, _sockets_left_open():
        rows = plan.toArrow()
    return rows.cast(expression.schema().to_pyarrow())


@contextmanager
def _planned(engine: BaseBackend, expression: Table) -> "Iterator[DataFrame]":
    """The expression as Spark's own frame."""
    name = gen_name("planned")
    engine.create_view(name, expression)
    yield _session().table(name)
    # Not after an error: an interrupted call may still be answered, and would be waited for.
    drop(name)  # Ibis 12's own drop_view writes no name with sqlglot 30


@contextmanager
def _sockets_left_open() -> Iterator[None]:
    """PySpark leaves the sockets and pipes it used to the garbage collector, which complains."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield


def _session() -> "SparkSession":
    from pyspark.sql import SparkSession

    return SparkSession.active()


def _end(gateway: Any) -> None:  # noqa: ANN401 -- Py4J has no types
    """End the JVM, which leaves when its standard input closes, and let the next session start another."""
    from pyspark import SparkContext

    SparkContext._gateway = SparkContext._jvm = None  # PySpark keeps them for ever; there is no public way
    if gateway is None:
        return
    gateway.close()
    gateway.proc.stdin.close()
    try:
        gateway.proc.wait(_JVM_ENDS_S)
    except subprocess.TimeoutExpired:
        gateway.proc.kill()
        gateway.proc.wait()


def _reason(error: Exception, log: Path) -> str:
    # Py4J's messages are Java stack traces: the first line that says something is enough.
    lines = [line.strip() for line in [*str(error).splitlines(), *log.read_text(errors="replace").splitlines()]]
    told = [line for line in lines if re.search(r"(Exception|Error)\b.*: ", line)]
    return told[0] if told else "; ".join(lines[:_LOG_LINES])
