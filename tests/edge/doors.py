"""Requests as they come in by each door: through Shopify's app proxy, our Worker, or with a secret key."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx

from edge.app_proxy import sign
from edge.worker_header import message

SHOPIFY_SECRET, WORKER_SECRET, SHOP = "hush-hush", "w" * 32, "demo.myshopify.com"
SETTINGS = {"shopify_secrets": SHOPIFY_SECRET, "shopify_domain": SHOP, "worker_secrets": WORKER_SECRET}


def proxied(
    path: str,
    logged_in: str = "",
    query: Mapping[str, str] | None = None,
    *,
    secret: str = SHOPIFY_SECRET,
    at: float | None = None,
) -> str:
    """The address under /proxy that Shopify would ask for a page's `<shop>/apps/endcap<path>?<query>`."""
    own = {
        "shop": SHOP,
        "logged_in_customer_id": logged_in,
        "path_prefix": "/apps/endcap",
        "timestamp": str(int(time.time() if at is None else at)),
    }
    fields = {**(query or {}), **own}
    signature = sign({name.encode(): [value.encode()] for name, value in fields.items()}, secret.encode())
    return f"/proxy{path}?{urlencode(fields)}&signature={signature}"


def from_worker(request: httpx.Request, *, secret: str = WORKER_SECRET, at: float | None = None) -> httpx.Request:
    """The request with the Worker's signature."""
    stamp = str(int(time.time() if at is None else at)).encode()
    signature = hmac.new(secret.encode(), message(stamp, request.method, request.url.raw_path), hashlib.sha256)
    request.headers["X-Endcap-Worker"] = f"t={stamp.decode()},v1={signature.hexdigest()}"
    return request


class Knocker:
    """Asks a running edge by one of its doors."""

    def __init__(self, client: httpx.Client, door: str, key: str, logged_in: str = "") -> None:
        self.door = door
        self._client, self._key, self._logged_in = client, key, logged_in

    def ask(self, method: str, path: str, query: dict[str, str] | None = None, json: Any = None) -> httpx.Response:
        """Send one request of the contract."""
        if self.door == "proxy":
            return self._client.request(method, proxied(path, self._logged_in, query), json=json)
        request = self._client.build_request(method, path, params=query, json=json)
        if self.door == "worker":
            request = from_worker(request)
        elif self.door == "server":
            request.headers["Authorization"] = f"Bearer {self._key}"
        return self._client.send(request)
