"""Events that are kept while their call is in flight."""

from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from campaign.attempt import Call
from campaign.packing import packed, unpacked
from conformance.observation import Headers

# lone surrogates are what bytes that are not UTF-8 become
TEXT = st.text(st.characters(categories=["L", "N", "P", "S", "Z", "C", "Cs"]))
EVENTS = st.dictionaries(TEXT, TEXT | st.lists(TEXT))


@given(EVENTS)
def test_an_event_comes_back_as_it_was(event: dict[str, str | list[str]]) -> None:
    assert list(unpacked(packed(event)).items()) == list(event.items())


def test_an_event_takes_less_than_half_its_room() -> None:
    event: Headers = {f"variable_{number}": f"{number:020}" for number in range(100)}
    room = sys.getsizeof(event) + sum(map(sys.getsizeof, event.values()))
    assert 2 * sys.getsizeof(packed(event)) < room


def test_events_are_in_the_order_of_their_sequence() -> None:
    """Which is not always the order in which they are told."""
    call = Call("lc000000000000x1")
    events: list[Headers] = [
        {"Event-Name": "CHANNEL_CREATE", "Event-Sequence": "10", "Unique-ID": "a"},
        {"Event-Name": "CHANNEL_DESTROY", "Event-Sequence": "9", "Unique-ID": "\udcff"},
        {"Event-Name": "DTMF", "Unique-ID": "a", "array": ["1", ""]},
    ]
    for event in events:
        assert not list(call.take(event))
    assert call.events() == tuple(reversed(events))
