"""The local AWS as one thing to use.

In use:

    async with LocalAws(Path(".callscribe/aws")) as aws:
        stack = await aws.deploy(Path("cdk.out"), secrets=..., media_url="ws://127.0.0.1:8080")
        await warm(stack)
        async with polling(stack):
            ...
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from local.aws.deploy import Progress, deploy
from local.aws.engine import Engine

if TYPE_CHECKING:
    from types import TracebackType

    from local.aws.local_stack import LocalStack


class LocalAws:
    """An engine that runs while inside, and what is deployed to it."""

    def __init__(self, state_dir: Path, *, keep_state: bool = False) -> None:
        """Prepare an engine that writes under `state_dir` only, and forgets all at each start unless `keep_state`."""
        self.engine = Engine(state_dir, keep_state=keep_state)

    async def deploy(
        self,
        assembly: Path,
        *,
        secrets: Mapping[str, Mapping[str, str]],
        media_url: str,
        outside: Mapping[str, str] = MappingProxyType({}),
        progress: Progress = lambda _what, _done, _total: None,
    ) -> LocalStack:
        """Deploy without blocking the loop; see `local.aws.deploy`. `progress` is called in the loop."""
        loop = asyncio.get_running_loop()
        work = partial(
            deploy,
            assembly,
            root=self.engine.root,
            secrets=secrets,
            media_url=media_url,
            outside=outside,
            progress=lambda what, done, total: _post(loop, partial(progress, what, done, total)),
        )
        return await asyncio.to_thread(work)

    async def __aenter__(self) -> Self:
        await self.engine.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.engine.stop()


def _post(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    loop.call_soon_threadsafe(call)
