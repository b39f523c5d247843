"""The judge: pure, undecided where the host was late, and plain about what it found."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from msgspec import structs

from conformance.clauses import CLAUSES
from conformance.expectation import Within
from conformance.judge import TOO_LATE, applied_in, judge
from conformance.model.predict import Applied, predict
from conformance.observation import AppliedStimulus, observe, role_of
from conformance.profile import Profile
from conformance.scenario import Event, UuidKill
from conformance.verdicts import JudgedScenario, Verdict, decide
from tests.recorded_calls import Call, Draft, by_hand, keeping

BOWOUT = "bowout.after-both-legs-answered"
ENDED = "CHANNEL_HANGUP"


def bowed_out() -> Call:
    """Give the simplest call of which a pair bowed out by bridge."""
    return keeping()[BOWOUT][0]


def changed(call: Call, *changes: Callable[[Draft], None]) -> Call:
    """Give a copy of a call with these changes."""
    draft = call.draft()
    for change in changes:
        change(draft)
    return draft.call()


def late_by(seconds: float) -> Callable[[Draft], None]:
    """Let the loopback legs leave later."""

    def change(draft: Draft) -> None:
        for role in draft.loopbacks:
            draft.shift(role, ENDED, seconds)

    return change


def no_such_extension(draft: Draft) -> None:
    draft.put("loopback-b", "CHANNEL_CREATE", "Caller-Destination-Number", "another")


def on_a_host(call: Call, lateness: float) -> Call:
    """Give the call beside control calls that were this late."""
    return replace(call, placement=replace(call.placement, lateness=lateness))


@pytest.mark.parametrize("odd", ["", "soon", 400 * "9", "-" + 400 * "9", 5000 * "9"])
@pytest.mark.parametrize("header", ["Event-Date-Timestamp", "Event-Sequence"])
def test_a_number_that_cannot_be_read_counts_as_none(header: str, odd: str) -> None:
    call = bowed_out()
    first, *others = call.placement.events
    placement = replace(call.placement, events=({**first, header: odd}, *others))
    seen = observe(call.scenario, placement).events[0]
    assert 0 in (seen.at, seen.sequence)
    assert judge(call.scenario, placement).exercised


def test_a_cdr_whose_number_is_far_too_long_is_held_against_the_switch() -> None:
    def change(draft: Draft) -> None:
        for name in ("billsec", "billusec", "answer_uepoch", "end_uepoch"):
            draft.record("a-leg", f"variables.{name}", 5000 * "9")

    assert {"cdr.billsec", "cdr.exact-duration"} <= clauses(changed(bowed_out(), change))


@pytest.mark.parametrize(("late", "held"), [(0.055, True), (0.1, False)])
def test_a_leg_may_notice_late_that_it_was_answered(late: float, held: bool) -> None:
    """By as much as a course of the model lets it; its CDR then covers that much less."""
    answered = "variables.answer_uepoch"

    def change(draft: Draft) -> None:
        begun = int(draft.recorded("loopback-a", answered)) + round(late * 1e6)
        draft.record("a-leg", answered, str(begun))

    found = clauses(changed(on_a_host(bowed_out(), 0.0), change))
    assert ("cdr.billsec-conserved" not in found) is held


def test_the_number_of_a_leg_is_bounded() -> None:
    headers = {"Channel-Name": "null/b" + 5000 * "1"}
    assert role_of(bowed_out().scenario, "token", headers, {}) is None


def clauses(call: Call) -> set[str]:
    """Give the clauses of the findings."""
    return {finding.clause for finding in call.judged().findings}


# --- the same again ------------------------------------------------------------------------------


def test_judging_twice_is_the_same() -> None:
    """A recording is evidence only if it says the same whenever it is judged."""
    for call in (*by_hand().values(), bowed_out(), changed(bowed_out(), late_by(1.0))):
        assert call.judged() == call.judged()


def test_headers_that_no_clause_speaks_of_change_nothing() -> None:
    def another_host(draft: Draft) -> None:
        for event in draft.events:
            event["FreeSWITCH-Hostname"] = "elsewhere"
            event["variable_sip_call_id"] = "x"

    assert changed(bowed_out(), another_host).judged() == bowed_out().judged()


def test_what_is_exercised_is_a_known_clause() -> None:
    for call in (*by_hand().values(), bowed_out()):
        judgement = call.judged()
        assert judgement.exercised <= set(CLAUSES)
        assert judgement.problem == ""


# --- findings ------------------------------------------------------------------------------------


def test_a_finding_says_what_was_and_what_should_have_been() -> None:
    (finding,) = (
        finding
        for finding in changed(bowed_out(), no_such_extension).judged().findings
        if finding.clause == "targets.extension"
    )
    target = bowed_out().scenario.target
    assert finding.leg == "loopback-b"
    assert finding.sentence.startswith(
        "Caller-Destination-Number at CHANNEL_CREATE of loopback-b was 'another'; "
        f"expected {getattr(target, 'extension', '')!r}"
    )


def test_a_time_is_told_with_its_band() -> None:
    (finding,) = (
        finding
        for finding in changed(bowed_out(), late_by(1.0)).judged().findings
        if finding.clause == BOWOUT
    )
    assert re.search(
        r"^the time from .* to CHANNEL_HANGUP of loopback-a was (?:2\.9|3\.)\d+ s; "
        r"expected 2\.00 s, -\d\.\d\d to \+\d\.\d\d s by the control calls",
        finding.sentence,
    )


def spoil_everything(draft: Draft) -> None:
    """Make a call wrong in many ways at once."""
    late_by(1.0)(draft)
    for role in list(draft.uuids):
        draft.put(role, ENDED, "Hangup-Cause", "EXCHANGE_ROUTING_ERROR")
        draft.put(role, "CHANNEL_HANGUP_COMPLETE", "variable_is_loopback", "maybe")
        draft.record(role, "variables.billsec", None)
        draft.record(role, "variables.duration", "99")
        draft.drop(role, "CHANNEL_DESTROY")
        draft.drop(role, "CHANNEL_ANSWER")
    draft.put("loopback-b", "CHANNEL_CREATE", "Channel-Name", "loopback/another-b")
    del draft.cdrs[draft.uuids["loopback-a"]]


@pytest.mark.parametrize("name", ["bowed out", *by_hand()])
def test_findings_are_sentences(name: str) -> None:
    """They stand in reports as they are: one line, a subject, what was seen, what was expected."""
    call = bowed_out() if name == "bowed out" else by_hand()[name]

    def spoil(draft: Draft) -> None:
        if draft.cdrs:
            spoil_everything(draft)
        else:
            draft.put("loopback-b", "CHANNEL_CREATE", "variable_loopback_leg", None)
            draft.drop("loopback-b", "CHANNEL_DESTROY")
            draft.put("loopback-a", ENDED, "Hangup-Cause", "WRONG_CALL_STATE")

    judgement = changed(call, spoil).judged()
    assert len(judgement.findings) >= 3
    for finding in judgement.findings:
        assert re.fullmatch(r"[^\n]+ was [^\n]+; expected [^\n]+", finding.sentence)
        assert not re.search(r"OneOf|Within|frozenset|\(\)|<|None|nan", finding.sentence)


def test_findings_are_of_exercised_clauses() -> None:
    """A clause cannot fail and be not verified at once."""
    judgement = changed(bowed_out(), spoil_everything).judged()
    assert {finding.clause for finding in judgement.findings} <= judgement.exercised


def test_of_the_legal_courses_the_nearest_is_judged_by() -> None:
    """Else a single fault in a racy call would come with all that another course expects."""
    call = changed(bowed_out(), no_such_extension)
    assert clauses(call) == {"targets.extension"}


# --- a late host ---------------------------------------------------------------------------------


def test_a_late_bowout_beside_control_calls_on_time_is_a_finding() -> None:
    call = on_a_host(changed(bowed_out(), late_by(1.0)), 0.0)
    assert BOWOUT in clauses(call)
    assert call.judged().undecided == frozenset()


def test_a_late_bowout_beside_late_control_calls_is_undecided() -> None:
    """A host that cannot keep time says nothing about the switch."""
    call = on_a_host(changed(bowed_out(), late_by(1.0)), TOO_LATE + 0.01)
    judgement = call.judged()
    assert BOWOUT in judgement.undecided
    assert BOWOUT not in judgement.exercised
    assert BOWOUT not in clauses(call)


def test_nothing_is_held_against_a_switch_on_a_late_host() -> None:
    """Which thread comes first is then chance: what differs is as undecided as a time."""
    call = on_a_host(changed(bowed_out(), no_such_extension), TOO_LATE + 0.01)
    judgement = call.judged()
    assert judgement.findings == ()
    assert "targets.extension" in judgement.undecided
    assert "targets.extension" not in judgement.exercised


def test_what_holds_on_a_late_host_counts() -> None:
    judgement = on_a_host(bowed_out(), TOO_LATE + 0.01).judged()
    assert {"targets.extension", "legs.pair-is-created"} <= judgement.exercised


def test_a_clause_with_one_claim_in_doubt_does_not_pass() -> None:
    """Else a late host turns a switch green that breaks the clause in every call."""

    def wrong_cause(draft: Draft) -> None:
        draft.put("loopback-a", ENDED, "Hangup-Cause", "EXCHANGE_ROUTING_ERROR")

    call = keeping()["legs.cause-crosses"][0]
    judgement = on_a_host(changed(call, wrong_cause), TOO_LATE + 0.01).judged()
    result = decide([JudgedScenario(call.scenario, (judgement,))])
    assert result.clauses["legs.cause-crosses"].verdict is not Verdict.PASS


def test_undecided_are_exactly_the_clauses_of_times() -> None:
    call = bowed_out()
    seen = observe(call.scenario, call.placement)
    claims = next(predict(call.scenario, applied_in(seen))).claims
    timed = {claim.clause for claim in claims if isinstance(claim.allowed, Within)}
    assert on_a_host(call, math.inf).judged().undecided == timed


def test_lateness_widens_the_band() -> None:
    """A little lateness is not yet a reason to say nothing."""
    by_a_quarter = changed(bowed_out(), late_by(0.3))
    assert BOWOUT in clauses(on_a_host(by_a_quarter, 0.0))
    assert BOWOUT not in clauses(on_a_host(by_a_quarter, 0.3))
    assert BOWOUT in on_a_host(by_a_quarter, 0.3).judged().exercised


def test_lateness_as_large_as_is_allowed_is_still_judged() -> None:
    assert BOWOUT in on_a_host(bowed_out(), TOO_LATE).judged().exercised


# --- what keeps a call from being judged ---------------------------------------------------------


def test_a_problem_of_the_suite_is_no_finding() -> None:
    """The suite's own fault must not be blamed on the switch, nor pass for a clean call."""
    call = changed(bowed_out(), spoil_everything)
    broken = replace(call, placement=replace(call.placement, problem="the connection was lost"))
    judgement = broken.judged()
    assert judgement.problem == "the connection was lost"
    assert (judgement.findings, judgement.exercised, judgement.undecided) == (
        (),
        frozenset(),
        frozenset(),
    )


