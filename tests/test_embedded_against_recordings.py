"""The embedded switch beside what a real FreeSWITCH 1.10.12 did with the same scenarios.

Each leg's events are the same ones in the same order, but for what is a race there; each event that
tells variables tells the same ones; each CDR has the same fields. What differs is listed here, with
the reason, and nowhere else.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import combinations

from campaign.campaign import Pace, open_campaign
from conformance.observation import UNREADABLE, LegEvent, Observation, Placement, observe
from conformance.profile import Profile
from conformance.scenario import Scenario
from fixtures.embedded.clock import FRAME_MICROSECONDS
from fixtures.event_socket import connect
from fixtures.recording import Recording
from fixtures.switches.embedded import EmbeddedSwitch
from tests.recorded_calls import SHIPPED

EVERY = 3
"""One of so many recorded scenarios is placed."""
MODULES = ("json_cdr", "xml_cdr")

BRIDGE_END = ("CHANNEL_UNBRIDGE", "CHANNEL_EXECUTE_COMPLETE bridge")
PARK_END = ("CHANNEL_UNPARK", "CHANNEL_EXECUTE_COMPLETE park")
RACY_ORDER: Mapping[frozenset[str], str] = {
    frozenset(("CHANNEL_EXECUTE_COMPLETE att_xfer", "CHANNEL_UNBRIDGE")): (
        "a consultation is bridged in a thread of its own"
    ),
    frozenset(("CHANNEL_HANGUP_COMPLETE", "CHANNEL_UNBRIDGE")): (
        "whoever was consulted is hung up by its own thread, unbridged by the consultation's"
    ),
    frozenset(("CHANNEL_EXECUTE_COMPLETE hangup", "CHANNEL_HANGUP_COMPLETE")): (
        "what confirms a leg runs in a thread of its own, beside the leg's"
    ),
    **{
        frozenset(("CHANNEL_HANGUP", end)): "a leg is hung up from outside while its own thread "
        "is leaving what it did"
        for end in (*BRIDGE_END, *PARK_END)
    },
    **{
        frozenset((answer, begin)): "loopback-a starts its application when there is early media, "
        "and is answered by another thread"
        for answer in ("CHANNEL_ANSWER", "CHANNEL_PROGRESS_MEDIA")
        for begin in ("CHANNEL_EXECUTE park", "CHANNEL_EXECUTE sleep", "CHANNEL_PARK")
    },
    **{
        frozenset((mark, "CHANNEL_BRIDGE")): "two threads see an answer at the same time"
        for mark in ("CHANNEL_ANSWER", "CHANNEL_PROGRESS_MEDIA")
    },
    **{
        frozenset((mark, begin)): "loopback-b's thread may be faster than loopback-a's own"
        for begin in ("CHANNEL_CREATE", "CHANNEL_ORIGINATE")
        for mark in (
            *("CHANNEL_ANSWER", "CHANNEL_HANGUP", "CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA"),
        )
    },
}
"""Events of a leg that may come in either order, with the reason."""

RACY_EVENTS: Mapping[str, str] = {
    "CHANNEL_BRIDGE": "a call that is refused or hung up at once may be over before the caller "
    "has looked whether it was answered",
    "CHANNEL_UNBRIDGE": "as for CHANNEL_BRIDGE",
    "CHANNEL_PROGRESS_MEDIA": "with loopback_no_pre_answer who dials may find the leg answered "
    "before it noticed its early media",
    "CHANNEL_PARK": "in a chain of three a leg may be parked for a moment as its bridge ends",
    "CHANNEL_UNPARK": "as for CHANNEL_PARK",
    "CHANNEL_EXECUTE sleep": "as for CHANNEL_BRIDGE; and loopback-b may begin the application "
    "behind its bridge before loopback-a's hangup reaches it",
    "CHANNEL_EXECUTE_COMPLETE sleep": "as for its beginning",
    "CHANNEL_EXECUTE hangup": "as for sleep",
    "CHANNEL_EXECUTE_COMPLETE hangup": "as for sleep",
    "CHANNEL_EXECUTE set": "as for sleep",
    "CHANNEL_EXECUTE_COMPLETE set": "as for sleep",
    "CHANNEL_EXECUTE unloop": "a bowout on execution looks 5,000 times, 1 ms apart, which took the "
    "recorded host up to 6 s: then the call may have ended before",
    "CHANNEL_EXECUTE_COMPLETE unloop": "as for its beginning",
    "loopback::bowout": "loopback-a, executing at once, may look before loopback-b has its b-leg",
    "CHANNEL_ANSWER": "as for loopback::bowout; and either thread of a bridge that began in early "
    "media may answer loopback-b",
    "CHANNEL_EXECUTE bridge": "as for unloop",
    "CHANNEL_EXECUTE_COMPLETE bridge": "as for unloop",
}
"""Events that one of two runs of a scenario may lack."""

RACY_SHARE = 0.25
"""Share of the calls, at most, in which any race turned out otherwise than in the recording."""

READ_AT = (
    "CHANNEL_CREATE",
    "CHANNEL_ANSWER",
    "CHANNEL_BRIDGE",
    "CHANNEL_EXECUTE",
    "CHANNEL_HANGUP",
    "CHANNEL_HANGUP_COMPLETE",
)
"""Events whose variables are compared."""

RACY_VARIABLES: Mapping[str, str] = {
    "park_timeout": "set as a leg that was consulted is parked, which its hangup may be ahead of",
    "bridge_hangup_cause": "set by the other leg's thread when the bridge has ended",
    "last_bridge_hangup_cause": "set by the leg at the other end of the bridge",
    "last_bridge_role": "set if the leg was hung up before its own thread left the bridge",
    "bridge_to": "there while the leg's thread is in the bridge",
    "last_sent_callee_id_name": "sent when the leg's thread next looks at its messages",
    "last_sent_callee_id_number": "as last_sent_callee_id_name",
    "last_dtmf_duration": "set when a digit crosses, which may be after the leg's last event",
    "pre_transfer_caller_id_name": "depends on whether the callee was shown before the flip",
    "loopback_hangup_cause": "in a chain either pair may be the one that counts to the end first",
    "loopback_bowout_other_uuid": "as loopback_hangup_cause",
    "transfer_history": "set when the leg was already sent to its dialplan",
    "transfer_source": "as transfer_history",
    "endpoint_disposition": "loopback-b's thread may answer before loopback-a's tells of itself",
}
"""Variables that a race decides."""

FOLLOW_A_BRIDGE = frozenset(
    {
        "DIALSTATUS",
        "bridge_channel",
        "bridge_stamp",
        "bridge_uuid",
        "last_bridge_to",
        "originate_causes",
        "originate_disposition",
        "originate_failed_cause",
        "originate_signal_bond",
        "originated_legs",
        "other_leg_true_id",
        "signal_bond",
    }
)
"""Variables that are there once the leg was bridged: before or after an answer, or a hangup."""

DIFFERENT_HEADERS: Mapping[str, str] = {
    "Event-Calling-File": "names a line of FreeSWITCH's source, and there is none here",
    "Event-Calling-Function": "as Event-Calling-File",
    "Event-Calling-Line-Number": "as Event-Calling-File",
}
"""Headers that the embedded switch leaves out on purpose."""

DIFFERENT_FIELDS: Mapping[str, str] = {
    "app_data": "loopback/app= without an argument: an empty text there, nothing here",
}
"""Fields of CDRs, by the last part of their path, that the embedded switch leaves out."""

SAME_FIELDS = (
    "variables.hangup_cause",
    "variables.loopback_leg",
    "variables.is_loopback",
    "variables.direction",
    "variables.channel_name",
    "variables.loopback_app",
    "variables.loopback_app_arg",
    "callflow.0.caller_profile.context",
    "channel_data.state",
    "channel_data.direction",
)
TIMES = ("variables.uduration", "variables.billusec")
TICKS = 6
"""How many frames' time two runs may differ by that nobody but the switch ends."""


