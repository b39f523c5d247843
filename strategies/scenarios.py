"""Whole scenarios: origins, stimuli, endings, and how they go together.

Whatever a stimulus is timed from certainly occurs, and the leg it acts on is certainly there (tried
on a real 1.10.12); `strategies.soundness` says when.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TypeAlias

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from msgspec.structs import replace

from conformance.profile import Profile
from conformance.scenario import (
    ALegBridges,
    ALegConsults,
    ALegRunsDialplan,
    ApplicationTarget,
    BridgeAgain,
    Deed,
    Direct,
    Event,
    ExtensionTarget,
    HangUp,
    InlineTarget,
    Origin,
    Scenario,
    Stimulus,
    Target,
    Unloop,
    UuidDisplay,
    UuidSendDtmf,
    UuidSetvar,
    Variables,
    null_bridges,
    pairs,
)
from strategies.after_bridge import after_bridge_calls
from strategies.basics import texts, weighted
from strategies.bridges import (
    HANGUP_CAUSES,
    PLAN_WEIGHTS,
    Course,
    Plan,
    answered_bridges,
    application_plans,
    bowout_waits_for_answer,
    chained_bridges,
    course,
    inline_plans,
    pauses,
    plans,
    preludes,
    unloopable_plans,
)
from strategies.certainty import (
    Quiet,
    by_stage,
    ends_by_itself,
    is_certain,
    is_clear_of_bowouts,
    quiet_moments,
)
from strategies.confirmations import confirmed_calls
from strategies.deflections import deflected_calls
from strategies.forks import Targets, loop_variables, several_targets
from strategies.soundness import (
    AFTER_PARK,
    AFTER_UNLOOP,
    BEFORE_BOWOUT,
    LIFTS,
    SHORTLY_OR_LATE,
    SLEEPS,
    UNLOOP_DELAY_MS,
    delays_of_ending,
    ended_by_application,
    first_leg,
    forked,
    killed_early,
    milliseconds,
    runs_on_a_leg,
    suits,
    tells_pairs_apart,
    vetoed,
    waited_for,
)
from strategies.stimuli import at as _at
from strategies.stimuli import kills
from strategies.targets import (
    application_targets,
    extension_targets,
    extensions,
    inline_targets,
    routes,
    unroutable_targets,
)
from strategies.variables import (
    ON_EXECUTE,
    cdr_settings,
    merge,
    scopes_of,
    variables_for,
    words,
)

ORIGIN_WEIGHTS: Mapping[str, int] = MappingProxyType(
    {"a_leg_bridges": 10, "a_leg_consults": 4, "a_leg_runs_dialplan": 8, "direct": 6}
)
"""How often each way to begin a call is made."""

TARGET_WEIGHTS: Mapping[str, int] = MappingProxyType(
    {"extension": 86, "unroutable": 2, "inline": 6, "application": 6}
)
"""How often each kind of target is made."""

NAMED_WEIGHTS: Mapping[str, int] = MappingProxyType({"one_target": 100, "several_targets": 9})
"""How often the a-leg dials one target, and several."""

HANGUP_WEIGHTS: Mapping[str, int] = MappingProxyType({"hangup_at_the_end": 100, "hangup_amid": 14})
"""How often a call is let run, and how often it is ended at whatever stage by whichever leg."""

CALL_WEIGHTS: Mapping[str, int] = MappingProxyType(
    {"plain": 82, "after_bridge": 6, "confirmed": 6, "deflected": 3, "displayed": 3}
)
"""How often each kind of call is made: all but the plain ones are about one thing alone."""

WEIGHTS: Mapping[str, int] = MappingProxyType(
    {
        **ORIGIN_WEIGHTS,
        **TARGET_WEIGHTS,
        **PLAN_WEIGHTS,
        **NAMED_WEIGHTS,
        **HANGUP_WEIGHTS,
        **CALL_WEIGHTS,
    }
)
"""All weights that `scenarios` takes."""

Weights: TypeAlias = tuple[tuple[str, int], ...]


# --- origins -------------------------------------------------------------------------------------


@cache
def a_leg_bridging_origins() -> SearchStrategy[ALegBridges]:
    """`originate null/<token> &bridge(...)`; sometimes the a-leg stays in early media."""
    return st.sampled_from((True, True, True, False)).map(ALegBridges)


@cache
def consulting_origins() -> SearchStrategy[ALegConsults]:
    """`originate null/<token> &att_xfer(...)`; sometimes the a-leg stays in early media."""
    return st.sampled_from((True, True, True, False)).map(ALegConsults)


@cache
def a_leg_dialplan_origins() -> SearchStrategy[ALegRunsDialplan]:
    """`originate null/<token> <extension> XML <context>`, in each of three contexts."""
    behind = weighted(
        (3, st.just(())),
        (1, pauses().map(lambda pause: (pause,))),
        (1, st.sampled_from(HANGUP_CAUSES).map(lambda cause: (HangUp(cause),))),
        (1, st.builds(lambda pause, cause: (pause, HangUp(cause)), pauses(), _causes())),
    )
    return st.builds(
        ALegRunsDialplan,
        answers=st.sampled_from((True, True, True, False)),
        context=st.sampled_from(("default", "default", "public", "conformance")),
        afterwards=behind,
    )


@cache
def direct_origins() -> SearchStrategy[Direct]:
    """`originate loopback/... &<application>`: `park`, `sleep` of 550 to 2,550 ms, `unloop`.

    And `bridge`, which dials an a-leg from loopback-a.
    """
    return weighted(
        (3, st.just(Direct("bridge"))),
        (4, st.just(Direct("park"))),
        (3, st.sampled_from(SLEEPS).map(lambda ms: Direct("sleep", ms))),
        (2, st.just(Direct("unloop"))),
    )


@cache
def origins() -> SearchStrategy[Origin]:
    """Every way to begin a call, each as often as `ORIGIN_WEIGHTS` says."""
    return _origins(tuple(ORIGIN_WEIGHTS.items()))


@cache
def targets() -> SearchStrategy[Target]:
    """Every kind of target, each as often as `TARGET_WEIGHTS` says."""
    return _targets(tuple(TARGET_WEIGHTS.items()))


# --- stimuli and endings -------------------------------------------------------------------------


@cache
def digits_sent(legs: tuple[str, ...]) -> SearchStrategy[UuidSendDtmf]:
    """`uuid_send_dtmf` of 1 to 6 digits on one of the legs.

    On a real leg they add up there (facts, 2.10), on a loopback leg they cross (2.9).
    """
    return st.builds(
        UuidSendDtmf, st.sampled_from(legs), texts("0123456789*#ABCD", min_size=1, max_size=6)
    )


@cache
def displays(legs: tuple[str, ...]) -> SearchStrategy[UuidDisplay]:
    """`uuid_display` of a name and a number on one of the legs."""
    return st.builds(
        UuidDisplay, st.sampled_from(legs), words(), texts("0123456789", min_size=1, max_size=8)
    )


@cache
def unwanted(legs: tuple[str, ...]) -> SearchStrategy[UuidSetvar]:
    """`uuid_setvar` of what decides on CDRs, on one of the legs."""
    settings = cdr_settings().map(lambda pairs: pairs[0])
    return st.builds(lambda leg, pair: UuidSetvar(leg, *pair), st.sampled_from(legs), settings)


@cache
def vetoes(legs: tuple[str, ...]) -> SearchStrategy[UuidSetvar]:
    """`uuid_setvar` of `loopback_bowout` on a loopback leg: anything but true forbids it."""
    values = st.sampled_from(("false", "false", "false", "no", "foo", "0", "true"))
    return st.builds(UuidSetvar, st.sampled_from(legs), st.just("loopback_bowout"), values)


def stimuli(scenario: Scenario) -> SearchStrategy[tuple[Stimulus, ...]]:
    """Stimuli for a scenario that has none yet: at most two, often none.

    They are a veto of the bowout before it is due, the lifting of a veto after, an early kill of
    some leg, digits; and the kill of the first of two b-legs wherever a plan waits for that.
    """
    known = course(scenario.plan)
    if known.ends_by_itself or runs_on_a_leg(scenario) or ended_by_application(scenario.origin):
        return st.just(())
    if forked(scenario):
        return st.just(())
    if killed := waited_for(known):
        return st.tuples(*(_at(Event.ANSWER, leg, BEFORE_BOWOUT, kills((leg,))) for leg in killed))
    if known.parks and scenario.has_a_leg:
        digits = _at(Event.PARK, known.parks, AFTER_PARK, digits_sent(("a-leg",)))
        return weighted((3, st.just(())), (1, st.tuples(digits)))
    if not known.answered:
        return st.just(())
    return _around_a_bowout(scenario, known.answered[-1])


def endings(scenario: Scenario) -> SearchStrategy[Stimulus | None]:
    """The hangup that ends a scenario which has its stimuli; None where it ends without."""
    if forked(scenario):
        return _ending_after_all(scenario)
    known = course(scenario.plan)
    if runs_on_a_leg(scenario):
        return _ending_after_unloop(scenario, known)
    if (
        known.ends_by_itself
        or ended_by_application(scenario.origin)
        or killed_early(scenario, known)
    ):
        return st.none()
    first = first_leg(scenario)
    if known.parks:
        return _at(Event.PARK, known.parks, SHORTLY_OR_LATE, kills((first, known.parks)))
    if known.rings:
        return _at(Event.CREATE, known.rings, SHORTLY_OR_LATE, kills((first, known.rings)))
    last = known.answered[-1]
    delays = delays_of_ending(scenario)
    legs = kills((first, last))
    after_answer = _at(Event.ANSWER, last, delays, legs)
    if len(known.answered) > 1 or dict(null_bridges(scenario))[last].early_media:
        return after_answer
    innermost = list(pairs(scenario))[-1].leg_b
    return weighted((1, after_answer), (1, _at(Event.BRIDGE, innermost, delays, legs)))


def hangups(scenario: Scenario) -> SearchStrategy[Stimulus | None]:
    """A hangup that ends a scenario without stimuli, at any stage, by any leg that is there then.

    None where there is no moment of which the model is certain.
    """
    stages = by_stage(quiet_moments(scenario))
    return _hangup(scenario, stages) if stages else st.none()


# --- whole scenarios -----------------------------------------------------------------------------


def scenarios(
    *,
    origins: SearchStrategy[Origin] | None = None,
    targets: SearchStrategy[Target] | None = None,
    plans: SearchStrategy[Plan] | None = None,
    variables: SearchStrategy[Variables] | None = None,
    profiles: SearchStrategy[Profile] | None = None,
    weights: Mapping[str, int] | None = None,
) -> SearchStrategy[Scenario]:
    """Whole scenarios; parts can be fixed, and `weights` change those of `WEIGHTS`.

    The switch is set as it is by default unless `profiles` are given.
    Where targets, plans or variables are fixed all calls are plain ones.
    A fixed `plans` applies to every kind of target, so give `targets` with it where it does not
    suit all. Variables in scopes that an origin does not have are left out. Combinations that
    cannot be sent, or whose course nobody could tell, are not made.
    """
    unknown = set(weights or ()) - set(WEIGHTS)
    if unknown:
        msg = f"no such weights: {', '.join(sorted(unknown))}"
        raise ValueError(msg)
    weight = {**WEIGHTS, **(weights or {})}
    if targets is not None or plans is not None or variables is not None:
        weight |= {kind: int(kind == "plain") for kind in CALL_WEIGHTS}
    chosen = tuple(weight.items())
    return _scenarios(
        origins if origins is not None else _origins(chosen),
        targets if targets is not None else _targets(chosen),
        plans,
        variables,
        profiles if profiles is not None else st.just(Profile()),
        chosen,
    )


# --- helpers -------------------------------------------------------------------------------------


def _may_be_one_of_several(target: Target) -> bool:
    return isinstance(target, ExtensionTarget) and routes(target) and tells_pairs_apart(target)


@cache
def _named(weights: Weights) -> SearchStrategy[Targets | None]:
    weight = dict(weights)
    return weighted(
        (weight["one_target"], st.none()), (weight["several_targets"], several_targets())
    )


@cache
def _amid(weights: Weights) -> SearchStrategy[bool]:
    weight = dict(weights)
    return weighted(
        (weight["hangup_at_the_end"], st.just(False)), (weight["hangup_amid"], st.just(True))
    )


def _ending_after_all(scenario: Scenario) -> SearchStrategy[Stimulus | None]:
    """A hangup once nothing more would come by itself."""
    if ends_by_itself(scenario):
        return st.none()
    last = [one for one in quiet_moments(scenario) if one.last]
    return _hangup(scenario, [last]) if last else st.nothing()


def _hangup(scenario: Scenario, stages: list[list[Quiet]]) -> SearchStrategy[Stimulus]:
    """A hangup in one of the stages, by any leg that is there, if it ends the call."""
    return (
        st.sampled_from(stages)
        .flatmap(st.sampled_from)
        .flatmap(lambda one: st.builds(Stimulus, st.just(one.moment), kills(one.legs)))
        .filter(lambda hangup: ends_by_itself(replace(scenario, ending=hangup)))
    )


@st.composite
def _scenarios(
    draw: DrawFn,
    origins: SearchStrategy[Origin],
    targets: SearchStrategy[Target],
    plans: SearchStrategy[Plan] | None,
    variables: SearchStrategy[Variables] | None,
    profiles: SearchStrategy[Profile],
    weights: Weights,
) -> Scenario:
    profile = draw(profiles)
    origin = draw(origins)
    kind = draw(_kinds(weights))
    if kind != "plain":
        return replace(draw(_call(kind, origin).filter(is_clear_of_bowouts)), profile=profile)
    target = draw(targets)
    plan = draw(_plans_for(origin, target, weights) if plans is None else plans)
    several = None
    certain = not isinstance(origin, Direct | ALegConsults)
    if plans is None and certain and _may_be_one_of_several(target):
        several = draw(_named(weights))
        plan = plan if several is None else several.plan
    if not suits(origin, target, plan):
        # `park` suits every plan that the other applications do not, a bridge all of an a-leg's.
        if isinstance(origin, Direct):
            origin = Direct("park")
        elif isinstance(origin, ALegConsults):
            origin = ALegBridges(origin.answers)
    assume(suits(origin, target, plan))
    given = draw(variables_for(origin) if variables is None else variables)
    if not isinstance(origin, Direct) and plan[:1] == (Unloop(),) and draw(st.booleans()):
        # The variable does what the application does.
        plan, given = plan[1:], merge(Variables(braces=(ON_EXECUTE,)), given)
    if plan and isinstance(plan[-1], BridgeAgain):
        given = merge(draw(loop_variables(plan)), given)
    bare = Scenario(origin, target, plan, _kept(origin, given), profile=profile)
    if several is not None:
        given = _kept(origin, merge(Variables(braces=several.braces), given))
        bare = replace(bare, variables=given, beside=several.beside, otherwise=several.otherwise)
    assume(not forked(bare) or is_certain(bare))
    if draw(_amid(weights)) and (hangup := draw(hangups(bare))) is not None:
        return replace(bare, ending=hangup)
    acted_on = replace(bare, stimuli=draw(stimuli(bare)))
    whole = replace(acted_on, ending=draw(endings(acted_on)))
    assume(is_clear_of_bowouts(whole))
    return whole


@st.composite
def _displayed_calls(draw: DrawFn, origin: Origin, target: Target) -> Scenario:
    """A call that is bridged to a b-leg, through one pair or two, and told who is there."""
    pairs_or_one = weighted((3, answered_bridges(early_media=False)), (1, chained_bridges()))
    plan = draw(st.builds(lambda first, then: (*first, then), preludes(media=False), pairs_or_one))
    known = course(plan)
    assume(suits(origin, target, plan) and bowout_waits_for_answer(plan))
    assume(len(known.answered) == 1 and not known.parks)
    ignoring = Variables(braces=(("ignore_display_updates", "true"),))
    refusing = Variables(braces=(("loopback_bowout", "false"),))
    given = draw(st.sampled_from((Variables(), Variables(), refusing, ignoring)))
    bare = Scenario(origin, target, plan, given)
    legs = [leg for pair in pairs(bare) for leg in (pair.leg_a, pair.leg_b)]
    real = (known.answered[-1],) if isinstance(origin, Direct) else ("a-leg", known.answered[-1])
    shown = displays((*legs, *legs, *real))
    stimulus = draw(_at(Event.ANSWER, known.answered[-1], BEFORE_BOWOUT, shown))
    acted_on = replace(bare, stimuli=(stimulus,))
    return replace(acted_on, ending=draw(endings(acted_on)))


@cache
def _kinds(weights: Weights) -> SearchStrategy[str]:
    weight = dict(weights)
    return weighted(*((weight[kind], st.just(kind)) for kind in CALL_WEIGHTS))


def _call(kind: str, origin: Origin) -> SearchStrategy[Scenario]:
    """A call of a kind that is not plain, if with another application of an api origin."""
    calls = {
        "after_bridge": (after_bridge_calls, "bridge"),
        "confirmed": (confirmed_calls, "park"),
        "deflected": (deflected_calls, "park"),
        "displayed": (_displayed_calls, "park"),
    }
    made, application = calls[kind]
    own = origin
    if isinstance(origin, Direct):
        own = Direct(application)
    elif isinstance(origin, ALegConsults):
        own = ALegBridges(origin.answers)
    return extension_targets(extensions()).flatmap(lambda target: made(own, target))


@cache
def _origins(weights: Weights) -> SearchStrategy[Origin]:
    weight = dict(weights)
    return weighted(
        (weight["a_leg_bridges"], a_leg_bridging_origins()),
        (weight["a_leg_consults"], consulting_origins()),
        (weight["a_leg_runs_dialplan"], a_leg_dialplan_origins()),
        (weight["direct"], direct_origins()),
    )


@cache
def _targets(weights: Weights) -> SearchStrategy[Target]:
    weight = dict(weights)
    return weighted(
        (weight["extension"], extension_targets()),
        (weight["unroutable"], unroutable_targets()),
        (weight["inline"], inline_targets()),
        (weight["application"], application_targets()),
    )


def _plans_for(origin: Origin, target: Target, weights: Weights) -> SearchStrategy[Plan]:
    match target:
        case ApplicationTarget():
            return application_plans()
        case InlineTarget():
            return inline_plans()
        case ExtensionTarget() if not routes(target):
            return st.just(())
        case ExtensionTarget():
            unloops = isinstance(origin, Direct) and origin.application == "unloop"
            return _extension_plans(weights, tells_pairs_apart(target), unloops)


@cache
def _extension_plans(weights: Weights, nested: bool, unloops: bool) -> SearchStrategy[Plan]:
    # An empty plan has no extension on the switch: as rare as other targets without a route.
    weight = dict(weights)
    made = unloopable_plans() if unloops else plans(weights=weight, nested=nested)
    return weighted((weight["extension"], made), (weight["unroutable"], st.just(())))


def _kept(origin: Origin, given: Variables) -> Variables:
    return Variables(**{name: getattr(given, name) for name, _ in scopes_of(origin)})


def _around_a_bowout(scenario: Scenario, last: str) -> SearchStrategy[tuple[Stimulus, ...]]:
    legs = tuple(leg for pair in pairs(scenario) for leg in (pair.leg_a, pair.leg_b))
    if not scenario.has_audio:
        return _without_a_bowout(legs, last)
    if not bowout_waits_for_answer(scenario.plan):
        return _with_an_early_bowout(last)
    # In a chain a veto on one leg does not keep that leg (facts, section 2.7): nothing to lift.
    lifts = "none" if len(legs) > 2 else "any" if vetoed(scenario) else "own"
    return _with_a_bowout(legs, last, lifts)


@cache
def _with_an_early_bowout(last: str) -> SearchStrategy[tuple[Stimulus, ...]]:
    # Only the real legs are certainly there.
    early = (Event.ANSWER, last, BEFORE_BOWOUT)
    return weighted(
        (8, st.just(())),
        (1, st.tuples(_at(*early, kills(("a-leg", last))))),
        (1, st.tuples(_at(*early, digits_sent(("a-leg", last))))),
    )


@cache
def _without_a_bowout(
    loopback_legs: tuple[str, ...], last: str
) -> SearchStrategy[tuple[Stimulus, ...]]:
    early = (Event.ANSWER, last, BEFORE_BOWOUT)
    return weighted(
        (6, st.just(())),
        (2, st.tuples(_at(*early, kills((*loopback_legs, last))))),
        (1, st.tuples(_at(*early, vetoes(loopback_legs)))),
        (1, st.tuples(_at(*early, digits_sent((last,))))),
    )


@cache
def _with_a_bowout(
    loopback_legs: tuple[str, ...], last: str, lifts: str
) -> SearchStrategy[tuple[Stimulus, ...]]:
    early = (Event.ANSWER, last, BEFORE_BOWOUT)
    # The a-leg is bridged no later than loopback-b, so this too is before the bowout.
    bridged = (Event.BRIDGE, "a-leg", BEFORE_BOWOUT)
    veto = _at(*early, vetoes(loopback_legs)) | _at(*bridged, vetoes(loopback_legs))
    digits = _at(*early, digits_sent(("a-leg", "loopback-a", "loopback-b", last)))
    kill = _at(*early, kills(("a-leg", *loopback_legs, last)))
    lifted = st.sampled_from(loopback_legs).flatmap(
        lambda leg: st.tuples(_at(*early, _bowout(leg, "false")), _lift(leg, last))
    )
    return weighted(
        (20, st.just(())),
        (4, st.tuples(veto)),
        (3, st.tuples(kill)),
        (3, st.tuples(digits)),
        (0 if lifts == "none" else 2, lifted),
        (1, st.tuples(digits, veto)),
        (1, st.tuples(_at(*early, unwanted((*loopback_legs, "a-leg", last))))),
        (12 if lifts == "any" else 0, st.tuples(_lift(loopback_legs[0], last))),
        (6 if lifts == "any" else 0, st.tuples(*(_lift(leg, last) for leg in loopback_legs[:2]))),
    )


def _lift(leg: str, last: str) -> SearchStrategy[Stimulus]:
    return _at(Event.ANSWER, last, LIFTS, _bowout(leg, "true"))


@cache
def _bowout(leg: str, value: str) -> SearchStrategy[Deed]:
    return st.just(UuidSetvar(leg, "loopback_bowout", value))


def _ending_after_unloop(scenario: Scenario, known: Course) -> SearchStrategy[Stimulus | None]:
    if known.ends_by_itself:
        return st.none()
    natural = UNLOOP_DELAY_MS + sum(map(milliseconds, scenario.plan))
    delays = tuple(natural + later for later in AFTER_UNLOOP)
    return _at(Event.CREATE, "a-leg", delays, kills(("a-leg",)))


@cache
def _causes() -> SearchStrategy[str]:
    return st.sampled_from(HANGUP_CAUSES)
