"""A map over many items in threads or processes, in order and with few items under way at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

from wespk.core.errors import WespkError

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_threads(work: Callable[[Item], Result], items: Iterable[Item], count: int) -> Iterator[Result]:
    """Yield `work(item)` in the order of the items, `count` at a time; for work that waits for a disk."""
    with ThreadPoolExecutor(count) as pool:
        yield from _in_order(pool, work, items, 64 * count)


def map_processes(work: Callable[[Item], Result], items: Iterable[Item], count: int) -> Iterator[Result]:
    """Yield `work(item)` in the order of the items, in `count` processes, or in this one for a count of 1.

    The processes are started afresh, not forked: `work` has to be a function of a module, and items and
    results are sent. Raises `WespkError` when a process dies, as one that is out of memory does.
    """
    if count == 1:
        yield from map(work, items)
        return
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        try:
            yield from _in_order(pool, work, items, 2 * count)
        except BrokenProcessPool:
            raise WespkError(
                f"one of {count} processes died, perhaps for lack of memory; run again with --nj 1"
            ) from None


def _in_order(
    pool: Executor, work: Callable[[Item], Result], items: Iterable[Item], most: int
) -> Iterator[Result]:
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
