"""Text from a switch as it may stand on a page: nothing in it is invisible, moves others, or ends.

What a switch sends is hostile. Markup is escaped where a page is written; here characters that
show nothing or steer what is shown are named, and long texts cut.
"""

from __future__ import annotations

import re

LIMIT = 140
"""Characters that are shown of a text."""

_MARK = "⟨"
"""How a named character begins; a text that holds it has it named too, so that none can pretend."""

# Printable for Python, and yet nothing is seen of them: fillers, joiners, variation selectors.
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f"
_NAMED = re.compile(f"[{_MARK}{_BLANK}\U000e0100-\U000e01ef]")


def visible(text: str) -> str:
    """The text with each character that is no plain one as ⟨U+202E⟩."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_named(character) for character in text)


def _named(character: str) -> str:
    if character.isprintable() and not _NAMED.match(character):
        return character
    return f"{_MARK}U+{ord(character):04X}⟩"


def shortened(text: str, limit: int = LIMIT) -> str:
    """The text, cut to so many characters, with its length told."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text):,} characters)"
