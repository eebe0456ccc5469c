"""The one place that opens the query engine: DuckDB in process, or Spark where the data outgrow one machine.

In: paths of Parquet files, Ibis expressions. Out: Ibis tables, Arrow tables, Parquet files. What is computed is written
once, in Ibis, by the callers; only how an engine reads, keeps and hands over rows differs, and that is decided here.
"""

import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

import ibis
import pyarrow as pa
from ibis.backends import BaseBackend
from ibis.expr.types import Scalar, Table
from ibis.util import gen_name

Engine = Literal["duckdb", "spark"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
_SPARK = "pyspark"  # Ibis's name of it


@contextmanager
def opened(name: Engine, *, spark_master: str = "local[2]", memory_mib: int = 3_072) -> Iterator[BaseBackend]:
    """The engine by name, closed at the end; what does not fit into its memory goes to a temporary directory.

    `memory_mib` bounds DuckDB; Spark takes what its own settings give it. Raises EndcapError when Spark cannot start.
    """
    with tempfile.TemporaryDirectory(prefix="endcap-engine-", ignore_cleanup_errors=True) as directory:
        if name == "spark":
            from training import spark  # an extra of its own: half a gigabyte that few need

            with spark.started(spark_master, Path(directory)) as engine:
                yield engine
        else:
            engine = connect(Path(directory), memory_mib)
            try:
                yield engine
            finally:
                engine.disconnect()


def connect(temporary: Path | None = None, memory_mib: int | None = None) -> BaseBackend:
    """A DuckDB in memory with UTC as its zone; what does not fit in memory goes to `temporary`.

    With `memory_mib` it holds no more than that, and rows come in no order but the one an expression asks for.
    """
    options: dict[str, str | bool] = {} if temporary is None else {"temp_directory": str(temporary)}
    if memory_mib is not None:
        # Where no order is asked for none is kept, which lets DuckDB hand rows on instead of collecting them.
        options |= {"memory_limit": f"{memory_mib}MiB", "preserve_insertion_order": False}
    return ibis.duckdb.connect(**options)


@contextmanager
def _quiet() -> Iterator[None]:
    # Ibis 12 asks DuckDB 2 for table schemas by a name it deprecates; nothing a user could act on.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"fetch_arrow_table\(\) is deprecated", category=DeprecationWarning)
        yield


def read_parquet(engine: BaseBackend, path: Path | Sequence[Path], name: str, **options: bool) -> Table:
    """The Parquet file, or files, as an Ibis table called `name` in this engine; `options` are the engine's own."""
    paths = [str(one.resolve()) for one in ([path] if isinstance(path, Path) else path)]
    with _quiet():
        return engine.read_parquet(paths[0] if len(paths) == 1 else paths, table_name=name, **options)


def load(engine: BaseBackend, table: pa.Table) -> Table:
    """A small Arrow table as a table of this engine. Ibis's own way to Spark, through pandas, makes nulls "NaN"."""
    if engine.name == _SPARK:
        from training import spark

        return spark.load(engine, table)
    return ibis.memtable(table)


def keep(engine: BaseBackend, name: str, expression: Table) -> Table:
    """Compute the expression once and keep its rows for as long as the engine is open."""
    if engine.name == _SPARK:
        from training import spark

        return spark.keep(engine, name, expression)
    with _quiet():
        return engine.create_table(name, expression, temp=True)


@contextmanager
def kept(engine: BaseBackend, name: str, expression: Table) -> Iterator[Table]:
    """Like `keep`, under a name made from `name`, until the block ends. An error ends the engine with all it kept."""
    name = gen_name(name)
    yield keep(engine, name, expression)
    drop(engine, name)


def drop(engine: BaseBackend, name: str) -> None:
    """Forget what `keep` kept under this name."""
    if engine.name == _SPARK:
        from training import spark

        spark.drop(name)
    else:
        engine.raw_sql(f'DROP TABLE "{name}"')  # Ibis 12's drop_table writes no name with sqlglot 30


def arrow(engine: BaseBackend, expression: Table) -> pa.Table:
    """The expression's rows as Arrow, with the types Ibis foretells."""
    if engine.name == _SPARK:
        from training import spark

        return spark.arrow(engine, expression)
    return engine.to_pyarrow(expression)


def scalar(engine: BaseBackend, expression: Scalar) -> object:
    """The expression's one value."""
    return arrow(engine, expression.as_table())[0][0].as_py()


def write_parquet(engine: BaseBackend, expression: Table, path: Path) -> None:
    """Write the expression's rows in their order, compressed, in row groups a reader can stream. DuckDB only."""
    engine.to_parquet(expression, str(path), compression="zstd", row_group_size=122_880)
