"""Rows 9 and 10: bundles that must not serve, and bundles that follow each other faster than anybody would publish."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edge.core.bundle import INDEX, Live, Manifest, Part, read_arrays, read_manifest, write_bundle, write_live
from edge.core.features import FEATURE_NAMES
from tests.faults.crowd import Crowd, fine
from tests.faults.shop import Shop, Shops
from tests.faults.speed import FULL, either

Say = Callable[[str], None]
Until = Callable[..., None]


def first_bundle(data_dir: Path) -> Path:
    """The one that serves."""
    return next(path for path in (data_dir / "bundles" / "demo").iterdir() if path.is_dir())


def like(bundle: Path, version: str, ranker: bytes | None = None, arrays: Mapping[str, Any] | None = None) -> None:
    """Another bundle beside it, with checksums that fit whatever is in it."""
    manifest = read_manifest(bundle)
    values = {name: getattr(manifest, name) for name in Manifest.__struct_fields__} | {"version": version}
    part = Part(ranker or (bundle / "ranker.onnx").read_bytes(), arrays or read_arrays(bundle))
    write_bundle(bundle.parent.parent, Manifest(**(values | {"sessions": None})), {INDEX: part})


def model_of(*nodes: Any, constants: tuple[Any, ...] = (), width: int = len(FEATURE_NAMES), ir: int = 10) -> bytes:
    """A small ONNX model from rows of features to `y`."""
    rows = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, width])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(list(nodes), "g", [rows], [out], initializer=list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=ir)
    data: bytes = model.SerializeToString()
    return data


def newer_ir(bundle: Path) -> bytes:
    """As a later exporter writes it."""
    model = onnx.load(bundle / "ranker.onnx")
    model.ir_version = 99
    data: bytes = model.SerializeToString()
    return data


def wrong_width(bundle: Path) -> bytes:
    """For three features."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, [3, 1], [1.0] * 3)
    return model_of(helper.make_node("MatMul", ["x", "w"], ["y"]), constants=(weights,), width=3)


