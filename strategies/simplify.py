"""Simpler scenarios: each one-step simplification, and several of them at once.

An edit drops, replaces or unwraps one part of a scenario, wherever it is in it. What stimuli and
ending refer to is renumbered, and what then has no leg or no moment left is dropped or replaced, so
that whatever comes of it is sound and strictly less complex.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from itertools import count
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import asdict, replace

from conformance.complexity import (
    PLAIN_CAUSE,
    PLAIN_EXTENSION,
    PLAIN_NAMES,
    PLAIN_VALUE,
    complexity,
    is_plain_extension,
)
from conformance.names import reserved
from conformance.profile import Profile
from conformance.scenario import (
    Action,
    ALegBridges,
    ALegConsults,
    ALegRunsDialplan,
    Answer,
    BridgeAgain,
    BridgeToLoopback,
    BridgeToNull,
    BridgeToSeveral,
    Direct,
    ExtensionTarget,
    HangUp,
    InlineTarget,
    Origin,
    Pairs,
    PlayTone,
    PreAnswer,
    RingReady,
    Scenario,
    SetVariable,
    Sleep,
    Stimulus,
    Target,
    UuidDeflect,
    UuidDisplay,
    UuidKill,
    UuidSendDtmf,
    Variables,
    numbered,
)
from conformance.variants import names_of, renamed
from strategies.bridges import PAUSES, TONES
from strategies.soundness import (
    BEFORE_BOWOUT,
    SLEEPS,
    first_leg,
    forked,
    settled,
)
from strategies.targets import NESTED

Place: TypeAlias = tuple[str | int, ...]
"""Where a part is in a scenario: names of fields, and indices."""

_NAMES = "names"
"""In place of a field's name: what follows is the name of a variable, wherever it stands."""


class Kind(StrEnum):
    """What an edit is of: those of a kind may be tried at once.

    What `PRELUDE` drops only comes before what the call is about; with `ACTION` (a bridge, a park,
    a hangup) and `LEG` (the a-leg) it becomes another call. `ENDING` changes when and by which leg
    the call is ended, on which faults of timing depend.
    """

    SETTING = "setting"
    VARIABLE = "variable"
    STIMULUS = "stimulus"
    ENDING = "ending"
    PRELUDE = "prelude"
    VALUE = "value"
    ORIGIN = "origin"
    TARGET = "target"
    PAIR = "pair"
    ACTION = "action"
    LEG = "leg"


class _Gone(Enum):
    DROPPED = "dropped"
    UNWRAPPED = "unwrapped"


DROPPED = _Gone.DROPPED
"""The part is left out."""

UNWRAPPED = _Gone.UNWRAPPED
"""The bridge to a further pair gives way to what that pair's plan does."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One part of a scenario, by its place, and what stands there instead."""

    kind: Kind
    at: Place
    to: Any


def simplifications(scenario: Scenario) -> tuple[Scenario, ...]:
    """All one-step simplifications of a scenario: sound, less complex, the simplest first."""
    made = (edited(scenario, (edit,)) for edit in edits(scenario))
    found = {one.id: one for one in made if one is not None}
    return tuple(sorted(found.values(), key=lambda one: (complexity(one), one.id)))


def edited(scenario: Scenario, chosen: Iterable[Edit]) -> Scenario | None:
    """The scenario after some of its `edits`; None where that is not sound or not simpler.

    Of two at the same place the first counts, of two one of which is inside the other the outer.
    """
    by_place: dict[Place, Any] = {}
    for edit in chosen:
        by_place.setdefault(edit.at, edit.to)
    names = {str(at[1]): to for at, to in by_place.items() if at[0] == _NAMES}
    changed = renamed(_rebuilt(scenario, (), by_place), names)
    legs = _legs(scenario, changed, by_place)
    if not changed.has_audio:
        legs.pop("a-leg", None)
    stimuli = tuple(one for one in (_moved(one, legs) for one in changed.stimuli) if one)
    ending = _moved(changed.ending, legs) if changed.ending else None
    made = settled(replace(changed, stimuli=stimuli, ending=ending))
    return made if made and complexity(made) < complexity(scenario) else None


