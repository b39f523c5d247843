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
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import cache, cached_property
from itertools import count
from types import MappingProxyType, UnionType
from typing import Any, ClassVar, TypeAlias, Union, get_args, get_origin, get_type_hints

from conformance.profile import Profile

Pairs: TypeAlias = tuple[tuple[str, str], ...]
"""Variables as (name, value), in the order in which they are sent."""

HOPS = "lc_hops"
"""Variable that tells each target of a loop how many pairs may still run its plan."""

MOST_HOPS = 5
"""Pairs that run the plan of a loop, at most."""

_LATER: Mapping[str, bool] = MappingProxyType({"later": True})
"""Of fields that came later: a scenario without them keeps the JSON, and so the id, that it had."""


# --- what is dialled -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExtensionTarget:
    """`loopback/<extension>[/context[/dialplan]]`; None leaves a part and its slash out.

    An empty context with a dialplan is `<extension>//<dialplan>` (facts, section 2.1).
    """

    kind: ClassVar[str] = "extension"
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


@dataclass(frozen=True, slots=True)
class InlineTarget:
    """`loopback/<applications>/<context>/inline`: the plan itself is dialled."""

    kind: ClassVar[str] = "inline"
    context: str = "default"


@dataclass(frozen=True, slots=True)
class ApplicationTarget:
    """`loopback/app=<application>[:<argument>]`: the plan is one action, run without a dialplan."""

    kind: ClassVar[str] = "application"


Target: TypeAlias = ExtensionTarget | InlineTarget | ApplicationTarget


# --- what loopback-b's dialplan does -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """Application `answer`."""

    kind: ClassVar[str] = "answer"


@dataclass(frozen=True, slots=True)
class PreAnswer:
    """Application `pre_answer`: early media."""

    kind: ClassVar[str] = "pre_answer"


@dataclass(frozen=True, slots=True)
class RingReady:
    """Application `ring_ready`."""

    kind: ClassVar[str] = "ring_ready"


@dataclass(frozen=True, slots=True)
class Sleep:
    """Application `sleep`."""

    kind: ClassVar[str] = "sleep"
    milliseconds: int


@dataclass(frozen=True, slots=True)
class SetVariable:
    """Application `set` on loopback-b."""

    kind: ClassVar[str] = "set"
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class PlayTone:
    """Application `playback` of a generated tone of this length."""

    kind: ClassVar[str] = "play_tone"
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Park:
    """Application `park`."""

    kind: ClassVar[str] = "park"


@dataclass(frozen=True, slots=True)
class HangUp:
    """Application `hangup` with a cause."""

    kind: ClassVar[str] = "hangup"
    cause: str = "NORMAL_CLEARING"


@dataclass(frozen=True, slots=True)
class Unloop:
    """Application `unloop`: the loopback pair leaves when its extension starts."""

    kind: ClassVar[str] = "unloop"


@dataclass(frozen=True, slots=True)
class BridgeToNull:
    """Application `bridge` to a `null/` endpoint: the b-leg.

    `answer_delay_ms` None means that it never answers; `early_media` marks it pre-answered first;
    `refusal` is the hangup cause with which it is refused instead (no channel is then created).
    `timeout_s` is for how many seconds loopback-b waits for it, None for the switch's minute.
    """

    kind: ClassVar[str] = "bridge_null"
    answer_delay_ms: int | None = 0
    early_media: bool = False
    refusal: str | None = None
    variables: Pairs = ()
    timeout_s: int | None = None


@dataclass(frozen=True, slots=True)
class BridgeToLoopback:
    """Application `bridge` to a further loopback pair, which has a plan of its own."""

    kind: ClassVar[str] = "bridge_loopback"
    target: ExtensionTarget
    plan: tuple[Action, ...]
    braces: Pairs = ()
    brackets: Pairs = ()


@dataclass(frozen=True, slots=True)
class BridgeToSeveral:
    """Application `bridge` to several endpoints, in one dial string.

    All `at_once` are dialled side by side; where they all fail, those `otherwise` are, each when
    the one before failed. `braces` go to all of them; what else a leg is given is in brackets of
    its own, so none has `braces` or a `timeout_s`.
    """

    kind: ClassVar[str] = "bridge_several"
    at_once: tuple[BridgeToNull | BridgeToLoopback, ...]
    otherwise: tuple[BridgeToNull | BridgeToLoopback, ...] = ()
    braces: Pairs = ()

    @property
    def bridges(self) -> tuple[BridgeToNull | BridgeToLoopback, ...]:
        """All endpoints, in the order of the dial string."""
        return (*self.at_once, *self.otherwise)


@dataclass(frozen=True, slots=True)
class BridgeAgain:
    """Application `bridge` to the target whose plan this is, again: a loop.

    `most` pairs run the plan, and no more: each target is told in a variable (`HOPS`) how many may
    still do, itself included, and its extension is found only where that is one or more. Such a
    plan dials no b-leg. Raises ValueError for more pairs than `MOST_HOPS`.
    """

    kind: ClassVar[str] = "bridge_again"
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