def test_the_recording_is_there() -> None:
    assert len(calls()) >= 80


def test_the_same_legs() -> None:
    for scenario, real, embedded in calls():
        if set(real.uuids) != set(embedded.uuids):
            assert races(real, embedded), scenario.id


def test_the_same_events_of_each_leg() -> None:
    otherwise = 0
    for scenario, real, embedded in calls():
        wrong = Counter[str]()
        for role in set(real.uuids) & set(embedded.uuids):
            one, two = labels(real, role), labels(embedded, role)
            wrong.update((Counter(one) - Counter(two)) + (Counter(two) - Counter(one)))
        assert set(wrong) <= set(RACY_EVENTS), (scenario.id, wrong)
        otherwise += bool(wrong)
    assert otherwise <= RACY_SHARE * len(calls())


def test_the_same_order_of_each_legs_events() -> None:
    otherwise = 0
    for scenario, real, embedded in calls():
        swapped = set[frozenset[str]]()
        for role in set(real.uuids) & set(embedded.uuids):
            swapped |= differently_ordered(labels(real, role), labels(embedded, role))
        assert swapped <= set(RACY_ORDER), (scenario.id, swapped)
        otherwise += bool(swapped)
    assert otherwise <= RACY_SHARE * len(calls())


def test_the_same_headers_and_variables() -> None:
    for scenario, real, embedded in calls():
        loose = races(real, embedded)
        for one, two in matching(real, embedded):
            other = set(one.headers) ^ set(two.headers)
            variables = {name[9:] for name in other if name.startswith("variable_")}
            wrong = variables - set(RACY_VARIABLES)
            if one.name in ("CHANNEL_ANSWER", "CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE"):
                wrong -= FOLLOW_A_BRIDGE
            if one.name == "CHANNEL_CREATE" or (one.name in READ_AT and not loose):
                assert not wrong, (scenario.id, one.leg, one.name, wrong)
            missing = set(one.headers) - set(two.headers) - set(DIFFERENT_HEADERS)
            headers = {
                name
                for name in missing
                if not re.match("variable_|Other-|Caller-Calle|Hangup-Cause", name)
            }
            assert not headers, (scenario.id, one.leg, one.name, headers)


