"""Calls for tests: what a real switch recorded, calls written by hand, and copies to be spoilt."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

from conformance.complexity import parts
from conformance.judge import Judgement, judge
from conformance.observation import AppliedStimulus, Headers, Placement, observe
from conformance.profile import Profile
from conformance.scenario import (
    ALegBridges,
    ALegRunsDialplan,
    Answer,
    BridgeAgain,
    BridgeToLoopback,
    BridgeToNull,
    Direct,
    Event,
    ExtensionTarget,
    Moment,
    Park,
    Scenario,
    Sleep,
    Stimulus,
    Unloop,
    UuidKill,
    UuidSendDtmf,
    Variables,
    pairs,
)
from fixtures.recording import Recording
from strategies.forks import HANDING_ON, WAITING

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "fixtures" / "recordings" / "freeswitch-1.10.12.jsonl.gz"
RECORDING = Path(os.environ.get("LOOPBACK_CONFORMANCE_RECORDING", SHIPPED))
"""What a released version did with the scenarios of seed 1; another one may be named instead."""

BEGAN = 1_790_000_000_000_000
"""When the calls written by hand begin (microseconds)."""

PROFILE = Profile()


@dataclass(frozen=True, slots=True)
class Call:
    """A scenario with one placement of it."""

    scenario: Scenario
    placement: Placement

    def judged(self) -> Judgement:
        """What the judge says of it."""
        return judge(self.scenario, self.placement)

    def draft(self) -> Draft:
        """Make a copy to be spoilt."""
        return Draft(self)


# --- what was recorded ---------------------------------------------------------------------------


@cache
def keeping() -> Mapping[str, tuple[Call, ...]]:
    """By clause the calls that exercise it, none with any finding; those of fewest parts first."""
    found: dict[str, list[Call]] = {}
    recording = Recording(RECORDING)
    for recorded in recording:
        for placement in recorded.attempts:
            call = Call(recorded.scenario, placement)
            judgement = call.judged()
            if not judgement.findings and not judgement.undecided and not judgement.problem:
                for clause in judgement.exercised:
                    found.setdefault(clause, []).append(call)
    for calls in found.values():
        calls.sort(key=lambda call: (parts(call.scenario), call.placement.token))
    # What was never recorded, or is of the simplest calls too racy to be spoilt, is there by hand.
    for call in by_hand().values():
        for clause in call.judged().exercised:
            found.setdefault(clause, []).append(call)
    return MappingProxyType({clause: tuple(calls) for clause, calls in found.items()})


# --- a call that can be spoilt -------------------------------------------------------------------


class Draft:
    """A call whose events and CDRs can be changed; legs are named by role."""

    def __init__(self, call: Call) -> None:
        seen = observe(call.scenario, call.placement)
        self.scenario = call.scenario
        self.uuids = dict(seen.uuids)
        self.events: list[dict[str, str | list[str]]] = [dict(e) for e in call.placement.events]
        self.cdrs = {
            uuid: {module: dict(cdr) for module, cdr in cdrs.items()}
            for uuid, cdrs in call.placement.cdrs.items()
        }
        self._placement = call.placement

    def placed(self) -> Placement:
        """Give the placement as it now is, in the order of Event-Sequence."""
        self.events.sort(key=sequence)
        return replace(self._placement, events=tuple(self.events), cdrs=self.cdrs)

    def call(self) -> Call:
        """Give the call as it now is."""
        return Call(self.scenario, self.placed())

    @property
    def loopbacks(self) -> list[str]:
        """The loopback legs that there are."""
        return [role for role in self.uuids if role.startswith("loopback")]

    @property
    def outbound(self) -> list[str]:
        """The legs that are dialled."""
        return [role for role in self.uuids if role.startswith("loopback-a")]

    @property
    def inbound(self) -> list[str]:
        """The legs that run the targets' dialplans."""
        return [role for role in self.uuids if role.startswith("loopback-b")]

    @property
    def real(self) -> list[str]:
        """The legs that are no loopbacks."""
        return [role for role in self.uuids if not role.startswith("loopback")]

    def find(
        self, role: str, name: str, application: str | None = None
    ) -> list[dict[str, str | list[str]]]:
        """Give the events of a name of a leg, or those of an application, in order."""
        return [
            event
            for event in self.events
            if (event.get("Unique-ID") or event.get("Resigning-UUID")) == self.uuids.get(role)
            and name in (event.get("Event-Name"), event.get("Event-Subclass"))
            and application in (None, event.get("Application"))
        ]

    def put(self, role: str, name: str, header: str, value: str | None) -> None:
        """Set a header of these events; None takes it away."""
        for event in self.find(role, name):
            event.pop(header, None)
            if value is not None:
                event[header] = value

    def shift(self, role: str, name: str, seconds: float) -> None:
        """Move these events in time; their order stays."""
        for event in self.find(role, name):
            at = int(str(event["Event-Date-Timestamp"])) + round(seconds * 1_000_000)
            event["Event-Date-Timestamp"] = str(at)

    def move(self, role: str, name: str, before: dict[str, str | list[str]]) -> None:
        """Let these events come just before another one; their times stay."""
        self._make_room()
        for event in self.find(role, name):
            event["Event-Sequence"] = str(sequence(before) - 1)

    def drop(self, role: str, name: str, application: str | None = None) -> None:
        """Take these events out."""
        gone = self.find(role, name, application)
        self.events = [event for event in self.events if not any(event is one for one in gone)]

    def add(self, like: dict[str, str | list[str]], **changed: str) -> None:
        """Put in a copy of an event just behind it; in names of headers `_` stands for `-`."""
        self._make_room()
        headers = {name.replace("_", "-"): value for name, value in changed.items()}
        event = {**like, **headers, "Event-Sequence": str(sequence(like) + 1)}
        self.events.append(event)

    def record(self, role: str, field: str, value: str | None) -> None:
        """Set a field of the JSON CDR of a leg; None takes it away."""
        cdr = self.cdrs[self.uuids[role]]["json_cdr"]
        cdr.pop(field, None)
        if value is not None:
            cdr[field] = value

    def recorded(self, role: str, field: str) -> str:
        """Give a field of the JSON CDR of a leg."""
        return self.cdrs[self.uuids[role]]["json_cdr"][field]

    def _make_room(self) -> None:
        """Number the events in tens, so that others fit between them."""
        self.events.sort(key=sequence)
        for number, event in enumerate(self.events, 1):
            event["Event-Sequence"] = str(10 * number)