def edits(scenario: Scenario) -> tuple[Edit, ...]:
    """Everything that may be made simpler, in the order of the scenario's parts."""
    numbers = count(2)
    return (
        *_of_profile(scenario.profile),
        *_of_origin(scenario.origin),
        *_of_target(scenario.target, ("target",), PLAIN_EXTENSION, 1),
        *_of_plan(scenario.plan, ("plan",), numbers),
        *_of_targets(scenario.beside, "beside", numbers),
        *_of_targets(scenario.otherwise, "otherwise", numbers),
        *_of_scopes(scenario.variables),
        *_of_names(scenario),
        *_of_stimuli(scenario),
    )


# --- what may be simpler -------------------------------------------------------------------------


def _of_profile(profile: Profile) -> Iterator[Edit]:
    default = Profile()
    for name in profile.changed():
        yield Edit(Kind.SETTING, ("profile", name), getattr(default, name))


def _of_origin(origin: Origin) -> Iterator[Edit]:
    match origin:
        case Direct(application, argument):
            if application != "park":
                yield Edit(Kind.ORIGIN, ("origin",), Direct())
            for shorter in SLEEPS if application == "sleep" else ():
                if int(shorter) < int(argument):
                    yield Edit(Kind.VALUE, ("origin", "argument"), shorter)
        case ALegConsults(answers):
            yield Edit(Kind.ORIGIN, ("origin",), ALegBridges(answers))
        case ALegBridges():
            yield Edit(Kind.LEG, ("origin",), Direct())
        case ALegRunsDialplan(afterwards=afterwards):
            yield Edit(Kind.ORIGIN, ("origin",), ALegBridges(origin.answers))
            if origin.context != "default":
                yield Edit(Kind.VALUE, ("origin", "context"), "default")
            yield from _of_plan(afterwards, ("origin", "afterwards"), count(2))
    if not isinstance(origin, Direct) and not origin.answers:
        yield Edit(Kind.VALUE, ("origin", "answers"), True)


def _of_target(target: Target, at: Place, plain: str, number: int) -> Iterator[Edit]:
    if not isinstance(target, ExtensionTarget):
        yield Edit(Kind.TARGET, at, ExtensionTarget(plain))
        if isinstance(target, InlineTarget):
            yield Edit(Kind.VALUE, (*at, "context"), "default")
        return
    if not is_plain_extension(target.extension, number):
        yield Edit(Kind.TARGET, (*at, "extension"), plain)
    for name in ("context", "dialplan"):
        if getattr(target, name) is not None:
            yield Edit(Kind.TARGET, (*at, name), None)


def _of_plan(plan: Sequence[Action], at: Place, numbers: Iterator[int]) -> Iterator[Edit]:
    for index, action in enumerate(plan):
        here = (*at, index)
        prelude = isinstance(action, _PRELUDE)
        yield Edit(Kind.PRELUDE if prelude else Kind.ACTION, here, DROPPED)
        match action:
            case Sleep(length) if length > min(PAUSES):
                yield Edit(Kind.VALUE, here, Sleep(min(PAUSES)))
            case PlayTone(length) if length > min(TONES):
                yield Edit(Kind.VALUE, here, PlayTone(min(TONES)))
            case HangUp(cause) if cause != PLAIN_CAUSE:
                yield Edit(Kind.VALUE, here, HangUp())
            case SetVariable(name, value):
                yield from _of_value("set", name, value, (*here, "value"))
            case BridgeToNull():
                yield from _of_bridge(action, here)
            case BridgeToLoopback():
                yield Edit(Kind.PAIR, here, UNWRAPPED)
                yield from _of_pair(action, here, numbers)
            case BridgeToSeveral():
                yield from _of_several(action, here, numbers)
            case BridgeAgain(most, braces):
                if most > 1:
                    yield Edit(Kind.PAIR, (*here, "most"), 1)
                yield from _of_pairs(braces, (*here, "braces"))


_PRELUDE = (Answer, PreAnswer, RingReady, Sleep, SetVariable, PlayTone)


def _of_pair(bridge: BridgeToLoopback, at: Place, numbers: Iterator[int]) -> Iterator[Edit]:
    number = next(numbers)
    plain = f"{NESTED.format(number)}1"
    yield from _of_target(bridge.target, (*at, "target"), plain, number)
    yield from _of_plan(bridge.plan, (*at, "plan"), numbers)
    yield from _of_pairs(bridge.braces, (*at, "braces"))
    yield from _of_pairs(bridge.brackets, (*at, "brackets"))