def test_the_same_cdrs() -> None:
    for scenario, real, embedded in calls():
        if races(real, embedded):
            continue
        for role in real.uuids:
            for module in MODULES:
                one, two = (seen.cdrs.get((role, module)) for seen in (real, embedded))
                if one is None and two is None:
                    continue  # unwanted
                assert one is not None
                assert two is not None
                if UNREADABLE in one:
                    continue  # mod_xml_cdr writes markup as it is
                for name in SAME_FIELDS:
                    assert without_uuids(one.get(name)) == without_uuids(two.get(name)), (
                        scenario.id,
                        role,
                        name,
                    )
                for name in TIMES if not scenario.all_stimuli() else ():
                    apart = abs(int(one[name]) - int(two[name]))
                    # A busy host held up the recorded call; the clock here has no such moments.
                    late = real.placement.lateness * 1e6
                    assert apart <= TICKS * FRAME_MICROSECONDS + late, (scenario.id, role, name)
                missing = {shape(name) for name in one} - {shape(name) for name in two}
                assert not {name for name in missing if not racy_field(name)}, (
                    scenario.id,
                    role,
                    module,
                    missing,
                )


# --- both sides ----------------------------------------------------------------------------------


@cache
def calls() -> tuple[tuple[Scenario, Observation, Observation], ...]:
    """Scenarios with what a real switch did and what the embedded one does."""
    recorded = [one for one in Recording(SHIPPED) if one.attempts[0].token.endswith("x1")]
    chosen = recorded[::EVERY]
    placed = asyncio.run(place([one.scenario for one in chosen]))
    return tuple(
        (
            one.scenario,
            observe(one.scenario, one.attempts[0]),
            observe(one.scenario, placed[one.id]),
        )
        for one in chosen
    )


async def place(scenarios: list[Scenario]) -> dict[str, Placement]:
    placed: dict[str, Placement] = {}
    switch = EmbeddedSwitch("embedded:", connect)

    def keep(scenario: Scenario, placement: Placement) -> None:
        placed[scenario.id] = placement

    await switch.start(Profile())
    try:
        async with open_campaign(switch, MODULES, keep, lambda control: None) as campaign:
            await campaign.place_all(scenarios, Pace(rate=1000.0))
    finally:
        await switch.stop()
    return placed


def labels(seen: Observation, role: str) -> list[str]:
    return [label(event) for event in seen.by_leg[role]]


def label(event: LegEvent) -> str:
    application = event.get("Application")
    return f"{event.name} {application}" if application else event.name


def differently_ordered(one: list[str], two: list[str]) -> set[frozenset[str]]:
    """Pairs of labels whose first events come in another order."""
    first, second = ({name: at for at, name in reversed(list(enumerate(s)))} for s in (one, two))
    return {
        frozenset((a, b))
        for a, b in combinations(sorted(set(first) & set(second)), 2)
        if (first[a] < first[b]) != (second[a] < second[b])
    }


def matching(real: Observation, embedded: Observation) -> Iterator[tuple[LegEvent, LegEvent]]:
    """Events of either side that are the same one: the n-th of a label on a leg."""
    for role in set(real.uuids) & set(embedded.uuids):
        numbered: dict[tuple[str, int], LegEvent] = {}
        for seen, keep in ((embedded, True), (real, False)):
            counts = Counter[str]()
            for event in seen.by_leg[role]:
                counts[label(event)] += 1
                key = (label(event), counts[label(event)])
                if keep:
                    numbered[key] = event
                elif key in numbered:
                    yield event, numbered[key]


def races(real: Observation, embedded: Observation) -> bool:
    """Whether a race turned out otherwise in this call."""
    if set(real.uuids) != set(embedded.uuids):
        return (
            any(event.name == "CHANNEL_HANGUP" for event in (*real.events, *embedded.events))
            and len(set(real.uuids) ^ set(embedded.uuids)) == 1
        )
    return any(
        labels(real, role) != labels(embedded, role)
        or real.named(role, "CHANNEL_HANGUP")[0].get("Hangup-Cause")
        != embedded.named(role, "CHANNEL_HANGUP")[0].get("Hangup-Cause")
        for role in real.uuids
    )


def without_uuids(text: str | None) -> str | None:
    return None if text is None else re.sub("[0-9a-f]{8}-[0-9a-f-]{27}", "UUID", text)


def shape(field: str) -> str:
    return re.sub(r"\.[0-9]+\.", ".N.", field)


def racy_field(field: str) -> bool:
    name = field.removeprefix("variables.")
    different = field.rpartition(".")[2] in DIFFERENT_FIELDS
    return different or name in RACY_VARIABLES or ".last_executed" in name or ".current_app" in name
