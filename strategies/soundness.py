"""What can be sent to a switch, and of which calls the course is certain enough to be judged.

Every scenario that `strategies.scenarios` makes is `sound`; so is whatever else asks here first. An
early stimulus comes 300 to 1,500 ms after the last b-leg's answer, before a bowout; a late one from
2,600 ms, after it (facts, section 0: it comes 2.0 s after the answer).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import accumulate, pairwise

from msgspec.structs import replace

from conformance.dialstring import carries
from conformance.names import reserved
from conformance.profile import Profile
from conformance.scenario import (
    MOST_HOPS,
    Action,
    ALegConsults,
    ALegRunsDialplan,
    Answer,
    ApplicationTarget,
    BridgeAgain,
    BridgeToLoopback,
    BridgeToNull,
    BridgeToSeveral,
    Direct,
    Event,
    ExtensionTarget,
    HangUp,
    InlineTarget,
    Moment,
    Origin,
    Pairs,
    Park,
    PlayTone,
    PreAnswer,
    Scenario,
    SetVariable,
    Sleep,
    Stimulus,
    Target,
    Unloop,
    UuidDeflect,
    UuidDisplay,
    UuidKill,
    UuidSendDtmf,
    UuidSetvar,
    null_bridges,
    pairs,
)
from conformance.variants import scopes_in
from strategies.bridges import (
    MOST_PAIRS,
    Course,
    Plan,
    bowout_waits_for_answer,
    course,
    is_forked,
    pair_count,
)
from strategies.certainty import ends_by_itself, is_certain, is_clear_of_bowouts, quiet_moments
from strategies.targets import NESTED, legal_extension, routes
from strategies.variables import MEANT, ON_EXECUTE, scopes_of

UNLOOP_DELAY_MS = 5300
"""How late loopback-b's `unloop` takes effect (facts, section 0)."""

BEFORE_BOWOUT = (300, 500, 700, 1000, 1300, 1500)
AFTER_BOWOUT = (2600, 2800, 3000, 3400)
LIFTS = (2600, 2800, 3000)
AFTER_LIFT = (3400, 3600, 3800)
SHORTLY = (400, 700, 1000, 1500)
SHORTLY_OR_LATE = (700, 1500, 2600, 3000)
AFTER_STIMULI = (1800, 2200)
AFTER_UNLOOP = (1500, 1800)
AFTER_PARK = (200,)

SLEEPS = ("550", "1050", "1550", "2550")
"""For how long (milliseconds) loopback-a sleeps where that ends the call."""


# --- what goes together --------------------------------------------------------------------------


def suits(origin: Origin, target: Target, plan: Plan) -> bool:
    """Whether these parts make a call that can be sent and whose course is certain enough."""
    known = course(plan)
    if pair_count(plan) > (MOST_PAIRS if tells_pairs_apart(target) else 1):
        return False
    if any(isinstance(action, BridgeAgain) for action in plan):
        again = not isinstance(origin, Direct | ALegConsults)
        return again and bool(getattr(target, "extension", ""))
    if isinstance(origin, ALegConsults) and (Unloop() in plan or not _ends_with_its_bridge(plan)):
        return False
    if isinstance(origin, Direct) and is_forked(plan):
        return origin.application == "park"
    if isinstance(origin, Direct) and plan:
        if origin.application == "sleep":
            if not known.has_answer and not known.ends_by_itself:
                return False
            if _coincides(int(origin.argument), plan):
                return False
        if origin.application == "unloop" and not _unloopable(plan):
            return False
        if origin.application == "bridge" and (len(known.answered) != 1 or known.rings):
            return False
    match target:
        case ExtensionTarget():
            return not plan or routes(target)
        case ApplicationTarget():
            return len(plan) == 1
        case InlineTarget():
            return bool(plan)


def forked(scenario: Scenario) -> bool:
    """Whether anybody dials several endpoints, or a target its own plan again."""
    return bool(scenario.beside or scenario.otherwise) or is_forked(scenario.plan)


