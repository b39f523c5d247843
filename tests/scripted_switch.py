"""A tiny switch on 127.0.0.1 that says what a test's script tells it to, rightly or wrongly."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from fixtures.event_socket import Headers

PASSWORD = "a-very-secret-word"


def frame(content_type: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """Give one frame, with further headers."""
    lines = [f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\n".join(lines).encode() + b"\n\n" + body


def event(headers: Headers) -> bytes:
    """Give the frame of one JSON event."""
    return frame("text/event-json", json.dumps(headers, ensure_ascii=False).encode())


def reply(text: str) -> bytes:
    """Give the frame of the reply to a command."""
    return frame("command/reply", headers={"Reply-Text": text})


class Line:
    """The switch's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk through these streams."""
        self._reader = reader
        self._writer = writer

    async def command(self) -> str:
        """Wait for the next command."""
        return (await self._reader.readuntil(b"\n\n")).decode().removesuffix("\n\n")

    async def say(self, *data: bytes) -> None:
        """Send bytes."""
        self._writer.write(b"".join(data))
        await self._writer.drain()

    async def let_in(self) -> None:
        """Ask for the password and accept it."""
        await self.say(b"Content-Type: auth/request\n\n")
        assert await self.command() == f"auth {PASSWORD}"
        await self.say(reply("+OK accepted"))

    async def stay(self) -> None:
        """Keep the connection open and say no more."""
        await asyncio.Event().wait()

    def hang_up(self) -> None:
        """Close the connection."""
        self._writer.close()


Script: TypeAlias = Callable[[Line], Awaitable[None]]


@asynccontextmanager
async def switch(script: Script) -> AsyncIterator[int]:
    """Run a switch that follows the script on each connection; give its port."""
    tasks: set[asyncio.Task[Any]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        line = Line(reader, writer)
        try:
            await script(line)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client is gone, or the test is over
        finally:
            line.hang_up()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
