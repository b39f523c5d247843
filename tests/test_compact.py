"""Bits by key behave as a dictionary does."""

from hypothesis import given
from hypothesis import strategies as st

from conformance.compact import Bits

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
    kept.put(7)
    kept.put(7)
    assert 7 in kept
    assert 8 not in kept
    assert len(kept) == 1
