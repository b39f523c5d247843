"""Plans: what loopback-b's dialplan does, and what is certain about the course it takes.

Durations are milliseconds from a coarse grid that keeps clear of the bowout's 2,000; a whole plan
takes 4 s at most (facts, sections 0, 2.6 and 2.10).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance.dialstring import count_null_bridges
from conformance.scenario import (
    Action,
    Answer,
    BridgeAgain,
    BridgeToLoopback,
    BridgeToNull,
    BridgeToSeveral,
    HangUp,
    Park,
    PlayTone,
    PreAnswer,
    RingReady,
    SetVariable,
    Sleep,
    Unloop,
    Variables,
    numbered,
)
from strategies.basics import weighted
from strategies.forks import bridges_to_several, looping_plans
from strategies.targets import extension_targets, nested_extensions
from strategies.variables import (
    bowout_settings,
    cdr_settings,
    merge,
    names,
    values,
    variable_sets,
    words,
)

Plan: TypeAlias = tuple[Action, ...]

PLAN_WEIGHTS: Mapping[str, int] = MappingProxyType(
    {
        "bridge": 60,
        "chain": 18,
        "two_bridges": 4,
        "goes_on": 3,
        "unanswered": 6,
        "refused": 5,
        "several": 7,
        "loop": 6,
        "park": 5,
        "hangup": 6,
        "unloop": 4,
    }
)
"""How often each form of a plan is made, for extension targets."""

REFUSALS = (
    "USER_BUSY",
    "NO_ANSWER",
    "CALL_REJECTED",
    "UNALLOCATED_NUMBER",
    "NORMAL_TEMPORARY_FAILURE",
)
"""Causes with which a `null/` endpoint refuses; only after NO_ANSWER does a plan go on."""

MOST_PAIRS = 3
"""Loopback pairs in a chain, at most."""

HANGUP_CAUSES = ("NORMAL_CLEARING", "USER_BUSY", "NORMAL_UNSPECIFIED", "CALL_REJECTED")

_NESTED = ("chain", "several", "loop")
PAUSES = (100, 200, 300, 400, 600)
TONES = (200, 400, 600, 800)
_ANSWER_DELAYS = (0, 0, 200, 500, 1000)


# --- parts of plans ------------------------------------------------------------------------------


@cache
def pauses() -> SearchStrategy[Sleep]:
    """`sleep` of 100 to 600 ms."""
    return st.sampled_from(PAUSES).map(Sleep)


@cache
def settings_on_b() -> SearchStrategy[SetVariable]:
    """`set` on loopback-b: a variable without a meaning, now and then one about bowout or CDRs."""
    plain = st.builds(SetVariable, names(), values("set"))
    bowout = bowout_settings(("set",)).map(lambda made: SetVariable(*made.set[0]))
    cdrs = cdr_settings().map(lambda pairs: SetVariable(*pairs[0]))
    return weighted((6, plain), (2, bowout), (1, cdrs))


@cache
def preludes(media: bool = True) -> SearchStrategy[Plan]:
    """What comes before a bridge: ringing, a pause, early media or an answer, variables.

    Often nothing does. Without `media` there is nothing that answers or gives early media.
    """
    openings: list[tuple[int, SearchStrategy[Plan]]] = [
        (4, st.just(())),
        (1, st.just((RingReady(),))),
        (2, pauses().map(lambda pause: (pause,))),
        (1, pauses().map(lambda pause: (RingReady(), pause))),
    ]
    if media:
        early: SearchStrategy[Action] = st.sampled_from((PreAnswer(), Answer(), Answer()))
        tone = st.sampled_from(TONES).map(PlayTone)
        openings += [
            (2, early.map(lambda action: (action,))),
            (2, st.tuples(early, pauses())),
            (1, st.tuples(st.just(RingReady()), pauses(), early)),
            (1, st.tuples(early, tone)),
            (1, tone.map(lambda action: (action,))),
        ]
    variables = weighted((3, st.just(())), (1, st.tuples(settings_on_b())))
    return st.builds(lambda first, then: (*first, *then), weighted(*openings), variables)


@cache
def answered_bridges(early_media: bool = True) -> SearchStrategy[BridgeToNull]:
    """`bridge` to a b-leg that answers, at once or up to a second later (facts, section 2.10)."""
    return st.builds(
        BridgeToNull,
        answer_delay_ms=st.sampled_from(_ANSWER_DELAYS),
        early_media=st.sampled_from((False, False, early_media)),
        variables=_b_leg_variables(),
    )


@cache
def unanswered_bridges() -> SearchStrategy[BridgeToNull]:
    """`bridge` to a b-leg that never answers, with early media or without."""
    return st.builds(
        BridgeToNull,
        answer_delay_ms=st.none(),
        early_media=weighted((2, st.just(True)), (1, st.just(False))),
        variables=_b_leg_variables(),
    )


@cache
def timed_bridges() -> SearchStrategy[BridgeToNull]:
    """`bridge` to a b-leg that neither answers nor has early media, given up after 1 s or 2 s."""
    return st.builds(
        BridgeToNull,
        answer_delay_ms=st.none(),
        variables=_b_leg_variables(),
        timeout_s=st.sampled_from((1, 1, 2)),
    )


@cache
def refused_bridges(causes: tuple[str, ...] = REFUSALS) -> SearchStrategy[BridgeToNull]:
    """`bridge` to a `null/` endpoint that refuses: there is no b-leg then."""
    return st.builds(BridgeToNull, refusal=st.sampled_from(causes), variables=_b_leg_variables())


@cache
def chained_bridges(number: int = 2) -> SearchStrategy[BridgeToLoopback]:
    """`bridge` to the loopback pair of this number; its plan may bridge to the next, of three."""
    bowout = weighted((3, st.just(Variables())), (1, bowout_settings(("braces", "brackets"))))
    plain = st.builds(Variables, braces=_few("braces"), brackets=_few("brackets"))
    variables = st.builds(merge, bowout, plain)
    return st.builds(
        lambda target, plan, made: BridgeToLoopback(target, plan, made.braces, made.brackets),
        extension_targets(nested_extensions(number)),
        _inner_plans(number),
        variables,
    )


# --- whole plans ---------------------------------------------------------------------------------


@cache
def bridging_plans() -> SearchStrategy[Plan]:
    """A prelude, then a bridge that is answered; sometimes a remainder that a bowout cuts off."""
    remainder = weighted(
        (9, st.just(())),
        (1, st.tuples(pauses())),
        (1, st.tuples(settings_on_b(), st.sampled_from(HANGUP_CAUSES).map(HangUp))),
    )
    return st.builds(
        lambda prelude, bridge, rest: (*prelude, bridge, *rest),
        preludes(),
        answered_bridges(),
        remainder,
    )


@cache
def chained_plans() -> SearchStrategy[Plan]:
    """A prelude, then a bridge through a further loopback pair (facts, section 2.7).

    Sometimes loopback-b is told not to pre-answer when it dials (facts, section 2.3).
    """
    silent = SetVariable("loopback_no_pre_answer", "true")
    told = preludes(media=False).map(lambda prelude: (*prelude, silent))
    return _joined(weighted((6, preludes()), (1, told)), chained_bridges())


@cache
def two_bridge_plans(media: bool = True) -> SearchStrategy[Plan]:
    """Two bridges, one after the other: the second comes once something kills the first b-leg.

    In a further pair leave out `media` before them, or a bowout may come before the kill.
    """
    return _joined(preludes(media), answered_bridges(early_media=False), answered_bridges())


@cache
def going_on_plans() -> SearchStrategy[Plan]:
    """A bridge that is not answered, after which the plan goes on to a bridge, `park`, an end."""
    return _joined(
        preludes(),
        weighted((2, refused_bridges(("NO_ANSWER",))), (1, timed_bridges())),
        weighted(
            (3, answered_bridges()),
            (1, st.just(Park())),
            (1, st.sampled_from(HANGUP_CAUSES).map(HangUp)),
        ),
    )


@cache
def unanswered_plans() -> SearchStrategy[Plan]:
    """A prelude, then a bridge to a b-leg that never answers."""
    return _joined(preludes(), unanswered_bridges())


@cache
def refused_plans() -> SearchStrategy[Plan]:
    """A prelude, then a bridge that is refused, and sometimes an action that may not be reached."""
    rest = weighted((4, st.just(())), (1, st.tuples(pauses())), (1, st.just((Answer(),))))
    return st.builds(
        lambda prelude, bridge, then: (*prelude, bridge, *then), preludes(), refused_bridges(), rest
    )


@cache
def several_plans() -> SearchStrategy[Plan]:
    """A prelude, then a bridge to several endpoints, at once or in turn."""
    return _joined(preludes(), bridges_to_several())


@cache
def parking_plans() -> SearchStrategy[Plan]:
    """`park`, with an answer before it or without."""
    answer = st.sampled_from(((Answer(),), (Answer(),), ()))
    return st.builds(lambda prelude, then: (*prelude, *then, Park()), preludes(), answer)


@cache
def hangup_plans() -> SearchStrategy[Plan]:
    """`hangup` with a cause, early or after an answer; or the plan just ends."""
    cause = st.sampled_from((*HANGUP_CAUSES, *REFUSALS))
    ends = weighted(
        (4, cause.map(lambda name: (HangUp(name),))),
        (2, st.builds(lambda pause, name: (Answer(), pause, HangUp(name)), pauses(), cause)),
        (2, pauses().map(lambda pause: (Answer(), pause))),
    )
    return st.builds(lambda prelude, end: (*prelude, *end), preludes(), ends)


@cache
def unloop_plans() -> SearchStrategy[Plan]:
    """`unloop` with something that the acquired channel then does: 5.3 s late (facts, 2.8)."""
    rest = weighted(
        (2, pauses().map(lambda pause: (Answer(), pause))),
        (1, st.just((Answer(), Park()))),
        (1, st.just((Park(),))),
        (2, answered_bridges(early_media=False).map(lambda bridge: (bridge,))),
        (1, st.builds(lambda pause, cause: (pause, HangUp(cause)), pauses(), _causes())),
    )
    before = weighted((3, st.just(())), (1, st.tuples(settings_on_b())))
    return st.builds(lambda first, then: (*first, Unloop(), *then), before, rest)


def plans(
    *, weights: Mapping[str, int] = PLAN_WEIGHTS, nested: bool = True
) -> SearchStrategy[Plan]:
    """Plans of extension targets in all forms, each as often as its weight says.

    Without `nested` none bridges to a further pair, nor to several endpoints.
    """
    forms = {
        "bridge": bridging_plans,
        "chain": chained_plans,
        "two_bridges": two_bridge_plans,
        "goes_on": going_on_plans,
        "unanswered": unanswered_plans,
        "refused": refused_plans,
        "several": several_plans,
        "loop": looping_plans,
        "park": parking_plans,
        "hangup": hangup_plans,
        "unloop": unloop_plans,
    }
    kept = {name: form for name, form in forms.items() if nested or name not in _NESTED}
    return weighted(*((weights[name], form()) for name, form in kept.items()))


@cache
def inline_plans() -> SearchStrategy[Plan]:
    """Plans that `loopback/<applications>/<context>/inline` carries: no bridge, plain values."""
    step = weighted(
        (1, st.just(RingReady())),
        (1, st.just(PreAnswer())),
        (2, st.just(Answer())),
        (2, pauses()),
        (2, _plain_settings()),
    )
    ends = weighted(
        (2, st.just((Answer(), Park()))),
        (1, st.just((Park(),))),
        (2, st.tuples(st.sampled_from(HANGUP_CAUSES).map(HangUp))),
        (2, st.tuples(pauses())),
    )
    steps = st.lists(step, max_size=3, unique_by=type)
    return st.builds(lambda first, end: (*first, *end), steps, ends)


@cache
def application_plans() -> SearchStrategy[Plan]:
    """Plans that `loopback/app=` carries: one action."""
    return weighted(
        (3, st.just((BridgeToNull(),))),
        (2, st.just((Park(),))),
        (2, st.sampled_from((300, 600, 1200)).map(lambda pause: (Sleep(pause),))),
        (1, st.sampled_from(HANGUP_CAUSES).map(lambda cause: (HangUp(cause),))),
        (1, st.just((Answer(),))),
        (1, st.tuples(_plain_settings())),
    )


@cache
def unloopable_plans() -> SearchStrategy[Plan]:
    """Plans for `originate loopback/... &unloop`: nothing answers before the b-leg does.

    So b-leg is there when loopback-a starts its application (facts, section 2.8).
    """
    return _joined(preludes(media=False), answered_bridges(early_media=False))


# --- what is certain -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Course:
    """What is certain about a plan's course.

    `answered` are the b-legs that answer, in order: all but the last have to be killed for the next
    to come. `rings` is a b-leg that is created and never answers, `parks` a loopback-b that parks;
    with one of these, or with an answered b-leg, the call lasts until something ends it.
    `has_answer` tells whether the outermost loopback-b answers at some time.
    """

    answered: tuple[str, ...] = ()
    rings: str | None = None
    parks: str | None = None
    has_answer: bool = False

    @property
    def ends_by_itself(self) -> bool:
        """Whether the plan comes to its end without help."""
        return not (self.answered or self.rings or self.parks)


def course(plan: Plan, pair: int = 1, first_b_leg: int = 1) -> Course:
    """The certain part of the course of a plan that loopback-b of this pair runs.

    What is forked is left to the model (`strategies.certainty`).
    """
    answered: list[str] = []
    answer = False
    b_leg = first_b_leg
    for at, action in enumerate(plan):
        answer = answer or isinstance(action, Answer)
        role = numbered("b-leg", b_leg)
        match action:
            case HangUp():
                break
            case Park():
                parks = numbered("loopback-b", pair)
                return Course(tuple(answered), parks=parks, has_answer=answer)
            case BridgeToLoopback(plan=further):
                inner = course(further, pair + 1, b_leg)
                return replace(inner, has_answer=answer or inner.has_answer)
            case BridgeToNull(refusal="NO_ANSWER") | BridgeToNull(timeout_s=int()):
                b_leg += 1
            case BridgeToNull(refusal=str()):
                break
            case BridgeToNull(answer_delay_ms=None):
                return Course(tuple(answered), rings=role, has_answer=answer)
            case BridgeToNull():
                answer = True
                answered.append(role)
                b_leg += 1
                if not count_null_bridges(plan[at + 1 :]):
                    break
    return Course(tuple(answered), has_answer=answer)


def bowout_waits_for_answer(plan: Plan) -> bool:
    """Whether no bowout can come within 2 s of the last b-leg's answer.

    It can where both ends of a pair are bridged and answered before: by a bridge in early media
    behind an answer, or, of an outer pair, by any early media further in (facts, section 2.6).
    """
    answered = False
    for action in plan:
        match action:
            case Answer():
                answered = True
            case BridgeToLoopback(plan=further):
                chained = any(isinstance(inner, BridgeToLoopback) for inner in further)
                return not chained and not any(map(_has_early_media, further))
            case BridgeToNull(early_media=True):
                return not answered
    return True


def pair_count(plan: Plan) -> int:
    """Number of loopback pairs of a call whose outermost pair runs this plan, but for a loop's."""
    bridges = (
        bridge
        for action in plan
        for bridge in (action.bridges if isinstance(action, BridgeToSeveral) else (action,))
    )
    return 1 + sum(pair_count(one.plan) for one in bridges if isinstance(one, BridgeToLoopback))


