"""Events that are kept while their call is in flight."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from campaign.attempt import Attempt, Call
from campaign.gathered import Gathered
from campaign.packing import Packed, event_of, text_of
from conformance.cdr_modules import MODULES
from conformance.observation import UNREADABLE, Headers
from conformance.scenario import ALegBridges, Answer, ExtensionTarget, Scenario

# lone surrogates are what bytes that are not UTF-8 become
TEXT = st.text(st.characters(categories=["L", "N", "P", "S", "Z", "C", "Cs"]))
EVENTS = st.dictionaries(TEXT, TEXT | st.lists(TEXT))


@given(EVENTS)
def test_an_event_comes_back_as_it_was(event: dict[str, str | list[str]]) -> None:
    assert list(event_of(text_of(event)).items()) == list(event.items())


@given(st.lists(st.binary() | TEXT.map(lambda text: text.encode(errors="surrogatepass"))))
def test_texts_come_back_in_their_order(texts: list[bytes]) -> None:
    packed = Packed()
    for text in texts:
        packed.add(text)
    assert list(packed) == texts
    assert list(packed) == texts, "reading them takes nothing away"


def test_what_was_said_before_takes_no_room_again() -> None:
    """A leg tells of itself dozens of times, each time in thousands of characters."""
    event = {f"variable_{number}": f"{number**9:020}" for number in range(100)}
    packed, length = Packed(), 0
    tracemalloc.start()
    for number in range(40):
        text = text_of(event | {"Event-Sequence": str(number)})
        length += len(text)
        packed.add(text)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 8 * held < length


def test_a_cdr_is_that_of_its_leg_and_module() -> None:
    """They are kept in another order, and one may be no CDR at all."""
    scenario = Scenario(ALegBridges(), ExtensionTarget("1000"), (Answer(),))
    written = {
        leg: {
            "xml_cdr": b"<cdr><leg>%s</leg></cdr>" % leg.encode(),
            "json_cdr": b'{"leg":"%s"}' % leg.encode(),
        }
        for leg in ("b", "a")
    }
    written["c"] = {"json_cdr": b"{"}
    gathered = Gathered.of(Attempt(scenario, "lc000000000000x1", "a"), written, MODULES, "")
    cdrs = gathered.placement().cdrs
    assert {leg: found.keys() for leg, found in cdrs.items()} == {
        leg: found.keys() for leg, found in written.items()
    }
    assert [cdrs[leg][module]["leg"] for leg in "ab" for module in ("json_cdr", "xml_cdr")] == list(
        "aabb"
    )
    assert UNREADABLE in cdrs["c"]["json_cdr"]


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
