"""Text of a switch on a page: nothing in it is invisible, and nothing of it is lost."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.visible import shortened, visible

ANY = st.text(st.characters(exclude_categories=()))
"""Text of any characters, lone surrogates too."""


def read_back(shown: str) -> str:
    return re.sub("⟨U\\+([0-9A-F]+)⟩", lambda found: chr(int(found[1], 16)), shown)


@given(ANY)
def test_nothing_is_lost_and_nothing_pretends(text: str) -> None:
    assert read_back(visible(text)) == text


@given(ANY)
def test_what_is_shown_can_be_seen_and_written(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    shown.encode()
    assert not {unicodedata.category(one) for one in shown} & {
        "Cc",
        "Cf",
        "Cs",
        "Co",
        "Cn",
        "Zl",
        "Zp",
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, with spaces", "plain text, with spaces"),
        ("ünïcödé и 漢字", "ünïcödé и 漢字"),
        ("a\x00b\x1b[31m", "a⟨U+0000⟩b⟨U+001B⟩[31m"),
        ("\u202egnp.exe", "⟨U+202E⟩gnp.exe"),
        ("zero\u200bwidth\ufeff", "zero⟨U+200B⟩width⟨U+FEFF⟩"),
        ("no\xa0break", "no⟨U+00A0⟩break"),
        ("filler\u3164 selector\ufe0f", "filler⟨U+3164⟩ selector⟨U+FE0F⟩"),
        ("byte\udc80", "byte⟨U+DC80⟩"),
        ("⟨U+202E⟩", "⟨U+27E8⟩U+202E⟩"),
    ],
)
def test_characters_that_cannot_be_seen_are_named(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_long_text_is_cut_and_its_length_told() -> None:
    assert shortened("x" * 10_240, 20) == "x" * 20 + "… (10,240 characters)"


@given(st.text(max_size=20))
def test_a_short_text_is_whole(text: str) -> None:
    assert shortened(text, 20) == text