def tells_pairs_apart(target: Target) -> bool:
    """Whether a target may have further pairs: their legs are known by their extension."""
    return isinstance(target, ExtensionTarget) and not target.extension.startswith(NESTED[0])


def runs_on_a_leg(scenario: Scenario) -> bool:
    """Whether the a-leg takes loopback-b's extension over."""
    return scenario.has_a_leg and (
        any(isinstance(action, Unloop) for action in scenario.plan)
        or ON_EXECUTE in scenario.variables.braces
    )


def ended_by_application(origin: Origin) -> bool:
    """Whether the call ends with what loopback-a runs."""
    return isinstance(origin, Direct) and origin.application in ("sleep", "unloop")


def waited_for(known: Course) -> tuple[str, ...]:
    """The b-legs that have to be killed for the plan to come to what is behind them."""
    return known.answered if known.rings or known.parks else known.answered[:-1]


def killed_early(scenario: Scenario, known: Course) -> bool:
    """Whether a stimulus ends the call."""
    return not waited_for(known) and any(
        isinstance(stimulus.deed, UuidKill) for stimulus in scenario.stimuli
    )


def vetoed(scenario: Scenario) -> bool:
    """Whether `{}` forbids the bowout and nothing else can say otherwise.

    Then both legs of the pair are there as long as they say so.
    """
    variables = scenario.variables
    name = "loopback_bowout"
    others = dict((*variables.brackets, *variables.export))
    settings = {action.name for action in scenario.plan if isinstance(action, SetVariable)}
    return (name, "false") in variables.braces and name not in others | dict.fromkeys(settings)


def delays_of_ending(scenario: Scenario) -> tuple[int, ...]:
    """When a call may be ended whose b-leg was answered (milliseconds after that)."""
    if not scenario.has_audio:
        if len(pairs(scenario)) > 1:
            return AFTER_BOWOUT  # late enough to see the inner pair, which gets no audio, stay
        return AFTER_STIMULI if scenario.stimuli else SHORTLY
    lifted = any(stimulus.at.delay_ms >= min(LIFTS) for stimulus in scenario.stimuli)
    return AFTER_LIFT if lifted else AFTER_BOWOUT


def milliseconds(action: Action) -> int:
    """How long an action takes by itself."""
    match action:
        case Sleep(length) | PlayTone(length):
            return length
        case BridgeToNull(answer_delay_ms=int(delay)):
            return delay
        case _:
            return 0


def first_leg(scenario: Scenario) -> str:
    """The leg from which the call comes: its end ends the call."""
    return "a-leg" if scenario.has_audio else "loopback-a"


# --- whole scenarios -----------------------------------------------------------------------------


def sound(scenario: Scenario) -> bool:
    """Whether a scenario can be sent, and what it leads to is certain enough to be judged."""
    return (
        sendable(scenario)
        and _parts_fit(scenario)
        and (_course_is_known(scenario) or _model_is_certain(scenario))
        and is_clear_of_bowouts(scenario)
    )


def settled(scenario: Scenario) -> Scenario | None:
    """The scenario with stimuli and an ending that go with the rest of it; None if it is unsound.

    What fits stays. Stimuli of which any does not fit are left out, but for the kills that the plan
    waits for; an ending that does not fit gives way to the simplest.
    """
    if not _parts_fit(scenario):  # the model speaks of no such call
        return None
    return next(filter(sound, _mended(scenario)), None)


def _mended(scenario: Scenario) -> Iterator[Scenario]:
    yield scenario
    if forked(scenario) or _is_about_one_thing(scenario):
        for stimuli in dict.fromkeys((scenario.stimuli, ())):
            bare = replace(scenario, stimuli=stimuli, ending=None)
            yield from (replace(bare, ending=ending) for ending in (None, *_last_endings(bare)))
    else:
        for stimuli in dict.fromkeys((scenario.stimuli, _awaited_kills(scenario))):
            acted_on = replace(scenario, stimuli=stimuli)
            if _stimuli_fit(acted_on) and _ending_fits(acted_on):
                yield acted_on
            yield replace(acted_on, ending=next(_possible_endings(acted_on), None))


