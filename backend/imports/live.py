"""History straight from a platform: Shopify's bulk operations and BigCommerce's pages, into an import's directory.

In: settings, the run's directory. Out: Shopify's JSONL files, or parts of BigCommerce's orders. A run that was killed
asks for what it does not have yet: a bulk operation that was started is waited for, not started again.
"""

from datetime import UTC, datetime
from pathlib import Path

from backend.imports.bigcommerce import stage_api
from backend.imports.intake import Tell
from backend.platforms import connect
from backend.platforms.guard import Rules, download
from backend.platforms.http import Limits, NotFoundError
from backend.platforms.shopify import BulkFailedError, Shopify
from backend.platforms.shopify_queries import BULK_CUSTOMERS, BULK_ORDERS, BULK_PRODUCTS
from backend.settings import Settings
from edge.core.bundle import replace_file

_ACTOR = "import"


async def bulk_files(
    settings: Settings, work: Path, since: datetime | None, *, customers: bool, tell: Tell, rules: Rules
) -> list[Path]:
    """The files of orders and products, and of customers if asked for. Raises PlatformError."""
    only = "" if since is None else f'(query: "created_at:>={since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} status:any")'
    queries = {"orders": BULK_ORDERS % only, "products": BULK_PRODUCTS}
    if customers:
        queries["customers"] = BULK_CUSTOMERS
    files = []
    async with connect.shopify(settings) as api:
        for kind, query in queries.items():
            files.append(work / f"{kind}.jsonl")
            if not files[-1].exists():
                await _bulk_file(settings, api, query, files[-1], tell, rules)
    return files


async def _bulk_file(settings: Settings, api: Shopify, query: str, path: Path, tell: Tell, rules: Rules) -> None:
    started = path.with_suffix(".operation")
    if started.exists():
        try:
            await api.bulk(started.read_text())
        except NotFoundError:
            started.unlink()
    if not started.exists():
        replace_file(started, (await api.start_bulk(query)).encode())
    operation = started.read_text()
    try:
        bulk = await api.finish_bulk(operation, progress=lambda found: tell(f"{path.stem} found by Shopify", found, 0))
    except BulkFailedError:
        started.unlink()  # the next run starts another
        raise
    if path.stem != "products":
        connect.note_fetch(settings, "shopify", path.stem, int(bulk.object_count), _ACTOR)
    if bulk.url is None:
        replace_file(path, b"")
        return
    size = int(bulk.file_size) if bulk.file_size else None
    await download(bulk.url, path, rules, Limits(), size=size,
                   progress=lambda done, total: tell(f"fetching {path.stem} (bytes)", done, total or 0))  # fmt: skip


async def bigcommerce_parts(settings: Settings, work: Path, since: datetime | None, tell: Tell) -> None:
    """Orders and products as parts in `work`. Raises PlatformError."""
    done = 0

    def more(count: int) -> None:
        nonlocal done
        done += count
        tell("orders fetched", done, 0)

    def note(count: int) -> None:
        connect.note_fetch(settings, "bigcommerce", "orders", count, _ACTOR)

    async with connect.bigcommerce(settings) as api:
        await stage_api(api, work, since, note, more)
