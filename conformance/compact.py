"""Bits by key, for more keys than memory should hold: a run may place scenarios for hours."""

from __future__ import annotations

import hashlib
import sqlite3
import weakref

_BEGIN = """
    PRAGMA page_size = 1024;
    PRAGMA cache_size = -128;
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE bits (key INTEGER PRIMARY KEY, bits BLOB);
    BEGIN;
"""
"""Nothing is ever rolled back, nor read by anybody else: the transaction never ends."""

_MIDDLE = 1 << 63
"""What SQLite has are signed integers."""


class NoRoomError(Exception):
    """A temporary file cannot be made, written or read; the text has the cause and a hint."""

    def __init__(self, error: sqlite3.Error) -> None:
        """Say why, by what SQLite said."""
        hint = "make room there, or name another directory in TMPDIR"
        super().__init__(f"a temporary file cannot be kept: {error}; {hint}")


def key_of(text: str) -> int:
    """64 bits that tell a text from any other, the same in every run."""
    digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest)


class Bits:
    """A bitmap of fixed width for each key of 64 bits, in a temporary file where they are many.

    A few thousand are held in memory, 128 kB whatever their number; the file goes with the object.
    To find one takes some 3 microseconds, as does putting one there. Whatever needs the file raises
    NoRoomError where it cannot be had, and so does everything after that.
    """

    def __init__(self, width: int = 0) -> None:
        """Know no key; `width` is the bits of a bitmap, 0 where only the keys matter."""
        self._size = (width + 7) // 8
        # whichever thread looks for what is past may be the one to close it
        self._rows = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._rows.close)
        self._rows.executescript(_BEGIN)

    def __len__(self) -> int:
        """How many keys there are: they are counted, which takes a while where they are many."""
        (count,) = self._ask("SELECT count(*) FROM bits").fetchone()
        return int(count)

    def __contains__(self, key: int) -> bool:
        """Whether the key is there."""
        return self.get(key) is not None

    def get(self, key: int) -> int | None:
        """The key's bitmap, None where it is not there."""
        row = self._ask("SELECT bits FROM bits WHERE key = ?", key - _MIDDLE).fetchone()
        return None if row is None else int.from_bytes(row[0])

    def put(self, key: int, bits: int) -> None:
        """Give a key its bitmap, whether it is there already or not."""
        self._ask("REPLACE INTO bits VALUES (?, ?)", key - _MIDDLE, bits.to_bytes(self._size))

    def add(self, key: int) -> bool:
        """Put a key whose bitmap does not matter, if it is not there already; gives whether so."""
        blank = bytes(self._size)
        added = self._ask("INSERT OR IGNORE INTO bits VALUES (?, ?)", key - _MIDDLE, blank)
        return added.rowcount == 1

    def drop(self, key: int) -> None:
        """Forget a key, if it is there."""
        self._ask("DELETE FROM bits WHERE key = ?", key - _MIDDLE)

    def _ask(self, statement: str, *values: int | bytes) -> sqlite3.Cursor:
        try:
            return self._rows.execute(statement, values)
        except sqlite3.Error as error:
            raise NoRoomError(error) from error