def _course_is_known(scenario: Scenario) -> bool:
    """Whether a call is ended as those are whose course is plain, without asking the model."""
    return (
        not forked(scenario)
        and not _is_about_one_thing(scenario)
        and _stimuli_fit(scenario)
        and _ending_fits(scenario)
    )


def _model_is_certain(scenario: Scenario) -> bool:
    """Whether the model is certain of a call, and that it ends; a hangup comes when it is quiet."""
    if _is_about_one_thing(scenario):
        return not forked(scenario) and ends_by_itself(scenario)
    if scenario.stimuli or not is_certain(scenario) or not ends_by_itself(scenario):
        return False
    ending = scenario.ending
    if ending is None or not isinstance(ending.deed, UuidKill):
        return ending is None
    quiet = quiet_moments(replace(scenario, ending=None))
    return any(one.moment == ending.at and ending.deed.leg in one.legs for one in quiet)


def _is_about_one_thing(scenario: Scenario) -> bool:
    """Whether a call is confirmed, deflected, displayed, or has a leg go on after its bridge."""
    if any(isinstance(one.deed, UuidDeflect | UuidDisplay) for one in scenario.stimuli):
        return True
    return any(name.startswith(_ABOUT) for scope in scopes_in(scenario) for name, _ in scope)


_ABOUT = (
    "exec_after_bridge",
    "group_confirm",
    "ignore_display_updates",
    "park_after_bridge",
    "transfer_after_bridge",
)


def _last_endings(scenario: Scenario) -> Iterator[Stimulus]:
    """Hangups, simplest first, of a call without an ending, once nothing more comes by itself."""
    last = [one for one in quiet_moments(scenario) if one.last]
    for one in sorted(last, key=lambda one: one.moment.delay_ms):
        yield from (Stimulus(one.moment, UuidKill(leg)) for leg in one.legs)


def _parts_fit(scenario: Scenario) -> bool:
    """Whether a call can be made of these parts, whenever it is acted on and ended."""
    return (
        _targets_fit(scenario)
        and _scopes_fit(scenario)
        and _plans_fit(scenario)
        and _deflected_somewhere(scenario)
    )


def _deflected_somewhere(scenario: Scenario) -> bool:
    """Whether a leg that is sent off has something to execute: an empty extension is no route."""
    deeds = (one.deed for one in scenario.stimuli)
    return all(deed.plan for deed in deeds if isinstance(deed, UuidDeflect))


def _targets_fit(scenario: Scenario) -> bool:
    further = (*scenario.beside, *scenario.otherwise)
    several = not further or not isinstance(scenario.origin, Direct | ALegConsults)
    named = (scenario.target, *(one.target for one in further)) if further else ()
    return (
        several
        and suits(scenario.origin, scenario.target, scenario.plan)
        and all(isinstance(one, ExtensionTarget) and routes(one) for one in named)
    )


def _scopes_fit(scenario: Scenario) -> bool:
    scopes = {name for name, _ in scopes_of(scenario.origin)}
    given = scenario.variables
    named = {"originate", "braces", "brackets", "export", "set"}
    return not any(getattr(given, name) for name in named - scopes) and all(
        _told_in_full(dict(scope)) for scope in scopes_in(scenario)
    )


def _told_in_full(scope: Mapping[str, str]) -> bool:
    """Whether what is to be executed has the argument that it needs."""
    if "group_confirm_key" in scope and "group_confirm_file" not in scope:
        return False
    return scope.get("exec_after_bridge_app", "park") == "park" or "exec_after_bridge_arg" in scope


# --- plans ---------------------------------------------------------------------------------------


def _plans_fit(scenario: Scenario) -> bool:
    if runs_on_a_leg(scenario) and not _taken_over_fits(scenario.plan):
        return False
    return all(
        _bridges_fit([step.action for step in pair.steps], inner=pair.number > 1)
        for pair in pairs(scenario)
    )