def test_a_call_of_which_nothing_was_told_has_findings() -> None:
    """Silence is not conformance."""
    call = bowed_out()
    nothing = replace(call.placement, events=(), cdrs={})
    findings = judge(call.scenario, nothing).findings
    assert {"legs.pair-is-created", "legs.no-other-legs"} <= {f.clause for f in findings}


def test_cdrs_that_were_not_collected_are_not_judged() -> None:
    call = bowed_out()
    without = replace(call.placement, cdrs={}, modules_with_cdrs=())
    judgement = judge(call.scenario, without)
    assert judgement.findings == ()
    assert not {clause for clause in judgement.exercised if clause.startswith("cdr.")}


def test_cdrs_that_are_not_there_are_findings() -> None:
    call = bowed_out()
    judgement = judge(call.scenario, replace(call.placement, cdrs={}))
    assert {finding.clause for finding in judgement.findings} == {"cdr.one-for-each-leg"}


def test_a_leg_that_the_suite_had_to_sweep_did_not_go() -> None:
    call = bowed_out()
    leg = observe(call.scenario, call.placement).uuids["b-leg"]
    swept = replace(call, placement=replace(call.placement, swept=(leg,)))
    assert clauses(swept) == {"legs.all-gone-after-call"}


def test_the_profile_is_taken_into_account() -> None:
    """The same call conforms on a switch that is configured so, and not on another."""

    def identified_early(draft: Draft) -> None:
        for role in draft.loopbacks:
            for event in ("CHANNEL_CREATE", "CHANNEL_ANSWER"):
                draft.put(role, event, "variable_is_loopback", "1")

    call = changed(bowed_out(), identified_early)
    early = structs.replace(call.scenario, profile=Profile(early_set_loopback_id=True))
    assert clauses(call) == {"exports.is-loopback-not-before"}
    assert judge(early, call.placement).findings == ()
    assert judge(early, bowed_out().placement).findings != ()


