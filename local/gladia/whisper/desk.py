"""Who gets the decoding threads next: finals before partials, and each kind in the order of asking."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from local.gladia.recogniser import Word

Words = tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """Something to decode on a thread, and what to do with the words afterwards on the event loop."""

    decode: Callable[[], Words]
    deliver: Callable[[Words], None]


# Asked when a thread is free, so that a partial is made of the newest audio; None if there is nothing left to do.
Ask = Callable[[], Work | None]


class Desk:
    """Hands work to `workers` threads. Used on the event loop's thread alone."""

    def __init__(self, *, workers: int) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="whisper")
        self._free = workers
        self._finals: deque[Ask] = deque()
        self._partials: deque[Ask] = deque()

    def ask_final(self, ask: Ask) -> None:
        """Let `ask` have the next thread that no earlier final wants."""
        self._finals.append(ask)
        self._hand_out()

    def ask_partial(self, ask: Ask) -> None:
        """Let `ask` have a thread when no final wants it."""
        self._partials.append(ask)
        self._hand_out()

    async def close(self) -> None:
        """Finish what the threads are at and do no more."""
        self._finals.clear()
        self._partials.clear()
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)

    def _hand_out(self) -> None:
        while self._free and (asks := self._finals or self._partials):
            work = asks.popleft()()
            if work is not None:
                self._free -= 1
                decoded = asyncio.get_running_loop().run_in_executor(self._threads, work.decode)
                decoded.add_done_callback(partial(self._take_back, work))

    def _take_back(self, work: Work, decoded: asyncio.Future[Words]) -> None:
        self._free += 1
        if not decoded.cancelled():
            work.deliver(decoded.result())
        self._hand_out()
