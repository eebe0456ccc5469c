"""The shop signs as Shopify does: the published vectors, and what the edge's own verifier says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.app_proxy import NotSignedError, read_signed
from edge.storefront.signing import signature, signed

NOW = 1_795_000_000
SHOP = "demo.myshopify.com"
_AWESOME = "path_prefix=%2Fapps%2Fawesome_reviews&timestamp=1317327555"
_RANDOM = "shop=some-random-store.myshopify.com&path_prefix=%2Fapps%2Fmy-app&timestamp=1466106083"


def forwarded(query: str, customer: str | None = None) -> str:
    """What reaches the app for a shopper's query."""
    return signed(query, shop=SHOP, customer=customer, prefix="/apps/endcap", timestamp=NOW, secret="hush")


@pytest.mark.parametrize(
    ("secret", "query", "expected"),
    [
        (
            "hush",
            f"extra=1&extra=2&shop=shop-name.myshopify.com&logged_in_customer_id=1&{_AWESOME}",
            "4c68c8624d737112c91818c11017d24d334b524cb5c2b8ba08daa056f7395ddb",
        ),
        (
            "hush",
            f"extra=1&extra=2&shop=shop-name.myshopify.com&logged_in_customer_id=&{_AWESOME}",
            "e072b6d7e6622d85912a5214b860d3100dc1e73d9bc29f43796ac8c9ff8093cb",
        ),
        ("secret", _RANDOM, "f5cd7233558b1c50102a6f33c0b63ad1e1072a2fc126cb58d4500f75223cefcd"),
        (
            "secret",
            _RANDOM + "&foo=bar&baz[1]&baz[2]=b&baz[c[0]]=whatup&baz[c[1]]=notmuch",
            "bbf3aa60e098f08919a2ea4c64a388414f164e6a117a63b03479ac7aa9464b4f",
        ),
    ],
)
def test_published_vectors(secret: str, query: str, expected: str) -> None:
    """Shopify's own, with and without a signature in the query."""
    assert signature(query, secret) == expected
    assert signature(f"{query}&signature=0", secret) == expected


@pytest.mark.parametrize("customer", [None, "7"])
def test_the_edge_believes_it_and_learns_who_is_logged_in(customer: str | None) -> None:
    """By its own verifier, written apart; the shopper's part arrives undecoded."""
    told = read_signed(forwarded("product_id=a%2Cb&slots=x+y", customer).encode(), [b"hush"], SHOP, NOW)
    assert told.customer_id == customer
    assert told.query == b"product_id=a%2Cb&slots=x+y"


@pytest.mark.parametrize("name", ["shop", "logged_in_customer_id", "sh%6fp", "signature", "timestamp", "path_prefix"])
def test_a_shopper_cannot_say_what_the_platform_says(name: str) -> None:
    """Else anybody could be anybody."""
    told = read_signed(forwarded(f"{name}=99&limit=3", "7").encode(), [b"hush"], SHOP, NOW)
    assert told.customer_id == "7"
    assert told.query == b"limit=3"


def test_another_secret_does_not_fit() -> None:
    """Nor another query."""
    with pytest.raises(NotSignedError):
        read_signed(forwarded("a=1").encode(), [b"other"], SHOP, NOW)
    with pytest.raises(NotSignedError):
        read_signed(forwarded("a=1").replace("a=1", "a=2").encode(), [b"hush"], SHOP, NOW)


@settings(deadline=None)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=80))
def test_whatever_a_shopper_asks_the_signature_fits(query: str) -> None:
    """Broken percent signs, bytes that are no UTF-8, empty parts, names without values."""
    told = read_signed(forwarded(query).encode(), [b"hush"], SHOP, NOW)
    assert told.customer_id is None