def _taken_over_fits(plan: Plan) -> bool:
    """Whether a plan that the a-leg takes over leads somewhere that is certain."""
    actions = [action for action in plan if not isinstance(action, Unloop | SetVariable)]
    match actions:
        case [Answer(), Sleep() | Park()] | [Park()] | [Sleep(), HangUp()]:
            return True
        case [BridgeToNull(early_media=False, refusal=None, answer_delay_ms=int(), timeout_s=None)]:
            return True
        case _:
            return False


def _bridges_fit(actions: list[Action], *, inner: bool) -> bool:
    for action, following in pairwise([*actions, None]):
        # Told not to pre-answer, loopback-b dials a further pair and nothing else.
        silent = isinstance(action, SetVariable) and action.name == "loopback_no_pre_answer"
        if silent and not isinstance(following, BridgeToLoopback):
            return False
    answered = [one for one in actions if isinstance(one, BridgeToNull) and _answers(one)]
    if len(answered) < 2:
        return True
    media = any(isinstance(action, Answer | PreAnswer | PlayTone) for action in actions)
    # With media before them a bowout may come before the first b-leg is killed.
    return not answered[0].early_media and not (inner and media)


def _answers(bridge: BridgeToNull) -> bool:
    return bridge.refusal is None and bridge.answer_delay_ms is not None


def _coincides(length: int, plan: Plan) -> bool:
    """Whether something in a plan ends about when loopback-a does: nobody could tell the course."""
    ends = accumulate(milliseconds(action) for action in plan)
    return any(abs(length - end) < 120 for end in ends)


def _unloopable(plan: Plan) -> bool:
    known = course(plan)
    early = any(isinstance(action, Answer | PreAnswer | PlayTone | Unloop) for action in plan)
    bridges = [action for action in plan if isinstance(action, BridgeToNull)]
    return len(known.answered) == len(bridges) == 1 and not early and not bridges[0].early_media


def _ends_with_its_bridge(plan: Plan) -> bool:
    """Whether nothing stands behind the bridge to the one b-leg that answers.

    Whoever was consulted is not hung up at a bowout: it would go on with what stands there.
    """
    if not plan or not course(plan).answered:
        return True
    last = plan[-1]
    if isinstance(last, BridgeToLoopback):
        return _ends_with_its_bridge(last.plan)
    return len(course(plan).answered) == 1 and isinstance(last, BridgeToNull)


# --- stimuli and endings -------------------------------------------------------------------------


def _stimuli_fit(scenario: Scenario) -> bool:
    known, stimuli = course(scenario.plan), scenario.stimuli
    if known.ends_by_itself or runs_on_a_leg(scenario) or ended_by_application(scenario.origin):
        return not stimuli
    if killed := waited_for(known):
        return len(stimuli) == len(killed) and all(
            _is_early(one, leg) and _kills(one, (leg,))
            for one, leg in zip(stimuli, killed, strict=True)
        )
    if not stimuli:
        return True
    if known.parks:
        digits = _sends_digits(stimuli[0], ("a-leg",))
        at_park = _is_at(stimuli[0], Event.PARK, known.parks, AFTER_PARK)
        return len(stimuli) == 1 and scenario.has_a_leg and digits and at_park
    return bool(known.answered) and _around_a_bowout(scenario, known.answered[-1])


def _around_a_bowout(scenario: Scenario, last: str) -> bool:
    legs = tuple(leg for pair in pairs(scenario) for leg in (pair.leg_a, pair.leg_b))
    match scenario.stimuli:
        case [one] if not scenario.has_audio:
            deed = _kills(one, (*legs, last)) or _vetoes(one, legs) or _sends_digits(one, (last,))
            return deed and _is_early(one, last)
        case [one] if not bowout_waits_for_answer(scenario.plan):
            # Only the real legs are certainly there.
            real = ("a-leg", last)
            return _is_early(one, last) and (_kills(one, real) or _sends_digits(one, real))
        case [one]:
            return (
                _is_veto(one, legs, last)
                or (_is_early(one, last) and _decides_on_cdrs(one, ("a-leg", *legs, last)))
                or (_is_early(one, last) and _kills(one, ("a-leg", *legs, last)))
                or _is_digits(one, last)
                or (vetoed(scenario) and _is_lift(one, legs, last) and one.deed.leg == legs[0])
            )
        case [one, other] if scenario.has_audio and bowout_waits_for_answer(scenario.plan):
            if _is_digits(one, last):
                return _is_veto(other, legs, last)
            if not _is_lift(other, legs, last):
                return False
            if _is_lift(one, legs, last):
                return vetoed(scenario) and (one.deed.leg, other.deed.leg) == legs
            forbids = one.deed == UuidSetvar(other.deed.leg, "loopback_bowout", "false")
            return forbids and _is_early(one, last)
        case _:
            return False


