"""The error that stands for a group of them, and what an interruption has to wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a group, however deep it is nested: the others follow from it."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def to_the_end(work: Coroutine[object, object, None]) -> None:
    """Do what has to be done even if this task is cancelled meanwhile, which it then is after."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled
