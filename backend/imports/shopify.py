"""Shopify's bulk files: one object a line, children anywhere, joined to their parents without trusting any order.

In: JSONL files of orders, products and customers, of any size. Out: parts of plain rows. First pass: each stretch of a
file is cut into buckets by the name of an object's root, so that parent and children meet. Second pass: buckets, each
of which fits in memory, are put together and translated. Both go on where they were interrupted.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from backend.imports.parts import Part, is_done, write_part
from backend.platforms.http import PlatformError
from backend.platforms.shopify import kind_of, short
from backend.platforms.shopify_objects import (
    CustomerNode,
    LineNode,
    OrderNode,
    ProductNode,
    VariantNode,
    order_events,
    product_card,
)
from edge.core.errors import UNREADABLE
from training.rules import DataError

STRETCH = 32 << 20  # bytes of a file read at once; also about what a bucket holds
_LONGEST_LINE = 8 << 20
_KINDS: dict[str, type[msgspec.Struct]] = {
    "Order": OrderNode, "LineItem": LineNode, "Product": ProductNode, "ProductVariant": VariantNode,
    "Customer": CustomerNode,
}  # fmt: skip
_CHILDREN = {"LineItem": "Order", "ProductVariant": "Product"}
_Node = TypeVar("_Node", bound=msgspec.Struct)


class _Head(msgspec.Struct, frozen=True, gc=False):
    id: str | None = None
    parent: str | None = msgspec.field(default=None, name="__parentId")


_head = msgspec.json.Decoder(_Head)
_schema = pa.schema([("kind", pa.string()), ("id", pa.string()), ("parent", pa.string()), ("json", pa.binary())])


def bucket_count(files: Sequence[Path]) -> int:
    """How many buckets keep each within memory."""
    return max(1, -(-sum(path.stat().st_size for path in files) // STRETCH))


def cut(files: Sequence[Path], work: Path, progress: Callable[[int], None] = lambda _: None) -> int:
    """First pass: files into `work/cut`; the number of buckets. `progress` hears of bytes done."""
    buckets = bucket_count(files)
    for number, path in enumerate(files):
        size = path.stat().st_size
        for at in range(0, size, STRETCH):
            end = min(at + STRETCH, size)
            part = work / "cut" / f"{number:03}-{at:015}.parquet"
            if not part.exists():
                _cut_stretch(path, at, end, buckets, part)
            progress(end - at)
    return buckets


def _cut_stretch(path: Path, start: int, end: int, buckets: int, part: Path) -> None:
    """Lines that begin within the stretch, as one row group per bucket; which is which stands in the metadata."""
    rows: list[list[tuple[str, str | None, str | None, bytes]]] = [[] for _ in range(buckets)]
    bad: Counter[str] = Counter()
    with path.open("rb") as file:
        if start:
            file.seek(start - 1)
            _line(file)  # it begins in the stretch before, or is just its line break
        while file.tell() < end and (line := _line(file)):
            if line.isspace():
                continue
            try:
                head = _head.decode(line)
            except UNREADABLE:
                bad["line that is no JSON object"] += 1
                continue
            kind = kind_of(head.id) if head.id else None
            if kind not in _KINDS:
                bad[f"object that is not used ({kind or 'without an id'})"] += 1
                continue
            root = head.parent if kind in _CHILDREN and head.parent else head.id or ""
            rows[zlib.crc32(root.encode()) % buckets].append((kind, head.id, head.parent, line))
    groups = [bucket for bucket in range(buckets) if rows[bucket]]
    notes = {"buckets": msgspec.json.encode(groups), "skipped": msgspec.json.encode(bad)}
    flat = [row for bucket in groups for row in rows[bucket]]
    _write_groups(part, flat, [len(rows[bucket]) for bucket in groups], notes)


def _write_groups(part: Path, rows: list[tuple[Any, ...]], sizes: list[int], notes: dict[str, bytes]) -> None:
    part.parent.mkdir(parents=True, exist_ok=True)
    schema, work = _schema.with_metadata(notes), part.with_name(f".{part.name}")
    at = 0
    with pq.ParquetWriter(work, schema, compression="zstd") as writer:
        for size in sizes:
            columns = zip(*rows[at : at + size], strict=True)
            arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
            writer.write_table(pa.table(arrays, schema=schema), row_group_size=size)
            at += size
    work.replace(part)


def _line(file: Any) -> bytes:  # noqa: ANN401 -- a binary file
    line: bytes = file.readline(_LONGEST_LINE)
    if len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
        raise DataError(f"a line is longer than {_LONGEST_LINE:,} bytes; this is no file of a bulk operation")
    return line


def assemble(work: Path, buckets: int, progress: Callable[[int], None] = lambda _: None) -> None:
    """Second pass: each bucket into a part. `progress` hears of buckets done."""
    cuts = sorted((work / "cut").glob("*.parquet"))
    for bucket in range(buckets):
        name = f"{bucket:06}"
        if not is_done(work, name):
            write_part(work, name, _assembled(cuts, bucket))
        progress(1)
    if not is_done(work, "cut"):
        write_part(work, "cut", Part(skipped=_refused(cuts)))


def _refused(cuts: Sequence[Path]) -> Counter[str]:
    total: Counter[str] = Counter()
    for path in cuts:
        total.update(msgspec.json.decode(pq.read_schema(path).metadata[b"skipped"], type=dict[str, int]))
    return total


def _assembled(cuts: Sequence[Path], bucket: int) -> Part:
    """All objects of a bucket, each once: the line that comes last counts."""
    part = Part()
    found: dict[str, dict[str, tuple[str | None, bytes]]] = {kind: {} for kind in _KINDS}
    for path in cuts:
        file = pq.ParquetFile(path)
        groups = msgspec.json.decode(file.schema_arrow.metadata[b"buckets"], type=list[int])
        if bucket in groups:
            rows = file.read_row_group(groups.index(bucket))
            for kind, id_, parent, line in zip(*(column.to_pylist() for column in rows.columns), strict=True):
                found[kind].pop(id_, None)
                found[kind][id_] = (parent, line)
    _take_orders(found, part)
    _take_products(found, part)
    for customer, _ in _read(found["Customer"], CustomerNode, part).values():
        part.customers[short(customer.id) or customer.id] = customer.wants_mail
    return part


def _take_orders(found: dict[str, dict[str, tuple[str | None, bytes]]], part: Part) -> None:
    orders = _read(found["Order"], OrderNode, part)
    for id_, lines in _by_parent(_read(found["LineItem"], LineNode, part), orders, part).items():
        taken = order_events(orders[id_][0], lines)
        part.events += taken.events
        part.skipped.update(taken.skipped)


def _take_products(found: dict[str, dict[str, tuple[str | None, bytes]]], part: Part) -> None:
    products = _read(found["Product"], ProductNode, part)
    for id_, variants in _by_parent(_read(found["ProductVariant"], VariantNode, part), products, part).items():
        try:
            part.products.append(product_card(products[id_][0], "", variants))
        except PlatformError:
            part.skipped["product without a variant that has a price"] += 1


def _by_parent(
    children: dict[str, tuple[_Node, str | None]], parents: dict[str, Any], part: Part
) -> dict[str, list[_Node]]:
    grouped: dict[str, list[_Node]] = {id_: [] for id_ in parents}
    for child, parent in children.values():
        if parent in grouped:
            grouped[parent].append(child)
        else:
            part.skipped["child whose parent is not in the files"] += 1
    return grouped


def _read(
    rows: dict[str, tuple[str | None, bytes]], kind: type[_Node], part: Part
) -> dict[str, tuple[_Node, str | None]]:
    decoder = msgspec.json.Decoder(kind)
    read = {}
    for id_, (parent, line) in rows.items():
        try:
            read[id_] = (decoder.decode(line), parent)
        except UNREADABLE as error:
            part.skipped[f"{kind.__name__.removesuffix('Node')} that cannot be read: {_field(error)}"] += 1
    return read


def _field(error: Exception) -> str:
    """Which field is wrong, without its value."""
    return str(error).partition(" - at ")[2] or "no JSON"
