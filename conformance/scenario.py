"""The scenario: one call as an immutable value, with JSON in and out and an id that is its hash.

Legs are named by role. The real legs are `a-leg` and `b-leg`, `b-leg2`, ... (one for each bridge
to a `null/` endpoint, in the order in which the plans name them); the loopback legs are
`loopback-a`, `loopback-b` for the first pair and `loopback-a2`, `loopback-b2`, ... further in and
further on in a dial string.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from itertools import count
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from conformance.profile import Profile

Pairs: TypeAlias = tuple[tuple[str, str], ...]
"""Variables as (name, value), in the order in which they are sent."""

HOPS = "lc_hops"
"""Variable that tells each target of a loop how many pairs may still run its plan."""

MOST_HOPS = 5
"""Pairs that run the plan of a loop, at most."""

DEEPEST = 50
"""Pairs that a call goes through, at most: whatever walks through them is recursive."""

_SORTED = json.JSONEncoder(sort_keys=True, ensure_ascii=True, check_circular=False)

_LATER = ("beside", "otherwise")
"""Fields that came later: a scenario without them keeps the JSON, and so the id, that it had."""


class Part(Struct, frozen=True, gc=False, tag_field="kind", forbid_unknown_fields=True):
    """A part of a scenario: an immutable value that JSON names by its kind.

    No cycle of references can go through one, so the collector need not look (`gc`).
    """

    @property
    def kind(self) -> str:
        """What JSON names it by."""
        return str(self.__struct_config__.tag)


# --- what is dialled -----------------------------------------------------------------------------


class ExtensionTarget(Part, frozen=True, tag="extension"):
    """`loopback/<extension>[/context[/dialplan]]`; None leaves a part and its slash out.

    An empty context with a dialplan is `<extension>//<dialplan>` (facts, section 2.1).
    """

    extension: str
    context: str | None = None
    dialplan: str | None = None

    @property
    def text(self) -> str:
        """What stands behind `loopback/`, before any escaping."""
        parts = [self.extension, self.context, self.dialplan]
        while parts[-1] is None:
            parts.pop()
        return "/".join([part or "" for part in parts])


class InlineTarget(Part, frozen=True, tag="inline"):
    """`loopback/<applications>/<context>/inline`: the plan itself is dialled."""

    context: str = "default"


class ApplicationTarget(Part, frozen=True, tag="application"):
    """`loopback/app=<application>[:<argument>]`: the plan is one action, run without a dialplan."""


Target: TypeAlias = ExtensionTarget | InlineTarget | ApplicationTarget


# --- what loopback-b's dialplan does -------------------------------------------------------------


class Answer(Part, frozen=True, tag="answer"):
    """Application `answer`."""


class PreAnswer(Part, frozen=True, tag="pre_answer"):
    """Application `pre_answer`: early media."""


class RingReady(Part, frozen=True, tag="ring_ready"):
    """Application `ring_ready`."""


class Sleep(Part, frozen=True, tag="sleep"):
    """Application `sleep`."""

    milliseconds: int


class SetVariable(Part, frozen=True, tag="set"):
    """Application `set` on loopback-b."""

    name: str
    value: str


class PlayTone(Part, frozen=True, tag="play_tone"):
    """Application `playback` of a generated tone of this length."""

    milliseconds: int


class Park(Part, frozen=True, tag="park"):
    """Application `park`."""


class HangUp(Part, frozen=True, tag="hangup"):
    """Application `hangup` with a cause."""

    cause: str = "NORMAL_CLEARING"


class Unloop(Part, frozen=True, tag="unloop"):
    """Application `unloop`: the loopback pair leaves when its extension starts."""


class BridgeToNull(Part, frozen=True, tag="bridge_null"):
    """Application `bridge` to a `null/` endpoint: the b-leg.

    `answer_delay_ms` None means that it never answers; `early_media` marks it pre-answered first;
    `refusal` is the hangup cause with which it is refused instead (no channel is then created).
    `timeout_s` is for how many seconds loopback-b waits for it, None for the switch's minute.
    """

    answer_delay_ms: int | None = 0
    early_media: bool = False
    refusal: str | None = None
    variables: Pairs = ()
    timeout_s: int | None = None


class BridgeToLoopback(Part, frozen=True, tag="bridge_loopback"):
    """Application `bridge` to a further loopback pair, which has a plan of its own."""

    target: ExtensionTarget
    plan: tuple[Action, ...]
    braces: Pairs = ()
    brackets: Pairs = ()


class BridgeToSeveral(Part, frozen=True, tag="bridge_several"):
    """Application `bridge` to several endpoints, in one dial string.

    All `at_once` are dialled side by side; where they all fail, those `otherwise` are, each when
    the one before failed. `braces` go to all of them; what else a leg is given is in brackets of
    its own, so none has `braces` or a `timeout_s`.
    """

    at_once: tuple[BridgeToNull | BridgeToLoopback, ...]
    otherwise: tuple[BridgeToNull | BridgeToLoopback, ...] = ()
    braces: Pairs = ()

    @property
    def bridges(self) -> tuple[BridgeToNull | BridgeToLoopback, ...]:
        """All endpoints, in the order of the dial string."""
        return (*self.at_once, *self.otherwise)


class BridgeAgain(Part, frozen=True, tag="bridge_again"):
    """Application `bridge` to the target whose plan this is, again: a loop.

    `most` pairs run the plan, and no more: each target is told in a variable (`HOPS`) how many may
    still do, itself included, and its extension is found only where that is one or more. Such a
    plan dials no b-leg. Raises ValueError for more pairs than `MOST_HOPS`.
    """

    most: int
    braces: Pairs = ()

    def __post_init__(self) -> None:
        """Refuse a loop that could be a burden to a switch."""
        if not 1 <= self.most <= MOST_HOPS:
            msg = f"a loop of {self.most} pairs"
            raise ValueError(msg)


Action: TypeAlias = (
    Answer
    | PreAnswer
    | RingReady
    | Sleep
    | SetVariable
    | PlayTone
    | Park
    | HangUp
    | Unloop
    | BridgeToNull
    | BridgeToLoopback
    | BridgeToSeveral
    | BridgeAgain
)


# --- how the call begins -------------------------------------------------------------------------


class ALegBridges(Part, frozen=True, tag="a_leg_bridges"):
    """`originate null/<token> &bridge(loopback/...)`: the a-leg answers and bridges at once.

    With `answers` False the a-leg stays in early media.
    """

    answers: bool = True


class ALegConsults(ALegBridges, frozen=True, tag="a_leg_consults"):
    """`originate null/<token> &att_xfer(loopback/...)`: the consultation of an attended transfer.

    There is nobody to transfer: the call is bridged for the consultation, and that is all.
    """


class ALegRunsDialplan(Part, frozen=True, tag="a_leg_runs_dialplan"):
    """`originate null/<token> <extension> XML <context>`: set and export, then the bridge.

    `afterwards` is what the a-leg's dialplan holds behind the bridge.
    """

    answers: bool = True
    context: str = "default"
    afterwards: tuple[Action, ...] = ()


class Direct(Part, frozen=True, tag="direct"):
    """`originate loopback/... &<application>`: no a-leg dials, loopback-a runs the application.

    The application is one of `park`, `sleep`, `unloop`, `bridge`; the last one, without an
    argument, dials a real leg, which is then the a-leg.
    """

    application: str = "park"
    argument: str = ""


Origin: TypeAlias = ALegBridges | ALegConsults | ALegRunsDialplan | Direct


class Variables(Part, frozen=True, tag="variables"):
    """Variables by the scope in which they are given.

    `originate`: the `{}` of the a-leg's originate. `braces`, `brackets`: the `{}` and `[]` of the
    target's dial string. `export`: exported by the a-leg. `set`: set on the a-leg by its dialplan.
    """

    originate: Pairs = ()
    braces: Pairs = ()
    brackets: Pairs = ()
    export: Pairs = ()
    set: Pairs = ()


# --- what is done from outside -------------------------------------------------------------------


class Event(StrEnum):
    """Events from which a stimulus can be timed."""

    CREATE = "CHANNEL_CREATE"
    ANSWER = "CHANNEL_ANSWER"
    BRIDGE = "CHANNEL_BRIDGE"
    PARK = "CHANNEL_PARK"


class Moment(Part, frozen=True, tag="moment"):
    """A time: `delay_ms` milliseconds after the first such event of the leg."""

    event: Event
    leg: str
    delay_ms: int


class UuidSetvar(Part, frozen=True, tag="uuid_setvar"):
    """`uuid_setvar` on a leg."""

    leg: str
    name: str
    value: str


class UuidKill(Part, frozen=True, tag="uuid_kill"):
    """`uuid_kill` of a leg with a cause."""

    leg: str
    cause: str = "NORMAL_CLEARING"


class UuidSendDtmf(Part, frozen=True, tag="uuid_send_dtmf"):
    """`uuid_send_dtmf` on a leg."""

    leg: str
    digits: str


class UuidDisplay(Part, frozen=True, tag="uuid_display"):
    """`uuid_display` on a leg: the name and the number of who is at its other end."""

    leg: str
    name: str
    number: str


class UuidDeflect(Part, frozen=True, tag="uuid_deflect"):
    """`uuid_deflect` on a loopback leg, to an extension of the call's own that has this plan.

    Dialplan and context are left out where they are None; a context needs a dialplan before it.
    """

    leg: str
    plan: tuple[Action, ...]
    dialplan: str | None = None
    context: str | None = None


Deed: TypeAlias = UuidSetvar | UuidKill | UuidSendDtmf | UuidDisplay | UuidDeflect


class Stimulus(Part, frozen=True, tag="stimulus"):
    """A deed at a moment."""

    at: Moment
    deed: Deed


# --- the whole call ------------------------------------------------------------------------------


class Scenario(Part, frozen=True, gc=True, dict=True, weakref=True, tag="scenario"):
    """One call through a loopback target.

    An ExtensionTarget with an empty plan has no extension on the switch. `ending` is the hangup
    that ends the call, None where its own plan ends it. `profile` is how the switch is set.

    The dial string may name further targets: those `beside` the target are dialled at once with
    it; where they all fail, those `otherwise` are dialled, each when the one before failed. Their
    `{}` is that of the target, so they have no `braces`.
    """

    origin: Origin
    target: Target
    plan: tuple[Action, ...]
    variables: Variables = field(default_factory=Variables)
    stimuli: tuple[Stimulus, ...] = ()
    ending: Stimulus | None = None
    profile: Profile = field(default_factory=Profile)
    beside: tuple[BridgeToLoopback, ...] = ()
    otherwise: tuple[BridgeToLoopback, ...] = ()

    @cached_property
    def text(self) -> str:
        """The scenario as JSON in ASCII, equal for equal scenarios."""
        return _SORTED.encode(self.to_json())

    @cached_property
    def id(self) -> str:
        """Hash of the scenario: 12 hexadecimal digits, equal for equal scenarios."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]

    @cached_property
    def dials(self) -> tuple[tuple[Dialled, ...], ...]:
        """What the outermost dial string names: alternatives, each dialled at once."""
        return self._parts[0]

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """The loopback pairs, in the order in which their legs are numbered."""
        return self._parts[1]

    @cached_property
    def dialled(self) -> Mapping[str, Dialled]:
        """What names each b-leg in a dial string, by role."""
        steps = (step for pair in self.pairs for step in pair.steps)
        named = (one for step in steps for alternative in step.dials for one in alternative)
        return {one.b_leg: one for one in named if one.b_leg}

    @cached_property
    def null_bridges(self) -> Mapping[str, BridgeToNull]:
        """The bridge that dials each b-leg, by role."""
        return {role: one.null for role, one in self.dialled.items() if one.null is not None}

    @cached_property
    def diallers(self) -> Mapping[str, str]:
        """Who dials each b-leg and each loopback-a, by role, without those that the api dials."""
        b_legs = {
            one.b_leg: pair.leg_b
            for pair in self.pairs
            for step in pair.steps
            for alternative in step.dials
            for one in alternative
            if one.b_leg
        }
        pairs = {
            pair.leg_a: numbered("loopback-b", pair.outer) if pair.outer else "a-leg"
            for pair in self.pairs
            if pair.outer or self.has_a_leg
        }
        return b_legs | pairs

    @cached_property
    def _parts(self) -> tuple[tuple[tuple[Dialled, ...], ...], tuple[Pair, ...]]:
        return _parts(self)

    @property
    def has_a_leg(self) -> bool:
        """Whether a real channel originates the target."""
        return not isinstance(self.origin, Direct)

    @property
    def has_audio(self) -> bool:
        """Whether a real channel may come to send loopback-a audio."""
        return self.has_a_leg or getattr(self.origin, "application", "") == "bridge"

    @property
    def origin_answers(self) -> bool:
        """Whether the a-leg answers; True where there is none."""
        return isinstance(self.origin, Direct) or self.origin.answers

    def all_stimuli(self) -> tuple[Stimulus, ...]:
        """The stimuli, with the ending as the last one."""
        return (*self.stimuli, self.ending) if self.ending else self.stimuli

    def at_release(self, release: str) -> Scenario:
        """The same call on a switch whose endpoint is of a release of `conformance.profile`."""
        return replace(self, profile=replace(self.profile, release=release))

    def to_json(self) -> dict[str, Any]:
        """JSON value of the scenario, its arrays as tuples; `from_json` is its inverse."""
        value: dict[str, Any] = msgspec.to_builtins(self)
        value["profile"] = {"kind": value["profile"]["kind"], **self.profile.differing()}
        for name in _LATER:
            if not value[name]:
                del value[name]
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Scenario:
        """Scenario from its JSON value; raises ValueError where that is not one.

        The kind may be left out where a field has only one.
        """
        try:
            scenario = msgspec.convert(value, cls)
            scenario.require_usable()
        except (ValueError, RecursionError) as error:
            raise ValueError(f"not a scenario: {error}") from error
        return scenario

    def require_usable(self) -> None:
        """Raise ValueError where pairs are nested too deep, or a text has half a character."""
        if any(pair.depth > DEEPEST for pair in self.pairs):
            raise ValueError(f"more than {DEEPEST} pairs are nested")
        if "\\ud" in self.text:  # two halves of a character, a byte that is none, or a half
            try:
                json.dumps(self.to_json(), ensure_ascii=False).encode(errors="surrogateescape")
            except UnicodeEncodeError:
                raise ValueError("a text of it has half a character") from None


