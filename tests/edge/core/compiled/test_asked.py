"""First lines of requests in parts: the kernel beside the same in plain Python, on any bytes."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.core.compiled.asked import taken_apart

PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/?&=,"
TAKEN = (b"product_id", b"product_ids", b"exclude")
NAMES = (b"visitor_id", b"customer_id", *TAKEN)
LONGEST = 128

WORDS = st.sampled_from(
    [*NAMES, b"consent", b"limit", b"visitor", b"", b"=", b"&", b"?", b",", b"p1", b"p2,p3", b"%31", b" ", b"x" * 129]
)
QUERIES = st.lists(st.tuples(WORDS, st.sampled_from([b"=", b"", b"=="]), WORDS), max_size=6).map(
    lambda parts: b"&".join(b"".join(part) for part in parts)
)
REQUESTS = st.builds(
    lambda begin, query, end: begin + query + end,
    st.sampled_from([b"GET /pdp?", b"GET /home", b"HEAD /pdp?", b"GET  /pdp?", b""]),
    QUERIES,
    st.sampled_from(
        [b" HTTP/1.1\r\nHost: a\r\n\r\n", b" HTTP/1.1\r\n", b" HTTP/1.0\r\n\r\n", b" HTTP/1.1\n\n", b"\r", b""]
    ),
)


def slow(data: bytes) -> tuple[bytes, bytes, bytes, frozenset[bytes]] | None:
    """As one would say it."""
    line, end, head = data.partition(b"\r\n")
    if not end or b"\r" in line or not line.startswith(b"GET ") or not line.endswith(b" HTTP/1.1") or len(line) < 13:
        return None
    address = line[4:-9]
    path, mark, query = address.partition(b"?")
    if not mark or address.translate(None, PLAIN):
        return None
    like, found = [path], dict[bytes, bytes]()
    for part in query.split(b"&") if query else []:
        name, _, value = part.partition(b"=")
        if name not in NAMES:
            like.append(part)
        elif name in found or len(value) > LONGEST:
            return None
        else:
            found[name] = value
    if not found.get(b"visitor_id") and not found.get(b"customer_id"):
        return None
    product, *lists = (found.get(name, b"") for name in TAKEN)
    taken = {product, *(one for several in lists if several for one in several.split(b","))}
    return head, b"&".join(like), product, frozenset(taken)


@given(REQUESTS)
@example(
    b"GET /pdp?product_id=p1&visitor_id=v&consent=analytics&product_ids=p2,p3&exclude=,p4 HTTP/1.1\r\nA: b\r\n\r\n"
)
@example(b"GET /pdp?visitor_id=v&visitor_id=w HTTP/1.1\r\n\r\n")
@example(b"GET /pdp?visitor_id= HTTP/1.1\r\n\r\n")
@example(b"GET HTTP/1.1\r\n")
def test_it_is_what_one_would_say(data: bytes) -> None:
    """Any bytes, made of the words that matter."""
    assert taken_apart(data) == slow(data)


@given(st.binary(max_size=80))
def test_it_takes_any_bytes(data: bytes) -> None:
    """And says nothing of what is no request."""
    assert taken_apart(data) == slow(data)


def test_the_parts() -> None:
    """An example, to be read."""
    line = b"GET /v1/recommendations/pdp?product_id=p1&visitor_id=v1&consent=analytics&exclude=p7,p8 HTTP/1.1\r\n"
    head, like, product, taken = taken_apart(line + b"Host: shop\r\n\r\n") or pytest.fail("it is plain")
    assert head == b"Host: shop\r\n\r\n"
    assert like == b"/v1/recommendations/pdp&consent=analytics"
    assert product == b"p1"
    assert taken == {b"p1", b"p7", b"p8"}


@pytest.mark.parametrize(
    "query",
    [
        b"visitor_id=v%201",
        b"visitor_id=v+1",
        b"visitor_id=v&limit=8#part",
        b"visitor_id=" + b"v" * 129,
        b"customer_id=c&exclude=" + b"p1," * 43,
        b"visitor_id=v&product_id=p1&product_id=p2",
        b"visitor_id=v HTTP/1.1\nX: y",
        b"limit=8",
        b"visitor_id=",
    ],
)
def test_what_is_not_plain_is_for_a_parser(query: bytes) -> None:
    """Spelled with %, too long, named twice, with an end of line in it; or it names nobody."""
    assert taken_apart(b"GET /pdp?" + query + b" HTTP/1.1\r\nHost: a\r\n\r\n") is None


def test_it_wants_bytes() -> None:
    """Nothing else."""
    with pytest.raises(TypeError):
        taken_apart(None)  # type: ignore[arg-type]  # because that is what is tested