# --- what the switch timed by itself -------------------------------------------------------------


def test_stimuli_count_from_the_moment_at_which_they_were_applied() -> None:
    """A client that is late with a command is not the switch's fault."""
    call = by_hand()["parked"]
    assert call.scenario.ending is not None
    assert isinstance(call.scenario.ending.deed, UuidKill)
    seen = observe(call.scenario, call.placement)
    assert applied_in(seen) == Applied({0: 3.0}, None)


def carried_out_late(call: Call, seconds: float) -> Call:
    """Give the call with its stimuli that much later, and a finding."""
    spoilt = changed(call, no_such_extension)
    applied = tuple(
        replace(one, at=one.at + round(seconds * 1e6))
        for one in spoilt.placement.applied
        if one.at is not None
    )
    return replace(spoilt, placement=replace(spoilt.placement, applied=applied))


def answers(call: Call) -> dict[str, float]:
    """When each leg was answered (seconds)."""
    draft = call.draft()
    found = {role: draft.find(role, "CHANNEL_ANSWER") for role in draft.uuids}
    return {
        role: int(str(events[0]["Event-Date-Timestamp"])) / 1e6
        for role, events in found.items()
        if events
    }


def test_a_leg_that_was_never_created_makes_no_stimulus_late() -> None:
    """What its events are is not known: the switch that lost it is not excused by them."""
    call = next(
        call
        for call in keeping()["legs.bridged-call-has-all-legs"]
        if call.scenario.ending is not None
        and call.scenario.ending.at.leg == "b-leg"
        and call.scenario.ending.at.event is Event.ANSWER
        and answers(call)["b-leg"] - min(answers(call).values()) > TOO_LATE
    )
    draft = call.draft()
    draft.drop("b-leg", "CHANNEL_CREATE")
    judgement = draft.call().judged()
    assert judgement.findings
    assert not judgement.undecided