def _of_targets(
    named: Sequence[BridgeToLoopback], field: str, numbers: Iterator[int]
) -> Iterator[Edit]:
    """What may be simpler about further targets of the dial string."""
    for index, bridge in enumerate(named):
        yield Edit(Kind.PAIR, (field, index), DROPPED)
        yield from _of_pair(bridge, (field, index), numbers)


def _of_several(several: BridgeToSeveral, at: Place, numbers: Iterator[int]) -> Iterator[Edit]:
    """One endpoint in place of all, or one fewer."""
    for bridge in several.bridges:
        yield Edit(Kind.PAIR, at, bridge)
    for name in ("at_once", "otherwise"):
        named = getattr(several, name)
        for index, bridge in enumerate(named):
            here = (*at, name, index)
            if len(named) > 1 or name == "otherwise":
                yield Edit(Kind.PAIR, here, DROPPED)
            if isinstance(bridge, BridgeToLoopback):
                yield from _of_pair(bridge, here, numbers)
            else:
                yield from _of_bridge(bridge, here)
    yield from _of_pairs(several.braces, (*at, "braces"))


def _of_bridge(bridge: BridgeToNull, at: Place) -> Iterator[Edit]:
    yield from _of_pairs(bridge.variables, (*at, "variables"))
    if bridge.answer_delay_ms != 0:
        yield Edit(Kind.VALUE, (*at, "answer_delay_ms"), 0)
    if bridge.early_media:
        yield Edit(Kind.VALUE, (*at, "early_media"), False)
    if (bridge.timeout_s or 0) > 1:
        yield Edit(Kind.VALUE, (*at, "timeout_s"), 1)


def _of_scopes(variables: Variables) -> Iterator[Edit]:
    for scope, given in asdict(variables).items():
        yield from _of_pairs(given, ("variables", scope))


def _of_names(scenario: Scenario) -> Iterator[Edit]:
    names = names_of(scenario)
    spare = (name for name in PLAIN_NAMES if name not in names)
    for name, plain in zip((one for one in names if one not in PLAIN_NAMES), spare, strict=False):
        yield Edit(Kind.VALUE, (_NAMES, name), plain)


def _of_pairs(given: Pairs, at: Place) -> Iterator[Edit]:
    for index, (name, value) in enumerate(given):
        yield Edit(Kind.VARIABLE, (*at, index), DROPPED)
        yield from _of_value(str(at[-1]), name, value, (*at, index, 1))


def _of_value(scope: str, name: str, value: str, at: Place) -> Iterator[Edit]:
    if name == "loopback_export":
        listed = [one.strip() for one in value.split(",")]
        shorter = [",".join(listed[:index] + listed[index + 1 :]) for index in range(len(listed))]
        yield from (Edit(Kind.VALUE, at, one) for one in dict.fromkeys(shorter) if one)
    elif not reserved(name) and value != PLAIN_VALUE:
        yield Edit(Kind.VALUE, at, PLAIN_VALUE)
        middle = (len(value) + 1) // 2
        for half in dict.fromkeys((value[:middle], value[middle:])):
            if half and half != value:
                yield Edit(Kind.VALUE, at, half.strip() if scope == "set" else half)


def _of_stimuli(scenario: Scenario) -> Iterator[Edit]:
    for index, stimulus in enumerate(scenario.stimuli):
        here = ("stimuli", index)
        yield Edit(Kind.STIMULUS, here, DROPPED)
        yield from _of_stimulus(stimulus, here)
        if isinstance(stimulus.deed, UuidSendDtmf) and len(stimulus.deed.digits) > 1:
            yield Edit(Kind.VALUE, (*here, "deed", "digits"), stimulus.deed.digits[0])
        if stimulus.at.delay_ms in BEFORE_BOWOUT[1:]:
            yield Edit(Kind.VALUE, (*here, "at", "delay_ms"), BEFORE_BOWOUT[0])
    if scenario.ending:
        yield Edit(Kind.ENDING, ("ending",), None)  # gives way to the simplest
        yield from _of_stimulus(scenario.ending, ("ending",))
        if scenario.ending.deed.leg != first_leg(scenario):
            yield Edit(Kind.ENDING, ("ending", "deed", "leg"), first_leg(scenario))