def is_forked(plan: Plan) -> bool:
    """Whether a plan dials several endpoints, or its own target again."""
    return any(isinstance(action, BridgeToSeveral | BridgeAgain) for action in plan)


# --- helpers -------------------------------------------------------------------------------------


@cache
def _inner_plans(number: int) -> SearchStrategy[Plan]:
    longer = chained_bridges(number + 1) if number < MOST_PAIRS else answered_bridges()
    return weighted(
        (3, _joined(preludes(), longer)),
        (12, _joined(preludes(), answered_bridges())),
        (1, two_bridge_plans(media=False)),
        (1, unanswered_plans()),
        (1, refused_plans()),
        (2, parking_plans()),
        (2, hangup_plans()),
    )


@cache
def _b_leg_variables() -> SearchStrategy[tuple[tuple[str, str], ...]]:
    return weighted((10, st.just(())), (2, variable_sets("braces", 2)), (1, cdr_settings()))


@cache
def _few(scope: str) -> SearchStrategy[tuple[tuple[str, str], ...]]:
    return weighted((3, st.just(())), (1, variable_sets(scope, 2)))


@cache
def _causes() -> SearchStrategy[str]:
    return st.sampled_from(HANGUP_CAUSES)


@cache
def _plain_settings() -> SearchStrategy[SetVariable]:
    return st.builds(SetVariable, names(), words())


def _joined(
    prelude: SearchStrategy[Plan], *actions: SearchStrategy[Action]
) -> SearchStrategy[Plan]:
    return st.builds(lambda first, *then: (*first, *then), prelude, *actions)


def _has_early_media(action: Action) -> bool:
    return isinstance(action, Answer | PreAnswer | PlayTone) or (
        isinstance(action, BridgeToNull) and action.early_media
    )
