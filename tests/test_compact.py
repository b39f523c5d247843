"""Bits by key behave as a dictionary does, and say so where there is no room for them."""

import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.compact import Bits, NoRoomError
from tests.full_disk import largest_file

KEYS = st.integers(0, 2**64 - 1) | st.integers(0, 5)
DEEDS = st.lists(st.tuples(st.sampled_from(("put", "drop")), KEYS, st.integers(0, 2**90 - 1)))


@given(DEEDS)
def test_bits_are_kept_by_key_as_in_a_dictionary(deeds: list[tuple[str, int, int]]) -> None:
    kept, expected = Bits(90), dict[int, int]()
    for deed, key, bits in deeds:
        if deed == "put":
            kept.put(key, bits)
            expected[key] = bits
        elif key in expected:
            kept.drop(key)
            del expected[key]
        assert (key in kept) == (key in expected)
        assert kept.get(key) == expected.get(key)
    assert len(kept) == len(expected)
    assert {key: kept.get(key) for key in expected} == expected


def test_keys_alone_take_no_bits() -> None:
    kept = Bits()
    assert kept.add(7)
    assert not kept.add(7)
    assert 7 in kept
    assert 8 not in kept
    assert len(kept) == 1


def test_many_keys_are_kept_in_a_file_that_nobody_sees() -> None:
    kept = Bits(16)
    for key in range(20_000):
        kept.put(key * 977, key)
    assert len(kept) == 20_000
    assert [kept.get(key * 977) for key in range(20_000)] == list(range(20_000))


def test_any_thread_may_be_the_one_that_lets_go_of_them() -> None:
    kept = [Bits()]
    errors: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "unraisablehook", errors.append)
        thread = threading.Thread(target=kept.clear)
        thread.start()
        thread.join()
    assert not kept
    assert not errors


def test_no_room_for_the_file_is_told_with_its_cause() -> None:
    def put_many() -> None:
        kept = Bits(16)
        for key in range(20_000):
            kept.add(key)

    with largest_file(65_536), pytest.raises(NoRoomError) as caught:
        put_many()
    said = str(caught.value)
    assert said.startswith("a temporary file cannot be kept: ")
    assert said.endswith("; make room there, or name another directory in TMPDIR")
