"""The consumer's tests: a client of the store, and the long test only where it is asked for."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis as AsyncRedis

from edge.profiles import connect


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long tests out unless `-m chaos` names them."""
    if "chaos" not in config.option.markexpr:
        items[:] = [item for item in items if item.get_closest_marker("chaos") is None]


@pytest.fixture
async def client(session_store: str, redis: object) -> AsyncIterator["AsyncRedis"]:
    """A client as the consumer uses it, on an empty store."""
    one = connect(session_store, timeout_s=10, connections=8)
    yield one
    await one.aclose()
