"""Shopify's app proxy signature: the published vectors, and what nobody without the secret can do."""

from urllib.parse import quote_from_bytes, unquote_to_bytes

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edge.app_proxy import OWN, TOLERANCE_S, NotSignedError, Signed, read_signed, sign

SECRETS, SHOP, NOW = (b"hush", b"old"), "demo.myshopify.com", 1_700_000_000.0
# Published by Shopify in its documentation and in the tests of its Ruby gem: secret, query, shop, time, signature.
REVIEWS = "extra=1&extra=2&shop=shop-name.myshopify.com&path_prefix=%2Fapps%2Fawesome_reviews&timestamp=1317327555"
MY_APP = "shop=some-random-store.myshopify.com&path_prefix=%2Fapps%2Fmy-app&timestamp=1466106083"
VECTORS = [
    (
        b"hush", f"{REVIEWS}&logged_in_customer_id=1", "shop-name.myshopify.com", 1317327555,
        "4c68c8624d737112c91818c11017d24d334b524cb5c2b8ba08daa056f7395ddb", "1", b"extra=1&extra=2",
    ),
    (
        b"hush", f"{REVIEWS}&logged_in_customer_id=", "shop-name.myshopify.com", 1317327555,
        "e072b6d7e6622d85912a5214b860d3100dc1e73d9bc29f43796ac8c9ff8093cb", None, b"extra=1&extra=2",
    ),
    (
        b"secret", MY_APP, "some-random-store.myshopify.com", 1466106083,
        "f5cd7233558b1c50102a6f33c0b63ad1e1072a2fc126cb58d4500f75223cefcd", None, b"",
    ),
    (
        b"secret", f"{MY_APP}&foo=bar&baz[1]&baz[2]=b&baz[c[0]]=whatup&baz[c[1]]=notmuch",
        "some-random-store.myshopify.com", 1466106083,
        "bbf3aa60e098f08919a2ea4c64a388414f164e6a117a63b03479ac7aa9464b4f", None,
        b"foo=bar&baz[1]&baz[2]=b&baz[c[0]]=whatup&baz[c[1]]=notmuch",
    ),
]  # fmt: skip
NAME = st.binary(min_size=1, max_size=12).filter(lambda name: name not in OWN)
FIELDS = st.lists(st.tuples(NAME, st.binary(max_size=12)), max_size=6)