def sequence(event: Headers) -> int:
    """Place of an event in the order of all of them."""
    return int(str(event["Event-Sequence"]))


# --- calls written by hand -----------------------------------------------------------------------


class Script:
    """Writes down a call event by event, as the switch would tell it; without CDRs."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.token = f"lc{scenario.id}x1"
        self.legs: dict[str, dict[str, str]] = {}
        self.events: list[Headers] = []
        self.applied: list[AppliedStimulus] = []

    def placement(self) -> Placement:
        """Give what was written down."""
        return Placement(
            token=self.token,
            a_leg_uuid="uuid of a-leg",
            reply="+OK uuid of a-leg",
            events=tuple(self.events),
            cdrs={},
            applied=tuple(self.applied),
        )

    def tell(self, at: float, role: str, name: str, **headers: str) -> None:
        """Write an event; in names of headers `_` stands for `-`."""
        spelled = {header.replace("_", "-"): value for header, value in headers.items()}
        self.events.append(
            {
                "Event-Name": name,
                "Event-Date-Timestamp": str(BEGAN + round(at * 1_000_000)),
                "Event-Sequence": str(len(self.events) + 1),
                **self.legs[role],
                **spelled,
            }
        )

    def create(self, at: float, role: str, channel: str, **variables: str) -> None:
        """Write that a leg is created."""
        inbound = role.startswith("loopback-b")
        self.legs[role] = {
            "Unique-ID": f"uuid of {role}",
            "Channel-Name": channel,
            "Call-Direction": "inbound" if inbound else "outbound",
            **{f"variable_{name}": value for name, value in variables.items()},
        }
        self.tell(at, role, "CHANNEL_CREATE")

    def create_pair(
        self, at: float, number: int, caller: str | None, left: str = "", **variables: str
    ) -> None:
        """Write that a loopback pair is created by a channel, with its `max_forwards`."""
        pair = pairs(self.scenario)[number - 1]
        assert isinstance(pair.target, ExtensionTarget)
        extension = pair.target.extension or "service"
        from_uuid = f"uuid of {caller}" if caller else None
        for role, other, from_whom in (
            (pair.leg_a, pair.leg_b, "loopback_from_uuid"),
            (pair.leg_b, pair.leg_a, "other_loopback_from_uuid"),
        ):
            own = dict(variables)
            if left and role == pair.leg_a:
                own["max_forwards"] = left
            own["loopback_leg"] = "A" if role == pair.leg_a else "B"
            own["other_loopback_leg_uuid"] = f"uuid of {other}"
            if from_uuid:
                own[from_whom] = from_uuid
            self.create(
                at, role, f"loopback/{extension}{'-a' if role == pair.leg_a else '-b'}", **own
            )
            transferred = isinstance(self.scenario.origin, ALegRunsDialplan)
            routed = {
                "Caller-Destination-Number": extension,
                "Caller-Context": "default",
                "Caller-Dialplan": "XML" if transferred else "xml",
            }
            self.legs[role] |= routed
            last = self.events.pop()
            self.events.append({**last, **routed})

    def execute(self, at: float, role: str, *applications: str) -> None:
        """Write that a leg executes applications."""
        for application in applications:
            self.tell(at, role, "CHANNEL_EXECUTE", Application=application)

    def bridge(self, at: float, caller: str, peer: str) -> None:
        """Write that two legs are bridged, and who dialled the pair of a loopback-b."""
        self.tell(at, caller, "CHANNEL_BRIDGE", Bridge_B_Unique_ID=f"uuid of {peer}")
        for leg, other in ((caller, peer), (peer, caller)):
            dialled = self.legs[other].get("variable_other_loopback_from_uuid")
            if other.startswith("loopback-b") and dialled:
                self.legs[leg]["variable_other_leg_true_id"] = dialled

    def hang_up(self, at: float, cause: str, *roles: str) -> None:
        """Write that legs are hung up, in this order, and how each goes."""
        for role in roles:
            self.tell(at, role, "CHANNEL_HANGUP", Hangup_Cause=cause)
        for role in roles:
            if role.startswith("loopback"):
                self.legs[role]["variable_is_loopback"] = "1"
            self.tell(at, role, "CHANNEL_HANGUP_COMPLETE", Hangup_Cause=cause)
            self.tell(at, role, "CHANNEL_DESTROY")

    def stimulate(self, at: float, index: int) -> None:
        """Write when the switch carried out a stimulus."""
        self.applied.append(AppliedStimulus(index, BEGAN + round(at * 1_000_000), "+OK"))


def kill(leg: str, delay_ms: int, event: Event, of: str) -> Stimulus:
    """Hang a leg up some time after an event."""
    return Stimulus(Moment(event, of, delay_ms), UuidKill(leg))


def _bridged_without_audio() -> Script:
    """Nobody sends the pairs of a chain audio, for loopback-a runs an application."""
    inner = BridgeToLoopback(ExtensionTarget("n2"), (BridgeToNull(),))
    script = Script(Scenario(Direct("sleep", "4000"), ExtensionTarget("1000"), (Answer(), inner)))
    script.create_pair(0.0, 1, None)
    script.execute(0.0, "loopback-b", "answer")
    for role in ("loopback-a", "loopback-b"):
        script.tell(0.0, role, "CHANNEL_ANSWER")
    script.execute(0.0, "loopback-b", "bridge")
    script.execute(0.0, "loopback-a", "sleep")
    script.create_pair(0.0, 2, "loopback-b")
    script.execute(0.0, "loopback-b2", "bridge")
    for role in ("loopback-a2", "loopback-b2"):
        script.tell(0.0, role, "CHANNEL_PROGRESS_MEDIA")
    script.bridge(0.0, "loopback-b", "loopback-a2")
    script.create(0.01, "b-leg", "null/b1")
    script.tell(0.01, "b-leg", "CHANNEL_ANSWER")
    for role in ("loopback-a2", "loopback-b2"):
        script.tell(0.02, role, "CHANNEL_ANSWER")
    script.bridge(0.02, "loopback-b2", "b-leg")
    everybody = ("loopback-a", "loopback-b", "loopback-a2", "loopback-b2", "b-leg")
    script.hang_up(4.02, "NORMAL_CLEARING", *everybody)
    return script


def _lists_on_the_a_leg() -> Script:
    """The a-leg's own loopback_export lists a variable of the a-leg; the target has no route."""
    given = Variables(set=(("foo", "bar"), ("loopback_export", "foo")))
    script = Script(Scenario(ALegRunsDialplan(), ExtensionTarget("1000"), (), given))
    script.create(0.0, "a-leg", f"null/{script.token}")
    script.tell(0.0, "a-leg", "CHANNEL_ANSWER")
    script.execute(0.0, "a-leg", "set", "set", "bridge")
    script.create_pair(0.0, 1, "a-leg")
    script.hang_up(0.0, "NO_ROUTE_DESTINATION", "loopback-b", "loopback-a", "a-leg")
    return script


