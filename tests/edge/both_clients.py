"""Both Python clients under one face, so that each test runs on each."""

import asyncio
from typing import Any, Self

from edge.client import AsyncEndcap, Endcap


class Asyncio:
    """AsyncEndcap, driven from plain code on one event loop."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._client = AsyncEndcap(*args, **options)
        self._runner = asyncio.Runner()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*args: Any, **options: Any) -> Any:
            async def work() -> Any:
                return await method(*args, **options)

            return self._runner.run(work())

        return call

    def __repr__(self) -> str:
        return repr(self._client)

    def __enter__(self) -> Self:
        self._runner.run(self._client.__aenter__())
        return self

    def __exit__(self, *error: object) -> None:
        self._runner.run(self._client.__aexit__(None, None, None))
        self._runner.close()


BOTH: list[Any] = [Endcap, Asyncio]
