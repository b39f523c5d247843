"""A call in full: what is shown as expected is what it was judged by."""

from __future__ import annotations

import pytest

from conformance.comparison import Comparison, compare
from conformance.facts import describe
from conformance.judge import nearest
from conformance.observation import observe
from tests.recorded_calls import Call, keeping

CALLS = [
    keeping()[name][0]
    for name in (
        "bowout.after-both-legs-answered",
        "bowout.execute-hands-over",
        "bowout.bridges-real-legs",
        "legs.ringing-crosses",
        "targets.no-route",
        "exports.local-var-clobber",
    )
]


def compared(call: Call) -> Comparison:
    return compare(call.scenario, call.placement)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.scenario.id)
def test_of_a_call_that_conforms_everything_holds(call: Call) -> None:
    assert all(one.holds for one in compared(call).compared)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.scenario.id)
def test_the_clauses_are_those_that_the_judge_exercised(call: Call) -> None:
    assert {one.claim.clause for one in compared(call).compared} == call.judged().exercised


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.scenario.id)
def test_what_does_not_hold_is_what_the_judge_finds(call: Call) -> None:
    draft = call.draft()
    leg = draft.loopbacks[0]
    draft.put(leg, "CHANNEL_HANGUP", "Hangup-Cause", "CALL_REJECTED")
    draft.put(leg, "CHANNEL_CREATE", "variable_loopback_leg", "C")
    spoilt = draft.call()
    found = [(finding.clause, finding.leg) for finding in spoilt.judged().findings]
    broken = [one.claim for one in compared(spoilt).compared if not one.holds]
    assert [(claim.clause, claim.leg) for claim in broken] == found
    assert len(found) >= 2
    for claim, finding in zip(broken, spoilt.judged().findings, strict=True):
        assert finding.sentence.startswith(describe(claim.fact))


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.scenario.id)
def test_the_course_is_that_of_the_nearest_alternative(call: Call) -> None:
    alternative = nearest(observe(call.scenario, call.placement))
    found = compared(call)
    assert found.course == alternative.course
    assert {one.claim for one in found.compared} <= set(alternative.claims)