def _early_media_only() -> Script:
    """The b-leg never answers: all are bridged in early media, for long enough."""
    stays = BridgeToNull(answer_delay_ms=None, early_media=True)
    ending = kill("a-leg", 3000, Event.BRIDGE, "loopback-b")
    script = Script(Scenario(ALegBridges(), ExtensionTarget("1000"), (stays,), ending=ending))
    script.create(0.0, "a-leg", f"null/{script.token}")
    script.tell(0.0, "a-leg", "CHANNEL_ANSWER")
    script.execute(0.0, "a-leg", "bridge")
    script.create_pair(0.0, 1, "a-leg")
    script.execute(0.0, "loopback-b", "bridge")
    for role in ("loopback-a", "loopback-b"):
        script.tell(0.0, role, "CHANNEL_PROGRESS_MEDIA")
    script.bridge(0.0, "a-leg", "loopback-a")
    script.create(0.01, "b-leg", "null/b1")
    script.tell(0.01, "b-leg", "CHANNEL_PROGRESS_MEDIA")
    script.bridge(0.02, "loopback-b", "b-leg")
    script.stimulate(3.02, 0)
    script.hang_up(3.02, "NORMAL_CLEARING", "a-leg")
    script.hang_up(3.02, "ORIGINATOR_CANCEL", "loopback-a", "loopback-b", "b-leg")
    return script