def external_data(bundle: Path) -> bytes:
    """Whose weights are another file of the machine."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, [len(FEATURE_NAMES), 1], [1.0] * len(FEATURE_NAMES))
    weights.ClearField("float_data")
    weights.data_location = TensorProto.EXTERNAL
    place = weights.external_data.add()
    place.key, place.value = "location", "../../../../../../etc/passwd"
    return model_of(helper.make_node("MatMul", ["x", "w"], ["y"]), constants=(weights,))


def memory_bomb(bundle: Path) -> bytes:
    """A handful of bytes that ask for 32 GiB."""
    shape = helper.make_tensor("s", TensorProto.INT64, [1], [8 << 30])
    return model_of(helper.make_node("ConstantOfShape", ["s"], ["y"]), constants=(shape,))


def endless_loop(bundle: Path) -> bytes:
    """While true."""
    true = helper.make_tensor("t", TensorProto.BOOL, [], [True])
    inner = [helper.make_tensor_value_info(name, kind, []) for name, kind in (("i", 7), ("c", 9))]
    out = helper.make_tensor_value_info("d", TensorProto.BOOL, [])
    body = helper.make_graph([helper.make_node("Identity", ["c"], ["d"])], "b", inner, [out])
    loop = helper.make_node("Loop", ["", "t"], [], body=body)
    return model_of(loop, helper.make_node("Identity", ["x"], ["y"]), constants=(true,))


def flipped(bundle: Path) -> bytes:
    """A weight of the real forest with other bits, checksums made to fit: only the golden scores tell."""
    model = onnx.load(bundle / "ranker.onnx")
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name.endswith("_weights") and attribute.floats:
                attribute.floats[0] += 0.5
                attribute.floats[len(attribute.floats) // 2] -= 0.25
    data: bytes = model.SerializeToString()
    return data


HOSTILE: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "newer IR": (newer_ir, "IR version 99"),
    "wrong width": (wrong_width, "golden"),
    "external data": (external_data, "outside its file"),
    "memory bomb": (memory_bomb, "ConstantOfShape"),
    "endless loop": (endless_loop, "Loop"),
    "changed weights": (flipped, "differ by"),
}


@pytest.mark.fault(9)
def test_hostile_models_never_serve_and_cost_nothing(open_shop: Shops, until: Until, figure: Say) -> None:
    """Each is published with checksums that fit: refused with its reason, and the old model answers all the while."""
    shop = open_shop(patient=True)
    good = first_bundle(shop.data_dir)
    before = shop.rss_mb()
    with Crowd(shop.url) as crowd:
        for name, (forge, reason) in HOSTILE.items():
            version = f"bad-{name.replace(' ', '-')}"
            like(good, version, ranker=forge(good))
            write_live(shop.data_dir / "bundles", "demo", Live(version))
            until(lambda words=reason: words in str(shop.state()["model_refused"]))
            assert shop.state()["status"] == "ready"
        write_live(shop.data_dir / "bundles", "demo", Live(good.name))
        until(lambda: shop.state()["model_refused"] is None)
    assert {one.version for one in fine(crowd.pages())} == {good.name}
    grown = shop.rss_mb() - before
    assert grown < 200, f"resident memory grew by {grown:.0f} MB"
    assert shop.metric("endcap_bundles_refused_total") == len(HOSTILE)
    figure(f"{len(HOSTILE)} hostile models refused, memory +{grown:.0f} MB")


def popular_page(shop: Shop) -> tuple[str, tuple[str, ...]]:
    """What a stranger is shown, and by which version; where the machine is too busy for a page, the next one."""
    told: dict[str, Any] = {"degraded": ["overload"]}
    while told["degraded"] == ["overload"]:
        told = shop.client.get("/v1/recommendations/home", params={"slots": "for_you", "limit": 10}).json()
    assert told["degraded"] == []
    return told["model_version"], tuple(item["id"] for slot in told["slots"] for item in slot["items"])


@pytest.mark.fault(10)
def test_a_hundred_swaps_are_noticed_by_nobody(open_shop: Shops, until: Until, figure: Say) -> None:
    """Two models by turns under load: no error, no answer half of one and half of the other, memory flat."""
    shop = open_shop(patient=True)
    first = first_bundle(shop.data_dir)
    arrays = dict(read_arrays(first))
    arrays["popular"] = np.ascontiguousarray(np.asarray(arrays["popular"])[::-1])
    like(first, "turned", arrays=arrays)
    like(first, "straight")
    swaps, every_s = int(either(6, 100)), either(0.3, 0.6)
    seen: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    warm = 0.0
    with Crowd(shop.url) as crowd:
        for number in range(swaps):
            write_live(shop.data_dir / "bundles", "demo", Live(("turned", "straight")[number % 2]))
            due = time.monotonic() + every_s
            while time.monotonic() < due:
                version, shown = popular_page(shop)
                seen[version].add(shown)
            if number == swaps // 3:
                warm = shop.rss_mb()
        for version in ("turned", "straight"):
            write_live(shop.data_dir / "bundles", "demo", Live(version))
            until(lambda wanted=version: popular_page(shop)[0] == wanted)
            seen[version].add(popular_page(shop)[1])
    grown = shop.rss_mb() - warm
    loaded = shop.metric("endcap_bundles_loaded_total")
    assert {one.version for one in fine(crowd.pages())} <= {first.name, "turned", "straight"}
    assert all(len(pages) == 1 for pages in seen.values()), {name: len(pages) for name, pages in seen.items()}
    assert seen["turned"] != seen["straight"], "else the test could not tell them apart"
    assert json.dumps(shop.state()["model_refused"]) == "null"
    if FULL:
        assert grown < 20, f"resident memory grew by {grown:.1f} MB after the first third"
    figure(f"{swaps} published, {loaded:.0f} loaded, {len(crowd.replies)} requests, memory {grown:+.1f} MB")
