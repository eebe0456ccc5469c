"""The settings of the demo shop, from the environment; docs/settings.md lists them."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from edge.settings import Shop


class Settings(BaseSettings):
    """Serve a demo storefront in front of an edge."""

    model_config = SettingsConfigDict(env_prefix="ENDCAP_", frozen=True)

    shop: Shop = Field("demo", description="the shop whose catalogue is shown")
    data_dir: Path = Field(Path("data"), description="where bundles, catalogue and the embedded store live")
    shopify_secrets: str | None = Field(
        None,
        repr=False,
        description="client secrets of the Shopify app, comma list; the app proxy signs with the first",
    )
    shopify_domain: str | None = Field(None, description="the shop's `*.myshopify.com`, as the app proxy names it")
    storefront_port: int = Field(8002, ge=0, le=65535, description="port of the demo shop")
    storefront_edge: str = Field(
        "http://127.0.0.1:8000", pattern=r"^https?://[\w.:\[\]-]+/?$", description="the edge that the demo shop asks"
    )

    @property
    def secret(self) -> str:
        """What the app proxy signs with."""
        return (self.shopify_secrets or "").split(",")[0].strip()
