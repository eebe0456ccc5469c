"""The throng: it asks by its stages whether or not the server keeps up, and counts by the second."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from loadtests.seconds import Kind, added, together
from loadtests.server import RunError
from loadtests.site import Site
from loadtests.throng import Stage, Throng, ThrongPlan, carry_out, kind_of_body, moments
from loadtests.thronging import thronging

PATHS = ["/v1/recommendations/pdp?product_id=p1", "/v1/recommendations/home"]


def port_of(shop: Any) -> int:
    """Of the small shop."""
    return int(shop.url.rpartition(":")[2])


def plan(tmp_path: Path, port: int, stages: tuple[Stage, ...], zero_s: float = 0.0) -> ThrongPlan:
    """What a throng is told, with everything under `tmp_path`."""
    (tmp_path / "paths").write_text("\n".join(PATHS))
    return ThrongPlan(
        port, str(tmp_path / "paths"), stages, zero_s, 1, str(tmp_path / "begun"), str(tmp_path / "result")
    )


def test_the_rate_changes_from_stage_to_stage() -> None:
    """A Poisson process, the same for the same seed; a stage of rate 0 is silence."""
    stages = (Stage(100, 20), Stage(0, 5), Stage(400, 10))
    times = list(moments(stages, 1))
    assert times == sorted(times)
    assert sum(at < 20 for at in times) == pytest.approx(2_000, rel=0.1)
    assert not [at for at in times if 20 <= at < 25]
    assert sum(at >= 25 for at in times) == pytest.approx(4_000, rel=0.1)
    assert times == list(moments(stages, 1)) != list(moments(stages, 2))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"degraded":[],"slots":[{"served_by":"personal"}]}', "useful"),
        (b'{"degraded": ["unknown_product"], "slots": [{"served_by": "popular"}]}', "useful"),
        (b'{"degraded":["overload"],"slots":[{"served_by":"popular"}]}', "excess"),
        (b'{"degraded":["profile","deadline"],"slots":[{"served_by":"popular"}]}', "lesser"),
        (b'{"degraded":[],"slots":[]}', "failed"),
        (b"<html>", "failed"),
    ],
)
def test_what_came_is_told_from_the_bytes(body: bytes, kind: Kind) -> None:
    """Without decoding a page; one without a shelf, or something else, is no answer."""
    assert kind_of_body(body) == kind


def test_answers_are_counted_for_the_second_they_were_meant_for(shop: Any) -> None:
    """Whenever they came; the warm-up has negative numbers."""
    throng = Throng(port_of(shop), PATHS, zero_s=0.2)
    throng.run([0.0, 0.1, 0.3, 0.4])
    assert {number: second.useful for number, second in throng.seconds.items()} == {-1: 2, 0: 2}
    assert throng.statuses == {}


def test_what_fails_is_told_by_status(shop: Any) -> None:
    """It counts as asked for."""
    shop.status = 503
    throng = Throng(port_of(shop), PATHS, zero_s=0.0)
    throng.run([0.0, 0.01])
    assert throng.seconds[0].failed == 2
    assert throng.statuses == {503: 2}


def test_nobody_there_is_no_answer(shop: Any, unused_tcp_port: int) -> None:
    """Each request is counted, and there is an end."""
    throng = Throng(unused_tcp_port, PATHS, zero_s=0.0)
    throng.run([number / 1_000 for number in range(600)])
    assert throng.statuses == {0: 600}
    assert together(throng.seconds, 0, 9).failed == 600
    assert shop.asked == []


def test_connections_that_rest_are_closed_by_us(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server closes them, too, and a request could cross its goodbye: nothing is lost after a pause."""
    monkeypatch.setattr("loadtests.throng._UNUSED_S", 0.1)
    shop.delay_s = 0.05
    throng = Throng(port_of(shop), PATHS, zero_s=0.0)
    throng.run([*(number / 1_000 for number in range(8)), 0.6, 0.7])
    assert throng.statuses == {}
    assert added((throng.seconds,))[0].useful == 10
    assert throng.timed(1.0).connections < 8


def test_the_process_begins_when_it_is_told(tmp_path: Path, shop: Any) -> None:
    """And what came is in its file; it is gone with the block."""
    (tmp_path / "paths").write_text("\n".join(PATHS))
    sent_for = thronging(
        Site(shop.url),
        (Stage(100, 1.0),),
        tmp_path / "paths",
        zero_s=0.0,
        seed=1,
        work=tmp_path,
        begun=tmp_path / "begun",
        log=tmp_path / "log",
    )
    with sent_for as coming:
        assert shop.asked == []
        coming.begin(time.time() + 5.0)  # more than a process takes to start on a busy machine
        result = coming.result()
    assert coming.process.poll() is not None
    assert together(result.seconds, 0, 1).useful == len(shop.asked) > 20
    assert set(shop.asked) == set(PATHS)


def test_a_process_that_fails_is_told_with_its_log(tmp_path: Path, shop: Any) -> None:
    """Instead of numbers."""
    sent_for = thronging(
        Site(shop.url),
        (Stage(1, 1.0),),
        tmp_path / "missing",
        zero_s=0.0,
        seed=1,
        work=tmp_path,
        begun=tmp_path / "begun",
        log=tmp_path / "log",
    )
    with sent_for as coming:
        coming.begin(time.time())
        with pytest.raises(RunError, match="without a result"):
            coming.result()


def test_who_comes_late_leaves_out_what_is_past(tmp_path: Path, shop: Any) -> None:
    """Else all of it would be sent at once; the seconds stay those of the others."""
    given = plan(tmp_path, port_of(shop), (Stage(200, 1.0),), zero_s=0.5)
    Path(given.begun_file).write_text(repr(time.time() - 0.7))
    seconds = carry_out(given).seconds
    assert list(seconds) == [0]
    assert 10 < seconds[0].useful < 110


def test_without_a_begin_there_is_an_end(tmp_path: Path, shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says whom it waited for."""
    monkeypatch.setattr("loadtests.throng._WAIT_S", 0.1)
    with pytest.raises(TimeoutError, match="begun was not written"):
        carry_out(plan(tmp_path, port_of(shop), (Stage(1, 1.0),)))


def test_a_stall_delays_nobody_elses_request(shop: Any) -> None:
    """All are sent on time, and all waited."""
    shop.delay_s = 0.3
    throng = Throng(port_of(shop), PATHS, zero_s=0.0)
    timer = threading.Timer(0.5, lambda: setattr(shop, "delay_s", 0.0))
    timer.start()
    throng.run([number / 50 for number in range(10)])
    timer.join()
    assert min(throng.seconds[0].took_ms) >= 300
