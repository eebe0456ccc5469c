"""The settings of the edge, from the environment; `python -m edge --help` and docs/settings.md list them."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, AliasChoices, Field, StringConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict

from edge.core.access import is_origin


def _origins(text: str) -> str:
    """Origins as browsers send them. Raises ValueError for what would never match, or match everything."""
    for origin in listed(text):
        if not is_origin(origin):
            raise ValueError(
                f"{origin!r} is no origin: scheme, host in small letters, port; no path, no final slash, no *"
            )
    return text


def listed(text: str | None) -> tuple[str, ...]:
    """The parts of a comma list."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


Shop = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class Settings(BaseSettings):
    """Serve recommendations for product pages, carts and homepages."""

    model_config = SettingsConfigDict(
        env_prefix="ENDCAP_", cli_kebab_case=True, cli_prog_name="python -m edge", cli_implicit_flags=True, frozen=True
    )

    redis_url: str | None = Field(
        None,
        pattern=r"^(redis|rediss|unix|rediss?\+cluster)://",
        validation_alias=AliasChoices("redis_url", "REDIS_URL"),
        description="store of profiles and events; unset: an embedded Valkey in the data directory",
    )
    host: str = Field("127.0.0.1", description="address to listen on; demo mode accepts only loopback")
    port: int = Field(
        8000,
        ge=0,
        le=65535,
        validation_alias=AliasChoices("port", "ENDCAP_PORT", "PORT"),
        description="port to listen on",
    )
    workers: int = Field(
        1,
        ge=0,
        le=64,
        description="server processes; 0: this one alone, for a platform that restarts it (REDIS_URL set)",
    )
    demo: bool = Field(
        True, description="`/v1` needs no keys and answers loopback only; off: a key or the Worker's signature"
    )
    shopper_secrets: str | None = Field(
        None,
        repr=False,
        description="secrets behind shopper tokens, comma list, 16 bytes or more; unset: none is believed",
    )
    worker_secrets: str | None = Field(
        None,
        repr=False,
        description="secrets that our Cloudflare Worker signs with, comma list, 16 bytes or more; unset: no Worker",
    )
    origins: Annotated[str, AfterValidator(_origins)] = Field(
        "",
        description="origins whose pages may read answers, comma list, beside those of publishable keys",
    )
    shop: Shop = Field("demo", description="the shop served")
    data_dir: Path = Field(Path("data"), description="where bundles, catalogue and the embedded store live")
    bundle_keys: str | None = Field(
        None,
        repr=False,
        description="secrets behind bundles' signatures, comma list, newest first; unset: unsigned ones serve",
    )
    bundle_store: str | None = Field(
        None, description="object store (path or URL) that brings bundles to edges elsewhere; unset: none is needed"
    )
    market: str = Field("US", description="market when a request names none")
    locale: str = Field("en-US", description="locale when a request names none")
    pseudonym_key: str | None = Field(
        None,
        description="secret (hex, 16 bytes or more) behind pseudonyms; while keys rotate, the newest first, with a "
        "comma; unset: made once in the data directory",
    )
    deadline_ms: float = Field(
        50, gt=0, description="whole-request deadline; later stages are skipped once it has passed"
    )
    redis_timeout_ms: float = Field(30, gt=0, description="longest wait for the store on the request path")
    redis_write_timeout_ms: float = Field(
        250, gt=0, description="longest wait for the store when taking an event, which must not be lost"
    )
    redis_connections: int = Field(32, ge=1, description="connections to the store per process")
    cache_ttl_s: float = Field(5, ge=0, description="how long an answer may be reused")
    cache_entries: int = Field(10_000, ge=1, description="answers kept per process")
    diversity: float = Field(
        0.1, ge=0, le=1, description="how much less each further product of a kind counts on a ranked shelf; 0: off"
    )
    new_places: int = Field(
        1, ge=0, description="places of a shelf that products without sales may take, at most a quarter of it; 0: off"
    )
    max_in_flight: int = Field(
        64, ge=1, description="answers at work per process, at most; how many fit into half the deadline is measured"
    )
    key_rate: float = Field(
        1_000, ge=0, description="requests a second with one publishable key, at all processes together; 0: any"
    )
    key_burst: float = Field(5_000, ge=1, description="requests at once with one publishable key")
    client_rate: float = Field(0, ge=0, description="requests a second from one address with a publishable key; 0: any")
    client_burst: float = Field(100, ge=1, description="requests at once from one address with a publishable key")
    proxy_hops: int = Field(
        0, ge=0, le=8, description="proxies in front that add to X-Forwarded-For, for the address in client_rate"
    )
    hsts_s: int = Field(
        0,
        ge=0,
        description="seconds for Strict-Transport-Security, where all its names have TLS; 0: not sent",
    )
    max_header_bytes: int = Field(32_768, ge=1024, description="largest head of a request: its line and headers")
    read_timeout_s: float = Field(
        8.0, gt=0, description="time from a request's first byte to its last, before the connection is closed"
    )
    max_body_bytes: int = Field(262_144, ge=1024, description="largest request body")
    restricted_categories: str = Field(
        "", description="category paths, with commas, of whose products nothing that a shopper does is kept"
    )
    stream_max_entries: int = Field(
        1_000_000, ge=1, description="unread events a shop's stream may hold before events are refused with 503"
    )
    shadow_percent: float = Field(
        5,
        ge=0,
        le=100,
        description="share of requests that a shadow model is asked, too, after the answer has gone out",
    )
    shopify_secrets: str | None = Field(
        None,
        repr=False,
        description="client secrets of the Shopify app, comma list while one is being replaced; unset: no webhooks, no "
        "app proxy",
    )
    shopify_domain: str | None = Field(
        None, description="the shop's `*.myshopify.com`; what comes from other shops is refused"
    )
    bigcommerce_secrets: str | None = Field(
        None, repr=False, description="client secrets of the BigCommerce app, comma list; unset: no webhooks"
    )
    bigcommerce_store: str | None = Field(None, description="the store's hash; deliveries for other stores are refused")
    adobe_client_id: str | None = Field(
        None, description="client id that Adobe's I/O Events are addressed to; unset: no events of Adobe's"
    )
    adobe_keys: Path | None = Field(None, description="directory with the public keys (*.pem) of Adobe I/O Events")
    webhook_secrets: str | None = Field(
        None,
        repr=False,
        description="secrets of our own signed format, comma list; unset: `/webhooks/endcap` is closed",
    )
    webhook_consent: str = Field(
        "none", description="what shoppers allow whose orders and carts a platform sends: `none`, or a list of purposes"
    )
    webhook_currency: str = Field(
        "USD", pattern="^[A-Z]{3}$", description="currency of prices in product messages that name none"
    )
    webhook_max_body_bytes: int = Field(2_097_152, ge=1024, description="largest body of a webhook")
    drain_s: float = Field(
        1.0, ge=0, description="after SIGTERM: how long callers are told to reconnect before the end"
    )

    @property
    def bundles_dir(self) -> Path:
        """`<data>/bundles`, one directory per shop below it."""
        return self.data_dir / "bundles"

    def catalogue_path(self, shop: str) -> Path:
        """The catalogue snapshot of a shop."""
        return self.data_dir / "catalogue" / f"{shop}.cat"
