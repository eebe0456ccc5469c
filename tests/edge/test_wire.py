"""Reading requests: what is understood, and what each mistake is answered with."""

import contextlib
from collections.abc import Callable
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.errors import InputError
from edge.wire import Filter, Query, query_from_body, query_from_url, read_pairs


def get(surface: str, query: str) -> Query:
    """Read a GET."""
    return query_from_url(surface, query.encode())


def test_a_get_reads_lists_numbers_and_filters() -> None:
    """Everything the contract has."""
    query = get(
        "home",
        "visitor_id=v&customer_id=c&session=1,2,3&consent=personalization,analytics&market=DE&locale=de-DE"
        "&slots=for_you,trending&limit=12&exclude=9&min_score=0.5&fallback=none&rev=7"
        "&filter=" + quote('{"category": "Dairy", "price_max": 3}'),
    )
    assert query.session == ("1", "2", "3")
    assert query.consent == ("personalization", "analytics")
    assert query.slots == ("for_you", "trending")
    assert (query.limit, query.min_score, query.fallback) == (12, 0.5, "none")
    assert query.filter == Filter(category="Dairy", price_max=3)
    assert (query.market, query.locale, query.exclude) == ("DE", "de-DE", ("9",))


def test_post_and_get_ask_the_same() -> None:
    """The same names as JSON."""
    body = b'{"product_id": "1", "session": ["2"], "limit": 3, "consent": ["personalization"]}'
    assert query_from_body("pdp", body) == get("pdp", "product_id=1&session=2&limit=3&consent=personalization")


def test_the_cart_is_ids_or_lines_each_once() -> None:
    """Ids from both, in order."""
    body = (
        b'{"product_ids": ["1", "2"], "lines": [{"product_id": "2", "quantity": 3}, {"product_id": "3", "price": 1.5}]}'
    )
    assert query_from_body("cart", body).cart == ("1", "2", "3")


def test_ids_stay_strings() -> None:
    """64-bit ids come back digit for digit."""
    assert get("pdp", "product_id=820982911946154508").product_id == "820982911946154508"
    assert get("pdp", "product_id=007").product_id == "007"


def test_an_empty_value_is_an_unset_one() -> None:
    """Templates write `visitor_id=` when there is none."""
    assert get("home", "visitor_id=&limit=&session=").visitor_id is None


@pytest.mark.parametrize(
    ("surface", "query", "parameter"),
    [
        ("attic", "", "surface"),
        ("pdp", "", "product_id"),
        ("home", "limit=0", "limit"),
        ("home", "limit=51", "limit"),
        ("home", "limit=many", "limit"),
        ("home", "min_score=2", "min_score"),
        ("home", "min_score=nan", "min_score"),
        ("home", "consent=everything", "consent"),
        ("home", "fallback=magic", "fallback"),
        ("home", "slots=bought_together", "slots"),
        ("home", "limt=5", "limt"),
        ("home", "limit=5&limit=6", "limit"),
        ("home", "filter=cheap", "filter"),
        ("home", "filter=%7B%22colour%22:1%7D", "colour"),
        ("home", "visitor_id=" + "x" * 129, "visitor_id"),
        ("home", "visitor_id=a%00b", "visitor_id"),
        ("home", "visitor_id=%ff", "query"),
        ("home", "session=" + ",".join("1" * 1 for _ in range(201)), "session"),
        ("home", "lines=1", "lines"),
        ("home", "&".join(f"a{n}=1" for n in range(60)), "query"),
    ],
)
def test_every_mistake_names_its_parameter(surface: str, query: str, parameter: str) -> None:
    """So that the caller knows what to mend."""
    with pytest.raises(InputError) as error:
        get(surface, query)
    assert parameter in error.value.parameter
    assert error.value.detail


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        (b"", "body"),
        (b"[]", "body"),
        (b"{", "body"),
        (b'{"limit": "8"}', "limit"),
        (b'{"limit": 8.5}', "limit"),
        (b'{"surface": "cart"}', "surface"),
        (b'{"colour": 1}', "colour"),
        (b'{"min_score": NaN}', "body"),
        (b'{"min_score": 1e999}', "body"),
        (b'{"visitor_id": "\xff"}', "body"),
        (b'{"product_ids": [1]}', "product_ids"),
        (b'{"lines": [{"product_id": "1", "quantity": 0}]}', "lines"),
        (b'{"rev": ' + b"[" * 5000 + b"]" * 5000 + b"}", "body"),
    ],
)
def test_bad_bodies_name_their_parameter(body: bytes, parameter: str) -> None:
    """Not JSON, wrong types, numbers JSON does not have, nesting without end."""
    with pytest.raises(InputError) as error:
        query_from_body("home", body)
    assert parameter in error.value.parameter


@given(st.binary(max_size=200))
def test_no_bytes_get_past_the_two_outcomes(data: bytes) -> None:
    """Any query string and any body: a Query or an InputError, nothing else."""
    with contextlib.suppress(InputError):
        assert isinstance(query_from_url("home", data), Query)
    with contextlib.suppress(InputError):
        assert isinstance(query_from_body("home", data), Query)


def outcome(read: Callable[[], list[tuple[str, str]]]) -> list[tuple[str, str]] | str:
    """What is read, or what is said of it."""
    try:
        return read()
    except ValueError as error:
        return f"{type(error).__name__}: {error}"


@given(st.text("ab=&+%2fC3A9;,?#\x00 é", max_size=60) | st.text(st.characters(max_codepoint=255)))
@example("&".join("a=1" for _ in range(50)))
@example("&".join("a=1" for _ in range(51)))
@example("=&&=&a&=b&a=b=c&%3D=%26&%+=+%")
def test_query_strings_are_read_as_the_standard_library_reads_them(text: str) -> None:
    """Every pair and every refusal, blanks kept; only faster."""
    raw = text.encode("utf-8")

    def slow() -> list[tuple[str, str]]:
        return parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=50, errors="strict")

    assert outcome(lambda: list(read_pairs(raw))) == outcome(slow)
