"""Tasks of the backend: they come back from their bytes, and bytes that are none are refused."""

import pytest

from edge.core.errors import CodecError
from edge.core.tasks import AnyTask, Erase, EraseShop, Export, Fetch, Uninstalled, Unlink, decode_task, encode_task


@pytest.mark.parametrize(
    "task",
    [
        Erase("r1", 1.5, ("k.a", "k.b"), ("o1",), "customers/redact"),
        Export("r2", 2.0, ("k.a",)),
        EraseShop("r3", 3.0),
        Fetch("r4", 4.0, "bigcommerce", "order", "118"),
        Unlink("r5", 5.0, "k.v", "k.c"),
        Uninstalled("r6", 6.0, "shopify"),
    ],
)
def test_a_task_comes_back_as_what_it_was(task: AnyTask) -> None:
    """Kind and fields survive the stream."""
    assert decode_task(encode_task(task)) == task


@pytest.mark.parametrize("data", [b"", b"{}", b'{"task":"Dance","id":"1","time":1}', b'{"task":"EraseShop"}', b"\xff"])
def test_bytes_that_are_no_task_are_refused(data: bytes) -> None:
    """With their size, and without raising anything else."""
    with pytest.raises(CodecError, match=f"task of {len(data)} bytes"):
        decode_task(data)
