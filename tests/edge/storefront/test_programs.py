"""The shop as a program, and the check that scripts/demo makes of it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from edge.storefront import __main__ as launcher
from edge.storefront import check
from tests.edge.storefront.conftest import DOMAIN, SECRET, Before, closed_port
from tests.serving import Serve, remember, until

ROOT = Path(__file__).parents[3]


def test_a_whole_shop_passes(
    serve: Serve, before: Before, redis: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pages are named, and its shelves with what served them."""
    monkeypatch.setattr(check, "_PAGES", ("/", "/departments/dairy", "/cart"))
    edge = serve(shopify_secrets=SECRET, shopify_domain=DOMAIN)
    shop = before(edge.url)
    remember(edge, redis, "7", *[one.id for one in shop.goods.products[:3]])
    assert check.main([shop.url, "--household", "7"]) == 0
    told = capsys.readouterr().out
    assert "/departments/dairy: Dairy · Tansy Street" in told
    assert "buy_again (personal)" in told


def test_a_shop_whose_app_is_away_does_not(
    served: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though its pages are whole."""
    monkeypatch.setattr(check, "_PAGES", ("/",))
    assert check.main([served.url]) == 1
    assert "no personal shelf" in capsys.readouterr().err


def test_a_shop_that_signs_with_another_secret_does_not(
    serve: Serve, before: Before, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The edge refuses it."""
    monkeypatch.setattr(check, "_PAGES", ("/",))
    assert check.main([before(serve(shopify_secrets="other", shopify_domain=DOMAIN).url).url]) == 1
    assert "the app proxy answered 401" in capsys.readouterr().err


def test_a_page_that_is_missing_or_a_shop_that_is_are_named(served: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The sample shop has no fruit."""
    assert check.main([served.url]) == 1
    assert "/departments/fruit answered 404" in capsys.readouterr().err
    assert check.main([f"http://127.0.0.1:{closed_port()}"]) == 1


def test_the_program_serves_until_it_is_told_to_stop(shop_data: Path) -> None:
    """By options for port, edge and data."""
    port = closed_port()
    command = [sys.executable, "-m", "edge.storefront", "--port", str(port), "--data-dir", str(shop_data)]
    environment = {
        "ENDCAP_SHOPIFY_SECRETS": SECRET,
        "ENDCAP_SHOPIFY_DOMAIN": DOMAIN,
        "PATH": "",
        "PYTHONPATH": str(ROOT),
    }
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:

            def up() -> bool:
                assert process.poll() is None
                try:
                    return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code == 200
                except httpx.TransportError:
                    return False

            until(up, within_s=60)
        finally:
            process.terminate()
        told, _ = process.communicate(timeout=60)
    assert f"http://127.0.0.1:{port}" in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "nine"], "storefront_port"),
        (["--edge", "ftp://x"], "storefront_edge"),
        (["--data-dir", "nowhere"], "ENDCAP_SHOPIFY_SECRETS"),
    ],
)
def test_settings_that_cannot_work_are_named(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With status 2, before anything is served."""
    monkeypatch.delenv("ENDCAP_SHOPIFY_SECRETS", raising=False)
    assert launcher.main(arguments) == 2
    assert said in capsys.readouterr().err


def test_the_serving_edge_needs_none_of_it() -> None:
    """No template engine, no HTTP client and no module of the shop in a process that has imported the app."""
    names = "n.split('.')[0] in ('jinja2', 'httpx') or 'storefront' in n"
    code = f"import sys, edge.app; print([n for n in sys.modules if {names}])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"
