"""The model's one entry: what a scenario may lead to on a conforming switch."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from conformance.cdr_modules import MODULES
from conformance.clauses import CLAUSES
from conformance.expectation import Claim, OneOf
from conformance.model import (
    after_bridge,
    cdr,
    confirm,
    deflect,
    dialling,
    display,
    exports,
    legs,
    linkage,
    targets,
)
from conformance.model import bowout as bowouts
from conformance.model.call import course
from conformance.model.course import NEVER, Course, Pace
from conformance.model.durations import CREATED_AFTER, NOTICED_AT_MOST, READ_AFTER
from conformance.model.variables import ON_EXECUTE, bowout_seconds
from conformance.profile import Profile
from conformance.scenario import (
    Direct,
    PlayTone,
    Scenario,
    SetVariable,
    Sleep,
    Unloop,
    null_bridges,
    numbered,
    pairs,
)


class Applied(Struct, frozen=True):
    """When the switch carried out what is not the model's to say.

    `stimuli` holds, by index, the seconds from a stimulus's named event to its effect; `stall` the
    seconds that loopback-b waited on its execution, None where it was not seen.
    """

    stimuli: Mapping[int, float]
    stall: float | None = None


ON_TIME = Pace(bowout=2.0, notice=(), drift=0.0, shift=0.0, stall=5.28)
NOTICES = (0.002, 0.01, NOTICED_AT_MOST)
DRIFTS = (0.05, 0.03)
SHIFTS = (0.07, -0.07)
BOWOUTS = (-0.15, 0.4)
STALLS = (5.0, 7.5)
TICKS = (0.9, 0.6, 0.3)
"""How far (seconds) into a second of the clock dialling may begin, which cuts its time."""
LAGS = (0.02, 0.003)
"""How far (seconds) a loaded host may shift one thing against what happens beside it."""

MOST = 800
"""How many courses are looked at: a call that does wrong may have thousands, which takes seconds.

A call on 1.10.12 in which three threads raced needed 586, most of all others one.
"""


class Alternative(Struct, frozen=True):
    """The claims of one legal course.

    `rare` is one in which threads collided or were caught, a second pair overtook the first one's
    bowout or wants the same leg, a leg never learns that it is bridged, or one parks for a moment.
    """

    claims: tuple[Claim, ...]
    rare: bool
    course: Course


def predict(
    scenario: Scenario,
    applied: Applied,
    modules: tuple[str, ...] = MODULES,
    *,
    alike: bool = False,
    most_astray: int | None = None,
    findings: Callable[[], int] | None = None,
) -> Iterator[Alternative]:
    """The courses that the scenario may legally take, the likeliest first, as claims.

    `applied` tells when the switch carried out what it times by itself, `modules` whose CDRs there
    can be. Where what they wrote is `alike`, a claim about the first stands for all. Where two
    things fall so near to each other that either may come first, each course is an alternative; an
    observation conforms if it meets one wholly. All of them may take seconds to compute:
    `most_astray` bounds how many things go otherwise than is likeliest, and `MOST` courses are
    looked at. Who looks for the one that an observation meets says how many `findings` the last
    alternative left: what is nearest is then varied first.
    """
    numbers = [pair.number for pair in pairs(scenario)]
    on_time = _on_time(scenario, applied)
    tried = {on_time}
    deviated: list[tuple[int, int, int, Pace, int]] = []  # rank, findings, in turn; pace, astray
    shapes: dict[int, int] = {}

    def in_turn() -> Iterator[tuple[Pace, int]]:
        yield on_time, 0
        while deviated:
            *_, pace, astray = heapq.heappop(deviated)
            for other in _deviations(scenario, applied, numbers, pace):
                if other not in tried:
                    tried.add(other)
                    yield other, astray + 1

    for pace, astray in islice(in_turn(), MOST):
        run = course(scenario, applied.stimuli, pace)
        if pace.unaware and not _tells(run, pace.unaware):
            continue  # it would excuse a bowout that is missing
        shape = _shape(run) if shapes else 0
        known = shape in shapes
        if not known:
            yield Alternative(_claims(scenario, run, modules, alike=alike), _rare(pace), run)
            shape = shape or _shape(run)  # of the first only where another is asked for, rarely
            shapes[shape] = findings() if findings else 0
        elif not findings or astray > 1 or shape == next(iter(shapes)):
            continue  # what makes no difference to the likeliest is not varied further
        if astray != most_astray:
            rank = astray + known  # what is like another is varied later
            heapq.heappush(deviated, (rank, shapes[shape], len(tried), pace, astray))


def _tells(run: Course, pair: int) -> bool:
    """Whether the cause of loopback-a's end shows that it did not know of its bridge."""
    leg = run.legs.get(numbered("loopback-a", pair))
    return leg is not None and "DESTINATION_OUT_OF_ORDER" in leg.causes


