"""Sessions and tokens of the door, without a server: what any client may send is an answer, never a crash."""

import time
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from backend.admin import access
from backend.admin.access import COOKIE, AccessError, Door, Who
from edge.core.access import make_key, read_keys, remove_key


def asked(scheme: str = "http", **headers: str) -> Request:
    """A request with these headers, as bytes of latin-1 like any server hands them on."""
    raw = [(name.replace("_", "-").lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "scheme": scheme, "query_string": b"",
                    "server": ("127.0.0.1", 80), "headers": raw})  # fmt: skip


@pytest.fixture
def door(tmp_path: Path) -> Door:
    """The door of shop demo, with sessions of an hour."""
    return Door(tmp_path, "demo", 3_600)


def entered(door: Door, key: str) -> str:
    """The cookie of a new session."""
    response = Response()
    door.log_in(asked(), key, response)
    return response.headers["set-cookie"].split(";")[0]


def test_a_session_is_the_holder_of_its_key(door: Door, tmp_path: Path) -> None:
    """By cookie as by header; the audit log names the key, never the key itself."""
    key = make_key(tmp_path, "demo")
    name = read_keys(tmp_path)[0].id
    by_cookie = door.who(asked(cookie=entered(door, key)))
    assert by_cookie.actor == door.who(asked(authorization=f"Bearer {key}")).actor == f"key:{name}"
    assert by_cookie.session is not None
    assert key not in by_cookie.actor


@pytest.mark.parametrize("token", ["", None, "schlüssel", "日本", "\ud800", 7, "x" * 10_000])
def test_any_wrong_token_is_refused(door: Door, tmp_path: Path, token: object) -> None:
    """403 whatever it is made of; letters outside ASCII included."""
    who = door.who(asked(cookie=entered(door, make_key(tmp_path, "demo"))))
    with pytest.raises(AccessError, match="load the page again") as refused:
        door.check_post(asked(), who, token)
    assert refused.value.status == 403


def test_the_sessions_own_token_is_taken(door: Door, tmp_path: Path) -> None:
    """And a key in the header needs none: no other site can send it."""
    who = door.who(asked(cookie=entered(door, make_key(tmp_path, "demo"))))
    assert who.session is not None
    door.check_post(asked(), who, who.session.csrf)
    door.check_post(asked(), Who("any"), None)


@pytest.mark.parametrize(
    "origin", ["null", "", "http://[", "http://[::1", "//", "https://shop.example.evil", "javascript:x", "http://é"]
)
def test_a_foreign_or_broken_origin_is_refused(door: Door, origin: str) -> None:
    """403 with the origin in the message, also where it is no address at all."""
    with pytest.raises(AccessError, match="posts come from this page") as refused:
        door.check_origin(asked(origin=origin, host="shop.example"))
    assert refused.value.status == 403


def test_our_own_origin_and_none_are_fine(door: Door) -> None:
    """Programs send none; behind TLS the scheme differs from ours and says nothing."""
    door.check_origin(asked(host="shop.example:9000"))
    for scheme in ("http", "https"):
        door.check_origin(asked(origin=f"{scheme}://shop.example:9000", host="shop.example:9000"))


def test_a_long_origin_is_not_repeated_whole(door: Door) -> None:
    """A message is a line."""
    with pytest.raises(AccessError) as refused:
        door.check_origin(asked(origin="https://" + "x" * 5_000, host="shop.example"))
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer sk_ü", "Bearer  sk_wrong", "bearer sk_", "Basic sk_x"])
def test_a_wrong_header_is_no_way_in_even_with_a_session(door: Door, tmp_path: Path, header: str) -> None:
    """Who shows a header is judged by it alone, and told how a key is made."""
    cookie = entered(door, make_key(tmp_path, "demo"))
    with pytest.raises(AccessError, match="python -m backend key") as refused:
        door.who(asked(authorization=header, cookie=cookie))
    assert refused.value.status == 401


def test_a_session_ends_with_its_time_its_key_and_its_leaving(door: Door, tmp_path: Path) -> None:
    """Each for itself; an ended one is forgotten, an unknown cookie is nobody."""
    key = make_key(tmp_path, "demo")
    short = Door(tmp_path, "demo", 0.0)
    over = asked(cookie=entered(short, key))
    assert (short.session(over), short.session(over)) == (None, None)
    left, kept = asked(cookie=entered(door, key)), asked(cookie=entered(door, key))
    door.log_out(left, gone := Response())
    assert door.session(left) is None
    assert "max-age=0" in gone.headers["set-cookie"].lower()
    assert door.session(kept) is not None
    remove_key(tmp_path, read_keys(tmp_path)[0].id)
    assert door.session(kept) is None
    assert door.session(asked(cookie=f"{COOKIE}=made-up")) is None
    door.log_out(asked(), Response())


def test_a_key_that_changed_its_shop_ends_its_session(door: Door, tmp_path: Path) -> None:
    """A key of the same name that opens another shop now is another key."""
    request = asked(cookie=entered(door, make_key(tmp_path, "demo")))
    path = tmp_path / "secret-keys.json"
    path.write_text(path.read_text().replace('"demo"', '"elsewhere"'))
    assert door.session(request) is None


def test_sessions_are_bounded(door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest makes room; those whose time is over do so first."""
    monkeypatch.setattr(access, "_MOST_SESSIONS", 2)
    key = make_key(tmp_path, "demo")
    first, second, third = (asked(cookie=entered(door, key)) for _ in range(3))
    assert [door.session(one) is not None for one in (first, second, third)] == [False, True, True]
    later = time.monotonic() + 7_200
    monkeypatch.setattr(time, "monotonic", lambda: later)
    entered(door, key)
    assert len(door._sessions) == 1


def test_the_cookie_is_secure_where_the_page_is(door: Door, tmp_path: Path) -> None:
    """Over plain http a Secure cookie would never come back."""
    key = make_key(tmp_path, "demo")
    for scheme, secure in (("http", False), ("https", True)):
        door.log_in(asked(scheme), key, response := Response())
        cookie = response.headers["set-cookie"].lower()
        assert ("secure" in cookie) is secure
        assert "max-age=3600" in cookie