def _is_at(one: Stimulus, event: Event, leg: str, delays: tuple[int, ...]) -> bool:
    return (one.at.event, one.at.leg) == (event, leg) and one.at.delay_ms in delays


def _is_early(one: Stimulus, leg: str) -> bool:
    return _is_at(one, Event.ANSWER, leg, BEFORE_BOWOUT)


def _kills(one: Stimulus, legs: tuple[str, ...]) -> bool:
    return isinstance(one.deed, UuidKill) and one.deed.leg in legs


def _sends_digits(one: Stimulus, legs: tuple[str, ...]) -> bool:
    return isinstance(one.deed, UuidSendDtmf) and one.deed.leg in legs


def _vetoes(one: Stimulus, legs: tuple[str, ...]) -> bool:
    deed = one.deed
    return isinstance(deed, UuidSetvar) and deed.name == "loopback_bowout" and deed.leg in legs


def _decides_on_cdrs(one: Stimulus, legs: tuple[str, ...]) -> bool:
    deed = one.deed
    names = ("force_process_cdr", "process_cdr", "skip_cdr_causes")
    return isinstance(deed, UuidSetvar) and deed.name in names and deed.leg in legs


def _is_veto(one: Stimulus, legs: tuple[str, ...], last: str) -> bool:
    # The a-leg is bridged no later than loopback-b, so that too is before the bowout.
    bridged = _is_at(one, Event.BRIDGE, "a-leg", BEFORE_BOWOUT)
    return (_is_early(one, last) or bridged) and _vetoes(one, legs)


def _is_digits(one: Stimulus, last: str) -> bool:
    legs = ("a-leg", "loopback-a", "loopback-b", last)
    return _is_early(one, last) and _sends_digits(one, legs)


def _is_lift(one: Stimulus, legs: tuple[str, ...], last: str) -> bool:
    # In a chain a veto on one leg does not keep that leg (facts, section 2.7): nothing to lift.
    lifts = _vetoes(one, legs) and getattr(one.deed, "value", "") == "true" and len(legs) == 2
    return lifts and _is_at(one, Event.ANSWER, last, LIFTS)


def _awaited_kills(scenario: Scenario) -> tuple[Stimulus, ...]:
    legs = waited_for(course(scenario.plan))
    return tuple(
        Stimulus(Moment(Event.ANSWER, leg, min(BEFORE_BOWOUT)), UuidKill(leg)) for leg in legs
    )


def _ending_fits(scenario: Scenario) -> bool:
    possible = list(_possible_endings(scenario))
    ending = scenario.ending
    if ending is None or not isinstance(ending.deed, UuidKill):
        return ending is None and not possible
    return replace(ending, deed=UuidKill(ending.deed.leg)) in possible


def _possible_endings(scenario: Scenario) -> Iterator[Stimulus]:
    """The hangups that may end a call, the simplest first; none where it ends without."""
    known, first = course(scenario.plan), first_leg(scenario)
    if runs_on_a_leg(scenario):
        if not known.ends_by_itself:
            natural = UNLOOP_DELAY_MS + sum(map(milliseconds, scenario.plan))
            delays = tuple(natural + later for later in AFTER_UNLOOP)
            yield from _hangups(Event.CREATE, "a-leg", delays, ("a-leg",))
    elif (
        known.ends_by_itself
        or ended_by_application(scenario.origin)
        or killed_early(scenario, known)
    ):
        return
    elif known.parks:
        yield from _hangups(Event.PARK, known.parks, SHORTLY_OR_LATE, (first, known.parks))
    elif known.rings:
        yield from _hangups(Event.CREATE, known.rings, SHORTLY_OR_LATE, (first, known.rings))
    else:
        last, delays = known.answered[-1], delays_of_ending(scenario)
        yield from _hangups(Event.ANSWER, last, delays, (first, last))
        if len(known.answered) == 1 and not null_bridges(scenario)[last].early_media:
            innermost = pairs(scenario)[-1].leg_b
            yield from _hangups(Event.BRIDGE, innermost, delays, (first, last))