def _rare(pace: Pace) -> bool:
    unlikely = (pace.collide, pace.overtaken, pace.disputed, pace.caught, pace.unaware, pace.parked)
    return any(unlikely)


def in_full(scenario: Scenario, alternative: Alternative, modules: tuple[str, ...]) -> Alternative:
    """The same with claims about each module, whether what they wrote is alike or not."""
    return replace(alternative, claims=_claims(scenario, alternative.course, modules))


def likeliest(scenario: Scenario) -> Course:
    """The course that the scenario most likely takes, when nothing of it was seen yet."""
    return course(scenario, {}, _on_time(scenario, Applied({})))


def _on_time(scenario: Scenario, applied: Applied) -> Pace:
    stall = ON_TIME.stall if applied.stall is None else applied.stall
    notice = (0.0,) * (1 + len(pairs(scenario)))
    return Pace(bowout_seconds(scenario), notice, ON_TIME.drift, ON_TIME.shift, stall)


def _deviations(
    scenario: Scenario, applied: Applied, numbers: list[int], pace: Pace
) -> Iterator[Pace]:
    """The paces that differ in one thing that can matter to this scenario, likeliest first."""
    yield from (pace._replace(cut=pace.cut | {number}) for number in numbers)
    for notice in NOTICES:
        yield pace._replace(notice=(notice,) * len(pace.notice))
    for number, own in enumerate(pace.notice):
        late = 0.0 if own == NOTICES[-1] else NOTICES[-1]
        yield pace._replace(notice=_with(pace.notice, number, late))
    steps = [step for pair in pairs(scenario) for step in pair.steps]
    actions = [step.action for step in steps]
    timed = any(isinstance(action, Sleep | PlayTone) for action in actions)
    if timed or isinstance(scenario.origin, Direct) or confirm.confirms(scenario):
        for drift in DRIFTS:
            yield pace._replace(drift=drift)
            if len(numbers) > 1:
                yield from (pace._replace(drift=drift, drifts=number) for number in numbers)
    if scenario.all_stimuli():
        yield from (pace._replace(shift=shift) for shift in SHIFTS)
        if len(scenario.all_stimuli()) > 1:
            several = range(len(scenario.all_stimuli()))
            yield from (pace._replace(behind=index) for index in several)
            yield pace._replace(lag=LAGS[1])
    waits = ON_EXECUTE in scenario.text or any(isinstance(action, Unloop) for action in actions)
    if applied.stall is None and waits:
        yield from (pace._replace(stall=stall) for stall in STALLS)
    if any(bridge.timeout_s is not None for bridge in null_bridges(scenario).values()):
        yield from (pace._replace(tick=tick) for tick in TICKS)
    due = bowout_seconds(scenario)
    yield from (pace._replace(bowout=due + shifted) for shifted in BOWOUTS)
    if pace.cut:
        yield pace._replace(halted=True)
        yield pace._replace(lag=LAGS[0])
        yield pace._replace(lag=READ_AFTER)  # it is bridged by then, and has read nothing yet
        if len(numbers) > 1:
            yield pace._replace(lag=LAGS[0], unborn=True)
        named = max((len(one) for step in steps for one in step.dials), default=0)
        for made in range(1, named):
            yield pace._replace(lag=(made + 0.5) * CREATED_AFTER, made=made)
        longest = max(len(pair.steps) for pair in pairs(scenario))
        yield from (pace._replace(begun=number) for number in range(1, longest - 1))
    if len(numbers) > 1:
        yield from (pace._replace(first=number) for number in numbers)
        yield from (pace._replace(lag=lag) for lag in LAGS)
        for number in numbers:
            unrouted = pace._replace(lag=LAGS[0], unrouted=number)
            yield from (unrouted._replace(threads=threads) for threads in range(3))
            yield unrouted._replace(unaware=number - 1)  # early media brought about a bridge
    elif any(isinstance(action, SetVariable) for action in actions) or _goes_on(scenario):
        yield pace._replace(lag=LAGS[0])
    yield pace._replace(collide=True)
    yield pace._replace(collide=True, lag=LAGS[0])
    if len(numbers) > 1:
        yield pace._replace(overtaken=True)
        yield from (pace._replace(blind=number) for number in numbers)
    if len(numbers) > 2 or (len(numbers) > 1 and scenario.profile.bowout_controlled_hangup):
        # Of two pairs none is behind a leg that refuses, and there is nobody else to get the leg.
        yield from (pace._replace(disputed=who) for who in range(1, len(numbers)))
    if getattr(scenario.origin, "application", "") == "bridge":
        yield pace._replace(caught=True)
    yield from (pace._replace(unaware=number) for number in numbers)
    if after_bridge.PARK_VARIABLE in scenario.text:
        for role in ("a-leg", *scenario.dialled):
            yield pace._replace(parked=pace.parked | {role})