def _parked() -> Script:
    """Loopback-b answers and parks, so that it is not bridged."""
    ending = kill("a-leg", 3000, Event.PARK, "loopback-b")
    plan = (Answer(), Park())
    script = Script(Scenario(ALegBridges(), ExtensionTarget("1000"), plan, ending=ending))
    script.create(0.0, "a-leg", f"null/{script.token}")
    script.tell(0.0, "a-leg", "CHANNEL_ANSWER")
    script.execute(0.0, "a-leg", "bridge")
    script.create_pair(0.0, 1, "a-leg")
    script.execute(0.0, "loopback-b", "answer")
    for role in ("loopback-a", "loopback-b"):
        script.tell(0.0, role, "CHANNEL_ANSWER")
    script.execute(0.0, "loopback-b", "park")
    script.tell(0.0, "loopback-b", "CHANNEL_PARK")
    script.bridge(0.0, "a-leg", "loopback-a")
    script.stimulate(3.0, 0)
    script.hang_up(3.0, "NORMAL_CLEARING", "a-leg", "loopback-a", "loopback-b")
    return script


def _digits() -> Script:
    """Digits sent to loopback-a arrive at the b-leg."""
    digits = Stimulus(Moment(Event.BRIDGE, "loopback-b", 300), UuidSendDtmf("loopback-a", "1#A"))
    ending = kill("b-leg", 1000, Event.BRIDGE, "loopback-b")
    scenario = Scenario(
        ALegBridges(), ExtensionTarget(""), (BridgeToNull(),), stimuli=(digits,), ending=ending
    )
    script = Script(scenario)
    script.create(0.0, "a-leg", f"null/{script.token}")
    script.tell(0.0, "a-leg", "CHANNEL_ANSWER")
    script.execute(0.0, "a-leg", "bridge")
    script.create_pair(0.0, 1, "a-leg")
    script.execute(0.0, "loopback-b", "bridge")
    for role in ("loopback-a", "loopback-b"):
        script.tell(0.0, role, "CHANNEL_PROGRESS_MEDIA")
    script.bridge(0.0, "a-leg", "loopback-a")
    script.create(0.01, "b-leg", "null/b1")
    script.tell(0.01, "b-leg", "CHANNEL_ANSWER")
    for role in ("loopback-a", "loopback-b"):
        script.tell(0.02, role, "CHANNEL_ANSWER")
    script.bridge(0.02, "loopback-b", "b-leg")
    script.stimulate(0.32, 0)
    script.legs["b-leg"]["variable_null_channel_dtmf_queued"] = "1#A"
    script.stimulate(1.02, 1)
    everybody = ("b-leg", "loopback-b", "loopback-a", "a-leg")
    script.hang_up(1.02, "NORMAL_CLEARING", *everybody)
    return script


