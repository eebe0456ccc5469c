"""The files that pages load: what is sent, how long it may be kept, who may load it, and how large it may be."""

import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edge import assets
from edge.assets import ASSETS, Asset

WEB = Path(assets.__file__).parent / "web"
SCRIPT = (WEB / "endcap.js").read_bytes()
HASH = Asset("endcap.js", SCRIPT).hash
TYPES = {"endcap.js": "text/javascript; charset=utf-8", "endcap.d.ts": "text/plain; charset=utf-8"}


@pytest.mark.parametrize("base", ["", "/proxy"])
@pytest.mark.parametrize("name", TYPES)
def test_a_file_is_sent_as_it_is_with_or_without_gzip(edge: Any, base: str, name: str) -> None:
    """With its type, for any origin, and to be kept for minutes."""
    for encoding in ("identity", "gzip"):
        answer = edge.client.get(f"{base}/{name}", headers={"Accept-Encoding": encoding})
        assert answer.status_code == 200
        assert answer.content == (WEB / name).read_bytes()
        assert answer.headers.get("content-encoding") == (None if encoding == "identity" else "gzip")
        assert answer.headers["content-type"] == TYPES[name]
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"].startswith("public, max-age=300")


@pytest.mark.parametrize("base", ["", "/proxy"])
def test_under_its_hash_a_file_is_kept_for_good(edge: Any, base: str) -> None:
    """A former hash, of a page older than this process, gets the present file, but not for good."""
    answer = edge.client.get(f"{base}/endcap.{HASH}.js")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    former = edge.client.get(f"{base}/endcap.0123456789abcdef.js")
    assert former.content == answer.content
    assert former.headers["cache-control"].startswith("public, max-age=300")


def test_what_shopify_adds_to_the_address_changes_nothing(edge: Any) -> None:
    """Static files need no signature: there is nothing of a shop in them."""
    answer = edge.client.get("/proxy/endcap.js?shop=x.myshopify.com&timestamp=1&signature=00")
    assert answer.status_code == 200


def test_what_is_known_is_not_sent_again(edge: Any) -> None:
    """ETags, one for each encoding."""
    tags = []
    for encoding in ("identity", "gzip"):
        asked = {"Accept-Encoding": encoding}
        tag = edge.client.get("/endcap.js", headers=asked).headers["etag"]
        again = edge.client.get("/endcap.js", headers=asked | {"If-None-Match": tag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"].startswith("public")
        assert edge.client.get("/endcap.js", headers=asked | {"If-None-Match": "*"}).status_code == 304
        assert edge.client.get("/endcap.js", headers=asked | {"If-None-Match": '"other"'}).status_code == 200
        tags.append(tag)
    assert tags[0] != tags[1]


def test_head_says_what_get_would(edge: Any) -> None:
    """Without the body; and nobody can write there."""
    assert edge.client.head("/endcap.js").headers["etag"] == edge.client.get("/endcap.js").headers["etag"]
    assert edge.client.post("/endcap.js").status_code == 405
    assert edge.client.get("/endcap.css").status_code == 404


def test_compression_is_the_same_everywhere() -> None:
    """So that the same tag means the same bytes, whichever process answers."""
    one, other = Asset("endcap.js", SCRIPT), Asset("endcap.js", SCRIPT)
    assert one.compressed == other.compressed
    assert gzip.decompress(one.compressed) == SCRIPT


def test_sizes_are_printed_and_kept() -> None:
    """`python -m edge.assets`, which scripts/check runs: at most 10 kB for the theme script."""
    done = subprocess.run([sys.executable, "-m", "edge.assets"], capture_output=True, text=True, check=True)
    lines = {line.split()[0]: line.split() for line in done.stdout.splitlines()}
    assert set(lines) == set(ASSETS)
    assert lines["endcap.js"][1:] == [HASH, str(len(SCRIPT)), "bytes", lines["endcap.js"][4], "gzip"]
    assert int(lines["endcap.js"][4]) <= 10_000


def test_a_file_that_is_too_large_fails_the_check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And says which, and how large it may be."""
    monkeypatch.setitem(ASSETS, "endcap.js", 100)
    assert assets.main() == 1
    assert "TOO LARGE: at most 100" in capsys.readouterr().out


def test_a_file_that_is_not_there_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is routed to it."""
    monkeypatch.setattr(assets, "_WEB", Path("/nowhere"))
    assert assets.asset_routes() == []