def signed(
    fields: list[tuple[bytes, bytes]] | None = None, secret: bytes = SECRETS[0], **own: str | None
) -> tuple[bytes, bytes]:
    """A query as Shopify would forward it, and what of it is not its signature."""
    usual: dict[str, str | None] = {
        "shop": SHOP,
        "logged_in_customer_id": "",
        "path_prefix": "/apps/endcap",
        "timestamp": str(int(NOW)),
    }
    named = {name.encode(): value.encode() for name, value in (usual | own).items() if value is not None}
    pairs = [*(fields or []), *named.items()]
    values: dict[bytes, list[bytes]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    query = "&".join(f"{quote_from_bytes(name, '')}={quote_from_bytes(value, '')}" for name, value in pairs).encode()
    return query + b"&signature=" + sign(values, secret).encode(), query


def read(query: bytes, now: float = NOW) -> Signed:
    """What the edge makes of a query."""
    return read_signed(query, SECRETS, SHOP, now)


def refused(query: bytes, now: float = NOW) -> str:
    """Why it is turned away."""
    with pytest.raises(NotSignedError) as error:
        read(query, now)
    return str(error.value)


@pytest.mark.parametrize(("secret", "query", "shop", "time", "signature", "customer", "rest"), VECTORS)
def test_published_vectors(
    secret: bytes, query: str, shop: str, time: int, signature: str, customer: str | None, rest: bytes
) -> None:
    """Wherever the signature stands; the caller's own part comes out as it was sent."""
    for whole in (f"{query}&signature={signature}", f"signature={signature}&{query}"):
        assert read_signed(whole.encode(), [b"other", secret], shop, time) == Signed(customer, rest)
        with pytest.raises(NotSignedError):
            read_signed(whole.encode(), [b"other"], shop, time)


@given(fields=FIELDS, secret=st.sampled_from(SECRETS))
def test_what_is_signed_is_read_back(fields: list[tuple[bytes, bytes]], secret: bytes) -> None:
    """Any bytes as names and values, repeated or not, under the new secret and the old one."""
    query, _ = signed(fields, secret, logged_in_customer_id="42")
    made = read(query)
    assert made.customer_id == "42"
    assert made.query.count(b"&") == max(len(fields) - 1, 0)


@given(fields=FIELDS, at=st.integers(0, 10_000), by=st.integers(1, 255))
def test_no_byte_can_be_changed(fields: list[tuple[bytes, bytes]], at: int, by: int) -> None:
    """Whichever byte becomes whichever other: turned away, unless the query decodes to the very same fields."""
    query, _ = signed(fields, logged_in_customer_id="42")
    at %= len(query)
    tampered = query[:at] + bytes([query[at] ^ by]) + query[at + 1 :]
    try:
        made = read(tampered)
    except NotSignedError:
        return
    assert made.customer_id == "42"
    assert _message_of(tampered) == _message_of(query)


def _message_of(query: bytes) -> list[bytes]:
    """The decoded fields without separators: all that a signature can stand for. `%aa` and `%AA` are one byte."""
    parts = [unquote_to_bytes(part.replace(b"+", b" ")) for part in query.split(b"&") if part]
    return sorted(part if b"=" in part else part + b"=" for part in parts)


@given(query=st.binary(max_size=300))
def test_whatever_comes_is_read_or_turned_away(query: bytes) -> None:
    """No other error, and nothing made up is let in."""
    assert refused(query)


@pytest.mark.parametrize("name", ["shop", "signature", "timestamp", "path_prefix", "logged_in_customer_id"])
def test_names_that_decide_may_stand_there_once(name: str) -> None:
    """Also when both values are the same, and also spelled in percent; of two nobody knows which one counts."""
    query, _ = signed()
    values = dict(part.split(b"=") for part in query.split(b"&"))
    value = values[name.encode()]
    assert refused(query + b"&" + name.encode() + b"=" + value) == "repeated"
    assert refused(query + b"&%" + f"{ord(name[0]):x}{name[1:]}=".encode() + value) == "repeated"


def test_a_list_signs_like_its_parts_so_it_is_no_second_shop() -> None:
    """`shop=a,b` has the signature of `shop=a&shop=b`; neither is the shop."""
    query, _ = signed(shop=f"{SHOP},evil.myshopify.com")
    assert refused(query) == "shop"


@pytest.mark.parametrize("shop", ["evil.myshopify.com", f"{SHOP}.evil.com", SHOP.upper(), "", None])
def test_only_the_one_shop_is_served(shop: str | None) -> None:
    """However well its requests are signed: an app has one secret for all shops that installed it."""
    assert refused(signed(shop=shop)[0]) == "shop"


@pytest.mark.parametrize("by", [-TOLERANCE_S, -1, 0, 1, TOLERANCE_S])
def test_clocks_may_differ_a_little(by: int) -> None:
    """Up to ninety seconds, both ways."""
    assert read(signed()[0], NOW + by).customer_id is None


@pytest.mark.parametrize("by", [-TOLERANCE_S - 1, TOLERANCE_S + 1, 86_400])
def test_a_request_from_long_ago_or_ahead_is_a_replay(by: int) -> None:
    """Nothing else bounds how often an address may be used."""
    assert refused(signed()[0], NOW + by) == "time"


@pytest.mark.parametrize("stamp", ["", "now", "-1", "1e9", "1700000000.0", " 1700000000", "٣", "9" * 13, None])
def test_a_time_is_digits(stamp: str | None) -> None:
    """Signed or not."""
    assert refused(signed(timestamp=stamp)[0]) == "time"


@pytest.mark.parametrize("who", ["", "x", "-1", "1,2", "1 ", "1" * 21, "٣", None])
def test_who_is_logged_in_is_a_number_or_nobody(who: str | None) -> None:
    """An empty text is Shopify's word for nobody."""
    assert read(signed(logged_in_customer_id=who)[0]).customer_id is None


@given(extra=NAME)
def test_a_field_more_or_less_is_noticed(extra: bytes) -> None:
    """Added to a signed query, or left out of one."""
    assume(extra)
    added = signed()[0] + b"&" + quote_from_bytes(extra, "").encode()
    assert refused(added) == "signature"
    query, _ = signed([(extra, b"1")])
    assert refused(query.split(b"&", 1)[1]) == "signature"


def test_what_shopify_may_add_one_day_is_signed_and_passed_on() -> None:
    """Never a fixed list of names."""
    assert read(signed([(b"buyer_country", b"CA")])[0]).query == b"buyer_country=CA"


def test_a_query_of_very_many_fields_is_not_worked_on() -> None:
    """A hundred is more than any theme sends."""
    assert refused(b"a=1&" * 100 + signed()[0]) == "long"


@pytest.mark.parametrize("signature", ["", "0" * 64, "é", "A" * 64])
def test_a_signature_that_fits_nothing(signature: str) -> None:
    """Nor one in capitals, nor one with letters of another alphabet."""
    _, query = signed()
    assert refused(query + f"&signature={signature}".encode()) == "signature"
    right = signed()[0].rpartition(b"=")[2]
    assert refused(query + b"&signature=" + right.upper()) == "signature"