class Dialled(Struct, frozen=True, gc=False):
    """What one endpoint of a dial string names, with the variables that it is given.

    It is a b-leg, by role, with its bridge; or a loopback pair, by number.
    """

    braces: Pairs
    brackets: Pairs
    b_leg: str = ""
    null: BridgeToNull | None = None
    pair: int = 0


class Step(Struct, frozen=True, gc=False):
    """An action of a plan, with what it dials: alternatives, each of which is dialled at once."""

    action: Action
    dials: tuple[tuple[Dialled, ...], ...] = ()


class Pair(Struct, frozen=True, gc=False):
    """A loopback pair of a scenario.

    `outer` is the number of the pair whose loopback-b dials it (0: the a-leg or the api does),
    `depth` how many pairs a call goes through up to this one. `braces` and `brackets` are the
    variables of its dial string. `leg_a` is the role of the outbound leg, `leg_b` that of the
    inbound leg, which runs the plan.
    """

    number: int
    outer: int
    depth: int
    target: Target
    steps: tuple[Step, ...]
    leg_a: str
    leg_b: str
    braces: Pairs
    brackets: Pairs


def numbered(role: str, number: int) -> str:
    """Role of the n-th leg of a kind: the first has no number."""
    return role if number == 1 else f"{role}{number}"


