"""Bits by key, for more keys than a dictionary should hold: a run may place scenarios for hours."""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left


def key_of(text: str) -> int:
    """64 bits that tell a text from any other, the same in every run."""
    digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest)


class Bits:
    """A bitmap of fixed width for each key of 64 bits: 8 bytes and the bitmap's own a key.

    Kept in the order of the keys, so that a key is found by bisection; adding one moves those
    behind it, which takes some 20 microseconds among 100,000.
    """

    def __init__(self, width: int = 0) -> None:
        """Know no key; `width` is the bits of a bitmap, 0 where only the keys matter."""
        self._size = (width + 7) // 8
        self._keys = array("Q")
        self._bits = bytearray()

    def __len__(self) -> int:
        """How many keys there are."""
        return len(self._keys)

    def __contains__(self, key: int) -> bool:
        """Whether the key is there."""
        at = bisect_left(self._keys, key)
        return at < len(self._keys) and self._keys[at] == key

    def get(self, key: int) -> int | None:
        """The key's bitmap, None where it is not there."""
        at = bisect_left(self._keys, key)
        if at == len(self._keys) or self._keys[at] != key:
            return None
        return int.from_bytes(self._bits[at * self._size : (at + 1) * self._size])

    def put(self, key: int, bits: int = 0) -> None:
        """Give a key its bitmap, whether it is there already or not."""
        at, size = bisect_left(self._keys, key), self._size
        replaced = size
        if at == len(self._keys) or self._keys[at] != key:
            self._keys.insert(at, key)
            replaced = 0
        self._bits[at * size : at * size + replaced] = bits.to_bytes(size)

    def drop(self, key: int) -> None:
        """Forget a key that is there."""
        at = bisect_left(self._keys, key)
        del self._keys[at]
        del self._bits[at * self._size : (at + 1) * self._size]