def _hangups(
    event: Event, leg: str, delays: tuple[int, ...], legs: tuple[str, ...]
) -> Iterator[Stimulus]:
    for delay in sorted(delays):
        yield from (Stimulus(Moment(event, leg, delay), UuidKill(one)) for one in legs)


# --- what can be sent ----------------------------------------------------------------------------

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORD = re.compile(r"[A-Za-z0-9_.-]*")
_CAUSE = re.compile(r"[A-Z_]+")
_DIGITS = re.compile(r"[0-9A-D*#]+")
_LEG = re.compile(r"(a-leg|b-leg|loopback-[ab])[0-9]*")
_GLOBAL = re.compile(
    r"(loopback_bowout|loopback_bowout_on_execute|loopback_initial_codec|hangup_after_bridge"
    r"|process_cdr|skip_cdr_causes)=[A-Za-z0-9@_|]*"
)

LONGEST_MS = 60_000
"""No single thing that a scenario does or waits for takes longer."""


def sendable(scenario: Scenario) -> bool:
    """Whether the texts of a scenario arrive on a switch as they are, and do nothing else there.

    Whoever reads scenarios that others wrote asks this: a name or a value may be a command.
    """
    origin, target = scenario.origin, scenario.target
    return (
        _origin_can_be_sent(origin)
        and all(map(_is_brief_loop, scenario.plan))
        and (isinstance(target, ApplicationTarget) or _routed(target))
        and (isinstance(target, ExtensionTarget) or all(map(_plain, scenario.plan)))
        and all(
            _can_be_carried(carried, getattr(scenario.variables, scope))
            for scope, carried in scopes_of(origin)
        )
        and all(map(_action_can_be_sent, scenario.plan))
        and all(map(_action_can_be_sent, (*scenario.beside, *scenario.otherwise)))
        and _told_apart(scenario)
        and all(map(_stimulus_can_be_sent, scenario.all_stimuli()))
        and _profile_can_be_set(scenario.profile)
    )


def _origin_can_be_sent(origin: Origin) -> bool:
    match origin:
        case Direct("sleep", argument):
            return argument.isascii() and argument.isdecimal() and _brief(int(argument))
        case Direct(application, argument):
            return application in ("park", "unloop", "bridge") and not argument
        case ALegRunsDialplan(context=context, afterwards=afterwards):
            known = bool(_WORD.fullmatch(context))
            plain = (isinstance(action, Sleep | HangUp) for action in afterwards)
            return known and all(plain) and all(map(_action_can_be_sent, afterwards))
        case _:
            return True


def _routed(target: ExtensionTarget | InlineTarget) -> bool:
    parts = (target.context, getattr(target, "dialplan", None))
    return legal_extension(getattr(target, "extension", "")) and all(
        _WORD.fullmatch(part or "") for part in parts
    )


def _plain(action: Action) -> bool:
    """Whether a target can carry an action itself."""
    match action:
        case SetVariable(_, value):
            return value.isascii() and value.isalnum()
        case BridgeToNull():
            return action == BridgeToNull()
        case _:
            further = BridgeToLoopback | BridgeToSeveral | BridgeAgain
            return not isinstance(action, further | Unloop)


