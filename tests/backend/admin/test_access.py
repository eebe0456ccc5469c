"""Who gets in: by key, by a browser's session, and what a foreign page cannot do."""

import re

import httpx
import pytest

from backend.admin.access import COOKIE
from edge.core.access import make_key, read_keys, remove_key
from tests.backend.admin.conftest import Panel, StartPanel

CLOSED = ["/status", "/metrics", "/audit", "/dead-letters", "/reports/drift.html"]
POSTS = ["/approve", "/reject", "/rollback", "/erase", "/canary", "/shadow", "/switch", "/dead-letters/replay", "/run"]


def csrf_of(browser: httpx.Client) -> str:
    """The token in the page's forms."""
    found = re.search(r'name="csrf" value="([^"]+)"', browser.get("/").text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer sk_wrong", "Basic abc", "Bearer pk_x"])
def test_without_a_key_nothing_is_shown_or_done(panel: Panel, header: str | None) -> None:
    """401 that says how, on every route but health and the page, which shows a form only."""
    headers = {"Authorization": header} if header else {}
    with httpx.Client(base_url=panel.url, headers=headers) as stranger:
        for path in CLOSED:
            answer = stranger.get(path)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), path
        for path in POSTS:
            assert stranger.post(path, json={}).status_code == 401, path
        assert stranger.get("/healthz").status_code == 200
        page = stranger.get("/")
        assert page.status_code == 200
        assert "Secret key of the shop" in page.text
        assert "audit" not in page.text.lower()


def test_a_key_of_another_shop_opens_nothing(panel: Panel) -> None:
    """403, by header and at the login."""
    other = make_key(panel.settings.data_dir, "elsewhere")
    with httpx.Client(base_url=panel.url) as stranger:
        answer = stranger.get("/status", headers={"Authorization": f"Bearer {other}"})
        assert answer.status_code == 403
        assert "another shop" in answer.json()["detail"]
        assert stranger.post("/login", data={"key": other}).status_code == 403
        assert COOKIE not in stranger.cookies


def test_a_key_taken_out_of_force_ends_its_sessions(panel: Panel) -> None:
    """At once, for header and cookie alike."""
    browser = panel.browser()
    assert browser.get("/status").status_code == 200
    remove_key(panel.settings.data_dir, read_keys(panel.settings.data_dir)[-1].id)
    assert browser.get("/status").status_code == 401
    assert panel.client.get("/status").status_code == 401


def test_the_cookie_is_for_no_script_and_no_other_site(panel: Panel) -> None:
    """HttpOnly and SameSite=Strict; Secure where the page came over https."""
    plain = httpx.post(f"{panel.url}/login", data={"key": panel.key})
    cookie = plain.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie
    behind = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.5"}
    secure = httpx.post(f"{panel.url}/login", data={"key": panel.key}, headers=behind)
    assert "; secure" in secure.headers["set-cookie"].lower()


def test_a_wrong_key_at_the_login_says_so(panel: Panel) -> None:
    """In the form, without a cookie, and without repeating what was typed."""
    answer = httpx.post(f"{panel.url}/login", data={"key": "sk_<b>guess</b>"})
    assert answer.status_code == 401
    assert "no key in force" in answer.text
    assert "guess" not in answer.text
    assert "set-cookie" not in answer.headers


def test_a_form_without_the_sessions_token_does_nothing(panel: Panel) -> None:
    """403 for a missing, wrong or foreign token; with its own it works, as a form and as JSON with the header."""
    browser, other = panel.browser(), panel.browser()
    for token in ("", "x", csrf_of(other)):
        assert browser.post("/switch", data={"serve_percent": "50", "csrf": token}).status_code == 403
    assert browser.post("/switch", json={"serve_percent": 50}).status_code == 403
    assert panel.status()["switches"]["serve_percent"] == 100
    token = csrf_of(browser)
    assert browser.post("/switch", data={"serve_percent": "50", "csrf": token}).status_code == 303
    assert browser.post("/switch", json={"off": ["pdp"]}, headers={"X-CSRF-Token": token}).status_code == 200
    assert panel.status()["switches"] == {"off": ["pdp"], "serve_percent": 50}


def test_posts_from_another_origin_do_nothing(panel: Panel) -> None:
    """Also the login: nobody is put into somebody else's session."""
    browser = panel.browser()
    token, foreign = csrf_of(browser), {"Origin": "https://evil.example"}
    assert browser.post("/switch", data={"csrf": token}, headers=foreign).status_code == 403
    assert httpx.post(f"{panel.url}/login", data={"key": panel.key}, headers=foreign).status_code == 403
    own = {"Origin": panel.url}
    assert browser.post("/switch", data={"csrf": token}, headers=own).status_code == 303


def test_leaving_ends_the_session(panel: Panel) -> None:
    """For this browser only, and not by another site's form."""
    browser, other = panel.browser(), panel.browser()
    assert browser.post("/logout", data={}).status_code == 403
    kept = dict(browser.cookies)
    assert browser.post("/logout", data={"csrf": csrf_of(browser)}).status_code == 303
    assert httpx.get(f"{panel.url}/status", cookies=kept).status_code == 401
    assert other.get("/status").status_code == 200


def test_a_session_ends_with_its_time(start_panel: StartPanel) -> None:
    """The page asks for the key again."""
    panel = start_panel(admin_session_h=1e-9)
    browser = panel.browser()
    assert "Secret key of the shop" in browser.get("/").text


def test_the_page_loads_nothing_and_runs_nothing(panel: Panel) -> None:
    """No script at all, styles by nonce, no frame around it, not kept by any cache."""
    browser = panel.browser()
    answers = [browser.get("/"), httpx.get(panel.url)]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        nonce = re.search(r"style-src 'nonce-([^']+)'", policy)
        assert nonce is not None
        assert f'<style nonce="{nonce[1]}">' in answer.text
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert "<script" not in answer.text
        assert " style=" not in answer.text
        assert answer.headers["cache-control"] == "no-store"
    policies = {answer.headers["content-security-policy"] for answer in answers}
    assert len(policies) == 2, "a nonce is used once"