def _goes_on(scenario: Scenario) -> bool:
    """Whether loopback-b may begin with what follows its bridge before a bowout hangs it up."""
    return any(step.dials for step in pairs(scenario)[0].steps[:-1])


def _with(notices: tuple[float, ...], index: int, notice: float) -> tuple[float, ...]:
    return (*notices[:index], notice, *notices[index + 1 :])


_CONCERNS = (
    legs,
    dialling,
    targets,
    bowouts,
    exports,
    cdr,
    linkage,
    after_bridge,
    confirm,
    deflect,
    display,
)
_OF_CDRS = (cdr, linkage)
_OF_AN_END = ("legs.cause-crosses", "legs.all-gone-after-call", "cdr.hangup-cause")


def _claims(
    scenario: Scenario, run: Course, modules: tuple[str, ...], *, alike: bool = False
) -> tuple[Claim, ...]:
    """All claims of clauses that hold in the release already."""
    claims: list[Claim] = []
    for concern in _CONCERNS:
        if concern in _OF_CDRS:
            claims += concern.claims(scenario, run, modules, alike=alike)
        else:
            claims += concern.claims(scenario, run)
    claims = _born(claims, run)
    later = _later_than(scenario.profile.release)
    return tuple([claim for claim in claims if claim.clause not in later] if later else claims)


def _born(claims: list[Claim], run: Course) -> list[Claim]:
    """Those that neither speak of a leg that has no CHANNEL_CREATE nor expect it to be named.

    Of a loopback-b that is unlinked only those that tell how it ends.
    """
    legs = run.legs.values()
    unborn = frozenset(leg.role for leg in legs if leg.unborn)
    unlinked = frozenset(leg.role for leg in legs if leg.unlinked)
    nameless = unborn | unlinked
    if not nameless:
        return claims
    return [
        claim
        for claim in claims
        if claim.leg not in unborn
        and (claim.leg not in unlinked or claim.clause in _OF_AN_END)
        and not (isinstance(claim.allowed, OneOf) and claim.allowed.values & nameless)
    ]


@lru_cache
def _later_than(release: str) -> frozenset[str]:
    """Names of the clauses that do not hold in the release yet."""
    profile = Profile(release=release)
    return frozenset(
        name for name, one in CLAUSES.items() if one.since and not profile.since(one.since)
    )


def _shape(run: Course) -> int:
    """What tells one course from another, whatever its times.

    A hash: hundreds of courses are told apart, each of some kilobytes.
    """
    legs = run.legs.values()
    shape = (
        tuple((leg.role, leg.causes, leg.applications, leg.lost, leg.told) for leg in legs),
        tuple((leg.digits, leg.parks, leg.unborn, leg.unlinked) for leg in legs),
        tuple((leg.ringing < NEVER, leg.early < NEVER, leg.answered < NEVER) for leg in legs),
        tuple(tuple(leg.given.items()) for leg in legs),
        tuple((bridge.caller, bridge.peer, run.there(bridge.since)) for bridge in run.bridges),
        tuple((one.how, one.pair, one.legs, one.clean) for one in run.leavings),
    )
    return hash(shape)
