"""The settings of the trainer, from the environment (prefix ENDCAP_); docs/settings.md lists them.

In: environment variables. Out: `Settings`, frozen. ENDCAP_DATA_DIR and ENDCAP_SHOP mean what they mean to the edge.
"""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from training.engine import Engine


class Settings(BaseSettings):
    """Where data and bundles lie, and how much a training run may look at."""

    model_config = SettingsConfigDict(env_prefix="ENDCAP_", frozen=True)

    shop: str = Field("demo", pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="the shop trained for")
    data_dir: Path = Field(Path("data"), description="where data sets, bundles and catalogue lie")
    pseudonym_key: str | None = Field(
        None, description="as for the edge; asked for only where erased shoppers must be known again in raw files"
    )
    bundles: Path | None = Field(None, description="where bundles are written; unset: <data dir>/bundles")
    train_orders: int = Field(6_000, ge=1, description="orders of the label weeks the ranker learns from, at most")
    test_orders: int = Field(2_500, ge=1, description="orders of the unseen weeks it is measured on, at most")
    test_days: int = Field(35, ge=1, description="last days that nothing is learned from; less in a short history")
    label_days: int = Field(49, ge=1, description="days before those whose orders are the labels; likewise")
    engine: Engine = Field("duckdb", description="what aggregates the history: `duckdb` in process, or `spark`")
    engine_memory_mib: int = Field(
        3_072, ge=256, description="memory DuckDB may hold; beyond it, it spills to the temporary directory"
    )
    spark_master: str = Field("local[2]", min_length=1, description="where Spark runs: `local[N]` or a cluster's URL")
    threads: int = Field(
        1, ge=1, description="cores the forest may use; more than are free makes it slower, not faster"
    )

    @property
    def bundles_dir(self) -> Path:
        """One directory per shop below it."""
        return self.bundles or self.data_dir / "bundles"

    @property
    def dataset_dir(self) -> Path:
        """The shop's prepared data."""
        return self.data_dir / "datasets" / self.shop

    @property
    def customers_dir(self) -> Path:
        """The models of customers, one directory per shop below it."""
        return self.data_dir / "customers"

    @property
    def catalogue_path(self) -> Path:
        """The shop's catalogue snapshot."""
        return self.data_dir / "catalogue" / f"{self.shop}.cat"