def _taken_over() -> Script:
    """The a-leg takes the extension over from loopback-b, and is parked by it."""
    ending = kill("a-leg", 6300, Event.CREATE, "a-leg")
    plan = (Unloop(), Park())
    script = Script(Scenario(ALegBridges(), ExtensionTarget("1000"), plan, ending=ending))
    script.create(0.0, "a-leg", f"null/{script.token}")
    script.tell(0.0, "a-leg", "CHANNEL_ANSWER")
    script.execute(0.0, "a-leg", "bridge")
    script.create_pair(0.0, 1, "a-leg")
    legs = {
        "Resigning_UUID": "uuid of loopback-b",
        "Resigning_Peer_UUID": "uuid of loopback-a",
        "Acquired_UUID": "uuid of a-leg",
    }
    script.tell(5.7, "loopback-b", "CUSTOM", Event_Subclass="loopback::bowout", **legs)
    script.hang_up(5.7, "ORIGINATOR_CANCEL", "loopback-a", "loopback-b")
    script.execute(5.7, "a-leg", "unloop", "park")
    script.tell(5.7, "a-leg", "CHANNEL_PARK")
    marks = {"variable_loopback_hangup_cause": "bowout", "variable_loopback_leg": "B"}
    script.legs["a-leg"] |= marks
    script.stimulate(6.3, 0)
    script.hang_up(6.3, "NORMAL_CLEARING", "a-leg")
    return script


def _race() -> Script:
    """Two targets at once, a third behind: the second is answered first, the first one's rings."""
    second = BridgeToLoopback(ExtensionTarget("n2"), (BridgeToNull(300),))
    script = Script(
        Scenario(
            ALegBridges(),
            ExtensionTarget("1000"),
            (BridgeToNull(None),),
            Variables(braces=WAITING),
            ending=kill("a-leg", 1000, Event.ANSWER, "b-leg2"),
            beside=(second,),
            otherwise=(BridgeToLoopback(ExtensionTarget("n3"), ()),),
        )
    )
    waiting = {"ignore_early_media": "true"}
    script.create(0.0, "a-leg", f"null/{script.token}")
    script.tell(0.0, "a-leg", "CHANNEL_ANSWER")
    script.execute(0.0, "a-leg", "bridge")
    for number, leg_a, leg_b, b_leg in (
        (1, "loopback-a", "loopback-b", "b-leg"),
        (2, "loopback-a2", "loopback-b2", "b-leg2"),
    ):
        script.create_pair(0.0, number, "a-leg", **waiting)
        script.execute(0.0, leg_b, "bridge")
        for role in (leg_a, leg_b):
            script.tell(0.0, role, "CHANNEL_PROGRESS_MEDIA")
        script.create(0.01, b_leg, f"null/b{number}", **waiting)
    script.tell(0.3, "b-leg2", "CHANNEL_ANSWER")
    for role in ("loopback-a2", "loopback-b2"):
        script.tell(0.32, role, "CHANNEL_ANSWER")
    script.bridge(0.32, "loopback-b2", "b-leg2")
    script.legs["loopback-a"]["variable_group_dial_status"] = "loser"
    script.hang_up(0.34, "LOSE_RACE", "loopback-a", "loopback-b")
    script.hang_up(0.34, "ORIGINATOR_CANCEL", "b-leg")
    causes = "ARRAY::uuid of loopback-a;LOSE_RACE|:uuid of loopback-a2;NONE"
    script.legs["a-leg"]["variable_originate_causes"] = causes
    script.legs["a-leg"]["variable_originate_disposition"] = "SUCCESS"
    script.bridge(0.34, "a-leg", "loopback-a2")
    script.stimulate(1.3, 0)
    script.hang_up(1.3, "NORMAL_CLEARING", "a-leg", "loopback-a2", "loopback-b2", "b-leg2")
    return script