def test_a_stimulus_that_came_late_leaves_undecided_what_does_not_hold() -> None:
    """What comes first is then not what the scenario means, though control calls kept time."""
    call = by_hand()["digits, to an empty target"]
    in_time = carried_out_late(call, TOO_LATE - 0.05).judged()
    assert "targets.empty-extension-is-service" in {finding.clause for finding in in_time.findings}
    late = carried_out_late(call, TOO_LATE + 0.05).judged()
    assert late.findings == ()
    assert "targets.empty-extension-is-service" in late.undecided - late.exercised


def test_what_holds_beside_a_late_stimulus_counts() -> None:
    late = carried_out_late(by_hand()["digits, to an empty target"], TOO_LATE + 0.05).judged()
    assert "legs.pair-is-created" in late.exercised


def test_a_stimulus_without_a_result_counts_from_its_plan() -> None:
    call = by_hand()["parked"]
    lost = replace(call.placement, applied=(AppliedStimulus(0, None, ""),))
    assert applied_in(observe(call.scenario, lost)).stimuli == {}


def test_a_stimulus_counts_from_a_bridge_as_peer_too() -> None:
    """A bridge is told once, as its caller's."""
    call = by_hand()["digits, to an empty target"]
    delays = applied_in(observe(call.scenario, call.placement)).stimuli
    assert delays == pytest.approx({0: 0.3, 1: 1.0})