@dataclass(frozen=True, slots=True)
class ALegBridges:
    """`originate null/<token> &bridge(loopback/...)`: the a-leg answers and bridges at once.

    With `answers` False the a-leg stays in early media.
    """

    kind: ClassVar[str] = "a_leg_bridges"
    answers: bool = True


@dataclass(frozen=True, slots=True)
class ALegConsults(ALegBridges):
    """`originate null/<token> &att_xfer(loopback/...)`: the consultation of an attended transfer.

    There is nobody to transfer: the call is bridged for the consultation, and that is all.
    """

    kind: ClassVar[str] = "a_leg_consults"


@dataclass(frozen=True, slots=True)
class ALegRunsDialplan:
    """`originate null/<token> <extension> XML <context>`: set and export, then the bridge.

    `afterwards` is what the a-leg's dialplan holds behind the bridge.
    """

    kind: ClassVar[str] = "a_leg_runs_dialplan"
    answers: bool = True
    context: str = "default"
    afterwards: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Direct:
    """`originate loopback/... &<application>`: no a-leg dials, loopback-a runs the application.

    The application is one of `park`, `sleep`, `unloop`, `bridge`; the last one, without an
    argument, dials a real leg, which is then the a-leg.
    """

    kind: ClassVar[str] = "direct"
    application: str = "park"
    argument: str = ""


Origin: TypeAlias = ALegBridges | ALegConsults | ALegRunsDialplan | Direct


@dataclass(frozen=True, slots=True)
class Variables:
    """Variables by the scope in which they are given.

    `originate`: the `{}` of the a-leg's originate. `braces`, `brackets`: the `{}` and `[]` of the
    target's dial string. `export`: exported by the a-leg. `set`: set on the a-leg by its dialplan.
    """

    kind: ClassVar[str] = "variables"
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


@dataclass(frozen=True, slots=True)
class Moment:
    """A time: `delay_ms` milliseconds after the first such event of the leg."""

    kind: ClassVar[str] = "moment"
    event: Event
    leg: str
    delay_ms: int


@dataclass(frozen=True, slots=True)
class UuidSetvar:
    """`uuid_setvar` on a leg."""

    kind: ClassVar[str] = "uuid_setvar"
    leg: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class UuidKill:
    """`uuid_kill` of a leg with a cause."""

    kind: ClassVar[str] = "uuid_kill"
    leg: str
    cause: str = "NORMAL_CLEARING"


@dataclass(frozen=True, slots=True)
class UuidSendDtmf:
    """`uuid_send_dtmf` on a leg."""

    kind: ClassVar[str] = "uuid_send_dtmf"
    leg: str
    digits: str


@dataclass(frozen=True, slots=True)
class UuidDisplay:
    """`uuid_display` on a leg: the name and the number of who is at its other end."""

    kind: ClassVar[str] = "uuid_display"
    leg: str
    name: str
    number: str


@dataclass(frozen=True, slots=True)
class UuidDeflect:
    """`uuid_deflect` on a loopback leg, to an extension of the call's own that has this plan.

    Dialplan and context are left out where they are None; a context needs a dialplan before it.
    """

    kind: ClassVar[str] = "uuid_deflect"
    leg: str
    plan: tuple[Action, ...]
    dialplan: str | None = None
    context: str | None = None


Deed: TypeAlias = UuidSetvar | UuidKill | UuidSendDtmf | UuidDisplay | UuidDeflect


@dataclass(frozen=True, slots=True)
class Stimulus:
    """A deed at a moment."""

    kind: ClassVar[str] = "stimulus"
    at: Moment
    deed: Deed


# --- the whole call ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scenario:
    """One call through a loopback target.

    An ExtensionTarget with an empty plan has no extension on the switch. `ending` is the hangup
    that ends the call, None where its own plan ends it. `profile` is how the switch is set.

    The dial string may name further targets: those `beside` the target are dialled at once with
    it; where they all fail, those `otherwise` are dialled, each when the one before failed. Their
    `{}` is that of the target, so they have no `braces`.
    """

    kind: ClassVar[str] = "scenario"
    origin: Origin
    target: Target
    plan: tuple[Action, ...]
    variables: Variables = field(default_factory=Variables)
    stimuli: tuple[Stimulus, ...] = ()
    ending: Stimulus | None = None
    profile: Profile = field(default_factory=Profile)
    beside: tuple[BridgeToLoopback, ...] = field(default=(), metadata=_LATER)
    otherwise: tuple[BridgeToLoopback, ...] = field(default=(), metadata=_LATER)

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
        """JSON value of the scenario; `from_json` is its inverse."""
        value: dict[str, Any] = _to_json(self)
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Scenario:
        """Scenario from its JSON value; raises ValueError where that is not one."""
        try:
            scenario = _from_json(dict(value), _Allowed(parts=frozenset({cls})), "scenario")
            assert isinstance(scenario, cls)
            if "\\ud" in scenario.text:  # two halves of a character, a byte that is none, or a half
                text = json.dumps(scenario.to_json(), ensure_ascii=False)
                text.encode(errors="surrogateescape")
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not a scenario: {error}") from error
        return scenario


