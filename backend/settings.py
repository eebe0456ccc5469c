"""The settings of the backend, from the environment; docs/settings.md lists them."""

from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from backend.admin.settings import AdminSettings
from backend.release.canary_settings import CanarySettings
from backend.release.settings import ReleaseSettings
from edge.core.signature import bundle_keys


class Settings(AdminSettings, CanarySettings, ReleaseSettings):
    """Where the backend finds the store, the data and the bundles. The same names as the edge uses."""

    model_config = SettingsConfigDict(env_prefix="ENDCAP_", frozen=True)

    redis_url: str | None = Field(
        None,
        validation_alias=AliasChoices("redis_url", "REDIS_URL"),
        description="store of profiles and events; unset: the embedded Valkey in the data directory",
    )
    shop: str = Field("demo", pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="the shop worked on")
    data_dir: Path = Field(Path("data"), description="where bundles, catalogue and the embedded store live")
    pseudonym_key: str | None = Field(
        None,
        description="secret (hex, 16 bytes or more) behind pseudonyms; while keys rotate, the newest first, with a "
        "comma; unset: made once in the data directory",
    )
    bundle_keys: SecretStr | None = Field(
        None,
        description="secrets behind bundles' signatures, comma list, newest first; unset: unsigned ones serve",
    )
    bundle_store: str | None = Field(
        None, description="object store (path or URL) that brings bundles to edges elsewhere; unset: none is needed"
    )
    event_log: str | None = Field(
        None,
        validation_alias=AliasChoices("event_log", "EVENT_LOG", "ENDCAP_EVENT_LOG"),
        description="where events are logged: a path, an object store's URL, or `none`; unset: <data dir>/events",
    )
    log_events: int = Field(20_000, ge=1, description="events the log's writer gathers before it writes files")
    log_wait_s: float = Field(30.0, gt=0, description="longest time an event waits for being written to the log")
    log_claim_s: float = Field(120.0, gt=0, description="after this time a dead log writer's events are taken over")
    shopper_secrets: SecretStr | None = Field(
        None,
        description="secrets behind shopper tokens, comma list, 16 bytes or more; unset: none is believed",
    )
    shopify_url: str | None = Field(None, description="the shop's own address, https://<name>.myshopify.com")
    shopify_token: SecretStr | None = Field(None, description="Admin API access token; scopes in importing.md")
    bigcommerce_url: str | None = Field(None, description="https://api.bigcommerce.com/stores/<hash>")
    bigcommerce_token: SecretStr | None = Field(None, description="API account's token; scopes in importing.md")
    adobe_url: str | None = Field(None, description="the Adobe Commerce shop's address")
    adobe_token: SecretStr | None = Field(None, description="access token of an integration; resources in importing.md")
    webhook_consent: str = Field(
        "none", description="what shoppers allow whose orders and carts a platform sends: `none`, or a list of purposes"
    )
    webhook_currency: str = Field(
        "USD", pattern="^[A-Z]{3}$", description="currency of prices in product messages that name none"
    )
    stream_max_entries: int = Field(
        1_000_000, ge=1, description="unread events a shop's stream may hold before events are refused with 503"
    )
    consume_batch: int = Field(2_000, ge=1, le=5_000, description="events the consumer takes at once")
    consume_idle_s: float = Field(
        30.0, gt=0, description="silence after which another consumer takes over what one was working on"
    )
    consume_attempts: int = Field(3, ge=1, description="deliveries of a failing event before it is a dead letter")
    consume_janitor_s: float = Field(
        5.0, gt=0, description="how often processed entries are removed from the stream and the lag is measured"
    )
    retention_days: int = Field(400, ge=1, description="days of the event log that are kept")
    restricted_categories: str = Field(
        "", description="category paths, with commas, of whose products nothing that a shopper does is kept"
    )
    store_timeout_s: float = Field(5.0, gt=0, description="longest wait for the store in batch work")

    @field_validator("event_log")
    @classmethod
    def _none_in_any_case(cls, value: str | None) -> str | None:
        return "none" if value is not None and value.strip().lower() == "none" else value

    @property
    def bundles_dir(self) -> Path:
        """`<data>/bundles`, one directory per shop below it."""
        return self.data_dir / "bundles"

    @property
    def signing_keys(self) -> tuple[bytes, ...]:
        """The secrets behind signatures of bundles. Raises BundleError for one that could be guessed."""
        return bundle_keys(self.bundle_keys.get_secret_value() if self.bundle_keys else None)

    @property
    def dataset_dir(self) -> Path:
        """The shop's prepared data."""
        return self.data_dir / "datasets" / self.shop