def _in_turn() -> Script:
    """The first target has no route, and so has the one that is dialled then."""
    behind = BridgeToLoopback(ExtensionTarget("n2"), ())
    script = Script(Scenario(ALegBridges(), ExtensionTarget("1000"), (), otherwise=(behind,)))
    script.create(0.0, "a-leg", f"null/{script.token}")
    script.tell(0.0, "a-leg", "CHANNEL_ANSWER")
    script.execute(0.0, "a-leg", "bridge")
    script.create_pair(0.0, 1, "a-leg")
    script.hang_up(0.0, "NO_ROUTE_DESTINATION", "loopback-b", "loopback-a")
    script.create_pair(0.02, 2, "a-leg")
    script.hang_up(0.02, "NO_ROUTE_DESTINATION", "loopback-b2", "loopback-a2")
    listed = [f"uuid of {leg};NO_ROUTE_DESTINATION" for leg in ("loopback-a", "loopback-a2")]
    script.legs["a-leg"]["variable_originate_causes"] = f"ARRAY::{'|:'.join(listed)}"
    script.legs["a-leg"]["variable_originate_disposition"] = "NO_ROUTE_DESTINATION"
    script.hang_up(0.02, "NO_ROUTE_DESTINATION", "a-leg")
    return script


def _loop_goes_on() -> Script:
    """A loop goes on beyond the a-leg's max_forwards, until its extension is not found."""
    plan = (Sleep(200), BridgeAgain(1))
    given = Variables(originate=(("max_forwards", "2"),))
    script = Script(Scenario(ALegBridges(), ExtensionTarget("1000"), plan, given))
    script.create(0.0, "a-leg", f"null/{script.token}", max_forwards="2")
    script.tell(0.0, "a-leg", "CHANNEL_ANSWER")
    script.execute(0.0, "a-leg", "bridge")
    script.create_pair(0.0, 1, "a-leg", "1", lc_hops="1")
    script.execute(0.0, "loopback-b", "sleep", "bridge")
    for role in ("loopback-a", "loopback-b"):
        script.tell(0.2, role, "CHANNEL_PROGRESS_MEDIA")
    script.create_pair(0.2, 2, "loopback-b", "70", lc_hops="0")
    everybody = ("loopback-b2", "loopback-a2", "loopback-b", "loopback-a", "a-leg")
    script.hang_up(0.2, "NO_ROUTE_DESTINATION", *everybody)
    return script


def _loop_ends() -> Script:
    """A loop that hands max_forwards on ends when none are left."""
    plan = (Sleep(200), BridgeAgain(1, HANDING_ON))
    given = Variables(originate=(("max_forwards", "2"),), braces=HANDING_ON)
    script = Script(Scenario(ALegBridges(), ExtensionTarget("1000"), plan, given))
    script.create(0.0, "a-leg", f"null/{script.token}", max_forwards="2")
    script.tell(0.0, "a-leg", "CHANNEL_ANSWER")
    script.execute(0.0, "a-leg", "bridge")
    script.create_pair(
        0.0, 1, "a-leg", lc_hops="1", max_forwards="1", loopback_export="max_forwards"
    )
    script.execute(0.0, "loopback-b", "sleep", "bridge")
    script.hang_up(0.2, "EXCHANGE_ROUTING_ERROR", "loopback-b", "loopback-a", "a-leg")
    return script


@cache
def by_hand() -> Mapping[str, Call]:
    """The calls written by hand: what no recorded scenario, or hardly one, exercises."""
    scripts = {
        "bridged without audio": _bridged_without_audio(),
        "loopback_export on the a-leg": _lists_on_the_a_leg(),
        "early media only": _early_media_only(),
        "parked": _parked(),
        "digits, to an empty target": _digits(),
        "taken over and parked": _taken_over(),
        "a race of two targets": _race(),
        "one target after the other": _in_turn(),
        "a loop that is not limited": _loop_goes_on(),
        "a loop that is limited": _loop_ends(),
    }
    calls = {name: Call(script.scenario, script.placement()) for name, script in scripts.items()}
    return MappingProxyType(calls)
