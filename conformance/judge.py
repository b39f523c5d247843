"""The judge: an expectation against an observation gives findings; many of them give verdicts.

Pure: the same recording judged twice gives the same findings, in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conformance.expectation import NEVER, Allowed, Claim, OneOf, Outcome, Within
from conformance.facts import Unobservable, describe, outcome
from conformance.model.predict import Alternative, Applied, predict
from conformance.observation import Observation, Placement, observe
from conformance.scenario import Event, Scenario

TOO_LATE = 0.4
"""Lateness of the control calls (seconds) from which no time is judged, and nothing held against
the switch: what comes first in a call is then no longer what its scenario means."""


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
    could not keep. `problem` is the suite's own fault, which keeps all from being judged.
    """

    findings: tuple[Finding, ...]
    exercised: frozenset[str]
    undecided: frozenset[str] = frozenset()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A fact of a call in words: what was expected of it, what was observed, whether that is legal.

    Of a time `held` is told by the control calls' lateness, as in a judgement.
    """

    clause: str
    leg: str
    subject: str
    expected: str
    observed: str
    held: bool


def judge(scenario: Scenario, placement: Placement) -> Judgement:
    """Hold a placement against the model."""
    if placement.problem:
        return Judgement((), frozenset(), problem=placement.problem)
    return _nearest(scenario, observe(scenario, placement))[1]


def compare(scenario: Scenario, placement: Placement) -> tuple[Comparison, ...]:
    """Everything that the model claims of a call, beside what was observed.

    Of the courses that a call may take it is the one by which the placement is judged.
    """
    seen = observe(scenario, placement)
    lateness = placement.lateness
    found = []
    for claim in _nearest(scenario, seen)[0].claims:
        got = outcome(claim.fact, seen)
        if not isinstance(got, Unobservable):
            held = _allows(claim.allowed, got, lateness)
            words = (describe(claim.fact), _expected(claim.allowed, lateness), spell(got))
            found.append(Comparison(claim.clause, claim.leg, *words, held))
    return tuple(found)


def _nearest(scenario: Scenario, seen: Observation) -> tuple[Alternative, Judgement]:
    """The legal course that comes nearest to what was seen, and what speaks against it."""
    best: tuple[Alternative, Judgement] | None = None
    for alternative in predict(scenario, applied_in(seen)):
        judgement = _hold(alternative.claims, seen)
        nearer = best is None or len(judgement.findings) < len(best[1].findings)
        # A rare course explains a call that meets it wholly, and is no measure for any other.
        if not judgement.findings or (nearer and not alternative.rare):
            best = alternative, judgement
        if not judgement.findings:
            break
    assert best is not None
    return best


def applied_in(seen: Observation) -> Applied:
    """When the switch carried out the stimuli and the bowout on execution, by its own clock."""
    dialled = seen.first("loopback-a", "CHANNEL_OUTGOING")
    bowout = seen.first("loopback-b", "loopback::bowout")
    if bowout is None and any(
        e.get("Application") == "unloop" for e in seen.by_leg.get("a-leg", ())
    ):
        bowout = seen.first("loopback-b", "CHANNEL_HANGUP")  # the event alone is missing
    stall = (bowout.at - dialled.at) / 1e6 if dialled and bowout else None
    return Applied(_delays(seen), stall)


def _delays(seen: Observation) -> Mapping[int, float]:
    stimuli = seen.scenario.all_stimuli()
    delays = {}
    for applied in seen.placement.applied:
        moment = stimuli[applied.index].at
        anchor = _anchor(seen, moment.event, moment.leg)
        if applied.at is not None and anchor is not None:
            delays[applied.index] = (applied.at - anchor) / 1e6
    return delays


def _anchor(seen: Observation, event: Event, leg: str) -> int | None:
    uuid = seen.uuids.get(leg)
    for one in seen.events:
        if one.name == event and (one.leg == leg or one.get("Bridge-B-Unique-ID") == uuid):
            return one.at
    return None


def _hold(claims: tuple[Claim, ...], seen: Observation) -> Judgement:
    findings, exercised, undecided = [], set(), set()
    lateness = seen.placement.lateness
    late = lateness > TOO_LATE
    for claim in claims:
        clause, leg, fact, allowed = claim
        got = outcome(fact, seen)
        if isinstance(got, Unobservable):
            continue
        held = _allows(allowed, got, lateness)
        if late and (isinstance(allowed, Within) or not held):
            undecided.add(clause)
            continue
        exercised.add(clause)
        if not held:
            findings.append(Finding(clause, leg, _sentence(claim, got, lateness)))
    return Judgement(tuple(findings), frozenset(exercised - undecided), frozenset(undecided))


def _allows(allowed: Allowed, got: Outcome, lateness: float) -> bool:
    if isinstance(allowed, OneOf):
        return got in allowed.values
    early, late = allowed.bounds(lateness)
    return isinstance(got, int | float) and early <= got <= late


def _sentence(claim: Claim, got: Outcome, lateness: float) -> str:
    expected = _expected(claim.allowed, lateness)
    return f"{describe(claim.fact)} was {spell(got)}; expected {expected}"


def _expected(allowed: Allowed, lateness: float) -> str:
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
