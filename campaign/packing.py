"""What is told of calls in flight, in the least room that costs next to nothing.

Hundreds of calls are in flight at once, each with dozens of events of a hundred headers, and what
one event says another has mostly said. LZ4 takes 7 microseconds for an event, and an eighth of its
room.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TypeVar

import lz4.block
import orjson

from conformance.observation import Headers

T = TypeVar("T")


class Packed:
    """Texts in the order in which they were added, each kept by what it has not of the last one."""

    def __init__(self) -> None:
        """Begin without any."""
        self._packed: list[bytes] = []
        self._last = b""

    def add(self, text: bytes) -> None:
        """Keep one more."""
        self._packed.append(lz4.block.compress(text, dict=self._last))
        self._last = text

    def __iter__(self) -> Iterator[bytes]:
        """Give them as they were."""
        text = b""
        for packed in self._packed:
            text = lz4.block.decompress(packed, dict=text)
            yield text


def text_of(headers: Headers) -> bytes:
    """An event as text."""
    try:
        text = orjson.dumps(headers)
    except orjson.JSONEncodeError:  # it takes no lone surrogates: bytes that are not UTF-8
        return json.dumps(headers).encode()
    return bytes(memoryview(text))  # a copy: orjson's own holds many times the room


def event_of(text: bytes) -> Headers:
    """The event that was made a text."""
    headers: Headers
    try:
        headers = orjson.loads(text)
    except orjson.JSONDecodeError:
        headers = json.loads(text)
    return headers


def sharing(fields: Mapping[str, T], once: dict[T, T]) -> dict[str, T]:
    """The same fields, their values those that are held `once`, as most of them are by then.

    A call of a hundred events, and a CDR of each leg and module, is a third as large.
    """
    values = fields.values()
    try:
        return dict(zip(fields, map(once.setdefault, values, values), strict=True))
    except TypeError:  # a list is its own
        return {n: v if isinstance(v, list) else once.setdefault(v, v) for n, v in fields.items()}