@dataclass(frozen=True, slots=True)
class Dialled:
    """What one endpoint of a dial string names, with the variables that it is given.

    It is a b-leg, by role, with its bridge; or a loopback pair, by number.
    """

    braces: Pairs
    brackets: Pairs
    b_leg: str = ""
    null: BridgeToNull | None = None
    pair: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """An action of a plan, with what it dials: alternatives, each of which is dialled at once."""

    action: Action
    dials: tuple[tuple[Dialled, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
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


# --- JSON ----------------------------------------------------------------------------------------

_SORTED = json.JSONEncoder(sort_keys=True, ensure_ascii=True, check_circular=False)

_PLAIN = frozenset({str, int, bool, type(None), Event})
"""Types of what a part of a scenario holds besides further parts: JSON as it is."""

_KINDS: Mapping[str, Any] = MappingProxyType(
    {
        cls.kind: cls
        for cls in (
            ExtensionTarget,
            InlineTarget,
            ApplicationTarget,
            Answer,
            PreAnswer,
            RingReady,
            Sleep,
            SetVariable,
            PlayTone,
            Park,
            HangUp,
            Unloop,
            BridgeToNull,
            BridgeToLoopback,
            BridgeToSeveral,
            BridgeAgain,
            ALegBridges,
            ALegConsults,
            ALegRunsDialplan,
            Direct,
            Variables,
            Moment,
            UuidSetvar,
            UuidKill,
            UuidSendDtmf,
            UuidDisplay,
            UuidDeflect,
            Stimulus,
            Profile,
            Scenario,
        )
    }
)


def _to_json(value: Any) -> Any:
    cls = value.__class__
    if cls in _PLAIN:
        return value
    if cls is tuple:
        return [one if one.__class__ in _PLAIN else _to_json(one) for one in value]
    named = {"kind": cls.kind}
    always, unless = _named(cls)
    for name in always:
        one = getattr(value, name)
        named[name] = one if one.__class__ in _PLAIN else _to_json(one)
    for name, default in unless:
        if (one := getattr(value, name)) != default:
            named[name] = _to_json(one)
    return named


@cache
def _named(cls: Any) -> tuple[tuple[str, ...], tuple[tuple[str, Any], ...]]:
    """The fields of a class that its JSON always has, and those it has unless they are as here."""
    unless = [one for one in fields(cls) if cls is Profile or one.metadata.get("later")]
    always = tuple([one.name for one in fields(cls) if one not in unless])
    return always, tuple([(one.name, one.default) for one in unless])


def _from_json(value: Any, allowed: _Allowed, name: str) -> Any:
    """What a JSON value stands for; raise ValueError where the field of this name may not be it."""
    found, items = value, allowed.items
    if value.__class__ is dict:
        found = _part(value)
    elif value.__class__ is list and items and allowed.length in (None, len(value)):
        return tuple(
            [one if one.__class__ in items.plain else _from_json(one, items, name) for one in value]
        )
    elif Event in allowed.plain:
        return Event(value)
    if found.__class__ not in allowed.parts:
        raise ValueError(f"{name} is {found!r}")
    return found


def _part(value: Mapping[str, Any]) -> Any:
    cls = _KINDS[value["kind"]]
    held, fields_of_it = {}, _fields(cls)
    for name, one in value.items():
        allowed = fields_of_it.get(name, _NOTHING)
        held[name] = one if one.__class__ in allowed.plain else _from_json(one, allowed, name)
    del held["kind"]
    return cls(**held)


@dataclass(frozen=True, slots=True)
class _Allowed:
    """What a field may be: the types of what is JSON as it is, of parts of a scenario, and tuples.

    `items` is what each item of a tuple may be, None where it may not be one; `length` is how many
    there have to be, None where any number may.
    """

    plain: frozenset[type] = frozenset()
    parts: frozenset[type] = frozenset()
    items: _Allowed | None = None
    length: int | None = None


_NOTHING = _Allowed()


@cache
def _fields(cls: type) -> Mapping[str, _Allowed]:
    """What each field of a class may be, by its name in JSON."""
    hints = get_type_hints(cls)
    return {"kind": _allowed(str)} | {one.name: _allowed(hints[one.name]) for one in fields(cls)}


@cache
def _allowed(hint: Any) -> _Allowed:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        endless = Ellipsis in arguments
        (item,) = {*arguments} - {Ellipsis}  # no field holds tuples of items that differ
        return _Allowed(items=_allowed(item), length=None if endless else len(arguments))
    types = frozenset(arguments if origin in (Union, UnionType) else [hint])
    return _Allowed(types & _PLAIN, types - _PLAIN)