def same_leg(leg: str, call: Scenario, other: str, simpler: Scenario) -> bool:
    """Whether a leg of a simpler call, by role, may be this leg of a call.

    Legs of a kind are numbered through, so where some are left out those behind them move up: the
    number may be lower, by as many as are gone.
    """
    (kind, number), (other_kind, now) = _kind_and_number(leg), _kind_and_number(other)
    gone = max(0, _how_many(kind, call) - _how_many(kind, simpler))
    return kind == other_kind and 0 <= number - now <= gone


def _kind_and_number(role: str) -> tuple[str, int]:
    kind = role.rstrip("0123456789")
    return kind, int(role[len(kind) :] or 1)


def _how_many(kind: str, scenario: Scenario) -> int:
    return len(scenario.dialled if kind == "b-leg" else scenario.pairs)


def pairs(scenario: Scenario) -> tuple[Pair, ...]:
    """The loopback pairs, in the order in which their legs are numbered."""
    return scenario.pairs


def null_bridges(scenario: Scenario) -> Mapping[str, BridgeToNull]:
    """The bridge that dials each b-leg, by role."""
    return scenario.null_bridges


def _parts(
    scenario: Scenario,
) -> tuple[tuple[tuple[Dialled, ...], ...], tuple[Pair, ...]]:
    """What the outermost dial string names, and all pairs."""
    found: dict[int, Pair] = {}
    b_legs = count(1)

    def pair(
        outer: Pair | None, target: Target, plan: tuple[Action, ...], braces: Pairs, brackets: Pairs
    ) -> Dialled:
        number = len(found) + 1
        legs = (numbered("loopback-a", number), numbered("loopback-b", number))
        by, depth = (outer.number, outer.depth + 1) if outer else (0, 1)
        own = found[number] = Pair(number, by, depth, target, (), *legs, braces, brackets)
        steps = tuple([Step(action, dials(own, action, plan)) for action in plan])
        found[number] = Pair(number, by, depth, target, steps, *legs, braces, brackets)
        return Dialled(braces, brackets, pair=number)

    def dialled(
        outer: Pair | None,
        bridge: BridgeToNull | BridgeToLoopback,
        braces: Pairs,
        brackets: Pairs,
    ) -> Dialled:
        if isinstance(bridge, BridgeToNull):
            return Dialled(braces, brackets, numbered("b-leg", next(b_legs)), bridge)
        return pair(outer, bridge.target, bridge.plan, braces, brackets_of(bridge.plan, brackets))

    def dials(
        own: Pair, action: Action, plan: tuple[Action, ...]
    ) -> tuple[tuple[Dialled, ...], ...]:
        match action:
            case BridgeToNull(variables=variables):
                return ((dialled(own, action, variables, ()),),)
            case BridgeToLoopback(braces=braces, brackets=brackets):
                return ((dialled(own, action, braces, brackets),),)
            case BridgeToSeveral(at_once=at_once, braces=braces):
                named = [dialled(own, one, braces, _own(one)) for one in action.bridges]
                return _alternatives(named, len(at_once))
            case BridgeAgain(braces=braces):
                left = int(own.brackets[-1][1]) - 1
                hops = ((HOPS, str(left)),)
                return ((pair(own, own.target, plan if left else (), braces, hops),),)
            case _:
                return ()

    braces = scenario.variables.braces
    brackets = brackets_of(scenario.plan, scenario.variables.brackets)
    named = [pair(None, scenario.target, scenario.plan, braces, brackets)]
    further = (*scenario.beside, *scenario.otherwise)
    named += [dialled(None, one, braces, one.brackets) for one in further]
    return _alternatives(named, 1 + len(scenario.beside)), tuple(found.values())


def brackets_of(plan: tuple[Action, ...], brackets: Pairs) -> Pairs:
    """The `[]` of a target's dial string, which at its end tells the first of a loop its `HOPS`."""
    loops = [action.most for action in plan if isinstance(action, BridgeAgain)]
    return (*brackets, (HOPS, str(max(loops)))) if loops else brackets


def _own(bridge: BridgeToNull | BridgeToLoopback) -> Pairs:
    return bridge.variables if isinstance(bridge, BridgeToNull) else bridge.brackets


def _alternatives(named: list[Dialled], at_once: int) -> tuple[tuple[Dialled, ...], ...]:
    return (tuple(named[:at_once]), *((one,) for one in named[at_once:]))
