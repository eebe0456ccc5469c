"""The commands for persons' data, run as a shop's people run them; and a change of keys from start to end."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from backend import audit
from backend.__main__ import main
from backend.consume.consumer import Consumer
from edge.core import keys, tasks
from edge.core.codec import decode_profile
from edge.core.keys import load_keys, pseudonym
from edge.profiles import connect

pytestmark = pytest.mark.store

CONSENT = "personalization,analytics"


@pytest.fixture
def run(session_store: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run a command against the test's store and data directory; its exit status."""
    monkeypatch.setenv("REDIS_URL", session_store)
    monkeypatch.setenv("ENDCAP_DATA_DIR", str(data_dir))
    monkeypatch.delenv("ENDCAP_PSEUDONYM_KEY", raising=False)

    def command(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["backend", *arguments])
        try:
            return main()
        except SystemExit as ended:
            return int(ended.code or 0)

    return command


def consume(url: str) -> None:
    """Apply what stands in the stream."""

    async def job() -> None:
        client = connect(url, timeout_s=10, connections=4)
        await Consumer(client, "demo").catch_up()
        await client.aclose()

    asyncio.run(job())


def name(data_dir: Path, kind: Any, id_: str, which: int = 0) -> str:
    """A pseudonym under the newest key, or an older one."""
    return pseudonym(load_keys(data_dir, None)[which], "demo", kind, id_)


def profile(redis: "Redis", shopper: str) -> Any:
    """A stored profile."""
    data: Any = redis.get(keys.profile_key("demo", shopper))
    return decode_profile(data) if data else None


def test_a_key_is_replaced_without_losing_anybody(
    serve: Callable[..., Any], run: Callable[..., int], redis: "Redis", session_store: str, data_dir: Path,
    event: Callable[..., Any],
) -> None:  # fmt: skip
    """Before the first event under the new name the page is the same; after it all has moved; then the old key goes."""
    old = serve(pseudonym_key=None)
    old.send(event("detail-page-view", "p004", customer_id="A"), event("add-to-cart", "p016", customer_id="A"))
    old.send(event("detail-page-view", "p028", visitor_id="w", customer_id="B"))
    old.client.post("/v1/consent", json={"customer_id": "C", "consent": []})
    consume(session_store)
    before = {who: old.shelves("home", visitor_id="v", customer_id=who, consent=CONSENT) for who in "AB"}
    assert run("rotate-key") == 0
    assert len(load_keys(data_dir, None)) == 2
    new = serve(pseudonym_key=None)
    for who, page in before.items():
        assert new.shelves("home", visitor_id="v", customer_id=who, consent=CONSENT)["slots"] == page["slots"]
    refused = new.send(event("detail-page-view", "p004", visitor_id="x", customer_id="C"))
    assert refused[0]["status"] == "ignored", "a denial under the former name holds"
    new.send(event("detail-page-view", "p040", customer_id="A"))
    consume(session_store)
    moved = profile(redis, name(data_dir, "customer", "A"))
    assert {*moved.viewed} == {"p004", "p016", "p040"}
    assert profile(redis, name(data_dir, "customer", "A", 1)) is None
    cart = new.shelves("cart", visitor_id="v", customer_id="A", consent=CONSENT, limit=50)
    assert "p016" not in [item["id"] for slot in cart["slots"] for item in slot["items"]], "the visit came along"
    assert run("rotate-key", "--drop") == 0
    assert len(load_keys(data_dir, None)) == 1
    last = serve(pseudonym_key=None)
    kept = last.shelves("home", visitor_id="v", customer_id="A", consent=CONSENT)
    assert kept["slots"] == new.shelves("home", visitor_id="v", customer_id="A", consent=CONSENT)["slots"]
    assert [entry.action for entry in audit.read(data_dir)] == ["rotate-key", "drop-key"]


def test_a_withdrawal_during_a_change_of_keys_reaches_both_names(
    serve: Callable[..., Any], run: Callable[..., int], redis: "Redis", session_store: str, data_dir: Path,
    event: Callable[..., Any],
) -> None:  # fmt: skip
    """What lies under the former one goes, too."""
    serve(pseudonym_key=None).send(event("detail-page-view", "p004", customer_id="A"))
    consume(session_store)
    run("rotate-key")
    serve(pseudonym_key=None).client.post("/v1/consent", json={"customer_id": "A", "visitor_id": "v", "consent": []})
    assert list(redis.scan_iter("p:*")) == []
    assert list(redis.scan_iter("s:*")) == []
    assert len(list(redis.scan_iter("c:*"))) == 4


def test_persons_data_by_command(
    serve: Callable[..., Any], run: Callable[..., int], redis: "Redis", session_store: str, data_dir: Path,
    event: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Export, part, erase by raw ids or by a request in a file; each leaves a line in the audit log."""
    edge = serve(pseudonym_key=None)
    edge.send(event("detail-page-view", "p004"))
    consume(session_store)
    edge.send(event("detail-page-view", "p016", customer_id="A"))
    consume(session_store)
    customer, visitor = name(data_dir, "customer", "A"), name(data_dir, "visitor", "v")
    assert profile(redis, customer).parts == 1
    assert run("export-customer", "--customer", "A", "--request", "r1") == 0
    (path,) = (data_dir / "exports").iterdir()
    assert json.loads(path.read_text())["request"] == "r1"
    assert run("unlink", "--visitor", "v", "--customer", "A") == 0
    assert {*profile(redis, visitor).viewed} == {"p004"}
    assert run("unlink", "--visitor", "v", "--customer", "A") == 0
    assert "not linked" in capsys.readouterr().out
    assert run("erase", "--customer", "A") == 0
    assert profile(redis, customer) is None
    request = tmp_path / "request.json"
    request.write_bytes(tasks.encode_task(tasks.Erase("r2", 0.0, (visitor,))))
    assert run("erase", "--request", str(request)) == 0
    assert profile(redis, visitor) is None
    assert run("retention") == 0
    redis.xadd(keys.tasks_key("demo"), {"t": tasks.encode_task(tasks.EraseShop("r3", 0.0))})
    assert run("tasks", "--once") == 0
    assert run("erase-shop", "--yes") == 0
    actions = [entry.action for entry in audit.read(data_dir)]
    assert actions == [
        "export", "unlink", "unlink", "erase", "erase-bytes", "erase", "erase-bytes", "retention",
        "erase-shop", "erase-bytes", "erase-shop", "erase-bytes",
    ]  # fmt: skip
    text = (data_dir / audit.FILE).read_text()
    assert customer not in text
    assert visitor not in text


def test_commands_that_name_nobody_are_refused(
    run: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what to give."""
    request = tmp_path / "request.json"
    request.write_bytes(tasks.encode_task(tasks.Export("r", 0.0, ("k1.x",))))
    for arguments, said in (
        (("erase",), "--customer"),
        (("erase", "--request", str(request)), "not Erase"),
        (("export-customer",), "--visitor"),
        (("erase-shop",), "--yes"),
    ):
        assert run(*arguments) == 2
        assert said in capsys.readouterr().err
    monkeypatch.setenv("ENDCAP_PSEUDONYM_KEY", "5e" * 32)
    assert run("rotate-key") == 2
    assert "ENDCAP_PSEUDONYM_KEY" in capsys.readouterr().err
