"""Which platforms may send to this process, by its settings: a platform without secrets is not listened to.

In: settings. Out: what each platform's deliveries are checked against. What cannot work is said before anything starts.
"""

from dataclasses import dataclass

from edge.core.events import PURPOSES, Purpose
from edge.errors import EndcapError
from edge.settings import Settings, listed
from edge.webhooks.rsa_keys import PublicKeys, read_public_keys
from edge.webhooks.signatures import standard_secret

_MIN_SECRET = 16  # bytes of a secret of our own format; platforms choose theirs


class WebhookSettingsError(EndcapError):
    """Settings of webhooks that cannot work together."""


@dataclass(frozen=True)
class Secrets:
    """What one platform signs with, newest or oldest first alike, and which of its shops is ours."""

    secrets: tuple[bytes, ...]
    shop: str = ""


@dataclass(frozen=True)
class Adobe:
    """Whose public keys count, and to which client the events are addressed."""

    client_id: str
    keys: PublicKeys


@dataclass(frozen=True)
class WebhookConfig:
    """What this process listens to; None for a platform that is not set up."""

    shopify: Secrets | None
    bigcommerce: Secrets | None
    adobe: Adobe | None
    endcap: Secrets | None
    consent: frozenset[Purpose]
    currency: str


def worker_secrets(settings: Settings) -> tuple[bytes, ...]:
    """What our own Worker signs with. Raises EndcapError for one that could be guessed."""
    return _long_enough("ENDCAP_WORKER_SECRETS", settings.worker_secrets)


def shopper_secrets(settings: Settings) -> tuple[bytes, ...]:
    """What the shop's server signs shopper tokens with. Raises EndcapError for one that could be guessed."""
    return _long_enough("ENDCAP_SHOPPER_SECRETS", settings.shopper_secrets)


def _long_enough(variable: str, text: str | None) -> tuple[bytes, ...]:
    secrets = tuple(part.encode() for part in listed(text))
    if any(len(secret) < _MIN_SECRET for secret in secrets):
        raise WebhookSettingsError(f"a secret in {variable} is short; make one: `openssl rand -hex 32`")
    return secrets


def webhook_config(settings: Settings) -> WebhookConfig:
    """Read the settings of webhooks. Raises EndcapError that names the variable and the remedy."""
    own = [_secret(text) for text in listed(settings.webhook_secrets)]
    if any(len(secret) < _MIN_SECRET for secret in own):
        raise WebhookSettingsError("a secret in ENDCAP_WEBHOOK_SECRETS is short; make one: `openssl rand -hex 32`")
    return WebhookConfig(
        shopify=_secrets("SHOPIFY", settings.shopify_secrets, "DOMAIN", settings.shopify_domain),
        bigcommerce=_secrets("BIGCOMMERCE", settings.bigcommerce_secrets, "STORE", settings.bigcommerce_store),
        adobe=_adobe(settings),
        endcap=Secrets(tuple(own)) if own else None,
        consent=_consent(settings.webhook_consent),
        currency=settings.webhook_currency,
    )


def _secrets(platform: str, secrets: str | None, what: str, shop: str | None) -> Secrets | None:
    found = listed(secrets)
    if not found:
        return None
    if not shop:
        raise WebhookSettingsError(
            f"ENDCAP_{platform}_SECRETS is set and ENDCAP_{platform}_{what} is not; say whose deliveries count"
        )
    return Secrets(tuple(text.encode() for text in found), shop.lower())


def _adobe(settings: Settings) -> Adobe | None:
    if settings.adobe_client_id is None:
        return None
    if settings.adobe_keys is None:
        raise WebhookSettingsError(
            "ENDCAP_ADOBE_CLIENT_ID is set and ENDCAP_ADOBE_KEYS is not; name the directory of Adobe's public keys"
        )
    return Adobe(settings.adobe_client_id, read_public_keys(settings.adobe_keys))


def _secret(text: str) -> bytes:
    try:
        return standard_secret(text)
    except ValueError as error:
        raise WebhookSettingsError(f"ENDCAP_WEBHOOK_SECRETS: {error}") from None


def _consent(text: str) -> frozenset[Purpose]:
    named = listed(text)
    unknown = [name for name in named if name not in PURPOSES and name != "none"]
    if unknown:
        raise WebhookSettingsError(
            f"ENDCAP_WEBHOOK_CONSENT names {unknown[0]!r}; it is `none` or a list of {', '.join(PURPOSES)}"
        )
    return frozenset(purpose for purpose in PURPOSES if purpose in named and "none" not in named)
