"""The one place that opens the query engine: DuckDB in process unless the caller brings another Ibis backend.

In: paths of Parquet files, Ibis expressions. Out: Ibis tables, Arrow tables, Parquet files.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ibis
import pyarrow as pa
from ibis.backends import BaseBackend
from ibis.expr.types import Scalar, Table


def connect(temporary: Path | None = None) -> BaseBackend:
    """A DuckDB in memory with UTC as its zone; what does not fit in memory goes to `temporary`."""
    options = {} if temporary is None else {"temp_directory": str(temporary)}
    return ibis.duckdb.connect(**options)


@contextmanager
def _quiet() -> Iterator[None]:
    # Ibis 12 asks DuckDB 2 for table schemas by a name it deprecates; nothing a user could act on.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"fetch_arrow_table\(\) is deprecated", category=DeprecationWarning)
        yield


def read_parquet(engine: BaseBackend, path: Path, name: str, **options: bool) -> Table:
    """The Parquet file as an Ibis table called `name` in this engine; `options` are the engine's own."""
    with _quiet():
        return engine.read_parquet(str(path), table_name=name, **options)


def keep(engine: BaseBackend, name: str, expression: Table) -> Table:
    """Compute the expression once and keep it as a temporary table."""
    with _quiet():
        return engine.create_table(name, expression, temp=True)


def arrow(engine: BaseBackend, expression: Table) -> pa.Table:
    """The expression's rows as Arrow."""
    return engine.to_pyarrow(expression)


def scalar(engine: BaseBackend, expression: Scalar) -> object:
    """The expression's one value."""
    return engine.to_pyarrow(expression).as_py()


def write_parquet(engine: BaseBackend, expression: Table, path: Path) -> None:
    """Write the expression's rows in their order, compressed, in row groups a reader can stream."""
    engine.to_parquet(expression, str(path), compression="zstd", row_group_size=122_880)
