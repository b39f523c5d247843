"""The judge: an expectation against an observation gives findings; many of them give verdicts.

Pure: the same recording judged twice gives the same findings, in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from conformance.cdr_modules import MODULES
from conformance.clauses import Area
from conformance.expectation import NEVER, Allowed, Claim, EventRef, OneOf, Outcome, Within
from conformance.facts import READERS, Unobservable, describe
from conformance.model.predict import Alternative, Applied, in_full, predict
from conformance.model.variables import ON_EXECUTE
from conformance.observation import Observation, Placement, observe
from conformance.scenario import Event, Scenario
from conformance.times import Time

TOO_LATE = 0.4
"""Lateness of the control calls (seconds) from which no time is judged, and nothing held against
the switch: what comes first in a call is then no longer what its scenario means. Nor is anything
held against it in a call whose own stimuli came that late, whose times the model was told."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference between expectation and observation, as a full sentence."""

    clause: str
    leg: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of one placement.

    `exercised` are the clauses whose preconditions it met, `undecided` those whose times the host
    could not keep. `problem` is the suite's own fault, which keeps all from being judged. `times`
    are how long its bowouts took.
    """

    findings: tuple[Finding, ...]
    exercised: frozenset[str]
    undecided: frozenset[str] = frozenset()
    problem: str = ""
    times: tuple[Time, ...] = ()


def judge(scenario: Scenario, placement: Placement) -> Judgement:
    """Hold a placement against the model."""
    if placement.problem:
        return Judgement((), frozenset(), problem=placement.problem)
    seen = observe(scenario, placement)
    alternative, judgement = _nearest(seen)
    if judgement.findings and seen.alike:  # each module is told of
        judgement = hold(in_full(scenario, alternative, _modules(seen)).claims, seen)
    doubtful = judgement.findings and _stimuli_lateness(seen) > TOO_LATE
    return _undecided(judgement) if doubtful else judgement


def _undecided(judgement: Judgement) -> Judgement:
    """The same with nothing held against the switch."""
    clauses = frozenset(finding.clause for finding in judgement.findings)
    return replace(
        judgement,
        findings=(),
        exercised=judgement.exercised - clauses,
        undecided=judgement.undecided | clauses,
    )


def nearest(seen: Observation) -> Alternative:
    """The legal course that an observation is nearest to: the one that it is judged by."""
    return in_full(seen.scenario, _nearest(seen)[0], _modules(seen))


def _nearest(seen: Observation) -> tuple[Alternative, Judgement]:
    """That course, with claims about one module only where all wrote the same."""
    best: tuple[Alternative, Judgement] | None = None
    modules, applied = _modules(seen), applied_in(seen)
    judgement = Judgement((), frozenset())

    def findings() -> int:
        return len(judgement.findings)

    courses = predict(seen.scenario, applied, modules, alike=seen.alike, findings=findings)
    for alternative in courses:
        judgement = hold(alternative.claims, seen)
        nearer = best is None or len(judgement.findings) < len(best[1].findings)
        # A rare course explains a call that meets it wholly, and is no measure for any other.
        if not judgement.findings or (nearer and not alternative.rare):
            best = alternative, judgement
        if not judgement.findings:
            break
    assert best is not None
    return best


def _modules(seen: Observation) -> tuple[str, ...]:
    """The modules whose CDRs could be collected, in their order."""
    collected = seen.placement.modules_with_cdrs
    return tuple([module for module in MODULES if module in collected])


def applied_in(seen: Observation) -> Applied:
    """When the switch carried out the stimuli and the bowout on execution, by its own clock."""
    bowout = seen.first("loopback-b", "loopback::bowout")
    if bowout is None and _hands_over(seen):
        bowout = seen.first("loopback-b", "CHANNEL_HANGUP")  # the event alone is missing
    hung_up = seen.first("a-leg", "CHANNEL_HANGUP")
    if bowout and hung_up and hung_up.sequence < bowout.sequence:
        bowout = None  # the end of the a-leg cut the wait short
    if bowout is None or not (dialling := seen.by_leg.get("loopback-a")):
        return Applied(_delays(seen))
    return Applied(_delays(seen), stall=(bowout.at - dialling[0].at) / 1e6)


def _hands_over(seen: Observation) -> bool:
    """Whether loopback-b is to hand its plan over, and ran none of it itself."""
    unloops = seen.found[EventRef("a-leg", "CHANNEL_EXECUTE", 1, "unloop")] is not None
    ran = seen.named("loopback-b", "CHANNEL_EXECUTE")
    return unloops or (ON_EXECUTE in seen.scenario.text and not ran)


def _delays(seen: Observation) -> Mapping[int, float]:
    stimuli = seen.scenario.all_stimuli()
    delays = {}
    for applied in seen.placement.applied:
        moment = stimuli[applied.index].at
        anchor = _anchor(seen, moment.event, moment.leg)
        if applied.at is not None and anchor is not None:
            delays[applied.index] = (applied.at - anchor) / 1e6
    return delays


def _stimuli_lateness(seen: Observation) -> float:
    """By how many seconds the latest stimulus was carried out after it was due."""
    stimuli = seen.scenario.all_stimuli()
    late = (at - stimuli[index].at.delay_ms / 1000 for index, at in _delays(seen).items())
    return max(late, default=0.0)


def _anchor(seen: Observation, event: Event, leg: str) -> int | None:
    uuid = seen.uuids.get(leg)
    if uuid is None:
        return None
    for one in seen.events:
        if one.name == event and (one.leg == leg or one.get("Bridge-B-Unique-ID") == uuid):
            return one.at
    return None


def hold(claims: tuple[Claim, ...], seen: Observation) -> Judgement:
    """What an observation is judged by the claims of one course."""
    findings, exercised, undecided, times = [], set(), set(), []
    lateness = seen.placement.lateness
    late = lateness > TOO_LATE
    for claim in claims:
        clause, leg, fact, allowed = claim
        got = READERS[type(fact)](fact, seen)
        if isinstance(allowed, OneOf) and got in allowed.values:
            exercised.add(clause)  # as nearly all do, so first
            continue
        if isinstance(got, Unobservable):
            continue
        held = False
        if isinstance(allowed, Within) and not late:
            begin, end = allowed.bounds(lateness)
            seconds = got if isinstance(got, float) else None
            held = seconds is not None and begin <= seconds <= end
            if clause.startswith(_TIMED):
                times.append(Time(clause, allowed, seconds, begin, end))
        if late and not held:
            undecided.add(clause)
            continue
        exercised.add(clause)
        if not held:
            findings.append(Finding(clause, leg, _sentence(claim, got, lateness)))
    return Judgement(
        findings=tuple(findings),
        exercised=frozenset(exercised - undecided),
        undecided=frozenset(undecided),
        times=tuple(times),
    )


_TIMED = f"{Area.BOWOUT}."
"""How the clauses begin of whose times a run tells."""


def _sentence(claim: Claim, got: Outcome, lateness: float) -> str:
    expected = spell_allowed(claim.allowed, lateness)
    return f"{describe(claim.fact)} was {spell(got)}; expected {expected}"


def spell_allowed(allowed: Allowed, lateness: float) -> str:
    """What is allowed as a sentence has it, where the control calls were this late (seconds)."""
    if isinstance(allowed, OneOf):
        return " or ".join(sorted(spell(value) for value in allowed.values))
    early, late = (bound - allowed.nominal for bound in allowed.bounds(lateness))
    return f"{allowed.nominal:.2f} s, {early:+.2f} to {late:+.2f} s by the control calls"


def spell(value: Outcome) -> str:
    """An outcome as a sentence has it."""
    if value is None:
        return "absent"
    if value == NEVER:
        return NEVER
    if isinstance(value, bool):
        return "so" if value else "not so"
    if isinstance(value, float):
        return f"{value:.3f} s"
    if isinstance(value, tuple):
        return ", ".join(value) or "nothing"
    return repr(value) if isinstance(value, str) else str(value)