def _of_stimulus(stimulus: Stimulus, at: Place) -> Iterator[Edit]:
    match stimulus.deed:
        case UuidKill(cause=cause) if cause != PLAIN_CAUSE:
            yield Edit(Kind.VALUE, (*at, "deed", "cause"), PLAIN_CAUSE)
        case UuidDisplay():
            for name in ("name", "number"):
                if getattr(stimulus.deed, name) != PLAIN_VALUE:
                    yield Edit(Kind.VALUE, (*at, "deed", name), PLAIN_VALUE)
        case UuidDeflect(plan=plan):
            yield from _of_plan(plan, (*at, "deed", "plan"), count(2))
            for name in ("dialplan", "context"):  # a context needs a dialplan
                if getattr(stimulus.deed, name) and not (
                    name == "dialplan" and stimulus.deed.context
                ):
                    yield Edit(Kind.VALUE, (*at, "deed", name), None)


# --- making it so --------------------------------------------------------------------------------


def _rebuilt(value: Any, at: Place, chosen: Mapping[Place, Any]) -> Any:
    """The value with what was chosen in it; `at` is its place."""
    if not any(place[: len(at)] == at for place in chosen):
        return value
    if at in chosen and not isinstance(chosen[at], _Gone):
        return chosen[at]
    if isinstance(value, tuple):
        return tuple(_items(value, at, chosen))
    if isinstance(value, Struct):
        return replace(
            value,
            **{name: _rebuilt(one, (*at, name), chosen) for name, one in asdict(value).items()},
        )
    return value


def _items(value: tuple[Any, ...], at: Place, chosen: Mapping[Place, Any]) -> Iterator[Any]:
    for index, item in enumerate(value):
        here = (*at, index)
        made = _rebuilt(item, here, chosen)
        if isinstance(made, BridgeToSeveral) and not made.at_once:
            continue  # nobody is left to be dialled
        match chosen.get(here):
            case _Gone.DROPPED:
                continue
            case _Gone.UNWRAPPED:
                yield from made.plan
            case _:
                yield made


def _legs(scenario: Scenario, changed: Scenario, chosen: Mapping[Place, Any]) -> dict[str, str]:
    """The role that each leg has now by the role that it had; those that are left out have none.

    Where several endpoints are dialled and one of them goes, only those of the first pair are sure.
    """
    now = {leg: leg for leg in ("a-leg", "loopback-a", "loopback-b")}
    if forked(scenario):
        roles = _roles(scenario)
        return {leg: leg for leg in roles} if _roles(changed) == roles else now
    old_pairs, new_pairs, old_legs, new_legs = count(2), count(2), count(1), count(1)

    def walk(plan: Sequence[Action], at: Place, *, gone: bool) -> None:
        for index, action in enumerate(plan):
            here = (*at, index)
            left_out = gone or chosen.get(here) is DROPPED
            if isinstance(action, BridgeToNull):
                old = numbered("b-leg", next(old_legs))
                if not left_out:
                    now[old] = numbered("b-leg", next(new_legs))
            elif isinstance(action, BridgeToLoopback):
                number = next(old_pairs)
                if not left_out and chosen.get(here) is not UNWRAPPED:
                    kept = next(new_pairs)
                    for leg in ("loopback-a", "loopback-b"):
                        now[numbered(leg, number)] = numbered(leg, kept)
                walk(action.plan, (*here, "plan"), gone=left_out)

    walk(scenario.plan, ("plan",), gone=False)
    return now


def _roles(scenario: Scenario) -> tuple[str, ...]:
    loopbacks = (leg for pair in scenario.pairs for leg in (pair.leg_a, pair.leg_b))
    return ("a-leg", *loopbacks, *scenario.dialled)


def _moved(stimulus: Stimulus, legs: Mapping[str, str]) -> Stimulus | None:
    if stimulus.at.leg not in legs or stimulus.deed.leg not in legs:
        return None
    return replace(
        stimulus,
        at=replace(stimulus.at, leg=legs[stimulus.at.leg]),
        deed=replace(stimulus.deed, leg=legs[stimulus.deed.leg]),
    )