def _action_can_be_sent(action: Action) -> bool:
    match action:
        case Sleep(length) | PlayTone(length):
            return _brief(length)
        case SetVariable(name, value):
            return _can_be_carried("set", ((name, value),))
        case HangUp(cause):
            return bool(_CAUSE.fullmatch(cause))
        case BridgeToNull():
            timeout = 1000 * (action.timeout_s or 0)
            return (
                _can_be_carried("braces", action.variables)
                and bool(_CAUSE.fullmatch(action.refusal or "NONE"))
                and all(map(_brief, (action.answer_delay_ms or 0, timeout)))
            )
        case BridgeToLoopback(target, plan, braces, brackets):
            carried = _can_be_carried("braces", braces) and _can_be_carried("brackets", brackets)
            known = not any(isinstance(one, BridgeAgain) for one in plan)
            return carried and known and _routed(target) and all(map(_action_can_be_sent, plan))
        case BridgeToSeveral(at_once, _, braces):
            carried = bool(at_once) and _can_be_carried("braces", braces)
            return carried and all(map(_is_one_of_several, action.bridges))
        case BridgeAgain(braces=braces):
            return _is_brief_loop(action) and _can_be_carried("braces", braces)
        case _:
            return True


def _is_one_of_several(bridge: BridgeToNull | BridgeToLoopback) -> bool:
    """Whether it can stand beside others: what is its own is in brackets."""
    if not _action_can_be_sent(bridge):
        return False
    if isinstance(bridge, BridgeToLoopback):
        return not bridge.braces
    return bridge.timeout_s is None and _can_be_carried("brackets", bridge.variables)


def _is_brief_loop(action: Action) -> bool:
    return not isinstance(action, BridgeAgain) or 1 <= action.most <= MOST_HOPS


def _can_be_carried(scope: str, variables: Pairs) -> bool:
    return all(
        _NAME.fullmatch(name) and _means_no_more(name, value) and carries(scope, value)
        for name, value in variables
    )


def _means_no_more(name: str, value: str) -> bool:
    meant = MEANT.get(name)
    return bool(meant.fullmatch(value)) if meant else not reserved(name)


def _told_apart(scenario: Scenario) -> bool:
    """Whether no pair's extension begins like that of another, but for those of a loop."""
    steps = (step for pair in pairs(scenario) for step in pair.steps)
    loops = (step.dials for step in steps if isinstance(step.action, BridgeAgain))
    again = {one.pair for dials in loops for alternative in dials for one in alternative}
    texts = [
        getattr(pair.target, "extension", "")
        for pair in pairs(scenario)
        if pair.number not in again
    ]
    return not any(
        one.startswith(other)
        for at, one in enumerate(texts)
        for other in filter(None, (*texts[:at], *texts[at + 1 :]))
    )


def _stimulus_can_be_sent(stimulus: Stimulus) -> bool:
    at, deed = stimulus.at, stimulus.deed
    legs = bool(_LEG.fullmatch(at.leg) and _LEG.fullmatch(deed.leg))
    match deed:
        case UuidKill(cause=cause):
            means = bool(_CAUSE.fullmatch(cause))
        case UuidSendDtmf(digits=digits):
            means = bool(_DIGITS.fullmatch(digits))
        case UuidSetvar(name=name, value=value):
            means = _can_be_carried("set", ((name, value),))
        case UuidDisplay(name=name, number=number):
            means = bool(_WORD.fullmatch(name) and _WORD.fullmatch(number))
        case UuidDeflect(plan=plan, dialplan=dialplan, context=context):
            named = all(_WORD.fullmatch(one or "") for one in (dialplan, context))
            bridges = BridgeToNull | BridgeToLoopback | BridgeToSeveral | BridgeAgain | Unloop
            own = not any(isinstance(action, bridges) for action in plan)
            means = named and own and all(map(_action_can_be_sent, plan))
    return legs and means and _brief(at.delay_ms)


def _profile_can_be_set(profile: Profile) -> bool:
    variables = (f"{name}={value}" for name, value in profile.global_variables)
    return bool(_CAUSE.fullmatch(profile.bowout_hangup_cause)) and all(
        _GLOBAL.fullmatch(one) for one in variables
    )


def _brief(length: int) -> bool:
    return 0 <= length <= LONGEST_MS
