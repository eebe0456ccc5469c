"""What stands in the head of every answer, and what does not."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.store


def test_answers_are_not_to_be_guessed_at(edge: Any) -> None:
    """JSON, problems and pages. Beacons of pages elsewhere are not blocked, and nothing names the server's program."""
    for path in ("/v1/recommendations/home", "/nowhere", "/v1/recommendations/home?limit=0", "/", "/healthz"):
        headers = edge.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers.get_list("cross-origin-resource-policy") == ["cross-origin"]
        assert "strict-transport-security" not in headers
    assert edge.client.get("/endcap.js").headers.get_list("cross-origin-resource-policy") == ["cross-origin"]
    page = edge.client.get("/").headers
    assert page["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in page["content-security-policy"]


def test_transport_security_is_said_where_it_is_set(serve: Callable[..., Any]) -> None:
    """On every answer."""
    for path in ("/healthz", "/nowhere", "/v1/recommendations/home"):
        assert serve(hsts_s=60).client.get(path).headers["strict-transport-security"] == "max-age=60"
