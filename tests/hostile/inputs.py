"""What people send who mean no good: texts, numbers, JSON, bytes, and valid input with a part of it gone wrong."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_from_bytes

from hypothesis import strategies as st

NASTY_TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "v1\n",
    "v1 ",
    "\u202egro.elpmaxe",  # read from right to left
    "\u0130\u0131",  # letters that change their length with their case
    "e\u0301",
    "\ufeff",
    "\U0010ffff",
    "%00",
    "%c0%af",
    "../../../../etc/passwd",
    "{demo/x}",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "${jndi:ldap://x}",
    "a" * 129,
    "a" * 5_000,
    "NaN",
    "1e999",
    "-0",
    "9" * 400,
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00",
    "2016-12-31T23:59:60Z",
)
NASTY_NUMBERS = (0, -1, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**300, 1e308, -1e308, 5e-324, -0.0)
texts = st.sampled_from(NASTY_TEXTS) | st.text(max_size=20)
leaves = st.none() | st.booleans() | st.sampled_from(NASTY_NUMBERS) | st.floats(allow_nan=False) | texts
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=8
)
# What is no JSON, or only just: read as it stands, in place of a value.
RAW_VALUES = (
    b"1e999",
    b"-1e999",
    b"NaN",
    b"Infinity",
    b"1" * 5_000,
    b'"\\ud800"',
    b'"\\udc00\\ud800"',
    b'"\xed\xa0\x80"',  # half of a surrogate pair, as bytes
    b'"\xc0\xaf"',  # a slash, longer than it may be
    b'"\xff"',
    b'"\x00"',
    b"[" * 3_000,
    b"[" * 3_000 + b"]" * 3_000,
    b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
    b"[" + b'"x",' * 10_000 + b'"x"]',
    b"{" + b'"x":1,' * 10_000 + b'"x":1}',
    b"0x10",
    b"01",
    b"",
    b"/**/1",
    b"'a'",
)
_HOLE = "\ue000hole\ue000"


@st.composite
def bodies(draw: st.DrawFn, *valid: Any) -> bytes:
    """One of these payloads as JSON with a part replaced, doubled, cut off or flipped; now and then whole."""
    payload = draw(st.sampled_from(valid))
    kind = draw(st.sampled_from(["whole", "value", "raw", "bytes", "doubled", "anything"]))
    if kind == "anything":
        return json.dumps(draw(values)).encode()
    if kind in ("value", "raw"):
        path = draw(st.sampled_from(list(_paths(payload))))
        body = json.dumps(_replaced(payload, path, _HOLE)).encode()
        return body.replace(json.dumps(_HOLE).encode(), _other(draw, kind))
    body = json.dumps(payload).encode()
    if kind == "doubled" and isinstance(payload, dict) and payload:
        name = draw(st.sampled_from(sorted(payload)))
        return body[:-1] + b"," + json.dumps(name).encode() + b":" + _other(draw, "value") + b"}"
    return damaged(draw, body) if kind == "bytes" else body


def _other(draw: st.DrawFn, kind: str) -> bytes:
    return draw(st.sampled_from(RAW_VALUES)) if kind == "raw" else json.dumps(draw(values)).encode()


def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes cut off, with some more in them, or with one of them another."""
    at = draw(st.integers(0, len(data)))
    return draw(
        st.sampled_from(
            [
                data[:at],
                data[at:],
                data[:at] + draw(st.binary(min_size=1, max_size=4)) + data[at:],
                data[:at] + draw(st.binary(min_size=1, max_size=4)) + data[at + 1 :],
                data + data,
            ]
        )
    )


@st.composite
def damages(draw: st.DrawFn, *whole: bytes) -> bytes:
    """One of these, damaged."""
    return damaged(draw, draw(st.sampled_from(whole)))


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every part of a payload, the whole of it first."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        yield from _paths(part, (*path, name))


def _replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    inner: dict[Any, Any] = dict(value.items() if isinstance(value, dict) else enumerate(value))
    inner[path[0]] = _replaced(inner[path[0]], path[1:], new)
    return inner if isinstance(value, dict) else list(inner.values())


@st.composite
def queries(draw: st.DrawFn, names: tuple[str, ...]) -> bytes:
    """A query string of known and unknown names: odd escapes, broken UTF-8, plus signs, repeated and empty parts."""
    name = st.sampled_from(names) | texts
    value = texts | st.sampled_from(["a,b", ",", "," * 300, "personalization", '{"price_max":1}', '{"brand":"x"', "1"])
    parts = draw(st.lists(st.tuples(name, value), max_size=6))
    encoded = [_escaped(draw, name) + b"=" + _escaped(draw, value) for name, value in parts]
    return draw(st.sampled_from([b"&", b"&&", b";", b"&=&"])).join(encoded)


def _escaped(draw: st.DrawFn, text: str) -> bytes:
    """A text as it may stand in an address, or nearly so."""
    data = text.encode("utf-8", "surrogatepass")
    way = draw(st.sampled_from(["right", "all", "twice", "cut", "latin", "odd"]))
    if way == "all":
        return b"".join(b"%%%02x" % byte for byte in data)
    right = quote_from_bytes(data, safe="").encode()
    return {
        "right": right,
        "twice": quote_from_bytes(right, safe="").encode(),
        "cut": right[:-1],
        "latin": quote_from_bytes(text.encode("latin-1", "replace"), safe="").encode(),
        "odd": right + b"%c0%af%ed%a0%80%ff%zz%",
    }[way]
