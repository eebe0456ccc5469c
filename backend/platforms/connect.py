"""The platforms' clients as the settings name them, and what an uninstalled app may no longer do.

In: settings with an address and a token. Out: a client, or PlatformError that says what is missing. An uninstall leaves
a mark with the token's digest: calls stop until the shop gives a new token.
"""

import hashlib
from pathlib import Path

from pydantic import SecretStr

from backend import audit
from backend.platforms.adobe import Adobe
from backend.platforms.bigcommerce import BigCommerce
from backend.platforms.http import PlatformError
from backend.platforms.shopify import Shopify
from backend.settings import Settings
from edge.core.bundle import replace_file
from edge.core.tasks import Platform


class NotConnectedError(PlatformError):
    """No address or token for this platform, or the shop took the app out."""


def shopify(settings: Settings) -> Shopify:
    """The shop's Admin API. Raises NotConnectedError."""
    return Shopify(*_access(settings, "shopify", settings.shopify_url, settings.shopify_token))


def bigcommerce(settings: Settings) -> BigCommerce:
    """The store's API. Raises NotConnectedError."""
    return BigCommerce(*_access(settings, "bigcommerce", settings.bigcommerce_url, settings.bigcommerce_token))


def adobe(settings: Settings) -> Adobe:
    """The shop's API. Raises NotConnectedError."""
    return Adobe(*_access(settings, "adobe", settings.adobe_url, settings.adobe_token))


def connected(settings: Settings) -> list[Platform]:
    """The platforms that the settings name."""
    urls: dict[Platform, str | None] = {
        "shopify": settings.shopify_url, "bigcommerce": settings.bigcommerce_url, "adobe": settings.adobe_url,
    }  # fmt: skip
    return [platform for platform, url in urls.items() if url]


def _access(settings: Settings, platform: Platform, url: str | None, token: SecretStr | None) -> tuple[str, str]:
    if not url or token is None:
        name = platform.upper()
        raise NotConnectedError(
            f"{platform} is not connected; set ENDCAP_{name}_URL and ENDCAP_{name}_TOKEN (docs/importing.md)"
        )
    secret = token.get_secret_value()
    mark = _mark(settings, platform)
    if mark.exists() and mark.read_text() == _digest(secret):
        raise NotConnectedError(
            f"the shop took the app out of {platform}; install it again and set its new ENDCAP_{platform.upper()}_TOKEN"
        )
    return url, secret


def disconnect(settings: Settings, platform: Platform) -> None:
    """Make no more calls to a platform with the token there is now."""
    tokens: dict[Platform, SecretStr | None] = {
        "shopify": settings.shopify_token, "bigcommerce": settings.bigcommerce_token, "adobe": settings.adobe_token,
    }  # fmt: skip
    token = tokens.get(platform)
    mark = _mark(settings, platform)
    mark.parent.mkdir(parents=True, exist_ok=True)
    replace_file(mark, (_digest(token.get_secret_value()) if token else "").encode())


def note_fetch(settings: Settings, platform: Platform, kind: str, count: int, actor: str) -> None:
    """The line that every fetch of customer data leaves in the audit log."""
    audit.append(settings.data_dir, settings.shop, "fetch", actor, "done", platform=platform, kind=kind, count=count)


def _mark(settings: Settings, platform: Platform) -> Path:
    return settings.data_dir / "uninstalled" / settings.shop / platform


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
